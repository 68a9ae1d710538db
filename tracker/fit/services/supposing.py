"""What the engine in force would say of supposed work."""

from collections.abc import Mapping, Sequence

from django.utils import timezone
from django.utils.translation import gettext as _

from tracker.fit.criteria import all_criteria
from tracker.fit.models import Policy
from tracker.fit.services.policies import current_policy, priors_for, rulebook_of
from tracker.fit.stated import Scale
from tracker.fit.what_if import Answered, Work, answer


def scales() -> Mapping[str, Scale]:
    """What may be stated of each criterion, by code."""
    return {criterion.code: criterion.scale for criterion in all_criteria()}


def out_of_range(code: str) -> str:
    """What may be stated of a criterion, in its unit, for whoever stated more."""
    criterion = next(one for one in all_criteria() if one.code == code)
    show, scale = criterion.unit.show, criterion.scale
    return _("Give a figure from %(least)s to %(most)s.") % {
        "least": show(scale.least),
        "most": show(scale.most),
    }


def suppose(*, works: Sequence[Work], policy: Policy | None = None) -> list[Answered]:
    """Judge the works by all criteria, under the policy in force unless given one."""
    wordings = {criterion.code: criterion for criterion in all_criteria()}
    priors = priors_for(timezone.localdate())
    return answer(
        works,
        rulebook_of(policy or current_policy(), codes=wordings.keys()),
        wordings,
        {code: priors.of_portfolio(code) for code in wordings},
    )
