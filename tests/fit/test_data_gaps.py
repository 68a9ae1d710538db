"""What is missing of live engagements, and what rests on it."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
import time_machine

from engagements.choices import CreditScheme, NoticeUnit, Role
from engagements.models import Engagement, Service
from tests.dashboards.spending import bill, pay
from tests.factories import (
    begun,
    make_assignment,
    make_contract,
    make_cost_centre,
    make_department,
    make_user,
)
from tests.performance.contracts import add_level, measured
from tracker.fit.data_gaps import FACTS, loose_money, recorded
from tracker.performance.models import Credit
from tracker.spend.budget_standing import fiscal_months
from tracker.spend.models import Budget
from tracker.spend.queries import SpendWhere
from tracker.spend.services import set_budget

pytestmark = pytest.mark.django_db

TODAY = date(2026, 11, 22)
OCTOBER = date(2026, 10, 5)


@pytest.fixture(autouse=True)
def today():
    with time_machine.travel(datetime(2026, 11, 22, 12, tzinfo=UTC), tick=False):
        yield


@pytest.fixture
def finance():
    return make_user(Role.FINANCE)


def gaps_of(user, engagement):
    found = recorded(user, SpendWhere(), today=TODAY)
    return next(set(one.gaps) for one in found if one.pk == engagement.pk)


def complete(user):
    """Return what is known of an engagement of which nothing is missing."""
    department = make_department()
    return {
        "manager": user,
        "department": department,
        "service": Service.objects.create(name=f"Service of {department}"),
        "notice_period": 1,
        "notice_unit": NoticeUnit.MONTHS,
        "initial_term_months": 24,
    }


def paid_by_a_budget(known):
    centre = make_cost_centre(department=known["department"])
    amounts = {month: Decimal(1) for month in fiscal_months(2026)}
    set_budget(
        budget=Budget(cost_centre=centre, year=2026), amounts=amounts, actor=None
    )
    return {centre: Decimal(100)}


def test_a_bare_contract_lacks_what_applies_to_it(finance):
    contract = begun(make_contract(fee=None, starts_on=date(2025, 1, 1)))

    assert gaps_of(finance, contract) == {
        *("manager", "department", "service", "split", "price", "levels")
    }


def test_a_bare_contractor_lacks_what_applies_to_one(finance):
    assignment = begun(
        make_assignment(
            rate=None,
            contractor=None,
            starts_on=date(2025, 1, 1),
            initial_term_months=12,
        )
    )

    assert gaps_of(finance, assignment) == {
        *("manager", "department", "service", "split", "price"),
        *("notice", "contractor", "role", "hours"),
    }


def test_nothing_is_missing_of_what_is_complete(finance):
    known = complete(finance)
    contract = begun(
        make_contract(
            starts_on=date(2025, 1, 1), cost_shares=paid_by_a_budget(known), **known
        )
    )
    measured(add_level(contract), "2026-10", "99.9")

    assert gaps_of(finance, contract) == set()


def test_levels_nobody_measured_of_late_and_a_split_without_budget_are_gaps(finance):
    known = complete(finance)
    contract = begun(
        make_contract(
            starts_on=date(2025, 1, 1),
            cost_shares={make_cost_centre(): Decimal(100)},
            **known,
        )
    )
    measured(add_level(contract), "2026-05", "99.9")

    assert gaps_of(finance, contract) == {"measurement", "budget"}


def test_spend_rests_on_each_and_a_manager_sees_their_own_alone(finance):
    manager = make_user(Role.MANAGER)
    mine = begun(make_contract(manager=manager))
    pay(mine, "70.25", OCTOBER)
    pay(begun(make_contract()), "10", OCTOBER)

    found = recorded(manager, SpendWhere(), today=TODAY)

    assert [(one.pk, one.spent) for one in found] == [(mine.pk, Decimal("70.25"))]
    assert len(recorded(finance, SpendWhere(), today=TODAY)) == 2
    assert recorded(make_user(Role.HR_INTEGRATION), SpendWhere(), today=TODAY) == []


def test_money_that_something_unknown_stands_behind(finance):
    draft = make_contract()
    pay(draft, "100", OCTOBER)
    centre = make_cost_centre()
    contract = begun(make_contract(cost_shares={centre: Decimal(100)}))
    bill(contract, OCTOBER, [("recurring", "50")])
    for amount in ("20", "5.50"):
        Credit.objects.create(
            engagement_id=contract.pk,
            window_from=date(2026, 8, 1),
            window_to=date(2026, 8, int(Decimal(amount))),
            scheme=CreditScheme.FLAT,
            amount=Decimal(amount),
            state="expired",
            state_since=OCTOBER,
        )

    found = loose_money(finance, SpendWhere(), today=TODAY)

    assert {one.code: (one.cases, one.amount) for one in found} == {
        "unallocated": (1, 100),
        "drafts": (1, 100),
        "unknown-charge": (1, 100),
        "lost-credits": (2, Decimal("25.50")),
    }
    assert Engagement.objects.count() == 2


def test_every_fact_says_what_nobody_can_tell_without_it():
    assert all(fact.label and fact.why for fact in FACTS)
    assert len({fact.code for fact in FACTS}) == len(FACTS)
