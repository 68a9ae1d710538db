from dataclasses import replace

import numpy as np
import pytest

from tracker.fit.criteria import recordable_criteria
from tracker.fit.evidence import Share
from tracker.fit.judgement import Case, Rule, Rulebook, judge_by_model
from tracker.fit.learning import (
    Lessons,
    fitted_agreement,
    is_at_bound,
    learnt_from,
    with_importances,
)

RULEBOOK = Rulebook(
    rules=tuple(
        Rule(c.code, c.importance, c.breakpoints) for c in recordable_criteria()
    )
)
CODES = [rule.code for rule in RULEBOOK.rules]


def lessons(
    importances: np.ndarray, count: int, seed: int, tendency: float = 0.0
) -> Lessons:
    rng = np.random.default_rng(seed)
    leans = rng.uniform(-1, 1, (count, len(importances)))
    room = 1 - np.abs(leans)
    odds = 3 * ((leans + tendency * room) @ importances)
    fits = rng.random(count) < 1 / (1 + np.exp(-odds))
    runs = np.where(rng.random(count) < 0.5, 1.0, -1.0)
    return Lessons(leans, room, np.where(fits, 1.0, -1.0), runs)


def test_importances_move_towards_what_decides() -> None:
    truth = np.where(np.array(CODES) == "coverage", 5.0, 0.5)
    fitted = learnt_from(lessons(truth, 2000, 1), RULEBOOK).importances
    assert max(fitted, key=lambda code: fitted[code]) == "coverage"
    assert all(importance >= 0 for importance in fitted.values())
    assert sum(fitted.values()) == pytest.approx(RULEBOOK.importances.sum(), abs=1e-4)


def test_importances_and_tendency_stay_where_decisions_tell_nothing_new() -> None:
    found = learnt_from(lessons(RULEBOOK.importances, 400, 2), RULEBOOK)
    apart = [
        abs(found.importances[rule.code] / rule.importance - 1)
        for rule in RULEBOOK.rules
    ]
    assert max(apart) < 0.5
    assert abs(found.tendency) < 0.05


@pytest.mark.parametrize("tendency", [-0.3, 0.2])
def test_tendency_is_learnt_where_decisions_go_one_way_more_often(
    tendency: float,
) -> None:
    decided = lessons(RULEBOOK.importances, 1000, 5, tendency)
    found = learnt_from(decided, RULEBOOK)
    assert found.tendency == pytest.approx(tendency, abs=0.08)


def test_that_people_keep_what_runs_passes_for_no_tendency() -> None:
    # Decided about alone: what reads as fitting the other model.
    every = lessons(RULEBOOK.importances, 3000, 8)
    margin = every.leans @ RULEBOOK.importances
    every = replace(every, runs=np.where(margin > 0, -1.0, 1.0))
    # Augmented work is kept three times in five, managed work never.
    kept = np.arange(3000) % 5 < 3
    decided = np.where((every.runs < 0) & ~kept, 1.0, -1.0)
    found = learnt_from(replace(every, decided=decided).only(np.arange(500)), RULEBOOK)
    assert abs(found.tendency) < 0.3


@pytest.mark.parametrize(
    ("tendency", "is_bound"),
    [(0.6, True), (-0.597, True), (-0.59, False), (0.0, False)],
)
def test_tendency_at_its_bound_is_noticed(tendency: float, is_bound: bool) -> None:
    assert is_at_bound(tendency) is is_bound


def test_decisions_that_follow_nothing_leave_the_tendency_in_force() -> None:
    blind = lessons(RULEBOOK.importances, 200, 6)
    blind = replace(blind, decided=np.tile([1.0, -1.0], 100))
    found = learnt_from(blind, RULEBOOK, tendency=0.25)
    assert found.tendency == pytest.approx(0.25, abs=0.1)


def test_what_nobody_recorded_has_no_room_for_a_tendency() -> None:
    code = CODES[0]
    case = Case(is_managed=True, facts={code: Share(part=5, whole=10, records=1)})
    judged = list(judge_by_model([case], RULEBOOK))
    found = Lessons.of(judged, [True])
    assert found.room[0, 0] > 0
    assert found.room[0, 1:].tolist() == [0.0] * (len(CODES) - 1)
    tilted = list(judge_by_model([case], RULEBOOK.tilted(0.2)))
    expected = tilted[0][1].board.leans.mean(axis=2)
    assert np.max(np.abs(found.tilted(0.2) - expected)) < 1e-6


def test_learning_needs_fifty_decisions() -> None:
    with pytest.raises(ValueError, match="49 decisions are too few"):
        learnt_from(lessons(RULEBOOK.importances, 49, 3), RULEBOOK)


def test_rulebook_takes_learnt_importances() -> None:
    doubled = {rule.code: 2 * rule.importance for rule in RULEBOOK.rules}
    learnt = with_importances(RULEBOOK, doubled)
    assert learnt.importances.tolist() == (2 * RULEBOOK.importances).tolist()
    assert learnt.thresholds == RULEBOOK.thresholds


def test_agreement_rate_is_what_decisions_say() -> None:
    shares = np.repeat([0.2, 0.8], 1000)
    decided = [i % 10 < 4 for i in range(1000)] + [i % 10 < 6 for i in range(1000)]
    rate = fitted_agreement(shares, decided).rate(np.array([0.2, 0.5, 0.8]))
    assert rate.tolist() == pytest.approx([0.4, 0.5, 0.6], abs=0.01)


def test_agreement_rate_needs_twenty_decisions() -> None:
    with pytest.raises(ValueError, match="19 decisions are too few"):
        fitted_agreement(np.full(19, 0.5), [True] * 19)


def test_agreement_rate_is_never_certain_after_one_sided_decisions() -> None:
    rate = fitted_agreement(np.full(20, 0.5), [True] * 20).rate(np.array([0.5]))
    assert 0.8 < rate[0] < 1.0
