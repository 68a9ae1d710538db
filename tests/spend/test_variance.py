from fractions import Fraction
from itertools import groupby

from hypothesis import given, settings
from hypothesis import strategies as st

from tracker.spend.variance import (
    Line,
    Measure,
    Parts,
    Unit,
    pool_of,
    variances,
)

CENT = 100
CASES = settings(max_examples=10_000, deadline=None)
SOME_CASES = settings(max_examples=1_000, deadline=None)

cents = st.integers(-(10**11), 10**11).map(lambda n: n * CENT)
hours = st.integers(0, 40_000).map(lambda n: Fraction(n, 100))
measures = st.builds(Measure, hours, cents, cents)
flags = st.sampled_from([(False, False)] * 4 + [(True, False), (False, True)])


def line_of(unit, before, after, flag=(False, False)):
    is_new, is_ended = flag
    return Line(
        unit,
        Measure() if is_new else before,
        Measure() if is_ended else after,
        is_new,
        is_ended,
    )


lines = st.lists(
    st.builds(line_of, st.sampled_from(Unit), measures, measures, flags), max_size=5
)
# Factors and prices whose products are whole cents.
factors = st.integers(1, 30).map(lambda n: Fraction(n, 10))
prices = st.integers(1, 2_000).map(lambda n: n * 10)


def at(units, price, factor):
    """A measure of whole hours at a price in whole tenths of the currency."""
    amount = units * price * CENT
    return Measure(Fraction(units), amount, int(amount * factor))


def change(line):
    return line.after.reporting - line.before.reporting


@CASES
@given(lines)
def test_parts_sum_to_the_change_exactly(compared):
    parts = variances(compared, CENT)

    assert [one.total for one in parts] == [change(line) for line in compared]
    assert all(value % CENT == 0 for one in parts for value in vars(one).values())


@CASES
@given(lines, st.data())
def test_children_sum_to_their_parents(compared, data):
    parts = variances(compared, CENT)
    groups = data.draw(
        st.lists(st.integers(0, 2), min_size=len(parts), max_size=len(parts))
    )
    by_group = sorted(zip(groups, parts, strict=True), key=lambda pair: pair[0])
    parents = [
        sum((one for _group, one in found), Parts())
        for _key, found in groupby(by_group, key=lambda pair: pair[0])
    ]

    assert sum(parents, Parts()) == sum(parts, Parts())
    assert sum(parts, Parts()).total == sum(change(line) for line in compared)


@CASES
@given(
    st.lists(st.tuples(st.integers(1, 400), prices), min_size=1, max_size=4),
    factors,
    factors,
)
def test_only_fx_changed_is_only_fx(worked, old, new):
    compared = [
        Line(Unit.HOURS, at(units, price, old), at(units, price, new))
        for units, price in worked
    ]

    parts = variances(compared, CENT)

    assert parts == [Parts(fx=change(line)) for line in compared]


@CASES
@given(
    st.lists(st.tuples(st.integers(1, 400), prices, prices), min_size=1, max_size=4),
    factors,
    st.sampled_from(Unit),
)
def test_only_prices_changed_is_only_price(worked, factor, unit):
    compared = [
        Line(unit, at(units, old, factor), at(units, new, factor))
        for units, old, new in worked
    ]

    parts = variances(compared, CENT)

    assert parts == [Parts(price=change(line)) for line in compared]


@SOME_CASES
@given(
    st.lists(st.tuples(st.integers(1, 99), prices), min_size=1, max_size=4),
    st.integers(1, 9),
    factors,
)
def test_only_hours_changed_in_proportion_is_only_volume(worked, times, factor):
    compared = [
        Line(Unit.HOURS, at(units, price, factor), at(units * times, price, factor))
        for units, price in worked
    ]

    parts = variances(compared, CENT)

    assert parts == [Parts(volume=change(line)) for line in compared]


@SOME_CASES
@given(
    st.lists(
        st.tuples(st.integers(1, 400), st.integers(0, 400), prices),
        min_size=1,
        max_size=5,
    )
)
def test_volume_and_mix_follow_the_formulae_over_all_roles(worked):
    compared = [
        Line(Unit.HOURS, at(before, price, Fraction(1)), at(after, price, Fraction(1)))
        for before, after, price in worked
    ]
    hours_before = sum(before for before, _after, _price in worked)
    hours_after = sum(after for _before, after, _price in worked)
    spent_before = sum(line.before.reporting for line in compared)
    mean = Fraction(spent_before, hours_before)

    total = sum(variances(compared, CENT), Parts())

    exact_volume = (hours_after - hours_before) * mean
    exact_mix = sum(
        (after - hours_after * Fraction(before, hours_before)) * price * CENT
        for before, after, price in worked
    )
    # Each line is rounded to the cent by itself.
    assert abs(total.volume - exact_volume) < CENT * len(worked)
    assert abs(total.mix - exact_mix) < CENT * len(worked)
    assert (total.fx, total.price) == (0, 0)


def test_new_and_ended_engagements_are_told_apart():
    spent = at(10, 50, Fraction(1))
    compared = [
        Line(Unit.HOURS, Measure(), spent, is_new=True),
        Line(Unit.HOURS, spent, Measure(), is_ended=True),
    ]

    parts = variances(compared, CENT)

    assert parts == [Parts(new=50_000), Parts(ended=-50_000)]


def test_a_charge_that_begins_within_an_engagement_is_volume():
    compared = [Line(Unit.MONTHS, Measure(), at(1, 70, Fraction(1)))]

    assert variances(compared, CENT) == [Parts(volume=7_000)]


def test_a_credit_without_units_is_price():
    compared = [
        Line(Unit.MONTHS, at(3, 100, Fraction(1)), Measure(Fraction(0), -500, -500))
    ]

    assert variances(compared, CENT) == [Parts(price=-30_500)]


def test_what_ends_and_what_is_new_stay_out_of_the_pool_of_hours():
    spent = at(10, 50, Fraction(1))
    compared = [
        Line(Unit.HOURS, Measure(), spent, is_new=True),
        Line(Unit.HOURS, spent, spent),
    ]

    pool = pool_of(compared)

    assert (pool.before, pool.after) == (Fraction(10), Fraction(10))


def test_equal_remainders_go_in_the_order_of_the_parts():
    # FX of 1/3 cent, price of 1/3 cent and volume of 1/3 cent make one cent.
    before = Measure(Fraction(3), 300, 300)
    after = Measure(Fraction(4), 400, 500)

    parts = variances([Line(Unit.MONTHS, before, after)], CENT)

    assert parts == [Parts(fx=100, volume=100)]
