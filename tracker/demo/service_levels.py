"""Two years of the demo company's service levels, measured by month, and one credit."""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from decimal import Decimal

from engagements.choices import ChargeKind, CreditScheme, Direction
from engagements.models import ManagedContract, ServiceLevel
from engagements.values.periods import last_day_of_month
from tracker.demo.billing import Told
from tracker.demo.company import HISTORY_MONTHS
from tracker.demo.founding import Cast
from tracker.demo.stories import ContractStory
from tracker.demo.work import seeded
from tracker.performance.models import Credit, Measurement
from tracker.performance.services import (
    agree_credit,
    apply_credit,
    claim_credit,
    record_measurements,
    settle_credits,
)
from tracker.spend.models import InvoiceLine

# The best that a figure of the unit can be.
BEST = {"%": Decimal(100), "points": Decimal(5)}
HUNDREDTH = Decimal("0.01")


def measure_service_levels(told: Sequence[Told], cast: Cast) -> int:
    """Store each measured contract's figures of the months that are over.

    Return how many there are.
    """
    measurements = [
        measurement
        for one in told
        if isinstance(one.story, ContractStory) and one.story.is_measured
        for measurement in _measurements(one.story, one.engagement.pk, cast)
    ]
    record_measurements(measurements=measurements, actor=cast.people["manager"])
    for one in told:
        if isinstance(one.engagement, ManagedContract):
            _settle(one.engagement, cast)
    return len(measurements)


def _measurements(
    story: ContractStory, contract: int, cast: Cast
) -> Iterator[Measurement]:
    levels = ServiceLevel.objects.filter(contract=contract).order_by("id")
    newest = max(story.ended or 1, 1)
    for level in levels.select_related("contract"):
        for months_ago in range(min(story.starts, HISTORY_MONTHS), newest - 1, -1):
            month = cast.month(months_ago)
            yield Measurement(
                service_level=level,
                period_from=month,
                period_to=last_day_of_month(month),
                value=_figure(level, story, months_ago),
                source_key=f"demo:{level.pk}:{months_ago}",
            )


def _figure(level: ServiceLevel, story: ContractStory, months_ago: int) -> Decimal:
    """Return a figure on the side of the target that the story tells."""
    rng = seeded(story.title, level.name, months_ago)
    part = Decimal(rng.randint(10, 80)) / 100
    is_missed = (months_ago, level.name) in story.missed
    target: Decimal = level.target
    if level.direction == Direction.AT_MOST:
        factor = 1 + part / 2 if is_missed else 1 - part / 2
        return (target * factor).quantize(HUNDREDTH)
    room = BEST.get(level.unit, target * 2) - target
    value = target - room * part if is_missed else target + room * part
    return value.quantize(HUNDREDTH)


def _settle(contract: ManagedContract, cast: Cast) -> None:
    """Bring credits up to date; one that an invoice granted has run its course."""
    if contract.credit_scheme == CreditScheme.NONE:
        return
    settle_credits(contract=contract, today=cast.today, actor=None)
    for credit in Credit.objects.filter(engagement=contract).order_by("id"):
        line = InvoiceLine.objects.filter(
            engagement=contract.pk,
            charge_kind=ChargeKind.CREDIT,
            period_from=credit.window_from,
            amount=-credit.amount,
        ).first()
        if line is not None:
            _run_course(credit, line, cast)


def _run_course(credit: Credit, line: InvoiceLine, cast: Cast) -> None:
    actor = cast.people["finance"]
    days = _days_after(credit.window_to, cast.today)
    credit = claim_credit(credit=credit, today=next(days), actor=actor)
    credit = agree_credit(credit=credit, today=next(days), actor=actor)
    apply_credit(credit=credit, invoice_line=line, today=next(days), actor=actor)


def _days_after(day: date, today: date) -> Iterator[date]:
    while True:
        day = min(day + timedelta(days=8), today)
        yield day
