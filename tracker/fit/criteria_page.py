"""The criteria as a page of the documentation, from the registry alone."""

from collections.abc import Iterable

from tracker.fit.criterion import AnyCriterion
from tracker.fit.evidence import Breakpoints
from tracker.fit.stated import Scale
from tracker.fit.verdict import UNRECORDED_PART

HEAD = """\
# The criteria

Written from the registry by `manage.py criteria_docs`; a test keeps it up to date. How
the engine makes a verdict of them is told in
[algorithms/fit.md](algorithms/fit.md).

A lean of +1 says that a managed service fits, -1 that augmented contractors do; between
two points it is linear, outside them constant. Importances and points are defaults that
a policy may override. The weight is the importance as a part of the whole, of which
{unrecorded} is kept for what no criterion knows of.
"""

KINDS = {
    "share": "a share of a whole",
    "variation": "the variation of a monthly series",
    "mean": "a mean or count",
}


def as_page(criteria: Iterable[AnyCriterion]) -> str:
    ranked = sorted(criteria, key=lambda c: (-c.importance, c.code))
    total = sum(criterion.importance for criterion in ranked)
    parts = [HEAD.format(unrecorded=f"{UNRECORDED_PART:.0%}"), _overview(ranked, total)]
    parts += [_section(criterion) for criterion in ranked]
    return "\n".join(parts)


def _overview(ranked: Iterable[AnyCriterion], total: float) -> str:
    lines = [
        "| criterion | question | importance | weight |",
        "| --- | --- | --- | --- |",
    ]
    lines += [
        f"| [{c.label}](#{c.code}) | {c.question} | {c.importance:g} |"
        f" {(1 - UNRECORDED_PART) * c.importance / total:.1%} |"
        for c in ranked
    ]
    return "\n".join(lines) + "\n"


def _section(criterion: AnyCriterion) -> str:
    lines = [
        f'<a id="{criterion.code}"></a>',
        f"## {criterion.label}",
        "",
        criterion.question,
        "",
        *_about(criterion),
        f"- **code**: `{criterion.code}`, of the dimension *{criterion.dimension}*",
        f"- **figure**: {_scale(criterion.scale)}",
        f"- **lean**: {_points(criterion, criterion.breakpoints)}",
    ]
    if criterion.augmented_breakpoints:
        other = _points(criterion, criterion.augmented_breakpoints)
        lines.append(f"- **lean where augmentation runs**: {other}")
    if criterion.scale.kind == "share":
        lines.append(f"- **expected while few recorded it**: {_expected(criterion)}")
    lines.append(f"- **recorded how**: {criterion.how_to_record}")
    if criterion.waits_for:
        lines.append(f"- **not gathered yet**: waits for {criterion.waits_for}")
    return "\n".join(lines) + "\n"


def _expected(criterion: AnyCriterion) -> str:
    """What speaks for neither model, in each of its readings."""
    readings = [criterion.breakpoints]
    if criterion.augmented_breakpoints:
        readings.append(criterion.augmented_breakpoints)
    return " or ".join(f"{100 * read.neutral.mean:.1f} %" for read in readings)


def _about(criterion: AnyCriterion) -> list[str]:
    """The criterion's own docstring, but not one that it inherits."""
    own = type(criterion).__dict__.get("__doc__")
    if not own:
        return []
    return [*(line.strip() for line in own.strip().splitlines()), ""]


def _scale(scale: Scale) -> str:
    return f"{KINDS[scale.kind]}, stated between {scale.least:g} and {scale.most:g}"


def _points(criterion: AnyCriterion, breakpoints: Breakpoints) -> str:
    points = " · ".join(
        f"{criterion.unit.show(figure)} → {lean:+g}"
        for figure, lean in breakpoints.points
    )
    return f"{points} ({breakpoints.source})"
