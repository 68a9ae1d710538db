from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engagements.values.commitment import Price
from engagements.values.periods import last_day_of_month
from tracker.spend.accrual import AgreedCredit, Billed, Facts, cover, position_at
from tracker.spend.earnings import AgreedCharge, Rate, Terms, Worked
from tracker.spend.explained import Part, as_json, from_json

JULY = date(2026, 7, 1)
AUGUST = date(2026, 8, 1)
END_OF_JULY = date(2026, 7, 31)
END_OF_AUGUST = date(2026, 8, 31)


def contract(*fees: tuple[date, str], first: date = JULY, **fields: object) -> Terms:
    prices = [Price(day, Decimal(amount)) for day, amount in fees]
    values = {"currency": "GBP", "country": "GB", "first": first, "fees": prices}
    return Terms(**values | fields)  # type: ignore[arg-type]


def assignment(**fields: object) -> Terms:
    values = {
        "currency": "GBP",
        "country": "GB",
        "first": JULY,
        "rates": [Rate(JULY, Decimal(80))],
        "weekly_hours": Decimal(40),
    }
    return Terms(**values | fields)  # type: ignore[arg-type]


def fee_billed(month: date, amount: str, number: int = 1) -> Billed:
    return Billed(month, "recurring", Decimal(amount), f"N-{number}", source_id=number)


def sums_up(part: Part) -> bool:
    return all(
        one.amount == sum((p.amount for p in one.parts), Decimal(0))
        for one in part.walk()
        if one.parts
    )


def test_accrual_of_a_month_without_invoice_is_its_fee():
    found = position_at(Facts(contract((JULY, "3100"))), END_OF_JULY)

    assert (found.accrual, found.prepayment) == (Decimal(3100), 0)
    assert found.open_by_cell == {(JULY, "recurring"): Decimal(3100)}


def test_accrual_of_an_invoiced_month_is_nothing():
    facts = Facts(contract((JULY, "3100")), [fee_billed(JULY, "3100")])

    found = position_at(facts, END_OF_JULY)

    assert (found.accrual, found.prepayment, found.open_by_cell) == (0, 0, {})


def test_fee_that_changes_within_a_month_counts_by_days():
    terms = contract((JULY, "3100"), (date(2026, 7, 11), "6200"))

    found = position_at(Facts(terms), END_OF_JULY)

    fees = [p.amount for p in found.explanation.walk() if p.code == "fee"]
    assert fees == [Decimal(1000), Decimal(4200)]


def test_fee_stops_with_the_last_day():
    terms = contract((JULY, "3100"), last=date(2026, 7, 10))

    assert position_at(Facts(terms), END_OF_AUGUST).accrual == Decimal(1000)


def test_prepayment_is_what_was_billed_above_and_ahead():
    billed = [fee_billed(JULY, "3200"), fee_billed(AUGUST, "3100", 2)]

    found = position_at(Facts(contract((JULY, "3100")), billed), END_OF_JULY)

    assert (found.accrual, found.prepayment) == (0, Decimal(3200))
    assert found.ahead == Decimal(3100)


def test_agreed_credit_lowers_the_accrual_not_what_is_open():
    facts = Facts(
        contract((JULY, "3100")), credits=[AgreedCredit("2026-06", Decimal(100), 7)]
    )

    found = position_at(facts, END_OF_JULY)

    assert found.accrual == Decimal(3000)
    assert sum(found.open_by_cell.values()) == Decimal(3100)


def test_settled_months_owe_nothing():
    facts = Facts(contract((JULY, "3100")), settled_in=JULY)

    found = position_at(facts, END_OF_AUGUST)

    assert (found.accrual, found.settled) == (Decimal(3100), Decimal(3100))
    assert found.open_by_cell == {(AUGUST, "recurring"): Decimal(3100)}


def test_missing_sheets_are_estimated_by_the_countrys_working_days():
    # July 2026 has 23 working days.
    found = position_at(Facts(assignment()), END_OF_JULY)

    assert found.estimated == found.accrual == Decimal(23 * 8 * 80)


def test_public_holiday_of_the_country_is_no_working_day():
    # May 2026 has 21 weekdays; in Germany, three of them are holidays.
    may = date(2026, 5, 1)
    terms = assignment(first=may, country="DE", rates=[Rate(may, Decimal(80))])

    found = position_at(Facts(terms), last_day_of_month(may))

    assert found.estimated == Decimal(18 * 8 * 80)


def sheet_of_a_week(*hours: str, weekly: str = "40"):
    """Return an assignment whose first week was sent in, from Monday 6 July on."""
    monday = date(2026, 7, 6)
    work = [
        Worked(monday + timedelta(days=n), Decimal(text), has_sheet=True)
        for n, text in enumerate(hours)
        if text
    ]
    return assignment(
        first=monday,
        work=work,
        sheets=[(monday, monday + timedelta(days=6))],
        weekly_hours=Decimal(weekly),
    )


@pytest.mark.parametrize(
    ("hours", "estimated"),
    [
        (("8", "8", "8", "8", "8"), 0),
        # 0 is an answer; a blank is none, and is estimated.
        (("8", "8", "8", "8", "0"), 0),
        (("8", "8", "8", "8", ""), 8),
        (("0", "0", "0", "0", "0"), 0),
        (("0", "", "", "", ""), 32),
        # But no more than was planned and isn't entered on other days.
        (("10", "10", "10", "", ""), 8),
        (("10", "10", "10", "10", ""), 0),
        (("8", "8", "8", "7.5", ""), 8),
        (("8", "8", "8", "9", ""), 0),
        (("8", "8", "8", "8", "", "8"), 0),
    ],
)
def test_blank_day_of_a_sheet_sent_in_is_estimated_and_a_0_is_not(hours, estimated):
    found = position_at(Facts(sheet_of_a_week(*hours)), date(2026, 7, 12))

    entered = sum(Decimal(text or 0) for text in hours)
    assert found.estimated == estimated * 80
    assert found.accrual == (entered + estimated) * 80


def test_part_time_week_leaves_nothing_to_estimate():
    facts = Facts(sheet_of_a_week("8", "8", "8", weekly="24"))

    assert position_at(facts, date(2026, 7, 12)).estimated == 0


def test_invoice_of_time_speaks_for_all_its_days():
    billed = assignment(given=[(JULY, END_OF_JULY)])

    assert position_at(Facts(billed), END_OF_JULY).accrual == 0
    assert position_at(Facts(assignment()), END_OF_JULY).accrual > 0


def test_hours_logged_without_a_sheet_speak_for_their_week():
    work = [Worked(date(2026, 7, 6), Decimal(6))]

    found = position_at(Facts(assignment(work=work)), END_OF_JULY)

    # 23 working days less the five of that week.
    assert found.estimated == Decimal(18 * 8 * 80)
    assert found.earned - found.estimated == Decimal(480)


def test_overtime_counts_at_its_multiple():
    rates = [Rate(JULY, Decimal(80), Decimal("1.5"))]
    work = [
        Worked(date(2026, 7, 6), Decimal(8), has_sheet=True),
        Worked(date(2026, 7, 6), Decimal(2), is_overtime=True, has_sheet=True),
    ]
    terms = assignment(rates=rates, work=work, given=[(JULY, END_OF_JULY)])

    assert position_at(Facts(terms), END_OF_JULY).accrual == Decimal(640 + 240)


def test_rate_of_the_day_counts():
    rates = [Rate(JULY, Decimal(80)), Rate(date(2026, 7, 15), Decimal(90))]
    work = [
        Worked(date(2026, 7, 14), Decimal(8), has_sheet=True),
        Worked(date(2026, 7, 15), Decimal(8), has_sheet=True),
    ]
    terms = assignment(rates=rates, work=work, given=[(JULY, END_OF_JULY)])

    assert position_at(Facts(terms), END_OF_JULY).accrual == Decimal(640 + 720)


@pytest.mark.parametrize(
    ("charge", "earned"),
    [
        (AgreedCharge("Go-live", "milestone", Decimal(500)), 0),
        (AgreedCharge("Go-live", "milestone", Decimal(500), due_on=JULY), 0),
        (AgreedCharge("Go-live", "milestone", Decimal(500), END_OF_JULY), 500),
        (AgreedCharge("Go-live", "milestone", Decimal(500), AUGUST), 0),
        (AgreedCharge("Set-up", "one_off", Decimal(500), due_on=JULY), 500),
    ],
)
def test_charge_is_earned_once_accepted_or_as_agreed(charge, earned):
    terms = contract(charges=[charge])

    assert position_at(Facts(terms), END_OF_JULY).earned == earned


def test_months_billed_to_the_cent_are_told_in_one_line():
    first = date(2026, 1, 1)
    billed = [fee_billed(date(2026, m, 1), "3100", m) for m in range(1, 7)]

    found = position_at(
        Facts(contract((first, "3100"), first=first), billed), END_OF_JULY
    )

    earned = found.explanation.parts[0]
    assert [(p.code, p.amount) for p in earned.parts] == [
        ("even_months", Decimal(6 * 3100)),
        ("month", Decimal(3100)),
    ]
    assert sums_up(found.explanation)


@pytest.mark.parametrize(
    ("cells", "left"),
    [
        ({(JULY, "time"): -10, (AUGUST, "time"): 30}, {(AUGUST, "time"): 20}),
        ({(JULY, "time"): 30, (AUGUST, "time"): -40}, {}),
        (
            {(JULY, "time"): 5, (JULY, "milestone"): 5, (AUGUST, "time"): -5},
            {(JULY, "milestone"): 5},
        ),
    ],
)
def test_what_was_billed_above_covers_the_oldest_first(cells, left):
    assert cover({k: Decimal(v) for k, v in cells.items()}) == left


cents = st.integers(0, 2_000_000).map(lambda n: Decimal(n) / 100)
days = st.dates(date(2026, 1, 1), date(2026, 12, 31))
fees = st.lists(st.tuples(days, cents), max_size=4, unique_by=lambda fee: fee[0])
bills = st.lists(
    st.builds(
        lambda month, amount, number: fee_billed(
            date(2026, month, 1), str(amount), number
        ),
        st.integers(1, 12),
        cents,
        st.integers(1, 9),
    ),
    max_size=6,
)


@given(fees, bills, cents, days, st.randoms(use_true_random=False))
def test_parts_sum_to_the_whole_whatever_the_order(prices, billed, credit, until, rng):
    first = min((day for day, _amount in prices), default=JULY)
    terms = contract(*((d, str(a)) for d, a in prices), first=first)
    shuffled = [*billed]
    rng.shuffle(shuffled)
    credits = [AgreedCredit("2026-01", credit, 1)]

    found = position_at(Facts(terms, billed, credits), until)

    assert found == position_at(Facts(terms, shuffled, credits), until)
    assert sums_up(found.explanation)
    assert found.explanation.amount == found.net
    assert found.accrual - max(Decimal(0), -found.net) == found.net
    gross = found.earned - found.invoiced
    assert sum(found.open_by_cell.values(), Decimal(0)) == max(Decimal(0), gross)
    assert from_json(as_json(found.explanation)) == found.explanation


@given(cents, st.lists(st.integers(2, 31), max_size=5, unique=True), st.integers(1, 12))
def test_prorated_parts_sum_to_the_months_fee(fee, cuts, month):
    first = date(2026, month, 1)
    last = last_day_of_month(first)
    starts = [first, *(first.replace(day=c) for c in sorted(cuts) if c <= last.day)]
    terms = contract(*((day, str(fee)) for day in starts), first=first)

    assert position_at(Facts(terms), last).earned == fee


@given(cents, st.integers(1, 12))
def test_fully_invoiced_month_accrues_nothing(fee, month):
    first = date(2026, month, 1)
    terms = contract((first, str(fee)), first=first)
    facts = Facts(terms, [fee_billed(first, str(fee))])

    found = position_at(facts, last_day_of_month(first))

    assert (found.accrual, found.prepayment, found.open_by_cell) == (0, 0, {})
