from datetime import date

from django.db import transaction

from engagements import events
from engagements.choices import Status, TaskStatus
from engagements.models import ChecklistTask, Event

EVENT_TYPE = "task.overdue"
_OPEN = (TaskStatus.TO_DO, TaskStatus.IN_PROGRESS, TaskStatus.STUCK)


@transaction.atomic
def tell_overdue_tasks(*, today: date) -> int:
    """Record an event for each open task whose day has passed, once per day it had.

    A task that is given a later day, and passes that one too, is told of again.
    """
    tasks = list(
        ChecklistTask.objects.select_for_update(of=("self",))
        .filter(due_on__lt=today, status__in=_OPEN)
        .exclude(engagement__status=Status.CANCELLED)
        .select_related("engagement")
        .order_by("id")
    )
    told = _told(tasks)
    news = [task for task in tasks if (task.pk, _day(task)) not in told]
    events.record_all(
        events.draft(
            event_type=EVENT_TYPE,
            subject=task,
            changes={"due_on": [None, _day(task)]},
            engagement=task.engagement,
            actor=None,
        )
        for task in news
    )
    return len(news)


def _day(task: ChecklistTask) -> str:
    return str(events.plain(task.due_on))


def _told(tasks: list[ChecklistTask]) -> set[tuple[int, str]]:
    rows = Event.objects.filter(
        event_type=EVENT_TYPE, subject_id__in=[task.pk for task in tasks]
    )
    return {
        (subject, changes["due_on"][1])
        for subject, changes in rows.values_list("subject_id", "changes")
    }
