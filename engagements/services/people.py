"""What becomes of a person's account, by hand or by the identity tool."""

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.models import Session
from django.db import transaction
from django.utils import timezone

from engagements.models import User
from engagements.services.departures import note_manager_left, note_return
from engagements.services.records import change_record


@transaction.atomic
def change_person(
    *, person: User, expected_version: int | None = None, actor: User | None
) -> User:
    """Store a changed person.

    Who is no longer active is signed out everywhere; where they manage live
    engagements, a task is opened for somebody to give these to others. Raises
    ConflictError, and ValidationError by field.
    """
    was_active = User.objects.select_for_update().get(pk=person.pk).is_active
    changed = change_record(
        record=person, expected_version=expected_version, actor=actor
    )
    if was_active and not changed.is_active:
        end_sessions(person=changed)
        note_manager_left(person=changed, actor=actor)
    elif changed.is_active and not was_active:
        note_return(person=changed, actor=actor)
    return changed


def end_sessions(*, person: User) -> int:
    """Sign the person out everywhere, and return how many sessions ended.

    An inactive person is refused at once in any case; this keeps what was open from
    working again should they come back.
    """
    running = Session.objects.filter(expire_date__gte=timezone.now())
    theirs = [
        session.pk
        for session in running.iterator()
        if session.get_decoded().get(SESSION_KEY) == str(person.pk)
    ]
    Session.objects.filter(pk__in=theirs).delete()
    return len(theirs)
