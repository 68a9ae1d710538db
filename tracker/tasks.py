"""What runs by itself. A task takes plain arguments, and calls one service."""

from dataclasses import asdict

from celery import shared_task
from django.core.management import call_command
from django.utils import timezone

from tracker.fit.services import assess
from tracker.jobs.services import run_job


@shared_task
def clear_sessions() -> None:
    """Delete the sessions that have expired."""
    call_command("clearsessions")


@shared_task
def assess_engagements() -> None:
    """Judge every running engagement, once a day whoever asks and how often."""
    today = timezone.localdate()
    run_job(
        name="assess engagements",
        key=today.isoformat(),
        work=lambda: asdict(assess(as_of=today, actor=None)),
    )
