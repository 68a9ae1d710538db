"""The table of the trial: each figure beside its target, reached or not."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from time import perf_counter, process_time
from typing import Any

import numpy as np

from tracker.fit.acceptability import acceptability
from tracker.fit.judgement import Rulebook
from tracker.fit.trial import oracles
from tracker.fit.trial.costs import interval_coverage
from tracker.fit.trial.portfolios import Portfolios, Scored, try_portfolios
from tracker.fit.trial.timelines import HALF_A_YEAR, try_delay, try_steadiness

SEED = 2026
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
    """Put the engine through everything, in about a minute and a half."""
    started = perf_counter()
    portfolios = try_portfolios(rulebook, SEED, MISSING)
    rows = (
        *_exactness(),
        *_speed(),
        *_discernment(portfolios),
        *_stability(rulebook, portfolios.taught),
        *_reactions(rulebook, portfolios.taught),
        *_money(),
    )
    baselines = {"the engine": portfolios.full, **portfolios.baselines}
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


def _discernment(found: Portfolios) -> list[Row]:
    group = "Planted misfits"
    full, thinned = found.full, found.thinned
    learnt = found.learnt
    return [
        Row(group, "AUC of who knew the hidden traits", *_shown(found.ceiling)),
        Row(group, "AUC, everything recorded", *_shown(full.auc)),
        Row(group, "AUC at 30 % missing", *_shown(thinned.auc)),
        Row(group, "the same after 50 decisions", *_shown(learnt[50].auc)),
        _at_least(group, "the same after 200 decisions", learnt[200].auc, 0.76),
        Row(group, "the same after 500 decisions", *_shown(learnt[500].auc)),
        Row(group, "precision of verdicts for the other model", *_hits(full)[0]),
        Row(group, "their recall", *_hits(full)[1]),
        Row(group, "precision at 30 % missing", *_hits(thinned)[0]),
        Row(group, "recall at 30 % missing", *_hits(thinned)[1]),
        Row(
            group,
            "not enough evidence at 30 % missing",
            *_shown(thinned.not_enough_evidence),
        ),
        _at_most(
            group,
            "calibration error of the acceptability, read as a frequency",
            full.calibration_error,
            0.05,
            "{:.3f}",
        ),
        _at_most(
            group,
            "calibration error of the agreement rate learnt from 200 decisions",
            learnt[200].disagreement,
            0.05,
            "{:.3f}",
        ),
        Row(
            group,
            "the same rate, read as the chance of being right",
            *_shown(learnt[200].calibration_error),
        ),
        _at_most(
            group,
            "calibration error of the acceptability after 200 decisions",
            learnt[200].share_error,
            0.05,
            "{:.3f}",
        ),
        Row(
            group,
            "tendency learnt from 200 decisions",
            *_shown(learnt[200].tendency, "{:+.2f}"),
        ),
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
    share = interval_coverage(SEED)
    return [
        Row(
            "Money",
            "planted years inside the 80 % interval of the difference",
            share,
            f"{share:.3f}",
            ".75 to .85",
            0.75 <= share <= 0.85,
        )
    ]


def _at_most(group: str, name: str, figure: float, most: float, form: str) -> Row:
    return Row(group, name, figure, form.format(figure), f"≤ {most:g}", figure <= most)


def _at_least(group: str, name: str, figure: float, least: float) -> Row:
    return Row(group, name, figure, f"{figure:.3f}", f"≥ {least:g}", figure >= least)


def _shown(figure: float, form: str = "{:.3f}") -> tuple[float, str]:
    return figure, form.format(figure)


def _hits(found: Scored) -> tuple[tuple[float, str], tuple[float, str]]:
    return _shown(found.hits.precision), _shown(found.hits.recall)


def _without_nan(told: Any) -> Any:
    if isinstance(told, dict):
        return {name: _without_nan(value) for name, value in told.items()}
    if isinstance(told, list):
        return [_without_nan(value) for value in told]
    return None if isinstance(told, float) and math.isnan(told) else told
