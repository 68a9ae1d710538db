"""How every mail is made: HTML and text of one content, links, and ways out."""

import unicodedata
from contextlib import AbstractContextManager
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation

from engagements.models import User
from tracker.notify.unsubscribing import Mailing, unsubscribe_headers

SUBJECT_LENGTH = 160


def written_mail(
    *,
    person: User,
    subject: str,
    template: str,
    context: dict[str, Any],
    mailing: Mailing | None,
) -> EmailMultiAlternatives:
    """Return the mail, unsent; `mailing` is what one click ends, if anything."""
    title = one_line(subject)
    filled = context | {
        "subject": title,
        "person": person,
        "preferences": page_address("admin:tracker_notificationpreference_own"),
    }
    headers = {"Auto-Submitted": "auto-generated"}
    if mailing is not None:
        headers |= unsubscribe_headers(person, mailing)
    mail = EmailMultiAlternatives(
        subject=title,
        body=render_to_string(f"tracker/notify/{template}.txt", filled),
        to=[person.email],
        headers=headers,
    )
    html = render_to_string(f"tracker/notify/{template}.html", filled)
    mail.attach_alternative(html, "text/html")
    return mail


def language_of(person: User) -> AbstractContextManager[None]:
    """Let what is written within be in the language that the person chose."""
    return translation.override(person.language or settings.LANGUAGE_CODE)


def one_line(text: str) -> str:
    """Return the text fit for a header: no control or format characters, not long."""
    plain = "".join(
        " " if unicodedata.category(each).startswith(("C", "Z")) else each
        for each in text
    )
    words = " ".join(plain.split())
    if len(words) <= SUBJECT_LENGTH:
        return words
    return words[: SUBJECT_LENGTH - 1].rstrip() + "…"


def page_address(name: str, *arguments: int) -> str:
    """Return the full address of a page, empty where the product's own isn't known."""
    return site_address(reverse(name, args=arguments))


def site_address(path: str) -> str:
    """Return the same of a path; empty of none."""
    return f"{settings.PUBLIC_URL}{path}" if settings.PUBLIC_URL and path else ""
