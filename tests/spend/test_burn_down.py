"""How long an order lasts: by days, to the cent."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.spend.burn_down import Drawn, Validity, burn_down, order_on

TODAY = date(2026, 6, 30)
YEAR = Validity(1, date(2026, 1, 1), date(2026, 12, 31))


def down(invoiced=(), accrued=(), validity=YEAR, ordered="100000"):
    return burn_down(
        ordered=Decimal(ordered),
        invoiced=list(invoiced),
        accrued=list(accrued),
        validity=validity,
        today=TODAY,
        currency="GBP",
    )


def days_of(amount, first, last):
    return Drawn(first, last, Decimal(amount))


def test_remaining_is_ordered_less_invoiced_less_accrued():
    found = down(
        [days_of("60000", date(2026, 1, 1), date(2026, 5, 31))],
        [days_of("1234.567", TODAY, TODAY)],
    )

    assert (found.invoiced, found.accrued) == (Decimal(60_000), Decimal("1234.57"))
    assert found.remaining == Decimal("38765.43")


def test_burn_is_the_mean_of_eight_weeks():
    """8,000 in the 56 days to 30 June, and 50,000 before them that don't count."""
    first = TODAY - timedelta(days=55)
    before = first - timedelta(days=1)
    found = down(
        [days_of("8000", first, TODAY), days_of("50000", before, before)],
    )

    assert found.weekly == Decimal("1000.00")
    # 42,000 left: 42 weeks.
    assert found.runs_out_on == TODAY + timedelta(weeks=42)
    assert not found.is_short


def test_bill_counts_by_the_days_that_are_in_the_weeks():
    # 30 of the 61 days lie before the 56 days that end on 30 June.
    first = date(2026, 5, 6)
    bill = days_of("6100", first - timedelta(days=30), first + timedelta(days=30))

    assert down([bill]).weekly == Decimal("387.50")


def test_order_younger_than_eight_weeks_burns_by_its_own_days():
    young = Validity(1, TODAY - timedelta(days=13), None)
    found = down([days_of("2000", young.starts_on, TODAY)], validity=young)

    assert found.weekly == Decimal("1000.00")


@pytest.mark.parametrize(("end", "is_short"), [(41, False), (42, True), (43, True)])
def test_order_is_short_when_it_runs_out_by_its_last_day(end, is_short):
    """On the day it runs out nothing is left for that day's work."""
    validity = replace(YEAR, ends_on=TODAY + timedelta(weeks=42, days=end - 42))
    first = TODAY - timedelta(days=55)
    found = down([days_of("8000", first, TODAY)], validity=validity, ordered="50000")

    assert found.runs_out_on == TODAY + timedelta(weeks=42)
    assert found.is_short is is_short


def test_order_that_nothing_draws_on_does_not_run_out():
    found = down()

    assert found.runs_out_on is None
    assert not found.is_short


def test_order_that_is_used_up_ran_out_today():
    found = down([days_of("100000.01", date(2026, 1, 1), date(2026, 1, 31))])

    assert found.runs_out_on == TODAY
    assert found.remaining == Decimal("-0.01")
    assert found.is_short


def test_order_used_to_the_cent_at_its_end_is_not_short():
    over = replace(YEAR, ends_on=TODAY - timedelta(days=1))
    found = down(
        [days_of("100000", date(2026, 1, 1), date(2026, 6, 29))], validity=over
    )

    assert found.remaining == 0
    assert not found.is_short


def test_order_begun_last_pays():
    old = Validity(1, date(2026, 1, 1), date(2026, 6, 30))
    new = Validity(2, date(2026, 6, 1), None)

    paid_by = [
        order_on([old, new], day)
        for day in (date(2025, 12, 31), date(2026, 5, 31), date(2026, 6, 1))
    ]
    assert paid_by == [None, 1, 2]


@given(
    st.lists(st.tuples(st.integers(0, 180), st.integers(0, 90), st.integers(1, 10**6)))
)
def test_parts_by_days_sum_to_the_whole(spans):
    for start, length, cents in spans:
        first = date(2026, 1, 1) + timedelta(days=start)
        last = first + timedelta(days=length)
        drawn = Drawn(first, last, Decimal(cents) / 100)
        middle = first + timedelta(days=length // 2)
        parts = drawn.within(date.min, middle) + drawn.within(
            middle + timedelta(days=1), date.max
        )
        assert abs(parts - drawn.amount) < Decimal("1e-20")
