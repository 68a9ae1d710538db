"""Tickets of one contract, from which a service level is counted, up to yesterday."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from engagements.choices import MeasuredBy, Metric, ServiceHours
from engagements.models import ManagedContract, ServiceLevel
from engagements.services.records import create_record
from engagements.values.periods import last_day_of_month
from tracker.demo.billing import Told
from tracker.demo.founding import Cast
from tracker.demo.work import seeded
from tracker.performance.models import Ticket
from tracker.performance.services import measure, store_tickets

CONTRACT = "Store till support"
LEVEL = "Tills that stand still, back in 4 hours"
WITHIN_HOURS = 4
MONTHS = 3
GROUP = "Tills"
# Months ago, and how many of its tickets came back too late; this month it is near.
LATE = {3: 1, 2: 4, 1: 2, 0: 1}
A_MONTH = 20


def tell_tickets(told: Sequence[Told], cast: Cast) -> int:
    """Store the contract's tickets of the last months; return how many there are."""
    contract = next(
        one.engagement
        for one in told
        if one.story.title == CONTRACT and isinstance(one.engagement, ManagedContract)
    )
    actor = cast.people["manager"]
    create_record(
        record=ServiceLevel(
            contract=contract,
            name=LEVEL,
            metric=Metric.RESOLUTION,
            target=Decimal(90),
            measured_by=MeasuredBy.TICKETS,
            within_minutes=WITHIN_HOURS * 60,
            priority="P1",
            service_hours=ServiceHours.ALWAYS,
            credit_percent=Decimal(20),
        ),
        engagement=contract,
        actor=actor,
    )
    tickets = [
        ticket
        for months_ago in LATE
        for ticket in _tickets(contract.pk, cast.month(months_ago), months_ago, cast)
    ]
    store_tickets(tickets=tickets, actor=actor)
    measure(contract=contract, first=cast.month(MONTHS), last=cast.today, actor=actor)
    return len(tickets)


def _tickets(
    contract: int, month: date, months_ago: int, cast: Cast
) -> Iterator[Ticket]:
    last = min(last_day_of_month(month), cast.today - timedelta(days=1))
    days = (last - month).days + 1
    for number in range(A_MONTH if days > 0 else 0):
        rng = seeded(CONTRACT, "ticket", months_ago, number)
        day = month + timedelta(days=number * days // A_MONTH)
        opened = datetime.combine(day, time(8, rng.randrange(60)), UTC)
        is_late = number < LATE[months_ago]
        minutes = rng.randrange(250, 600) if is_late else rng.randrange(20, 230)
        yield Ticket(
            engagement_id=contract,
            source_id=f"TILL-{month:%Y%m}-{number:02}",
            priority="P1",
            ticket_group=GROUP,
            opened_at=opened,
            responded_at=opened + timedelta(minutes=rng.randrange(2, 20)),
            resolved_at=opened + timedelta(minutes=minutes),
        )
