"""What runs by itself. A task takes plain arguments, and calls one service."""

import logging
from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, timedelta
from typing import Any

from celery import shared_task
from django.conf import settings
from django.core.cache import cache
from django.core.management import call_command
from django.db import transaction
from django.utils import timezone
from kombu.exceptions import OperationalError

from engagements.models import Event
from engagements.services import boarding, departures, documents, renewal
from engagements.values.periods import add_months, month_of
from tracker.api.idempotency import forget_keys
from tracker.api.services import forget_tokens
from tracker.dashboards.saved import mails as saved_pages
from tracker.directory import services as directory
from tracker.fit.services import assess
from tracker.fit.services import thin_assessments as thin
from tracker.imports import services as imports
from tracker.jobs.services import run_job
from tracker.notify import services as notify
from tracker.notify.event_types import TELLINGS
from tracker.performance.services import ask_for_reviews as ask_reviews
from tracker.performance.services import settle_windows
from tracker.spend import services as spend
from tracker.spend.services import LedgerMismatchError
from tracker.spend.services.month_end import MONTH_END
from tracker.spend.services.rates import LOOK_AT_RATES
from tracker.webhooks import services as webhooks
from tracker.webhooks.public_types import is_perhaps_public
from tracker.webhooks.queries import seconds_until_due

# Names of people stand in them.
SYNC_ENTRIES_KEPT = timedelta(days=180)

log = logging.getLogger(__name__)


@shared_task
def clear_sessions() -> None:
    """Delete the sessions that have expired."""
    call_command("clearsessions")


@shared_task
def roll_terms() -> None:
    """Write the next term of what renews by itself and whose term has ended."""
    today = timezone.localdate()
    run_job(
        name="roll terms",
        key=today.isoformat(),
        work=lambda: asdict(renewal.roll_terms(today=today)),
    )


@shared_task
def settle_departures() -> None:
    """Close departures of which nothing is left, and forget old sync entries."""
    today = timezone.localdate()
    run_job(
        name="settle departures",
        key=today.isoformat(),
        work=lambda: {
            "settled": departures.settle_empty_departures().departures,
            "entries": directory.remove_old_entries(
                before=timezone.now() - SYNC_ENTRIES_KEPT
            ),
        },
    )


@shared_task
def look_at_budgets() -> None:
    """Tell of the budgets that passed a threshold by the passing of days alone."""
    today = timezone.localdate()
    run_job(
        name="look at budgets",
        key=today.isoformat(),
        work=lambda: _looked_at(spend.refresh_crossings(today=today)),
    )


def _looked_at(found: spend.BudgetsLookedAt) -> dict[str, Any]:
    """Name what nobody can reckon for want of an exchange rate."""
    not_counted = [f"{one.name} ({one.currency})" for one in found.uncounted]
    return {"told": found.told, "not_counted": not_counted}


@shared_task
def delete_orphan_files() -> None:
    """Delete the files that no document names."""
    run_job(
        name="delete orphan files",
        key=timezone.localdate().isoformat(),
        work=lambda: {"files": documents.delete_orphan_files()},
    )


@shared_task
def start_offboardings() -> None:
    """Make the off-boarding tasks of what ends soon."""
    today = timezone.localdate()
    run_job(
        name="start off-boardings",
        key=today.isoformat(),
        work=lambda: asdict(boarding.start_due_offboardings(today=today)),
    )


@shared_task
def assess_engagements() -> None:
    """Judge every running engagement, once a day whoever asks and how often."""
    today = timezone.localdate()
    run_job(
        name="assess engagements",
        key=today.isoformat(),
        work=lambda: asdict(assess(as_of=today, actor=None)),
    )


@shared_task
def thin_assessments() -> None:
    """Keep month ends, and what flags and decisions rest on, of months long past."""
    today = timezone.localdate()
    run_job(
        name="thin assessments",
        key=today.isoformat(),
        work=lambda: {"removed": thin(today=today)},
    )


@shared_task
def refresh_rates() -> None:
    """Fetch the reference rates of the day, where an address is set."""
    if not settings.FX_RATES_URL:
        return
    run_job(
        name="refresh exchange rates",
        key=timezone.localdate().isoformat(),
        work=_refreshed,
    )


def _refreshed() -> dict[str, Any]:
    found = spend.refresh_rates()
    return {"new": found.new, "last_on": found.last_on.isoformat()}


@shared_task
def look_at_exchange_rates() -> None:
    """Tell of currencies whose last known rate has grown old."""
    today = timezone.localdate()
    run_job(
        name=LOOK_AT_RATES,
        key=today.isoformat(),
        work=lambda: {
            "old": [one.currency for one in spend.tell_old_rates(today=today)]
        },
    )


@shared_task
def refresh_totals() -> None:
    """Derive the totals of the months that postings have marked; most often none."""
    spend.refresh_totals()


@shared_task
def verify_ledger() -> None:
    """Compare the roll-ups with the ledger; a difference fails the job's run."""
    run_job(
        name="verify ledger",
        key=timezone.localdate().isoformat(),
        work=_verified,
    )


def _verified() -> dict[str, int]:
    found = spend.verify_ledger()
    wrong = {
        "roll_ups": len(found.roll_up_mismatches),
        "totals": len(found.total_mismatches),
        "bookings": len(found.booking_mismatches),
        "documents": len(found.source_mismatches),
        "reversals": len(found.reversal_mismatches),
        "unknown_sources": len(found.unknown_sources),
        "unposted_work": len(found.unposted_work),
        "splits": len(found.split_mismatches),
    }
    if not found.is_exact:
        raise LedgerMismatchError(
            f"What is kept differs from the ledger: {wrong}. verify_ledger names each."
        )
    return {"entries": found.entries, **wrong}


# Upon these an invoice is there to be compared.
INVOICE_CAME = frozenset({"invoice.posted", "invoice.received", "invoice.reopened"})


@shared_task
def match_received_invoices() -> None:
    """Compare the invoices that came in with what was agreed."""
    found = spend.match_received()
    if found != spend.Matched():
        spend.bring_savings_up()


@shared_task
def match_open_invoices() -> None:
    """Compare anew what is not approved, and bring savings up with what came in."""
    run_job(
        name="match invoices",
        key=timezone.localdate().isoformat(),
        work=lambda: asdict(spend.match_open()) | asdict(spend.bring_savings_up()),
    )


@shared_task
def watch_purchase_orders() -> None:
    """Tell of orders that run out before their end."""
    today = timezone.localdate()
    run_job(
        name="watch purchase orders",
        key=today.isoformat(),
        work=lambda: asdict(spend.watch_orders(today=today)),
    )


def match_soon(events: Iterable[Event], **_: Any) -> None:
    """Have a worker compare the invoices as soon as they are committed.

    Only to be quicker: without a broker the next run within minutes does.
    """
    if any(event.event_type in INVOICE_CAME for event in events):
        transaction.on_commit(_send_for_match, robust=True)


def _send_for_match() -> None:
    # One message does for all invoices of a file; what is later than it waits.
    if not cache.add("match-on-its-way", True, timeout=QUIET_SECONDS):
        return
    try:
        match_received_invoices.delay()
    except OperationalError:
        log.warning("no broker for the match; left to the next run within minutes")


@shared_task
def end_month() -> None:
    """Accrue the month that is over, and tell finance what hinders its close."""
    today = timezone.localdate()
    month = add_months(month_of(today), -1)
    run_job(
        name=MONTH_END,
        key=f"{month:%Y-%m}",
        work=lambda: asdict(spend.end_month(month=month, today=today)),
    )


@shared_task
def settle_service_levels() -> None:
    """Judge the windows that are over, and bring service credits in line with them."""
    today = timezone.localdate()
    run_job(
        name="settle service levels",
        key=today.isoformat(),
        work=lambda: asdict(settle_windows(today=today)),
    )


@shared_task
def ask_for_reviews() -> None:
    """Tell managers which reviews have come due."""
    today = timezone.localdate()
    run_job(
        name="ask for reviews",
        key=today.isoformat(),
        work=lambda: {"asked": ask_reviews(today=today)},
    )


@shared_task
def send_reminders() -> None:
    """Tell people of deadlines, once an hour, since each chooses when."""
    now = timezone.now()
    run_job(
        name="send reminders",
        # In UTC no hour comes twice, nor is one left out.
        key=f"{now.astimezone(UTC):%Y-%m-%d %H:00 UTC}",
        work=lambda: asdict(
            notify.send_reminders(today=timezone.localdate(now), now=now)
        ),
    )


@shared_task
def mail_saved_pages() -> None:
    """Mail saved pages to whom they are due, once a day whoever asks and how often."""
    today = timezone.localdate()
    run_job(
        name="mail saved pages",
        key=today.isoformat(),
        work=lambda: asdict(saved_pages.mail_saved_pages(today=today)),
    )


# So long no second message asks for the delivery of alerts.
QUIET_SECONDS = 5


@shared_task
def deliver_alerts() -> None:
    """Tell people of what happened, and send the mails that go with it."""
    notify.tell_events()
    notify.send_alert_mails()


def deliver_soon(events: Iterable[Event], **_: Any) -> None:
    """Have a worker tell of the events as soon as they are committed.

    Only to be quicker: without a broker the next minute's run tells of them.
    """
    if any(event.event_type in TELLINGS for event in events):
        transaction.on_commit(_send_for_delivery, robust=True)


def _send_for_delivery() -> None:
    # Many writes in a row are one piece of news: the queue is for other work too, and
    # what comes later than the message is told within the minute.
    if not cache.add("alerts-on-their-way", True, timeout=QUIET_SECONDS):
        return
    try:
        deliver_alerts.delay()
    except OperationalError:
        log.warning("no broker for alerts; left to the next minute's run")


# Events within so many seconds of one another are published and sent together.
GATHER_SECONDS = 1
# Until the next minute's run, what falls due is waited for.
SOON_SECONDS = 60


@shared_task
def send_webhooks() -> None:
    """Give events their place in the stream, and send what is due."""
    webhooks.publish_events()
    webhooks.deliver_due()
    seconds = seconds_until_due(now=timezone.now())
    if seconds is not None and seconds < SOON_SECONDS:
        _ask_for_webhooks(countdown=seconds + GATHER_SECONDS)


def publish_soon(events: Iterable[Event], **_: Any) -> None:
    """Have a worker publish the events as soon as they are committed.

    Likewise where somebody asked for a message to be sent. Only to be quicker: without
    a broker the next minute's run does.
    """
    if any(
        is_perhaps_public(event) or event.event_type in webhooks.ASKS_TO_SEND
        for event in events
    ):
        transaction.on_commit(_send_webhooks_soon, robust=True)


def _send_webhooks_soon() -> None:
    # What comes while the message waits is sent with it.
    if cache.add("webhooks-on-their-way", True, timeout=GATHER_SECONDS):
        _ask_for_webhooks(countdown=GATHER_SECONDS)


def _ask_for_webhooks(*, countdown: float) -> None:
    try:
        send_webhooks.apply_async(countdown=countdown)
    except OperationalError:
        log.warning("no broker for webhooks; left to the next minute's run")


@shared_task
def look_after_webhooks() -> None:
    """Turn off endpoints that have failed for days, and erase old logs."""
    now = timezone.now()
    run_job(
        name="look after webhooks",
        key=timezone.localdate(now).isoformat(),
        work=lambda: {
            "disabled": webhooks.disable_failing(now=now),
            "erased": webhooks.forget_deliveries(now=now),
        },
    )


@shared_task
def tell_coming_dates() -> None:
    """Record which terms end soon, and of which notice is to be decided."""
    today = timezone.localdate()
    run_job(
        name="tell coming dates",
        key=today.isoformat(),
        work=lambda: {"told": notify.tell_coming_dates(today=today)},
    )


@shared_task
def tell_overdue_tasks() -> None:
    """Record which tasks of checklists are overdue since today."""
    today = timezone.localdate()
    run_job(
        name="tell overdue tasks",
        key=today.isoformat(),
        work=lambda: {"tasks": notify.tell_overdue_tasks(today=today)},
    )


@shared_task
def tell_missing_sheets() -> None:
    """Record which timesheets nobody began in time."""
    today = timezone.localdate()
    run_job(
        name="tell missing timesheets",
        key=today.isoformat(),
        work=lambda: {"sheets": notify.tell_missing_sheets(today=today)},
    )


@shared_task
def remove_read_alerts() -> None:
    """Remove alerts that were read long ago."""
    now = timezone.now()
    run_job(
        name="remove read alerts",
        key=timezone.localdate(now).isoformat(),
        work=lambda: {"removed": notify.remove_read_alerts(now=now)},
    )


@shared_task
def forget_idempotency_keys() -> None:
    """Delete answers kept for requests that may be sent twice, and expired tokens."""
    run_job(
        name="forget idempotency keys",
        key=timezone.now().strftime("%Y-%m-%d %H"),
        work=lambda: {"keys": forget_keys(), "tokens": forget_tokens()},
    )


@shared_task
def run_import(run_id: int, step: int) -> None:
    """Check or apply an uploaded file; a message that comes twice has one effect."""
    imports.work_on(run_id=run_id, step=step)


@shared_task
def resend_imports() -> None:
    """Send again the imports that no worker took up, or whose worker died."""
    imports.resend_waiting()
