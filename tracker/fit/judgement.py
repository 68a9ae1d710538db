"""Many engagements judged at once from their observations, without a database."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from tracker.fit.acceptability import acceptability, at_extremes
from tracker.fit.evidence import (
    IGNORANCE,
    UNINFORMED,
    Breakpoints,
    Floats,
    Observation,
    Prior,
    posterior_leans,
    rounded,
)
from tracker.fit.verdict import (
    UNRECORDED_PART,
    Thresholds,
    Verdict,
    opposition,
    verdict,
)

POINT_DIGITS = 4


@dataclass(frozen=True)
class Rule:
    """One criterion as the policy in force weighs and reads it.

    `least` and `most` bound what its figure can be; `only_rises` says that no record
    to come lowers one that is recorded.
    """

    code: str
    importance: float
    breakpoints: Breakpoints
    augmented_breakpoints: Breakpoints | None = None
    least: float = 0.0
    most: float = math.inf
    only_rises: bool = False


@dataclass(frozen=True)
class Rulebook:
    """All rules, whose order does not matter, and how verdicts follow from them."""

    rules: tuple[Rule, ...]
    thresholds: Thresholds = field(default_factory=Thresholds)
    firmness: int = 2

    def __post_init__(self) -> None:
        # Sums are taken by code, so that an order of registration can't move a digit.
        ordered = tuple(sorted(self.rules, key=lambda rule: rule.code))
        object.__setattr__(self, "rules", ordered)

    def where(self, *, is_managed: bool | None) -> Rulebook:
        """The rules as they read for work that runs in this model, or in neither."""
        if is_managed is not False:
            return self
        rules = (
            replace(rule, breakpoints=rule.augmented_breakpoints or rule.breakpoints)
            for rule in self.rules
        )
        return replace(self, rules=tuple(rules))

    def tilted(self, tendency: float) -> Rulebook:
        """The rules with every neutral point moved towards one model."""
        if not tendency:
            return self
        rules = (
            replace(
                rule,
                breakpoints=rule.breakpoints.tilted(tendency),
                augmented_breakpoints=rule.augmented_breakpoints
                and rule.augmented_breakpoints.tilted(tendency),
            )
            for rule in self.rules
        )
        return replace(self, rules=tuple(rules))

    @property
    def importances(self) -> Floats:
        return np.array([rule.importance for rule in self.rules])

    @property
    def weights(self) -> Floats:
        """w̄: each criterion's part of the whole weight, the unrecorded part apart."""
        importances = self.importances
        return np.asarray((1.0 - UNRECORDED_PART) / importances.sum() * importances)

    @property
    def unrecorded_importance(self) -> float:
        total = float(self.importances.sum())
        return total * UNRECORDED_PART / (1.0 - UNRECORDED_PART)


@dataclass(frozen=True)
class Case:
    """One engagement's evidence: over the window, and over its recent half.

    A criterion missing from `facts` is not recorded.  `priors` are by code; without
    one the engine knows nothing beforehand.  Work that is in neither model yet has
    None for `is_managed`: its opposition is told as if it were augmented.
    """

    is_managed: bool | None
    facts: Mapping[str, Observation]
    recent: Mapping[str, Observation] = field(default_factory=dict)
    priors: Mapping[str, Prior] = field(default_factory=dict)

    def prior(self, code: str) -> Prior:
        return self.priors.get(code, UNINFORMED)


@dataclass(frozen=True)
class Point:
    """A recorded fact's contribution: 100·w̄·E[D]; above 0 it speaks for managed."""

    code: str
    points: float
    lean: float
    is_changing: bool


@dataclass(frozen=True)
class MissingFact:
    """A fact not recorded, and by how many points of acceptability it could move."""

    code: str
    swing_points: float


@dataclass(frozen=True)
class Judgement:
    """What the evidence says of one case; every number is rounded as stored.

    `points` and `not_recorded_points`, the part of facts for which the portfolio
    stands in, sum exactly to `margin`.
    """

    acceptability: float
    opposition: float
    coverage: float
    margin: float
    verdict: Verdict
    is_strong: bool
    leans_managed: bool | None
    points: tuple[Point, ...]
    not_recorded_points: float
    missing: tuple[MissingFact, ...]


@dataclass(frozen=True)
class Board:
    """The arrays behind a set of cases, for those who ask what if.

    `leans` (n, criteria, atoms); `q` the same times importance, with the
    unrecorded part as one further criterion; `recorded` (n, criteria), and `is_known`
    the same with what the portfolio stands in for;
    `at_lowest` and `at_highest` (n, criteria) are the acceptabilities if one
    criterion were known to lean as far as it can.
    """

    leans: Floats
    q: Floats
    recorded: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]
    is_known: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]
    acceptability: Floats
    at_lowest: Floats
    at_highest: Floats


@dataclass(frozen=True)
class Judged:
    """Cases with their judgements, row by row, and the arrays behind them."""

    cases: tuple[Case, ...]
    rulebook: Rulebook
    board: Board
    judgements: tuple[Judgement, ...]


def judge(cases: Sequence[Case], rulebook: Rulebook) -> Judged:
    """Judge each case by itself: no case has a part in another's judgement."""
    board = _board(cases, rulebook)
    return Judged(
        cases=tuple(cases),
        rulebook=rulebook,
        board=board,
        judgements=tuple(
            _judgement(row, case, board, rulebook) for row, case in enumerate(cases)
        ),
    )


def judge_by_model(
    cases: Sequence[Case], rulebook: Rulebook
) -> Iterator[tuple[list[int], Judged]]:
    """Judge each case by the rules as they read in its model: rows, and how judged."""
    for models in ({True, None}, {False}):
        rows = [row for row, case in enumerate(cases) if case.is_managed in models]
        if rows:
            read = rulebook.where(is_managed=False not in models)
            yield rows, judge([cases[row] for row in rows], read)


def weighted(leans: Floats, rulebook: Rulebook) -> Floats:
    """Importance times lean, with the part that no criterion knows of at the end."""
    known = leans * rulebook.importances[:, None]
    unknown = np.broadcast_to(
        rulebook.unrecorded_importance * IGNORANCE, (len(leans), 1, len(IGNORANCE))
    )
    return np.concatenate([known, unknown], axis=1)


def extremes(rulebook: Rulebook) -> tuple[Floats, Floats]:
    """The lowest and highest lean that each criterion can show, (criteria,)."""
    ranges = np.array([rule.breakpoints.range for rule in rulebook.rules])
    return ranges[:, 0], ranges[:, 1]


def _board(cases: Sequence[Case], rulebook: Rulebook) -> Board:
    leans = _leans(cases, rulebook)
    q = weighted(leans, rulebook)
    lowest, highest = extremes(rulebook)
    unknown = rulebook.unrecorded_importance
    low = np.append(lowest * rulebook.importances, -unknown)
    high = np.append(highest * rulebook.importances, unknown)
    at_lowest, at_highest = at_extremes(q, low, high, rulebook.firmness)
    codes = [rule.code for rule in rulebook.rules]
    shape = len(cases), len(codes)
    recorded = np.array(
        [[code in case.facts for code in codes] for case in cases], dtype=bool
    ).reshape(shape)
    stood_in_for = np.array(
        [[bool(case.prior(code).quantiles) for code in codes] for case in cases],
        dtype=bool,
    ).reshape(shape)
    return Board(
        leans=leans,
        q=q,
        recorded=recorded,
        is_known=recorded | stood_in_for,
        acceptability=acceptability(q, rulebook.firmness),
        at_lowest=at_lowest[:, :-1],
        at_highest=at_highest[:, :-1],
    )


def _leans(cases: Sequence[Case], rulebook: Rulebook) -> Floats:
    columns = [
        posterior_leans(
            rule.breakpoints,
            [case.facts.get(rule.code) for case in cases],
            [case.prior(rule.code) for case in cases],
        )
        for rule in rulebook.rules
    ]
    return np.stack(columns, axis=1)


def _judgement(row: int, case: Case, board: Board, rulebook: Rulebook) -> Judgement:
    weights, thresholds = rulebook.weights, rulebook.thresholds
    recorded = board.recorded[row]
    expected = board.leans[row].mean(axis=1)
    share = rounded(board.acceptability[row])
    opposed = rounded(opposition(share, is_managed=case.is_managed))
    covered = rounded(_coverage(case, rulebook))
    heard = np.where(recorded[:, None], board.leans[row], 0.0)
    found = verdict(
        opposition=opposed,
        coverage=covered,
        recorded=int(recorded.sum()),
        towards_managed=rounded(weights @ np.maximum(heard, 0.0).mean(axis=1)),
        towards_augmented=rounded(weights @ np.maximum(-heard, 0.0).mean(axis=1)),
        thresholds=thresholds,
    )
    points = _points(case, weights * expected, expected, rulebook)
    rest = float(np.sum((weights * expected)[~recorded]))
    not_recorded = round(100.0 * rest, POINT_DIGITS)
    is_enough = found is not Verdict.NOT_ENOUGH_EVIDENCE
    # Work in neither model can be strongly advised to go into either.
    strength = max(opposed, 1 - opposed) if case.is_managed is None else opposed
    return Judgement(
        acceptability=share,
        opposition=opposed,
        coverage=covered,
        margin=_exact_sum([*(point.points for point in points), not_recorded]),
        verdict=found,
        is_strong=is_enough and strength >= thresholds.oppose_strongly,
        leans_managed=share >= 0.5 if is_enough else None,
        points=points,
        not_recorded_points=not_recorded,
        missing=_missing(row, board, rulebook),
    )


def _coverage(case: Case, rulebook: Rulebook) -> float:
    """Σ weight · reliability over recorded facts, of the whole weight 1."""
    return sum(
        float(weight) * case.facts[rule.code].reliability(case.prior(rule.code))
        for rule, weight in zip(rulebook.rules, rulebook.weights, strict=True)
        if rule.code in case.facts
    )


def _points(
    case: Case, shares: Floats, expected: Floats, rulebook: Rulebook
) -> tuple[Point, ...]:
    points = [
        Point(
            code=rule.code,
            points=round(100.0 * float(shares[index]), POINT_DIGITS),
            lean=rounded(expected[index]),
            is_changing=_is_changing(case, rule, rulebook.thresholds.changing),
        )
        for index, rule in enumerate(rulebook.rules)
        if rule.code in case.facts
    ]
    return tuple(sorted(points, key=lambda point: (-abs(point.points), point.code)))


def _is_changing(case: Case, rule: Rule, tolerated: float) -> bool:
    """Whether the recent half reads otherwise than the whole window.

    The figures themselves are compared: a posterior of half the records would
    differ already for being less sure.
    """
    if rule.code not in case.recent:
        return False
    figures = (case.facts[rule.code].value, case.recent[rule.code].value)
    whole, recent = rule.breakpoints.lean(np.array(figures))
    return abs(float(recent) - float(whole)) > tolerated


def _exact_sum(points: Sequence[float]) -> float:
    """The sum of numbers with POINT_DIGITS decimals, without floating-point dust."""
    scale = 10**POINT_DIGITS
    return float(sum(round(point * scale) for point in points) / scale)


def _missing(row: int, board: Board, rulebook: Rulebook) -> tuple[MissingFact, ...]:
    swings = board.at_highest[row] - board.at_lowest[row]
    missing = [
        MissingFact(code=rule.code, swing_points=round(100.0 * float(swing), 1))
        for rule, swing, is_recorded in zip(
            rulebook.rules, swings, board.recorded[row], strict=True
        )
        if not is_recorded
    ]
    return tuple(sorted(missing, key=lambda fact: (-fact.swing_points, fact.code)))
