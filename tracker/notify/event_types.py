"""Which events people are told of, who is, and in which words: one line per type."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

from engagements.models import Event, User
from tracker.notify import audiences as to
from tracker.notify.choices import Topic as On
from tracker.notify.models import JOB_FAILED

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

Audience = Callable[[Event], Iterable[User]]


@dataclass(frozen=True)
class Telling:
    audience: Audience
    topic: On
    title: StrOrPromise


# fmt: off
_LINES: dict[str, tuple[Audience, On, StrOrPromise]] = {
    "approval.asked": (to.approvers, On.APPROVALS, _("Approval waiting")),
    "approval.given": (to.asker_and_owner, On.DECISIONS, _("Approved")),
    "approval.rejected": (to.asker_and_owner, On.DECISIONS, _("Rejected")),
    "approval.withdrawn": (to.approvers, On.ENGAGEMENTS, _("Approval taken back")),
    "engagement.submitted": (to.owner, On.ENGAGEMENTS, _("Sent for approval")),
    "engagement.withdrawn": (to.owner, On.ENGAGEMENTS, _("Taken back from approval")),
    "engagement.sent_back": (to.owner, On.ENGAGEMENTS, _("Sent back as a draft")),
    "engagement.tenure_exceeded": (
        to.owner, On.ENGAGEMENTS, _("Renewed beyond a tenure limit"),
    ),
    "engagement.ended": (to.owner, On.ENGAGEMENTS, _("Ended")),
    "engagement.terminated": (to.owner, On.ENGAGEMENTS, _("Terminated")),
    "engagement.cancelled": (to.owner, On.ENGAGEMENTS, _("Cancelled")),
    "engagement.term_rolled": (to.owner, On.ENGAGEMENTS, _("Renewed by itself")),
    "engagement.order_running_out": (
        to.owner, On.ENGAGEMENTS, _("Purchase order runs out before its end"),
    ),
    "change_order.recorded": (to.owner, On.ENGAGEMENTS, _("Change order recorded")),
    "change_order.took_effect": (to.owner, On.ENGAGEMENTS, _("Change order in force")),
    "change_order.rejected": (to.owner, On.ENGAGEMENTS, _("Change order rejected")),
    "change_order.withdrawn": (to.owner, On.ENGAGEMENTS, _("Change order withdrawn")),
    "task.added": (to.task_owner, On.TASKS, _("Task for you")),
    "task.reassigned": (to.task_owner, On.TASKS, _("Task for you")),
    "task.overdue": (to.task_owner, On.TASKS, _("Task overdue")),
    "timesheet.rejected": (
        to.submitter_of_hours, On.DECISIONS, _("Timesheet given back"),
    ),
    "timesheet.missing": (to.owner, On.TASKS, _("Timesheet not started")),
    "model_flag.raised": (to.owner, On.FLAGS, _("The other model would fit better")),
    "budget.threshold_crossed": (
        to.payers_of_budget, On.ENGAGEMENTS, _("Budget used up to a threshold"),
    ),
    "manager.left": (to.settlers_of_departure, On.TASKS, _("Manager left")),
    "contractor.gone": (
        to.settlers_of_departure, On.TASKS, _("Contractor gone from the feed"),
    ),
    "review.asked": (to.reviewer, On.TASKS, _("Review due")),
    "import.applied": (to.importer_of_refused, On.IMPORTS, _("Lines refused")),
    "import.refused": (to.importer_of_refused, On.IMPORTS, _("Import refused")),
    "month.hindered": (to.finance, On.JOBS, _("Month can't be closed yet")),
    "exchange_rate.grew_old": (to.finance, On.JOBS, _("Exchange rates out of date")),
    "webhook_endpoint.disabled": (
        to.keepers_of_endpoint, On.JOBS, _("Webhook endpoint turned off"),
    ),
    JOB_FAILED: (to.administrators, On.JOBS, _("Background job failed")),
}
# fmt: on
TELLINGS = {event_type: Telling(*line) for event_type, line in _LINES.items()}
# A worker did what the actor had asked for, and may have left.
_TELLS_THE_ACTOR = frozenset({to.importer_of_refused})


def people_told_of(event: Event) -> list[User]:
    """Return each active person to tell once; never who did it themselves."""
    telling = TELLINGS[event.event_type]
    people = {person.pk: person for person in telling.audience(event)}
    if event.actor_id is not None and telling.audience not in _TELLS_THE_ACTOR:
        people.pop(event.actor_id, None)
    return [person for person in people.values() if person.is_active]
