"""When a flag is raised, woken or cleared: only what two evaluations agree on."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from django.db.models import OuterRef, Subquery
from django.utils import timezone

from engagements import events
from engagements.choices import Kind, Status
from engagements.models import Engagement, User
from engagements.values.periods import add_months
from tracker.fit.flagging import (
    Standing,
    calls_for_clearing,
    calls_for_flag,
    least_after_dismissal,
)
from tracker.fit.models import (
    CLEARABLE_STATES,
    LIVE_STATES,
    Assessment,
    Decision,
    Flag,
    FlagAction,
    FlagState,
    Verdict,
)
from tracker.fit.pattern import Finding
from tracker.fit.services.evaluation import Evaluated
from tracker.fit.services.finding import first_dated
from tracker.fit.services.rewording import reword_flags
from tracker.fit.services.wording import in_english, in_other_languages
from tracker.fit.verdict import Thresholds

CLOSED = (Status.ENDED, Status.TERMINATED, Status.CANCELLED)
OTHER_KIND = {
    Kind.MANAGED.value: Kind.AUGMENTED.value,
    Kind.AUGMENTED.value: Kind.MANAGED.value,
}
SENTENCE_LENGTH = 300


@dataclass(frozen=True)
class Moves:
    raised: int
    cleared: int


def move_flags(
    *,
    current: Sequence[Evaluated],
    earlier: Mapping[int, Standing],
    seen: Mapping[int, Sequence[Finding]],
    as_of: date,
    thresholds: Thresholds,
    actor: User | None,
) -> Moves:
    """Raise and clear in the caller's transaction; `earlier` is a month before.

    `seen` are the patterns that show. Those that a law or a contract sets a day to
    raise a flag by themselves, and hold it up while they show; any that is new brings
    back what was dismissed.  Nothing moves an engagement that was assessed for a later
    day already.
    """
    dated = first_dated(seen)
    later = _assessed_after(as_of)
    pairs = [
        (evaluated, earlier.get(evaluated.engagement_id))
        for evaluated in current
        if evaluated.engagement_id not in later
    ]
    live, dismissed = _live_flags(), _dismissed_flags()
    reword_flags(flags=live.values(), dated=dated)
    _wake(live.values(), as_of, actor)
    cleared = [
        live[evaluated.engagement_id]
        for evaluated, before in pairs
        if evaluated.engagement_id in live
        and evaluated.engagement_id not in dated
        and before is not None
        and calls_for_clearing(_standing(evaluated), before, thresholds)
    ]
    cleared += [flag for flag in live.values() if flag.engagement.status in CLOSED]
    cleared = [flag for flag in cleared if flag.state in CLEARABLE_STATES]
    for flag in cleared:
        _clear(flag, as_of, actor)
    _renew_deadlines(live.values())
    _spend(dismissed, pairs, as_of, thresholds)
    raised = [
        (evaluated, dated.get(evaluated.engagement_id))
        for evaluated, before in pairs
        if evaluated.engagement_id not in live
        and _calls(
            evaluated,
            before,
            seen.get(evaluated.engagement_id, ()),
            dismissed.get(evaluated.engagement_id),
            as_of,
            thresholds,
        )
    ]
    for evaluated, finding in raised:
        _raise(evaluated, finding, as_of, actor)
    return Moves(raised=len(raised), cleared=len(cleared))


def _standing(evaluated: Evaluated) -> Standing:
    assessment = evaluated.assessment
    return Standing(assessment.opposition, assessment.verdict)


def _assessed_after(day: date) -> set[int]:
    later = Assessment.objects.filter(as_of__gt=day).order_by()
    return set(later.values_list("engagement_id", flat=True).distinct())


def _live_flags() -> dict[int, Flag]:
    flags = (
        Flag.objects.select_for_update(of=("self",))
        .filter(state__in=LIVE_STATES)
        .select_related("engagement")
    )
    return {flag.engagement_id: flag for flag in flags}


def _calls(
    evaluated: Evaluated,
    before: Standing | None,
    seen: Sequence[Finding],
    dismissed: "_Dismissed | None",
    as_of: date,
    thresholds: Thresholds,
) -> bool:
    """Whether the other model fits better twice, or a day is set for a decision.

    After a dismissal only where clearly more speaks for it, or a new pattern shows.
    """
    now = _standing(evaluated)
    is_opposed = calls_for_flag(now, before, is_pressing=_is_pressing(evaluated, as_of))
    if dismissed is None:
        return is_opposed or any(one.pattern.is_dated for one in seen)
    new = [one for one in seen if one.code not in dismissed.patterns]
    if any(one.pattern.is_dated for one in new):
        return True
    has_new = dismissed.knows_patterns and bool(new)
    return is_opposed and (
        has_new
        or dismissed.is_spent
        or now.opposition >= least_after_dismissal(dismissed.opposition, thresholds)
    )


def _is_pressing(evaluated: Evaluated, as_of: date) -> bool:
    """Whether notice must be given before another month's evaluation could agree."""
    deadline = evaluated.notice_deadline_on
    return deadline is not None and as_of <= deadline < add_months(as_of, 1)


@dataclass(frozen=True)
class _Dismissed:
    """How an engagement's latest dismissed flag stood when it was dismissed.

    `patterns` are the codes of those known then, and at dismissals before: one that
    comes and goes is not new.  `knows_patterns` is False of a dismissal from before
    they were noted: then it is only known which dated one raised the flag.
    """

    flag: int
    opposition: float
    patterns: frozenset[str]
    knows_patterns: bool
    is_spent: bool


def _dismissed_flags() -> dict[int, _Dismissed]:
    """By engagement id; one query."""
    rows = (
        Decision.objects.filter(action=FlagAction.DISMISS)
        .order_by("at", "id")
        .values_list(
            *("flag__engagement_id", "flag_id", "opposition", "patterns"),
            *("flag__pattern", "flag__spent_on"),
        )
    )
    found: dict[int, _Dismissed] = {}
    for engagement, flag, opposition, patterns, dated, spent_on in rows:
        known = {*(patterns or ()), *([dated] if dated else ())}
        before = found.get(engagement)
        found[engagement] = _Dismissed(
            flag=flag,
            opposition=opposition,
            patterns=frozenset(known | (before.patterns if before else set())),
            knows_patterns=patterns is not None,
            is_spent=spent_on is not None,
        )
    return found


def _spend(
    dismissed: Mapping[int, _Dismissed],
    pairs: Iterable[tuple[Evaluated, Standing | None]],
    as_of: date,
    thresholds: Thresholds,
) -> None:
    """Note which dismissals have served: what they answered is over.

    One update at most. They hold nothing down from the next rise on; this night's is
    none, since its opposition is below the level at which flags are cleared.
    """
    served = [
        last.flag
        for evaluated, before in pairs
        if (last := dismissed.get(evaluated.engagement_id)) is not None
        and not last.is_spent
        and before is not None
        and calls_for_clearing(_standing(evaluated), before, thresholds)
    ]
    if served:
        Flag.objects.filter(pk__in=served, state=FlagState.DISMISSED).update(
            spent_on=as_of, updated_at=timezone.now()
        )


def _raise(
    evaluated: Evaluated, finding: Finding | None, as_of: date, actor: User | None
) -> None:
    assessment = evaluated.assessment
    is_opposed = assessment.verdict == Verdict.OTHER_MODEL_FITS

    def reason() -> str:
        said = finding.sentence if finding else evaluated.strongest_sentence()
        return said[:SENTENCE_LENGTH]

    flag = Flag.objects.create(
        engagement_id=evaluated.engagement_id,
        raised_on=as_of,
        opposition=assessment.opposition,
        leaning=OTHER_KIND[assessment.kind] if is_opposed else "",
        sentence=in_english(reason),
        wordings=in_other_languages(reason),
        pattern=finding.code if finding else "",
        notice_deadline_on=evaluated.notice_deadline_on,
    )
    events.record(
        event_type="model_flag.raised",
        subject=flag,
        changes={
            "state": [None, FlagState.OPEN.value],
            "opposition": [None, flag.opposition],
            "raised_on": [None, events.plain(as_of)],
            **{
                name: [None, getattr(flag, name)]
                for name in ("leaning", "pattern")
                if getattr(flag, name)
            },
        },
        engagement=Engagement(pk=evaluated.engagement_id),
        actor=actor,
    )


def _renew_deadlines(flags: Iterable[Flag]) -> None:
    """Follow the engagements, whose deadline moves when they renew or are extended.

    One update at most. No event: that of the engagement tells why it moved.
    """
    stale = [
        flag.pk
        for flag in flags
        if flag.state in LIVE_STATES
        and flag.notice_deadline_on != flag.engagement.notice_deadline_on
    ]
    if stale:
        own = Engagement.objects.filter(pk=OuterRef("engagement"))
        Flag.objects.filter(pk__in=stale).update(
            notice_deadline_on=Subquery(own.values("notice_deadline_on")[:1]),
            updated_at=timezone.now(),
        )


def _clear(flag: Flag, as_of: date, actor: User | None) -> None:
    before = flag.state
    flag.state = FlagState.CLEARED
    # A day judged long after it passed can lie before the raise.
    flag.cleared_on = max(as_of, flag.raised_on)
    flag.snoozed_until = None
    flag.save(update_fields=["state", "cleared_on", "snoozed_until", "updated_at"])
    events.record(
        event_type="model_flag.cleared",
        subject=flag,
        changes={
            "state": [before, FlagState.CLEARED.value],
            "cleared_on": [None, events.plain(flag.cleared_on)],
        },
        engagement=flag.engagement,
        actor=actor,
    )


def _wake(flags: Iterable[Flag], as_of: date, actor: User | None) -> None:
    """Open again what was snoozed until now."""
    for flag in flags:
        if flag.snoozed_until is None or flag.snoozed_until > as_of:
            continue
        until, flag.snoozed_until = flag.snoozed_until, None
        flag.state = FlagState.OPEN
        flag.save(update_fields=["state", "snoozed_until", "updated_at"])
        events.record(
            event_type="model_flag.reopened",
            subject=flag,
            changes={
                "state": [FlagState.SNOOZED.value, FlagState.OPEN.value],
                "snoozed_until": [events.plain(until), None],
            },
            engagement=flag.engagement,
            actor=actor,
        )
