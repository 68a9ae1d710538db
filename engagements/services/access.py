"""Who has access to our systems: granted on a day, removed on a day, by whom."""

from datetime import date

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from engagements import events
from engagements.choices import Status
from engagements.errors import WrongStateError
from engagements.models import AccessGrant, Assignment, Engagement, User
from engagements.services.closing import Closing, Obstacle, before_closing
from engagements.services.records import create_record


@transaction.atomic
def grant_access(*, grant: AccessGrant, actor: User | None) -> AccessGrant:
    """Record that a person of a running engagement has access to a system.

    Raises ValidationError by field: for a day to come, for somebody who isn't the
    engagement's contractor or one of its named workers, and for an access that the
    person has already. Raises WrongStateError unless the engagement is active.
    """
    engagement = Engagement.objects.select_for_update().get(pk=grant.engagement_id)
    if engagement.status != Status.ACTIVE:
        raise WrongStateError(
            _("%(reference)s is %(status)s; access is granted while one is active.")
            % {
                "reference": engagement.reference,
                "status": engagement.get_status_display().lower(),
            }
        )
    if grant.removed_on is not None or grant.removed_by_id is not None:
        raise ValidationError(
            {"removed_on": _("Access is granted before its removal.")}
        )
    _check_day(grant.granted_on, "granted_on")
    _check_person(grant, engagement)
    grant.system = " ".join(grant.system.split())
    grant.granted_by = actor
    return create_record(
        record=grant, event_type="access.granted", engagement=engagement, actor=actor
    )


@transaction.atomic
def remove_access(
    *, grant: AccessGrant, removed_on: date, reported_by: str = "", actor: User
) -> AccessGrant:
    """Record the day on which a person's access was removed, and who says so.

    `reported_by` names whoever removed it, where that wasn't `actor`. It stands for
    good, whatever the engagement's status. Raises ValidationError for a day before the
    grant or to come, and WrongStateError where it was removed already.
    """
    Engagement.objects.select_for_update().get(pk=grant.engagement_id)
    stored = AccessGrant.objects.select_for_update().get(pk=grant.pk)
    if not stored.is_open:
        raise WrongStateError(
            _("It was removed on %(day)s already.") % {"day": _day(stored.removed_on)}
        )
    _check_day(removed_on, "removed_on")
    before = AccessGrant.objects.get(pk=stored.pk)
    stored.removed_on = removed_on
    stored.removed_by = actor
    stored.removal_reported_by = reported_by.strip()
    stored.full_clean()
    stored.save()
    events.record(
        event_type="access.removed",
        subject=stored,
        changes=events.difference(before, stored),
        engagement=stored.engagement,
        actor=actor,
    )
    return stored


def check_nobody_has_access(*, engagement: Engagement, reader: User | None) -> None:
    """Raise WrongStateError that tells who still has access to what."""
    closing = Closing(engagement, last_day=timezone.localdate(), reader=reader)
    obstacles = open_access(closing)
    if obstacles:
        raise WrongStateError(" ".join(obstacle.sentence for obstacle in obstacles))


@before_closing
def open_access(closing: Closing) -> list[Obstacle]:
    """Tell of every access still open; by name to those who may see it."""
    grants = AccessGrant.objects.filter(engagement_id=closing.engagement.pk)
    still = grants.still_open().with_person().order_by("granted_on", "id")
    if not _may_see(closing):
        count = still.count()
        sentence = ngettext(
            "%(count)d access is still open: remove it.",
            "%(count)d accesses are still open: remove them.",
            count,
        ) % {"count": count}
        return [Obstacle(sentence)] if count else []
    return [
        Obstacle(
            _("%(person)s still has access to %(system)s: remove it.")
            % {"person": grant.person, "system": grant.system},
            record=grant,
        )
        for grant in still
    ]


def _may_see(closing: Closing) -> bool:
    reader = closing.reader
    return (
        reader is not None
        and reader.has_perm("engagements.view_accessgrant")
        and Engagement.objects.visible_to(reader)
        .filter(pk=closing.engagement.pk)
        .exists()
    )


def _check_day(day: date | None, field: str) -> None:
    if day is not None and day > timezone.localdate():
        raise ValidationError(
            {field: _("It is recorded once the day has come, not ahead of it.")}
        )


def _check_person(grant: AccessGrant, engagement: Engagement) -> None:
    worker, contractor = grant.named_worker, grant.contractor
    if worker is not None and worker.contract_id != engagement.pk:
        raise ValidationError({"named_worker": _("They work on another contract.")})
    if contractor is None:
        return
    assignments = Assignment._default_manager.filter(contractor=contractor)
    if not assignments.filter(pk=engagement.pk).exists():
        raise ValidationError({"contractor": _("They work on another engagement.")})


def _day(day: date | None) -> str:
    return date_format(day, "j F Y") if day else ""
