"""What decisions teach: importances and a tendency, which a person may adopt."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracker.fit.evidence import Floats, rounded
from tracker.fit.judgement import Judged, Rulebook
from tracker.fit.verdict import MOST_TENDENCY

RIDGES = (3.0, 10.0, 30.0, 100.0)
FOLDS = 5
RUNS = {True: 1.0, False: -1.0, None: 0.0}
ENOUGH_DECISIONS = 50
ENOUGH_TO_AGREE = 20
STEEPEST = 50.0
# Odds of a share are taken no further than this from 0 and 1.
CLOSEST = 1e-4
# Neutral points are judged to within so much of a lean: the spread of the tendency
# that is expected before any decision.
TENDENCY_SPREAD = 0.15
# By how much, in log-odds, people rather keep the model that runs: what is expected.
KEEPING_SPREAD = 1.0
NEARLY = 0.005


@dataclass(frozen=True)
class Lessons:
    """Decided cases as they read without a tendency.

    `leans` (n, criteria) are expected leans; `room` (n, criteria) is how far a
    tendency of 1 would move each; `decided` (n,) is +1 where managed was chosen.
    `runs` (n,) is +1 where managed runs, -1 where augmentation does, 0 for neither.
    """

    leans: Floats
    room: Floats
    decided: Floats
    runs: Floats

    @classmethod
    def of(
        cls,
        judged: Sequence[tuple[Sequence[int], Judged]],
        managed_fits: Sequence[bool],
    ) -> "Lessons":
        """From judgements by rows, as `judge_by_model` yields them."""
        shape = len(managed_fits), len(judged[0][1].rulebook.rules)
        leans, room, runs = np.empty(shape), np.empty(shape), np.empty(shape[0])
        for rows, part in judged:
            runs[list(rows)] = [RUNS[case.is_managed] for case in part.cases]
            leans[list(rows)] = part.board.leans.mean(axis=2)
            # A tendency moves figures; of what nobody recorded there may be none.
            room[list(rows)] = np.where(
                part.board.is_known, (1 - np.abs(part.board.leans)).mean(axis=2), 0.0
            )
        decided = np.where(np.asarray(managed_fits), 1.0, -1.0)
        return cls(leans, room, decided, runs)

    def __len__(self) -> int:
        return len(self.decided)

    def only(self, chosen: NDArray[Any]) -> "Lessons":
        return Lessons(
            self.leans[chosen],
            self.room[chosen],
            self.decided[chosen],
            self.runs[chosen],
        )

    def tilted(self, tendency: float) -> Floats:
        """The expected leans under a tendency."""
        return np.asarray(self.leans + tendency * self.room)


@dataclass(frozen=True)
class Learnt:
    """Importances by code, and how far every neutral point moves."""

    importances: Mapping[str, float]
    tendency: float


def learnt_from(
    lessons: Lessons, rulebook: Rulebook, *, tendency: float = 0.0
) -> Learnt:
    """What foretells the decisions best, and lies near what is in force.

    A logistic regression without negative weights, drawn towards the present
    importances and `tendency`; how strongly is chosen on folds held out in turn.
    That people rather keep what runs, which was chosen by somebody who knew it, is
    learnt beside and left out of what is returned: only flags are decided about, and
    it would pass for a tendency.  Importances sum to what the present ones sum to.
    Raises ValueError below 50 decisions.
    """
    if len(lessons) < ENOUGH_DECISIONS:
        raise ValueError(f"{len(lessons)} decisions are too few to learn from")
    present = rulebook.importances
    fitted = _learnt(lessons, _Present(present, tendency))
    scaled = fitted.weights * (present.sum() / fitted.weights.sum())
    return Learnt(
        importances={
            rule.code: rounded(importance)
            for rule, importance in zip(rulebook.rules, scaled, strict=True)
        },
        tendency=rounded(fitted.tendency),
    )


def is_at_bound(tendency: float) -> bool:
    """Whether decisions would move the neutral points further than they may."""
    return abs(tendency) > MOST_TENDENCY - NEARLY


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


@dataclass(frozen=True)
class _Present:
    importances: Floats
    tendency: float


@dataclass(frozen=True)
class _Fitted:
    """Weights at the scale of the decisions: their size says how sure they were.

    `keeping` is by how much people keep what runs, in log-odds.
    """

    weights: Floats
    tendency: float
    keeping: float

    def margins(self, lessons: Lessons) -> Floats:
        followed = lessons.tilted(self.tendency) @ self.weights
        return np.asarray(followed + self.keeping * lessons.runs)

    def surprise(self, lessons: Lessons) -> float:
        return _surprise(self.margins(lessons), lessons.decided)


def _learnt(lessons: Lessons, present: _Present) -> _Fitted:
    ridge = min(RIDGES, key=lambda tried: _held_out(lessons, present, tried))
    return _fitted(lessons, present, ridge)


def _held_out(lessons: Lessons, present: _Present, ridge: float) -> float:
    return sum(
        _fitted(others, present, ridge).surprise(these)
        for others, these in _folds(lessons)
    )


def _folds(lessons: Lessons) -> list[tuple[Lessons, Lessons]]:
    """Each part held out in turn, after all others."""
    fold = np.arange(len(lessons)) % FOLDS
    return [
        (lessons.only(fold != held), lessons.only(fold == held))
        for held in range(FOLDS)
    ]


def _fitted(lessons: Lessons, present: _Present, ridge: float) -> _Fitted:
    from scipy.optimize import minimize

    steep = _as_present(lessons, present)
    narrowness = 0.5 / TENDENCY_SPREAD**2
    decided = lessons.decided

    def cost(tried: Floats) -> tuple[float, Floats]:
        parts, tendency, keeping = tried[:-2], float(tried[-2]), float(tried[-1])
        weights, leans = parts * steep.weights, lessons.tilted(tendency)
        margin = decided * (leans @ weights + keeping * lessons.runs)
        pull = -decided / (1 + np.exp(margin))
        apart, moved = parts - 1, tendency - present.tendency
        slope = np.append(
            (leans.T @ pull) * steep.weights + 2 * ridge * apart,
            (
                (lessons.room @ weights) @ pull + 2 * narrowness * moved,
                lessons.runs @ pull + keeping / KEEPING_SPREAD**2,
            ),
        )
        distance = ridge * float(apart @ apart) + narrowness * moved**2
        distance += _unlikely(keeping)
        return float(np.sum(np.logaddexp(0, -margin))) + distance, slope

    parts = len(steep.weights)
    found = minimize(
        cost,
        np.append(np.ones(parts), (present.tendency, steep.keeping)),
        jac=True,
        method="L-BFGS-B",
        bounds=[
            *[(1e-3, None)] * parts,
            (-MOST_TENDENCY, MOST_TENDENCY),
            (None, None),
        ],
    )
    return _Fitted(
        np.asarray(found.x[:-2] * steep.weights), float(found.x[-2]), float(found.x[-1])
    )


def _as_present(lessons: Lessons, present: _Present) -> _Fitted:
    """What is in force, as steeply as the decisions follow it."""
    from scipy.optimize import minimize

    margins = lessons.tilted(present.tendency) @ present.importances

    def cost(tried: Floats) -> float:
        followed = tried[0] * margins + tried[1] * lessons.runs
        return _surprise(followed, lessons.decided) + _unlikely(float(tried[1]))

    found = minimize(
        cost,
        np.array([0.3, 0.0]),
        method="L-BFGS-B",
        bounds=[(1e-3, STEEPEST), (None, None)],
    )
    return _Fitted(
        np.asarray(found.x[0] * present.importances),
        present.tendency,
        float(found.x[1]),
    )


def _unlikely(keeping: float) -> float:
    return 0.5 * keeping**2 / KEEPING_SPREAD**2


def _surprise(margins: Floats, decided: Floats) -> float:
    return float(np.sum(np.logaddexp(0, -decided * margins)))


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
    """Old and new side by side on decisions that were held out in turn."""

    decisions: int
    present: Foretold
    learnt: Foretold


def compared(
    lessons: Lessons, rulebook: Rulebook, *, tendency: float = 0.0
) -> Comparison:
    """Judge each fold by what is learnt on the others, and by what is in force.

    Raises ValueError below 50 decisions, or where all of them went one way.
    """
    decided = lessons.decided
    if len(decided) < ENOUGH_DECISIONS:
        raise ValueError(f"{len(decided)} decisions are too few to learn from")
    if abs(decided.sum()) == len(decided):
        raise ValueError("all decisions went one way: nothing tells them apart")
    present = _Present(rulebook.importances, tendency)
    old, new = [], []
    for others, these in _folds(lessons):
        old.append(_foretelling(_as_present(others, present), these))
        new.append(_foretelling(_learnt(others, present), these))
    return Comparison(
        len(decided), _foretold(*_together(old)), _foretold(*_together(new))
    )


def _foretelling(fitted: _Fitted, lessons: Lessons) -> tuple[Floats, Floats]:
    return fitted.margins(lessons), lessons.decided


def _together(parts: Sequence[tuple[Floats, Floats]]) -> tuple[Floats, Floats]:
    margins, decided = zip(*parts, strict=True)
    return np.concatenate(margins), np.concatenate(decided)


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
