"""Importances fitted to what people decided; a proposal that a person may adopt."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from tracker.fit.evidence import Floats, rounded
from tracker.fit.judgement import Rulebook

RIDGES = (3.0, 10.0, 30.0, 100.0)
FOLDS = 5
ENOUGH_DECISIONS = 50
ENOUGH_TO_AGREE = 20
STEEPEST = 50.0
# Odds of a share are taken no further than this from 0 and 1.
CLOSEST = 1e-4


def fitted_importances(
    leans: Floats, managed_fits: Sequence[bool], rulebook: Rulebook
) -> Mapping[str, float]:
    """Importances by code that foretell the decisions best, and near the present ones.

    `leans` (n, criteria) are expected leans; `managed_fits` says for which model each
    was decided.  A logistic regression without negative weights, drawn towards the
    present importances; how strongly is chosen on folds held out in turn.  They sum
    to what the present ones sum to.  Raises ValueError below 50 decisions.
    """
    decided = np.where(np.asarray(managed_fits), 1.0, -1.0)
    if len(decided) < ENOUGH_DECISIONS:
        raise ValueError(f"{len(decided)} decisions are too few to learn from")
    present = rulebook.importances
    fitted = _learnt(leans, decided, present)
    scaled = fitted * (present.sum() / fitted.sum())
    return {
        rule.code: rounded(importance)
        for rule, importance in zip(rulebook.rules, scaled, strict=True)
    }


@dataclass(frozen=True)
class Agreement:
    """How often people decide for managed at an acceptability; by odds, linear."""

    intercept: float
    slope: float

    def rate(self, shares: Floats) -> Floats:
        odds = self.intercept + self.slope * _log_odds(shares)
        return np.asarray(1 / (1 + np.exp(-odds)))


def fitted_agreement(shares: Floats, managed_fits: Sequence[bool]) -> Agreement:
    """The rate that the decisions taught. Raises ValueError below 20 of them."""
    from scipy.optimize import minimize

    decided = np.where(np.asarray(managed_fits), 1.0, -1.0)
    if len(decided) < ENOUGH_TO_AGREE:
        raise ValueError(f"{len(decided)} decisions are too few for a rate")
    odds = _log_odds(shares)

    def cost(line: Floats) -> float:
        # One decision each way keeps the line finite where all went one way.
        surprise = np.logaddexp(0, -decided * (line[0] + line[1] * odds)).sum()
        return float(surprise + np.logaddexp(0, line[0]) + np.logaddexp(0, -line[0]))

    found = minimize(
        cost, np.array([0.0, 0.5]), method="L-BFGS-B", bounds=[(None, None), (0, None)]
    )
    return Agreement(intercept=rounded(found.x[0]), slope=rounded(found.x[1]))


def with_importances(rulebook: Rulebook, importances: Mapping[str, float]) -> Rulebook:
    """The same rules under other importances."""
    rules = tuple(
        replace(rule, importance=importances[rule.code]) for rule in rulebook.rules
    )
    return replace(rulebook, rules=rules)


def _learnt(leans: Floats, decided: Floats, present: Floats) -> Floats:
    ridge = min(RIDGES, key=lambda tried: _held_out(leans, decided, present, tried))
    return _fitted(leans, decided, present, ridge)


def _held_out(leans: Floats, decided: Floats, present: Floats, ridge: float) -> float:
    fold = np.arange(len(decided)) % FOLDS
    return sum(
        _surprise(
            _fitted(leans[fold != held], decided[fold != held], present, ridge),
            leans[fold == held],
            decided[fold == held],
        )
        for held in range(FOLDS)
    )


def _fitted(leans: Floats, decided: Floats, present: Floats, ridge: float) -> Floats:
    """Weights at the scale of the decisions: their size says how sure they were."""
    from scipy.optimize import minimize

    towards = _scale(leans, decided, present) * present

    def cost(parts: Floats) -> tuple[float, Floats]:
        weights = parts * towards
        margin = decided * (leans @ weights)
        pull = -decided / (1 + np.exp(margin))
        slope = (leans.T @ pull) * towards + 2 * ridge * (parts - 1)
        distance = ridge * float(np.sum((parts - 1) ** 2))
        return float(np.sum(np.logaddexp(0, -margin))) + distance, slope

    found = minimize(
        cost,
        np.ones(len(present)),
        jac=True,
        method="L-BFGS-B",
        bounds=[(1e-3, None)] * len(present),
    )
    return np.asarray(found.x * towards, dtype=np.float64)


def _scale(leans: Floats, decided: Floats, present: Floats) -> float:
    """How steeply the decisions follow the present importances."""
    from scipy.optimize import minimize_scalar

    found = minimize_scalar(
        lambda tried: _surprise(tried * present, leans, decided),
        bounds=(1e-3, STEEPEST),
        method="bounded",
    )
    return float(found.x)


def _surprise(weights: Floats, leans: Floats, decided: Floats) -> float:
    return float(np.sum(np.logaddexp(0, -decided * (leans @ weights))))


def _log_odds(shares: Floats) -> Floats:
    inside = np.clip(shares, CLOSEST, 1 - CLOSEST)
    return np.asarray(np.log(inside / (1 - inside)))


@dataclass(frozen=True)
class Foretold:
    """How well importances foretell decisions: in what part, and by which AUC.

    `surprise` is the mean logarithmic loss at the scale that suits them best.
    """

    agreed: float
    auc: float
    surprise: float


@dataclass(frozen=True)
class Comparison:
    """Old and new importances side by side on decisions that were held out in turn."""

    decisions: int
    present: Foretold
    learnt: Foretold


def compared(
    leans: Floats, managed_fits: Sequence[bool], rulebook: Rulebook
) -> Comparison:
    """Judge each fold by importances learnt on the others, and by the present ones.

    Raises ValueError below 50 decisions, or where all of them went one way.
    """
    decided = np.where(np.asarray(managed_fits), 1.0, -1.0)
    if len(decided) < ENOUGH_DECISIONS:
        raise ValueError(f"{len(decided)} decisions are too few to learn from")
    if abs(decided.sum()) == len(decided):
        raise ValueError("all decisions went one way: nothing tells them apart")
    present = rulebook.importances
    fold = np.arange(len(decided)) % FOLDS
    old, new = np.empty(len(decided)), np.empty(len(decided))
    for held in range(FOLDS):
        others, these = fold != held, fold == held
        learnt = _learnt(leans[others], decided[others], present)
        scale = _scale(leans[others], decided[others], present)
        old[these] = leans[these] @ (scale * present)
        new[these] = leans[these] @ learnt
    return Comparison(len(decided), _foretold(old, decided), _foretold(new, decided))


def _foretold(margins: Floats, decided: Floats) -> Foretold:
    from scipy.stats import rankdata

    ranks, fits = rankdata(margins), decided > 0
    managed, augmented = int(fits.sum()), int((~fits).sum())
    above = ranks[fits].sum() - managed * (managed + 1) / 2
    return Foretold(
        agreed=rounded(float(np.mean(margins * decided > 0))),
        auc=rounded(float(above / (managed * augmented))),
        surprise=rounded(float(np.mean(np.logaddexp(0, -decided * margins)))),
    )
