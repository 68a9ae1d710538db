"""The Celery app and the table of what runs by itself."""

import os
from typing import Any

from celery import Celery, Task
from celery.schedules import crontab
from celery.signals import setup_logging

from engagements import request_id

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")


class TracedTask(Task[Any, Any]):
    """Events and log lines of a task carry its id where a request's would stand."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        # Without an id the task was called as a function, by whoever is at work.
        with request_id.working_for(self.request.id or request_id.current()):
            return super().__call__(*args, **kwargs)


@setup_logging.connect
def leave_logging_to_django(**_: Any) -> None:
    """Celery sets up its own logging unless someone answers this signal."""


app = Celery("config", task_cls=TracedTask)
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["tracker"])

# One line per job, in local time (settings.TIME_ZONE). Tasks bear being run twice
# or late, so a night missed is made up by the next.
app.conf.beat_schedule = {
    "resend imports": {
        "task": "tracker.tasks.resend_imports",
        "schedule": crontab(minute="*"),
    },
    "clear sessions": {
        "task": "tracker.tasks.clear_sessions",
        "schedule": crontab(hour="1", minute="30"),
    },
    "delete orphan files": {
        "task": "tracker.tasks.delete_orphan_files",
        "schedule": crontab(hour="2", minute="30"),
    },
    "look at budgets": {
        "task": "tracker.tasks.look_at_budgets",
        "schedule": crontab(hour="3", minute="30"),
    },
    "roll terms": {
        "task": "tracker.tasks.roll_terms",
        "schedule": crontab(hour="0", minute="15"),
    },
    # After terms have rolled: what went on has no end in sight.
    "start off-boardings": {
        "task": "tracker.tasks.start_offboardings",
        "schedule": crontab(hour="0", minute="45"),
    },
    "settle departures": {
        "task": "tracker.tasks.settle_departures",
        "schedule": crontab(hour="1", minute="0"),
    },
    "match received invoices": {
        "task": "tracker.tasks.match_received_invoices",
        "schedule": crontab(minute="*/5"),
    },
    # After terms have rolled and credits are settled.
    "match open invoices": {
        "task": "tracker.tasks.match_open_invoices",
        "schedule": crontab(hour="2", minute="45"),
    },
    "watch purchase orders": {
        "task": "tracker.tasks.watch_purchase_orders",
        "schedule": crontab(hour="5", minute="15"),
    },
    # Before engagements are assessed, which reads the results.
    "settle service levels": {
        "task": "tracker.tasks.settle_service_levels",
        "schedule": crontab(hour="2", minute="15"),
    },
    "ask for reviews": {
        "task": "tracker.tasks.ask_for_reviews",
        "schedule": crontab(hour="6", minute="15"),
    },
    "assess engagements": {
        "task": "tracker.tasks.assess_engagements",
        "schedule": crontab(hour="3", minute="0"),
    },
    # Until then the months posted into are read from the roll-up, a little slower.
    "refresh totals": {
        "task": "tracker.tasks.refresh_totals",
        "schedule": crontab(minute="*"),
    },
    "verify ledger": {
        "task": "tracker.tasks.verify_ledger",
        "schedule": crontab(hour="4", minute="0"),
    },
    # After service levels are settled and the ledger is verified. Later days make up
    # for a first on which nothing ran.
    "end month": {
        "task": "tracker.tasks.end_month",
        "schedule": crontab(day_of_month="1-5", hour="5", minute="0"),
    },
    "look at exchange rates": {
        "task": "tracker.tasks.look_at_exchange_rates",
        "schedule": crontab(hour="6", minute="20"),
    },
    # The bank publishes at about 16:00 in Frankfurt; the later hours are for failures.
    "refresh exchange rates": {
        "task": "tracker.tasks.refresh_rates",
        "schedule": crontab(hour="17-20", minute="10"),
    },
    # Each person chooses an hour, in a time zone of theirs.
    "send reminders": {
        "task": "tracker.tasks.send_reminders",
        "schedule": crontab(minute="0"),
    },
    # After the night's jobs; those of the later hours make up for failures.
    "mail saved pages": {
        "task": "tracker.tasks.mail_saved_pages",
        "schedule": crontab(hour="6-9", minute="20"),
    },
    "deliver alerts": {
        "task": "tracker.tasks.deliver_alerts",
        "schedule": crontab(minute="*"),
    },
    "send webhooks": {
        "task": "tracker.tasks.send_webhooks",
        "schedule": crontab(minute="*"),
    },
    "look after webhooks": {
        "task": "tracker.tasks.look_after_webhooks",
        "schedule": crontab(hour="1", minute="45"),
    },
    # After terms have rolled: what went on has another end.
    "tell coming dates": {
        "task": "tracker.tasks.tell_coming_dates",
        "schedule": crontab(hour="1", minute="0"),
    },
    "tell overdue tasks": {
        "task": "tracker.tasks.tell_overdue_tasks",
        "schedule": crontab(hour="6", minute="30"),
    },
    "tell missing timesheets": {
        "task": "tracker.tasks.tell_missing_sheets",
        "schedule": crontab(hour="6", minute="45"),
    },
    "forget idempotency keys": {
        "task": "tracker.tasks.forget_idempotency_keys",
        "schedule": crontab(minute="20"),
    },
    "thin assessments": {
        "task": "tracker.tasks.thin_assessments",
        "schedule": crontab(hour="3", minute="45"),
    },
    "remove read alerts": {
        "task": "tracker.tasks.remove_read_alerts",
        "schedule": crontab(hour="2", minute="30"),
    },
}
