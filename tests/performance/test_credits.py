"""The four credit schemes, to the cent, by the figures that contracts print."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.performance.credits import (
    CreditLine,
    Miss,
    Step,
    Terms,
    credits_due,
    fee_in,
    is_earned_back,
)

D = Decimal
FEE = D(100_000)


def due(scheme, *misses, fee=FEE, at_risk=0, steps=(), currency="GBP"):
    terms = Terms(fee, currency, D(at_risk), tuple(steps))
    return [(line.level, line.amount) for line in credits_due(scheme, misses, terms)]


def miss(level=1, value="90", **fields):
    return Miss(level, D(value), **fields)


def test_pool_multiplies_allocation_severity_risk_and_fee():
    one = miss(allocation=D(50), severity=D(40))

    # 50 % of 40 % of 10 % of 100,000
    assert due("pool", one, at_risk=10) == [(1, D("2000.00"))]


def test_pool_is_capped_at_the_amount_at_risk_shared_to_the_cent():
    misses = [miss(n, allocation=D(50)) for n in (1, 2, 3)]

    # Three times 5,000 against 10,000
    assert due("pool", *misses, at_risk=10) == [
        (1, D("3333.34")),
        (2, D("3333.33")),
        (3, D("3333.33")),
    ]


def test_pool_of_nothing_pays_nothing():
    assert due("pool", miss(allocation=D(50)), at_risk=0) == []


POINTS = [
    Step(D(n), D(p)) for n, p in ((5, 0), (10, 2), (15, 4), (20, 6), (25, 8), (30, 10))
]


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        (0, None),
        (5, None),
        (9, None),
        (10, "2000.00"),
        (14, "2000.00"),
        (15, "4000.00"),
        (20, "6000.00"),
        (25, "8000.00"),
        (30, "10000.00"),
        (95, "10000.00"),
    ],
)
def test_points_of_all_levels_reach_a_step(points, expected):
    found = due("points", miss(1, points=points), miss(2), steps=POINTS)

    assert found == ([] if expected is None else [(None, D(expected))])


def test_points_add_up():
    found = due("points", miss(1, points=5), miss(2, points=10), steps=POINTS)

    assert found == [(None, D("4000.00"))]


TIERS = [Step(D(b), D(p)) for b, p in (("99.99", 10), ("99", 30), ("95", 100))]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("99.99", None),
        ("99.989", "10000.00"),
        ("99", "10000.00"),
        ("98.99", "30000.00"),
        ("95", "30000.00"),
        ("94.99", "100000.00"),
    ],
)
def test_tiers_are_fallen_through(value, expected):
    found = due("tiers", miss(value=value), steps=TIERS)

    assert found == ([] if expected is None else [(1, D(expected))])


def test_tiers_of_a_ceiling_are_risen_through():
    late = miss(value="61", is_ceiling=True)

    assert due("tiers", late, steps=[Step(D(30), D(5)), Step(D(60), D(15))]) == [
        (1, D("15000.00"))
    ]


def test_tiers_of_a_level_come_before_those_for_all():
    steps = [*TIERS, Step(D(99), D(1), level=1)]

    assert due("tiers", miss(1, "94"), miss(2, "98"), steps=steps) == [
        (1, D("1000.00")),
        (2, D("30000.00")),
    ]


def test_flat_gives_each_level_its_share_of_the_fee():
    found = due("flat", miss(1, allocation=D(5)), miss(2, allocation=D("2.5")))

    assert found == [(1, D("5000.00")), (2, D("2500.00"))]


def test_flat_counts_an_incident_for_one_level_the_largest():
    hit = frozenset({"INC7"})
    found = due(
        "flat",
        miss(1, allocation=D(3), incidents=hit),
        miss(2, allocation=D(5), incidents=hit),
        miss(3, allocation=D(1), incidents=frozenset({"INC8"})),
    )

    assert found == [(2, D("5000.00")), (3, D("1000.00"))]


def test_other_schemes_are_capped_where_a_share_is_at_risk():
    assert due("tiers", miss(value="94"), steps=TIERS, at_risk=12) == [
        (1, D("12000.00"))
    ]
    assert due("flat", miss(allocation=D(20)), at_risk=10) == [(1, D("10000.00"))]


def test_credits_are_whole_minor_units_of_their_currency():
    one = miss(allocation=D("33.3333"))

    assert due("flat", one, fee=D("1000.01")) == [(1, D("333.34"))]
    assert due("flat", one, fee=D(1000), currency="JPY") == [(1, D(333))]


def test_no_scheme_and_no_miss_give_nothing():
    assert due("none", miss(allocation=D(50)), at_risk=10) == []
    assert due("pool", at_risk=10) == []


def test_line_tells_what_it_would_be_without_the_cap():
    terms = Terms(FEE, "GBP", D(10))
    misses = [miss(n, allocation=D(100)) for n in (1, 2)]

    assert credits_due("pool", misses, terms) == [
        CreditLine(n, D(5000), D(10_000), D(10)) for n in (1, 2)
    ]


@pytest.mark.parametrize(
    ("following", "windows", "expected"),
    [
        ([True, True], 2, True),
        ([True, True, False], 2, True),
        ([True], 2, False),
        ([True, False], 2, False),
        ([True, None], 2, False),
        ([True, True], None, False),
    ],
)
def test_credit_is_earned_back_by_reaching_the_target_again(
    following, windows, expected
):
    assert is_earned_back(following, windows) is expected


def test_fee_of_a_month_in_which_it_rose():
    # 10 of 30 days at 1,000 and 20 at 1,100
    assert fee_in([(10, D(1000)), (20, D(1100))], 30, "GBP") == D("1066.67")
    # The contract began on the 16th.
    assert fee_in([(15, D(1000))], 30, "GBP") == D("500.00")


percentages = st.decimals(0, 100, places=2)


@given(
    st.lists(st.tuples(percentages, percentages), min_size=1, max_size=6),
    percentages,
    st.decimals(0, 1_000_000, places=2),
)
def test_pool_never_gives_more_than_is_at_risk(shares, at_risk, fee):
    misses = [
        Miss(n, D(0), allocation=allocation, severity=severity)
        for n, (allocation, severity) in enumerate(shares)
    ]
    terms = Terms(fee, "GBP", at_risk)

    lines = credits_due("pool", misses, terms)

    assert sum(line.amount for line in lines) <= terms.at_risk_amount
    assert all(line.amount == round(line.amount, 2) for line in lines)
