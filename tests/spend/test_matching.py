"""Each code of the match, with what comes close and must stay quiet."""

from calendar import monthrange
from dataclasses import replace
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engagements.choices import ChargeKind
from engagements.values.commitment import Price
from tracker.spend import matching
from tracker.spend.matching import (
    MEASURES,
    Bill,
    BilledLine,
    Code,
    Finding,
    Order,
    Rate,
    Terms,
    Worked,
    match,
)
from tracker.spend.models import LineUnit

JAN = date(2026, 1, 1)
MARCH = (date(2026, 3, 1), date(2026, 3, 31))
APRIL = (date(2026, 4, 1), date(2026, 4, 30))
CENT = Decimal("0.01")

MANAGED = Terms("GBP", JAN, fees=(Price(JAN, Decimal(31_000)),))
AUGMENTED = Terms(
    "GBP",
    JAN,
    rates=(Rate(JAN, Decimal(80), overtime=Decimal("1.5")),),
    person=7,
)


def fee_line(amount, period=MARCH, **fields):
    return _line("recurring", amount, period, fields)


def time_line(amount, hours, period=MARCH, **fields):
    given_hours = None if hours is None else Decimal(str(hours))
    return _line("time", amount, period, {"hours": given_hours} | fields)


def _line(charge, amount, period, fields):
    values = {
        "key": 1,
        "invoice": 10,
        "normalised_number": "a1",
        "place": (10, 1),
        "engagement": 5,
        "charge": charge,
        "first": period[0],
        "last": period[1],
        "amount": Decimal(str(amount)),
    } | fields
    return BilledLine(**values)


def earlier(line, **fields):
    """The line as another, earlier invoice would have it."""
    values = {
        "key": 90,
        "invoice": 9,
        "normalised_number": "a0",
        "place": (9, 1),
    } | fields
    return replace(line, **values)


def bill(*lines, terms=MANAGED, **fields):
    values = {
        "key": 10,
        "vendor": 1,
        "currency": "GBP",
        "total": sum((line.amount for line in lines), Decimal(0)),
        "lines": lines,
        "terms": {5: terms},
    } | fields
    return Bill(**values)


def worked(*hours, start=MARCH[0], overtime=False, person=7):
    return tuple(
        Worked(start + timedelta(days=n), Decimal(str(each)), overtime, person)
        for n, each in enumerate(hours)
    )


def codes(found):
    return [one.code for one in found]


def test_every_code_says_what_it_measures():
    assert set(MEASURES) == set(Code)


def test_charges_and_units_are_written_as_they_are_stored():
    found = {getattr(matching, each.upper()) for each in ChargeKind.values}
    assert found == set(ChargeKind.values)
    assert {matching.HOUR, matching.DAY} <= set(LineUnit.values)


# --- fee_mismatch ------------------------------------------------------------------


def test_fee_as_agreed_is_quiet():
    assert match(bill(fee_line(31_000))) == []


def test_fee_above_the_terms_is_told_to_the_cent():
    found = match(bill(fee_line("31250.50")))

    assert found == [
        Finding(Code.FEE_MISMATCH, 1, "31000", "31250.5", Decimal("250.50"))
    ]


def test_fee_below_the_terms_is_told_and_puts_nothing_at_stake():
    found = match(bill(fee_line(30_000)))

    assert found == [Finding(Code.FEE_MISMATCH, 1, "31000", "30000")]


def test_fee_of_part_of_a_month_counts_by_days():
    half = (date(2026, 3, 1), date(2026, 3, 10))

    assert match(bill(fee_line(10_000, half))) == []
    assert codes(match(bill(fee_line("10000.01", half)))) == [Code.FEE_MISMATCH]


def test_fee_change_in_the_middle_of_a_month_counts_both_prices():
    terms = replace(
        MANAGED,
        fees=(Price(JAN, Decimal(31_000)), Price(date(2026, 3, 16), Decimal(62_000))),
    )

    # 15 days of 1,000 and 16 of 2,000.
    assert match(bill(fee_line(47_000), terms=terms)) == []
    assert codes(match(bill(fee_line(62_000), terms=terms))) == [Code.FEE_MISMATCH]


def test_fee_is_right_however_the_vendor_rounds():
    # 10,000 by 31 days: three days of January and four of March, by month and once.
    terms = replace(MANAGED, fees=(Price(JAN, Decimal(10_000)),))
    period = (date(2026, 1, 29), date(2026, 3, 4))
    by_month = Decimal("967.74") + 10_000 + Decimal("1290.32")
    once = Decimal("12258.06")

    assert by_month == once
    assert match(bill(fee_line(by_month, period), terms=terms)) == []


def test_fee_without_agreed_fee_is_all_at_stake():
    found = match(bill(fee_line(500), terms=replace(MANAGED, fees=())))

    assert found == [Finding(Code.FEE_MISMATCH, 1, "0", "500", Decimal(500))]


@pytest.mark.parametrize("charge", ["milestone", "one_off"])
def test_charge_beside_the_fee_needs_an_agreement(charge):
    line = _line(charge, 900, MARCH, {})
    agreed = replace(MANAGED, one_offs=Decimal(900))

    assert match(bill(line, terms=agreed)) == []
    assert match(bill(line)) == [
        Finding(Code.FEE_MISMATCH, 1, "0", "900", Decimal(900))
    ]


def test_charges_beside_the_fee_are_used_up_by_earlier_bills():
    line = _line("milestone", 900, MARCH, {})
    before = earlier(line, charge="one_off", amount=Decimal(200))
    terms = replace(MANAGED, one_offs=Decimal(1_000))

    assert match(bill(line, terms=terms, others=(before,))) == [
        Finding(Code.FEE_MISMATCH, 1, "800", "900", Decimal(100))
    ]


# --- time --------------------------------------------------------------------------


def test_time_as_approved_is_quiet():
    found = bill(time_line(1200, 15), terms=AUGMENTED, worked={5: worked("7.5", "7.5")})

    assert match(found) == []


def test_rate_above_card_is_told_to_the_cent():
    line = time_line("1275.15", 15, unit_price=Decimal("85.01"))
    found = match(bill(line, terms=AUGMENTED, worked={5: worked("7.5", "7.5")}))

    assert found == [
        Finding(Code.RATE_ABOVE_CARD, 1, "1200", "1275.15", Decimal("75.15"))
    ]


def test_rate_below_card_is_quiet():
    found = bill(time_line(1100, 15), terms=AUGMENTED, worked={5: worked(15)})

    assert match(found) == []


def test_hours_above_approved_are_told_at_the_rate_of_the_card():
    found = match(
        bill(time_line(1360, 17), terms=AUGMENTED, worked={5: worked("7.5", "7.5")})
    )

    assert found == [Finding(Code.HOURS_ABOVE_APPROVED, 1, "15", "17", Decimal(160))]


def test_hours_and_rate_above_add_up():
    """17 hours at 85 where 15 at 80 were agreed: 245 in all."""
    found = match(bill(time_line(1445, 17), terms=AUGMENTED, worked={5: worked(15)}))

    assert [(one.code, one.amount) for one in found] == [
        (Code.RATE_ABOVE_CARD, Decimal(85)),
        (Code.HOURS_ABOVE_APPROVED, Decimal(160)),
    ]


def test_hours_without_any_approved_are_all_at_stake():
    found = match(bill(time_line(600, "7.5"), terms=AUGMENTED))

    assert found == [Finding(Code.HOURS_ABOVE_APPROVED, 1, "0", "7.5", Decimal(600))]


def test_hours_billed_before_are_not_approved_again():
    line = time_line(800, 10)
    before = earlier(line, hours=Decimal(6), amount=Decimal(480))
    found = match(bill(line, terms=AUGMENTED, others=(before,), worked={5: worked(15)}))

    assert found == [Finding(Code.HOURS_ABOVE_APPROVED, 1, "9", "10", Decimal(80))]


def test_hours_of_another_person_do_not_count():
    line = time_line(600, "7.5", person=7)
    found = match(bill(line, terms=AUGMENTED, worked={5: worked("7.5", person=8)}))

    assert codes(found) == [Code.HOURS_ABOVE_APPROVED]


def test_time_without_hours_may_come_to_all_that_is_approved():
    approved = {5: worked("7.5", "7.5")}

    assert match(bill(time_line(1200, None), terms=AUGMENTED, worked=approved)) == []
    assert match(bill(time_line(1280, None), terms=AUGMENTED, worked=approved)) == [
        Finding(Code.HOURS_ABOVE_APPROVED, 1, "15", "16", Decimal(80))
    ]


def test_time_of_a_managed_contract_is_held_against_its_hours():
    terms = replace(MANAGED, hour_price=Decimal(100))

    found = match(bill(time_line(900, 9), terms=terms, worked={5: worked(6)}))

    assert found == [Finding(Code.HOURS_ABOVE_APPROVED, 1, "6", "9", Decimal(300))]


def test_day_rate_buys_the_hours_of_a_day():
    terms = replace(AUGMENTED, rates=(Rate(JAN, Decimal(600), is_per_day=True),))
    line = time_line(
        1200, None, quantity=Decimal(2), unit="day", unit_price=Decimal(600)
    )

    assert match(bill(line, terms=terms, worked={5: worked("7.5", "7.5")})) == []
    over = replace(line, quantity=Decimal(3), amount=Decimal(1800))
    assert match(bill(over, terms=terms, worked={5: worked("7.5", "7.5")})) == [
        Finding(Code.HOURS_ABOVE_APPROVED, 1, "15", "22.5", Decimal(600))
    ]


def test_rate_change_in_the_period_prices_each_day():
    change = MARCH[0] + timedelta(days=1)
    terms = replace(
        AUGMENTED, rates=(Rate(JAN, Decimal(80)), Rate(change, Decimal(100)))
    )
    approved = {5: worked(8, 8)}

    assert match(bill(time_line(1440, 16), terms=terms, worked=approved)) == []
    assert match(bill(time_line(1600, 16), terms=terms, worked=approved)) == [
        Finding(Code.RATE_ABOVE_CARD, 1, "1440", "1600", Decimal(160))
    ]


def test_rate_of_the_day_before_the_change_is_the_old_one():
    terms = replace(
        AUGMENTED,
        rates=(Rate(JAN, Decimal(80)), Rate(APRIL[0], Decimal(100))),
    )
    last_day = {5: worked(8, start=MARCH[1])}

    assert codes(match(bill(time_line(800, 8), terms=terms, worked=last_day))) == [
        Code.RATE_ABOVE_CARD
    ]


def test_rate_whose_days_are_rounded_one_by_one_is_quiet():
    """33.33 for 7.5 hours is 249.98 a day: 749.94 in three, not 749.93."""
    terms = replace(AUGMENTED, rates=(Rate(JAN, Decimal("33.33")),))
    approved = {5: worked("7.5", "7.5", "7.5")}

    assert match(bill(time_line("749.93", "22.5"), terms=terms, worked=approved)) == []
    assert match(bill(time_line("749.94", "22.5"), terms=terms, worked=approved)) == []
    assert codes(
        match(bill(time_line("749.95", "22.5"), terms=terms, worked=approved))
    ) == [Code.RATE_ABOVE_CARD]


def test_overtime_as_approved_is_paid_at_its_rate():
    line = time_line(240, 2, is_overtime=True)
    approved = {5: worked(2, overtime=True)}

    assert match(bill(line, terms=AUGMENTED, worked=approved)) == []


def test_unapproved_overtime_is_told_at_its_rate():
    line = time_line(480, 4, is_overtime=True)
    approved = {5: worked(8) + worked(1, overtime=True)}

    assert match(bill(line, terms=AUGMENTED, worked=approved)) == [
        Finding(Code.UNAPPROVED_OVERTIME, 1, "1", "4", Decimal(360))
    ]


def test_overtime_billed_with_the_other_hours_is_quiet():
    approved = {5: worked(8) + worked(2, overtime=True)}

    assert match(bill(time_line(880, 10), terms=AUGMENTED, worked=approved)) == []


def test_overtime_on_a_line_of_its_own_is_not_billed_twice():
    hours = time_line(880, 10)
    overtime = time_line(240, 2, is_overtime=True, key=2, place=(10, 2))
    approved = {5: worked(8) + worked(2, overtime=True)}

    assert match(bill(hours, overtime, terms=AUGMENTED, worked=approved)) == [
        Finding(Code.RATE_ABOVE_CARD, 1, "800", "880", Decimal(80)),
        Finding(Code.HOURS_ABOVE_APPROVED, 1, "8", "10", Decimal(160)),
    ]


def test_unit_price_above_the_agreed_one_is_told():
    terms = replace(MANAGED, unit_prices=(Decimal(4), Decimal(5)))
    line = _line("unit", 600, MARCH, {"quantity": Decimal(100)})

    assert match(bill(replace(line, amount=Decimal(500)), terms=terms)) == []
    assert match(bill(line, terms=terms)) == [
        Finding(Code.RATE_ABOVE_CARD, 1, "500", "600", Decimal(100))
    ]


# --- who and when ------------------------------------------------------------------


def test_wrong_worker_puts_the_line_at_stake():
    line = time_line(600, "7.5", person=8)
    found = match(bill(line, terms=AUGMENTED, worked={5: worked("7.5", person=None)}))

    assert found == [Finding(Code.WRONG_WORKER, 1, "7", "8", Decimal(600))]


def test_worker_who_is_not_named_is_quiet():
    line = time_line(600, "7.5")

    assert match(bill(line, terms=AUGMENTED, worked={5: worked("7.5")})) == []


def test_service_before_the_start_is_outside_the_term():
    terms = replace(
        MANAGED,
        starts_on=date(2026, 3, 11),
        fees=(Price(date(2026, 3, 11), Decimal(31_000)),),
    )

    assert match(bill(fee_line(31_000), terms=terms)) == [
        Finding(Code.OUTSIDE_TERM, 1, "2026-03-11", "2026-03-01", Decimal(10_000))
    ]


def test_service_beyond_the_term_is_told_by_days():
    terms = replace(MANAGED, agreed_until=date(2026, 3, 21))

    assert match(bill(fee_line(31_000), terms=terms)) == [
        Finding(Code.OUTSIDE_TERM, 1, "2026-03-21", "2026-03-31", Decimal(10_000))
    ]


def test_service_to_the_last_day_of_the_term_is_quiet():
    terms = replace(MANAGED, starts_on=MARCH[0], agreed_until=MARCH[1])

    assert match(bill(fee_line(31_000), terms=terms)) == []


def test_service_after_what_was_closed_is_after_the_end():
    terms = replace(MANAGED, agreed_until=MARCH[1], ended_on=date(2026, 3, 21))

    assert match(bill(fee_line(31_000), terms=terms)) == [
        Finding(Code.AFTER_END, 1, "2026-03-21", "2026-03-31", Decimal(10_000))
    ]


def test_service_on_the_last_day_is_not_after_the_end():
    terms = replace(MANAGED, ended_on=MARCH[1])

    assert match(bill(fee_line(31_000), terms=terms)) == []


# --- duplicates and periods --------------------------------------------------------


def test_same_number_is_a_duplicate():
    line = fee_line(31_000)
    other = earlier(line, normalised_number="a1", amount=Decimal(5), charge="expense")

    assert match(bill(line, others=(other,))) == [
        Finding(Code.DUPLICATE, 1, "", "9:90", Decimal(31_000))
    ]


def test_same_period_and_amount_is_a_duplicate():
    line = fee_line(31_000)

    assert match(bill(line, others=(earlier(line),))) == [
        Finding(Code.DUPLICATE, 1, "", "9:90", Decimal(31_000))
    ]


def test_first_of_two_alike_is_no_duplicate():
    line = fee_line(31_000)
    later = earlier(line, place=(11, 1), invoice=11)

    assert match(bill(line, others=(later,))) == []


def test_two_charges_of_one_price_on_an_invoice_are_told_apart_by_their_words():
    terms = replace(MANAGED, one_offs=Decimal(100))
    first = _line("one_off", 50, MARCH, {"description": "Badge"})
    second = replace(first, key=2, place=(10, 2), description="Laptop")

    assert match(bill(first, second, terms=terms)) == []
    again = replace(second, description="Badge")
    assert codes(match(bill(first, again, terms=terms))) == [Code.DUPLICATE]


def test_time_of_two_people_is_no_duplicate():
    terms = replace(AUGMENTED, person=None)
    first = time_line(80, 1, person=7)
    second = replace(first, key=2, place=(10, 2), person=8)
    approved = {5: worked(1) + worked(1, person=8)}

    assert match(bill(first, second, terms=terms, worked=approved)) == []


def test_overlap_is_told_by_the_days_billed_before():
    before = earlier(fee_line(10_000), first=date(2026, 2, 20), last=date(2026, 3, 10))

    assert match(bill(fee_line(31_000), others=(before,))) == [
        Finding(Code.PERIOD_OVERLAP, 1, "2026-03-11", "2026-03-01", Decimal(10_000))
    ]


def test_periods_that_follow_one_another_are_quiet():
    march = earlier(fee_line(31_000))

    assert match(bill(fee_line(31_000, APRIL), others=(march,))) == []


def test_gap_between_two_bills_is_told():
    february = earlier(fee_line(31_000), first=date(2026, 2, 1), last=date(2026, 2, 28))

    assert match(bill(fee_line(31_000, APRIL), others=(february,))) == [
        Finding(Code.PERIOD_GAP, 1, "2026-03-01", "2026-04-01")
    ]


def test_gap_that_costs_nothing_is_quiet():
    february = earlier(fee_line(31_000), first=date(2026, 2, 1), last=date(2026, 2, 28))
    terms = replace(
        MANAGED,
        fees=(
            Price(JAN, Decimal(31_000)),
            Price(MARCH[0], Decimal(0)),
            Price(APRIL[0], Decimal(31_000)),
        ),
    )

    assert match(bill(fee_line(31_000, APRIL), terms=terms, others=(february,))) == []


def test_gap_of_time_is_told_where_hours_were_approved():
    february = earlier(time_line(80, 1), first=date(2026, 2, 1), last=date(2026, 2, 28))
    april = time_line(80, 1, APRIL)
    one_hour = worked(1, start=APRIL[0])

    def found(march):
        approved = {5: march + one_hour}
        return match(bill(april, terms=AUGMENTED, others=(february,), worked=approved))

    assert found(()) == []
    assert codes(found(worked(1))) == [Code.PERIOD_GAP]


# --- orders, credits, currency, sums -----------------------------------------------


def test_order_is_used_up_line_by_line():
    first = fee_line(31_000)
    second = fee_line(31_000, APRIL, key=2, place=(10, 2))
    order = Order(3, "GBP", Decimal(50_000))

    assert match(bill(first, second, orders={1: order, 2: order})) == [
        Finding(Code.OVER_ORDER, 2, "19000", "31000", Decimal(12_000))
    ]


def test_order_that_is_just_enough_is_quiet():
    order = Order(3, "GBP", Decimal(31_000))

    assert match(bill(fee_line(31_000), orders={1: order})) == []


def test_order_overdrawn_before_has_nothing_left():
    order = Order(3, "GBP", Decimal(-5))

    assert match(bill(fee_line(31_000), orders={1: order})) == [
        Finding(Code.OVER_ORDER, 1, "0", "31000", Decimal(31_000))
    ]


def test_agreed_credit_is_missed_on_the_next_invoice():
    found = match(bill(fee_line(31_000), credits={5: Decimal(620)}))

    assert found == [Finding(Code.CREDIT_NOT_APPLIED, 1, "620", "0", Decimal(620))]


def test_agreed_credit_that_is_given_is_quiet():
    credit = _line("credit", -620, MARCH, {"key": 2})

    assert match(bill(fee_line(31_000), credit, credits={5: Decimal(620)})) == []
    less = replace(credit, amount=Decimal(-600))
    assert match(bill(fee_line(31_000), less, credits={5: Decimal(620)})) == [
        Finding(Code.CREDIT_NOT_APPLIED, 1, "620", "600", Decimal(20))
    ]


def test_credit_note_needs_give_no_credit():
    line = fee_line(-31_000)

    assert match(bill(line, is_credit_note=True, credits={5: Decimal(620)})) == []


def test_other_currency_is_told_and_nothing_else_of_the_terms():
    found = match(bill(fee_line(99), currency="EUR"))

    assert found == [Finding(Code.WRONG_CURRENCY, 1, "GBP", "EUR", Decimal(99))]


def test_order_in_another_currency_is_told():
    order = Order(3, "EUR", Decimal(50_000))

    assert match(bill(fee_line(31_000), orders={1: order})) == [
        Finding(Code.WRONG_CURRENCY, 1, "EUR", "GBP", Decimal(31_000))
    ]


def test_lines_that_do_not_sum_to_the_total_are_told():
    found = match(bill(fee_line(31_000), total=Decimal("31000.01")))

    assert found == [Finding(Code.ARITHMETIC, None, "31000", "31000.01", CENT)]


def test_quantity_times_price_is_the_amount():
    line = time_line("100.01", 3, unit_price=Decimal("33.3333"), unit="hour")
    approved = {5: worked(3)}

    assert match(bill(line, terms=AUGMENTED, worked=approved)) == [
        Finding(Code.ARITHMETIC, 1, "100", "100.01", CENT)
    ]
    exact = replace(line, amount=Decimal(100))
    assert match(bill(exact, terms=AUGMENTED, worked=approved)) == []


def test_tax_is_held_against_no_terms():
    assert match(bill(_line("tax", 200, MARCH, {}))) == []


# --- what nothing agreed -----------------------------------------------------------


@pytest.mark.parametrize("terms", [MANAGED, AUGMENTED])
@pytest.mark.parametrize(
    ("charge", "code"),
    [
        ("expense", Code.FEE_MISMATCH),
        ("one_off", Code.FEE_MISMATCH),
        ("payment", Code.FEE_MISMATCH),
        ("credit", Code.FEE_MISMATCH),
        ("unit", Code.RATE_ABOVE_CARD),
    ],
)
def test_a_charge_that_nobody_agreed_is_told_whole(charge, code, terms):
    line = _line(charge, "99.99", MARCH, {"quantity": Decimal(3)})

    assert match(bill(line, terms=terms)) == [
        Finding(code, 1, "0", "99.99", Decimal("99.99"))
    ]


def test_expenses_draw_on_what_was_agreed_to_be_paid_once():
    terms = replace(MANAGED, one_offs=Decimal(500))
    before = earlier(_line("milestone", 380, MARCH, {}))
    travel = _line("expense", 120, MARCH, {})

    assert match(bill(travel, terms=terms, others=(before,))) == []
    found = match(
        bill(replace(travel, amount=Decimal("120.01")), terms=terms, others=(before,))
    )

    assert found == [Finding(Code.FEE_MISMATCH, 1, "120", "120.01", Decimal("0.01"))]


def test_units_without_their_number_are_told_whole():
    terms = replace(MANAGED, unit_prices=(Decimal(5),))

    found = match(bill(_line("unit", 600, MARCH, {}), terms=terms))

    assert found == [Finding(Code.RATE_ABOVE_CARD, 1, "0", "600", Decimal(600))]


def test_time_of_a_managed_contract_needs_a_price_that_was_agreed():
    approved = {5: worked(4, 6, person=None)}
    line = time_line(950, 10)

    unpriced = match(bill(line, worked=approved))
    by_the_hour = replace(MANAGED, hour_price=Decimal(90))
    above = match(bill(line, terms=by_the_hour, worked=approved))
    once = replace(MANAGED, one_offs=Decimal(1000))
    drawn = earlier(time_line(60, 1, APRIL))

    assert unpriced == [Finding(Code.RATE_ABOVE_CARD, 1, "0", "950", Decimal(950))]
    assert above == [Finding(Code.RATE_ABOVE_CARD, 1, "900", "950", Decimal(50))]
    assert (
        match(
            bill(replace(line, amount=Decimal(900)), terms=by_the_hour, worked=approved)
        )
        == []
    )
    assert match(bill(line, terms=once, worked=approved)) == []
    assert match(bill(line, terms=once, worked=approved, others=(drawn,))) == [
        Finding(Code.RATE_ABOVE_CARD, 1, "940", "950", Decimal(10))
    ]


def test_hours_above_the_approved_are_not_told_twice_without_a_rate():
    found = match(bill(time_line(1000, 10), worked={5: worked(6, person=None)}))

    assert found == [
        Finding(Code.HOURS_ABOVE_APPROVED, 1, "6", "10", Decimal(400)),
        Finding(Code.RATE_ABOVE_CARD, 1, "0", "600", Decimal(600)),
    ]


# --- what holds for any terms ------------------------------------------------------

cents = st.integers(1, 5_000_000).map(lambda n: Decimal(n) / 100)
days = st.integers(0, 400).map(lambda n: JAN + timedelta(days=n))


@st.composite
def fee_terms(draw):
    starts = sorted(draw(st.sets(days, max_size=3)) | {JAN})
    return replace(MANAGED, fees=tuple(Price(start, draw(cents)) for start in starts))


def independent_fee(terms, first, last):
    """Day by day, each month rounded: written without the product's arithmetic."""
    months = {}
    day = first
    while day <= last:
        price = max(
            (fee for fee in terms.fees if fee.starts_on <= day),
            key=lambda fee: fee.starts_on,
        )
        share = price.amount / monthrange(day.year, day.month)[1]
        key = (day.year, day.month)
        months[key] = months.get(key, Decimal(0)) + share
        day += timedelta(days=1)
    return sum(
        (each.quantize(CENT, rounding=ROUND_HALF_UP) for each in months.values()),
        Decimal(0),
    )


@given(fee_terms(), days, st.integers(1, 120))
def test_fee_made_from_the_terms_is_quiet_and_more_is_not(terms, first, length):
    last = first + timedelta(days=length - 1)
    due = matching.fees_due(terms, first, last)

    assert abs(independent_fee(terms, first, last) - due[0]) <= CENT
    assert match(bill(fee_line(due[0], (first, last)), terms=terms)) == []
    more = fee_line(max(due) + CENT, (first, last))
    found = match(bill(more, terms=terms))
    assert [(one.code, one.amount) for one in found] == [(Code.FEE_MISMATCH, CENT)]


@st.composite
def worked_month(draw):
    """Rates with what was worked under them, and what that comes to day by day."""
    starts = sorted(draw(st.sets(days, max_size=2)) | {JAN})
    is_per_day = draw(st.booleans())
    rates = tuple(
        Rate(start, draw(cents), is_per_day, overtime=draw(st.sampled_from(OVERTIME)))
        for start in starts
    )
    first = draw(days)
    approved = tuple(
        Worked(
            first + timedelta(days=draw(st.integers(0, 30))),
            Decimal(draw(st.integers(1, 48))) / 4,
            draw(st.booleans()),
            7,
        )
        for _n in range(draw(st.integers(1, 12)))
    )
    return replace(AUGMENTED, rates=rates), (first, first + timedelta(30)), approved


OVERTIME = (Decimal(1), Decimal("1.25"), Decimal("1.5"))


def independent_time(terms, approved):
    parts = []
    for one in approved:
        rate = [rate for rate in terms.rates if rate.starts_on <= one.day][-1]
        cost = Fraction(one.hours) * Fraction(rate.amount)
        if rate.is_per_day:
            cost *= Fraction(2, 15)
        parts.append(cost * Fraction(rate.overtime) if one.is_overtime else cost)
    return max(sum(map(to_cents, parts)), to_cents(sum(parts))) / Decimal(100)


def to_cents(cost):
    """Whole cents, a half going up: every amount here is positive."""
    return int(cost * 100 + Fraction(1, 2))


@given(worked_month())
def test_time_made_from_the_terms_is_quiet_and_more_is_not(month):
    terms, period, approved = month
    amount = independent_time(terms, approved)
    hours = sum((one.hours for one in approved), Decimal(0))
    line = time_line(amount, hours, period)

    assert match(bill(line, terms=terms, worked={5: approved})) == []
    more = replace(line, amount=amount + CENT)
    found = match(bill(more, terms=terms, worked={5: approved}))
    assert [(one.code, one.amount) for one in found] == [(Code.RATE_ABOVE_CARD, CENT)]


@given(worked_month(), st.integers(1, 100), st.integers(-2000, 4000))
def test_findings_of_time_add_up_to_what_is_above_the_agreed(month, more, cents_more):
    terms, period, approved = month
    hours = sum((one.hours for one in approved), Decimal(0)) + Decimal(more) / 4
    agreed = independent_time(terms, approved)
    amount = max(agreed + Decimal(cents_more) / 100, CENT)
    line = time_line(amount, hours, period)

    found = match(bill(line, terms=terms, worked={5: approved}))

    at_stake = sum((one.amount for one in found), Decimal(0))
    assert at_stake == max(amount - agreed, Decimal(0))
    assert Code.HOURS_ABOVE_APPROVED in codes(found)
