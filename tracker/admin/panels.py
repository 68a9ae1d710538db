"""What the tracker adds to the engagement's page."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.conf import settings
from django.db.models import Sum
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _

from engagements.admin.panels import Panel, on_engagement_page
from engagements.choices import ChargeKind
from engagements.models import Engagement, User
from engagements.permissions import sees_money
from engagements.values.money import format_money
from engagements.values.periods import add_months, month_of
from tracker.spend.models import MonthlySpend

MONTHS = 12
# The drawing's size, in its own units.
BAR_WIDTH, GAP, HEIGHT = 20, 4, 60


@dataclass(frozen=True)
class Bar:
    month: date
    amount: str
    x: int
    y: float
    height: float


@on_engagement_page
def spend_panel(engagement: Engagement, user: User) -> Panel | None:
    """Spend by month of the last year, in the reporting currency."""
    if not sees_money(user):
        return None
    last = month_of(timezone.localdate())
    months = [add_months(last, n - MONTHS + 1) for n in range(MONTHS)]
    by_month = _by_month(engagement, user, months[0], last)
    if not any(by_month.values()):
        return None
    total = sum(by_month.values(), Decimal(0))
    body = render_to_string(
        "tracker/admin/spend_panel.html",
        {
            "bars": _bars(months, by_month),
            "total": format_money(total, settings.REPORTING_CURRENCY),
            "width": MONTHS * (BAR_WIDTH + GAP),
            "bar_width": BAR_WIDTH,
            "height": HEIGHT,
        },
    )
    ledger = reverse("admin:tracker_ledgerentry_changelist")
    return Panel(
        title=_("Spend, last 12 months"),
        body=mark_safe(body),  # noqa: S308 - a template's, which escapes
        link=f"{ledger}?engagement__id__exact={engagement.pk}",
        link_text=_("Ledger"),
    )


def _by_month(
    engagement: Engagement, user: User, first: date, last: date
) -> dict[date, Decimal]:
    rows = (
        MonthlySpend.objects.visible_to(user)
        .filter(engagement_id=engagement.pk, month__range=(first, last))
        .exclude(charge_kind=ChargeKind.TAX)
        .values_list("month")
        .annotate(spent=Sum("reporting_amount"))
    )
    amounts: dict[date, Decimal] = defaultdict(Decimal)
    amounts.update(dict(rows))
    return amounts


def _bars(months: list[date], by_month: dict[date, Decimal]) -> list[Bar]:
    largest = max((by_month[month] for month in months), default=Decimal(0))
    bars = []
    for index, month in enumerate(months):
        share = max(by_month[month], Decimal(0)) / largest if largest > 0 else 0
        height = round(float(share) * HEIGHT, 1)
        bars.append(
            Bar(
                month=month,
                amount=format_money(by_month[month], settings.REPORTING_CURRENCY),
                x=index * (BAR_WIDTH + GAP),
                y=round(HEIGHT - height, 1),
                height=height,
            )
        )
    return bars
