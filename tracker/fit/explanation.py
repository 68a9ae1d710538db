"""A judgement in words and plain rows, ready to be stored and shown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from engagements.values.language import gettext as _
from engagements.values.language import (
    gettext_noop,
    ngettext,
    translated,
    within_sentence,
)
from engagements.values.written import format_number
from tracker.fit.counterfactual import Counterfactual
from tracker.fit.judgement import Case, Judgement
from tracker.fit.verdict import Verdict

MOST_FOR = 3
MOST_AGAINST = 2
NOT_RECORDED = "not_recorded"
NEARLY_ALL = 0.995

# By whether the model told of is managed; so are the next two.
WOULD_FIT = {
    True: gettext_noop("A managed service would fit better: so say %(readings)s."),
    False: gettext_noop("Augmentation would fit better: so say %(readings)s."),
}
WOULD_FIT_MUCH = {
    True: gettext_noop("A managed service would fit much better: so say %(readings)s."),
    False: gettext_noop("Augmentation would fit much better: so say %(readings)s."),
}
FITS = {
    True: gettext_noop("A managed service fits: so say %(readings)s."),
    False: gettext_noop("Augmentation fits: so say %(readings)s."),
}


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
    """Rows as `tracker.fit.models.Assessment` stores them, in the reader's language."""

    points: list[dict[str, Any]]
    missing: list[dict[str, Any]]
    sentences: dict[str, Any]
    counterfactuals: list[dict[str, Any]]

    @property
    def strongest_sentence(self) -> str:
        """The largest reason for the model that the evidence leans to."""
        return strongest_of(self.sentences)


# What an explanation says in one language, without what is the same in all; as JSON.
# {"points": {code: [sentence, value]}, "sentences": as an Assessment's,
#  "counterfactuals": [sentence …], in their order}.
Texts = dict[str, Any]


def explain(
    case: Case,
    judgement: Judgement,
    changes: Sequence[Counterfactual],
    wordings: Mapping[str, Wording],
) -> Explanation:
    """Put a judgement into words: those of whatever language is spoken now."""
    said = texts(case, judgement, changes, wordings)
    return Explanation(
        points=_points(case, judgement, wordings, said["points"]),
        missing=[
            {
                "code": fact.code,
                "label": translated(wordings[fact.code].label),
                "question": translated(wordings[fact.code].question),
                "swing_points": fact.swing_points,
                "how_to_record": translated(wordings[fact.code].how_to_record),
            }
            for fact in judgement.missing
        ],
        sentences=said["sentences"],
        counterfactuals=[
            {
                "codes": list(change.codes),
                "sentence": sentence,
                "value": change.value,
                "opposition": change.opposition,
            }
            for change, sentence in zip(changes, said["counterfactuals"], strict=True)
        ],
    )


def texts(
    case: Case,
    judgement: Judgement,
    changes: Sequence[Counterfactual],
    wordings: Mapping[str, Wording],
) -> Texts:
    """Only what depends on the language: what is stored of each but English."""
    told = {point.code: _told(case, wordings[point.code]) for point in judgement.points}
    sentences = {
        "headline": headline(case, judgement),
        **_sides(judgement, told),
        "not_recorded": _not_recorded(judgement, wordings),
    }
    if judgement.not_recorded_points:
        told[NOT_RECORDED] = (_("the portfolio stands in for what is not recorded"), "")
    return {
        "points": {code: list(words) for code, words in told.items()},
        "sentences": sentences,
        "counterfactuals": [
            _change(case, judgement, change, wordings) for change in changes
        ],
    }


def strongest_of(sentences: Mapping[str, Any]) -> str:
    reasons: list[str] = sentences["for"]
    return reasons[0] if reasons else ""


def headline(case: Case, judgement: Judgement) -> str:
    """The verdict in one sentence, with the figure it rests on."""
    is_managed = bool(case.is_managed)
    would_fit = WOULD_FIT_MUCH if judgement.is_strong else WOULD_FIT
    match judgement.verdict:
        case Verdict.NOT_ENOUGH_EVIDENCE:
            return _too_little(case, percent(judgement.coverage))
        case Verdict.OTHER_MODEL_FITS:
            words = translated(would_fit[not is_managed])
            return words % {"readings": _readings(judgement.opposition)}
        case Verdict.CURRENT_MODEL_FITS:
            fits = would_fit if case.is_managed is None else FITS
            words = translated(fits[is_managed])
            return words % {"readings": _readings(1 - judgement.opposition)}
        case Verdict.MIXED:
            return _("Mixed: parts of the work speak for each model.")
        case _:
            return _("Either model fits: the evidence leans clearly to neither.")


def _too_little(case: Case, share: str) -> str:
    if case.is_managed is None:
        words = _("Not enough evidence: %(share)s of it is known.")
    else:
        words = _("Not enough evidence: %(share)s of it is recorded.")
    return words % {"share": share}


def _readings(share: float) -> str:
    if share > NEARLY_ALL:
        return _("more than 99 % of plausible priorities and readings of the evidence")
    if share < 1 - NEARLY_ALL:
        return _("less than 1 % of plausible priorities and readings of the evidence")
    words = _("%(percent)s %% of plausible priorities and readings of the evidence")
    return words % {"percent": f"{100 * share:.0f}"}


def _told(case: Case, wording: Wording) -> tuple[str, str]:
    """The sentence about a fact, and its figure in the criterion's unit."""
    observation = case.facts[wording.code]
    return wording.sentence(observation), wording.unit.show(observation.value)


def _points(
    case: Case,
    judgement: Judgement,
    wordings: Mapping[str, Wording],
    told: Mapping[str, Sequence[str]],
) -> list[dict[str, Any]]:
    rows = [
        {
            "code": point.code,
            "label": translated(wordings[point.code].label),
            "points": point.points,
            "sentence": told[point.code][0],
            "value": told[point.code][1],
            "records": case.facts[point.code].records,
            "lean": point.lean,
            "changing": point.is_changing,
        }
        for point in judgement.points
    ]
    if judgement.not_recorded_points:
        sentence, value = told[NOT_RECORDED]
        rows.append(
            {
                "code": NOT_RECORDED,
                "label": _("Not recorded"),
                "points": judgement.not_recorded_points,
                "sentence": sentence,
                "value": value,
                "records": 0,
                "lean": 0.0,
                "changing": False,
            }
        )
    return rows


def _sides(
    judgement: Judgement, told: Mapping[str, tuple[str, str]]
) -> dict[str, list[str]]:
    sign = 1 if judgement.acceptability >= 0.5 else -1
    speaking_for = [point for point in judgement.points if sign * point.points > 0]
    against = [point for point in judgement.points if sign * point.points < 0]
    return {
        "for": [told[point.code][0] for point in speaking_for[:MOST_FOR]],
        "against": [told[point.code][0] for point in against[:MOST_AGAINST]],
    }


def _not_recorded(judgement: Judgement, wordings: Mapping[str, Wording]) -> str:
    if not judgement.missing:
        return ""
    first = judgement.missing[0]
    points = format_number(first.swing_points)
    words = ngettext(
        "Not recorded: %(fact)s would move the verdict by up to %(points)s point.",
        "Not recorded: %(fact)s would move the verdict by up to %(points)s points.",
        1 if points == "1" else 2,
    )
    return words % {"fact": _named(wordings[first.code]), "points": points}


def _named(wording: Wording) -> str:
    return within_sentence(translated(wording.label))


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
    figure = wording.unit.show(change.value)
    # Rounding may show the threshold equal to the present figure.
    is_near = figure == wording.unit.show(present)
    match change.value < present, is_near:
        case True, False:
            words = _("if %(quantity)s fell below %(figure)s")
        case True, True:
            words = _("if %(quantity)s fell a little below %(figure)s")
        case False, False:
            words = _("if %(quantity)s rose above %(figure)s")
        case _:
            words = _("if %(quantity)s rose a little above %(figure)s")
    return words % {"quantity": translated(wording.quantity), "figure": figure}


def _pair(
    case: Case,
    judgement: Judgement,
    change: Counterfactual,
    wordings: Mapping[str, Wording],
) -> str:
    match case.is_managed is None, change.opposition < judgement.opposition:
        case True, True:
            words = _(
                "no single fact would change this; %(first)s and %(second)s together"
                " could bring the case for a managed service from %(before)s to"
                " %(after)s"
            )
        case True, False:
            words = _(
                "no single fact would change this; %(first)s and %(second)s together"
                " could raise the case for a managed service from %(before)s to"
                " %(after)s"
            )
        case False, True:
            words = _(
                "no single fact would change this; %(first)s and %(second)s together"
                " could bring the case for the other model from %(before)s to %(after)s"
            )
        case _:
            words = _(
                "no single fact would change this; %(first)s and %(second)s together"
                " could raise the case for the other model from %(before)s to %(after)s"
            )
    first, second = (_named(wordings[code]) for code in change.codes)
    return words % {
        "first": first,
        "second": second,
        "before": percent(judgement.opposition),
        "after": percent(change.opposition),
    }


def plainly(wording: Wording, observation: Any) -> str:
    """The figure by itself, where a criterion's sentence would quote more."""
    return f"{translated(wording.quantity)}: {wording.unit.show(observation.value)}"


def percent(share: float) -> str:
    """In whole percent, and never a certainty that rounding alone would claim."""
    if share > NEARLY_ALL:
        return _("more than 99 %")
    if share < 1 - NEARLY_ALL:
        return _("less than 1 %")
    return f"{100 * share:.0f} %"
