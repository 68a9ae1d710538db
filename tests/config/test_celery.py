import pytest
from celery.schedules import crontab

from config.celery import TracedTask, app
from engagements import request_id


@pytest.fixture
def seen(request):
    """The ids that a task of this test sees while it runs."""
    found = []

    @app.task(name=request.node.name, base=TracedTask)
    def look():
        found.append(request_id.current())

    yield look, found
    app.tasks.pop(request.node.name)


def test_task_carries_its_own_id(seen):
    look, found = seen

    look.apply(task_id="task-8")

    assert (found, request_id.current()) == (["task-8"], "")


def test_task_called_as_a_function_keeps_the_id_of_its_caller(seen):
    look, found = seen

    with request_id.working_for("request-9"):
        look()

    assert found == ["request-9"]


def test_beat_table_names_tasks_that_exist():
    app.loader.import_default_modules()

    unknown = [
        name
        for name, entry in app.conf.beat_schedule.items()
        if entry["task"] not in app.tasks
    ]

    assert unknown == []


def test_beat_table_is_by_the_clock():
    schedules = {type(entry["schedule"]) for entry in app.conf.beat_schedule.values()}

    assert schedules == {crontab}
