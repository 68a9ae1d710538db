"""Every night: results of windows that are over; credits due, expired, made good."""

from dataclasses import dataclass
from datetime import date

from django.db import transaction

from engagements.choices import Status
from engagements.values.periods import add_months
from tracker.performance.calendars import managed_contracts
from tracker.performance.services.credits import Settled, settle_credits
from tracker.performance.services.results import measure

# Figures arrive late; a quarter that has just ended began three months ago.
MONTHS_BACK = 4


@dataclass(frozen=True)
class Night:
    contracts: int
    changed: int
    missed: int
    due: int
    withdrawn: int
    expired: int
    earned_back: int


def settle_windows(*, today: date) -> Night:
    """Measure and settle every contract with service levels; each by itself.

    Repeating has no effect.
    """
    changed = missed = 0
    settled = Settled()
    contracts = (
        managed_contracts()
        .filter(
            status__in=(Status.ACTIVE, Status.ENDED, Status.TERMINATED),
            service_levels__isnull=False,
        )
        .distinct()
        .order_by("pk")
    )
    count = 0
    for contract in contracts.iterator(200):
        count += 1
        with transaction.atomic():
            done = measure(
                contract=contract,
                first=add_months(today, -MONTHS_BACK),
                last=today,
                actor=None,
            )
            settled += settle_credits(contract=contract, today=today, actor=None)
        changed += done.changed
        missed += done.missed
    return Night(
        contracts=count,
        changed=changed,
        missed=missed,
        due=settled.due,
        withdrawn=settled.withdrawn,
        expired=settled.expired,
        earned_back=settled.earned_back,
    )
