"""Run a job once: claimed by a lease in the database, whoever asks and how often."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from engagements import events, request_id
from tracker.jobs.models import JobRun, JobStatus

LEASE = timedelta(hours=1)

Work = Callable[[], Mapping[str, Any]]


def run_job(*, name: str, key: str, work: Work, lease: timedelta = LEASE) -> JobRun:
    """Do the work unless it is done already or another process holds it.

    `work` returns what to show of the result, as JSON can hold it. A failure is kept
    on the run and raised again; the next call with the key tries anew. A run whose
    process died is taken over when its lease has passed, and at once by the same task:
    the broker gives it to another only when the first is gone.
    """
    run, is_ours = _claim(name=name, key=key, lease=lease)
    if not is_ours:
        return run
    try:
        result = dict(work())
    except Exception as error:
        _finish(
            run=run, status=JobStatus.FAILED, error=f"{type(error).__name__}: {error}"
        )
        raise
    return _finish(run=run, status=JobStatus.DONE, result=result)


@transaction.atomic
def _claim(*, name: str, key: str, lease: timedelta) -> tuple[JobRun, bool]:
    now = timezone.now()
    JobRun.objects.bulk_create(
        [JobRun(name=name, key=key, started_at=now, leased_until=now)],
        ignore_conflicts=True,
    )
    run = JobRun.objects.select_for_update().get(name=name, key=key)
    holder = request_id.current()
    is_held = (
        run.status == JobStatus.RUNNING
        and run.leased_until > now
        and not (holder and run.held_by == holder)
    )
    if run.status == JobStatus.DONE or is_held:
        return run, False
    run.status = JobStatus.RUNNING
    run.attempts += 1
    run.started_at, run.leased_until, run.finished_at = now, now + lease, None
    run.error, run.held_by = "", holder
    run.save()
    return run, True


def _finish(
    *,
    run: JobRun,
    status: JobStatus,
    result: dict[str, Any] | None = None,
    error: str = "",
) -> JobRun:
    run.status = status
    run.result = result or {}
    run.error = error
    run.finished_at = timezone.now()
    with transaction.atomic():
        run.save()
        if status == JobStatus.FAILED and _was_well(run):
            events.record(
                event_type="job.failed",
                subject=run,
                changes={"name": [None, run.name], "key": [None, run.key]},
                actor=None,
            )
    return run


def _was_well(run: JobRun) -> bool:
    """Tell whether the failure is news: not a run's second, nor the job's."""
    if run.attempts > 1:
        return False
    before = JobRun.objects.filter(name=run.name, pk__lt=run.pk).order_by("-pk")
    latest = before.first()
    return latest is None or latest.status != JobStatus.FAILED
