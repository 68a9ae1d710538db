"""Typed readers of the environment: a wrong value stops the start, by name."""

import os
import secrets
import tempfile
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any

import environ

BASE_DIR = Path(__file__).resolve().parent.parent

env = environ.Env()

ENVIRONMENTS = ("development", "test", "production")
LOG_FORMATS = ("text", "json")
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
SHORTEST_PRODUCTION_KEY = 50
OIDC_CLIENT = ("OIDC_CLIENT_ID", "OIDC_CLIENT_SECRET")


def one_of(name: str, *, default: str, allowed: tuple[str, ...]) -> str:
    """Return the word in variable `name`; raises SystemExit naming a wrong one."""
    word: str = env.str(name, default=default)
    if word not in allowed:
        raise SystemExit(f"{name} is {word!r}; it must be one of {', '.join(allowed)}.")
    return word


def amount(name: str) -> Decimal:
    """Return the amount in variable `name`, 0 where it is blank."""
    text = env.str(name, default="").strip()
    try:
        found = Decimal(text or 0)
    except InvalidOperation:
        found = Decimal("NaN")
    # What the database can hold, in ten-thousandths.
    if not found.is_finite() or not 0 <= found <= 10**14:
        raise SystemExit(f"{name} is {text!r}; it must be an amount such as 250000.")
    return found


def environment() -> str:
    """Return the kind of deployment."""
    return one_of("TRACKER_ENV", default="development", allowed=ENVIRONMENTS)


def data_dir() -> Path:
    """Return the folder that holds the embedded database, queue and uploads."""
    path = Path(env.str("DATA_DIR", default=str(BASE_DIR / "var"))).resolve()
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SystemExit(f"DATA_DIR {path} cannot be made: {error.strerror}.") from None
    return path


def secret_key(*, is_production: bool, data_dir: Path) -> str:
    """Return SECRET_KEY; a trial without one keeps its own key in `data_dir`."""
    key: str = env.str("SECRET_KEY", default="")
    if is_production and len(key) < SHORTEST_PRODUCTION_KEY:
        raise SystemExit(
            f"SECRET_KEY must be set, {SHORTEST_PRODUCTION_KEY} characters or longer, "
            "in production."
        )
    return key or trial_key(data_dir / "secret_key")


def trial_key(path: Path) -> str:
    """Return the key kept in `path`, made on first use, readable by its owner only."""
    if not path.exists():
        _keep_new_key(path)
    return path.read_text(encoding="ascii").strip()


def _keep_new_key(path: Path) -> None:
    # mkstemp gives mode 0600; the link appears whole or not at all, so that
    # processes starting together all read the same key.
    handle, draft = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(secrets.token_urlsafe(64))
    try:
        os.link(draft, path)
    except FileExistsError:
        return
    finally:
        os.unlink(draft)


def allowed_hosts(*, is_production: bool) -> list[str]:
    """Return the host names served; production must name its own."""
    hosts: list[str] = env.list("ALLOWED_HOSTS", default=[])
    if is_production and not hosts:
        raise SystemExit("ALLOWED_HOSTS must name the product's hosts in production.")
    return hosts or [".localhost", "127.0.0.1", "[::1]"]


def trusted_proxies() -> list[str]:
    """Return the addresses or networks whose X-Forwarded-* headers are believed."""
    proxies: list[str] = env.list("TRUSTED_PROXIES", default=[])
    for proxy in proxies:
        _network(proxy)
    return proxies


def _network(text: str) -> IPv4Network | IPv6Network:
    try:
        return ip_network(text)
    except ValueError as error:
        raise SystemExit(f"TRUSTED_PROXIES: {error}.") from None


def log_format() -> str:
    """Return how log lines are written: for machines in production."""
    default = "json" if environment() == "production" else "text"
    return one_of("LOG_FORMAT", default=default, allowed=LOG_FORMATS)


def log_level() -> str:
    return one_of("LOG_LEVEL", default="INFO", allowed=LOG_LEVELS)


@dataclass(frozen=True)
class Broker:
    """Where messages go: `transport` is None when the address alone says it."""

    url: str
    transport: str | None
    options: dict[str, Any]


def broker(*, default_url: str, data_dir: Path) -> Broker:
    """Return the broker named by BROKER_URL, or `default_url` when that is unset.

    With neither, messages are files in `data_dir`: enough for one machine, with
    nothing to install.
    """
    url: str = env.str("BROKER_URL", default=default_url)
    if url:
        return Broker(url=url, transport=None, options=_network_options(url))
    return _folder_broker(data_dir / "queue")


def _folder_broker(folder: Path) -> Broker:
    messages, control = folder / "messages", folder / "control"
    for part in (messages, control):
        part.mkdir(parents=True, exist_ok=True)
    return Broker(
        url="filesystem://localhost",
        transport="config.folder_broker:Transport",
        options={
            "data_folder_in": str(messages),
            "data_folder_out": str(messages),
            "control_folder": str(control),
            # Kombu's default of a second makes every task wait for one.
            "polling_interval": 0.2,
        },
    )


def _network_options(url: str) -> dict[str, Any]:
    if not url.startswith(("redis", "valkey", "sentinel")):
        return {}
    return {
        # Above the hard time limit of a task: a shorter one starts it again
        # and again while it runs.
        "visibility_timeout": 2 * 60 * 60,
        "unacked_restore_interval": 2,
        "unacked_restore_throttle": 1,
        # A broker that hangs must not hang the request that posts to it.
        "socket_timeout": 5,
        "socket_connect_timeout": 2,
        "socket_keepalive": True,
        "retry_on_timeout": True,
    }


def cache(*, is_test: bool, data_dir: Path) -> dict[str, Any]:
    """Return the cache that requests are counted in, one for all processes.

    That of one machine is a file in `data_dir`; several need the server that CACHE_URL
    names. Tests have one each.
    """
    url: str = env.str("CACHE_URL", default="")
    if url and not url.startswith(("redis://", "rediss://", "unix://")):
        raise SystemExit("CACHE_URL must be such as redis://host:6379/1.")
    if url:
        return {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": url,
            "KEY_PREFIX": "tracker",
            # Nobody waits long for a count.
            "OPTIONS": {"socket_timeout": 1, "socket_connect_timeout": 1},
        }
    if is_test:
        return {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
    return {
        "BACKEND": "config.shared_cache.SharedCache",
        "LOCATION": str(data_dir / "cache.sqlite3"),
    }


def identity_providers() -> dict[str, Any]:
    """Return what allauth is told of the OpenID Connect provider that OIDC_* names."""
    issuer: str = env.str("OIDC_ISSUER", default="")
    if not issuer:
        return {}
    if not issuer.startswith("https://") and environment() == "production":
        raise SystemExit("OIDC_ISSUER must be an https address in production.")
    client = {name: env.str(name, default="") for name in OIDC_CLIENT}
    for name, value in client.items():
        if not value:
            raise SystemExit(f"{name} must be set, since OIDC_ISSUER is.")
    app = {
        "provider_id": "sso",
        "name": env.str("OIDC_NAME", default="your organisation"),
        "client_id": client["OIDC_CLIENT_ID"],
        "secret": client["OIDC_CLIENT_SECRET"],
        "settings": {
            "server_url": issuer,
            "oauth_pkce_enabled": True,
            # Some, as Entra, don't say of an address whether it was verified.
            "verified_email": env.bool("OIDC_EMAILS_ARE_VERIFIED", default=False),
        },
    }
    return {"openid_connect": {"APPS": [app]}}
