"""What runs by itself when a month is over."""

from dataclasses import dataclass
from datetime import date

from django.db import transaction

from engagements import events
from tracker.jobs.models import JobRun
from tracker.spend.models import ClosedMonth
from tracker.spend.services.accruals import accrue
from tracker.spend.services.month_checklist import MonthChecklist, month_checklist

MONTH_END = "end of month"


@dataclass(frozen=True)
class MonthEnd:
    """What the month came to; `accrued` is in the reporting currency."""

    month: str
    engagements: int
    entries: int
    accrued: str
    refused: int
    blocking: int
    warning: int


def end_month(*, month: date, today: date) -> MonthEnd:
    """Accrue a month, and tell finance where something hinders its close.

    A month that was closed meanwhile is left as it is. Safe to repeat.
    """
    closed = ClosedMonth.objects.last_closed()
    if closed is not None and month <= closed:
        return MonthEnd(f"{month:%Y-%m}", 0, 0, "0", 0, 0, 0)
    run = accrue(month=month, today=today, actor=None)
    checklist = month_checklist(month=month, today=today)
    _tell(checklist)
    return MonthEnd(
        month=f"{month:%Y-%m}",
        engagements=len(run.rows),
        entries=run.entries,
        accrued=f"{run.accrued:f}",
        refused=len(run.refused),
        blocking=len(checklist.blocking),
        warning=len(checklist.warnings),
    )


@transaction.atomic
def _tell(checklist: MonthChecklist) -> None:
    """Tell once a month, by the run that reckoned it; nothing where all is well."""
    if not checklist.blocking and not checklist.warnings:
        return
    run = JobRun.objects.filter(name=MONTH_END, key=f"{checklist.month:%Y-%m}").first()
    if run is None:
        return
    events.record(
        event_type="month.hindered",
        subject=run,
        changes={
            "month": [None, checklist.month.isoformat()],
            "blocking": [None, len(checklist.blocking)],
            "warning": [None, len(checklist.warnings)],
            "items": [
                None,
                [item.code for item in (*checklist.blocking, *checklist.warnings)],
            ],
        },
        actor=None,
    )
