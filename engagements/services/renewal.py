"""Renewing, giving notice and extending, with their effect told beforehand."""

from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass
from datetime import date

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from engagements import events
from engagements.choices import Kind, Renewal, Status
from engagements.errors import WrongStateError
from engagements.models import Assignment, ChangeOrder, Engagement, Event, User
from engagements.services.approval_requests import check_change_is_agreed
from engagements.services.boarding import move_due_days, start_offboarding
from engagements.services.commitment import (
    Position,
    committed_until,
    current_term,
    day_in_words,
    end_when_open,
    position,
    refresh_commitments,
    set_commitment,
    term_rules,
)
from engagements.services.extending import check_answered
from engagements.services.records import check_version
from engagements.services.spending import (
    AT_ONCE,
    cost_of,
    holding_money,
    money_warnings,
)
from engagements.services.tenure import check_tenure, excesses
from engagements.values import periods
from engagements.values.periods import Term

# So many engagements are rolled in one transaction.
_BATCH = 200


class Step:
    """One change of an engagement's term; `apply` refuses or changes the record."""

    event_type: str
    # Whether it makes the work go on for longer, which a tenure policy may refuse.
    is_longer: bool = True

    def apply(self, engagement: Engagement) -> None:
        """Change the record in memory; raises WrongStateError or ValidationError."""
        raise NotImplementedError


@dataclass(frozen=True)
class Renewing(Step):
    renewed_on: date
    months: int | None = None
    event_type = "engagement.renewed"

    def apply(self, engagement: Engagement) -> None:
        if engagement.renewal == Renewal.NONE:
            raise WrongStateError(
                _("%(reference)s does not renew: extend it, or change its renewal.")
                % {"reference": engagement.reference}
            )
        if engagement.notice_given_on:
            raise WrongStateError(
                _("Notice was given on %(day)s: extend it, or log a new engagement.")
                % {"day": day_in_words(engagement.notice_given_on)}
            )
        if engagement.term_number > 1 and engagement.term_starts_on > self.renewed_on:
            raise WrongStateError(
                _("It is renewed already, until %(end)s.")
                % {"end": day_in_words(engagement.term_ends_on)}
            )
        months = self.months or engagement.renewal_term_months
        if months is None:
            raise ValidationError({"months": _("Say for how many months it renews.")})
        following = periods.next_term(
            term_rules(engagement, months), current_term(engagement)
        )
        if following is None:
            raise WrongStateError(_refusal_to_renew(engagement))
        _move_to(engagement, following)


@dataclass(frozen=True)
class GivingNotice(Step):
    given_on: date
    event_type = "engagement.notice_given"
    is_longer = False

    def apply(self, engagement: Engagement) -> None:
        if engagement.notice_given_on:
            raise WrongStateError(
                _("Notice was given already, on %(day)s.")
                % {"day": day_in_words(engagement.notice_given_on)}
            )
        if self.given_on > timezone.localdate():
            raise ValidationError(
                {"given_on": _("Notice is recorded once it is given: not ahead.")}
            )
        if self.given_on < engagement.starts_on:
            raise ValidationError(
                {
                    "given_on": _("The engagement starts on %(start)s only.")
                    % {"start": day_in_words(engagement.starts_on)}
                }
            )
        end = self._end(engagement)
        engagement.notice_given_on = self.given_on
        if engagement.ends_on is not None and end < engagement.ends_on:
            engagement.agreed_until_on = engagement.ends_on
        engagement.ends_on = engagement.term_ends_on = end
        engagement.set_notice_deadline()

    def _end(self, engagement: Engagement) -> date:
        end = engagement.term_ends_on
        if end is None:
            return end_when_open(engagement, self.given_on)
        deadline = engagement.notice_deadline_on or end
        if self.given_on > deadline:
            raise ValidationError(
                {"given_on": _too_late(engagement, deadline, self.given_on)}
            )
        return end


@dataclass(frozen=True)
class Extending(Step):
    ends_on: date
    event_type = "engagement.extended"

    def apply(self, engagement: Engagement) -> None:
        end = engagement.term_ends_on
        if end is None:
            raise WrongStateError(_("It has no end that could be extended."))
        if self.ends_on <= end:
            raise ValidationError(
                {
                    "ends_on": _("It runs to %(end)s already: give a later day.")
                    % {"end": day_in_words(end)}
                }
            )
        goes_on_renewing = engagement.ends_on is None and engagement.term_number > 1
        if not goes_on_renewing:
            engagement.ends_on = max(engagement.ends_on or end, self.ends_on)
        if engagement.term_number == 1:
            # Otherwise the first term would still end after its months.
            engagement.initial_term_months = None
        if engagement.agreed_until_on and self.ends_on >= engagement.agreed_until_on:
            # What notice had cut short is whole again.
            engagement.agreed_until_on = None
        engagement.term_ends_on = self.ends_on
        engagement.set_notice_deadline()


@dataclass(frozen=True)
class Effect:
    before: Position
    after: Position


def effect_of(*, engagement: Engagement, step: Step, as_of: date) -> Effect:
    """Return where the engagement stands before and after, writing nothing.

    Raises what the step would raise.
    """
    changed = copy(engagement)
    _check_active(changed)
    step.apply(changed)
    return Effect(
        position(engagement=engagement, as_of=as_of),
        position(engagement=changed, as_of=as_of),
    )


def money_told_of(*, engagement: Engagement, step: Step) -> list[str]:
    """Return what the budgets would say of the step; nothing of it is kept.

    Raises what the step would raise.
    """
    if not step.is_longer:
        return []
    with transaction.atomic():
        stored = Engagement.objects.select_for_update().get(pk=engagement.pk)
        before = cost_of(stored)
        step.apply(stored)
        stored.save()
        told = money_warnings(stored, *AT_ONCE, before=before)
        transaction.set_rollback(True)
    return told


@transaction.atomic
def renew_engagement(
    *,
    engagement: Engagement,
    renewed_on: date,
    months: int | None = None,
    expected_version: int | None = None,
    ground: str = "",
    actor: User | None,
) -> Engagement:
    """Write the next term, of `months` or else of the renewal agreed.

    Raises WrongStateError where nothing renews: not active, notice given, renewed
    already, or the last day agreed is reached; OverBudgetError where a budget stops
    it; QuestionOpenError where something is asked first and no `ground` is given to go
    on without.
    """
    step = Renewing(renewed_on, months)
    renewed = _take(engagement, step, expected_version, actor=actor)
    check_answered(engagement=renewed, ground=ground, actor=actor)
    return renewed


@transaction.atomic
def give_notice(
    *,
    engagement: Engagement,
    given_on: date,
    expected_version: int | None = None,
    actor: User | None,
) -> Engagement:
    """Let the engagement end with its term; it no longer renews by itself.

    An open-ended one ends as early as the notice allows. Raises ValidationError on
    `given_on` after the deadline, which names it and the day one is bound to.
    """
    return _take(engagement, GivingNotice(given_on), expected_version, actor=actor)


@transaction.atomic
def extend_engagement(
    *,
    engagement: Engagement,
    ends_on: date,
    expected_version: int | None = None,
    agreed_by: ChangeOrder | None = None,
    ground: str = "",
    actor: User | None,
) -> Engagement:
    """Move the term's end to a later day; the notice deadline follows.

    Raises ApprovalNeededError where a rule asks for an approval of the longer term,
    OverBudgetError where a budget stops it, and QuestionOpenError where something is
    asked first and no `ground` is given to go on without; none of them where a change
    order in force agreed to it, whose author was asked.
    """
    extended = _take(
        engagement, Extending(ends_on), expected_version, agreed_by, actor=actor
    )
    if agreed_by is None:
        check_answered(engagement=extended, ground=ground, actor=actor)
    check_change_is_agreed(extended, agreed_by)
    return extended


@dataclass(frozen=True)
class Rolled:
    engagements: int
    terms: int
    commitments: int = 0


def roll_terms(*, today: date) -> Rolled:
    """Write the next terms of what renews by itself and whose term has ended.

    Several missed terms are caught up, each with its event. Running twice has one
    effect; no status is touched. What binds us for longer by the passing of days alone
    is written too. No tenure policy stops what was agreed to go on: that the new term
    goes beyond a limit is told as an event of its own.
    """
    pks = list(_due(today).values_list("pk", flat=True))
    engagements = terms = 0
    for first in range(0, len(pks), _BATCH):
        rolled = _roll_batch(pks[first : first + _BATCH], today)
        engagements += rolled.engagements
        terms += rolled.terms
    return Rolled(engagements, terms, refresh_commitments(today=today))


def _due(today: date) -> QuerySet[Engagement]:
    """Return what renews by itself and has come to its term's end, and not its last."""
    may_go_on = (
        Q(ends_on__isnull=True) | Q(ends_on__gt=F("term_ends_on")) | Q(term_number=1)
    )
    return Engagement.objects.filter(
        may_go_on,
        status=Status.ACTIVE,
        renewal=Renewal.AUTO,
        notice_given_on__isnull=True,
        term_ends_on__lt=today,
    ).order_by("pk")


@transaction.atomic
def _roll_batch(pks: list[int], today: date) -> Rolled:
    # Read again under the lock: another process may have rolled them meanwhile.
    rows = list(_due(today).filter(pk__in=pks).select_for_update())
    told: list[Event] = []
    for row in rows:
        told += _roll(row, today)
        set_commitment(row, today=today)
        row.version += 1
        row.updated_at = timezone.now()
    Engagement.objects.bulk_update(rows, [*_TERM_FIELDS, "version", "updated_at"])
    events.record_all(told)
    _tell_tenure_exceeded(rows)
    move_due_days(engagements=rows, actor=None)
    return Rolled(len(rows), len(told))


def _roll(engagement: Engagement, today: date) -> list[Event]:
    """Move the engagement into the term of today; return an event for each term."""
    told = []
    while engagement.term_ends_on is not None and engagement.term_ends_on < today:
        before = copy(engagement)
        rules = term_rules(engagement, engagement.renewal_term_months)
        following = periods.next_term(rules, current_term(engagement))
        if following is None:
            break
        _move_to(engagement, following)
        told.append(
            events.draft(
                event_type="engagement.term_rolled",
                subject=engagement,
                changes=events.difference(before, engagement),
                actor=None,
            )
        )
    return told


def _tell_tenure_exceeded(rolled: list[Engagement]) -> None:
    """Tell of each term just begun that goes beyond the limit of a tenure policy."""
    augmented = {row.pk: row for row in rolled if row.kind == Kind.AUGMENTED}
    if not augmented:
        return
    assignments = Assignment._default_manager.in_bulk(list(augmented))
    events.record_all(
        events.draft(
            event_type="engagement.tenure_exceeded",
            subject=augmented[pk],
            changes={
                "policies": [
                    None,
                    ", ".join(policy.name for policy in excess.policies),
                ],
                "limit_on": [None, excess.limit_on.isoformat()],
                "term_ends_on": [None, events.plain(augmented[pk].term_ends_on)],
            },
            actor=None,
        )
        for pk, excess in excesses(assignments=_assignments(assignments)).items()
    )


def _assignments(found: Mapping[int, object]) -> list[Assignment]:
    # The manager is Engagement's, and typed as such.
    return [row for row in found.values() if isinstance(row, Assignment)]


_TERM_FIELDS = (
    "ends_on",
    "term_number",
    "term_starts_on",
    "term_ends_on",
    "notice_deadline_on",
    "committed_until_on",
)
_FIELDS = (
    *_TERM_FIELDS,
    "notice_given_on",
    "agreed_until_on",
    "initial_term_months",
)


def _take(
    engagement: Engagement,
    step: Step,
    expected_version: int | None,
    agreed_by: ChangeOrder | None = None,
    *,
    actor: User | None,
) -> Engagement:
    stored = Engagement.objects.select_for_update().get(pk=engagement.pk)
    check_version(stored=stored, expected_version=expected_version)
    _check_active(stored)
    before = copy(stored)
    with holding_money(stored, agreed_by=agreed_by):
        step.apply(stored)
        set_commitment(stored, today=timezone.localdate())
        stored.version += 1
        stored.full_clean()
        stored.save()
    if step.is_longer and stored.kind == Kind.AUGMENTED:
        check_tenure(assignment=Assignment._default_manager.get(pk=stored.pk))
    events.record(
        event_type=step.event_type,
        subject=stored,
        changes=events.difference(before, stored),
        actor=actor,
    )
    move_due_days(engagements=[stored], actor=actor)
    if stored.notice_given_on and not before.notice_given_on:
        start_offboarding(engagement=stored, actor=actor)
    for name in (*_FIELDS, "version", "updated_at"):
        setattr(engagement, name, getattr(stored, name))
    return engagement


def _check_active(engagement: Engagement) -> None:
    if engagement.status != Status.ACTIVE:
        raise WrongStateError(
            _("%(reference)s is %(status)s; only an active one has a running term.")
            % {
                "reference": engagement.reference,
                "status": engagement.get_status_display().lower(),
            }
        )


def _move_to(engagement: Engagement, term: Term) -> None:
    if engagement.ends_on is not None and engagement.ends_on == engagement.term_ends_on:
        # The end was the term's. What renews by itself has none from here on.
        renews_by_itself = engagement.renewal == Renewal.AUTO
        engagement.ends_on = None if renews_by_itself else term.ends_on
    engagement.term_number = term.number
    engagement.term_starts_on = term.starts_on
    engagement.term_ends_on = term.ends_on
    engagement.notice_deadline_on = term.notice_deadline_on


def _refusal_to_renew(engagement: Engagement) -> str:
    if engagement.term_ends_on is None:
        return _("It has no end, so there is nothing to renew.")
    return _("Its last day agreed is %(end)s: extend it instead.") % {
        "end": day_in_words(engagement.ends_on)
    }


def _too_late(engagement: Engagement, deadline: date, day: date) -> str:
    until = committed_until(engagement=engagement, as_of=day)
    return _(
        "The last day to give notice was %(deadline)s; it is bound until %(until)s."
    ) % {"deadline": day_in_words(deadline), "until": day_in_words(until)}
