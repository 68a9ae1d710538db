"""The nightly judgement over engagements with two years of records, end to end."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from itertools import islice

from django.db import connection
from django.test.utils import CaptureQueriesContext

from engagements.choices import ChargeKind, Kind, Role, Status
from engagements.models import (
    Assignment,
    CostCentre,
    Engagement,
    ManagedContract,
    RateTerm,
    Service,
    Skill,
)
from engagements.values.periods import add_months
from tests.benchmarks.figures import Figure, command, seconds_of
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
    planting = seconds_of(lambda: plant(count))
    night = command("assess", "--as-of", AS_OF.isoformat())
    judged = Assessment.objects.filter(as_of=AS_OF).count()
    assert judged == count, (judged, night.output)
    again = command("assess", "--as-of", AS_OF.isoformat())
    return [
        Figure("records planted, in sets", planting, "s"),
        Figure(f"{count:,} engagements gathered, judged, stored", night.seconds, "s"),
        Figure("of it for each", night.seconds / count * 1000, "ms"),
        Figure("memory", night.megabytes, "MB"),
        Figure("the same night again, when nothing is new", again.seconds, "s"),
        Figure("its reads", reads_of_a_night(), "queries"),
    ]


def reads_of_a_night() -> int:
    with CaptureQueriesContext(connection) as captured:
        assess(as_of=AS_OF, actor=None)
    return sum(query["sql"].startswith("SELECT") for query in captured)


def plant(count: int) -> None:
    """One engagement of each model is logged; the rest are its copies, in sets."""
    skills = [Skill.objects.create(name=f"Skill {n}") for n in range(SKILLS)]
    centre = make_cost_centre()
    contract = make_contract(starts_on=FIRST)
    assignment = make_assignment(starts_on=FIRST, contractor=None)
    copy(contract, count // 3 - 1)
    copy(assignment, count - count // 3 - 1)
    store(rates_of(assignment))
    spread()
    engagements = list(Engagement.objects.order_by("pk"))
    assert len(engagements) == count, len(engagements)
    store(work_of(engagements, skills))
    store(spend_of(engagements, centre))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def copy(model: ManagedContract | Assignment, times: int) -> None:
    """Copy an engagement with what its model adds; Django copies one table only."""
    shared = {
        field.attname: getattr(model, field.attname)
        for field in Engagement._meta.concrete_fields
        if field.attname not in {"id", "public_id", "reference"}
    }
    made = Engagement.objects.bulk_create(
        (
            Engagement(reference=f"{model.kind[:1]}-{number}", **shared)
            for number in range(times)
        ),
        batch_size=AT_ONCE,
    )
    own = [str(field.column) for field in model._meta.local_concrete_fields]
    link, *columns = [connection.ops.quote_name(name) for name in own]
    table = connection.ops.quote_name(model._meta.db_table)
    told = ", ".join(columns)
    first, last = made[0].pk, made[-1].pk
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} ({link}, {told})"
            f" SELECT e.id, {told} FROM {table}, engagements_engagement e"
            f" WHERE {link} = %s AND e.id BETWEEN %s AND %s",
            [model.pk, first, last],
        )


def rates_of(model: Assignment) -> Iterator[RateTerm]:
    for pk in Assignment.objects.exclude(pk=model.pk).values_list("pk", flat=True):
        yield RateTerm(assignment_id=pk, starts_on=FIRST, rate=Decimal(500 + pk % 200))


def spread() -> None:
    """Give engagements in turn to vendors, managers and services; all run."""
    vendors = [make_vendor().pk for _ in range(VENDORS)]
    managers = [make_user(Role.MANAGER).pk for _ in range(MANAGERS)]
    services = [Service.objects.create(name=f"Service {n}").pk for n in range(SERVICES)]
    engagements = list(Engagement.objects.order_by("pk"))
    for number, engagement in enumerate(engagements):
        engagement.status = Status.ACTIVE
        engagement.vendor_id = vendors[number % VENDORS]
        engagement.manager_id = managers[number % MANAGERS]
        engagement.service_id = services[number % SERVICES]
    fields = ["status", "vendor", "manager", "service"]
    Engagement.objects.bulk_update(engagements, fields, batch_size=500)


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
                booked_month=add_months(FIRST, month),
                charge_kind=ChargeKind.RECURRING if is_managed else ChargeKind.TIME,
                basis=Basis.ACTUAL,
                amount=amount,
                reporting_amount=amount,
            )


def store(
    rows: Iterator[WorkLog] | Iterator[MonthlySpend] | Iterator[RateTerm],
) -> None:
    while part := list(islice(rows, AT_ONCE)):
        type(part[0])._base_manager.bulk_create(part)
