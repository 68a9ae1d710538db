import logging
from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta

from django.core.mail import EmailMultiAlternatives
from django.db import transaction
from django.utils import timezone

from engagements.models import Engagement, User
from engagements.permissions import sees_money
from tracker.notify.dates import Dated, near_dates
from tracker.notify.digest import digest, digest_line
from tracker.notify.due import (
    ESCALATED_AT,
    Deadline,
    DeadlineKind,
    due_threshold,
    is_escalated,
)
from tracker.notify.flag_lines import flag_lines
from tracker.notify.mails import language_of
from tracker.notify.models import Alert, NotificationPreference, Reminder
from tracker.notify.pattern_lines import pattern_lines
from tracker.notify.preferences import Wishes, wishes_by_user
from tracker.notify.queries import Told, last_changes, thresholds_told
from tracker.notify.recipients import Recipients, sees_contractors

# Longer than a mail server may keep us waiting, shorter than the job's own lease.
LEASE = timedelta(minutes=30)

log = logging.getLogger(__name__)


class MailNotSentError(Exception):
    """Some people's digests could not be sent; the next run tries them again."""


@dataclass(frozen=True)
class Sent:
    """What a run did; `held_back` counts what waits for its reader's next digest.

    `without_recipient` counts dates that nobody could be told of.
    """

    mails: int = 0
    reminders: int = 0
    held_back: int = 0
    without_recipient: int = 0


@dataclass(frozen=True)
class _Due:
    """One reminder to give: of which engagement and date, at which threshold."""

    engagement: Engagement
    deadline: Deadline
    threshold: int
    is_escalation: bool

    @property
    def key(self) -> tuple[int, str, int, date, int]:
        deadline = self.deadline
        return (
            self.engagement.pk,
            deadline.kind.value,
            deadline.subject_id,
            deadline.falls_on,
            self.threshold,
        )

    @property
    def is_urgent(self) -> bool:
        return self.is_escalation or self.threshold <= ESCALATED_AT


@dataclass(frozen=True)
class _Share:
    """What one person is told in a run: all of it in the product, `mailed` by mail."""

    person: User
    due: list[_Due]
    mailed: list[_Due]
    is_digest: bool


@dataclass
class _Run:
    today: date
    now: datetime
    wishes: dict[int, Wishes] = field(default_factory=wishes_by_user)

    def wishes_of(self, person: User) -> Wishes:
        return self.wishes.get(person.pk) or Wishes()

    def share_of(self, person: User, due: list[_Due]) -> _Share:
        """Choose what is mailed now; the rest is still due in the next run."""
        wishes = self.wishes_of(person)
        if wishes.has_digest(self.now):
            return _Share(person, due, due, is_digest=True)
        urgent = [each for each in due if each.is_urgent]
        mailed = urgent if wishes.has_urgent_mail(self.now) else []
        return _Share(person, due, mailed, is_digest=False)


def send_reminders(*, today: date, now: datetime | None = None) -> Sent:
    """Tell each person of the deadlines that are due: in the product, and by mail.

    Each person's mail is one digest, at the times they have chosen as of `now` (noon
    of the day, unless given); what is at 7 days or escalated comes by daylight
    whatever they chose. A reminder is mailed once, however many processes run this.
    Each digest stands on its own: raises MailNotSentError at the end if any failed,
    when all were tried.
    """
    noon = datetime.combine(today, time(12), timezone.get_default_timezone())
    run = _Run(today, now or noon)
    due, without_recipient = _due_by_person(run)
    sent, failed = Sent(without_recipient=without_recipient), []
    for person, reminders in due.items():
        share = run.share_of(person, reminders)
        held_back = len(share.due) - len(share.mailed)
        sent = replace(sent, held_back=sent.held_back + held_back)
        claimed = _claim(share)
        if not claimed:
            continue
        if _send(share, claimed=claimed, today=today):
            sent = replace(
                sent, mails=sent.mails + 1, reminders=sent.reminders + len(claimed)
            )
        else:
            failed.append(person.pk)
    _close_digests(run, failed)
    if failed:
        raise MailNotSentError(
            f"{len(failed)} of {len(failed) + sent.mails} mails could not be sent; "
            "the log says why. They are tried again."
        )
    return sent


def _due_by_person(run: _Run) -> tuple[dict[User, list[_Due]], int]:
    dates = near_dates(run.today)
    engagements = {each.engagement.pk: each.engagement for each in dates}
    recipients = Recipients(engagements.values())
    told = thresholds_told(run.today)
    changed = last_changes(engagements)
    due: dict[User, list[_Due]] = defaultdict(list)
    without_recipient = 0
    for dated in dates:
        escalated = is_escalated(
            dated.deadline,
            today=run.today,
            last_changed_on=changed.get(dated.engagement.pk),
        )
        people = recipients.told_of(dated.engagement, is_escalated=escalated)
        without_recipient += not people
        for person, is_escalation in people.items():
            if dated.deadline.kind is DeadlineKind.CLAIM and not sees_money(person):
                continue
            threshold = _threshold(run, person, dated, told)
            if threshold is not None:
                due[person].append(_Due(*dated, threshold, is_escalation))
    return due, without_recipient


def _threshold(
    run: _Run, person: User, dated: Dated, told: dict[Told, set[int]]
) -> int | None:
    engagement, deadline = dated
    return due_threshold(
        deadline.falls_on,
        today=run.today,
        sent=told.get(Told(person.pk, engagement.pk, deadline), ()),
        among=run.wishes_of(person).thresholds(deadline.kind),
    )


@transaction.atomic(durable=True)
def _claim(share: _Share) -> dict[int, _Due]:
    """Write the reminders, and take for mailing what no other process holds or has
    sent; returns that by its row's id.

    Committed before the mail goes out: two processes never send the same.
    """
    now = timezone.now()
    Reminder.objects.bulk_create(
        [
            Reminder(
                recipient=share.person,
                engagement_id=each.engagement.pk,
                kind=each.deadline.kind.value,
                subject_id=each.deadline.subject_id,
                falls_on=each.deadline.falls_on,
                threshold_days=each.threshold,
                is_escalation=each.is_escalation,
                leased_until=now,
            )
            for each in share.due
        ],
        ignore_conflicts=True,
    )
    free = list(
        Reminder.objects.select_for_update()
        .filter(recipient=share.person, sent_at__isnull=True, leased_until__lte=now)
        .order_by("id")
    )
    # Those written just now are new to their reader; the others have their alert, or
    # had it until it was read long ago.
    _tell_in_product([row for row in free if row.leased_until == now])
    by_key = {each.key: each for each in share.mailed}
    claimed = {row.pk: by_key[key] for row in free if (key := _key(row)) in by_key}
    Reminder.objects.filter(pk__in=claimed).update(leased_until=now + LEASE)
    return claimed


def _key(row: Reminder) -> tuple[int, str, int, date, int]:
    return (
        row.engagement_id,
        row.kind,
        row.subject_id,
        row.falls_on,
        row.threshold_days,
    )


def _tell_in_product(rows: list[Reminder]) -> None:
    Alert.objects.bulk_create(
        [
            Alert(
                recipient_id=row.recipient_id,
                reminder=row,
                engagement_id=row.engagement_id,
            )
            for row in rows
        ],
        ignore_conflicts=True,
    )


def _send(share: _Share, *, claimed: dict[int, _Due], today: date) -> bool:
    rows = Reminder.objects.filter(pk__in=claimed)
    try:
        _mail(share, list(claimed.values()), today).send()
    except (OSError, ValueError) as error:
        # Of SMTP and of the network, or of an address that no server takes.
        log.exception("The digest of user %s could not be sent", share.person.pk)
        now = timezone.now()
        rows.update(leased_until=now, failed_at=now, error=type(error).__name__)
        return False
    rows.update(sent_at=timezone.now(), failed_at=None, error="")
    return True


def _mail(share: _Share, due: list[_Due], today: date) -> EmailMultiAlternatives:
    with language_of(share.person):
        return _written(share, due, today)


def _written(share: _Share, due: list[_Due], today: date) -> EmailMultiAlternatives:
    is_about_people = any(each.deadline.person for each in due)
    names_people = is_about_people and sees_contractors(share.person)
    lines = [
        digest_line(
            each.engagement,
            each.deadline,
            today=today,
            is_escalation=each.is_escalation,
            names_people=names_people,
        )
        for each in due
    ]
    engagements = {each.engagement.pk for each in due}
    return digest(
        person=share.person,
        lines=lines,
        flags=flag_lines(person=share.person, engagements=engagements, today=today),
        patterns=pattern_lines(person=share.person, engagements=engagements),
        today=today,
        can_be_turned_off=share.is_digest,
    )


def _close_digests(run: _Run, failed: list[int]) -> None:
    """Let no second digest go out before the next time; a failed one is open still."""
    served = [
        user
        for user, wishes in run.wishes.items()
        if wishes.has_digest(run.now) and user not in failed
    ]
    if served:
        NotificationPreference.objects.filter(user__in=served).update(digest_at=run.now)
