import math

import pytest

from tracker.fit.criteria import all_criteria
from tracker.fit.criterion import AnyCriterion
from tracker.fit.evidence import UNINFORMED, Mean, Share, Variation
from tracker.fit.stated import OutOfRangeError, Scale, is_stated

EVERY = all_criteria()
SHARE = Scale(kind="share", most=1.0, overdispersion=2.2)


def test_a_stated_share_counts_as_twelve_observations() -> None:
    found = SHARE.observation(0.25)
    assert found == Share(
        part=0.25 * 12 * 2.2,
        whole=12 * 2.2,
        overdispersion=2.2,
        records=0,
        figures={"stated": 1.0},
    )
    assert found.size == pytest.approx(12.0)


def test_a_share_from_records_counts_by_its_overdispersion() -> None:
    found = SHARE.observation(0.25, 220)
    assert (found.records, found.value) == (220, 0.25)
    assert found.size == pytest.approx(100)


def test_a_stated_variation_has_twelve_degrees_of_freedom() -> None:
    found = Scale(kind="variation", most=10.0).observation(0.3)
    assert found == Variation(
        log_variance=math.log1p(0.09), months=13, records=0, figures={"stated": 1.0}
    )
    assert found.value == pytest.approx(0.3)


def test_a_variation_of_one_month_tells_nothing() -> None:
    found = Scale(kind="variation", most=10.0).observation(0.3, 1)
    assert found.reliability(UNINFORMED) == 0.0


def test_a_stated_mean_counts_as_twelve_observations() -> None:
    scale = Scale(kind="mean", most=1200.0)
    figures = {"stated": 1.0}
    assert scale.observation(18) == Mean(mean=18, count=12, records=0, figures=figures)
    assert scale.observation(18, 3) == Mean(
        mean=18, count=3, records=3, figures=figures
    )


def test_a_stated_team_is_worth_what_a_declared_one_is() -> None:
    (team,) = (c for c in EVERY if c.code == "in_house_team")
    assert team.scale.observation(2.0).size == 4


@pytest.mark.parametrize("value", [-0.001, 1.001, math.nan, math.inf, -math.inf])
def test_what_cannot_be_is_refused(value: float) -> None:
    with pytest.raises(OutOfRangeError, match="is out of range: between 0 and 1"):
        SHARE.observation(value)


@pytest.mark.parametrize("records", [0, -1, 1_000_000_001])
def test_records_that_cannot_be_are_refused(records: int) -> None:
    with pytest.raises(OutOfRangeError, match="records are out of range"):
        SHARE.observation(0.5, records)


@pytest.mark.parametrize("criterion", EVERY, ids=lambda c: c.code)
def test_every_criterion_may_be_stated_over_all_of_its_leans(
    criterion: AnyCriterion,
) -> None:
    figures = [figure for figure, _lean in criterion.breakpoints.points]
    for figure in figures:
        found = criterion.scale.observation(figure)
        assert found.value == pytest.approx(figure)
        assert is_stated(found)
