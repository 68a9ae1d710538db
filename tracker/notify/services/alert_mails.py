"""Alerts that also go out by mail: one at a time, by a worker, until they are sent."""

import logging
import time
from dataclasses import dataclass
from datetime import timedelta

from django.core.mail import EmailMultiAlternatives
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from engagements.models import User
from tracker.notify.alert_text import alerts_of, in_words
from tracker.notify.audiences import is_settled
from tracker.notify.mails import language_of, page_address, site_address, written_mail
from tracker.notify.models import Alert
from tracker.notify.unsubscribing import Mailing

# Longer than a mail server may keep us waiting.
LEASE = timedelta(minutes=10)
# After each failure in a row; then hourly for as long as it takes.
WAITS = (timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=20))
LONGEST_WAIT = timedelta(hours=1)
# A server that answers slowly must not keep the worker from everything else.
SECONDS_A_RUN = 50.0

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Mailed:
    """What a run did.

    `dropped` counts mails to people who may not read them now, or need not any more.
    """

    sent: int = 0
    failed: int = 0
    dropped: int = 0


def send_alert_mails(*, seconds: float = SECONDS_A_RUN) -> Mailed:
    """Send the mails that are due, as many as the time allows.

    A mail is sent once, however many processes run this; only a process that dies
    between the server's answer and its own mark sends one twice. What fails is kept
    and tried again.
    """
    counts = {"sent": 0, "failed": 0, "dropped": 0}
    ends_at = time.monotonic() + seconds
    while time.monotonic() < ends_at:
        alert = _claim()
        if alert is None:
            break
        counts[_deal_with(alert)] += 1
    return Mailed(**counts)


@transaction.atomic
def retry_mail(*, alert: Alert, actor: User | None) -> None:
    """Have the next run, within a minute, try a mail that failed."""
    Alert.objects.filter(pk=alert.pk, is_mailed=True, mailed_at=None).update(
        leased_until=timezone.now()
    )


@transaction.atomic
def _claim() -> Alert | None:
    now = timezone.now()
    waiting = Alert.objects.filter(
        is_mailed=True, mailed_at=None, leased_until__lte=now
    )
    row = (
        waiting.select_for_update(skip_locked=True, of=("self",))
        .select_related("recipient")
        .order_by("leased_until", "id")
        .first()
    )
    if row is not None:
        row.leased_until = now + LEASE
        row.save(update_fields=["leased_until"])
    return row


def _deal_with(alert: Alert) -> str:
    # Whether the reader may still see it is asked anew: hours may have passed.
    readable = alerts_of(alert.recipient).filter(pk=alert.pk).first()
    if readable is None or not alert.recipient.is_active or _is_settled(readable):
        Alert.objects.filter(pk=alert.pk).update(is_mailed=False)
        return "dropped"
    try:
        with language_of(alert.recipient):
            mail = alert_mail(readable, alert.recipient)
        mail.send()
    except (OSError, ValueError) as error:
        # Of SMTP and of the network, or of an address that no server takes.
        log.exception("The mail of alert %s could not be sent", alert.pk)
        _wait(alert, error)
        return "failed"
    Alert.objects.filter(pk=alert.pk).update(
        mailed_at=timezone.now(),
        attempts=F("attempts") + 1,
        failed_at=None,
        error="",
    )
    return "sent"


def _is_settled(alert: Alert) -> bool:
    return alert.event is not None and is_settled(alert.event)


def _wait(alert: Alert, error: Exception) -> None:
    now = timezone.now()
    wait = WAITS[alert.attempts] if alert.attempts < len(WAITS) else LONGEST_WAIT
    Alert.objects.filter(pk=alert.pk).update(
        leased_until=now + wait,
        attempts=alert.attempts + 1,
        failed_at=now,
        error=type(error).__name__,
    )


def alert_mail(alert: Alert, person: User) -> EmailMultiAlternatives:
    """Return the mail, unsent."""
    (text,) = in_words([alert], person)
    return written_mail(
        person=person,
        subject=text.subject,
        template="alert",
        context={
            "text": text,
            "address": site_address(text.path),
            "alerts": page_address("admin:tracker_alert_own"),
        },
        mailing=Mailing.ALERTS,
    )
