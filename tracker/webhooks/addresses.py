"""Which addresses are sent to: public ones by TLS, and nothing within the house."""

import re
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from django.conf import settings
from django.utils.translation import gettext as _
from requests import RequestException
from requests_hardened.ip_filter import InvalidIPAddress, filter_host

PORTS = (443, 8443)
LONGEST = 500
_LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
_SHAPE = re.compile(r"[!-~]+")


class AddressRefusedError(ValueError):
    """The address, or what its name resolves to, is not one to send to.

    The text is for whoever set it.
    """


@dataclass(frozen=True)
class Address:
    """A receiver's address taken apart; `target` is what the request line asks for."""

    scheme: str
    host: str
    port: int
    target: str

    @property
    def is_loopback(self) -> bool:
        return self.host in _LOOPBACK_NAMES

    @property
    def host_header(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        usual = {"https": 443, "http": 80}[self.scheme]
        return host if self.port == usual else f"{host}:{self.port}"


def read_address(url: str) -> Address:
    """Return the address; raises AddressRefusedError where it isn't one to send to."""
    if not _SHAPE.fullmatch(url) or len(url) > LONGEST:
        raise AddressRefusedError(
            _("Give an address of at most %(count)d ASCII characters without spaces.")
            % {"count": LONGEST}
        )
    address = _parsed(url)
    if address.is_loopback and settings.WEBHOOK_ALLOW_LOOPBACK:
        return address
    if address.scheme != "https" or address.port not in PORTS:
        raise AddressRefusedError(_("Give an address by https, on port 443 or 8443."))
    _check_literal(address)
    return address


def resolve(address: Address) -> str:
    """Return the numeric address to connect to, checked; brackets taken off.

    What was checked is what is connected to: the name is not asked again, so that it
    can't answer otherwise the second time. Raises AddressRefusedError where it leads
    into a private network, and OSError where it leads nowhere.
    """
    is_allowed = address.is_loopback and settings.WEBHOOK_ALLOW_LOOPBACK
    try:
        found: str = filter_host(address.host, address.port, allow_loopback=is_allowed)
    except UnicodeError:
        raise AddressRefusedError(_("The host's name is not one.")) from None
    except InvalidIPAddress:
        raise AddressRefusedError(_("The host leads to a private address.")) from None
    except RequestException as error:
        raise OSError("The host's name could not be resolved.") from error
    return found.strip("[]")


def _parsed(url: str) -> Address:
    try:
        parts = urlsplit(url)
        port = parts.port or {"https": 443, "http": 80}.get(parts.scheme, 0)
    except ValueError:
        raise AddressRefusedError(_("This is not an address.")) from None
    if parts.scheme not in ("https", "http") or not parts.hostname:
        raise AddressRefusedError(_("Give an address by https, on port 443 or 8443."))
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise AddressRefusedError(_("Leave out user name, password and fragment."))
    target = parts.path or "/"
    if parts.query:
        target = f"{target}?{parts.query}"
    return Address(parts.scheme, parts.hostname, port, target)


def _check_literal(address: Address) -> None:
    """Refuse numbers that could never be sent to, as soon as they are typed."""
    try:
        ip_address(address.host)
    except ValueError:
        if "." not in address.host:
            raise AddressRefusedError(_("Give the host's full name.")) from None
        return
    resolve(address)
