import logging
from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import date, timedelta

from django.db import transaction
from django.utils import timezone

from engagements.models import Engagement, User
from tracker.notify.digest import digest, digest_line
from tracker.notify.due import (
    Deadline,
    deadlines_of,
    due_threshold,
    is_escalated,
    threshold_reached,
)
from tracker.notify.models import Reminder
from tracker.notify.queries import (
    Told,
    engagements_with_dates,
    last_changes,
    thresholds_told,
)
from tracker.notify.recipients import Recipients

# Longer than a mail server may keep us waiting, shorter than the job's own lease.
LEASE = timedelta(minutes=30)

log = logging.getLogger(__name__)


class MailNotSentError(Exception):
    """Some people's digests could not be sent; the next run tries them again."""


@dataclass(frozen=True)
class Sent:
    """What a run did; `without_recipient` counts dates that nobody could be told of."""

    mails: int = 0
    reminders: int = 0
    without_recipient: int = 0


@dataclass(frozen=True)
class _Due:
    """One reminder to send: of which engagement and date, at which threshold."""

    engagement: Engagement
    deadline: Deadline
    threshold: int
    is_escalation: bool

    @property
    def key(self) -> tuple[int, str, date, int]:
        day = self.deadline.falls_on
        return (self.engagement.pk, self.deadline.kind.value, day, self.threshold)


def send_reminders(*, today: date) -> Sent:
    """Send each person one digest of the reminders that are due.

    A reminder is sent once, however many processes run this. Each digest stands on
    its own: raises MailNotSentError at the end if any failed, when all were tried.
    """
    due, without_recipient = _due_by_person(today)
    sent, failures = Sent(without_recipient=without_recipient), 0
    for person, reminders in due.items():
        claimed = _claim(person=person, reminders=reminders)
        if not claimed:
            continue
        if _send(person=person, claimed=claimed, today=today):
            sent = replace(
                sent, mails=sent.mails + 1, reminders=sent.reminders + len(claimed)
            )
        else:
            failures += 1
    if failures:
        raise MailNotSentError(
            f"{failures} of {failures + sent.mails} mails could not be sent; "
            "the log says why. They are tried again."
        )
    return sent


def _due_by_person(today: date) -> tuple[dict[User, list[_Due]], int]:
    engagements = list(engagements_with_dates(today))
    recipients = Recipients(engagements)
    told = thresholds_told(today)
    changed = last_changes(engagement.pk for engagement in engagements)
    due: dict[User, list[_Due]] = defaultdict(list)
    without_recipient = 0
    for engagement, deadline in _near_dates(engagements, today):
        escalated = is_escalated(
            deadline, today=today, last_changed_on=changed.get(engagement.pk)
        )
        people = recipients.told_of(engagement, is_escalated=escalated)
        without_recipient += not people
        for person, is_escalation in people.items():
            threshold = due_threshold(
                deadline.falls_on,
                today=today,
                sent=told.get(Told(person.pk, engagement.pk, deadline), ()),
            )
            if threshold is not None:
                due[person].append(_Due(engagement, deadline, threshold, is_escalation))
    return due, without_recipient


def _near_dates(
    engagements: list[Engagement], today: date
) -> list[tuple[Engagement, Deadline]]:
    return [
        (engagement, deadline)
        for engagement in engagements
        for deadline in deadlines_of(
            notice_given_on=engagement.notice_given_on,
            notice_deadline_on=engagement.notice_deadline_on,
            term_ends_on=engagement.term_ends_on,
        )
        if threshold_reached(deadline.falls_on, today) is not None
    ]


@transaction.atomic(durable=True)
def _claim(*, person: User, reminders: list[_Due]) -> dict[int, _Due]:
    """Take what no other process holds or has sent; returns it by its row's id.

    Committed before the mail goes out: two processes never send the same.
    """
    now = timezone.now()
    Reminder.objects.bulk_create(
        [
            Reminder(
                recipient=person,
                engagement=each.engagement,
                kind=each.deadline.kind.value,
                falls_on=each.deadline.falls_on,
                threshold_days=each.threshold,
                is_escalation=each.is_escalation,
                leased_until=now,
            )
            for each in reminders
        ],
        ignore_conflicts=True,
    )
    by_key = {each.key: each for each in reminders}
    free = (
        Reminder.objects.select_for_update()
        .filter(recipient=person, sent_at__isnull=True, leased_until__lte=now)
        .order_by("id")
    )
    claimed = {
        row.pk: by_key[key]
        for row in free
        if (key := (row.engagement_id, row.kind, row.falls_on, row.threshold_days))
        in by_key
    }
    Reminder.objects.filter(pk__in=claimed).update(leased_until=now + LEASE)
    return claimed


def _send(*, person: User, claimed: dict[int, _Due], today: date) -> bool:
    lines = [
        digest_line(
            each.engagement,
            each.deadline,
            today=today,
            is_escalation=each.is_escalation,
        )
        for each in claimed.values()
    ]
    rows = Reminder.objects.filter(pk__in=claimed)
    try:
        digest(person=person, lines=lines, today=today).send()
    except OSError:
        # Errors of SMTP and of the network alike.
        log.exception("The digest of user %s could not be sent", person.pk)
        rows.update(leased_until=timezone.now())
        return False
    rows.update(sent_at=timezone.now())
    return True
