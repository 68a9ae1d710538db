"""A judgement in words and plain rows, ready to be stored and shown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from tracker.fit.counterfactual import Counterfactual
from tracker.fit.judgement import Case, Judgement, Point
from tracker.fit.verdict import Verdict

MOST_FOR = 3
MOST_AGAINST = 2
NOT_RECORDED = "not_recorded"
NEARLY_ALL = 0.995

MODEL = {True: "A managed service", False: "Augmentation"}
READINGS = "of plausible priorities and readings of the evidence"


class Figure(Protocol):
    def show(self, figure: float) -> str: ...


class Wording(Protocol):
    """What a criterion says of itself; the part of it that explaining needs."""

    @property
    def code(self) -> str: ...
    @property
    def label(self) -> str: ...
    @property
    def question(self) -> str: ...
    @property
    def unit(self) -> Figure: ...
    @property
    def quantity(self) -> str: ...
    @property
    def how_to_record(self) -> str: ...
    def sentence(self, observation: Any) -> str: ...


@dataclass(frozen=True)
class Explanation:
    """Rows as `tracker.fit.models.Assessment` stores them."""

    points: list[dict[str, Any]]
    missing: list[dict[str, Any]]
    sentences: dict[str, Any]
    counterfactuals: list[dict[str, Any]]

    @property
    def strongest_sentence(self) -> str:
        """The largest reason for the model that the evidence leans to."""
        reasons: list[str] = self.sentences["for"]
        return reasons[0] if reasons else ""


def explain(
    case: Case,
    judgement: Judgement,
    changes: Sequence[Counterfactual],
    wordings: Mapping[str, Wording],
) -> Explanation:
    return Explanation(
        points=_points(case, judgement, wordings),
        missing=[
            {
                "code": fact.code,
                "label": wordings[fact.code].label,
                "question": wordings[fact.code].question,
                "swing_points": fact.swing_points,
                "how_to_record": wordings[fact.code].how_to_record,
            }
            for fact in judgement.missing
        ],
        sentences={
            "headline": headline(case, judgement),
            **_sides(case, judgement, wordings),
            "not_recorded": _not_recorded(judgement, wordings),
        },
        counterfactuals=[
            {
                "codes": list(change.codes),
                "sentence": _change(case, judgement, change, wordings),
                "value": change.value,
                "opposition": change.opposition,
            }
            for change in changes
        ],
    )


def headline(case: Case, judgement: Judgement) -> str:
    """The verdict in one sentence, with the figure it rests on."""
    current, other = MODEL[bool(case.is_managed)], MODEL[not case.is_managed]
    opposed = percent(judgement.opposition)
    supported = percent(1 - judgement.opposition)
    degree = "much better" if judgement.is_strong else "better"
    match judgement.verdict:
        case Verdict.NOT_ENOUGH_EVIDENCE:
            covered = percent(judgement.coverage)
            state = "known" if case.is_managed is None else "recorded"
            return f"Not enough evidence: {covered} of it is {state}."
        case Verdict.OTHER_MODEL_FITS:
            return f"{other} would fit {degree}: so say {opposed} {READINGS}."
        case Verdict.CURRENT_MODEL_FITS if case.is_managed is None:
            return f"{current} would fit {degree}: so say {supported} {READINGS}."
        case Verdict.CURRENT_MODEL_FITS:
            return f"{current} fits: so say {supported} {READINGS}."
        case Verdict.MIXED:
            return "Mixed: parts of the work speak for each model."
        case _:
            return "Either model fits: the evidence leans clearly to neither."


def _points(
    case: Case, judgement: Judgement, wordings: Mapping[str, Wording]
) -> list[dict[str, Any]]:
    rows = [
        {
            "code": point.code,
            "label": wordings[point.code].label,
            "points": point.points,
            "sentence": wordings[point.code].sentence(case.facts[point.code]),
            "value": wordings[point.code].unit.show(case.facts[point.code].value),
            "records": case.facts[point.code].records,
            "lean": point.lean,
            "changing": point.is_changing,
        }
        for point in judgement.points
    ]
    if judgement.not_recorded_points:
        rows.append(
            {
                "code": NOT_RECORDED,
                "label": "Not recorded",
                "points": judgement.not_recorded_points,
                "sentence": "the portfolio stands in for what is not recorded",
                "value": "",
                "records": 0,
                "lean": 0.0,
                "changing": False,
            }
        )
    return rows


def _sides(
    case: Case, judgement: Judgement, wordings: Mapping[str, Wording]
) -> dict[str, list[str]]:
    sign = 1 if judgement.acceptability >= 0.5 else -1

    def told(points: Sequence[Point]) -> list[str]:
        return [wordings[p.code].sentence(case.facts[p.code]) for p in points]

    speaking_for = [point for point in judgement.points if sign * point.points > 0]
    against = [point for point in judgement.points if sign * point.points < 0]
    return {
        "for": told(speaking_for[:MOST_FOR]),
        "against": told(against[:MOST_AGAINST]),
    }


def _not_recorded(judgement: Judgement, wordings: Mapping[str, Wording]) -> str:
    if not judgement.missing:
        return ""
    first = judgement.missing[0]
    return (
        f"Not recorded: {wordings[first.code].label.lower()} would move the verdict"
        f" by up to {first.swing_points:.0f} points."
    )


def _change(
    case: Case,
    judgement: Judgement,
    change: Counterfactual,
    wordings: Mapping[str, Wording],
) -> str:
    if change.value is None:
        return _pair(case, judgement, change, wordings)
    wording = wordings[change.codes[0]]
    present = case.facts[wording.code].value
    verb, side = ("fell", "below") if change.value < present else ("rose", "above")
    shown = wording.unit.show(change.value)
    # Rounding may show the threshold equal to the present figure.
    degree = " a little" if shown == wording.unit.show(present) else ""
    return f"if {wording.quantity} {verb}{degree} {side} {shown}"


def _pair(
    case: Case,
    judgement: Judgement,
    change: Counterfactual,
    wordings: Mapping[str, Wording],
) -> str:
    first, second = (wordings[code].label.lower() for code in change.codes)
    verb = "bring" if change.opposition < judgement.opposition else "raise"
    other = "a managed service" if case.is_managed is None else "the other model"
    return (
        "no single fact would change this;"
        f" {first} and {second} together could {verb} the case for {other}"
        f" from {percent(judgement.opposition)} to {percent(change.opposition)}"
    )


def percent(share: float) -> str:
    """In whole percent, and never a certainty that rounding alone would claim."""
    if share > NEARLY_ALL:
        return "more than 99 %"
    if share < 1 - NEARLY_ALL:
        return "less than 1 %"
    return f"{100 * share:.0f} %"
