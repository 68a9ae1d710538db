import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from tracker.fit.evidence import (
    ATOMS,
    ENOUGH_RECORDED,
    IGNORANCE,
    LEAST_PRIOR_SIZE,
    LEVELS,
    NEUTRAL_LOG_VARIANCE,
    UNINFORMED,
    Breakpoints,
    Mean,
    Observation,
    Prior,
    Share,
    Variation,
    missing_leans,
    observation_from_json,
    posterior_leans,
    prior_from,
)

DIRECTION = Breakpoints(points=((0.1, 1.0), (0.5, 0.0), (0.9, -1.0)), source="test")
COVERAGE = Breakpoints(points=((0.05, 0.0), (0.30, 1.0)), source="test")


def share(part: float, whole: float, overdispersion: float = 2.2) -> Share:
    return Share(part=part, whole=whole, records=1, overdispersion=overdispersion)


def mean(value: float, count: float = 4.0) -> Mean:
    return Mean(mean=value, count=count, records=1)


@pytest.mark.parametrize(
    ("figure", "lean"),
    [(0.0, 1.0), (0.1, 1.0), (0.3, 0.5), (0.5, 0.0), (0.7, -0.5), (0.9, -1.0), (1, -1)],
)
def test_breakpoints_are_linear_between_and_constant_beyond(
    figure: float, lean: float
) -> None:
    assert DIRECTION.lean(np.array([figure]))[0] == pytest.approx(lean)


@pytest.mark.parametrize(
    ("points", "message"),
    [
        (((0.1, 1.0),), "two points"),
        (((0.5, 0.0), (0.5, 1.0)), "ascending"),
        (((0.1, 0.0), (0.2, 1.0), (0.3, 0.5)), "monotone"),
        (((0.1, 0.0), (0.2, 1.5)), "between -1 and \\+1"),
    ],
)
def test_breakpoints_refuse_what_is_not_a_lean(
    points: tuple[tuple[float, float], ...], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        Breakpoints(points=points, source="test")


def test_breakpoints_know_the_range_of_their_leans() -> None:
    assert (DIRECTION.range, COVERAGE.range) == ((-1.0, 1.0), (0.0, 1.0))


def test_share_posterior_is_the_beta_of_the_records() -> None:
    atoms = Share.posterior([share(44, 110)], [Prior(mean=0.25, size=8.0)])
    expected = stats.beta(8 * 0.25 + 44 / 2.2, 8 * 0.75 + 66 / 2.2).ppf(LEVELS)
    assert atoms[0] == pytest.approx(expected, abs=1e-10)


def test_share_of_single_observations_is_not_overdispersed() -> None:
    atoms = Share.posterior([share(3, 12, overdispersion=1.0)], [UNINFORMED])
    assert atoms[0] == pytest.approx(stats.beta(4, 10).ppf(LEVELS), abs=1e-10)


def test_variation_posterior_is_the_scaled_inverse_chi_square() -> None:
    seen = Variation(log_variance=0.09, months=11, records=11)
    atoms = Variation.posterior([seen], [UNINFORMED])
    freedom = 14
    scale = (10 * 0.09 + 4 * NEUTRAL_LOG_VARIANCE) / freedom
    variances = freedom * scale / stats.chi2(freedom).ppf(1 - LEVELS)
    assert atoms[0] == pytest.approx(np.sqrt(np.expm1(variances)), rel=1e-9)


def test_variation_of_a_constant_series_is_none() -> None:
    assert Variation.of([150.0] * 6, records=6).value == 0.0


def test_variation_reads_the_coefficient_from_the_logarithms() -> None:
    uses = [100.0, 120.0, 80.0, 110.0]
    expected = math.sqrt(math.expm1(np.var(np.log(uses), ddof=1)))
    assert Variation.of(uses, records=4).value == pytest.approx(expected, abs=1e-5)


def test_variation_counts_an_idle_month_as_a_small_part_of_the_mean() -> None:
    uses = [100.0, 0.0, 100.0]
    expected = float(np.var(np.log([100.0, 200 / 3 * 0.05, 100.0]), ddof=1))
    seen = Variation.of(uses, records=2)
    assert seen.log_variance == pytest.approx(expected, abs=1e-6)


def test_variation_does_not_depend_on_the_currency() -> None:
    uses = [100.0, 0.0, 130.0, 90.0]
    one = Variation.of(uses, records=4)
    other = Variation.of([use * 1357.9 for use in uses], records=4)
    assert one == other


def test_mean_posterior_is_normal_with_the_stated_error() -> None:
    atoms = Mean.posterior([mean(10.0, count=4.0)], [UNINFORMED])
    error = 0.2 * 10 / 2 + 0.05 * 10
    assert atoms[0] == pytest.approx(stats.norm(10, error).ppf(LEVELS), abs=1e-9)


def test_mean_posterior_of_nothing_is_nothing() -> None:
    assert Mean.posterior([mean(0.0)], [UNINFORMED]).tolist() == [[0.0] * ATOMS]


@pytest.mark.parametrize(
    ("observation", "prior", "reliability"),
    [
        (share(0, 22), Prior(size=10.0), 0.5),
        (Variation(log_variance=0.1, months=5, records=5), UNINFORMED, 0.5),
        (mean(3.0, count=6.0), UNINFORMED, 0.75),
    ],
)
def test_reliability_weighs_own_records_against_the_prior(
    observation: Observation, prior: Prior, reliability: float
) -> None:
    assert observation.reliability(prior) == pytest.approx(reliability)


@pytest.mark.parametrize(
    "observation",
    [
        Share(part=1.5, whole=3.25, records=2, figures={"people": 3}),
        Variation.of([1.0, 2.0, 4.0], records=3),
        mean(7.125),
    ],
)
def test_observation_survives_json_to_the_digit(observation: Observation) -> None:
    stored = json.loads(json.dumps(observation.as_json()))
    assert observation_from_json(stored) == observation


def test_prior_survives_json_to_the_digit() -> None:
    prior = Prior(mean=0.123456, size=3.5, quantiles=(0.1, 0.2))
    assert Prior.from_json(json.loads(json.dumps(prior.as_json()))) == prior


def test_missing_fact_speaks_for_neither_model_while_few_recorded_it() -> None:
    leans = missing_leans(COVERAGE, UNINFORMED)
    assert leans.tolist() == IGNORANCE.tolist()
    assert leans.sum() == 0.0


def test_missing_fact_is_the_portfolio_s_distribution_once_known() -> None:
    leans = missing_leans(DIRECTION, Prior(quantiles=(0.1,) * 4 + (0.9,) * 4))
    assert leans.tolist() == [1.0] * 4 + [-1.0] * 4


def test_posterior_leans_keep_each_row_in_its_place() -> None:
    observations = [None, share(0, 5000), share(5000, 5000)]
    leans = posterior_leans(DIRECTION, observations, [UNINFORMED] * 3)
    assert leans[0].tolist() == IGNORANCE.tolist()
    assert leans[1].tolist() == [1.0] * ATOMS
    assert leans[2].tolist() == [-1.0] * ATOMS


RARE = Breakpoints(points=((0.02, 1.0), (0.12, 0.0), (0.30, -1.0)), source="test")


@pytest.mark.parametrize(
    ("breakpoints", "mean"),
    [
        (DIRECTION, 0.5),
        (RARE, 0.217107),
        (COVERAGE, 0.015529),
        (Breakpoints(points=((0.2, -1.0), (0.9, 0.0)), source="test"), 0.977666),
        (Breakpoints(points=((0.2, 0.1), (0.9, 1.0)), source="test"), 0.5),
    ],
)
def test_what_is_expected_of_an_unknown_share_speaks_for_neither_model(
    breakpoints: Breakpoints, mean: float
) -> None:
    assert breakpoints.neutral.mean == pytest.approx(mean, abs=2e-6)
    assert breakpoints.neutral.size == LEAST_PRIOR_SIZE


def test_tendency_leaves_what_is_expected_as_it_was_declared() -> None:
    tilted = RARE.tilted(0.3).tilted(-0.2)
    assert tilted.neutral == RARE.neutral


@settings(max_examples=200, deadline=None)
@given(
    st.floats(0, 2000),
    st.floats(0, 2000),
    st.floats(0.01, 50),
    st.floats(0.02, 0.98),
    st.floats(2, 12),
)
def test_one_more_client_hour_never_leans_to_managed(
    ours: float, theirs: float, more: float, expected: float, size: float
) -> None:
    prior = Prior(mean=expected, size=size)
    before = share(ours, ours + theirs + 1.0)
    after = share(ours + more, ours + theirs + 1.0 + more)
    leans = posterior_leans(DIRECTION, [before, after], [prior, prior])
    assert np.max(leans[1] - leans[0]) <= 1e-9


def test_prior_needs_enough_engagements() -> None:
    shares = [share(1, 4)] * (ENOUGH_RECORDED - 1)
    assert prior_from(shares) is None
    assert prior_from([*shares, share(1, 4)]) is not None


def test_prior_of_shares_recovers_the_beta_they_were_drawn_from() -> None:
    generator = np.random.default_rng(1)
    rates = generator.beta(6 * 0.3, 6 * 0.7, 4000)
    counts = generator.binomial(400, rates)
    prior = prior_from(share(float(k), 400.0, overdispersion=1.0) for k in counts)
    assert prior is not None
    assert prior.mean == pytest.approx(0.3, abs=0.01)
    assert prior.size == pytest.approx(6.0, abs=0.5)


def test_prior_of_equal_shares_is_as_strong_as_allowed() -> None:
    prior = prior_from([share(25, 100)] * 40)
    assert prior is not None
    assert prior.size == 12.0


def test_prior_of_extreme_shares_is_as_weak_as_allowed() -> None:
    prior = prior_from([share(0, 1000)] * 20 + [share(1000, 1000)] * 20)
    assert prior is not None
    assert (prior.mean, prior.size) == (0.5, 2.0)


def test_prior_where_nobody_ever_did_it_still_allows_for_it() -> None:
    prior = prior_from([share(0, 100)] * 40)
    assert prior is not None
    assert 0 < prior.mean < 0.05
    atoms = Share.posterior([share(0, 100)], [prior])
    assert np.all(np.isfinite(atoms))


def test_prior_of_series_is_their_median_variance() -> None:
    variances = [0.01] * 20 + [0.04] * 21
    prior = prior_from(
        Variation(log_variance=v, months=6, records=6) for v in variances
    )
    assert prior is not None
    assert prior.log_variance == 0.04


def test_prior_keeps_the_portfolio_s_quantiles() -> None:
    prior = prior_from(mean(float(n)) for n in range(81))
    assert prior is not None
    assert prior.quantiles == (5.0, 15.0, 25.0, 35.0, 45.0, 55.0, 65.0, 75.0)
