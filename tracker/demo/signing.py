"""Engagements of the demo company: signed, started, amended, ended."""

from datetime import timedelta
from decimal import Decimal

from engagements.choices import Direction, EndReason, RateUnit
from engagements.models import (
    Assignment,
    ChangeOrder,
    CostCentre,
    Engagement,
    FeeTerm,
    ManagedContract,
    NamedWorker,
    RateTerm,
    ServiceLevel,
    User,
)
from engagements.services.change_orders import record_change_order
from engagements.services.engagements import log_assignment, log_managed_contract
from engagements.services.lifecycle import end_engagement, start_engagement
from engagements.services.records import create_record
from engagements.services.terms import amend_fee, amend_rate, set_cost_split
from engagements.values.periods import last_day_of_month
from tracker.demo.boarding import grant_first_access
from tracker.demo.founding import Cast, stable_id
from tracker.demo.stories import (
    AssignmentStory,
    Change,
    ContractStory,
    Price,
    Promise,
    Shares,
    Story,
)

SIGNED_ON_DAY = timedelta(days=8)


def sign(
    story: ContractStory | AssignmentStory, *, cast: Cast, earlier: Engagement | None
) -> ManagedContract | Assignment:
    """Log the engagement with its first price and split; start it unless a draft.

    `earlier` is the engagement that it takes over from.
    """
    actor = cast.people[story.manager]
    signed: ManagedContract | Assignment
    if isinstance(story, ContractStory):
        signed = _sign_contract(story, cast, earlier, actor)
    else:
        signed = _sign_assignment(story, cast, earlier, actor)
    if not story.is_draft:
        start_engagement(engagement=signed, actor=actor)
        grant_first_access(story, engagement=signed, cast=cast)
    return signed


def amend_price(
    story: ContractStory | AssignmentStory,
    price: Price,
    *,
    engagement: ManagedContract | Assignment,
    cast: Cast,
) -> None:
    """Raise the fee by indexation, or the rate, from the price's month on."""
    actor = cast.people[story.manager]
    if isinstance(story, ContractStory):
        fee = _fee(price, cast)
        fee.contract_id = engagement.pk
        amend_fee(term=fee, actor=actor)
    else:
        rate = _rate(story, price, cast)
        rate.assignment_id = engagement.pk
        amend_rate(term=rate, actor=actor)


def split_anew(
    story: Story, shares: Shares, *, months_ago: int, engagement: Engagement, cast: Cast
) -> None:
    set_cost_split(
        engagement=engagement,
        starts_on=cast.month(months_ago),
        shares=_shares(shares, cast),
        actor=cast.people["finance"],
    )


def order_change(
    story: Story, change: Change, *, engagement: Engagement, cast: Cast
) -> None:
    record_change_order(
        change_order=ChangeOrder(
            engagement=engagement,
            effective_on=cast.month(change.months_ago) + SIGNED_ON_DAY,
            value_change=Decimal(change.amount),
            reason=change.reason,
            approver=cast.people["manager"],
        ),
        actor=cast.people[story.manager],
    )


def close(story: Story, *, months_ago: int, engagement: Engagement, cast: Cast) -> None:
    end_engagement(
        engagement=engagement,
        ended_on=last_day_of_month(cast.month(months_ago)),
        reason=story.end_reason,
        is_eligible_again=story.end_reason != EndReason.LEFT,
        actor=cast.people[story.manager],
    )


def _sign_contract(
    story: ContractStory, cast: Cast, earlier: Engagement | None, actor: User
) -> ManagedContract:
    contract = ManagedContract(
        scope=story.scope,
        service_hours=story.service_hours,
        at_risk_percent=Decimal(story.at_risk),
        credit_scheme=story.credit_scheme,
        exit_charge=Decimal(story.exit_charge),
        headcount_cap=story.headcount_cap,
    )
    _fill(contract, story, cast, earlier)
    log_managed_contract(
        contract=contract,
        fee_terms=[_fee(story.prices[0], cast)],
        service_levels=[_level(promise) for promise in story.promises],
        cost_shares=_shares(story.shares, cast),
        actor=actor,
    )
    for name in story.work.people if story.work else ():
        worker = NamedWorker(
            contract=contract,
            full_name=name,
            is_client_directed=story.is_client_directed,
            starts_on=contract.starts_on,
        )
        create_record(record=worker, engagement=contract, actor=actor)
    return contract


def _sign_assignment(
    story: AssignmentStory, cast: Cast, earlier: Engagement | None, actor: User
) -> Assignment:
    assignment = Assignment(
        role=story.role,
        skill=cast.skills[story.skill],
        level=story.level,
        place=story.place,
        planned_weekly_hours=Decimal(story.weekly_hours),
    )
    _fill(assignment, story, cast, earlier)
    if story.contractor:
        assignment.contractor = cast.contractor(
            name=story.contractor,
            vendor=cast.vendors[story.vendor],
            jurisdiction=story.jurisdiction,
        )
        assignment.contractor.skills.add(cast.skills[story.skill])
    return log_assignment(
        assignment=assignment,
        rate_terms=[_rate(story, story.prices[0], cast)],
        cost_shares=_shares(story.shares, cast),
        actor=actor,
    )


def _fill(
    engagement: Engagement, story: Story, cast: Cast, earlier: Engagement | None
) -> None:
    """Set what both models have in common."""
    engagement.public_id = stable_id("engagement", story.title)
    engagement.title = story.title
    engagement.vendor = cast.vendors[story.vendor]
    engagement.manager = cast.people[story.manager]
    engagement.service = cast.services[story.service] if story.service else None
    engagement.department = cast.units[story.unit]
    engagement.currency = story.currency
    engagement.country = story.country
    engagement.starts_on = cast.month(story.starts)
    if story.ends_in_days is not None:
        engagement.ends_on = cast.today + timedelta(days=story.ends_in_days)
    engagement.initial_term_months = story.months
    engagement.renewal = story.renewal
    engagement.renewal_term_months = story.renewal_months
    engagement.notice_period = story.notice
    engagement.notice_unit = story.notice_unit
    engagement.purchase_order_number = story.purchase_order
    engagement.predecessor = earlier


def _fee(price: Price, cast: Cast) -> FeeTerm:
    return FeeTerm(
        starts_on=cast.month(price.months_ago), monthly_fee=Decimal(price.amount)
    )


def _rate(story: AssignmentStory, price: Price, cast: Cast) -> RateTerm:
    return RateTerm(
        starts_on=cast.month(price.months_ago),
        rate=Decimal(price.amount),
        unit=RateUnit.HOUR if story.is_hourly else RateUnit.DAY,
        overtime_multiplier=Decimal(story.overtime),
    )


def _level(promise: Promise) -> ServiceLevel:
    return ServiceLevel(
        name=promise.name,
        metric=promise.metric,
        direction=Direction.AT_MOST if promise.is_ceiling else Direction.AT_LEAST,
        target=Decimal(promise.target),
        unit=promise.unit,
        weight=Decimal(promise.weight),
        credit_percent=Decimal(promise.credit_percent),
    )


def _shares(shares: Shares, cast: Cast) -> dict[CostCentre, Decimal]:
    return {cast.centres[code]: Decimal(percent) for code, percent in shares}
