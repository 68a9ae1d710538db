"""What is at risk in a window that still runs, counted by hand."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.performance.at_risk import (
    LOOKS_AHEAD,
    CreditAhead,
    Risk,
    SoFar,
    credit_ahead,
    minutes_left,
    misses_left,
    risk_of,
    value_after,
)
from tracker.performance.credits import Miss, Step, Terms
from tracker.performance.service_levels import Bounds

D = Decimal
FLOOR_90 = Bounds(is_ceiling=False, target=D(90))
FEE = D(100_000)
PAYING = (Step(D(5), D(0)), Step(D(10), D(2)), Step(D(15), D(4)))


def counted(good, total, bounds=FLOOR_90):
    value = D(100) * good / total if total else None
    return SoFar(1, bounds, value, good=good, total=total)


def down(minutes, bounds, service_minutes=43_200):
    service = service_minutes * 60
    seconds = int(minutes * 60)
    value = D(100) * (service - seconds) / service
    return SoFar(1, bounds, value, down=seconds, service=service)


@pytest.mark.parametrize(
    ("good", "total", "left"),
    [
        # 19/20 is 95 %; 19/21 is 90.5 %, 19/22 is 86.4 %.
        (19, 20, 1),
        # 9/10 is just 90 %: the next miss breaks it.
        (9, 10, 0),
        # 18/20 is 90 %.
        (18, 20, 0),
        (89, 100, 0),
        # 200/220 is 90.9 %, 200/222 is 90.1 %, so not within ten misses of 200/200.
        (200, 200, None),
        # 95/105 is 90.5 %, 95/106 is 89.6 %.
        (95, 100, 5),
    ],
)
def test_misses_left_are_what_the_share_still_bears(good, total, left):
    assert misses_left(counted(good, total)) == left


def test_a_share_that_is_to_stay_low_rises_with_each_miss():
    defects = Bounds(is_ceiling=True, target=D(5))

    so_far = counted(4, 100, defects)

    assert value_after(so_far, 1) == D(500) / 101
    # 5/101 is 4.95 %, 6/102 is 5.88 %.
    assert misses_left(so_far) == 1


def test_minimum_decides_where_it_is_easier_than_the_target():
    eased = Bounds(is_ceiling=False, target=D(95), minimum=D(90))

    assert misses_left(counted(19, 20, eased)) == 1


def test_downtime_leaves_minutes_of_what_the_whole_window_allows():
    # 99.9 % of 30 days around the clock allows 43.2 minutes.
    bounds = Bounds(is_ceiling=False, target=D("99.9"))

    assert minutes_left(down(13, bounds)) == D("30.2")
    assert minutes_left(down(50, bounds)) == D("-6.8")


@pytest.mark.parametrize(
    ("so_far", "risk"),
    [
        (SoFar(1, FLOOR_90), Risk.SILENT),
        (counted(89, 100), Risk.SHORT),
        (counted(19, 20), Risk.NEAR),
        (counted(9, 10), Risk.NEAR),
        (counted(95, 100), Risk.SAFE),
        (counted(200, 200), Risk.SAFE),
        (down(0, Bounds(False, D("99.9"))), Risk.SAFE),
        # A quarter of the 43.2 minutes is left.
        (down(D("32.4"), Bounds(False, D("99.9"))), Risk.NEAR),
        (down(D("32.3"), Bounds(False, D("99.9"))), Risk.SAFE),
        (down(44, Bounds(False, D("99.9"))), Risk.SHORT),
        (SoFar(1, Bounds(True, D(4)), D("4.5")), Risk.SHORT),
        (SoFar(1, Bounds(True, D(4)), D("4")), Risk.SAFE),
    ],
)
def test_risk_says_short_near_or_on_course(so_far, risk):
    assert risk_of(so_far) == risk


def ahead(so_far, scheme, *, own=None, others=(), at_risk="10", steps=()):
    return credit_ahead(
        so_far,
        scheme=scheme,
        others=others,
        own=own or Miss(1, D(0), allocation=D(50), severity=D(40), points=5),
        terms=Terms(fee=FEE, currency="GBP", at_risk=D(at_risk), steps=steps),
    )


def test_two_more_misses_and_a_credit_is_due():
    """50 % x 40 % x 10 % x 100,000 of the pool, as soon as 19/22 falls short."""
    assert ahead(counted(19, 20), "pool") == CreditAhead(2, D("2000.00"))


def test_credit_is_due_as_it_stands_where_the_level_is_short():
    assert ahead(counted(89, 100), "pool") == CreditAhead(0, D("2000.00"))


def test_points_pay_only_once_those_of_others_reach_a_step():
    """5 points give nothing; with another level's 5 the step of 10 gives 2 %."""
    other = Miss(2, D(0), points=5)

    alone = ahead(counted(9, 10), "points", steps=PAYING)
    assert alone is None
    both = ahead(counted(9, 10), "points", others=[other], steps=PAYING)
    assert both == CreditAhead(1, D("2000.00"))


def test_points_of_a_level_add_only_what_they_add():
    """Others have reached 10 points, 2 %; five more make it 4 %."""
    others = [Miss(2, D(0), points=10)]

    found = ahead(counted(9, 10), "points", others=others, steps=PAYING)

    assert found == CreditAhead(1, D("2000.00"))


def test_tiers_look_at_how_far_the_figure_falls():
    """Below 90 nothing is paid, below 85 the tier of 30 %: 17/20 is 85, 17/21 is 81."""
    tiers = (Step(D(85), D(30)),)

    found = ahead(counted(17, 20), "tiers", at_risk="0", steps=tiers)

    assert found == CreditAhead(1, D("30000.00"))


def test_flat_gives_the_levels_share_of_the_fee():
    own = Miss(1, D(0), allocation=D(5))

    assert ahead(counted(9, 10), "flat", own=own, at_risk="0") == CreditAhead(
        1, D("5000.00")
    )


def test_no_scheme_and_a_capped_pool_cost_nothing():
    others = [Miss(2, D(0), allocation=D(100), severity=D(100))]

    assert ahead(counted(9, 10), "none") is None
    # The month's 10,000 at risk are used up by the other level.
    assert ahead(counted(9, 10), "pool", others=others) is None


@given(st.integers(0, 400), st.integers(1, 400), st.integers(0, LOOKS_AHEAD - 1))
def test_one_more_miss_never_leaves_more_room(good, total, misses):
    so_far = counted(min(good, total), total)

    before, after = value_after(so_far, misses), value_after(so_far, misses + 1)

    assert before is not None
    assert after is not None
    assert after <= before


@given(st.integers(0, 400), st.integers(1, 400))
def test_misses_left_is_the_last_count_that_still_reaches_the_bound(good, total):
    so_far = counted(min(good, total), total)
    left = misses_left(so_far)

    reached = [
        so_far.bounds.is_reached(value_after(so_far, n)) for n in range(LOOKS_AHEAD + 1)
    ]
    if left is None:
        assert all(reached)
    else:
        assert not reached[left + 1]
        assert all(reached[1 : left + 1])
