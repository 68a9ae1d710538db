"""Price changes like for like, told to the cent."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
import time_machine

from engagements.choices import Role, Status
from engagements.models import Engagement, FeeTerm, RateTerm
from tests.dashboards.spending import bill, pay
from tests.factories import begun, make_assignment, make_contract, make_user
from tracker.spend.price_changes import price_changes, price_move
from tracker.spend.queries import SpendWhere

pytestmark = pytest.mark.django_db

TODAY = date(2026, 11, 22)
BEFORE = date(2025, 6, 1)
JULY = date(2026, 7, 1)


@pytest.fixture(autouse=True)
def today():
    with time_machine.travel(datetime(2026, 11, 22, 12, tzinfo=UTC), tick=False):
        yield


@pytest.fixture
def finance(db):
    return make_user(Role.FINANCE)


def contract_of(fee, *later, **fields):
    contract = begun(make_contract(fee=Decimal(fee), starts_on=BEFORE, **fields))
    for starts_on, price in later:
        FeeTerm.objects.create(
            contract=contract, starts_on=starts_on, monthly_fee=Decimal(price)
        )
    return contract


def changes(user):
    return price_changes(user, SpendWhere(), today=TODAY)


def test_the_year_s_spend_is_held_against_the_price_before(finance):
    contract = contract_of("1000", (JULY, "1100"))
    bill(contract, date(2026, 8, 3), [("recurring", "1100")])

    [found] = changes(finance)

    assert (found.year, found.before, found.after) == (2026, 1000, 1100)
    assert found.share == Decimal("0.1")
    assert (found.spent, found.effect) == (1100, 100)


def test_the_mean_is_by_spend(finance):
    dear = contract_of("1000", (JULY, "1100"))
    cheap = contract_of("500", (JULY, "500"))
    bill(dear, date(2026, 8, 3), [("recurring", "1100")])
    bill(cheap, date(2026, 8, 3), [("recurring", "3000")])

    move = price_move(changes(finance))

    assert (move.compared, move.raised, move.lowered) == (2, 1, 0)
    # 100 more than the 4,000 that the same would have cost.
    assert move.share == Decimal("0.025")


def test_without_spend_there_is_no_mean(finance):
    contract_of("1000", (JULY, "1100"))

    assert price_move(changes(finance)).share is None


def test_new_work_and_what_never_began_are_no_price_rise(finance):
    begun(make_contract(starts_on=JULY))
    make_contract(starts_on=BEFORE)
    ended = contract_of("1000", (JULY, "2000"), ends_on=date(2026, 3, 31))
    Engagement.objects.filter(pk=ended.pk).update(status=Status.ENDED)

    assert changes(finance) == []


def test_a_rate_whose_unit_changed_is_compared_by_the_hour(finance):
    assignment = begun(make_assignment(rate=Decimal(600), starts_on=BEFORE))
    # 80 an hour before.
    RateTerm.objects.create(
        assignment=assignment, starts_on=JULY, rate=Decimal(88), unit="hour"
    )

    [found] = changes(finance)

    assert (found.unit, found.before, found.after) == ("hour", 80, 88)


def test_payments_and_expenses_weigh_nothing(finance):
    contract = contract_of("1000", (JULY, "1100"))
    pay(contract, "9000", date(2026, 8, 3))
    bill(contract, date(2026, 8, 3), [("expense", "50"), ("recurring", "1100")])

    [found] = changes(finance)

    assert found.spent == 1100


def test_a_manager_is_told_of_their_own_and_who_sees_no_money_of_none():
    manager = make_user(Role.MANAGER)
    contract_of("1000", (JULY, "1100"))
    mine = contract_of("1000", (JULY, "900"), manager=manager)

    assert [one.reference for one in changes(manager)] == [mine.reference]
    assert changes(make_user(Role.HR_INTEGRATION)) == []
