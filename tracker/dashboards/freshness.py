"""Whether a page is still what it was: for browsers that kept it, and for `kept`."""

import secrets
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import cast

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import get_language

from engagements.choices import Role
from engagements.models import User
from engagements.permissions import (
    SEES_ALL,
    SEES_MONEY,
    departments_under,
    roles_of,
)
from tracker.spend.overview import data_version

_PRODUCT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Freshness:
    """Names of what is shown: `etag` of the whole page, for one person and session;
    `content` of what it tells, alike for all who may see the same."""

    etag: str
    content: str


def finance_etag(request: HttpRequest, slug: str = "") -> str | None:
    """Return a name for everything the page is made of; a change of any is another."""
    return freshness_of(request).etag if isinstance(request.user, User) else None


def freshness_of(request: HttpRequest) -> Freshness:
    """Return the names of what a person is shown; read once a request, before it is.

    What is made after it may be newer than its name says, and never older.
    """
    known: Freshness | None = getattr(request, "_freshness", None)
    if known is None:
        # Whom `login_required` has let in.
        user = cast(User, request.user)
        content = content_name(user, request.get_full_path())
        etag = f'"{_digest(content, _person(request, user))[:32]}"'
        known = Freshness(etag, content)
        setattr(request, "_freshness", known)  # noqa: B010 - beside what is Django's
    return known


def content_name(user: User, address: str) -> str:
    """Return a name for what the address tells whoever sees the same as the user.

    That is made of the ledger, all records by their events, the day, the language,
    the user's rights and scope, and the product itself. While a job changes what no
    event tells of, every name is new.
    """
    version = data_version()
    return _digest(
        version,
        secrets.token_hex() if version.is_moving else "",
        timezone.localdate(),
        get_language(),
        address,
        _sight(user),
        settings.REPORTING_CURRENCY,
        settings.FISCAL_YEAR_START_MONTH,
        _release(),
    )


def _digest(*parts: object) -> str:
    return sha256(repr(parts).encode()).hexdigest()


def _sight(user: User) -> tuple[object, ...]:
    """Return what decides which rows and links somebody gets.

    Whom nothing narrows shares it with others of the same roles and permissions.
    """
    roles = roles_of(user)
    is_narrowed = Role.MANAGER in roles or not roles & SEES_ALL & SEES_MONEY
    return (
        sorted(roles),
        sorted(user.get_all_permissions()),
        user.is_staff,
        (user.pk, sorted(departments_under(user))) if is_narrowed else None,
    )


def _person(request: HttpRequest, user: User) -> tuple[object, ...]:
    """Return what stands around the content; the session's token is in it."""
    return (
        request.session.session_key,
        user.pk,
        user.get_username(),
        str(user),
        user.has_usable_password(),
    )


@cache
def _release() -> int:
    """Return when code or templates of the tracker were last put in place."""
    files = (f for kind in ("*.py", "*.html") for f in _PRODUCT.rglob(kind))
    return max(file.stat().st_mtime_ns for file in files)
