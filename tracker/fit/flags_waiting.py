"""The flags of some engagements, with what can still be done about each."""

from dataclasses import dataclass
from datetime import date
from enum import Enum

from django.db.models import F, QuerySet

from engagements.choices import Renewal
from engagements.models import Engagement, User
from engagements.permissions import engagement_scope
from tracker.fit.models import LIVE_STATES, Flag, FlagState
from tracker.fit.portfolio import Worth, worth_of
from tracker.fit.queries import latest_assessments


class Action(Enum):
    """What a person can still do to go over to the other model.

    GIVE_NOTICE until the notice deadline; CONVERT_AT_END once it has passed or notice
    is given, until the term ends; CONVERT where nothing binds; too late for this term
    is WAIT_FOR_RENEWAL, since the engagement renews by itself.
    """

    GIVE_NOTICE = "give-notice"
    CONVERT_AT_END = "convert-at-end"
    WAIT_FOR_RENEWAL = "wait-for-renewal"
    CONVERT = "convert"


@dataclass(frozen=True)
class WaitingFlag:
    """`until` is the last day for the action; None where there is none.

    `is_undecided` is neither accepted already nor put off.
    """

    pk: int
    engagement: Engagement
    leaning: str
    state: str
    is_undecided: bool
    sentence: str
    opposition: float
    worth: Worth | None
    action: Action
    until: date | None


def waiting_flags(
    user: User, engagements: QuerySet[Engagement], *, today: date
) -> list[WaitingFlag]:
    """Return the live flags of these engagements, the nearest last day first.

    Three queries; what going over is worth only where the user may see the money.
    """
    of = engagements.order_by().values("pk")
    flags = list(
        Flag.objects.visible_to(user)
        .filter(state__in=LIVE_STATES, engagement__in=of)
        .select_related("engagement__vendor")
        .order_by(F("notice_deadline_on").asc(nulls_last=True), "id")
    )
    asked = {flag.engagement_id for flag in flags}
    money = {
        row.engagement_id: row.money
        for row in latest_assessments(user).filter(engagement__in=asked)
    }
    priced = set(
        Engagement.objects.filter(
            engagement_scope(user, with_money=True), pk__in=asked
        ).values_list("pk", flat=True)
    )
    found = [
        WaitingFlag(
            pk=flag.pk,
            engagement=flag.engagement,
            leaning=flag.leaning,
            state=str(flag.get_state_display()),
            is_undecided=flag.state in (FlagState.OPEN, FlagState.ACKNOWLEDGED),
            sentence=flag.strongest_reason,
            opposition=flag.opposition,
            worth=worth_of(money.get(flag.engagement_id))
            if flag.engagement_id in priced
            else None,
            action=action,
            until=until,
        )
        for flag in flags
        for action, until in (_still_possible(flag.engagement, today),)
    ]
    return sorted(found, key=lambda one: (one.until is None, one.until or date.max))


def _still_possible(engagement: Engagement, today: date) -> tuple[Action, date | None]:
    deadline, ends = engagement.notice_deadline_on, engagement.term_ends_on
    if deadline is not None and deadline >= today:
        return Action.GIVE_NOTICE, deadline
    if ends is None or ends < today:
        return Action.CONVERT, None
    renews = engagement.renewal == Renewal.AUTO and engagement.notice_given_on is None
    if deadline is not None and renews:
        return Action.WAIT_FOR_RENEWAL, ends
    return Action.CONVERT_AT_END, ends
