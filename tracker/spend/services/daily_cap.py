"""A ceiling on what is billed and paid into the ledger in one day, where one is set.

What is counted is what invoices and imported payments add: not tax, nor what is taken
back, nor accruals, which reverse. A day is one of the product's time zone.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date
from decimal import Decimal

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Sum
from django.utils import timezone
from django.utils.translation import gettext as _

from engagements.choices import ChargeKind
from engagements.errors import TrackerError
from engagements.queries import administrators
from engagements.values.money import format_money
from tracker.spend.models import BEYOND_CAP, Basis, CappedPosting, LedgerEntry

NOTHING = Decimal(0)
_NAMED = 3


class DailyCapError(TrackerError):
    """More would be posted in a day than the cap lets."""


@contextmanager
def within_daily_cap() -> Iterator[None]:
    """A transaction whose refusal by the cap at commit is told as DailyCapError.

    Within another transaction it is for that one's owner to tell (`told_at_commit`).
    """
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        refusal = told_at_commit(error)
        if refusal is None:
            raise
        raise refusal from error


def told_at_commit(error: IntegrityError) -> DailyCapError | None:
    """Return what the database's refusal says where it is the cap's, else None.

    Asked once the transaction is over: by then it is known what others posted.
    """
    if BEYOND_CAP not in str(error):
        return None
    return DailyCapError(
        _(
            "At most %(cap)s is billed or paid in a day. Others posted at the same"
            " moment, and today it is %(so_far)s by now: this would be too much. Post"
            " it tomorrow, or ask %(names)s to raise the cap, the setting"
            " DAILY_POSTING_CAP."
        )
        % {
            "cap": _money(settings.DAILY_POSTING_CAP or NOTHING),
            "so_far": _money(posted_on(timezone.localdate())),
            "names": _who_can_raise(),
        }
    )


def counted(entries: Iterable[LedgerEntry]) -> Decimal:
    """Return what the entries take of the cap, in the reporting currency."""
    return sum(
        (
            entry.reporting_amount
            for entry in entries
            if entry.basis == Basis.ACTUAL
            and entry.charge_kind != ChargeKind.TAX
            and entry.reporting_amount > 0
            # A credit that is taken back is no spending either.
            and entry.reversal_of_id is None
        ),
        NOTHING,
    )


def take_from_cap(entries: Iterable[LedgerEntry]) -> None:
    """Count the entries towards today's cap; raises DailyCapError beyond it.

    The database holds the cap too, at commit on PostgreSQL: of writers at once that
    don't see each other, the last one is refused there, and none waits for another.
    """
    if not settings.DAILY_POSTING_CAP:
        return
    more = counted(entries)
    if not more:
        return
    today = timezone.localdate()
    refusal = beyond_cap(more, so_far=posted_on(today))
    if refusal:
        raise DailyCapError(refusal)
    CappedPosting.objects.create(day=today, amount=more, cap=settings.DAILY_POSTING_CAP)


def posted_on(day: date) -> Decimal:
    """Return what has been counted of a day since a cap was set."""
    sums = CappedPosting.objects.filter(day=day).aggregate(total=Sum("amount"))
    return sums["total"] or NOTHING


def beyond_cap(more: Decimal, *, so_far: Decimal) -> str:
    """Return why so much more is refused today; blank where it isn't."""
    cap = settings.DAILY_POSTING_CAP
    if not cap or so_far + more <= cap:
        return ""
    return _(
        "At most %(cap)s is billed or paid in a day, and today it is %(so_far)s"
        " already; this adds %(more)s. Post the rest tomorrow, or ask %(names)s to"
        " raise the cap, the setting DAILY_POSTING_CAP."
    ) % {
        "cap": _money(cap),
        "so_far": _money(so_far),
        "more": _money(more),
        "names": _who_can_raise(),
    }


def _who_can_raise() -> str:
    names = [one.get_full_name() or one.username for one in administrators()[:_NAMED]]
    return ", ".join(names) or _("an administrator")


def _money(amount: Decimal) -> str:
    return format_money(amount, settings.REPORTING_CURRENCY)
