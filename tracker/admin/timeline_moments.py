"""What the tracker tells of an engagement's life: work and money by month, flags."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal

from django.conf import settings
from django.db.models import Sum
from django.db.models.functions import TruncMonth
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from engagements.admin.inputs import plain_number
from engagements.admin.timeline import Asked, Moment, has_been
from engagements.admin.timeline_moments import told_otherwise
from engagements.choices import ChargeKind
from engagements.permissions import sees_money
from engagements.values.money import format_money
from engagements.values.periods import last_day_of_month, month_of
from tracker.admin.verdict import percent
from tracker.fit.models import Flag
from tracker.spend.models import Basis, MonthlySpend, WorkLog

told_otherwise(
    "engagement.work_logged",
    "engagement.invoiced",
    "engagement.payments_posted",
    "model_flag.raised",
)


@has_been
def months(asked: Asked) -> Iterable[Moment]:
    """One moment a month: what was billed or paid, what is not billed yet, hours."""
    last = _last_month(asked)
    spent, hours = _spent(asked, last), _hours(asked, last)
    newest = sorted({*spent, *hours}, reverse=True)[: asked.limit]
    ledger = reverse("admin:tracker_ledgerentry_changelist")
    link = f"{ledger}?engagement__id__exact={asked.engagement.pk}"
    return [
        Moment(
            day=min(last_day_of_month(month), asked.today),
            sentence=_month(month, spent.get(month, {}), hours.get(month)),
            link=link if month in spent else "",
            link_text=_("Ledger"),
            order=-1,
        )
        for month in newest
    ]


def _last_month(asked: Asked) -> date:
    """Return the last month whose day of telling comes before the page's end."""
    if asked.before > asked.today:
        return month_of(asked.today)
    month = month_of(asked.before)
    return month_of(month - timedelta(days=1))


def _spent(asked: Asked, last: date) -> dict[date, dict[str, Decimal]]:
    if not sees_money(asked.user):
        return {}
    rows = (
        MonthlySpend.objects.visible_to(asked.user)
        .filter(engagement_id=asked.engagement.pk, month__lte=last)
        .exclude(charge_kind=ChargeKind.TAX)
        .values_list("month", "basis")
        .annotate(total=Sum("reporting_amount"))
        .order_by("-month")
    )
    found: dict[date, dict[str, Decimal]] = defaultdict(dict)
    # At most two bases a month.
    for month, basis, total in rows[: asked.limit * len(Basis)]:
        if total:
            found[month][basis] = total
    return found


def _hours(asked: Asked, last: date) -> dict[date, Decimal]:
    if not asked.user.has_perm("tracker.view_worklog"):
        return {}
    rows = (
        WorkLog.objects.visible_to(asked.user)
        .counted()
        .filter(
            engagement_id=asked.engagement.pk,
            worked_on__lte=last_day_of_month(last),
        )
        .order_by()
        .annotate(month=TruncMonth("worked_on"))
        .values_list("month")
        .annotate(total=Sum("hours"))
        .order_by("-month")
    )
    return dict(rows[: asked.limit])


def _month(month: date, spent: dict[str, Decimal], hours: Decimal | None) -> str:
    currency = settings.REPORTING_CURRENCY
    parts = []
    if spent.get(Basis.ACTUAL):
        amount = format_money(spent[Basis.ACTUAL], currency)
        parts.append(_("%(amount)s billed or paid") % {"amount": amount})
    if spent.get(Basis.ACCRUED):
        amount = format_money(spent[Basis.ACCRUED], currency)
        parts.append(_("%(amount)s worked and not billed") % {"amount": amount})
    if hours:
        parts.append(_("%(hours)s hours logged") % {"hours": plain_number(hours)})
    return _("%(month)s: %(what)s.") % {
        "month": date_format(month, "YEAR_MONTH_FORMAT"),
        "what": ", ".join(parts) or _("nothing left after reversals"),
    }


def _flag_in_words(row: Flag) -> str:
    if not row.leaning:
        return _("Flag: %(reason)s.") % {"reason": row.strongest_reason}
    return _("Flag: %(model)s would fit better (%(share)s).") % {
        "model": row.get_leaning_display().lower(),
        "share": percent(row.opposition),
    }


@has_been
def flags(asked: Asked) -> Iterable[Moment]:
    if not asked.user.has_perm("tracker.view_flag"):
        return []
    rows = (
        Flag.objects.visible_to(asked.user)
        .filter(engagement_id=asked.engagement.pk, raised_on__lt=asked.before)
        .order_by("-raised_on", "-id")
    )
    return [
        Moment(
            row.raised_on,
            _flag_in_words(row),
            link=reverse("admin:tracker_flag_change", args=[row.pk]),
            link_text=str(row.get_state_display()),
        )
        for row in rows[: asked.limit]
    ]
