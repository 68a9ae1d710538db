"""Columns of the lists: prices, deadlines and phases, annotated and in words."""

from datetime import date
from decimal import Decimal
from typing import Any

from django.urls import reverse
from django.utils import formats
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from engagements.choices import Phase, RateUnit, Standing, Status
from engagements.models import Engagement
from engagements.values.money import format_money

PHASE_COLOURS = {
    Phase.UPCOMING.value: "info",
    Phase.IN_PROGRESS.value: "success",
    Phase.NOTICE_WINDOW.value: "warning",
    Phase.ENDING.value: "warning",
    Phase.OVERDUE.value: "danger",
    Phase.CLOSED.value: "default",
}
STATUS_COLOURS = {
    Status.DRAFT.value: "default",
    Status.PENDING_APPROVAL.value: "warning",
    Status.ACTIVE.value: "success",
    Status.ENDED.value: "default",
    Status.TERMINATED.value: "danger",
    Status.CANCELLED.value: "default",
}
WORD_COLOURS = STATUS_COLOURS | PHASE_COLOURS
STANDING_COLOURS = {
    Standing.ACTIVE.value: "success",
    Standing.ON_HOLD.value: "warning",
    Standing.BLOCKED.value: "danger",
}
# A deadline this near is told with the days that are left.
NEAR_DAYS = 120


def engagement_link(engagement: Engagement) -> SafeString:
    """Return the title as a link, with reference and vendor (read along) below it."""
    return format_html(
        '<a class="text-link" href="{}">{}</a><span class="row-note">{} · {}</span>',
        reverse("admin:engagements_engagement_change", args=[engagement.pk]),
        engagement.title,
        engagement.reference,
        engagement.vendor,
    )


def price(row: Any) -> SafeString | None:
    """Return the annotated price of an engagement with what it is paid for."""
    if row.fee is not None:
        return money(row.fee, row.currency, _("a month"))
    if row.rate is not None:
        unit = _("a day") if row.unit == RateUnit.DAY else _("an hour")
        return money(row.rate, row.currency, unit)
    return None


def money(amount: Decimal, currency: str, unit: str = "") -> SafeString:
    text = format_money(amount, currency)
    if not unit:
        return format_html('<span class="figure">{}</span>', text)
    return format_html(
        '<span class="figure">{}</span> <span class="figure-unit">{}</span>', text, unit
    )


def figure(text: str) -> SafeString:
    return format_html('<span class="figure">{}</span>', text)


def deadline(day: date | None, today: date) -> SafeString | str | None:
    """Return a last day, with the days left where it is near."""
    if day is None:
        return None
    text = short_date(day)
    left = (day - today).days
    if left < 0 or left > NEAR_DAYS:
        return text
    words = ngettext("%(n)d day left", "%(n)d days left", left) % {"n": left}
    css = "deadline-close" if left <= 30 else "deadline-near"
    return format_html('{} <span class="{}">{}</span>', text, css, words)


def short_date(day: date) -> str:
    return formats.date_format(day, "DATE_FORMAT")
