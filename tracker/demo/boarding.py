"""People coming and going at the demo company: tasks done, access given and taken."""

from datetime import date, timedelta

from engagements.choices import ChecklistStage
from engagements.models import (
    AccessGrant,
    Assignment,
    ChecklistTask,
    Engagement,
    ManagedContract,
    User,
)
from engagements.services.access import grant_access, remove_access
from engagements.services.boarding import (
    begin_task,
    finish_task,
    reassign_task,
    report_stuck,
    start_due_offboardings,
    start_offboarding,
)
from engagements.values.periods import last_day_of_month
from tracker.demo.company import HISTORY_MONTHS
from tracker.demo.founding import Cast
from tracker.demo.stories import AssignmentStory, ContractStory
from tracker.spend.models import Settlement
from tracker.spend.services.final_invoice import settle_final_invoice

# An on-boarding this long ago is over.
SETTLED_IN = timedelta(days=95)
# Somebody who leaves, in Customer, and somebody past the last day, in Data.
LEAVING = ("Intranet editor · Chiara Bellini", "Reporting developer · Leila Farouk")
BEFORE_OUR_RECORDS = "Invoices before these records began were paid."


def grant_first_access(
    story: ContractStory | AssignmentStory,
    *,
    engagement: ManagedContract | Assignment,
    cast: Cast,
) -> None:
    """Give those who work here their accounts on the first day, where it has come."""
    if engagement.starts_on > cast.today:
        return
    for grant in _grants(story, engagement):
        grant.granted_on = engagement.starts_on
        grant_access(grant=grant, actor=cast.people[story.manager])


def finish_onboardings(cast: Cast) -> None:
    """Let what began long ago have settled in; the latest are in the middle of it."""
    tasks = ChecklistTask.objects.still_open().filter(stage=ChecklistStage.ONBOARDING)
    for task in tasks.select_related("engagement", "owner").order_by("pk"):
        begun = cast.today - task.engagement.starts_on
        is_due = task.due_on is not None and task.due_on <= cast.today
        is_early = task.due_days is not None and task.due_days < 0
        if begun > SETTLED_IN or (is_due and is_early):
            finish_task(task=task, actor=_owner(task, cast))


def begin_offboardings(cast: Cast) -> None:
    """Start what ends soon; two people are on their way out, one account each open."""
    start_due_offboardings(today=cast.today)
    for title in LEAVING:
        engagement = Engagement.objects.get(title=title)
        _leave_half_done(engagement, cast)


def off_board(
    story: ContractStory | AssignmentStory,
    *,
    months_ago: int,
    engagement: Engagement,
    cast: Cast,
) -> None:
    """Take back all access on the last day, and do what else is to be done."""
    last_day = last_day_of_month(cast.month(months_ago))
    manager = cast.people[story.manager]
    start_offboarding(engagement=engagement, actor=manager)
    _remove_access(engagement, last_day, manager)
    tasks = ChecklistTask.objects.still_open().filter(engagement=engagement)
    for task in tasks.select_related("owner"):
        finish_task(task=task, actor=_owner(task, cast))
    if isinstance(story, ContractStory) and story.starts > HISTORY_MONTHS:
        settle_final_invoice(
            settlement=Settlement(engagement=engagement, reason=BEFORE_OUR_RECORDS),
            actor=cast.people["finance"],
        )


def _grants(
    story: ContractStory | AssignmentStory, engagement: ManagedContract | Assignment
) -> list[AccessGrant]:
    systems = ["Work account", story.service or "Intranet"]
    if isinstance(engagement, Assignment):
        return [
            AccessGrant(
                engagement_id=engagement.pk,
                contractor=engagement.contractor,
                system=system,
            )
            for system in systems
            if engagement.contractor
        ]
    return [
        AccessGrant(engagement_id=engagement.pk, named_worker=worker, system=system)
        for worker in engagement.named_workers.order_by("pk")
        for system in systems
    ]


def _leave_half_done(engagement: Engagement, cast: Cast) -> None:
    tasks = engagement.checklist_tasks.filter(stage=ChecklistStage.OFFBOARDING)
    handover, equipment = tasks.order_by("due_days", "pk")[:2]
    manager = engagement.manager or cast.people["manager"]
    begin_task(task=handover, actor=manager)
    note = "The laptop is with the courier."
    report_stuck(task=equipment, note=note, actor=manager)
    if manager.manager is not None:
        reassign_task(task=equipment, owner=manager.manager, actor=manager)
    first = AccessGrant.objects.filter(engagement=engagement).order_by("pk").first()
    if first is not None:
        remove_access(
            grant=first,
            removed_on=cast.today,
            reported_by="IT service desk",
            actor=manager,
        )


def _remove_access(engagement: Engagement, removed_on: date, actor: User) -> None:
    for grant in AccessGrant.objects.filter(engagement=engagement).still_open():
        remove_access(grant=grant, removed_on=removed_on, actor=actor)


def _owner(task: ChecklistTask, cast: Cast) -> User:
    return task.owner or cast.people["admin"]
