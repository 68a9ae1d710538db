"""On- and off-boarding and access, as an engagement's page shows them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from engagements.admin.obstacles import ShownObstacle, shown_obstacles
from engagements.choices import OPEN_TASKS, ChecklistStage, Status, TaskStatus
from engagements.models import AccessGrant, ChecklistTask, Engagement, User

TASK_COLOURS = {
    TaskStatus.TO_DO.value: "default",
    TaskStatus.IN_PROGRESS.value: "info",
    TaskStatus.STUCK.value: "danger",
    TaskStatus.DONE.value: "success",
    TaskStatus.DISMISSED.value: "default",
}


@dataclass(frozen=True)
class TaskLine:
    task: ChecklistTask
    colour: str
    days_overdue: int


@dataclass(frozen=True)
class Checklist:
    """One stage's tasks; what doesn't apply counts neither as done nor as to do."""

    waiting: list[TaskLine] = field(default_factory=list)
    closed: list[TaskLine] = field(default_factory=list)

    @property
    def done(self) -> int:
        return sum(line.task.status == TaskStatus.DONE for line in self.closed)

    @property
    def total(self) -> int:
        return len(self.waiting) + self.done

    @property
    def is_started(self) -> bool:
        return bool(self.waiting or self.closed)


def boarding_of(engagement: Engagement, user: User, today: date) -> dict[str, Any]:
    """Return what the template `boarding.html` shows to this user."""
    if not user.has_perm("engagements.view_checklisttask"):
        return {}
    tasks = list(
        ChecklistTask.objects.visible_to(user)
        .filter(engagement_id=engagement.pk)
        .select_related("owner", "done_by")
        .order_by("due_on", "pk")
    )
    onboarding = checklist(tasks, ChecklistStage.ONBOARDING, today)
    offboarding = checklist(tasks, ChecklistStage.OFFBOARDING, today)
    grants = _grants(engagement, user)
    is_active = engagement.status == Status.ACTIVE
    if not (is_active or tasks or grants):
        return {}
    open_grants = [grant for grant in grants if grant.is_open]
    obstacles = _obstacles(engagement, user, today, offboarding)
    waits = onboarding.waiting or offboarding.waiting or obstacles
    return {
        # Otherwise one line tells it all, until somebody opens it.
        "is_open": bool(waits),
        "onboarding": onboarding,
        "offboarding": offboarding,
        "open_grants": open_grants,
        "removed_grants": [grant for grant in grants if not grant.is_open],
        "obstacles": obstacles,
        "is_active": is_active,
        "sees_access": user.has_perm("engagements.view_accessgrant"),
        "may_step": user.has_perm("engagements.change_checklisttask"),
        "may_remove": user.has_perm("engagements.change_accessgrant"),
    }


def checklist(
    tasks: Sequence[ChecklistTask], stage: ChecklistStage, today: date
) -> Checklist:
    found = Checklist()
    for task in tasks:
        if task.stage == stage:
            into = found.waiting if task.status in OPEN_TASKS else found.closed
            into.append(
                TaskLine(task, TASK_COLOURS[task.status], days_overdue(task, today))
            )
    return found


def days_overdue(task: ChecklistTask, today: date) -> int:
    if task.due_on is None or not task.is_open:
        return 0
    return max(0, (today - task.due_on).days)


def _grants(engagement: Engagement, user: User) -> list[AccessGrant]:
    if not user.has_perm("engagements.view_accessgrant"):
        return []
    return list(
        AccessGrant.objects.visible_to(user)
        .filter(engagement_id=engagement.pk)
        .with_person()
        .select_related("granted_by", "removed_by")
        .order_by("granted_on", "pk")
    )


def _obstacles(
    engagement: Engagement, user: User, today: date, offboarding: Checklist
) -> list[ShownObstacle]:
    """Only once its end is near: until then all of it is as it should be."""
    if engagement.status != Status.ACTIVE or not offboarding.is_started:
        return []
    return shown_obstacles(engagement, user, today)
