"""The policy in force, and the priors frozen for a quarter."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from django.db import transaction
from django.utils import timezone

from engagements.models import Engagement
from engagements.values.periods import ONE_DAY, month_of
from tracker.fit.criteria import all_criteria, recordable_criteria
from tracker.fit.criterion import AnyCriterion
from tracker.fit.evidence import UNINFORMED, Breakpoints, Observation, Prior, prior_from
from tracker.fit.history import end_of
from tracker.fit.judgement import Rule, Rulebook
from tracker.fit.models import Policy, QuarterPrior
from tracker.fit.money import SWITCHING, Assumption, Triangle
from tracker.fit.queries import Scope, known_before
from tracker.fit.verdict import Thresholds

FIRST_VERSION = 1
WINDOW_MONTHS = 12
MONTHS_PER_QUARTER = 3
OVERRIDDEN = "the policy's own"
# Ends the key of the breakpoints with which a criterion reads augmented work.
WHERE_AUGMENTED = ".augmented"


@dataclass(frozen=True)
class Priors:
    """What a quarter expects of each criterion, by vendor and of the portfolio."""

    stored: Mapping[str, Mapping[str, Any]]

    def of_portfolio(self, code: str) -> Prior:
        found = self.stored.get(code)
        return Prior.from_json(found["portfolio"]) if found else UNINFORMED

    def of(self, code: str, vendor_id: int) -> Prior:
        found = self.stored.get(code)
        if found is None:
            return UNINFORMED
        own = found["vendors"].get(str(vendor_id), found["portfolio"])
        return Prior.from_json(own)


@transaction.atomic
def current_policy() -> Policy:
    """The latest version; the product's defaults where none was adopted yet."""
    latest = Policy.objects.order_by("-version").first()
    if latest:
        return latest
    policy, _created = Policy.objects.get_or_create(
        version=FIRST_VERSION, defaults={"adopted_at": timezone.now()}
    )
    return policy


def policy_on(day: date) -> Policy:
    """The version in force at the day's end; the first one for days before any."""
    current = current_policy()
    if current.adopted_at < end_of(day):
        return current
    adopted = Policy.objects.filter(adopted_at__lt=end_of(day)).order_by("-version")
    return adopted.first() or Policy.objects.earliest("version")


def rulebook_of(policy: Policy, codes: Collection[str] | None = None) -> Rulebook:
    """The criteria as the policy weighs them: those of `codes`, or all recordable."""
    criteria: Iterable[AnyCriterion] = recordable_criteria()
    if codes is not None:
        criteria = [c for c in all_criteria() if c.code in codes]
    return Rulebook(
        rules=tuple(_rule(criterion, policy) for criterion in criteria),
        thresholds=Thresholds(**policy.thresholds),
        firmness=policy.firmness,
    ).tilted(policy.tendency)


def readings_of(criterion: AnyCriterion) -> Iterator[tuple[str, Breakpoints]]:
    """The declared breakpoints, by the keys under which a policy has its own.

    Where the question reads otherwise under augmentation there are two.
    """
    yield criterion.code, criterion.breakpoints
    if criterion.augmented_breakpoints is not None:
        yield criterion.code + WHERE_AUGMENTED, criterion.augmented_breakpoints


def _rule(criterion: AnyCriterion, policy: Policy) -> Rule:
    # The question reads the other way there: what a policy says of the one reading
    # never stands in for the other.
    first, *other = (
        _own(policy.breakpoints.get(key), declared)
        for key, declared in readings_of(criterion)
    )
    return Rule(
        code=criterion.code,
        importance=float(policy.importances.get(criterion.code, criterion.importance)),
        breakpoints=first,
        augmented_breakpoints=other[0] if other else None,
        least=criterion.scale.least,
        most=criterion.scale.most,
        only_rises=criterion.only_rises,
    )


def _own(points: Any, declared: Breakpoints) -> Breakpoints:
    if not points:
        return declared
    own = tuple((float(figure), float(lean)) for figure, lean in points)
    return Breakpoints(points=own, source=OVERRIDDEN)


def assumptions_of(policy: Policy) -> tuple[Assumption, ...]:
    """What is taken for granted about money, as the policy has it."""
    return tuple(
        _set_by_hand(assumption, policy.assumptions.get(assumption.code))
        for assumption in SWITCHING
    )


def _set_by_hand(assumption: Assumption, own: Mapping[str, Any] | None) -> Assumption:
    if own is None:
        return assumption
    return replace(
        assumption,
        triangle=Triangle(own["least"], own["likely"], own["most"]),
        source=own["source"],
        dated_on=own["dated_on"],
        owner=own["owner"],
    )


def quarter_of(day: date) -> date:
    """The first day of the day's quarter."""
    month = day.month - (day.month - 1) % MONTHS_PER_QUARTER
    return month_of(day).replace(month=month)


@transaction.atomic
def priors_for(day: date) -> Priors:
    """The priors of the day's quarter, from records up to its first day.

    Computed once and kept: what is recorded or imported later in the quarter, even
    about earlier days, moves no other engagement's verdict before the next one.
    """
    quarter = quarter_of(day)
    frozen = QuarterPrior.objects.filter(quarter=quarter).first()
    if frozen is None:
        frozen, _created = QuarterPrior.objects.get_or_create(
            quarter=quarter, defaults={"priors": _computed(quarter)}
        )
    return Priors(stored=frozen.priors)


def _computed(quarter: date) -> dict[str, Any]:
    portfolio = known_before(quarter)
    vendors = dict(portfolio.order_by().values_list("pk", "vendor_id"))
    scope = Scope(
        engagements=Engagement.objects.filter(pk__in=portfolio.values("pk")),
        as_of=quarter - ONE_DAY,
        months=WINDOW_MONTHS,
    )
    computed = {}
    for criterion in recordable_criteria():
        observations = criterion.gather(scope)
        prior = prior_from(observations.values())
        if prior:
            computed[criterion.code] = {
                "portfolio": prior.as_json(),
                "vendors": _by_vendor(observations, vendors, prior),
            }
    return computed


def _by_vendor(
    observations: Mapping[int, Observation], vendors: Mapping[int, int], whole: Prior
) -> dict[str, Any]:
    """Priors of the vendors with records enough; what is missing stays portfolio's."""
    grouped: dict[int, list[Observation]] = {}
    for engagement, observation in observations.items():
        grouped.setdefault(vendors[engagement], []).append(observation)
    priors = {vendor: prior_from(own) for vendor, own in grouped.items()}
    return {
        str(vendor): {**prior.as_json(), "quantiles": list(whole.quantiles)}
        for vendor, prior in priors.items()
        if prior
    }
