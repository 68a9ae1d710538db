"""The nightly judgement over engagements with two years of records, end to end."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from itertools import islice

from django.db import connection
from django.test.utils import CaptureQueriesContext

from engagements.choices import ChargeKind, Kind, Role, Status
from engagements.models import CostCentre, Engagement, Service, Skill, User, Vendor
from engagements.values.periods import add_months
from tests.benchmarks.figures import Figure, command
from tests.factories import (
    make_assignment,
    make_contract,
    make_cost_centre,
    make_user,
    make_vendor,
)
from tracker.fit.models import Assessment
from tracker.fit.services import assess
from tracker.spend.models import AssignedBy, Basis, MonthlySpend, WorkLog

FIRST, MONTHS = date(2024, 1, 1), 24
AS_OF = date(2026, 1, 15)
VENDORS, MANAGERS, SERVICES, SKILLS = 100, 50, 60, 12
AT_ONCE = 5_000


def run(*, is_full: bool) -> list[Figure]:
    count = 10_000 if is_full else 400
    plant(count)
    night = command("assess", "--as-of", AS_OF.isoformat())
    judged = Assessment.objects.filter(as_of=AS_OF).count()
    assert judged == count, (judged, night.output)
    with CaptureQueriesContext(connection) as captured:
        assess(as_of=AS_OF, actor=None)
    reads = sum(query["sql"].startswith("SELECT") for query in captured)
    return [
        Figure(f"{count:,} engagements gathered, judged, stored", night.seconds, "s"),
        Figure("of it for each", night.seconds / count * 1000, "ms"),
        Figure("memory", night.megabytes, "MB"),
        Figure("reads when run again", reads, "queries"),
    ]


def plant(count: int) -> None:
    vendors = [make_vendor() for _ in range(VENDORS)]
    managers = [make_user(Role.MANAGER) for _ in range(MANAGERS)]
    services = [Service.objects.create(name=f"Service {n}") for n in range(SERVICES)]
    skills = [Skill.objects.create(name=f"Skill {n}") for n in range(SKILLS)]
    centre = make_cost_centre()
    for number in range(count):
        log(number, vendors, managers, services)
    Engagement.objects.update(status=Status.ACTIVE)
    engagements = list(Engagement.objects.order_by("pk"))
    store(work_of(engagements, skills))
    store(spend_of(engagements, centre))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def log(
    number: int, vendors: list[Vendor], managers: list[User], services: list[Service]
) -> None:
    make = make_contract if number % 3 == 0 else make_assignment
    make(
        vendor=vendors[number % VENDORS],
        manager=managers[number % MANAGERS],
        service=services[number % SERVICES],
        starts_on=FIRST,
    )


def work_of(engagements: list[Engagement], skills: list[Skill]) -> Iterator[WorkLog]:
    for number, engagement in enumerate(engagements):
        for month in range(MONTHS):
            for part in range(2):
                yield WorkLog(
                    engagement=engagement,
                    worked_on=add_months(FIRST, month),
                    hours=Decimal(60 + (number * 7 + month * part) % 30),
                    skill=skills[(number + month * part) % SKILLS],
                    assigned_by=AssignedBy.values[(number + part) % 2],
                    is_core=bool((number + month) % 2),
                )


def spend_of(
    engagements: list[Engagement], centre: CostCentre
) -> Iterator[MonthlySpend]:
    for number, engagement in enumerate(engagements):
        is_managed = engagement.kind == Kind.MANAGED
        for month in range(MONTHS):
            amount = Decimal(9_000 + (number * 13 + month * 17) % 2_000)
            yield MonthlySpend(
                engagement=engagement,
                vendor_id=engagement.vendor_id,
                kind=engagement.kind,
                cost_centre=centre,
                month=add_months(FIRST, month),
                charge_kind=ChargeKind.RECURRING if is_managed else ChargeKind.TIME,
                basis=Basis.ACTUAL,
                amount=amount,
                reporting_amount=amount,
            )


def store(rows: Iterator[WorkLog] | Iterator[MonthlySpend]) -> None:
    while part := list(islice(rows, AT_ONCE)):
        type(part[0])._base_manager.bulk_create(part)
