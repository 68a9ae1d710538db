"""What a verdict would be, if facts or importances were others.

Nothing is stored.  What is left as recorded is judged exactly as the night judged it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from django.utils import timezone
from django.utils.translation import gettext as _

from engagements.choices import Kind
from engagements.models import Engagement
from engagements.values.written import format_number
from tracker.fit.counterfactual import counterfactuals
from tracker.fit.criteria import all_criteria
from tracker.fit.criterion import AnyCriterion
from tracker.fit.evidence import Observation
from tracker.fit.explanation import Explanation, explain
from tracker.fit.judgement import Case, Judgement, Rulebook, judge
from tracker.fit.learning import with_importances
from tracker.fit.queries import Viewer, latest_assessment
from tracker.fit.services.evaluation import case_of
from tracker.fit.services.policies import current_policy, priors_for, rulebook_of
from tracker.fit.services.supposing import out_of_range
from tracker.fit.stated import OutOfRangeError
from tracker.fit.verdict import Answer, answer_to
from tracker.fit.what_if import InWords

LEAST_IMPORTANCE = 0.01
LARGEST_IMPORTANCE = 10.0


class UnknownEngagementError(LookupError):
    """There is no judged engagement of this reference that the person may see."""


class RefusedFactsError(ValueError):
    """`problems` says by field what is wrong; fields are codes, or `v.` and a code."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        self.problems = problems
        super().__init__("; ".join(problems.values()))


@dataclass(frozen=True)
class Basis:
    """What is asked about, as it stands: the recorded facts and the rules."""

    case: Case
    rulebook: Rulebook
    reference: str = ""
    title: str = ""
    assessment: int | None = None
    as_of: date | None = None

    @property
    def facts(self) -> Mapping[str, Observation]:
        return self.case.facts


@dataclass(frozen=True)
class Wondered:
    """The verdict as things stand, and as they would be."""

    basis: Basis
    before: Judgement
    after: Judgement
    answer: Answer
    explanation: Explanation
    facts: Mapping[str, Observation]
    importances: Mapping[str, float]


def basis_of(*, reference: str, user: Viewer) -> Basis:
    """The latest assessment of an engagement. Raises UnknownEngagementError."""
    engagement = (
        Engagement.objects.visible_to(user).filter(reference__iexact=reference).first()
    )
    assessment = engagement and latest_assessment(engagement, user)
    if not (engagement and assessment):
        raise UnknownEngagementError(reference)
    case = case_of(assessment)
    rulebook = rulebook_of(assessment.policy, codes=assessment.evidence.keys())
    return Basis(
        case=case,
        rulebook=rulebook.where(is_managed=case.is_managed),
        reference=engagement.reference,
        title=engagement.title,
        assessment=assessment.pk,
        as_of=assessment.as_of,
    )


def blank_basis(*, model: str) -> Basis:
    """Work that need not exist, in the model named or, where blank, in neither."""
    is_managed = {Kind.MANAGED.value: True, Kind.AUGMENTED.value: False}.get(model)
    priors = priors_for(timezone.localdate())
    codes = [criterion.code for criterion in all_criteria()]
    rulebook = rulebook_of(current_policy(), codes=codes)
    return Basis(
        case=Case(
            is_managed=is_managed,
            facts={},
            priors={code: priors.of_portfolio(code) for code in codes},
        ),
        rulebook=rulebook.where(is_managed=is_managed),
    )


def wonder(
    *,
    basis: Basis,
    values: Mapping[str, float | None],
    importances: Mapping[str, float],
) -> Wondered:
    """Judge the basis with other figures; None takes a fact away.

    A code that is not in `values`, or has the recorded figure, stays as it is.
    Raises RefusedFactsError naming every field.
    """
    facts = _facts(basis, values)
    rulebook = _weighed(basis.rulebook, importances)
    priors = {
        code: prior
        for code, prior in basis.case.priors.items()
        # Whoever states a fact means this work, not the average one.
        if code not in facts or code in basis.facts
    }
    supposed = Case(is_managed=basis.case.is_managed, facts=facts, priors=priors)
    judged = judge([supposed], rulebook)
    wordings = {c.code: InWords(c) for c in all_criteria()}
    after = judged.judgements[0]
    changes = counterfactuals(judged)[0]
    return Wondered(
        basis=basis,
        before=judge([basis.case], basis.rulebook).judgements[0],
        after=after,
        answer=answer_to(after.verdict, is_managed=basis.case.is_managed),
        explanation=explain(supposed, after, changes, wordings),
        facts=facts,
        importances={rule.code: rule.importance for rule in rulebook.rules},
    )


def _facts(basis: Basis, values: Mapping[str, float | None]) -> dict[str, Observation]:
    known = {rule.code for rule in basis.rulebook.rules}
    facts = dict(basis.facts)
    problems: dict[str, str] = {}
    for criterion in all_criteria():
        code = criterion.code
        if code not in values or code not in known:
            continue
        try:
            _put(facts, criterion, values[code])
        except OutOfRangeError:
            problems[code] = out_of_range(code)
    if problems:
        raise RefusedFactsError(problems)
    return facts


def _put(
    facts: dict[str, Observation], criterion: AnyCriterion, value: float | None
) -> None:
    """Replace one fact: by the same records with another figure, or by a statement."""
    recorded = facts.pop(criterion.code, None)
    if value is None:
        return
    stated = criterion.scale.observation(value)
    facts[criterion.code] = stated if recorded is None else recorded.with_value(value)


def _weighed(rulebook: Rulebook, importances: Mapping[str, float]) -> Rulebook:
    problems = {
        f"v.{code}": _("Give an importance from %(least)s to %(most)s.")
        % {
            "least": format_number(LEAST_IMPORTANCE, 2),
            "most": format_number(LARGEST_IMPORTANCE),
        }
        for code, importance in importances.items()
        if not LEAST_IMPORTANCE <= importance <= LARGEST_IMPORTANCE
    }
    if problems:
        raise RefusedFactsError(problems)
    present = {rule.code: rule.importance for rule in rulebook.rules}
    changed = {code: v for code, v in importances.items() if code in present}
    return with_importances(rulebook, present | changed) if changed else rulebook
