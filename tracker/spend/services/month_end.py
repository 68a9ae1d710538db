"""What runs by itself when a month is over."""

from dataclasses import dataclass
from datetime import date

from django.db import transaction

from engagements import events
from engagements.models import User
from tracker.jobs.models import JobRun
from tracker.spend.models import ClosedMonth
from tracker.spend.services.accruals import AccrualRun, accrue
from tracker.spend.services.month_checklist import MonthChecklist, month_checklist
from tracker.spend.services.outlooks import OutlookRun, keep_outlooks

MONTH_END = "end of month"


@dataclass(frozen=True)
class MonthReckoned:
    """What a month's end came to: what is owed, and what is bound and expected."""

    accruals: AccrualRun
    outlooks: OutlookRun


@dataclass(frozen=True)
class MonthEnd:
    """What the month came to; the amounts are in the reporting currency.

    `kept` outlooks are those that differ from what was kept before.
    """

    month: str
    engagements: int
    entries: int
    accrued: str
    refused: int
    blocking: int
    warning: int
    kept: int = 0
    committed: str = "0"
    expected: str = "0"


def reckon_month(
    *, month: date, today: date, is_trial: bool = False, actor: User | None
) -> MonthReckoned:
    """Accrue a month that is over, and keep what was committed and expected then.

    Safe to repeat: only what changed is stored and posted, of a trial nothing. Raises
    MonthNotOverError, MonthClosedError.
    """
    return MonthReckoned(
        accrue(month=month, today=today, is_trial=is_trial, actor=actor),
        keep_outlooks(month=month, today=today, is_trial=is_trial, actor=actor),
    )


def end_month(*, month: date, today: date) -> MonthEnd:
    """Reckon a month's end, and tell finance where something hinders its close.

    A month that was closed meanwhile is left as it is. Safe to repeat.
    """
    closed = ClosedMonth.objects.last_closed()
    if closed is not None and month <= closed:
        return MonthEnd(f"{month:%Y-%m}", 0, 0, "0", 0, 0, 0)
    reckoned = reckon_month(month=month, today=today, actor=None)
    run, outlooks = reckoned.accruals, reckoned.outlooks
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
        kept=outlooks.changed,
        committed=f"{outlooks.committed:f}",
        expected=f"{outlooks.expected:f}",
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
