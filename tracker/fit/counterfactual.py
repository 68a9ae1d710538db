"""What would change a verdict: each figure moved alone, in its own unit."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from tracker.fit.acceptability import acceptability, without
from tracker.fit.evidence import Floats, Observation, Share, posterior_leans, rounded
from tracker.fit.judgement import (
    Board,
    Case,
    Judgement,
    Rule,
    Rulebook,
    extremes,
    weighted,
)
from tracker.fit.verdict import Verdict, opposition

BISECTIONS = 32
PAIRED = 4
# Past its last breakpoint a figure changes nothing but how sure it is.
BEYOND_LAST = 2.0


@dataclass(frozen=True)
class Counterfactual:
    """A change of recorded facts that would change the verdict, or come nearest.

    With one code, `value` is the raw figure at which the opposition crosses to
    `opposition`.  With two codes no single fact would do; `opposition` is where the
    pair, both at their extremes, would bring it.
    """

    codes: tuple[str, ...]
    value: float | None
    opposition: float


def threshold(judgement: Judgement, rulebook: Rulebook) -> float:
    """The opposition at which this verdict ends; the nearer one between both."""
    oppose, support = rulebook.thresholds.oppose, rulebook.thresholds.support
    if judgement.opposition >= oppose:
        return oppose
    if judgement.opposition <= support:
        return support
    return oppose if 2 * judgement.opposition >= oppose + support else support


def counterfactuals(
    cases: Sequence[Case],
    judgements: Sequence[Judgement],
    board: Board,
    rulebook: Rulebook,
) -> list[tuple[Counterfactual, ...]]:
    """For each case every single fact that would change its verdict, nearest first.

    Without enough evidence the answer is empty: what to record comes first there.
    """
    found: list[list[Counterfactual]] = [[] for _ in cases]
    enough = [
        row
        for row, judgement in enumerate(judgements)
        if judgement.verdict is not Verdict.NOT_ENOUGH_EVIDENCE
    ]
    for column in range(len(rulebook.rules)):
        rows = [
            row
            for row in enough
            if _could(row, column, judgements, board, cases, rulebook)
        ]
        values = _crossings(rows, column, cases, judgements, board, rulebook)
        for row, value in zip(rows, values, strict=True):
            if value is not None:
                found[row].append(
                    Counterfactual(
                        codes=(rulebook.rules[column].code,),
                        value=value,
                        opposition=threshold(judgements[row], rulebook),
                    )
                )
    for row in enough:
        if not found[row]:
            found[row] = _best_pair(row, cases[row], judgements[row], board, rulebook)
    return [
        tuple(sorted(singles, key=lambda one: _distance(one, case, rulebook)))
        for singles, case in zip(found, cases, strict=True)
    ]


def _target(case: Case, judgement: Judgement, rulebook: Rulebook) -> float:
    """The threshold as an acceptability."""
    opposed = threshold(judgement, rulebook)
    return 1.0 - opposed if case.is_managed else opposed


def _could(
    row: int,
    column: int,
    judgements: Sequence[Judgement],
    board: Board,
    cases: Sequence[Case],
    rulebook: Rulebook,
) -> bool:
    if not board.recorded[row, column]:
        return False
    target = _target(cases[row], judgements[row], rulebook)
    lowest, highest = board.at_lowest[row, column], board.at_highest[row, column]
    return bool(lowest < target < highest)


def _crossings(
    rows: Sequence[int],
    column: int,
    cases: Sequence[Case],
    judgements: Sequence[Judgement],
    board: Board,
    rulebook: Rulebook,
) -> list[float | None]:
    """Bisect each row's figure to its target; None where no figure reaches it."""
    if not rows:
        return []
    rule = rulebook.rules[column]
    observations = [cases[row].facts[rule.code] for row in rows]
    targets = np.array([_target(cases[row], judgements[row], rulebook) for row in rows])
    trial = _Trial(rows, column, rule, observations, cases, board, rulebook)
    low = np.zeros(len(rows))
    high = np.array([_furthest(rule, observation) for observation in observations])
    above_at_low = trial.at(low) > targets
    crosses = above_at_low != (trial.at(high) > targets)
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        is_left = (trial.at(middle) > targets) == above_at_low
        low, high = np.where(is_left, middle, low), np.where(is_left, high, middle)
    return [
        rounded(value) if is_crossing else None
        for value, is_crossing in zip((low + high) / 2, crosses, strict=True)
    ]


class _Trial:
    """The acceptability of some rows with one criterion's figure replaced."""

    def __init__(
        self,
        rows: Sequence[int],
        column: int,
        rule: Rule,
        observations: Sequence[Observation],
        cases: Sequence[Case],
        board: Board,
        rulebook: Rulebook,
    ) -> None:
        columns = np.full(len(rows), column, dtype=np.intp)
        self._rest = without(board.q[list(rows)], columns, rulebook.firmness)
        self._rule = rule
        self._observations = observations
        self._priors = [cases[row].prior(rule.code) for row in rows]

    def at(self, figures: Floats) -> Floats:
        tried = [
            observation.with_value(float(figure))
            for observation, figure in zip(self._observations, figures, strict=True)
        ]
        leans = posterior_leans(self._rule.breakpoints, tried, self._priors)
        return self._rest.acceptability(leans * self._rule.importance)


def _furthest(rule: Rule, observation: Observation) -> float:
    if isinstance(observation, Share):
        return 1.0
    return max(BEYOND_LAST * rule.breakpoints.last, observation.value)


def _best_pair(
    row: int, case: Case, judgement: Judgement, board: Board, rulebook: Rulebook
) -> list[Counterfactual]:
    """The two recorded facts that together would come nearest, or get there."""
    target = _target(case, judgement, rulebook)
    rises = target > board.acceptability[row]
    alone = board.at_highest[row] if rises else -board.at_lowest[row]
    recorded = np.flatnonzero(board.recorded[row])
    strongest = sorted(recorded, key=lambda column: -alone[column])[:PAIRED]
    pairs = list(combinations(sorted(strongest), 2))
    if not pairs:
        return []
    extreme = extremes(rulebook)[1 if rises else 0]
    leans = np.repeat(board.leans[row][None], len(pairs), axis=0)
    for index, pair in enumerate(pairs):
        leans[index, list(pair)] = extreme[list(pair)][:, None]
    shares = acceptability(weighted(leans, rulebook), rulebook.firmness)
    best = int(np.argmax(shares if rises else -shares))
    opposed = opposition(float(shares[best]), is_managed=case.is_managed)
    codes = tuple(rulebook.rules[column].code for column in pairs[best])
    return [Counterfactual(codes=codes, value=None, opposition=rounded(opposed))]


def _distance(
    counterfactual: Counterfactual, case: Case, rulebook: Rulebook
) -> tuple[float, str]:
    """How far the figure must move, as a part of its breakpoints' span."""
    code = counterfactual.codes[0]
    if counterfactual.value is None:
        return 0.0, code
    points = next(r for r in rulebook.rules if r.code == code).breakpoints.points
    span = points[-1][0] - points[0][0]
    return abs(counterfactual.value - case.facts[code].value) / span, code
