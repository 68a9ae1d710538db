"""A cost centre of £30,000 for the year, and what it lets begin."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
import time_machine

from engagements.choices import ChargeKind, Role, Status
from engagements.errors import OverBudgetError
from engagements.services.lifecycle import start_engagement
from tests.factories import (
    make_assignment,
    make_contract,
    make_cost_centre,
    make_user,
    stored,
)
from tests.spend.billing import bill
from tracker.spend.budget_standing import Used, fiscal_months, standings
from tracker.spend.models import Budget, BudgetPolicy, LedgerEntry
from tracker.spend.services import set_budget, set_budget_policy

pytestmark = pytest.mark.django_db

HUNDRED = Decimal(100)
APRIL = date(2026, 4, 1)


@pytest.fixture(autouse=True)
def in_april():
    with time_machine.travel(datetime(2026, 4, 20, 9, tzinfo=UTC), tick=False):
        yield


def test_the_second_order_is_stopped_and_fits_once_the_budget_is_raised():
    finance = make_user(Role.FINANCE, first_name="Ada", last_name="Byron")
    centre = make_cost_centre(code="OPS", name="Operations")
    budget = set_budget(
        budget=Budget(cost_centre=centre, year=2026),
        amounts={month: Decimal(2_500) for month in fiscal_months(2026)},
        actor=finance,
    )
    set_budget_policy(
        policy=BudgetPolicy(order_month="ignore", order_year="stop"), actor=finance
    )
    desk = make_contract(
        title="Service desk",
        fee=Decimal("2000.00"),
        starts_on=APRIL,
        ends_on=date(2027, 3, 31),
        cost_shares={centre: HUNDRED},
    )
    engineer = make_assignment(
        rate=Decimal("450.00"),
        starts_on=date(2026, 6, 1),
        ends_on=date(2026, 6, 30),
        cost_shares={centre: HUNDRED},
    )

    # 12 months of 2,000.00 are 24,000.00; 22 working days of 450.00 are 9,900.00.
    start_engagement(engagement=desk, actor=finance)
    bill(desk, APRIL, kind=ChargeKind.RECURRING)
    with pytest.raises(OverBudgetError) as stopped:
        start_engagement(engagement=engineer, actor=finance)

    assert str(stopped.value) == (
        "OPS · Operations has a budget of £30,000.00 for April 2026 to March 2027."
        " £24,000.00 of it is spent or committed; this commits £9,900.00, which is"
        " £3,900.00 too much. Ada Byron can raise the budget."
    )
    assert stored(engineer).status == Status.DRAFT
    (standing,) = standings([budget])
    assert standing.used_until() == Used(
        actual=Decimal("100.00"), committed=Decimal("23900.00")
    )

    set_budget(
        budget=budget,
        amounts={m: Decimal(2_500) for m in fiscal_months(2026)}
        | {date(2026, 6, 1): Decimal("6400.00")},
        actor=finance,
    )
    start_engagement(engagement=engineer, actor=finance)

    (standing,) = standings([budget])
    assert standing.budgeted() == Decimal("33900.00")
    assert standing.used_until().total == Decimal("33900.00")
    assert LedgerEntry.objects.count() == 1
