"""Scores worked out by hand, and what must hold of every score."""

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engagements.values.periods import add_months, last_day_of_month
from tracker.performance.scorecard import (
    Band,
    Score,
    Tally,
    Trend,
    WindowResult,
    band_of,
    score_of,
    tally,
    trend_of,
    vendor_mean,
    vendor_score,
)
from tracker.performance.service_levels import Outcome

AS_OF = date(2026, 11, 22)
MET, MISSED = Outcome.MET, Outcome.MISSED
IDLE, EXCUSED = Outcome.NO_DATA, Outcome.EXCUSED


def window(months_ago, outcome, *, level=1, weight=100.0, months=1):
    """One window that ended so many months before the last whole month."""
    last = last_day_of_month(add_months(AS_OF, -1 - months_ago))
    return WindowResult(level, last, months, weight, outcome)


def score(*results, vendor=None):
    return score_of(results, AS_OF, vendor)


def test_half_a_year_old_window_counts_half():
    # 1 met and ½ missed
    found = score(window(0, MET), window(6, MISSED))

    assert (found.own, found.value) == (
        pytest.approx(100 / 1.5),
        pytest.approx(100 / 1.5),
    )
    assert (found.met, found.missed, found.coverage) == (1, 1, 1.0)


def test_levels_count_by_their_weight():
    found = score(
        window(0, MET, level=1, weight=30), window(0, MISSED, level=2, weight=10)
    )

    assert found.value == pytest.approx(75)


def test_quarter_counts_for_its_three_months():
    found = score(window(0, MISSED, months=3), window(0, MET))

    assert found.value == pytest.approx(25)


def test_few_windows_are_drawn_to_the_vendors_mean():
    # One miss, and three months at 90 %: 2.7 of 4
    found = score(window(0, MISSED), vendor=0.9)

    assert (found.value, found.own) == (pytest.approx(67.5), 0.0)
    assert found.drawn == pytest.approx(67.5)


def test_nothing_recorded_scores_nothing_and_never_a_hundred():
    idle = score(window(0, IDLE), window(1, EXCUSED), vendor=0.9)

    assert (idle.value, idle.band, idle.coverage) == (None, None, 0.0)
    assert score(vendor=0.9).value is None


def test_idle_windows_lower_the_coverage():
    found = score(window(0, MET), window(0, IDLE, level=2), window(0, EXCUSED, level=3))

    assert (found.value, found.coverage) == (100.0, pytest.approx(1 / 3))


@pytest.mark.parametrize(
    ("points", "band"),
    [
        (100.0, Band.EXCELLENT),
        (95.0, Band.EXCELLENT),
        (94.999999, Band.GOOD),
        (80.0, Band.GOOD),
        (79.999999, Band.FAIR),
        (60.0, Band.FAIR),
        (59.999999, Band.POOR),
        (0.0, Band.POOR),
    ],
)
def test_bands_have_no_hole_at_their_edges(points, band):
    assert band_of(points) == band


@pytest.mark.parametrize(
    ("recent", "before", "expected"),
    [
        ((MET, MET, MET), (MET, MET, MISSED), Trend.RISING),
        ((MET, MISSED, MET), (MET, MET, MET), Trend.FALLING),
        ((MET, MISSED, MET), (MISSED, MET, MET), Trend.STEADY),
        ((MET, MET, MET), (IDLE, IDLE, EXCUSED), None),
    ],
)
def test_trend_compares_three_months_with_the_three_before(recent, before, expected):
    results = [window(n, outcome) for n, outcome in enumerate((*recent, *before))]

    assert trend_of(results, AS_OF) == expected


def test_vendor_mean_is_of_all_its_windows():
    assert vendor_mean([Tally(1, 2, 2), Tally(5, 6, 9)]) == 0.75
    assert vendor_mean([Tally(), Tally(0, 0, 4)]) is None


def scored(value, coverage=1.0):
    return Score(value, value, coverage, 0, 0)


def test_vendor_is_weighed_by_spend():
    scores = {1: scored(90.0), 2: scored(50.0), 3: scored(None, 0.0)}

    # Three parts at 90 and one at 50; 20,000 of 60,000 is not covered.
    value, coverage = vendor_score(scores, {1: 30_000.0, 2: 10_000.0, 3: 20_000.0})

    assert (value, coverage) == (80.0, pytest.approx(2 / 3))
    assert vendor_score(scores, {})[0] == 70.0
    assert vendor_score({3: scored(None, 0.0)}, {}) == (None, 0.0)
    assert vendor_score({}, {}) == (None, 0.0)


# --- what must hold whatever is recorded ---------------------------------------------

windows = st.builds(
    window,
    st.integers(0, 30),
    st.sampled_from(Outcome),
    level=st.just(1),
    months=st.sampled_from([1, 3]),
)
WEIGHTS = {1: 50.0, 2: 30.0, 3: 20.0}


@st.composite
def records(draw):
    found = draw(st.lists(windows, max_size=25))
    levels = draw(
        st.lists(
            st.sampled_from(list(WEIGHTS)), min_size=len(found), max_size=len(found)
        )
    )
    return [
        replace(one, level=level, weight=WEIGHTS[level])
        for one, level in zip(found, levels, strict=True)
    ]


def of_all(results, others):
    """The score with all levels expected, as a contract has them; others' windows of
    the vendor count in its mean."""
    expected = [
        window(n, IDLE, level=level, weight=weight)
        for level, weight in WEIGHTS.items()
        for n in range(3)
    ]
    every = [*expected, *results]
    mean = vendor_mean([tally(every, AS_OF), tally(others, AS_OF)])
    return score_of(every, AS_OF, mean)


@given(records(), records(), windows, st.sampled_from(list(WEIGHTS)))
def test_one_more_miss_never_raises_a_score(results, others, one, level):
    miss = replace(one, level=level, weight=WEIGHTS[level], outcome=MISSED)
    before = of_all(results, others).value

    after = of_all([*results, miss], others).value

    assert after is not None
    assert before is None or after <= before + 1e-9


@given(records(), records(), st.data())
def test_turning_a_window_to_missed_never_raises_a_score(results, others, data):
    if not results:
        return
    index = data.draw(st.integers(0, len(results) - 1))
    worse = [*results]
    worse[index] = replace(results[index], outcome=MISSED)
    before = of_all(results, others).value

    after = of_all(worse, others).value

    assert after is not None
    assert before is None or after <= before + 1e-9


@given(records(), records(), windows)
def test_no_data_never_counts_as_met(results, others, one):
    idle = replace(one, weight=WEIGHTS[1], outcome=IDLE)
    before, after = of_all(results, others), of_all([*results, idle], others)

    assert after.value == before.value
    assert (after.met, after.missed) == (before.met, before.missed)
    assert after.coverage <= before.coverage


@given(records(), records(), st.data())
def test_excusing_a_window_changes_nothing_but_coverage(results, others, data):
    """Against the same window not having been measured at all."""
    if not results:
        return
    index = data.draw(st.integers(0, len(results) - 1))
    unmeasured, excused = [*results], [*results]
    unmeasured[index] = replace(results[index], outcome=IDLE)
    excused[index] = replace(results[index], outcome=EXCUSED)
    rest = [*results[:index], *results[index + 1 :]]

    assert of_all(excused, others) == of_all(unmeasured, others)
    assert of_all(excused, others).value == of_all(rest, others).value


@given(records(), records())
def test_scores_lie_between_0_and_100(results, others):
    found = of_all(results, others)

    assert found.value is None or 0 <= found.value <= 100
    assert 0 <= found.coverage <= 1
