"""The parts of mixed work, as their reader reads them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engagements.values.language import gettext as _
from tracker.fit.evidence import observation_from_json
from tracker.fit.explanation import Wording
from tracker.fit.splits import CORE, NOT_CORE, OTHERS, SplitBy
from tracker.fit.what_if import Blend, blend_headline

MOST_REASONS = 2
# What is known of a part before its logs are read is no reason to tell.
SETTLED = {SplitBy.CORE: "core_work", SplitBy.DIRECTION: "direction"}


@dataclass(frozen=True)
class PartReading:
    """A part by name, with the strongest of the facts that are its own.

    `verdict` is a `verdict.Answer`; the shares are of 1.
    """

    name: str
    hours: float
    verdict: str
    acceptability: float
    coverage: float
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class SplitReading:
    """Work split one way; `blend` by name, and what it says, blank without one."""

    by: str
    label: str
    parts: tuple[PartReading, ...]
    blend: Blend | None
    headline: str


def splits_read(
    stored: Sequence[Mapping[str, Any]], wordings: Mapping[str, Wording]
) -> list[SplitReading]:
    """What an assessment stores of its parts, in the language spoken now."""
    return [_split(split, wordings) for split in stored]


def _split(split: Mapping[str, Any], wordings: Mapping[str, Wording]) -> SplitReading:
    by = SplitBy(split["by"])
    names = {part["key"]: _name(by, part) for part in split["parts"]}
    blend = None
    if split["blend"]:
        blend = Blend(
            managed=tuple(names[key] for key in split["blend"]["managed"]),
            augmented=tuple(names[key] for key in split["blend"]["augmented"]),
        )
    return SplitReading(
        by=by.value,
        label=_label(by),
        parts=tuple(_part(by, names[p["key"]], p, wordings) for p in split["parts"]),
        blend=blend,
        headline=blend_headline(blend) if blend else "",
    )


def _part(
    by: SplitBy, name: str, part: Mapping[str, Any], wordings: Mapping[str, Wording]
) -> PartReading:
    telling = {
        code: part["points"].get(code, 0.0)
        for code in part["evidence"]
        if code != SETTLED.get(by)
    }
    ranked = sorted(telling, key=lambda code: (-abs(telling[code]), code))
    return PartReading(
        name=name,
        hours=part["hours"],
        verdict=part["verdict"],
        acceptability=part["acceptability"],
        coverage=part["coverage"],
        reasons=tuple(
            wordings[code].sentence(observation_from_json(part["evidence"][code]))
            for code in ranked[:MOST_REASONS]
            if telling[code] and code in wordings
        ),
    )


def _label(by: SplitBy) -> str:
    match by:
        case SplitBy.SKILL:
            return _("By skill")
        case SplitBy.CORE:
            return _("By core systems")
        case SplitBy.DIRECTION:
            return _("By who assigns the work")


def _name(by: SplitBy, part: Mapping[str, Any]) -> str:
    match by, part["key"]:
        case SplitBy.SKILL, key if key == OTHERS:
            return _("other skills")
        case SplitBy.CORE, key if key == CORE:
            return _("core systems")
        case SplitBy.CORE, key if key == NOT_CORE:
            return _("other systems")
        case SplitBy.DIRECTION, "client":
            return _("work that we assign")
        case SplitBy.DIRECTION, "vendor":
            return _("work that the vendor assigns")
    return str(part["name"])
