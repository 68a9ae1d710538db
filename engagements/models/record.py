import uuid
from typing import ClassVar

from django.db import models
from django.db.models import F
from django.db.models.expressions import BaseExpression
from django.db.models.functions import Length
from django.db.models.lookups import Exact
from django.utils.translation import gettext_lazy as _

from engagements.models.conditions import Conditioned


def has_length(field: str, length: int) -> BaseExpression:
    """Return a condition for CHECK constraints: the text has just this length."""
    condition: BaseExpression = Exact(Length(F(field)), length)
    return condition


class Record(Conditioned):
    """What every editable record carries.

    `version` rises with each save by a service; the admin form and If-Match compare it.
    """

    # Names of fields whose values never go into an event: only that they changed.
    PERSONAL_FIELDS: ClassVar[frozenset[str]] = frozenset()

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    external_id = models.CharField(
        _("external id"),
        max_length=200,
        null=True,
        blank=True,
        unique=True,
        help_text=_("The record's id in another system; unique where given."),
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True, db_index=True)
    version = models.PositiveIntegerField(default=1, editable=False)

    class Meta:
        abstract = True


class Detail(Conditioned):
    """A line that belongs to a record and is read and changed through it."""

    PERSONAL_FIELDS: ClassVar[frozenset[str]] = frozenset()

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        abstract = True
