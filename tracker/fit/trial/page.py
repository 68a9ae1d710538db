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
default importances and breakpoints on all sixteen criteria. Where a figure has a range
in brackets it is the mean of five portfolios of their own, and the least and most of
them; a target is held against the mean.
"""

FOOT = """\
## How to read it

- **The planted world** (`tracker/fit/trial/planting.py`) is apart from the engine. Work
  has thirteen hidden traits; each model loses part of the price to them through
  products, squares and thresholds that no additive value can express, and a chance part
  that nothing explains. Half of all work suits each model, and 30 % of it runs in the
  wrong one. Records are drawn from the traits with noise. It was written once, before
  the engine was tried on it, and not tuned afterwards.
- **Decisions** are about flagged engagements alone, as the product gets them, and wrong
  in 10 % of cases, as people's are. Figures after learning are those of another
  portfolio of the same world, about which nobody decided.
- **By the model that runs now**: a flag on managed work is rarely wrong and rarely
  raised; on augmented work it is raised for most misfits and wrong every other time.
  The default importances lean to managed, and what is not recorded leaves less for the
  other side. What decisions teach evens it out.
- **Acceptability is not a frequency.** It is the share of priorities and readings under
  which managed fits; its calibration error shows how wrong it is to read it as the
  chance of being right. What may be read as a frequency is the agreement rate learnt
  from decisions: how often people decide for managed at such a share. It is measured
  against what people would decide about engagements they have not seen, errors of
  theirs included, where the product tells it: within the shares that were reviewed of
  what runs in the same model. The rows below say of how many that is, how far off it
  would be were it told of all, and how it reads as the chance of being right.
- **Tendency**: by how much decisions moved every neutral point, learnt together with
  the importances; -0.3 is three tenths of a full lean towards augmented contractors.
- **Reversal**: in one month the nature of all work turns round. Counted are engagements
  that fitted before and misfit for good afterwards. A year's window has to fill with
  the new, and two monthly evaluations must agree.
- **Money**: 2,400 planted years, each differing from the estimate in kind: people leave
  one by one or not at all, a vendor's premium and savings go together, and figures
  follow bell curves instead of triangles. Of what runs already, the ledger tells one
  side.
- **The published example**: heparin against enoxaparin by proximal thrombosis, distal
  thrombosis and bleeding; uniform weights on the simplex. Parameters from
  `examples/thrombolytics.json` of drugis/mcda-elicitation-web, acceptability .6496 from
  the documented example of the R package smaa (van Valkenhoef), 10,000 samples, whose
  standard error is .0048.

## Where a target was or is missed, and what was tried

- *AUC after 200 decisions* (.76): importances alone can't turn defaults that lean to
  managed (of all work, half of which suits each model, the mean acceptability was .76).
  So one number more is learnt, the **tendency** of every neutral point. Until engine
  1.4 this page drew decisions from all engagements; the product gets them of flagged
  ones alone, and tried so, the same learning fell back: .729/.765/.708 after
  50/200/500, with the tendency at or near its bound after 500. What passed for a
  tendency was that people mostly keep augmented work that is flagged. *Adopted*: how
  much people keep what runs is learnt beside, and left out of what is proposed; and the
  tendency's prior is a bell curve of .15, not .3. Together .733/.799/.809. Either
  alone: .766/.774/.775 and .709/.767/.793. The second was chosen with these five
  portfolios in sight; on five others it gave .713/.762/.796 alone, against
  .764/.772/.713 for what was. A proposal whose tendency is at its bound says so on the
  policy's page.
- *Other default breakpoints*: a default tendency of -.28 would give .843 with
  everything recorded, .810 at 30 % missing and a calibration error of .03 before any
  decision. *Rejected*: the defaults are read off published statements on the choice,
  and moving them until this planted world agrees would be to tune to it. Whether an
  organisation's work is like it only its own decisions can say.
- *Calibration of the acceptability, read as a frequency* (.05): not reached, for the
  same reason; 200 decisions bring it from .25 to a quarter of that. The page of an
  engagement never calls it a chance, and from 20 decisions on tells how often people
  decided so at such a share. Told of every engagement, that rate would be .12 off,
  since nobody is asked about most of them; it is told where shares were reviewed, and
  blank elsewhere. Fitting it on decisions that were held out in turn did worse, since
  each fold learns from fewer; *rejected*.
- *Reversal seen within 6 months* (.5): half of a year's window is still the old work
  after half a year, so that a flag must wait for the rest. Tried with the default rules
  on the same seed, by the part seen within 6 months and the part of flags raised again:
  the recent half alone .424 and .058; older months counted half .364 and .016, or a
  quarter .379 and .015; the recent half alone for shares where it differs by two
  standard errors and by more than .2 of a lean .424 and .000. The last costs nothing in
  calm, but a month added to the *older* half could then turn a verdict against what it
  says, and no fact may do that. *Rejected, all four*, none of which gets to .5; the
  window stays at 12 months. What has begun to change is marked *changing* in the
  reasons meanwhile: of those that turned, the part so marked stands above.
- *Raised again, and reversals, after 200 decisions* (.005): lessons drawn from flags
  alone raised 2 of 65 flags again; those of two other portfolios 0, and 4 of 63. Of
  work that turned round they show .15 within 6 months, less than the defaults, and .88
  within two years, more. They rest on fewer and clearer facts, which take longer to
  turn. Nothing was moved for it: the level at which flags are cleared would have to be
  lowered for everybody. Lessons from all engagements had hidden both.
- *Interval of cost* (.75 to .85): what is not known of the price of a model that does
  not run yet varies by a tenth either way; chosen before it was measured, and not moved
  since. One seed of 400 plans gave .755; 2,400 give less. Of what runs already the
  intervals were off the mark rather than too narrow: handing over held .70, with a
  saving 5 % of labour too high; taking over by the fee alone .71, 5 % too low; by the
  hours that a provider's team works .20, 17 % too high, as if directed people would
  save the same hours. Tools, what comes on top of a fee, and those hours are now
  counted ([ADR 92](../adr/0092-both-models-count-the-same-work.md)): the middles are
  within 1 %, and the intervals near their target, without wider triangles. The last is
  narrowest: it takes what an hour costs elsewhere for certain.
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
