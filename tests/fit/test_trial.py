"""The trial's own arithmetic; its figures are measured by `evaluate_fit`."""

import json
import math

import numpy as np
import pytest

from tracker.fit.criteria import all_criteria
from tracker.fit.flagging import Standing
from tracker.fit.judgement import Rule, Rulebook
from tracker.fit.trial import costs, measures, oracles, portfolios, table, timelines
from tracker.fit.trial.page import as_page, as_text
from tracker.fit.trial.planting import MISFIT_SHARE, facts, plant
from tracker.fit.trial.portfolios import Learnt, Scored, Trial

RULEBOOK = Rulebook(
    rules=tuple(
        Rule(c.code, c.importance, c.breakpoints, c.augmented_breakpoints)
        for c in all_criteria()
    )
)
NO_HITS = measures.Hits(precision=math.nan, recall=0.0)


def test_auc_is_the_chance_that_a_true_one_scores_higher() -> None:
    score = np.array([0.1, 0.4, 0.4, 0.9])
    truth = np.array([False, False, True, True])
    assert measures.auc(score, truth) == 0.875


def test_calibration_error_is_the_mean_gap_of_ten_groups() -> None:
    share = np.repeat([0.2, 0.8], 50)
    truth = np.repeat([False, True], 50)
    assert measures.calibration_error(share, truth) == pytest.approx(0.2)
    assert measures.calibration_error(truth.astype(float), truth) == 0.0


def test_hits_tell_precision_and_recall() -> None:
    flagged = np.array([True, True, False, False])
    truth = np.array([True, False, True, True])
    assert measures.hits(flagged, truth) == measures.Hits(0.5, 1 / 3)
    assert math.isnan(measures.hits(np.zeros(4, dtype=bool), truth).precision)


def test_published_example_has_the_figures_of_its_source() -> None:
    assert oracles.published_example() == pytest.approx(0.658, abs=5e-4)
    assert oracles.published_deviation() < 2


def test_oracles_agree_with_the_engine() -> None:
    assert oracles.closed_form_error() < 1e-14
    assert oracles.quadrature_error() < 1e-8
    assert oracles.monotonicity_violations() == 0


def test_planting_is_the_same_for_the_same_seed() -> None:
    one, other = plant(1, 20, 12), plant(1, 20, 12)
    assert facts(one, 7, 11) == facts(other, 7, 11)
    assert facts(one, 7, 11) != facts(plant(2, 20, 12), 7, 11)


def test_planted_work_records_every_criterion() -> None:
    assert set(facts(plant(1, 5, 12), 0, 11)) == {c.code for c in all_criteria()}


def test_planted_portfolio_has_as_many_misfits_as_it_should() -> None:
    portfolio = plant(3, 4000, 12)
    assert portfolio.is_misfit[:, 0].mean() == pytest.approx(MISFIT_SHARE, abs=0.03)
    assert (portfolio.advantage[:, 0] > 0).mean() == pytest.approx(0.5, abs=0.03)


def test_reversal_turns_the_work_round() -> None:
    portfolio = plant(3, 500, 16, turns_at=8)
    before, after = portfolio.explained[:, 7], portfolio.explained[:, 8]
    assert np.corrcoef(before, after)[0, 1] < -0.5


def test_costs_are_tried_on_a_world_of_their_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(costs, "PLANS", 60)
    year = costs.plan_year(1)
    asked = [
        costs.planned_interval(year),
        costs.to_managed_interval(year),
        costs.to_augmented_interval(year, with_hours=False),
        costs.to_augmented_interval(year, with_hours=True),
    ]
    for held in asked:
        assert 0.5 < held.coverage < 1.0
        # Nothing is left out on one side alone.
        assert abs(held.off) < 0.03


def standings(*oppositions: float) -> list[Standing]:
    return [
        Standing(o, "other_model_fits" if o >= 0.7 else "either_fits")
        for o in oppositions
    ]


def test_flags_of_a_series_need_two_evaluations_each_way() -> None:
    series = standings(0.8, 0.5, 0.8, 0.8, 0.65, 0.5, 0.65, 0.5, 0.5)
    assert timelines._flagged(series, RULEBOOK) == [
        False, False, False, True, True, True, True, True, False,
    ]  # fmt: skip


def test_changes_and_raises_of_a_series_are_counted() -> None:
    states = [[False, True, False, True, True], [False] * 5]
    assert timelines._changes(states) == 2
    assert timelines._raised_again(states) == 0.5


def test_portfolios_are_tried_beside_baselines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(portfolios, "ENGAGEMENTS", 250)
    monkeypatch.setattr(portfolios, "DECISIONS", (50,))
    monkeypatch.setattr(portfolios, "TAUGHT", 50)
    (found,) = portfolios.try_portfolios(RULEBOOK, [1], 0.3)
    assert found.ceiling > found.full.auc > 0.5
    assert found.full.not_enough_evidence == 0.0
    # Managed work is rarely flagged, and then rightly; of augmented work much is.
    assert found.full.managed.precision > found.full.augmented.precision
    assert found.full.managed.recall < found.full.augmented.recall
    assert found.learnt[50].auc > 0.5
    assert 0 < found.learnt[50].told < 1
    assert found.flagged > 50
    assert found.taught.importances.sum() == pytest.approx(16.6, abs=1e-4)
    assert list(found.baselines) == [
        "keep all",
        "tenure above 12 months",
        "cheapest",
        "equal-weight mean",
    ]
    assert found.baselines["keep all"].auc == 0.5


def test_rate_is_told_within_what_was_reviewed_of_the_same_model() -> None:
    share = np.array([0.1, 0.2, 0.3, 0.1, 0.8])
    is_managed = np.array([True, True, True, False, False])
    reviewed, was_managed = np.array([0.15, 0.3, 0.8]), np.array([True, True, False])
    told = portfolios._told(share, is_managed, reviewed, was_managed)
    assert told.tolist() == [False, True, True, False, True]


def trial(auc: float) -> Trial:
    scored = Scored(auc=0.7, hits=NO_HITS, calibration_error=0.1)
    learnt = Learnt(auc, NO_HITS, 0.04, 0.1, 0.4, 0.06, 0.05, -0.6)
    return Trial(
        full=scored,
        thinned=scored,
        flagged=900,
        learnt=dict.fromkeys((50, 200, 500), learnt),
        taught=RULEBOOK.tilted(-0.2),
        ceiling=0.9,
        baselines={"keep all": Scored(auc=0.5, hits=NO_HITS)},
    )


def small_table(monkeypatch: pytest.MonkeyPatch) -> table.Table:
    found = [trial(0.74), trial(0.76)]
    monkeypatch.setattr(table, "try_portfolios", lambda *_: found)
    monkeypatch.setattr(timelines, "ENGAGEMENTS", 30)
    monkeypatch.setattr(timelines, "YEARS", 2)
    monkeypatch.setattr(timelines, "LASTING", 30)
    monkeypatch.setattr(oracles, "SAMPLES", 2000)
    monkeypatch.setattr(costs, "PLANS", 20)
    monkeypatch.setattr(table, "SPEED_SHAPE", (100, 16, 8))
    return table.try_engine(RULEBOOK)


def test_table_says_what_is_reached_and_what_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = small_table(monkeypatch)
    reached = {row.name: row.is_reached for row in found.rows}
    assert reached["closed form .8: error"] is True
    assert reached["AUC after 200 decisions"] is False
    assert reached["AUC at 30 % missing"] is None
    line = (
        "| AUC after 200 decisions | 0.750 (0.740 to 0.760) | ≥ 0.76"
        " | **not reached** |"
    )
    assert line in as_page(found).splitlines()
    assert "| keep all | 0.500 | none | 0.000 |" in as_page(found).splitlines()
    assert "NOT REACHED" in as_text(found)
    told = json.loads(json.dumps(found.as_json(), allow_nan=False))
    assert told["baselines"]["keep all"]["hits"] == {"precision": None, "recall": 0.0}
