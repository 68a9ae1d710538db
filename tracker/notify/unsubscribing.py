"""The link in a mail's head by which it is the last of its kind (RFC 8058)."""

from enum import StrEnum

from django.conf import settings
from django.core import signing
from django.urls import reverse

from engagements.models import User

_SALT = "tracker.notify.unsubscribe"
# A mail older than this has been read or never will be.
_YEARS_2 = 2 * 366 * 24 * 60 * 60


class Mailing(StrEnum):
    DIGEST = "digest"
    ALERTS = "alerts"
    PAGES = "pages"


def unsubscribe_headers(user: User, mailing: Mailing) -> dict[str, str]:
    """Return the mail's headers; none where no page can be reached by https.

    One click is a POST by the mail program, which the standard wants encrypted.
    """
    if not settings.PUBLIC_URL.startswith("https://"):
        return {}
    path = reverse("tracker:unsubscribe", args=[token_for(user, mailing)])
    return {
        "List-Unsubscribe": f"<{settings.PUBLIC_URL}{path}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }


def token_for(user: User, mailing: Mailing) -> str:
    token: str = signing.dumps([user.pk, mailing.value], salt=_SALT)
    return token


def read_token(token: str) -> tuple[User, Mailing] | None:
    """Return whose mails of which kind the token ends; None where it ends none."""
    try:
        user_id, mailing = signing.loads(token, salt=_SALT, max_age=_YEARS_2)
    except signing.BadSignature:
        return None
    user = User.objects.filter(pk=user_id, is_active=True).first()
    return (user, Mailing(mailing)) if user else None
