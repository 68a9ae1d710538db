import numpy as np
import pytest

from tracker.fit.criteria import recordable_criteria
from tracker.fit.judgement import Rule, Rulebook
from tracker.fit.learning import (
    fitted_agreement,
    fitted_importances,
    with_importances,
)

RULEBOOK = Rulebook(
    rules=tuple(
        Rule(c.code, c.importance, c.breakpoints) for c in recordable_criteria()
    )
)
CODES = [rule.code for rule in RULEBOOK.rules]


def decisions(
    importances: np.ndarray, count: int, seed: int
) -> tuple[np.ndarray, list[bool]]:
    rng = np.random.default_rng(seed)
    leans = rng.uniform(-1, 1, (count, len(importances)))
    odds = 3 * (leans @ importances)
    return leans, (rng.random(count) < 1 / (1 + np.exp(-odds))).tolist()


def test_importances_move_towards_what_decides() -> None:
    truth = np.where(np.array(CODES) == "coverage", 5.0, 0.5)
    fitted = fitted_importances(*decisions(truth, 2000, 1), RULEBOOK)
    assert max(fitted, key=lambda code: fitted[code]) == "coverage"
    assert all(importance >= 0 for importance in fitted.values())
    assert sum(fitted.values()) == pytest.approx(RULEBOOK.importances.sum(), abs=1e-4)


def test_importances_stay_where_decisions_tell_nothing_new() -> None:
    fitted = fitted_importances(*decisions(RULEBOOK.importances, 400, 2), RULEBOOK)
    apart = [abs(fitted[rule.code] / rule.importance - 1) for rule in RULEBOOK.rules]
    assert max(apart) < 0.5


def test_importances_need_fifty_decisions() -> None:
    leans, labels = decisions(RULEBOOK.importances, 49, 3)
    with pytest.raises(ValueError, match="49 decisions are too few"):
        fitted_importances(leans, labels, RULEBOOK)


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
