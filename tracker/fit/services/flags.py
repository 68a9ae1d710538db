"""What people decide about a flag."""

from collections.abc import Collection, Mapping
from datetime import date
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from engagements import events
from engagements.errors import WrongStateError
from engagements.models import Engagement, User
from tracker.fit.models import (
    LIVE_STATES,
    Assessment,
    Decision,
    Flag,
    FlagAction,
    FlagState,
    SeenPattern,
)

UNDECIDED = (FlagState.OPEN, FlagState.ACKNOWLEDGED, FlagState.SNOOZED)


@transaction.atomic
def acknowledge_flag(*, flag: Flag, actor: User) -> Flag:
    """Say that somebody looks into it. Raises WrongStateError."""
    return _decide(
        flag=flag,
        action=FlagAction.ACKNOWLEDGE,
        state=FlagState.ACKNOWLEDGED,
        allowed_from=(FlagState.OPEN, FlagState.SNOOZED),
        event_type="model_flag.acknowledged",
        actor=actor,
    )


@transaction.atomic
def snooze_flag(*, flag: Flag, until: date, reason: str = "", actor: User) -> Flag:
    """Ask again on a later day. Raises ValidationError by field, WrongStateError."""
    if until <= timezone.localdate():
        raise ValidationError({"until": _("Choose a day after today.")})
    return _decide(
        flag=flag,
        action=FlagAction.SNOOZE,
        state=FlagState.SNOOZED,
        allowed_from=UNDECIDED,
        event_type="model_flag.snoozed",
        until=until,
        reason=reason,
        actor=actor,
    )


@transaction.atomic
def dismiss_flag(*, flag: Flag, reason: str, actor: User) -> Flag:
    """Keep the current model, for a reason.

    The flag returns if much more opposes it, or with a new pattern.

    Raises ValidationError by field, WrongStateError.
    """
    if not reason.strip():
        raise ValidationError({"reason": _("Say why the flag is dismissed.")})
    return _decide(
        flag=flag,
        action=FlagAction.DISMISS,
        state=FlagState.DISMISSED,
        allowed_from=(*UNDECIDED, FlagState.ACCEPTED),
        event_type="model_flag.dismissed",
        reason=reason.strip(),
        actor=actor,
    )


@transaction.atomic
def accept_flag(*, flag: Flag, reason: str = "", actor: User) -> Flag:
    """Decide for the other model; its conversion follows. Raises WrongStateError."""
    return _decide(
        flag=flag,
        action=FlagAction.ACCEPT,
        state=FlagState.ACCEPTED,
        allowed_from=UNDECIDED,
        event_type="model_flag.accepted",
        reason=reason,
        actor=actor,
    )


@transaction.atomic
def note_conversion(
    engagement: Engagement, successor: Engagement, actor: User | None
) -> None:
    """Let the flag that asked for it be converted, once the successor is logged.

    Whoever converts has decided, whether or not they accepted the flag beforehand.
    """
    flag = (
        Flag.objects.select_for_update()
        .filter(
            engagement=engagement.pk,
            leaning__in=(successor.kind, ""),
            state__in=LIVE_STATES,
        )
        .first()
    )
    if flag is None:
        return
    before, flag.state, flag.snoozed_until = flag.state, FlagState.CONVERTED, None
    flag.save(update_fields=["state", "snoozed_until", "updated_at"])
    events.record(
        event_type="model_flag.converted",
        subject=flag,
        changes={"state": [before, FlagState.CONVERTED.value]},
        engagement=engagement,
        actor=actor,
    )


def _decide(
    *,
    flag: Flag,
    action: FlagAction,
    state: FlagState,
    allowed_from: Collection[FlagState],
    event_type: str,
    until: date | None = None,
    reason: str = "",
    actor: User,
) -> Flag:
    stored = Flag.objects.select_for_update().get(pk=flag.pk)
    if stored.state not in allowed_from:
        raise WrongStateError(
            _("The flag is %(state)s already: reload the page to see what was decided.")
            % {"state": stored.get_state_display().lower()}
        )
    before, until_before = stored.state, stored.snoozed_until
    stored.state, stored.snoozed_until = state, until
    stored.save(update_fields=["state", "snoozed_until", "updated_at"])
    flag.state, flag.snoozed_until = stored.state, stored.snoozed_until
    decision = Decision(
        flag=stored,
        action=action,
        reason=reason,
        opposition=_latest_opposition(stored),
        patterns=_patterns_of(stored),
        actor=actor,
        at=timezone.now(),
    )
    decision.full_clean()
    decision.save()
    changes: Mapping[str, Any] = {"state": [before, state.value]}
    if until != until_before:
        changes = {
            **changes,
            "snoozed_until": [events.plain(until_before), events.plain(until)],
        }
    events.record(
        event_type=event_type,
        subject=stored,
        changes=changes,
        engagement=stored.engagement,
        actor=actor,
    )
    return flag


def _patterns_of(flag: Flag) -> list[str]:
    shows = SeenPattern.objects.filter(engagement=flag.engagement_id).order_by("code")
    return list(shows.values_list("code", flat=True))


def _latest_opposition(flag: Flag) -> float:
    latest = (
        Assessment.objects.filter(engagement=flag.engagement_id)
        .order_by("-as_of", "-id")
        .values_list("opposition", flat=True)
        .first()
    )
    return flag.opposition if latest is None else latest
