"""One mail to one person: HTML and text of the same lines."""

from collections.abc import Sequence
from datetime import date

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.urls import reverse

from engagements.choices import Renewal
from engagements.models import Engagement, User
from tracker.notify.due import Deadline
from tracker.notify.wording import Line, full_day, sections, subject


def digest_line(
    engagement: Engagement, deadline: Deadline, *, today: date, is_escalation: bool
) -> Line:
    return Line(
        kind=deadline.kind,
        falls_on=deadline.falls_on,
        days_left=(deadline.falls_on - today).days,
        reference=engagement.reference,
        title=engagement.title,
        vendor=engagement.vendor.legal_name,
        outcome=outcome(engagement),
        address=_address("admin:engagements_engagement_change", engagement.pk),
        owner=str(engagement.manager) if is_escalation else "",
    )


def outcome(engagement: Engagement) -> str:
    """Say what happens at the term's end if nobody does anything."""
    if engagement.term_ends_on is None:
        return ""
    day = full_day(engagement.term_ends_on)
    if engagement.renewal == Renewal.AUTO:
        months = engagement.renewal_term_months
        unit = "month" if months == 1 else "months"
        return f"Renews by itself for {months} {unit} after {day}."
    return f"Its term ends on {day}."


def digest(
    *, person: User, lines: Sequence[Line], today: date
) -> EmailMultiAlternatives:
    """Return the mail, unsent."""
    title = subject(lines, today)
    context = {
        "subject": title,
        "person": person,
        "sections": sections(lines),
        "calendar": _address("tracker:calendar"),
    }
    mail = EmailMultiAlternatives(
        subject=title,
        body=render_to_string("tracker/notify/digest.txt", context),
        to=[person.email],
        headers={"Auto-Submitted": "auto-generated"},
    )
    mail.attach_alternative(
        render_to_string("tracker/notify/digest.html", context), "text/html"
    )
    return mail


def _address(name: str, *arguments: int) -> str:
    """Return the full address of a page, empty where the product's own isn't known."""
    if not settings.PUBLIC_URL:
        return ""
    return f"{settings.PUBLIC_URL}{reverse(name, args=arguments)}"
