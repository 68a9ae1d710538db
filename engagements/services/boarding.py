"""On- and off-boarding: tasks made from templates, and what becomes of them."""

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from datetime import date, timedelta

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from engagements import events
from engagements.choices import (
    OPEN_TASKS,
    ChecklistStage,
    Renewal,
    Status,
    TaskStatus,
)
from engagements.errors import WrongStateError
from engagements.models import (
    AccessGrant,
    ChecklistTask,
    ChecklistTemplate,
    Engagement,
    Event,
    User,
)
from engagements.models.engagement import ENDING_DAYS
from engagements.permissions import sees_all
from engagements.services.closing import Closing, Obstacle, before_closing
from engagements.services.records import create_record


@dataclass(frozen=True)
class Started:
    engagements: int
    tasks: int


@transaction.atomic
def start_onboarding(
    *, engagement: Engagement, actor: User | None
) -> list[ChecklistTask]:
    """Make the on-boarding tasks of an engagement that has become active.

    Each template gives an engagement one task, however often this is called.
    """
    return _start(engagement, ChecklistStage.ONBOARDING, actor)


@transaction.atomic
def start_offboarding(
    *, engagement: Engagement, actor: User | None
) -> list[ChecklistTask]:
    """Make the off-boarding tasks of an active engagement, once each.

    Due days count from its last day, or from today while it has none. Raises
    WrongStateError unless it is active.
    """
    stored = Engagement.objects.select_for_update().get(pk=engagement.pk)
    _check_runs(stored)
    return _start(stored, ChecklistStage.OFFBOARDING, actor)


def start_due_offboardings(*, today: date) -> Started:
    """Start the off-boarding of what ends within 30 days or should have ended.

    What renews by itself, unless notice was given, and what has off-boarding tasks
    already is left alone; so running twice has one effect.
    """
    engagements = tasks = 0
    for engagement in list(_ending_without_tasks(today)):
        made = start_offboarding(engagement=engagement, actor=None)
        engagements += bool(made)
        tasks += len(made)
    return Started(engagements, tasks)


def move_due_days(*, engagements: Sequence[Engagement], actor: User | None) -> None:
    """Let the open tasks follow the start and the last day of their engagements.

    Called wherever these move, in that transaction, with the engagements as stored.
    """
    by_id = {engagement.pk: engagement for engagement in engagements}
    tasks = ChecklistTask.objects.filter(
        engagement_id__in=by_id, status__in=OPEN_TASKS, due_days__isnull=False
    )
    moved: list[ChecklistTask] = []
    told: list[Event] = []
    for task in tasks.order_by("pk"):
        engagement = by_id[task.engagement_id]
        due_on = _due_on(engagement, ChecklistStage(task.stage), task.due_days)
        if due_on in (task.due_on, None):
            continue
        before = copy(task)
        task.due_on, task.updated_at = due_on, timezone.now()
        moved.append(task)
        told.append(_told("task.due_day_moved", before, task, engagement, actor))
    ChecklistTask.objects.bulk_update(moved, ["due_on", "updated_at"])
    events.record_all(told)


@transaction.atomic
def add_task(*, task: ChecklistTask, actor: User | None) -> ChecklistTask:
    """Store a task of one's own on a live engagement; raises ValidationError."""
    engagement = Engagement.objects.select_for_update().get(pk=task.engagement_id)
    if engagement.status in (Status.ENDED, Status.TERMINATED, Status.CANCELLED):
        raise WrongStateError(
            _("%(reference)s is closed: nothing is left to do on it.")
            % {"reference": engagement.reference}
        )
    task.status = TaskStatus.TO_DO
    if task.owner is None:
        task.owner = engagement.manager
    _check_owner(task.owner, engagement)
    return create_record(
        record=task, event_type="task.added", engagement=engagement, actor=actor
    )


@transaction.atomic
def begin_task(*, task: ChecklistTask, actor: User) -> ChecklistTask:
    """Tell that somebody is at work on it; what was stuck goes on."""
    return _take(task, TaskStatus.IN_PROGRESS, "task.begun", actor)


@transaction.atomic
def report_stuck(*, task: ChecklistTask, note: str, actor: User) -> ChecklistTask:
    """Tell why the task can't go on; raises ValidationError without a note."""
    return _take(task, TaskStatus.STUCK, "task.stuck", actor, note=note)


@transaction.atomic
def finish_task(*, task: ChecklistTask, actor: User) -> ChecklistTask:
    """Mark the task done, now and by `actor`.

    Raises WrongStateError for one that removes access while anybody has it.
    """
    return _take(task, TaskStatus.DONE, "task.done", actor)


@transaction.atomic
def dismiss_task(*, task: ChecklistTask, reason: str, actor: User) -> ChecklistTask:
    """Keep the task as not applicable; raises ValidationError without a reason."""
    return _take(task, TaskStatus.DISMISSED, "task.dismissed", actor, note=reason)


@transaction.atomic
def reopen_task(*, task: ChecklistTask, actor: User) -> ChecklistTask:
    """Take back that the task was done or not applicable, while it can matter."""
    return _take(task, TaskStatus.TO_DO, "task.reopened", actor)


@transaction.atomic
def reassign_task(*, task: ChecklistTask, owner: User, actor: User) -> ChecklistTask:
    """Give an open task to another owner, who must see the engagement."""
    engagement, stored = _locked(task)
    if not stored.is_open:
        raise WrongStateError(_("“%(task)s” is done.") % {"task": stored})
    _check_owner(owner, engagement)
    before = copy(stored)
    stored.owner = owner
    return _save(before, stored, engagement, "task.reassigned", actor)


@transaction.atomic
def finish_removal_tasks(*, engagement: Engagement, actor: User) -> list[ChecklistTask]:
    """Finish the open off-boarding tasks that remove access, once nobody has any."""
    if AccessGrant.objects.filter(engagement=engagement).still_open().exists():
        return []
    tasks = ChecklistTask.objects.still_open().filter(
        engagement=engagement,
        stage=ChecklistStage.OFFBOARDING,
        removes_access=True,
    )
    return [finish_task(task=task, actor=actor) for task in tasks]


@before_closing
def open_offboarding(closing: Closing) -> list[Obstacle]:
    tasks = ChecklistTask.objects.still_open().filter(
        engagement_id=closing.engagement.pk, stage=ChecklistStage.OFFBOARDING
    )
    return [
        Obstacle(
            _("“%(task)s” is %(status)s: finish it, or say why it doesn't apply.")
            % {"task": task, "status": task.get_status_display().lower()},
            record=task,
        )
        for task in tasks
    ]


def last_day_of(engagement: Engagement) -> date | None:
    """Return the last day as the terms now stand."""
    return engagement.term_ends_on or engagement.ends_on


def _ending_without_tasks(today: date) -> QuerySet[Engagement]:
    goes_on = Q(renewal=Renewal.AUTO, notice_given_on__isnull=True) & (
        Q(ends_on__isnull=True) | Q(ends_on__gt=F("term_ends_on")) | Q(term_number=1)
    )
    tasks = ChecklistTask.objects.filter(
        engagement=OuterRef("pk"), stage=ChecklistStage.OFFBOARDING
    )
    return (
        Engagement.objects.filter(
            status=Status.ACTIVE,
            term_ends_on__lte=today + timedelta(days=ENDING_DAYS),
        )
        .exclude(goes_on)
        .exclude(Exists(tasks))
        .order_by("pk")
    )


def _check_runs(engagement: Engagement) -> None:
    if engagement.status != Status.ACTIVE:
        raise WrongStateError(
            _("%(reference)s is %(status)s; only an active one is off-boarded.")
            % {
                "reference": engagement.reference,
                "status": engagement.get_status_display().lower(),
            }
        )


def _start(
    engagement: Engagement, stage: ChecklistStage, actor: User | None
) -> list[ChecklistTask]:
    made = engagement.checklist_tasks.filter(template__isnull=False)
    templates = (
        ChecklistTemplate.objects.filter(
            Q(kind="") | Q(kind=engagement.kind), stage=stage
        )
        .exclude(pk__in=made.values("template"))
        .select_related("owner_group")
        .order_by("due_days", "pk")
    )
    tasks = [_from_template(template, engagement) for template in templates]
    for task in tasks:
        create_record(
            record=task, event_type="task.added", engagement=engagement, actor=actor
        )
    if tasks:
        events.record(
            event_type=f"engagement.{stage.value}_started",
            subject=engagement,
            changes={"tasks": [None, len(tasks)]},
            actor=actor,
        )
    return tasks


def _from_template(
    template: ChecklistTemplate, engagement: Engagement
) -> ChecklistTask:
    stage = ChecklistStage(template.stage)
    due_on = _due_on(engagement, stage, template.due_days)
    return ChecklistTask(
        engagement=engagement,
        template=template,
        title=template.title,
        stage=stage,
        owner=_owner(template, engagement),
        due_days=template.due_days,
        due_on=due_on or timezone.localdate() + timedelta(days=template.due_days),
        removes_access=template.removes_access,
    )


def _due_on(
    engagement: Engagement, stage: ChecklistStage, due_days: int | None
) -> date | None:
    """Return the day so far from the start or the last day, where there is one."""
    is_first = stage == ChecklistStage.ONBOARDING
    day = engagement.starts_on if is_first else last_day_of(engagement)
    if day is None or due_days is None:
        return None
    return day + timedelta(days=due_days)


def _owner(template: ChecklistTemplate, engagement: Engagement) -> User | None:
    """Return whose task it is: a member of the template's group, else the manager.

    Of several members who see the engagement the manager comes first, then those of
    the engagement's department, then the longest known.
    """
    if template.owner_group is None:
        return engagement.manager
    members = User.objects.filter(groups=template.owner_group, is_active=True)
    ranked = sorted(members.order_by("pk"), key=lambda user: _rank(user, engagement))
    seeing = (user for user in ranked if sees(user, engagement))
    return next(seeing, engagement.manager)


def _rank(user: User, engagement: Engagement) -> tuple[bool, bool]:
    is_near = (
        engagement.department_id is not None
        and user.department_id == engagement.department_id
    )
    return user.pk != engagement.manager_id, not is_near


def sees(user: User, engagement: Engagement) -> bool:
    return (
        sees_all(user)
        or Engagement.objects.visible_to(user).filter(pk=engagement.pk).exists()
    )


def _check_owner(owner: User | None, engagement: Engagement) -> None:
    if owner is not None and not (owner.is_active and sees(owner, engagement)):
        raise ValidationError(
            {
                "owner": _("%(owner)s can't see this engagement: choose another.")
                % {"owner": owner}
            }
        )


def _locked(task: ChecklistTask) -> tuple[Engagement, ChecklistTask]:
    """Return both as stored, the engagement locked first, as closing does."""
    engagement = Engagement.objects.select_for_update().get(pk=task.engagement_id)
    stored = ChecklistTask.objects.select_for_update().get(pk=task.pk)
    return engagement, stored


def _take(
    task: ChecklistTask,
    status: TaskStatus,
    event_type: str,
    actor: User,
    note: str = "",
) -> ChecklistTask:
    engagement, stored = _locked(task)
    _check_step(stored, status, engagement)
    before = copy(stored)
    is_open = status in OPEN_TASKS
    stored.status = status
    stored.note = note.strip()
    stored.done_at = None if is_open else timezone.now()
    stored.done_by = None if is_open else actor
    return _save(before, stored, engagement, event_type, actor)


def _check_step(
    task: ChecklistTask, status: TaskStatus, engagement: Engagement
) -> None:
    reopens = status == TaskStatus.TO_DO
    is_same = task.status == status and status != TaskStatus.STUCK
    if is_same or task.is_open == reopens:
        raise WrongStateError(
            _("“%(task)s” is %(status)s already.")
            % {"task": task, "status": task.get_status_display().lower()}
        )
    if reopens and engagement.status != Status.ACTIVE:
        raise WrongStateError(
            _("%(reference)s is %(status)s: its tasks stay as they are.")
            % {
                "reference": engagement.reference,
                "status": engagement.get_status_display().lower(),
            }
        )
    if task.removes_access and status == TaskStatus.DONE:
        _check_access_removed(engagement)


def _check_access_removed(engagement: Engagement) -> None:
    count = AccessGrant.objects.filter(engagement=engagement).still_open().count()
    if count:
        raise WrongStateError(
            ngettext(
                "%(count)d access is still open: remove it first.",
                "%(count)d accesses are still open: remove them first.",
                count,
            )
            % {"count": count}
        )


def _save(
    before: ChecklistTask,
    task: ChecklistTask,
    engagement: Engagement,
    event_type: str,
    actor: User,
) -> ChecklistTask:
    task.full_clean()
    task.save()
    events.record_all([_told(event_type, before, task, engagement, actor)])
    return task


def _told(
    event_type: str,
    before: ChecklistTask,
    task: ChecklistTask,
    engagement: Engagement,
    actor: User | None,
) -> Event:
    return events.draft(
        event_type=event_type,
        subject=task,
        changes=events.difference(before, task),
        engagement=engagement,
        actor=actor,
    )
