"""Engagements with a year of planted records, as a company would have logged them."""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from itertools import count
from typing import Any
from uuid import uuid4

from engagements.choices import ChargeKind, Origin, Status
from engagements.models import (
    Assignment,
    Contractor,
    Engagement,
    ManagedContract,
    Service,
    Skill,
    Vendor,
)
from engagements.services.lifecycle import start_engagement
from engagements.values.periods import add_months, month_of, months_between
from tests.factories import make_assignment, make_contract, make_vendor
from tracker.spend.models import Basis, Payment, SourceType, WorkLog
from tracker.spend.services import Posting, post, post_payments

TODAY = date(2026, 11, 15)
LONG_AGO = date(2024, 3, 1)
LOGS_PER_MONTH = 10
# Beyond those of payments that are stored.
_sources = count(10**9)


def make_service(name: str, **fields: Any) -> Service:
    return Service.objects.get_or_create(name=name, defaults=fields)[0]


def make_skills(*names: str, breadth: str = "general") -> list[Skill]:
    return [
        Skill.objects.get_or_create(name=name, defaults={"breadth": breadth})[0]
        for name in names
    ]


def running_contract(**fields: Any) -> ManagedContract:
    contract = make_contract(**({"starts_on": LONG_AGO} | fields))
    start_engagement(engagement=contract, actor=None)
    return contract


def running_assignment(**fields: Any) -> Assignment:
    assignment = make_assignment(**({"starts_on": LONG_AGO} | fields))
    start_engagement(engagement=assignment, actor=None)
    return assignment


def plant_work(
    engagement: Engagement,
    *,
    until: date = TODAY,
    months: int = 14,
    monthly_hours: Sequence[int] = (150,),
    ours: float | None = None,
    skills: Sequence[Skill] = (),
    core: float | None = None,
    out_of_hours: float | None = None,
    activity: str = "delivery",
    person: Contractor | None = None,
) -> None:
    """Ten logs a month, the shares among them as asked; None leaves a fact out."""
    months_worked = list(months_between(add_months(until, 1 - months), until))
    logs = []
    for index, month in enumerate(months_worked):
        hours = Decimal(monthly_hours[index % len(monthly_hours)]) / LOGS_PER_MONTH
        for number in range(LOGS_PER_MONTH):
            worked_on = month + timedelta(days=number)
            if engagement.starts_on <= worked_on <= until:
                logs.append(
                    WorkLog(
                        engagement=engagement,
                        contractor=person,
                        worked_on=worked_on,
                        hours=hours,
                        activity=activity,
                        skill=skills[number % len(skills)] if skills else None,
                        assigned_by=_assigned(number, ours),
                        is_core=_among(number, core),
                        is_out_of_hours=_among(number, out_of_hours),
                    )
                )
    WorkLog.objects.bulk_create(logs)


def _among(number: int, share: float | None) -> bool | None:
    return None if share is None else number < share * LOGS_PER_MONTH


def _assigned(number: int, share: float | None) -> str:
    if share is None:
        return ""
    return "client" if number < share * LOGS_PER_MONTH else "vendor"


def team_bought_by_the_hour(**fields: Any) -> Assignment:
    """Augmented, though the vendor directs a steady, broad, lasting piece of work."""
    fields = {"service": make_service("Payroll platform")} | fields
    assignment = running_assignment(**fields)
    plant_work(
        assignment,
        ours=0.1,
        skills=make_skills("support", "networks", "backups", "patching", "reporting"),
        core=0.0,
        out_of_hours=0.4,
    )
    return assignment


def body_shop_under_a_fee(**fields: Any) -> ManagedContract:
    """Managed, though our managers direct niche, core, bursty work of a few months."""
    fields = {
        "service": make_service("Ledger migration"),
        "starts_on": add_months(TODAY, -5),
        "ends_on": add_months(TODAY, 1),
    } | fields
    contract = running_contract(**fields)
    plant_work(
        contract,
        monthly_hours=(60, 300, 90, 260),
        ours=0.9,
        skills=make_skills("actuarial modelling", breadth="specialist"),
        core=0.9,
        out_of_hours=0.0,
        activity="pairing",
    )
    return contract


def good_managed(**fields: Any) -> ManagedContract:
    fields = {"service": make_service("Service desk")} | fields
    contract = running_contract(**fields)
    plant_work(
        contract,
        ours=0.1,
        skills=make_skills("support", "networks", "backups", "patching", "reporting"),
        core=0.0,
        out_of_hours=0.4,
    )
    return contract


def good_augmented(**fields: Any) -> Assignment:
    fields = {
        "service": make_service("Pricing model"),
        "starts_on": add_months(TODAY, -5),
        "ends_on": add_months(TODAY, 1),
    } | fields
    assignment = running_assignment(**fields)
    plant_work(
        assignment,
        monthly_hours=(60, 160, 90, 150),
        ours=0.9,
        skills=make_skills("actuarial modelling", breadth="specialist"),
        core=0.9,
        out_of_hours=0.0,
        activity="pairing",
    )
    return assignment


def imported(*, vendor: Vendor | None = None, until: date = TODAY) -> Engagement:
    """A draft with nothing but two years of payments, as a council's file gives."""
    vendor = vendor or make_vendor()
    contract = make_contract(vendor=vendor, fee=None, starts_on=LONG_AGO)
    Engagement.objects.filter(pk=contract.pk).update(
        origin=Origin.IMPORTED, status=Status.DRAFT
    )
    engagement = Engagement.objects.get(pk=contract.pk)
    post_payments(
        payments=[
            Payment(
                engagement=engagement,
                vendor=vendor,
                paid_on=month,
                amount=Decimal(1000),
                currency="GBP",
                supplier_name=vendor.legal_name,
                source_key=f"{engagement.pk}:{month}",
                source_file="spend.csv",
                source_line=number,
                source_run=uuid4(),
            )
            for number, month in enumerate(months_between(LONG_AGO, until), 2)
        ],
        actor=None,
    )
    return engagement


def plant_spend(
    engagement: Engagement,
    *,
    amount: Decimal,
    months: int,
    basis: Basis = Basis.ACTUAL,
    until: date = TODAY,
) -> None:
    """The same amount of spend in each month, posted without a document."""
    post(
        [
            Posting(
                engagement=engagement,
                day=month,
                charge_kind=ChargeKind.RECURRING,
                basis=basis,
                amount=amount,
                source_type=SourceType.PAYMENT,
                source_id=next(_sources),
            )
            for month in months_between(add_months(month_of(until), 1 - months), until)
        ]
    )
