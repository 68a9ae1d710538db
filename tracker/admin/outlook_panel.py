"""Earned, invoiced, owed, committed, expected: on the engagement's page, explained."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from engagements.admin.columns import short_date
from engagements.admin.panels import Panel, on_engagement_page
from engagements.models import Engagement, User
from engagements.permissions import sees_money
from engagements.values.money import format_money
from tracker.admin.explanations import Told, told
from tracker.spend.explained import Part
from tracker.spend.forecast import Forecast
from tracker.spend.outlook import Standing, standing_of


@dataclass(frozen=True)
class Figure:
    name: str
    amount: str
    note: str = ""
    lines: list[Told] = field(default_factory=list)
    empty: str = ""


@on_engagement_page
def outlook_panel(engagement: Engagement, user: User) -> Panel | None:
    """What is owed and bound today, for who sees the engagement's money."""
    if not sees_money(user):
        return None
    today = timezone.localdate()
    standing = standing_of(engagement, today=today)
    if standing is None:
        return None
    body = render_to_string(
        "tracker/admin/outlook_panel.html",
        {
            "as_of": _("As of %(day)s, in %(currency)s; each figure opens.")
            % {"day": short_date(today), "currency": engagement.currency},
            "figures": [
                *_owed(standing, engagement),
                *_bound(standing, engagement),
                *_expected(standing, engagement, today),
            ],
        },
    )
    accruals = reverse("admin:tracker_accrual_changelist")
    return Panel(
        title=_("Accrual, commitment and forecast"),
        body=mark_safe(body),  # noqa: S308 - a template's, which escapes
        link=f"{accruals}?engagement__id__exact={engagement.pk}",
        link_text=_("Month ends"),
    )


def _owed(standing: Standing, engagement: Engagement) -> Iterable[Figure]:
    position = standing.position
    earned, invoiced = position.explanation.parts[:2]
    estimated = ""
    if position.estimated:
        estimated = _("of which %(amount)s estimated") % {
            "amount": format_money(position.estimated, engagement.currency)
        }
    yield _figure(_("Earned to date"), earned, engagement, estimated)
    yield Figure(
        _("Invoiced for service to date"),
        format_money(position.invoiced, engagement.currency),
        lines=[told(part, engagement) for part in invoiced.parts],
        empty=_("Nothing is invoiced yet."),
    )
    if position.accrual or not position.prepayment:
        yield _named(_("Accrual"), position.accrual, [position.explanation], engagement)
    if position.prepayment:
        parts = [p for p in (position.ahead_explained,) if p.amount]
        if position.net < 0:
            parts.insert(0, position.explanation)
        yield _named(_("Prepayment"), position.prepayment, parts, engagement)


def _bound(standing: Standing, engagement: Engagement) -> Iterable[Figure]:
    commitment = standing.commitment
    if commitment is None or commitment.to_exit is None or commitment.until is None:
        return
    until = _("to %(day)s, the earliest exit") % {"day": short_date(commitment.until)}
    yield _figure(_("Committed"), commitment.to_exit, engagement, until)
    if commitment.to_end is not None and commitment.agreed_until is not None:
        end = _("to %(day)s") % {"day": short_date(commitment.agreed_until)}
        yield _figure(_("To the contract's end"), commitment.to_end, engagement, end)


def _expected(
    standing: Standing, engagement: Engagement, today: date
) -> Iterable[Figure]:
    forecast = standing.forecast
    yield _between(
        _("Forecast, fiscal year"),
        forecast,
        (standing.first, standing.year_end),
        engagement,
    )
    end = standing.contract_end
    if end is not None and end > standing.year_end:
        yield _between(
            _("Forecast, to the contract's end"),
            forecast,
            (standing.first, end),
            engagement,
        )


def _between(
    name: str, forecast: Forecast, span: tuple[date, date], engagement: Engagement
) -> Figure:
    low, expected, high = forecast.between(*span)
    variation = forecast.variation
    if variation.low is None:
        note = _("no range: fewer than three whole months")
    else:
        note = ngettext(
            "%(low)s to %(high)s, by %(count)d past month",
            "%(low)s to %(high)s, by %(count)d past months",
            variation.months,
        ) % {
            "low": format_money(low, engagement.currency),
            "high": format_money(high, engagement.currency),
            "count": variation.months,
        }
    months = [one.part for one in forecast.months if span[0] <= one.month <= span[1]]
    return _named(name, expected, [m for m in months if m.amount], engagement, note)


def _figure(name: str, part: Part, engagement: Engagement, note: str = "") -> Figure:
    return _named(name, part.amount, part.parts, engagement, note)


def _named(
    name: str,
    amount: Decimal,
    parts: Iterable[Part],
    engagement: Engagement,
    note: str = "",
) -> Figure:
    return Figure(
        name,
        format_money(amount, engagement.currency),
        note,
        [told(part, engagement) for part in parts],
        _("There is nothing in it."),
    )
