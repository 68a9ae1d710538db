"""From records to assessments, not yet stored."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import QuerySet

from engagements.choices import Kind
from engagements.models import Engagement
from engagements.values.periods import month_of
from tracker.fit.counterfactual import Counterfactual, counterfactuals
from tracker.fit.criteria import all_criteria, recordable_criteria
from tracker.fit.criterion import AnyCriterion
from tracker.fit.evidence import (
    UNINFORMED,
    Observation,
    Prior,
    observation_from_json,
)
from tracker.fit.explanation import Explanation, Texts, explain, strongest_of, texts
from tracker.fit.judgement import Case, Judgement, Rulebook, judge, judge_by_model
from tracker.fit.models import Advice, Assessment, Policy
from tracker.fit.queries import Scope
from tracker.fit.services.policies import (
    WINDOW_MONTHS,
    Priors,
    priors_for,
    rulebook_of,
)
from tracker.fit.services.splitting import splits_of
from tracker.fit.services.wording import in_english
from tracker.fit.splits import repeated_splits
from tracker.fit.verdict import Verdict

# Raised whenever the same records and policy would give another result.
ENGINE_VERSION = "1.5"
# Those that judge the same evidence alike, whatever they gather and make of money.
REPEATED_VERSIONS = ("1.4", ENGINE_VERSION)
RECENT_MONTHS = 6

Answered = tuple[Judgement, tuple[Counterfactual, ...]]
# Observations by criterion code, then by engagement id.
Records = Mapping[str, Mapping[int, Observation]]


@dataclass(frozen=True)
class Evaluated:
    """An engagement's unsaved assessment, in English, and what it was made of."""

    engagement_id: int
    case: Case
    judgement: Judgement
    changes: tuple[Counterfactual, ...]
    assessment: Assessment
    notice_deadline_on: date | None

    def texts(self) -> Texts:
        """What it says, in the language that is spoken now."""
        return texts(self.case, self.judgement, self.changes, wordings())

    def strongest_sentence(self) -> str:
        """What a flag about it would say, likewise."""
        return strongest_of(self.texts()["sentences"])


def wordings() -> dict[str, AnyCriterion]:
    """The criteria by code, for those who put what they found into words."""
    return {criterion.code: criterion for criterion in all_criteria()}


def evaluate(
    *, engagements: QuerySet[Engagement], as_of: date, policy: Policy
) -> list[Evaluated]:
    """Judge the engagements from the records up to the day.

    The number of queries does not depend on how many engagements there are.
    """
    subjects = list(
        engagements.order_by("pk").values_list(
            "pk", "kind", "vendor_id", "notice_deadline_on"
        )
    )
    if not subjects:
        return []
    facts = _gather(Scope(engagements, as_of, WINDOW_MONTHS))
    recent = _gather(Scope(engagements, as_of, RECENT_MONTHS))
    priors = priors_for(as_of)
    cases = [
        _case(pk, Kind(kind), facts, recent, priors, vendor)
        for pk, kind, vendor, _deadline in subjects
    ]
    rulebook = rulebook_of(policy)
    answers = answered(cases, rulebook)
    splits = splits_of(
        mixed={
            subject[0]: case
            for subject, case, (judgement, _changes) in zip(
                subjects, cases, answers, strict=True
            )
            if judgement.verdict is Verdict.MIXED
        },
        as_of=as_of,
        months=WINDOW_MONTHS,
        rulebook=rulebook,
    )
    explanations = in_english(lambda: _explained(cases, answers))
    evaluated = []
    for (pk, kind, _vendor, deadline), case, (judgement, changes), explanation in zip(
        subjects, cases, answers, explanations, strict=True
    ):
        assessment = _assessment(case, judgement, explanation)
        assessment.engagement_id = pk
        assessment.kind = kind
        assessment.as_of, assessment.month = as_of, month_of(as_of)
        assessment.policy = policy
        assessment.parts = splits.get(pk, [])
        evaluated.append(
            Evaluated(
                engagement_id=pk,
                case=case,
                judgement=judgement,
                changes=changes,
                assessment=assessment,
                notice_deadline_on=deadline,
            )
        )
    return evaluated


def _explained(cases: Sequence[Case], answers: Sequence[Answered]) -> list[Explanation]:
    known = wordings()
    return [
        explain(case, judgement, changes, known)
        for case, (judgement, changes) in zip(cases, answers, strict=True)
    ]


def answered(cases: Sequence[Case], rulebook: Rulebook) -> list[Answered]:
    """Return each case's judgement with what would change it, in their order."""
    found: dict[int, Answered] = {}
    for rows, judged in judge_by_model(cases, rulebook):
        found |= zip(
            rows,
            zip(judged.judgements, counterfactuals(judged), strict=True),
            strict=True,
        )
    return [found[row] for row in range(len(cases))]


def repeat(judged: Assessment | Advice) -> Judgement:
    """Judge stored evidence again, under the policy that it names."""
    rulebook = rulebook_of(judged.policy, codes=judged.evidence.keys())
    case = case_of(judged)
    return judge([case], rulebook.where(is_managed=case.is_managed)).judgements[0]


def repeat_splits(assessment: Assessment) -> list[dict[str, Any]]:
    """Split and judge again what was mixed, from what is stored of its parts."""
    rulebook = rulebook_of(assessment.policy, codes=assessment.evidence.keys())
    return repeated_splits(assessment.parts, case_of(assessment), rulebook)


def case_of(judged: Assessment | Advice) -> Case:
    """The case that was judged, from the evidence stored of it."""
    evidence: Mapping[str, Mapping[str, Any]] = judged.evidence
    return Case(
        is_managed=_present_model(judged),
        facts=_observations(evidence, str(WINDOW_MONTHS)),
        recent=_observations(evidence, str(RECENT_MONTHS)),
        priors={
            code: Prior.from_json(found["prior"])
            for code, found in evidence.items()
            if found["prior"] is not None
        },
    )


def _present_model(judged: Assessment | Advice) -> bool | None:
    return None if isinstance(judged, Advice) else judged.kind == Kind.MANAGED


def _gather(scope: Scope) -> Records:
    return {c.code: c.gather(scope) for c in recordable_criteria()}


def _case(
    engagement: int,
    kind: Kind,
    facts: Records,
    recent: Records,
    priors: Priors,
    vendor_id: int,
) -> Case:
    def of(records: Records) -> dict[str, Observation]:
        return {
            code: found[engagement]
            for code, found in records.items()
            if engagement in found
        }

    return Case(
        is_managed=kind == Kind.MANAGED,
        facts=of(facts),
        recent=of(recent),
        priors={code: priors.of(code, vendor_id) for code in facts},
    )


def _assessment(
    case: Case, judgement: Judgement, explanation: Explanation
) -> Assessment:
    leaning = {True: Kind.MANAGED.value, False: Kind.AUGMENTED.value, None: ""}
    return Assessment(
        window_months=WINDOW_MONTHS,
        acceptability=judgement.acceptability,
        opposition=judgement.opposition,
        coverage=judgement.coverage,
        margin=judgement.margin,
        verdict=judgement.verdict.value,
        is_strong=judgement.is_strong,
        leaning=leaning[judgement.leans_managed],
        points=explanation.points,
        missing=explanation.missing,
        sentences=explanation.sentences,
        counterfactuals=explanation.counterfactuals,
        evidence=evidence_of(case, case.priors),
        engine_version=ENGINE_VERSION,
    )


def evidence_of(case: Case, codes: Iterable[str]) -> dict[str, Any]:
    """What the case rests on, as an assessment or advice keeps it."""
    return {
        code: {
            "prior": None if prior == UNINFORMED else prior.as_json(),
            str(WINDOW_MONTHS): _stored(case.facts.get(code)),
            str(RECENT_MONTHS): _stored(case.recent.get(code)),
        }
        for code, prior in ((code, case.prior(code)) for code in sorted(codes))
    }


def _stored(observation: Observation | None) -> dict[str, Any] | None:
    return None if observation is None else observation.as_json()


def _observations(
    evidence: Mapping[str, Mapping[str, Any]], window: str
) -> dict[str, Observation]:
    return {
        code: observation_from_json(found[window])
        for code, found in evidence.items()
        if found[window] is not None
    }
