"""What to look at before a month is closed: what blocks it, what only warns."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date

from django.conf import settings
from django.db import models
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from engagements.choices import Status
from engagements.models import Engagement
from engagements.values.periods import last_day_of_month, month_of
from tracker.spend.fx import old_rates
from tracker.spend.models import (
    Accrual,
    ExchangeRate,
    Invoice,
    InvoiceStatus,
    LedgerEntry,
    MonthOutlook,
    Timesheet,
    TimesheetStatus,
)
from tracker.spend.services.accruals import AccrualRun, accrue
from tracker.spend.services.month_close import (
    MonthClosing,
    MonthObstacle,
    before_closing_month,
)
from tracker.spend.services.rates import old_rates_in_words
from tracker.spend.services.verification import verify_ledger


@dataclass(frozen=True)
class ChecklistItem:
    """One thing to look at: how many are open, and the list that shows them.

    `remark` says more where a list can't: what differs, which rate is missing.
    """

    code: str
    title: str
    count: int
    is_blocking: bool
    rows: type[models.Model] | None = None
    where: Mapping[str, str] = field(default_factory=dict)
    remark: str = ""

    @property
    def is_done(self) -> bool:
        return self.count == 0


@dataclass(frozen=True)
class MonthChecklist:
    """All items, those that block first."""

    month: date
    items: list[ChecklistItem]

    @property
    def blocking(self) -> list[ChecklistItem]:
        return [one for one in self.items if one.is_blocking and not one.is_done]

    @property
    def warnings(self) -> list[ChecklistItem]:
        return [one for one in self.items if not one.is_blocking and not one.is_done]

    @property
    def is_ready(self) -> bool:
        return not self.blocking


# Told the month; returns its items.
Check = Callable[[date], list[ChecklistItem]]

_CHECKS: list[Check] = []


def on_month_checklist(check: Check) -> Check:
    """Register items of the checklist; told in the order of registration."""
    if check not in _CHECKS:
        _CHECKS.append(check)
    return check


def month_checklist(*, month: date, today: date) -> MonthChecklist:
    """Return what stands in the way of closing a month that is over, or might.

    Raises MonthNotOverError and MonthClosedError.
    """
    month = month_of(month)
    run = accrue(month=month, today=today, is_trial=True, actor=None)
    items = [*_accruals(run), *_roll_ups(), *_invoices(month), *_sheets(month)]
    items += [*_outlooks(month), *_old_rates(month)]
    items += [item for check in _CHECKS for item in check(month)]
    return MonthChecklist(month, sorted(items, key=lambda one: not one.is_blocking))


@before_closing_month
def blocking_items(closing: MonthClosing) -> list[MonthObstacle]:
    """Keep a month open as long as something blocks."""
    found = month_checklist(month=closing.month, today=date.max)
    return [
        MonthObstacle(_sentence(item), rows=item.rows, where=item.where)
        for item in found.blocking
    ]


def _sentence(item: ChecklistItem) -> str:
    told = f"{item.title}: {item.count}."
    return f"{told} {item.remark}" if item.remark else told


def _accruals(run: AccrualRun) -> list[ChecklistItem]:
    month = {"month__exact": run.month.isoformat()}
    estimated = sum(1 for row in run.rows if row.estimated)
    return [
        ChecklistItem(
            "accruals",
            _("Accruals not reckoned, or out of date"),
            run.changed,
            is_blocking=True,
            rows=Accrual,
            where=month,
        ),
        ChecklistItem(
            "rates",
            _("Exchange rates missing"),
            len(run.refused),
            is_blocking=True,
            rows=ExchangeRate,
            remark=" ".join(run.refused.values()),
        ),
        ChecklistItem(
            "missing_sheets",
            _("Contractors with hours estimated, for want of timesheets"),
            estimated,
            is_blocking=False,
            rows=Accrual,
            where=month,
        ),
    ]


def _outlooks(month: date) -> list[ChecklistItem]:
    """Tell of a month whose outlook would be lost once it is closed."""
    if MonthOutlook.objects.filter(month=month).exists():
        unkept = 0
    else:
        unkept = Engagement.objects.filter(status=Status.ACTIVE).count()
    return [
        ChecklistItem(
            "outlooks",
            _("Commitments and forecast of the month's end not kept"),
            unkept,
            is_blocking=False,
            rows=MonthOutlook,
        )
    ]


def _old_rates(month: date) -> list[ChecklistItem]:
    posted = LedgerEntry.objects.filter(booked_month=month).order_by()
    posted = posted.exclude(currency=settings.REPORTING_CURRENCY)
    currencies = posted.values_list("currency", flat=True).distinct()
    found = old_rates([*currencies], day=last_day_of_month(month))
    return [
        ChecklistItem(
            "old_rates",
            _("Exchange rates out of date at the month's end"),
            len(found),
            is_blocking=False,
            rows=ExchangeRate,
            remark=old_rates_in_words(found),
        )
    ]


def _roll_ups() -> list[ChecklistItem]:
    found = verify_ledger()
    return [
        ChecklistItem(
            "roll_ups",
            _("Differences between the ledger and what is derived from it"),
            found.differences,
            is_blocking=True,
            rows=LedgerEntry,
            remark="" if found.is_exact else _("Run verify_ledger, which names each."),
        )
    ]


def _invoices(month: date) -> list[ChecklistItem]:
    titles = {
        InvoiceStatus.DRAFT: (_("Invoices drafted and not posted"), True),
        InvoiceStatus.DISPUTED: (_("Invoices disputed"), False),
        InvoiceStatus.RECEIVED: (_("Invoices not matched"), False),
    }
    last = last_day_of_month(month)
    counts = dict(
        Invoice.objects.filter(status__in=titles, issued_on__lte=last)
        .order_by()
        .values_list("status")
        .annotate(count=models.Count("pk"))
    )
    return [
        ChecklistItem(
            f"invoices_{status.value}",
            title,
            counts.get(status.value, 0),
            is_blocking=is_blocking,
            rows=Invoice,
            where={"status__exact": status.value},
        )
        for status, (title, is_blocking) in titles.items()
    ]


def _sheets(month: date) -> list[ChecklistItem]:
    """Hours that wait for approval count already; a rejection would take them back."""
    waiting = Timesheet.objects.filter(
        status=TimesheetStatus.SUBMITTED, starts_on__lte=last_day_of_month(month)
    )
    return [
        ChecklistItem(
            "unapproved_sheets",
            _("Timesheets waiting for approval"),
            waiting.count(),
            is_blocking=False,
            rows=Timesheet,
            where={"status__exact": TimesheetStatus.SUBMITTED.value},
        )
    ]


def open_items_in_words(checklist: MonthChecklist) -> str:
    """Return such as "2 block, 3 warn"."""
    blocking, warning = len(checklist.blocking), len(checklist.warnings)
    return ", ".join(
        (
            ngettext("%(n)d item blocks", "%(n)d items block", blocking)
            % {"n": blocking},
            ngettext("%(n)d warns", "%(n)d warn", warning) % {"n": warning},
        )
    )
