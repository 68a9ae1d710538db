"""An engagement's page asks as often for many lines as for one, whatever else there
is."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.urls import reverse

from engagements.models import (
    ChangeOrder,
    Charge,
    CreditStep,
    Document,
    FeeTerm,
    NamedWorker,
    RateTerm,
    ServiceLevel,
)
from engagements.services.lifecycle import start_engagement
from tests.admin.test_lists import grow as grow_others
from tests.factories import make_assignment, make_contract, make_grant
from tracker.spend.models import WorkLog
from tracker.spend.services import log_work_lines

pytestmark = pytest.mark.django_db

FIRST = date(2026, 1, 1)
CONTRACT_QUERIES = 55
ASSIGNMENT_QUERIES = 49


@pytest.fixture
def contract(manager, vendor):
    contract = make_contract(
        manager=manager, department=manager.department, vendor=vendor, starts_on=FIRST
    )
    start_engagement(engagement=contract, actor=manager)
    return contract


@pytest.fixture
def assignment(manager, vendor):
    assignment = make_assignment(
        manager=manager, department=manager.department, vendor=vendor, starts_on=FIRST
    )
    start_engagement(engagement=assignment, actor=manager)
    return assignment


def page_of(engagement) -> str:
    name = engagement._meta.model_name
    return reverse(f"admin:engagements_{name}_change", args=[engagement.pk])


def add_lines(engagement, manager, first: int, last: int) -> None:
    """Add what both kinds of engagement hold, numbered from first to last."""
    for number in range(first, last + 1):
        Charge.objects.create(
            engagement=engagement,
            charge_kind="milestone",
            description=f"Part {number}",
            amount=Decimal(100),
        )
        ChangeOrder.objects.create(
            engagement=engagement,
            number=number,
            effective_on=FIRST,
            value_change=Decimal(10),
            reason="More",
        )
        Document.objects.create(
            engagement=engagement,
            document_type="contract",
            title=f"Contract {number}",
            file="documents/none",
            size=1,
            sha256=f"{number:064d}",
            uploaded_by=manager,
        )


def add_contract_lines(contract, manager, first: int, last: int) -> None:
    add_lines(contract, manager, first, last)
    for number in range(first, last + 1):
        day = FIRST + timedelta(days=number)
        FeeTerm.objects.create(contract=contract, starts_on=day, monthly_fee=Decimal(9))
        CreditStep.objects.create(
            contract=contract, bound=Decimal(number), percent=Decimal(1)
        )
        ServiceLevel.objects.create(
            contract=contract, name=f"Level {number}", target=Decimal(99)
        )
        worker = NamedWorker.objects.create(
            contract=contract, full_name=f"Worker {number}", starts_on=FIRST
        )
        make_grant(contract, named_worker=worker, actor=manager)


def add_assignment_lines(assignment, manager, first: int, last: int) -> None:
    add_lines(assignment, manager, first, last)
    for number in range(first, last + 1):
        day = FIRST + timedelta(days=number)
        RateTerm.objects.create(assignment=assignment, starts_on=day, rate=Decimal(600))
        make_grant(assignment, system=f"System {number}", actor=manager)
        line = WorkLog(engagement=assignment, worked_on=day, hours=Decimal(7))
        log_work_lines(lines=[line], actor=manager)


def test_contract_page_asks_as_often_for_3_lines_of_each_sort_as_for_1(
    client, contract, manager, django_assert_num_queries
):
    client.get(page_of(contract))
    add_contract_lines(contract, manager, 1, 1)
    with django_assert_num_queries(CONTRACT_QUERIES):
        client.get(page_of(contract))
    add_contract_lines(contract, manager, 2, 3)
    with django_assert_num_queries(CONTRACT_QUERIES):
        client.get(page_of(contract))


def test_assignment_page_asks_as_often_for_3_lines_of_each_sort_as_for_1(
    client, assignment, manager, django_assert_num_queries
):
    client.get(page_of(assignment))
    add_assignment_lines(assignment, manager, 1, 1)
    with django_assert_num_queries(ASSIGNMENT_QUERIES):
        client.get(page_of(assignment))
    add_assignment_lines(assignment, manager, 2, 3)
    with django_assert_num_queries(ASSIGNMENT_QUERIES):
        client.get(page_of(assignment))


def test_contract_page_asks_as_often_among_300_engagements(
    client, contract, manager, vendor, django_assert_num_queries
):
    client.get(page_of(contract))
    add_contract_lines(contract, manager, 1, 1)
    grow_others(manager, vendor, rows=150)

    with django_assert_num_queries(CONTRACT_QUERIES):
        client.get(page_of(contract))
