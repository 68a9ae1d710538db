"""How flags behave from month to month, and how soon a change of the work is seen."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from tracker.fit.evidence import Floats, Prior
from tracker.fit.flagging import Standing, calls_for_clearing, calls_for_flag
from tracker.fit.judgement import Case, Rulebook
from tracker.fit.trial.planting import WINDOW, Portfolio, facts, plant
from tracker.fit.trial.portfolios import judged_in_order, priors_of

ENGAGEMENTS = 200
YEARS = 3
MONTHS_PER_YEAR = 12
HALF_A_YEAR = 6
REASONS = 3
LASTING = WINDOW + YEARS * MONTHS_PER_YEAR
TURNS_AT = WINDOW + MONTHS_PER_YEAR
# From one quarter to the next priors stay as they were frozen.
QUARTER = 3


@dataclass(frozen=True)
class Steadiness:
    """Flags of work whose nature wanders slowly.

    `changes` are raises and clears for each engagement and year; `raised_again` the
    part of raises that follow a clearing within a year.  The bare ones are those of
    the threshold alone, with neither two months nor a lower one to clear.
    """

    changes: float
    raised_again: float
    bare_changes: float
    bare_raised_again: float


@dataclass(frozen=True)
class Delay:
    """Months from a reversal of the work to the flag; of those that turned misfit.

    `within_half_a_year` and `ever` are parts of all; `median` is of those seen.
    `marked` is the part of which one of the three largest reasons is marked as
    changing half a year after, and `marked_before` just before the reversal.
    """

    engagements: int
    median: float
    within_half_a_year: float
    ever: float
    marked: float
    marked_before: float


def try_steadiness(
    rulebook: Rulebook, seed: int, *, window: int = WINDOW
) -> Steadiness:
    standings = _standings(plant(seed, ENGAGEMENTS, LASTING), rulebook, window)
    damped = [_flagged(series, rulebook) for series in standings]
    bare = [[standing.opposes for standing in series] for series in standings]
    years = len(standings) * (len(standings[0]) - 1) / MONTHS_PER_YEAR
    return Steadiness(
        changes=_changes(damped) / years,
        raised_again=_raised_again(damped),
        bare_changes=_changes(bare) / years,
        bare_raised_again=_raised_again(bare),
    )


def try_delay(rulebook: Rulebook, seed: int, *, window: int = WINDOW) -> Delay:
    portfolio = plant(seed, ENGAGEMENTS, LASTING, turns_at=TURNS_AT)
    standings = _standings(portfolio, rulebook, window)
    before, after = TURNS_AT - 1, TURNS_AT
    first = WINDOW - 1
    delays: list[float] = []
    turned_rows: list[int] = []
    for row, series in enumerate(standings):
        flagged = _flagged(series, rulebook)
        misfit = portfolio.is_misfit[row]
        turned = misfit[after:].all() and not misfit[first:after].any()
        if not turned or flagged[before - first]:
            continue
        turned_rows.append(row)
        # A flag in the month of the change itself has taken one month.
        raised = [i for i, is_up in enumerate(flagged[after - first :], 1) if is_up]
        delays.append(raised[0] if raised else np.inf)
    seen = np.array(delays)
    return Delay(
        engagements=len(seen),
        median=_median(seen[np.isfinite(seen)]),
        within_half_a_year=float(np.mean(seen <= HALF_A_YEAR)),
        ever=float(np.mean(np.isfinite(seen))),
        marked=_marked(portfolio, turned_rows, before + HALF_A_YEAR, rulebook),
        marked_before=_marked(portfolio, turned_rows, before, rulebook),
    )


def _median(months: Floats) -> float:
    return float(np.median(months)) if len(months) else math.nan


def _marked(
    portfolio: Portfolio, rows: Sequence[int], month: int, rulebook: Rulebook
) -> float:
    """The part that a reader finds marked: among the three largest reasons."""
    cases = [
        Case(
            is_managed=bool(portfolio.is_managed[row]),
            facts=facts(portfolio, row, month),
            recent=facts(portfolio, row, month, months=HALF_A_YEAR),
        )
        for row in rows
    ]
    told = [
        any(point.is_changing for point in judgement.points[:REASONS])
        for judgement in judged_in_order(cases, rulebook)
    ]
    return float(np.mean(told)) if told else 0.0


def _standings(
    portfolio: Portfolio, rulebook: Rulebook, window: int
) -> list[list[Standing]]:
    """By engagement, what each month's evaluation finds; the first has a full year."""
    codes = [rule.code for rule in rulebook.rules]
    series: list[list[Standing]] = [[] for _ in portfolio.is_managed]
    priors: dict[str, Prior] = {}
    for month in range(WINDOW - 1, portfolio.advantage.shape[1]):
        known = [
            facts(portfolio, row, month, months=window) for row in range(len(series))
        ]
        if (month - WINDOW + 1) % QUARTER == 0:
            priors = priors_of(known, codes)
        cases = [
            Case(is_managed=bool(is_managed), facts=found, priors=priors)
            for is_managed, found in zip(portfolio.is_managed, known, strict=True)
        ]
        for row, judgement in enumerate(judged_in_order(cases, rulebook)):
            series[row].append(Standing(judgement.opposition, judgement.verdict))
    return series


def _flagged(series: Sequence[Standing], rulebook: Rulebook) -> list[bool]:
    """Whether a flag is up after each month's evaluation."""
    is_up, states = False, [False]
    for before, now in pairwise(series):
        if is_up:
            is_up = not calls_for_clearing(now, before, rulebook.thresholds)
        else:
            is_up = calls_for_flag(now, before)
        states.append(is_up)
    return states


def _changes(states: Sequence[Sequence[bool]]) -> int:
    """Raises and clears, but for a flag that was up from the first evaluation on."""
    return sum(
        was != now for series in states for was, now in pairwise(_from_second(series))
    )


def _raised_again(states: Sequence[Sequence[bool]]) -> float:
    """The part of raises that follow a clearing within twelve months."""
    raises = again = 0
    for series in states:
        cleared_at: int | None = None
        for month, (was, now) in enumerate(pairwise(series), 1):
            if was and not now:
                cleared_at = month
            if now and not was:
                raises += 1
                again += cleared_at is not None and month - cleared_at <= WINDOW
        raises += bool(series[0])
    return again / raises if raises else 0.0


def _from_second(series: Sequence[bool]) -> Sequence[bool]:
    # The first two evaluations find what had been so all along.
    return series[1:]
