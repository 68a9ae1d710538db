from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from engagements.models.engagement import Engagement
from engagements.models.managed import NamedWorker
from engagements.models.people import Contractor
from engagements.models.record import Detail
from engagements.permissions import engagement_scope

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from engagements.models.people import User


class AccessGrantQuerySet(QuerySet["AccessGrant"]):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        """Keep grants of engagements that the user may see."""
        return self.filter(engagement_scope(user, prefix="engagement__"))

    def still_open(self) -> Self:
        return self.filter(removed_on__isnull=True)

    def with_person(self) -> Self:
        return self.select_related("contractor", "named_worker")


class AccessGrant(Detail):
    """One person's access to one of our systems, from the day granted to its removal.

    The database keeps it as it was written, apart from the one removal. The person is
    told by reference, never by name, so that erasing them leaves nothing here; who
    reported a removal is a name, and can be blanked.
    """

    PERSONAL_FIELDS: ClassVar[frozenset[str]] = frozenset({"removal_reported_by"})

    engagement = models.ForeignKey(
        Engagement,
        on_delete=models.PROTECT,
        related_name="access_grants",
        verbose_name=_("engagement"),
    )
    contractor = models.ForeignKey(
        Contractor,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="access_grants",
        verbose_name=_("contractor"),
    )
    named_worker = models.ForeignKey(
        NamedWorker,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="access_grants",
        verbose_name=_("named worker"),
    )
    system = models.CharField(
        _("system"),
        max_length=120,
        help_text=_("Account, building or device, such as “Data warehouse”."),
    )
    granted_on = models.DateField(_("granted on"))
    granted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        editable=False,
        verbose_name=_("recorded by"),
    )
    removed_on = models.DateField(_("removed on"), null=True, blank=True)
    removed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        editable=False,
        verbose_name=_("removal recorded by"),
    )
    removal_reported_by = models.CharField(
        _("reported by"),
        max_length=200,
        blank=True,
        help_text=_("Who removed it, where that was somebody else than you."),
    )

    objects: ClassVar[models.Manager[AccessGrant]] = AccessGrantQuerySet.as_manager()

    class Meta:
        ordering = ["granted_on", "id"]
        verbose_name = _("access")
        verbose_name_plural = _("access")
        constraints = [
            models.CheckConstraint(
                name="access_grant_to_one_person",
                condition=Q(contractor__isnull=False, named_worker__isnull=True)
                | Q(contractor__isnull=True, named_worker__isnull=False),
                violation_error_message=_("Name one person."),
            ),
            models.CheckConstraint(
                name="access_grant_system_given",
                condition=~Q(system=""),
                violation_error_message=_("Say which system."),
            ),
            models.CheckConstraint(
                name="access_grant_removal_is_attributed",
                condition=Q(
                    removed_on__isnull=True,
                    removed_by__isnull=True,
                    removal_reported_by="",
                )
                | Q(removed_on__isnull=False, removed_by__isnull=False),
            ),
            models.CheckConstraint(
                name="access_grant_removed_after_granted",
                condition=Q(removed_on__isnull=True)
                | Q(removed_on__gte=F("granted_on")),
                violation_error_message=_("It can't be removed before it was granted."),
            ),
            models.UniqueConstraint(
                F("engagement"),
                F("contractor"),
                Lower("system"),
                name="access_grant_open_once_per_contractor",
                condition=Q(removed_on__isnull=True, contractor__isnull=False),
                violation_error_message=_("This person has this access already."),
            ),
            models.UniqueConstraint(
                F("engagement"),
                F("named_worker"),
                Lower("system"),
                name="access_grant_open_once_per_named_worker",
                condition=Q(removed_on__isnull=True, named_worker__isnull=False),
                violation_error_message=_("This person has this access already."),
            ),
        ]

    def __str__(self) -> str:
        return self.system

    @property
    def is_open(self) -> bool:
        return self.removed_on is None

    @property
    def person(self) -> Contractor | NamedWorker:
        """Who has the access; read it through `with_person`."""
        person = self.contractor or self.named_worker
        if person is None:
            raise ValueError("An access grant names one person.")
        return person
