"""What the identity tool told us of people and teams, and how that went."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from engagements.choices import Role
from engagements.models import CostCentre, User
from engagements.models.record import Record
from tracker.directory.choices import CHANGES, SyncKind

# A team never makes anybody an administrator.
TEAM_ROLES = [
    (role.value, role.label) for role in Role if role is not Role.ADMINISTRATOR
]


class _Pushed(Record):
    """A record that an identity tool keeps."""

    class Meta:
        abstract = True

    @property
    def last_modified_at(self) -> datetime:
        """Equal to when it was created until it is changed."""
        return self.created_at if self.version == 1 else self.updated_at


class DirectoryPerson(_Pushed):
    """A person as the identity tool tells of them, beside the account they have here.

    Holds what was sent, so that it is given back as it came: names of departments,
    cost centres and managers that are not known here wait in it until they are.
    """

    PERSONAL_FIELDS: ClassVar[frozenset[str]] = frozenset(
        {
            "user_name",
            "user_name_key",
            "display_name",
            "formatted_name",
            "given_name",
            "family_name",
            "emails",
            "email_keys",
            "employee_number",
        }
    )

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="directory_person",
        verbose_name=_("account"),
    )
    user_name = models.CharField(_("user name"), max_length=150)
    user_name_key = models.CharField(max_length=150, unique=True, editable=False)
    display_name = models.CharField(_("display name"), max_length=200, blank=True)
    formatted_name = models.CharField(_("formatted name"), max_length=300, blank=True)
    given_name = models.CharField(_("given name"), max_length=150, blank=True)
    family_name = models.CharField(_("family name"), max_length=150, blank=True)
    # A list of {value, type, primary, display}, each of them optional.
    emails = models.JSONField(_("e-mail addresses"), default=list, blank=True)
    # Each address as it is compared, on lines of its own.
    email_keys = models.TextField(blank=True, editable=False)
    # Null where the tool doesn't say: the account then stays as it is.
    active = models.BooleanField(_("active"), null=True, blank=True)
    employee_number = models.CharField(_("employee number"), max_length=40, blank=True)
    department_name = models.CharField(
        _("department as sent"), max_length=200, blank=True
    )
    cost_centre_name = models.CharField(
        _("cost centre as sent"), max_length=200, blank=True
    )
    cost_centre = models.ForeignKey(
        CostCentre,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="people",
        verbose_name=_("cost centre"),
    )
    manager_value = models.CharField(_("manager as sent"), max_length=200, blank=True)
    manager = models.ForeignKey(
        "self",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="reports",
        verbose_name=_("manager"),
    )
    # Roles that teams gave; those given by hand are left alone.
    team_roles = models.JSONField(default=list, blank=True, editable=False)

    class Meta:
        ordering = ["user_name_key"]
        indexes = [
            models.Index(fields=["employee_number"]),
            models.Index(fields=["manager_value"]),
        ]
        constraints = [
            models.CheckConstraint(
                name="directory_person_named", condition=~Q(user_name_key="")
            ),
        ]

    def __str__(self) -> str:
        return self.display_name or self.user_name


class Team(_Pushed):
    """A group of people as the identity tool has it.

    Gives its members a role where an administrator said so, and nothing by itself.
    """

    name = models.CharField(_("name"), max_length=200)
    name_key = models.CharField(max_length=200, db_index=True, editable=False)
    role = models.CharField(
        _("role of its members"),
        max_length=20,
        choices=TEAM_ROLES,
        blank=True,
        help_text=_(
            "Members get this role, and lose it with their membership. Blank gives"
            " none; administrators are made by hand alone."
        ),
    )
    members = models.ManyToManyField(
        DirectoryPerson, blank=True, related_name="teams", verbose_name=_("members")
    )

    class Meta:
        ordering = ["name", "id"]
        constraints = [
            models.CheckConstraint(name="team_named", condition=~Q(name="")),
            models.CheckConstraint(
                name="team_role_known",
                condition=Q(role__in=["", *dict(TEAM_ROLES)]),
                violation_error_message=_("A team can't give this role."),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class SyncEntryQuerySet(QuerySet["SyncEntry"]):
    def problems(self) -> Self:
        """Keep what somebody should look at."""
        return self.exclude(kind__in=CHANGES).filter(settled_at=None)

    def changes(self) -> Self:
        return self.filter(kind__in=CHANGES)


class SyncEntry(models.Model):
    """One thing that an identity tool changed here, or that could not be followed.

    A problem told again raises `times` instead of standing twice.
    """

    objects: ClassVar[models.Manager[SyncEntry]] = SyncEntryQuerySet.as_manager()

    kind = models.CharField(_("what"), max_length=30, choices=SyncKind.choices)
    # As it was called then; the person or team may be gone since.
    name = models.CharField(_("who"), max_length=200)
    person = models.ForeignKey(
        DirectoryPerson,
        on_delete=models.SET_NULL,
        null=True,
        related_name="+",
        verbose_name=_("person"),
    )
    team = models.ForeignKey(
        Team,
        on_delete=models.SET_NULL,
        null=True,
        related_name="+",
        verbose_name=_("team"),
    )
    account = models.ForeignKey(
        User,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        verbose_name=_("account"),
    )
    # Names of fields, paths, codes, and whom the tool names as manager or member.
    detail = models.CharField(_("detail"), max_length=300, blank=True)
    # The external id under which a refused person is known to the tool.
    external_id = models.CharField(max_length=200, blank=True)
    source = models.CharField(_("through"), max_length=150, blank=True)
    first_at = models.DateTimeField(_("first"))
    last_at = models.DateTimeField(_("when"), db_index=True)
    times = models.PositiveIntegerField(_("times"), default=1)
    settled_at = models.DateTimeField(_("settled"), null=True)
    settled_by = models.ForeignKey(
        User,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        verbose_name=_("settled by"),
    )

    class Meta:
        ordering = ["-last_at", "-id"]
        indexes = [models.Index(fields=["kind", "name"])]
        constraints = [
            models.CheckConstraint(
                name="sync_entry_kind_known", condition=Q(kind__in=SyncKind.values)
            ),
            models.CheckConstraint(
                name="sync_entry_in_order",
                condition=Q(last_at__gte=models.F("first_at")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.name}"

    @property
    def is_problem(self) -> bool:
        return self.kind not in CHANGES and self.settled_at is None
