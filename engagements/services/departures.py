"""Who left, whose work needs somebody else, and how it gets them.

Nothing ends by itself: a departure is a task for a person.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from engagements import events
from engagements.choices import LIVE_STATUSES, Kind, Role
from engagements.errors import NotAllowedError, WrongStateError
from engagements.models import (
    Assignment,
    Contractor,
    Departure,
    Engagement,
    ManagedContract,
    User,
)
from engagements.models.engagement import EngagementQuerySet
from engagements.permissions import roles_of
from engagements.services.engagements import change_engagement
from engagements.services.records import change_record, create_record

# Beyond any chain of command: a ring in it must not be climbed for ever.
HIGHEST = 20


@dataclass(frozen=True)
class Settled:
    departures: int


@transaction.atomic
def note_manager_left(*, person: User, actor: User | None) -> Departure | None:
    """Open a task where a person who left still manages live engagements.

    It is for the next one up who manages, or for administrators; alerts follow the
    event `manager.left`. Returns None where nothing of theirs is live.
    """
    left_behind = live_engagements_of(person)
    numbers = sorted(left_behind.values_list("pk", flat=True))
    if not numbers:
        return None
    known = Departure.objects.filter(person=person, settled_at=None).first()
    if known is not None:
        return known
    departure = create_record(
        record=Departure(person=person, assignee=_next_up(person)), actor=actor
    )
    events.record(
        event_type="manager.left",
        subject=person,
        changes={
            "live_engagements": [None, numbers],
            "departure": [None, departure.pk],
        },
        actor=actor,
    )
    return departure


@transaction.atomic
def note_contractor_gone(
    *, contractor: Contractor, actor: User | None
) -> Departure | None:
    """Open a review of a contractor whom the feed of people no longer has.

    Their engagements go on as they are. Returns None where none is live.
    """
    live = live_assignments_of(contractor)
    if not live.exists():
        return None
    managers = User.objects.filter(engagements__in=live).distinct()
    known = Departure.objects.filter(contractor=contractor, settled_at=None).first()
    if known is not None:
        return known
    assignee = managers.get() if managers.count() == 1 else None
    if assignee is not None and not assignee.is_active:
        assignee = None
    departure = create_record(
        record=Departure(contractor=contractor, assignee=assignee), actor=actor
    )
    events.record(
        event_type="contractor.gone",
        subject=contractor,
        changes={
            "live_engagements": [None, sorted(live.values_list("pk", flat=True))],
            "departure": [None, departure.pk],
        },
        actor=actor,
    )
    return departure


@transaction.atomic
def note_return(
    *,
    person: User | None = None,
    contractor: Contractor | None = None,
    actor: User | None,
) -> None:
    """Settle what a departure opened, where the person is back before it was done."""
    rows = Departure.objects.filter(settled_at=None)
    if person is not None:
        rows = rows.filter(person=person)
    elif contractor is not None:
        rows = rows.filter(contractor=contractor)
    else:
        return
    for departure in rows.select_for_update():
        _settle(departure, note=_("Came back."), actor=actor)


@transaction.atomic
def reassign_engagements(
    *,
    departure: Departure,
    engagements: Sequence[Engagement],
    successor: User,
    actor: User,
) -> list[Engagement]:
    """Give a leaver's live engagements to another manager; all of them or none.

    Settles the departure once nothing live is left. Raises ValidationError where the
    successor can't manage or an engagement isn't the leaver's, NotAllowedError where
    the actor may not see one, and whatever a change of the engagement raises.
    """
    stored = _open(departure)
    leaver = stored.person
    if leaver is None:
        raise WrongStateError(_("Only a manager's engagements are given to others."))
    _check_successor(successor, leaver)
    if not engagements:
        raise ValidationError({"engagements": _("Choose at least one engagement.")})
    chosen = [engagement.pk for engagement in engagements]
    live = live_engagements_of(leaver).filter(pk__in=chosen)
    if live.count() != len(set(chosen)):
        raise ValidationError(
            {"engagements": _("Not all of these are this person's any more.")}
        )
    if live.visible_to(actor).count() != len(set(chosen)):
        raise NotAllowedError(_("Not all of these are yours to give."))
    # In one order, so that two people's changes never wait for each other.
    moved = [_give(engagement, successor, actor) for engagement in live.order_by("pk")]
    if not live_engagements_of(leaver).exists():
        _settle(stored, note="", actor=actor)
    return moved


@transaction.atomic
def settle_departure(*, departure: Departure, note: str, actor: User) -> Departure:
    """Close a departure with what was found; of a manager once nothing live is left.

    Raises WrongStateError where live engagements still wait for another manager, and
    ValidationError without a note of a contractor.
    """
    stored = _open(departure)
    if stored.person is not None and live_engagements_of(stored.person).exists():
        raise WrongStateError(
            _("Some engagements are still theirs: give them to somebody first.")
        )
    if stored.contractor is not None and not note.strip():
        raise ValidationError({"note": _("Say what you found.")})
    return _settle(stored, note=note, actor=actor)


@transaction.atomic
def settle_empty_departures() -> Settled:
    """Close departures of managers whose engagements all have another one or ended."""
    settled = 0
    for departure in Departure.objects.filter(settled_at=None).select_related(
        "person", "contractor"
    ):
        if _has_nothing_live(departure):
            _settle(departure, note="", actor=None)
            settled += 1
    return Settled(departures=settled)


def live_engagements_of(person: User) -> EngagementQuerySet:
    rows = EngagementQuerySet(Engagement)
    return rows.filter(manager=person, status__in=LIVE_STATUSES)


def live_assignments_of(contractor: Contractor) -> EngagementQuerySet:
    """Return the contractor's live engagements, as engagements."""
    rows = EngagementQuerySet(Engagement)
    return rows.filter(assignment__contractor=contractor, status__in=LIVE_STATUSES)


def possible_successors(people: QuerySet[User]) -> QuerySet[User]:
    """Keep active people who may manage engagements."""
    manages = Q(groups__name__in=[Role.MANAGER, Role.ADMINISTRATOR])
    able = User.objects.filter(manages | Q(is_superuser=True)).values("pk")
    return people.filter(is_active=True, pk__in=able)


def _has_nothing_live(departure: Departure) -> bool:
    if departure.person is not None:
        return not live_engagements_of(departure.person).exists()
    contractor = departure.contractor
    return contractor is not None and not live_assignments_of(contractor).exists()


def _open(departure: Departure) -> Departure:
    stored: Departure = Departure.objects.select_for_update().get(pk=departure.pk)
    if not stored.is_open:
        raise WrongStateError(_("This departure is settled already."))
    return stored


def _settle(departure: Departure, *, note: str, actor: User | None) -> Departure:
    departure.settled_at = timezone.now()
    departure.settled_by = actor
    departure.note = note.strip()
    return change_record(record=departure, event_type="departure.settled", actor=actor)


def _give(engagement: Engagement, successor: User, actor: User) -> Engagement:
    kind = ManagedContract if engagement.kind == Kind.MANAGED else Assignment
    found: ManagedContract | Assignment = kind._default_manager.get(pk=engagement.pk)
    found.manager = successor
    return change_engagement(engagement=found, actor=actor)


def _check_successor(successor: User, leaver: User) -> None:
    if successor == leaver:
        raise ValidationError({"successor": _("Choose somebody else.")})
    if not possible_successors(User.objects.filter(pk=successor.pk)).exists():
        raise ValidationError(
            {
                "successor": _("%(person)s is not active, or has no role that manages.")
                % {"person": successor}
            }
        )


def _next_up(person: User) -> User | None:
    """Return the nearest active manager above the person who may give work away."""
    above = person.manager
    for _step in range(HIGHEST):
        if above is None or above == person:
            return None
        if above.is_active and roles_of(above) & {Role.MANAGER, Role.ADMINISTRATOR}:
            return above
        above = above.manager
    return None
