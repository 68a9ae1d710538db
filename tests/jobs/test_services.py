from datetime import timedelta

import pytest
from django.utils import timezone

from engagements.request_id import working_for
from tracker.jobs.models import JobRun
from tracker.jobs.services import run_job

pytestmark = pytest.mark.django_db


def test_job_runs_once_per_key() -> None:
    calls: list[int] = []

    def work() -> dict[str, int]:
        calls.append(1)
        return {"judged": 3}

    runs = [run_job(name="assess", key="2026-11-22", work=work) for _ in range(2)]
    assert calls == [1]
    assert [run.result for run in runs] == [{"judged": 3}, {"judged": 3}]
    assert JobRun.objects.get().status == "done"


def test_job_of_another_key_runs_anew() -> None:
    for key in ("2026-11-22", "2026-11-23"):
        run_job(name="assess", key=key, work=dict)
    assert JobRun.objects.count() == 2


def test_failed_job_keeps_its_error_and_can_be_tried_again() -> None:
    def fail() -> dict[str, int]:
        raise ValueError("no rates")

    with pytest.raises(ValueError, match="no rates"):
        run_job(name="assess", key="1", work=fail)
    assert JobRun.objects.get().error == "ValueError: no rates"

    run = run_job(name="assess", key="1", work=dict)
    assert (run.status, run.attempts, run.error) == ("done", 2, "")


def test_job_that_another_process_holds_is_left_alone() -> None:
    now = timezone.now()
    JobRun.objects.create(
        name="assess", key="1", started_at=now, leased_until=now + timedelta(minutes=5)
    )
    run = run_job(name="assess", key="1", work=dict)
    assert run.status == "running"


def test_job_whose_process_died_is_taken_over_after_its_lease() -> None:
    now = timezone.now()
    JobRun.objects.create(
        name="assess", key="1", started_at=now, leased_until=now - timedelta(seconds=1)
    )
    run = run_job(name="assess", key="1", work=dict)
    assert (run.status, run.attempts) == ("done", 1)


def test_job_is_taken_over_at_once_by_the_task_that_held_it():
    def die() -> dict[str, int]:
        raise SystemExit  # as if killed: nothing is told of the run

    with working_for("task-1"), pytest.raises(SystemExit):
        run_job(name="assess", key="1", work=die)

    with working_for("task-2"):
        other = run_job(name="assess", key="1", work=dict)
    with working_for("task-1"):
        same = run_job(name="assess", key="1", work=dict)

    assert (other.status, other.attempts) == ("running", 1)
    assert (same.status, same.attempts) == ("done", 2)
