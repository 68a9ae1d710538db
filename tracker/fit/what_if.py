"""What would be judged, if the facts were these: for work that need not exist yet.

The engine is the one that judges running engagements; only where the facts come from
differs.  What the portfolio is like stands in for facts not given, and never speaks
against one that is: whoever states a fact means this work, not the average one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from engagements.values.language import gettext as _
from engagements.values.language import listed
from tracker.fit.counterfactual import Counterfactual, counterfactuals
from tracker.fit.evidence import Observation, Prior
from tracker.fit.explanation import Explanation, Figure, Wording, explain, plainly
from tracker.fit.judgement import Case, Judgement, Rulebook, judge
from tracker.fit.stated import is_stated
from tracker.fit.verdict import Answer, Thresholds, answer_to

Facts = Mapping[str, Observation]
SPLIT_OPEN = (Answer.MIXED, Answer.EITHER_FITS)


@dataclass(frozen=True)
class Part:
    """One stream of the work, judged by itself."""

    name: str
    facts: Facts


@dataclass(frozen=True)
class Work:
    """Work to be judged; `is_managed` is None while it is in neither model."""

    is_managed: bool | None
    facts: Facts
    parts: tuple[Part, ...] = ()


@dataclass(frozen=True)
class Blend:
    """The names of the parts that fit each model."""

    managed: tuple[str, ...]
    augmented: tuple[str, ...]


@dataclass(frozen=True)
class Answered:
    """The verdict on a work or on one of its parts, and why.

    `blend` names the parts where they are opposed, whatever the whole's verdict.
    """

    case: Case
    verdict: Answer
    judgement: Judgement
    changes: tuple[Counterfactual, ...]
    explanation: Explanation
    blend: Blend | None = None
    parts: tuple[tuple[str, "Answered"], ...] = field(default=())

    @property
    def leans_managed(self) -> bool | None:
        """To which side of ½ the acceptability lies; None where to neither.

        Unlike a verdict it needs no least of evidence.
        """
        share = self.judgement.acceptability
        return None if share == 0.5 else share > 0.5


def answer(
    works: Sequence[Work],
    rulebook: Rulebook,
    wordings: Mapping[str, Wording],
    priors: Mapping[str, Prior],
) -> list[Answered]:
    """Judge each work, and each of its parts, by itself."""
    told = {code: InWords(wording) for code, wording in wordings.items()}
    return [_answer(work, rulebook, told, priors) for work in works]


def blend_of(shares: Mapping[str, float], thresholds: Thresholds) -> Blend | None:
    """The parts that fit each model, by their acceptability, where both have one."""
    managed = [name for name, a in shares.items() if a >= thresholds.blend_managed]
    augmented = [name for name, a in shares.items() if a <= thresholds.blend_augmented]
    if not (managed and augmented):
        return None
    return Blend(managed=tuple(managed), augmented=tuple(augmented))


def _answer(
    work: Work,
    rulebook: Rulebook,
    wordings: Mapping[str, Wording],
    priors: Mapping[str, Prior],
) -> Answered:
    given = [work.facts, *(part.facts for part in work.parts)]
    cases = [
        Case(is_managed=work.is_managed, facts=facts, priors=_unless(priors, facts))
        for facts in given
    ]
    judged = judge(cases, rulebook.where(is_managed=work.is_managed))
    whole, *parts = (
        _answered(case, judgement, changes, wordings)
        for case, judgement, changes in zip(
            judged.cases, judged.judgements, counterfactuals(judged), strict=True
        )
    )
    named = tuple(
        (part.name, answered) for part, answered in zip(work.parts, parts, strict=True)
    )
    # As with groups: a part that says too little by itself is no part of a blend.
    shares = {
        name: answered.judgement.acceptability
        for name, answered in named
        if answered.verdict != Answer.NOT_ENOUGH_EVIDENCE
    }
    blend = blend_of(shares, rulebook.thresholds)
    return _blended(replace(whole, parts=named), blend)


def _unless(priors: Mapping[str, Prior], facts: Facts) -> dict[str, Prior]:
    return {code: prior for code, prior in priors.items() if code not in facts}


def _answered(
    case: Case,
    judgement: Judgement,
    changes: Sequence[Counterfactual],
    wordings: Mapping[str, Wording],
) -> Answered:
    return Answered(
        case=case,
        verdict=answer_to(judgement.verdict, is_managed=case.is_managed),
        judgement=judgement,
        changes=tuple(changes),
        explanation=explain(case, judgement, changes, wordings),
    )


def _blended(whole: Answered, blend: Blend | None) -> Answered:
    """With the blend confirmed, where the whole leaves the choice open."""
    if blend is None:
        return whole
    if whole.verdict not in SPLIT_OPEN:
        return replace(whole, blend=blend)
    sentences = whole.explanation.sentences | {"headline": blend_headline(blend)}
    return replace(
        whole,
        verdict=Answer.BLEND,
        blend=blend,
        explanation=replace(whole.explanation, sentences=sentences),
    )


def blend_headline(blend: Blend) -> str:
    """What a confirmed blend says, by the names of its parts."""
    managed, augmented = (listed(names) for names in (blend.managed, blend.augmented))
    words = _(
        "A blend fits: %(managed)s as a managed service, %(augmented)s by augmented"
        " contractors."
    )
    return words % {"managed": managed, "augmented": augmented}


class InWords:
    """A criterion's own words, and plain ones for a figure that a person gave.

    The criterion's sentence quotes what it gathered besides the figure itself.
    """

    def __init__(self, wording: Wording) -> None:
        self.code: str = wording.code
        self.label: str = wording.label
        self.question: str = wording.question
        self.unit: Figure = wording.unit
        self.quantity: str = wording.quantity
        self.how_to_record: str = wording.how_to_record
        self._wording = wording

    def sentence(self, observation: Any) -> str:
        if not is_stated(observation):
            return self._wording.sentence(observation)
        return plainly(self, observation)
