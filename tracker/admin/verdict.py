"""An assessment in words and bars, for the pages that show one."""

from dataclasses import dataclass
from typing import Any

from django.utils.text import capfirst

from engagements.values.written import format_number
from tracker.fit.criteria import all_criteria
from tracker.fit.models import Advice, Assessment, GroupAnswer, Verdict
from tracker.fit.reading import changes_of, headline_of, missing_of, points_of
from tracker.fit.split_reading import PartReading, SplitReading, splits_read

VERDICT_COLOURS = {
    Verdict.NOT_ENOUGH_EVIDENCE.value: "default",
    Verdict.OTHER_MODEL_FITS.value: "danger",
    Verdict.CURRENT_MODEL_FITS.value: "success",
    Verdict.MIXED.value: "warning",
    Verdict.EITHER_FITS.value: "info",
}


ANSWER_COLOURS = {
    GroupAnswer.NOT_ENOUGH_EVIDENCE.value: "default",
    GroupAnswer.MANAGED_FITS.value: "primary",
    GroupAnswer.AUGMENTED_FITS.value: "info",
    GroupAnswer.MIXED.value: "warning",
    GroupAnswer.EITHER_FITS.value: "default",
}


@dataclass(frozen=True)
class PartRow:
    """A part of mixed work; the shares in per cent."""

    name: str
    hours: str
    verdict: str
    colour: str
    managed: str
    coverage: str
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class SplitRows:
    label: str
    headline: str
    parts: list[PartRow]


@dataclass(frozen=True)
class Bar:
    """One criterion's points: `width` is its share of the largest one, 0 to 100."""

    label: str
    sentence: str
    points: str
    width: float
    is_managed: bool
    is_changing: bool


@dataclass(frozen=True, kw_only=True)
class Details:
    """Why a verdict is what it is, what is missing, and what would change it."""

    bars: list[Bar]
    idle: list[str]
    missing: list[dict[str, Any]]
    changes: list[str]


@dataclass(frozen=True, kw_only=True)
class Reading(Details):
    """What a person reads of an assessment."""

    assessment: Assessment
    verdict: str
    colour: str
    headline: str
    share: str
    coverage: int
    splits: list[SplitRows]


def details_of(judged: Assessment | Advice) -> Details:
    points = points_of(judged)
    return Details(
        bars=_bars(points),
        idle=[str(point["label"]) for point in points if _is_idle(point)],
        missing=missing_of(judged),
        changes=[str(change["sentence"]) for change in changes_of(judged)],
    )


def reading_of(assessment: Assessment) -> Reading:
    return Reading(
        assessment=assessment,
        verdict=assessment.get_verdict_display(),
        colour=VERDICT_COLOURS[assessment.verdict],
        headline=headline_of(assessment),
        share=percent(assessment.opposition),
        coverage=round(100 * assessment.coverage),
        splits=splits_of(assessment),
        **vars(details_of(assessment)),
    )


def splits_of(assessment: Assessment) -> list[SplitRows]:
    """The parts of work that is mixed, confirmed blends first; none of other work."""
    wordings = {criterion.code: criterion for criterion in all_criteria()}
    found = splits_read(assessment.parts, wordings)
    return [_split_rows(split) for split in sorted(found, key=lambda s: not s.blend)]


def _split_rows(split: SplitReading) -> SplitRows:
    return SplitRows(
        label=split.label,
        headline=split.headline,
        parts=[_part_row(part) for part in split.parts],
    )


def _part_row(part: PartReading) -> PartRow:
    is_known = part.verdict != GroupAnswer.NOT_ENOUGH_EVIDENCE
    return PartRow(
        name=part.name,
        hours=format_number(part.hours),
        verdict=str(GroupAnswer(part.verdict).label),
        colour=ANSWER_COLOURS[part.verdict],
        managed=percent(part.acceptability) if is_known else "",
        coverage=f"{round(100 * part.coverage)} %",
        reasons=part.reasons,
    )


def percent(share: float) -> str:
    """Return the share in whole per cent; never 0 or 100, which nothing here is."""
    if share > 0.99:
        return "> 99 %"
    if share < 0.01:
        return "< 1 %"
    return f"{round(100 * share)} %"


def _bars(points: list[dict[str, Any]]) -> list[Bar]:
    telling = [point for point in points if not _is_idle(point)]
    largest = max((abs(point["points"]) for point in telling), default=1)
    return [
        Bar(
            label=str(point["label"]),
            sentence=str(capfirst(point["sentence"])),
            points=format_number(abs(point["points"]), 1),
            width=round(100 * abs(point["points"]) / largest, 1),
            is_managed=point["points"] > 0,
            is_changing=bool(point.get("changing")),
        )
        for point in sorted(telling, key=lambda point: -abs(point["points"]))
    ]


def _is_idle(point: dict[str, Any]) -> bool:
    return abs(float(point["points"])) < 0.05
