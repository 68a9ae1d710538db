"""What was committed and expected at month ends, told to the cent."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

import pytest
import time_machine

from engagements.choices import Role
from engagements.models import Engagement, FeeTerm
from engagements.services.terms import amend_fee
from tests.factories import begun, make_contract, make_user
from tests.spend.billing import bill
from tracker.spend.kept import (
    KeptRow,
    ThenAndNow,
    explanations_of,
    kept_rows,
    month_looked_from,
    then_and_now,
)
from tracker.spend.models import MonthOutlook
from tracker.spend.queries import SpendWhere
from tracker.spend.services import close_month, reckon_month
from tracker.tasks import end_month

pytestmark = pytest.mark.django_db

JULY, AUGUST, SEPTEMBER, OCTOBER = (date(2026, month, 1) for month in (7, 8, 9, 10))
FEE = Decimal(3100)


def at(day: str) -> time_machine.travel:
    return time_machine.travel(f"{day}T09:00Z", tick=False)


@pytest.fixture
def contract() -> Engagement:
    with at("2026-06-20"):
        engagement: Engagement = begun(
            make_contract(fee=FEE, starts_on=JULY, ends_on=date(2026, 12, 31))
        )
    return engagement


@pytest.fixture(autouse=True)
def _later() -> Iterator[None]:
    with at("2026-11-02"):
        yield


def by_month(month: date) -> dict[date, ThenAndNow]:
    user = make_user(Role.FINANCE)
    return {one.month: one for one in then_and_now(user, SpendWhere(), month)}


def only_row(month: date) -> KeptRow:
    (row,) = kept_rows(make_user(Role.FINANCE), SpendWhere(), month)
    return row


def test_what_july_expected_is_told_beside_what_came(contract):
    with at("2026-08-01"):
        end_month()
    # In September the fee rises, from October on.
    with at("2026-09-10"):
        amend_fee(
            term=FeeTerm(contract_id=contract.pk, starts_on=OCTOBER, monthly_fee=3400),
            actor=None,
        )
    for month, amount in ((JULY, FEE), (AUGUST, FEE), (SEPTEMBER, FEE)):
        bill(contract, month, amount=amount, total=amount)
    bill(contract, OCTOBER, amount=Decimal(3400), total=Decimal(3400))

    kept = only_row(JULY)
    # August to December, five fees of 3,100; with July's, six in the fiscal year.
    assert (kept.committed, kept.committed_until) == (15500, date(2026, 12, 31))
    assert (kept.expected, kept.spent) == (18600, 12700)
    told = by_month(JULY)
    assert [(one.expected, one.spent) for one in (told[AUGUST], told[SEPTEMBER])] == [
        (FEE, FEE)
    ] * 2
    # The rise was nobody's forecast in July: 3,400 came where 3,100 was expected.
    assert (told[OCTOBER].expected, told[OCTOBER].spent) == (FEE, 3400)


def test_each_figure_is_kept_down_to_its_rows(contract):
    with at("2026-08-01"):
        end_month()

    outlook = MonthOutlook.objects.get()
    committed, to_end, year, beyond = explanations_of(outlook)

    assert (committed.amount, to_end.amount) == (15500, 15500)
    fees = [part for part in committed.walk() if part.code == "fee"]
    assert [fee.amount for fee in fees] == [FEE] * 5
    assert (year.amount, beyond.amount) == (outlook.expected, 0)
    july, august, *_rest = year.parts
    assert [(part.code, part.amount) for part in july.parts] == [
        ("actual", 0),
        ("accrued", FEE),
        ("remaining", 0),
    ]
    assert [part.amount for part in august.parts] == [0, 0, FEE]


def test_july_reckoned_late_foretells_no_bill_that_came_after_it(contract):
    with at("2026-07-20"):
        # July and August, billed ahead in July: that was known.
        bill(contract, JULY, date(2026, 8, 31), amount=2 * FEE, total=2 * FEE)
    with at("2026-10-05"):
        bill(contract, SEPTEMBER, amount=Decimal(9000), total=Decimal(9000))
        reckon_month(month=JULY, today=date(2026, 10, 5), actor=None)

    told = by_month(JULY)

    assert (told[AUGUST].expected, told[AUGUST].spent) == (FEE, FEE)
    assert (told[SEPTEMBER].expected, told[SEPTEMBER].spent) == (FEE, 9000)
    explained = explanations_of(MonthOutlook.objects.get())[2]
    august = explained.parts[1]
    assert [part.amount for part in august.parts] == [FEE, 0, 0]


def test_a_closed_month_is_told_as_it_was(contract):
    finance = make_user(Role.FINANCE)
    with at("2026-08-01"):
        end_month()
        close_month(month=JULY, actor=finance)
    with at("2026-08-10"):
        amend_fee(
            term=FeeTerm(contract_id=contract.pk, starts_on=SEPTEMBER, monthly_fee=1),
            actor=None,
        )
    with at("2026-09-01"):
        end_month()

    # August's end knows of the fee; July's doesn't, and never will.
    assert (only_row(JULY).committed, only_row(AUGUST).committed) == (15500, 4)
    assert MonthOutlook.objects.filter(month=JULY).count() == 1
    assert month_looked_from(finance, AUGUST) == JULY
    assert month_looked_from(finance, JULY) == JULY
