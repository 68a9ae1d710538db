"""The table of the trial: each figure beside its target, reached or not."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from time import perf_counter, process_time
from typing import Any

import numpy as np

from tracker.fit.acceptability import acceptability
from tracker.fit.judgement import Rulebook
from tracker.fit.trial import oracles
from tracker.fit.trial.costs import (
    Held,
    plan_year,
    planned_interval,
    to_augmented_interval,
    to_managed_interval,
)
from tracker.fit.trial.measures import Hits
from tracker.fit.trial.portfolios import DECISIONS, Scored, Trial, try_portfolios
from tracker.fit.trial.timelines import HALF_A_YEAR, try_delay, try_steadiness

SEED = 2026
# Each plants a portfolio of its own; figures are their mean, and how far they spread.
SEEDS = (2026, 2027, 2028, 2029, 2030)
MISSING = 0.30
SPEED_SHAPE = (100_000, 16, 8)


@dataclass(frozen=True)
class Row:
    """One figure; `is_reached` is None where nothing was aimed at."""

    group: str
    name: str
    figure: float
    shown: str
    target: str = ""
    is_reached: bool | None = None


@dataclass(frozen=True)
class Table:
    rows: tuple[Row, ...]
    baselines: Mapping[str, Scored]
    seconds: float

    def as_json(self) -> dict[str, Any]:
        """Without NaN, which JSON doesn't know: such a figure is null."""
        told = {
            "rows": [asdict(row) for row in self.rows],
            "baselines": {
                name: asdict(found) for name, found in self.baselines.items()
            },
            "seconds": self.seconds,
        }
        return _without_nan(told)  # type: ignore[no-any-return] # a dict stays one


def try_engine(rulebook: Rulebook) -> Table:
    """Put the engine through everything, in a few minutes of one processor."""
    started = perf_counter()
    trials = try_portfolios(rulebook, SEEDS, MISSING)
    taught = trials[0].taught
    rows = (
        *_exactness(),
        *_speed(),
        *_discernment(trials),
        *_directions(trials),
        *_lessons(trials),
        *_stability(rulebook, taught),
        *_reactions(rulebook, taught),
        *_money(),
    )
    baselines = {"the engine": trials[0].full, **trials[0].baselines}
    return Table(rows, baselines, round(perf_counter() - started, 1))


def _exactness() -> list[Row]:
    closed, quadrature = oracles.closed_form_error(), oracles.quadrature_error()
    sampled = oracles.sampling_deviation()
    published = oracles.published_deviation()
    violations = oracles.monotonicity_violations()
    group = "Exactness"
    return [
        _at_most(group, "closed form .8: error", closed, 1e-8, "{:.0e}"),
        _at_most(group, "200 closed forms: largest error", quadrature, 1e-8, "{:.0e}"),
        _at_most(
            group,
            "200,000 samples, 8 boards: most standard errors apart",
            sampled,
            3.0,
            "{:.1f}",
        ),
        _at_most(
            group,
            f"published SMAA-2 example {oracles.PUBLISHED}, here"
            f" {oracles.published_example():.4f}: standard errors apart",
            published,
            2.0,
            "{:.1f}",
        ),
        _at_most(
            group, "12,000 raised leans that lower the share", violations, 0, "{:.0f}"
        ),
    ]


def _speed() -> list[Row]:
    boards = np.random.default_rng(SEED).uniform(-1, 1, SPEED_SHAPE)
    began_at, began = perf_counter(), process_time()
    acceptability(boards, 2)
    passed, busy = perf_counter() - began_at, process_time() - began
    name = "100,000 engagements of 16 criteria and 8 atoms: seconds of one processor"
    return [
        _at_most("Speed", name, busy, 5.0, "{:.1f}"),
        Row(
            "Speed",
            "the same by the clock, beside whatever else ran",
            *_shown(passed, "{:.1f}"),
        ),
    ]


def _discernment(trials: Sequence[Trial]) -> list[Row]:
    told = _Told("Planted misfits", trials)
    return [
        told.row("AUC of who knew the hidden traits", lambda one: one.ceiling),
        told.row("AUC, everything recorded", lambda one: one.full.auc),
        told.row("AUC at 30 % missing", lambda one: one.thinned.auc),
        *told.hits("everything recorded", lambda one: one.full.hits),
        *told.hits("30 % missing", lambda one: one.thinned.hits),
        told.row(
            "not enough evidence at 30 % missing",
            lambda one: one.thinned.not_enough_evidence,
        ),
        told.row(
            "calibration error of the acceptability, read as a frequency",
            lambda one: one.full.calibration_error,
            at_most=0.05,
        ),
    ]


def _directions(trials: Sequence[Trial]) -> list[Row]:
    told = _Told("By the model that runs now", trials)
    return [
        *told.hits("managed now, everything recorded", lambda one: one.full.managed),
        *told.hits("managed now, 30 % missing", lambda one: one.thinned.managed),
        *told.hits(
            "augmented now, everything recorded", lambda one: one.full.augmented
        ),
        *told.hits("augmented now, 30 % missing", lambda one: one.thinned.augmented),
    ]


def _lessons(trials: Sequence[Trial]) -> list[Row]:
    told = _Told("After decisions about flags, at 30 % missing", trials)

    def after(decisions: int, name: str) -> Callable[[Trial], float]:
        return lambda one: float(getattr(one.learnt[decisions], name))

    return [
        told.row("flags to decide about", lambda one: one.flagged, "{:.0f}"),
        told.row("AUC after 50 decisions", after(50, "auc")),
        told.row("AUC after 200 decisions", after(200, "auc"), at_least=0.76),
        told.row("AUC after 500 decisions", after(500, "auc")),
        *told.hits("after 200 decisions", lambda one: one.learnt[200].hits),
        told.row(
            "calibration error of the agreement rate, where it is told, after 200",
            after(200, "disagreement"),
            at_most=0.05,
        ),
        told.row("part of engagements of which it is told", after(200, "told")),
        told.row("its error, were it told of all", after(200, "disagreement_anywhere")),
        told.row(
            "the rate that is told, read as the chance of being right",
            after(200, "calibration_error"),
        ),
        told.row(
            "calibration error of the acceptability after 200 decisions",
            after(200, "share_error"),
            at_most=0.05,
        ),
        *(
            told.row(f"tendency after {n} decisions", after(n, "tendency"), "{:+.2f}")
            for n in DECISIONS
        ),
        *(
            told.row(
                f"portfolios whose tendency is at its bound after {n}",
                after(n, "is_at_bound"),
            )
            for n in DECISIONS
        ),
    ]


@dataclass(frozen=True)
class _Told:
    """Rows of one group: the mean over all portfolios, and the least and the most."""

    group: str
    trials: Sequence[Trial]

    def row(
        self,
        name: str,
        read: Callable[[Trial], float],
        form: str = "{:.3f}",
        *,
        at_most: float | None = None,
        at_least: float | None = None,
    ) -> Row:
        figures = [read(one) for one in self.trials]
        mean = float(np.mean(figures))
        spread = f"{form.format(min(figures))} to {form.format(max(figures))}"
        shown = f"{form.format(mean)} ({spread})"
        if at_most is not None:
            target = f"≤ {at_most:g}"
            return Row(self.group, name, mean, shown, target, mean <= at_most)
        if at_least is not None:
            target = f"≥ {at_least:g}"
            return Row(self.group, name, mean, shown, target, mean >= at_least)
        return Row(self.group, name, mean, shown)

    def hits(self, of: str, read: Callable[[Trial], Hits]) -> list[Row]:
        return [
            self.row(f"precision, {of}", lambda one: read(one).precision),
            self.row(f"recall, {of}", lambda one: read(one).recall),
        ]


def _stability(rulebook: Rulebook, taught: Rulebook) -> list[Row]:
    group = "Flags month by month"
    year = try_steadiness(rulebook, SEED)
    half = try_steadiness(rulebook, SEED, window=HALF_A_YEAR)
    learnt = try_steadiness(taught, SEED)
    return [
        _at_most(
            group, "changes for each engagement and year", year.changes, 0.12, "{:.3f}"
        ),
        _at_most(
            group, "part of flags raised again", year.raised_again, 0.005, "{:.3f}"
        ),
        Row(group, "changes under a bare threshold", *_shown(year.bare_changes)),
        Row(group, "raised again under it", *_shown(year.bare_raised_again)),
        Row(group, "changes with a window of 6 months", *_shown(half.changes)),
        Row(group, "raised again with it", *_shown(half.raised_again)),
        _at_most(group, "changes after 200 decisions", learnt.changes, 0.12, "{:.3f}"),
        _at_most(
            group,
            "part raised again after 200 decisions",
            learnt.raised_again,
            0.005,
            "{:.3f}",
        ),
    ]


def _reactions(rulebook: Rulebook, taught: Rulebook) -> list[Row]:
    group = "Reversal of the work"
    year = try_delay(rulebook, SEED)
    half = try_delay(rulebook, SEED, window=HALF_A_YEAR)
    learnt = try_delay(taught, SEED)
    return [
        Row(group, "engagements that turned misfit", *_shown(year.engagements, "{:d}")),
        _at_least(group, "seen within 6 months", year.within_half_a_year, 0.5),
        Row(
            group,
            "months to the flag, median of those seen",
            *_shown(year.median, "{:.0f}"),
        ),
        Row(group, "seen within two years", *_shown(year.ever)),
        Row(group, "median with a window of 6 months", *_shown(half.median, "{:.0f}")),
        Row(
            group,
            "seen within 6 months with it",
            *_shown(half.within_half_a_year),
        ),
        Row(
            group,
            "after 200 decisions: seen within 6 months",
            *_shown(learnt.within_half_a_year),
        ),
        Row(group, "after 200 decisions: median", *_shown(learnt.median, "{:.0f}")),
        Row(group, "after 200 decisions: within two years", *_shown(learnt.ever)),
        Row(group, "marked as changing within 6 months", *_shown(year.marked)),
        Row(
            group,
            "marked in the month before, with nothing reversed",
            *_shown(year.marked_before),
        ),
    ]


def _money() -> list[Row]:
    """By how much each interval holds, and how far its middle is off the mark."""
    year = plan_year(SEED)
    asked = {
        "work that is only planned": planned_interval(year),
        "augmented, to be handed over": to_managed_interval(year),
        "managed, by its fee alone": to_augmented_interval(year, with_hours=False),
        "managed, by its hours and what one costs elsewhere": to_augmented_interval(
            year, with_hours=True
        ),
    }
    return [row for name, held in asked.items() for row in _interval(f"{name}: ", held)]


def _interval(of: str, held: Held) -> list[Row]:
    is_reached = 0.75 <= held.coverage <= 0.85
    name = f"{of}planted years inside the 80 % interval of the difference"
    shown = f"{held.coverage:.3f}"
    return [
        Row("Money", name, held.coverage, shown, ".75 to .85", is_reached),
        Row(
            "Money",
            f"{of}middle less what came to pass, as a part of the labour",
            *_shown(held.off, "{:+.3f}"),
        ),
    ]


def _at_most(group: str, name: str, figure: float, most: float, form: str) -> Row:
    return Row(group, name, figure, form.format(figure), f"≤ {most:g}", figure <= most)


def _at_least(group: str, name: str, figure: float, least: float) -> Row:
    return Row(group, name, figure, f"{figure:.3f}", f"≥ {least:g}", figure >= least)


def _shown(figure: float, form: str = "{:.3f}") -> tuple[float, str]:
    return figure, form.format(figure)


def _without_nan(told: Any) -> Any:
    if isinstance(told, dict):
        return {name: _without_nan(value) for name, value in told.items()}
    if isinstance(told, list):
        return [_without_nan(value) for value in told]
    return None if isinstance(told, float) and math.isnan(told) else told
