"""Who left, and what of theirs needs somebody else."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from engagements.models.engagement import Engagement
from engagements.models.people import Contractor
from engagements.models.record import Record
from engagements.permissions import engagement_scope, sees_all

if TYPE_CHECKING:
    from engagements.models.people import User


def departure_scope(user: User) -> Q:
    """Return what keeps the departures that the user may see.

    Those for them to settle, and those that touch an engagement in their scope.
    """
    if sees_all(user):
        return Q()
    seen = Engagement.objects.filter(engagement_scope(user))
    managed = seen.filter(manager=OuterRef("person"))
    worked = seen.filter(assignment__contractor=OuterRef("contractor"))
    return Q(assignee=user) | Q(Exists(managed)) | Q(Exists(worked))


class DepartureQuerySet(QuerySet["Departure"]):
    def open(self) -> Self:
        return self.filter(settled_at=None)

    def visible_to(self, user: User) -> Self:
        return self.filter(departure_scope(user))


class Departure(Record):
    """A task that somebody's leaving opens; nothing ends by itself.

    Either of a manager, whose live engagements need another one, or of a contractor
    who is gone from the feed of people, whose engagements need a look.
    """

    objects: ClassVar[models.Manager[Departure]] = DepartureQuerySet.as_manager()

    person = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="departures",
        verbose_name=_("manager who left"),
    )
    contractor = models.ForeignKey(
        Contractor,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="departures",
        verbose_name=_("contractor gone from the feed"),
    )
    assignee = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="departures_to_settle",
        verbose_name=_("for"),
        help_text=_("Whose task it is; blank for any administrator."),
    )
    settled_at = models.DateTimeField(_("settled"), null=True, blank=True)
    settled_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("settled by"),
        help_text=_("Blank where nothing was left to do."),
    )
    note = models.CharField(_("what was found"), max_length=300, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                name="departure_of_one",
                condition=Q(person__isnull=False, contractor__isnull=True)
                | Q(person__isnull=True, contractor__isnull=False),
            ),
            models.UniqueConstraint(
                name="departure_open_once_per_manager",
                fields=["person"],
                condition=Q(settled_at__isnull=True),
            ),
            models.UniqueConstraint(
                name="departure_open_once_per_contractor",
                fields=["contractor"],
                condition=Q(settled_at__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} {self.pk}"

    @property
    def is_open(self) -> bool:
        return self.settled_at is None
