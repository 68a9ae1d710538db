"""Whose request it is, when proxies stand before us."""

from ipaddress import ip_address, ip_network

from django.conf import settings
from django.http import HttpRequest


def client_address(request: HttpRequest) -> str:
    """Return the nearest address that is not one of TRUSTED_PROXIES.

    X-Forwarded-For is read from its right end, where our own proxies write; what
    stands further left can be anyone's invention.
    """
    peer: str = request.META.get("REMOTE_ADDR", "")
    forwarded = request.headers.get("X-Forwarded-For", "")
    hops = [hop.strip() for hop in forwarded.split(",") if hop.strip()]
    while hops and is_trusted_proxy(peer):
        peer = hops.pop()
    return peer


def is_trusted_proxy(address: str) -> bool:
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    return any(parsed in ip_network(proxy) for proxy in settings.TRUSTED_PROXIES)
