"""Who is told of an event: people of the record it tells of who may see it now."""

from collections.abc import Iterable

from engagements import queries
from engagements.choices import ApprovalOutcome
from engagements.models import (
    Approval,
    ChecklistTask,
    Departure,
    Engagement,
    Event,
    User,
)
from engagements.permissions import engagement_scope
from tracker.spend.budget_queries import answerable_for
from tracker.spend.hours import submitter_of
from tracker.webhooks.queries import owners_of_endpoints


def owner(event: Event) -> list[User]:
    """Return who answers for the engagement, or else who stands in."""
    found = engagement_of(event)
    return _first(found, _owners(found)) if found else []


def reviewer(event: Event) -> list[User]:
    """Return who of those who answer for the engagement reads its reviews."""
    found = engagement_of(event)
    if found is None:
        return []
    rows = Engagement.objects.filter(pk=found.pk)
    return [
        person
        for person in _owners(found)
        if person.is_active
        and rows.filter(engagement_scope(person, with_reviews=True)).exists()
    ][:1]


def approvers(event: Event) -> list[User]:
    """Return who can decide it, or could before it was withdrawn."""
    approval = _approval(event)
    return [] if approval is None else list(queries.approvers_of(approval))


def asker_and_owner(event: Event) -> list[User]:
    approval = _approval(event)
    if approval is None:
        return []
    asked = _seeing(approval.engagement, [approval.asked_by])
    return [*asked, *_first(approval.engagement, _owners(approval.engagement))]


def task_owner(event: Event) -> list[User]:
    task = _task(event)
    if task is None or task.owner is None:
        return []
    return _seeing(task.engagement, [task.owner])


def submitter_of_hours(event: Event) -> list[User]:
    """Return who submitted the timesheet, or whoever answers for the engagement."""
    found = engagement_of(event)
    if found is None:
        return []
    submitter = submitter_of(event.subject_id)
    told = _seeing(found, [submitter] if submitter else [])
    return told or _first(found, _owners(found))


def importer_of_refused(event: Event) -> list[User]:
    """Return who started the import, where lines of it were refused."""
    _before, refused = event.changes.get("refused", (None, 0))
    return [event.actor] if event.actor and refused else []


def payers_of_budget(event: Event) -> list[User]:
    """Return the head of the cost centre's department, and finance."""
    return answerable_for(event.subject_id)


def keepers_of_endpoint(event: Event) -> list[User]:
    """Return its owner and the administrators, where nobody turned it off by hand."""
    if event.actor_id is not None:
        return []
    return [*owners_of_endpoints([event.subject_id]), *queries.administrators()]


def settlers_of_departure(event: Event) -> list[User]:
    """Return whose task the departure is, or else the administrators.

    Of a contractor also those who manage their engagements.
    """
    departure = _departure(event)
    if departure is None:
        return []
    _before, live = event.changes.get("live_engagements", (None, []))
    of_contractor = departure.contractor_id is not None
    managers = User.objects.filter(engagements__in=live).distinct()
    people = list(managers.order_by("pk")) if of_contractor else []
    if departure.assignee is not None:
        people.append(departure.assignee)
    return people or list(queries.administrators())


def administrators(event: Event) -> Iterable[User]:
    return queries.administrators()


def finance(event: Event) -> Iterable[User]:
    return queries.people_of_finance()


def engagement_of(event: Event) -> Engagement | None:
    """Return whose scope decides who may read of the event; None where none does."""
    if event.subject_type == "approval":
        approval = _approval(event)
        return approval.engagement if approval else None
    if event.subject_type == "checklisttask":
        task = _task(event)
        return task.engagement if task else None
    return _engagement(event.engagement_id) if event.engagement_id else None


def is_settled(event: Event) -> bool:
    """Tell whether what the event asks for has been answered meanwhile."""
    if event.event_type != "approval.asked":
        return False
    approval = _approval(event)
    return approval is None or approval.outcome != ApprovalOutcome.WAITING


def _departure(event: Event) -> Departure | None:
    _before, number = event.changes.get("departure", (None, None))
    rows = Departure.objects.select_related("assignee")
    return rows.filter(pk=number).first()


def _task(event: Event) -> ChecklistTask | None:
    return (
        ChecklistTask.objects.select_related("owner", "engagement")
        .filter(pk=event.subject_id)
        .first()
    )


def _engagement(number: int) -> Engagement | None:
    return (
        Engagement.objects.select_related("manager__manager", "department__head")
        .filter(pk=number)
        .first()
    )


def _approval(event: Event) -> Approval | None:
    return (
        Approval.objects.select_related(
            "asked_by",
            "rule",
            "engagement__manager__manager",
            "engagement__department__head",
        )
        .filter(pk=event.subject_id)
        .first()
    )


def _owners(engagement: Engagement) -> list[User]:
    manager, department = engagement.manager, engagement.department
    candidates = (
        manager,
        manager.manager if manager else None,
        department.head if department else None,
    )
    return [each for each in candidates if each]


def _first(engagement: Engagement, people: Iterable[User]) -> list[User]:
    return _seeing(engagement, people)[:1]


def _seeing(engagement: Engagement, people: Iterable[User]) -> list[User]:
    rows = Engagement.objects.filter(pk=engagement.pk)
    return [
        person
        for person in people
        if person.is_active and rows.visible_to(person).exists()
    ]
