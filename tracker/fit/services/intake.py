"""Advice before there is a draft, and its link to the draft that follows."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import partial
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from engagements import events
from engagements.choices import Kind, RateUnit
from engagements.errors import WrongStateError
from engagements.models import Engagement, Service, User
from engagements.values.money import UnknownCurrencyError, round_money
from tracker.fit.criteria import all_criteria
from tracker.fit.criteria.in_house_team import InHouseTeam, declared
from tracker.fit.criteria.permanence import Permanence
from tracker.fit.evidence import Mean, Observation
from tracker.fit.explanation import explain, texts
from tracker.fit.models import Advice, Policy
from tracker.fit.money import (
    DEFAULTS,
    WEEKS_PER_MONTH,
    Assumption,
    Estimate,
    Plan,
    Range,
    estimate,
)
from tracker.fit.queries import Scope, judged_on
from tracker.fit.questions import UnknownAnswerError, stated_by
from tracker.fit.services.costing import assumed
from tracker.fit.services.evaluation import ENGINE_VERSION, evidence_of, wordings
from tracker.fit.services.own_records import assumptions_in_force
from tracker.fit.services.policies import WINDOW_MONTHS, current_policy
from tracker.fit.services.supposing import out_of_range, scales, suppose
from tracker.fit.services.wording import in_english, in_other_languages
from tracker.fit.stated import OutOfRangeError
from tracker.fit.what_if import Answered, InWords, Work

HOURS_PER_DAY = Decimal("7.5")
LARGEST_AMOUNT = Decimal(1_000_000_000)
MOST_MONTHS = 600
MOST_WEEKLY_HOURS = Decimal(100_000)
KIND_OF = {True: Kind.MANAGED.value, False: Kind.AUGMENTED.value, None: ""}
# What a draft that follows begins with, and what the prices rest on.
ASKED = (
    "starts_on",
    "months",
    "weekly_hours",
    "rate",
    "rate_unit",
    "fee",
    "manager_hour_cost",
    "currency",
)


@dataclass(frozen=True, kw_only=True)
class Planned:
    """Work that is thought of, as far as it is known.

    `answers` are {question: choice}; `facts` further figures by criterion, which
    go before what an answer says of the same.  `rate` is per `rate_unit`, and both
    prices and `manager_hour_cost` are in `currency`.
    """

    title: str
    service: Service | None = None
    starts_on: date | None = None
    months: Decimal | None = None
    weekly_hours: Decimal | None = None
    rate: Decimal | None = None
    rate_unit: str = RateUnit.DAY
    fee: Decimal | None = None
    manager_hour_cost: Decimal | None = None
    currency: str
    answers: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[str, float] = field(default_factory=dict)


@transaction.atomic
def give_advice(*, planned: Planned, actor: User) -> Advice:
    """Judge the planned work and keep what was advised.

    Raises ValidationError by question, criterion or field.
    """
    _check(planned)
    policy = current_policy()
    facts = _stated(planned) | _recorded(planned)
    (answered,) = suppose(works=[Work(is_managed=None, facts=facts)], policy=policy)
    costs = estimate(_plan(planned), _assumptions(policy))
    advice = _advice(planned, answered)
    advice.money = _money(costs, planned.currency) if costs else None
    advice.policy = policy
    advice.asked_by = actor
    advice.asked_at = timezone.now()
    advice.full_clean()
    advice.save()
    events.record(
        event_type="advice.given",
        subject=advice,
        changes={
            "title": [None, advice.title],
            "verdict": [None, advice.verdict],
            "acceptability": [None, str(advice.acceptability)],
        },
        actor=actor,
    )
    return advice


@transaction.atomic
def keep_advice(
    *, advice: Advice, engagement: Engagement, actor: User | None
) -> Advice:
    """Link the advice to the draft that followed it, whichever model was chosen.

    Raises WrongStateError where the advice belongs to an engagement already.
    """
    stored = Advice.objects.select_for_update().get(pk=advice.pk)
    if stored.engagement_id is not None:
        raise WrongStateError(
            _("This advice is kept with another engagement already: ask anew.")
        )
    if Advice.objects.filter(engagement=engagement.pk).exists():
        raise WrongStateError(_("This engagement follows another advice already."))
    # The row that all models of engagement share, whichever of them was given.
    stored.engagement_id = engagement.pk
    stored.save(update_fields=["engagement", "updated_at"])
    advice.engagement_id = engagement.pk
    events.record(
        event_type="advice.kept",
        subject=stored,
        changes={
            "engagement": [None, engagement.pk],
            "verdict": [stored.verdict, stored.verdict],
        },
        engagement=engagement,
        actor=actor,
    )
    return advice


def _check(planned: Planned) -> None:
    refused: dict[str, str] = {}
    try:
        round_money(Decimal(0), planned.currency)
    except UnknownCurrencyError as error:
        refused["currency"] = str(error)
    for name in ("rate", "fee", "manager_hour_cost"):
        amount: Decimal | None = getattr(planned, name)
        if amount is not None and not 0 <= amount <= LARGEST_AMOUNT:
            refused[name] = _("Give an amount from 0 to %(most)s.") % {
                "most": f"{LARGEST_AMOUNT:,}"
            }
    hours = planned.weekly_hours
    if hours is not None and not 0 < hours <= MOST_WEEKLY_HOURS:
        refused["weekly_hours"] = _("Give the hours of all people together, above 0.")
    if planned.months is not None and not 0 < planned.months <= MOST_MONTHS:
        refused["months"] = _("Give from 1 to %(most)d months.") % {"most": MOST_MONTHS}
    if refused:
        raise ValidationError(refused)


def _stated(planned: Planned) -> dict[str, Observation]:
    known, refused = scales(), {}
    try:
        figures = stated_by(planned.answers) | dict(planned.facts)
    except UnknownAnswerError as error:
        question = str(error.args[0])
        raise ValidationError({question: _("Choose one of the answers.")}) from error
    found: dict[str, Observation] = {}
    for code, value in figures.items():
        if code not in known:
            refused[code] = _("There is no such criterion.")
            continue
        try:
            found[code] = known[code].observation(value)
        except OutOfRangeError:
            refused[code] = out_of_range(code)
    if refused:
        raise ValidationError(refused)
    return found


def _recorded(planned: Planned) -> dict[str, Observation]:
    """What the records of the service say, and for how long it is planned."""
    found: dict[str, Observation] = {}
    service = planned.service
    if service is not None and service.in_house_maturity is not None:
        found[InHouseTeam.code] = declared(service.in_house_maturity)
    elapsed = _need_so_far(service)
    if planned.months is not None:
        stated = scales()[Permanence.code].observation(float(planned.months))
        found[Permanence.code] = _prolonged(elapsed, stated)
    elif elapsed is not None:
        found[Permanence.code] = elapsed
    return found


def _need_so_far(service: Service | None) -> Mean | None:
    """For how long the service has needed outside work, without the planned."""
    if service is None:
        return None
    criterion = next(c for c in all_criteria() if isinstance(c, Permanence))
    scope = Scope(
        Engagement.objects.filter(service=service), timezone.localdate(), WINDOW_MONTHS
    )
    return next(iter(criterion.gather(scope).values()), None)


def _prolonged(elapsed: Mean | None, planned: Observation) -> Observation:
    """Elapsed and committed: the months that are planned come on top."""
    if elapsed is None:
        return planned
    return Mean(
        mean=elapsed.mean + planned.value,
        count=max(elapsed.count, planned.size),
        records=elapsed.records,
        figures=planned.figures,
    )


def _plan(planned: Planned) -> Plan:
    weekly, rate = planned.weekly_hours, planned.rate
    if rate is not None and planned.rate_unit == RateUnit.DAY:
        rate /= HOURS_PER_DAY
    return Plan(
        monthly_hours=None if weekly is None else weekly * WEEKS_PER_MONTH,
        hourly_rate=rate,
        monthly_fee=planned.fee,
        manager_hour_cost=planned.manager_hour_cost,
    )


def _assumptions(policy: Policy) -> tuple[Assumption, ...]:
    """What a plan takes for granted: of the policy, or of our own records by now."""
    today = timezone.localdate()
    planned = {assumption.code for assumption in DEFAULTS}
    known = assumptions_in_force(
        engagements=judged_on(today), as_of=today, policy=policy
    )
    return tuple(assumption for assumption in known if assumption.code in planned)


def _advice(planned: Planned, answered: Answered) -> Advice:
    judgement = answered.judgement
    known = {code: InWords(criterion) for code, criterion in wordings().items()}
    found = (answered.case, judgement, answered.changes, known)
    explanation = in_english(partial(explain, *found))
    return Advice(
        title=planned.title,
        service=planned.service,
        asked=_asked(planned),
        answers=dict(planned.answers),
        verdict=answered.verdict.value,
        is_strong=judgement.is_strong,
        leaning=KIND_OF[judgement.leans_managed],
        acceptability=judgement.acceptability,
        coverage=judgement.coverage,
        margin=judgement.margin,
        points=explanation.points,
        missing=explanation.missing,
        sentences=explanation.sentences,
        counterfactuals=explanation.counterfactuals,
        wordings=in_other_languages(partial(texts, *found)),
        evidence=evidence_of(answered.case, (c.code for c in all_criteria())),
        engine_version=ENGINE_VERSION,
    )


def _asked(planned: Planned) -> dict[str, str]:
    """What was typed, as text; what was left blank is absent."""
    given = {name: getattr(planned, name) for name in ASKED}
    return {
        name: str(events.plain(value))
        for name, value in given.items()
        if value is not None
    }


def _money(costs: Estimate, currency: str) -> dict[str, Any]:
    return {
        "currency": currency,
        "augmented": _amounts(costs.augmented, currency),
        "managed": _amounts(costs.managed, currency),
        "difference": _amounts(costs.difference, currency),
        "assumptions": [assumed(assumption) for assumption in costs.assumptions],
    }


def _amounts(found: Range, currency: str) -> dict[str, str]:
    return {
        "p10": str(round_money(found.p10, currency)),
        "p50": str(round_money(found.p50, currency)),
        "p90": str(round_money(found.p90, currency)),
    }
