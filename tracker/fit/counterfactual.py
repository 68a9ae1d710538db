"""What would change a verdict: each figure moved alone, in its own unit."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from tracker.fit.acceptability import acceptability, without
from tracker.fit.evidence import (
    Floats,
    Observation,
    Share,
    posterior_leans,
    rounded,
)
from tracker.fit.judgement import Case, Judged, Rule, extremes, weighted
from tracker.fit.stated import is_stated
from tracker.fit.verdict import Thresholds, Verdict, opposition

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


def counterfactuals(judged: Judged) -> list[tuple[Counterfactual, ...]]:
    """For each case every single fact that would change its verdict, nearest first.

    Without enough evidence the answer is empty: what to record comes first there.
    """
    found: list[list[Counterfactual]] = [[] for _ in judged.cases]
    for column in range(len(judged.rulebook.rules)):
        for row, counterfactual in _singles(judged, column):
            found[row].append(counterfactual)
    for row in range(len(judged.cases)):
        if not found[row] and _is_open_to_change(judged, row):
            found[row] = _best_pair(judged, row)
    return [
        tuple(sorted(ones, key=lambda one: _distance(judged, row, one)))
        for row, ones in enumerate(found)
    ]


def end_of_verdict(opposed: float, thresholds: Thresholds) -> float:
    """The opposition at which the verdict of `opposed` ends; the nearer of two."""
    oppose, support = thresholds.oppose, thresholds.support
    if opposed >= oppose:
        return oppose
    if opposed <= support:
        return support
    return oppose if 2 * opposed >= oppose + support else support


def _is_open_to_change(judged: Judged, row: int) -> bool:
    return judged.judgements[row].verdict is not Verdict.NOT_ENOUGH_EVIDENCE


def _end(judged: Judged, row: int) -> float:
    opposed = judged.judgements[row].opposition
    return end_of_verdict(opposed, judged.rulebook.thresholds)


def _target(judged: Judged, row: int) -> float:
    """The end of the row's verdict, as an acceptability."""
    return opposition(_end(judged, row), is_managed=judged.cases[row].is_managed)


def _singles(judged: Judged, column: int) -> list[tuple[int, Counterfactual]]:
    """The rows whose verdict this criterion alone would change, and at what figure."""
    board, rule = judged.board, judged.rulebook.rules[column]
    rows = [
        row
        for row in np.flatnonzero(board.recorded[:, column]).tolist()
        if _is_open_to_change(judged, row)
        and board.at_lowest[row, column]
        < _target(judged, row)
        < board.at_highest[row, column]
    ]
    if not rows:
        return []
    return [
        (
            row,
            Counterfactual(
                codes=(rule.code,), value=value, opposition=_end(judged, row)
            ),
        )
        for row, value in zip(rows, _crossings(judged, column, rows), strict=True)
        if value is not None
    ]


def _crossings(judged: Judged, column: int, rows: Sequence[int]) -> list[float | None]:
    """Bisect each row's figure to its target; None where no figure reaches it."""
    targets = np.array([_target(judged, row) for row in rows])
    trial = _Trial(judged, column, rows)
    low, high = trial.lowest, trial.furthest
    is_above_at_low = trial.at(low) > targets
    crosses = is_above_at_low != (trial.at(high) > targets)
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        is_left = (trial.at(middle) > targets) == is_above_at_low
        low, high = np.where(is_left, middle, low), np.where(is_left, high, middle)
    return [
        rounded(figure) if is_crossing else None
        for figure, is_crossing in zip((low + high) / 2, crosses, strict=True)
    ]


class _Trial:
    """The acceptability of some rows with one criterion's figure replaced."""

    def __init__(self, judged: Judged, column: int, rows: Sequence[int]) -> None:
        self._rule: Rule = judged.rulebook.rules[column]
        cases = [judged.cases[row] for row in rows]
        self._observations = [case.facts[self._rule.code] for case in cases]
        self._priors = [case.prior(self._rule.code) for case in cases]
        columns = np.full(len(rows), column, dtype=np.intp)
        self._rest = without(
            judged.board.q[list(rows)], columns, judged.rulebook.firmness
        )

    @property
    def lowest(self) -> Floats:
        return np.array([_least(self._rule, one) for one in self._observations])

    @property
    def furthest(self) -> Floats:
        """Never below the lowest: elapsed time may lie beyond what is tried."""
        furthest = 1.0
        if not isinstance(self._observations[0], Share):
            furthest = min(BEYOND_LAST * self._rule.breakpoints.last, self._rule.most)
        return np.maximum(self.lowest, furthest)

    def at(self, figures: Floats) -> Floats:
        tried = [
            observation.with_value(float(figure))
            for observation, figure in zip(self._observations, figures, strict=True)
        ]
        leans = posterior_leans(self._rule.breakpoints, tried, self._priors)
        return self._rest.acceptability(leans * self._rule.importance)


def _least(rule: Rule, observation: Observation) -> float:
    """What the figure can fall to; a stated one can be stated otherwise."""
    if rule.only_rises and not is_stated(observation):
        return max(rule.least, observation.value)
    return rule.least


def _best_pair(judged: Judged, row: int) -> list[Counterfactual]:
    """The two recorded facts that together would come nearest, or get there."""
    board, rulebook, case = judged.board, judged.rulebook, judged.cases[row]
    rises = _target(judged, row) > board.acceptability[row]
    reach = board.at_highest[row] if rises else -board.at_lowest[row]
    extreme = extremes(rulebook)[1 if rises else 0]
    movable = [
        column
        for column in np.flatnonzero(board.recorded[row]).tolist()
        if _can_reach(rulebook.rules[column], case, extreme[column])
    ]
    strongest = sorted(movable, key=lambda column: -reach[column])[:PAIRED]
    pairs = list(combinations(sorted(strongest), 2))
    if not pairs:
        return []
    leans = np.repeat(board.leans[row][None], len(pairs), axis=0)
    for index, pair in enumerate(pairs):
        leans[index, list(pair)] = extreme[list(pair)][:, None]
    shares = acceptability(weighted(leans, rulebook), rulebook.firmness)
    best = int(np.argmax(shares if rises else -shares))
    opposed = opposition(float(shares[best]), is_managed=case.is_managed)
    codes = tuple(rulebook.rules[column].code for column in pairs[best])
    return [Counterfactual(codes=codes, value=None, opposition=rounded(opposed))]


def _can_reach(rule: Rule, case: Case, lean: float) -> bool:
    """Whether the recorded figure could come to lean so far."""
    least = _least(rule, case.facts[rule.code])
    figures = np.array([least, max(least, rule.breakpoints.last)])
    return bool(np.isclose(rule.breakpoints.lean(figures), lean).any())


def _distance(
    judged: Judged, row: int, counterfactual: Counterfactual
) -> tuple[float, str]:
    """How far the figure must move, as a part of its breakpoints' span."""
    code = counterfactual.codes[0]
    if counterfactual.value is None:
        return 0.0, code
    rule = next(rule for rule in judged.rulebook.rules if rule.code == code)
    points = rule.breakpoints.points
    moved = abs(counterfactual.value - judged.cases[row].facts[code].value)
    return moved / (points[-1][0] - points[0][0]), code
