from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from engagements.choices import Role
from engagements.models.record import Record
from engagements.permissions import roles_of, sees_money

if TYPE_CHECKING:
    from engagements.models import User

LONGEST_QUERY = 2000


class Sharing(models.TextChoices):
    NOBODY = "nobody", _("Only me")
    ROLE = "role", _("Everyone of a role")
    EVERYONE = "everyone", _("Everyone")


class SavedPageQuerySet(models.QuerySet["SavedPage"]):
    def visible_to(self, user: User) -> Self:
        """Keep the user's own and those that are shared with them.

        A page is an address alone: what it shows is each reader's own scope.
        """
        if not sees_money(user):
            return self.none()
        of_role = Q(shared_with=Sharing.ROLE, role__in=roles_of(user))
        return self.filter(Q(owner=user) | of_role | Q(shared_with=Sharing.EVERYONE))


class SavedPage(Record):
    """A finance page with its filters, under a name; shared as an address, no more."""

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="saved_pages",
        verbose_name=_("owner"),
    )
    name = models.CharField(_("name"), max_length=100)
    # The report's slug; empty is the finance overview.
    page = models.SlugField(_("page"), max_length=60, blank=True)
    query = models.CharField(_("filters"), max_length=LONGEST_QUERY, blank=True)
    shared_with = models.CharField(
        _("shared with"),
        max_length=8,
        choices=Sharing.choices,
        default=Sharing.NOBODY,
    )
    role = models.CharField(_("role"), max_length=20, choices=Role.choices, blank=True)

    objects = SavedPageQuerySet.as_manager()

    class Meta:
        ordering = ["name", "id"]
        verbose_name = _("saved page")
        constraints = [
            models.UniqueConstraint(
                name="saved_page_name_once_per_owner",
                fields=["owner", "name"],
                violation_error_message=_("You have a saved page of this name."),
            ),
            models.CheckConstraint(
                name="saved_page_sharing_known",
                condition=Q(shared_with__in=Sharing.values),
            ),
            models.CheckConstraint(
                name="saved_page_role_where_shared_with_one",
                condition=(Q(shared_with=Sharing.ROLE) & ~Q(role=""))
                | (~Q(shared_with=Sharing.ROLE) & Q(role="")),
                violation_error_message=_("Choose the role to share it with."),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Every(models.TextChoices):
    DAY = "day", _("Every day")
    WEEK = "week", _("Every Monday")
    MONTH = "month", _("On the first of the month")


class FileKind(models.TextChoices):
    PDF = "pdf", "PDF"
    XLSX = "xlsx", "XLSX"


class PageMail(Record):
    """A saved page that one person is mailed, with what that person may see.

    `sent_for` is the last due day that was dealt with: each is sent for once.
    """

    saved_page = models.ForeignKey(
        SavedPage, on_delete=models.CASCADE, related_name="mails"
    )
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="page_mails",
        verbose_name=_("person"),
    )
    every = models.CharField(_("how often"), max_length=5, choices=Every.choices)
    file_kind = models.CharField(
        _("file"), max_length=4, choices=FileKind.choices, default=FileKind.PDF
    )
    sent_for = models.DateField(null=True, blank=True, editable=False)
    leased_until = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        ordering = ["id"]
        verbose_name = _("mail of a saved page")
        constraints = [
            models.UniqueConstraint(
                name="page_mail_once_per_person",
                fields=["saved_page", "person"],
                violation_error_message=_("This person is mailed the page already."),
            ),
            models.CheckConstraint(
                name="page_mail_frequency_known", condition=Q(every__in=Every.values)
            ),
            models.CheckConstraint(
                name="page_mail_file_known",
                condition=Q(file_kind__in=FileKind.values),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.every} {self.file_kind}"
