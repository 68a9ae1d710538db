"""The trial as a page of the documentation, and as lines for a terminal."""

import math
from collections.abc import Iterable
from itertools import groupby

from tracker.fit.trial.portfolios import Scored
from tracker.fit.trial.table import Row, Table

REACHED = {True: "reached", False: "**not reached**", None: ""}

HEAD = """\
# The engine on trial

Written by `manage.py evaluate_fit`; run it again after any change of the engine. All
seeds are fixed, so only the seconds differ between machines. It tries the product's
default importances and breakpoints on all sixteen criteria.
"""

FOOT = """\
## How to read it

- **The planted world** (`tracker/fit/trial/planting.py`) is apart from the engine. Work
  has thirteen hidden traits; each model loses part of the price to them through
  products, squares and thresholds that no additive value can express, and a chance part
  that nothing explains. Half of all work suits each model, and 30 % of it runs in the
  wrong one. Records are drawn from the traits with noise. It was written once, before
  the engine was tried on it, and not tuned afterwards.
- **Decisions** are wrong in 10 % of cases, as people's are. Figures after learning are
  those of engagements that nobody decided about, the mean of three draws.
- **Acceptability is not a frequency.** It is the share of priorities and readings under
  which managed fits; the first calibration error shows how wrong it is to read it as
  the chance of being right. What may be read so is the agreement rate learnt from
  decisions: much nearer, and after 200 of them not yet at its target.
- **Reversal**: in one month the nature of all work turns round. Counted are engagements
  that fitted before and misfit for good afterwards. A year's window has to fill with
  the new, and two monthly evaluations must agree.
- **Money**: the planted year differs from the estimate in kind: people leave one by one
  or not at all, a vendor's premium and savings go together, and figures follow bell
  curves instead of triangles.
- **The published example**: heparin against enoxaparin by proximal thrombosis, distal
  thrombosis and bleeding; uniform weights on the simplex. Parameters from
  `examples/thrombolytics.json` of drugis/mcda-elicitation-web, acceptability .6496 from
  the documented example of the R package smaa (van Valkenhoef), 10,000 samples, whose
  standard error is .0048.

## Where a target is missed, and what was tried

- *AUC after 200 decisions*: importances can be learnt, thresholds and products of the
  planted world cannot; the gap to who knew the traits stays. More decisions narrow it.
- *Delay*: a window of 6 months sees a reversal sooner, at the price of more changes of
  flags (both measured above). The window stays at 12 months, and what moves is marked
  *changing* in the reasons before a flag is raised.
- *Calibration of the acceptability*: where half of all planted work suits each model,
  the engine says managed more often than not: its neutral points are judgements about
  the world, and this one differs. Decisions tell it; judgement alone cannot.
- *Interval of cost*: it held 70 % of planted years at first. What was missing was not
  wider triangles, which would hide what is known, but what no formula names: the price
  of a model that does not run yet now varies by a tenth either way. The tenth was
  chosen before it was measured, and not moved afterwards.
"""


def as_page(table: Table) -> str:
    parts = [HEAD]
    for group, rows in _groups(table.rows):
        parts.append(f"## {group}\n\n{_rows(rows)}\n")
    parts.append(f"## Beside simpler rules\n\n{_baselines(table)}\n")
    parts.append(FOOT)
    return "\n".join(parts)


def as_text(table: Table) -> str:
    lines = []
    for group, rows in _groups(table.rows):
        lines += [group, *(_line(row) for row in rows), ""]
    lines += ["Beside simpler rules (AUC, precision, recall)"]
    lines += [
        f"  {name:<58}{found.auc:>8.3f}{_or_none(found.hits.precision):>8}"
        f"{found.hits.recall:>8.3f}"
        for name, found in table.baselines.items()
    ]
    return "\n".join([*lines, "", f"Tried in {table.seconds:.0f} s."])


def _groups(rows: Iterable[Row]) -> list[tuple[str, list[Row]]]:
    grouped = groupby(rows, key=lambda row: row.group)
    return [(group, list(found)) for group, found in grouped]


def _line(row: Row) -> str:
    reached = {True: "reached", False: "NOT REACHED", None: ""}[row.is_reached]
    return f"  {row.name:<72}{row.shown:>8}  {row.target:<11}{reached}".rstrip()


def _rows(rows: Iterable[Row]) -> str:
    lines = ["| figure | measured | target | |", "| --- | --- | --- | --- |"]
    lines += [
        f"| {row.name} | {row.shown} | {row.target} | {REACHED[row.is_reached]} |"
        for row in rows
    ]
    return "\n".join(lines)


def _baselines(table: Table) -> str:
    lines = ["| rule | AUC | precision | recall |", "| --- | --- | --- | --- |"]
    lines += [_baseline(name, found) for name, found in table.baselines.items()]
    return "\n".join(lines)


def _baseline(name: str, found: Scored) -> str:
    precision = _or_none(found.hits.precision)
    return f"| {name} | {found.auc:.3f} | {precision} | {found.hits.recall:.3f} |"


def _or_none(figure: float) -> str:
    return "none" if math.isnan(figure) else f"{figure:.3f}"
