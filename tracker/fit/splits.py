"""An engagement that is mixed, split into parts that each speak for themselves.

By skill, by whether the work is on core systems, and by who assigns it.  What logs
tell, each part tells of its own; what is a fact of the manager, the service or the
contract, the parts have in common.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from tracker.fit.evidence import Observation, observation_from_json
from tracker.fit.judgement import Case, Judgement, Rulebook, judge_by_model
from tracker.fit.verdict import LEAST_FACTS, Answer, fits_as
from tracker.fit.what_if import Blend, blend_of

# Skills with less of the hours than so are one part together.
LEAST_SHARE = 0.10
OTHERS = "others"
CORE, NOT_CORE = "core", "not_core"


class SplitBy(StrEnum):
    """What work is split by; `FIELDS` has the field of its logs."""

    SKILL = "skill"
    CORE = "core"
    DIRECTION = "direction"


FIELDS = {
    SplitBy.SKILL: "skill_id",
    SplitBy.CORE: "is_core",
    SplitBy.DIRECTION: "assigned_by",
}


@dataclass(frozen=True)
class Cell:
    """The work of one skill, on core systems or not, assigned by one side.

    None, or blank, is what its logs don't say.
    """

    skill: int | None
    is_core: bool | None
    assigned_by: str
    skill_name: str
    hours: float

    def key(self, by: SplitBy) -> str:
        """Of the part that it belongs to; blank for none."""
        match by:
            case SplitBy.SKILL:
                return "" if self.skill is None else str(self.skill)
            case SplitBy.CORE:
                return {None: "", True: CORE, False: NOT_CORE}[self.is_core]
            case SplitBy.DIRECTION:
                return self.assigned_by


@dataclass(frozen=True)
class Cut:
    """A part, and the cells that it is made of."""

    by: SplitBy
    key: str
    name: str
    cells: tuple[Cell, ...]

    @property
    def hours(self) -> float:
        return round(sum(cell.hours for cell in self.cells), 2)


def cuts_of(cells: Iterable[Cell], by: SplitBy) -> list[Cut]:
    """The parts, most hours first; none where there is but one."""
    found: dict[str, list[Cell]] = {}
    for cell in cells:
        if key := cell.key(by):
            found.setdefault(key, []).append(cell)
    cuts = [
        Cut(by, key, own[0].skill_name if by is SplitBy.SKILL else "", tuple(own))
        for key, own in found.items()
    ]
    if by is SplitBy.SKILL:
        cuts = _with_others(cuts)
    if len(cuts) < 2:
        return []
    return sorted(cuts, key=lambda cut: (-cut.hours, cut.key))


def _with_others(cuts: Sequence[Cut]) -> list[Cut]:
    """Small skills are one part, where there are several."""
    least = LEAST_SHARE * sum(cut.hours for cut in cuts)
    small = [cut for cut in cuts if cut.hours < least]
    if len(small) < 2:
        return list(cuts)
    cells = tuple(cell for cut in small for cell in cut.cells)
    kept = [cut for cut in cuts if cut not in small]
    return [*kept, Cut(SplitBy.SKILL, OTHERS, "", cells)]


@dataclass(frozen=True)
class Part:
    """A part with what its own logs tell, by code; `shared` are codes of the whole."""

    by: str
    key: str
    name: str
    hours: float
    own: Mapping[str, Observation]
    shared: tuple[str, ...]

    def case(self, whole: Case) -> Case:
        """Nothing is known of a part that tells too little of its own."""
        common = {code: whole.facts[code] for code in self.shared}
        return Case(
            is_managed=whole.is_managed,
            facts=common | dict(self.own) if len(self.own) >= LEAST_FACTS else {},
            priors=whole.priors,
        )


def judged_splits(
    parts: Mapping[int, Sequence[Part]], wholes: Mapping[int, Case], rulebook: Rulebook
) -> dict[int, list[dict[str, Any]]]:
    """By engagement, its splits as `tracker.fit.models.Assessment` stores them."""
    flat = [(pk, part) for pk, own in parts.items() for part in own]
    cases = [part.case(wholes[pk]) for pk, part in flat]
    judgements: dict[int, Judgement] = {}
    for rows, judged in judge_by_model(cases, rulebook):
        judgements |= zip(rows, judged.judgements, strict=True)
    found: dict[int, dict[str, list[dict[str, Any]]]] = {}
    for row, (pk, part) in enumerate(flat):
        told = _stored(part, judgements[row], is_managed=cases[row].is_managed)
        found.setdefault(pk, {}).setdefault(part.by, []).append(told)
    return {
        pk: [_split(by, told, rulebook) for by, told in splits.items()]
        for pk, splits in found.items()
    }


def repeated_splits(
    stored: Sequence[Mapping[str, Any]], whole: Case, rulebook: Rulebook
) -> list[dict[str, Any]]:
    """The same again, from what is stored of the parts and of the whole."""
    parts = [
        Part(
            by=split["by"],
            key=part["key"],
            name=part["name"],
            hours=part["hours"],
            own={
                code: observation_from_json(found)
                for code, found in part["evidence"].items()
            },
            shared=tuple(part["shared"]),
        )
        for split in stored
        for part in split["parts"]
    ]
    return judged_splits({0: parts}, {0: whole}, rulebook).get(0, [])


def _stored(
    part: Part, judgement: Judgement, *, is_managed: bool | None
) -> dict[str, Any]:
    return {
        "key": part.key,
        "name": part.name,
        "hours": part.hours,
        "verdict": fits_as(judgement.verdict, is_managed=is_managed).value,
        "acceptability": judgement.acceptability,
        "coverage": judgement.coverage,
        "points": {point.code: point.points for point in judgement.points},
        "evidence": {code: seen.as_json() for code, seen in sorted(part.own.items())},
        "shared": list(part.shared),
    }


def _split(
    by: str, parts: Sequence[dict[str, Any]], rulebook: Rulebook
) -> dict[str, Any]:
    # As with groups: a part that says too little by itself is no part of a blend.
    shares = {
        part["key"]: part["acceptability"]
        for part in parts
        if part["verdict"] != Answer.NOT_ENOUGH_EVIDENCE
    }
    blend = blend_of(shares, rulebook.thresholds)
    return {"by": str(by), "parts": list(parts), "blend": blend and _keys(blend)}


def _keys(blend: Blend) -> dict[str, list[str]]:
    return {"managed": list(blend.managed), "augmented": list(blend.augmented)}
