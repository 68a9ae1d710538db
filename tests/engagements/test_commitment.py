"""Committed money, told as worked examples to the cent."""

from datetime import date, timedelta
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from engagements.values.commitment import (
    Price,
    committed_fees,
    committed_time,
    committed_under_contract,
    spans_of,
)
from engagements.values.periods import last_day_of_month

FEE = [Price(date(2026, 1, 1), Decimal(10_000))]


def test_committed_fees_count_a_part_of_a_month_by_its_days() -> None:
    # 17 of 30 days of April, all of May, 10 of 30 of June.
    fees = committed_fees(FEE, date(2026, 4, 14), date(2026, 6, 10), "GBP")
    assert fees == Decimal("5666.67") + Decimal(10_000) + Decimal("3333.33")


def test_committed_fees_follow_a_fee_that_changes_within_a_month() -> None:
    fees = [*FEE, Price(date(2026, 6, 16), Decimal(12_000))]
    # 15 days at 10,000 and 15 at 12,000.
    due = committed_fees(fees, date(2026, 6, 1), date(2026, 6, 30), "GBP")
    assert due == Decimal("11000.00")


def test_committed_fees_of_february_in_a_leap_year() -> None:
    # 15 of 29 days.
    due = committed_fees(FEE, date(2028, 2, 15), date(2028, 2, 29), "GBP")
    assert due == Decimal("5172.41")


def test_committed_fees_before_the_first_fee_and_of_no_days_are_nothing() -> None:
    assert committed_fees(FEE, date(2025, 1, 1), date(2025, 12, 31), "GBP") == 0
    assert committed_fees(FEE, date(2026, 5, 2), date(2026, 5, 1), "GBP") == 0


def test_committed_fees_without_any_fee_are_nothing() -> None:
    first, last = date(2026, 1, 1), date(2026, 12, 31)
    assert committed_fees([], first, last, "GBP") == Decimal(0)


def test_committed_fees_round_to_the_currency() -> None:
    # A day of 31 at 10,000 is 322.58: yen have no smaller unit.
    assert committed_fees(FEE, date(2026, 5, 1), date(2026, 5, 1), "JPY") == 323


def test_commitment_holds_the_exit_charge_where_the_exit_is_early() -> None:
    def committed(agreed_until: date | None) -> Decimal:
        return committed_under_contract(
            FEE,
            exit_charge=Decimal("7500.50"),
            first=date(2026, 5, 1),
            until=date(2026, 6, 30),
            agreed_until=agreed_until,
            currency="GBP",
        )

    assert committed(date(2026, 12, 31)) == Decimal("27500.50")
    assert committed(date(2026, 6, 30)) == Decimal("20000.00")
    assert committed(None) == Decimal("20000.00")


def test_committed_time_is_planned_hours_on_working_days() -> None:
    # May 2026 in England: 21 weekdays, less 4 May and 25 May: 19 days of 7.5 h at 80.
    due = committed_time(
        [Price(date(2026, 1, 1), Decimal(80))],
        weekly_hours=Decimal("37.5"),
        country="GB",
        first=date(2026, 5, 1),
        last=date(2026, 5, 31),
        currency="GBP",
    )
    assert due == Decimal("11400.00")


def test_committed_time_follows_a_rate_that_changes() -> None:
    # 1 to 5 June at 80, 8 to 12 June at 86.67: five days each.
    due = committed_time(
        [
            Price(date(2026, 6, 8), Decimal("86.67")),
            Price(date(2026, 1, 1), Decimal(80)),
        ],
        weekly_hours=Decimal(40),
        country="GB",
        first=date(2026, 6, 1),
        last=date(2026, 6, 14),
        currency="GBP",
    )
    assert due == Decimal("3200.00") + Decimal("3466.80")


DAYS = st.dates(date(2020, 1, 1), date(2030, 12, 31))
PRICES = st.dictionaries(
    DAYS, st.decimals(0, 99_999, places=2), min_size=1, max_size=4
).map(lambda found: [Price(day, amount) for day, amount in found.items()])


@settings(max_examples=10_000, deadline=None)
@given(prices=PRICES, first=DAYS, length=st.integers(0, 900))
def test_each_day_has_the_latest_price_that_started(
    prices: list[Price], first: date, length: int
) -> None:
    last = first + timedelta(days=length)
    spans = list(spans_of(prices, first, last))
    begins = max(first, min(price.starts_on for price in prices))
    assert sum((s.last - s.first).days + 1 for s in spans) == max(
        0, (last - begins).days + 1
    )
    for span in spans:
        started = [p for p in prices if p.starts_on <= span.first]
        assert span.amount == max(started, key=lambda p: p.starts_on).amount


@settings(max_examples=10_000, deadline=None)
@given(fee=st.decimals(0, 999_999, places=2), month=DAYS, months=st.integers(1, 24))
def test_whole_months_cost_whole_fees(fee: Decimal, month: date, months: int) -> None:
    first = month.replace(day=1)
    last = first
    for _ in range(months):
        last = last_day_of_month(last) + timedelta(days=1)
    prices = [Price(date(2020, 1, 1), fee)]
    due = committed_fees(prices, first, last - timedelta(days=1), "GBP")
    assert due == fee * months
