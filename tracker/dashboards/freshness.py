"""Whether the finance page that a browser kept is still what it would be given."""

from functools import cache
from hashlib import sha256
from pathlib import Path

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import get_language

from engagements.models import User
from engagements.permissions import departments_under, roles_of
from tracker.spend.overview import ledger_version, records_version

_PRODUCT = Path(__file__).parents[1]


def finance_etag(request: HttpRequest, slug: str = "") -> str | None:
    """Return a name for everything the page is made of; a change of any is another.

    That is the ledger, all records by their events, the day, who asks and for what,
    the session (its token is in the page) and the product itself.
    """
    user = request.user
    if not isinstance(user, User):
        return None
    parts = (
        ledger_version(),
        records_version(),
        timezone.localdate(),
        get_language(),
        request.get_full_path(),
        request.session.session_key,
        _person(user),
        settings.REPORTING_CURRENCY,
        settings.FISCAL_YEAR_START_MONTH,
        _release(),
    )
    return f'"{sha256(repr(parts).encode()).hexdigest()[:32]}"'


def _person(user: User) -> tuple[object, ...]:
    return (
        user.pk,
        user.get_username(),
        str(user),
        user.is_staff,
        user.has_usable_password(),
        sorted(roles_of(user)),
        sorted(departments_under(user)),
        sorted(user.get_all_permissions()),
    )


@cache
def _release() -> int:
    """Return when code or templates of the tracker were last put in place."""
    files = (f for kind in ("*.py", "*.html") for f in _PRODUCT.rglob(kind))
    return max(file.stat().st_mtime_ns for file in files)
