import uuid

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class Event(models.Model):
    """What happened: the audit trail, and the source of stream and webhooks.

    Append-only in the database. Payloads hold ids and plain figures; the values of
    personal fields stay out, so that erasing a person leaves events as they are.
    """

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    event_type = models.CharField(_("type"), max_length=60)
    subject_type = models.CharField(_("record"), max_length=40)
    subject_id = models.BigIntegerField()
    # By which other systems know the record, where it has one; told of a deletion too.
    subject_public_id = models.UUIDField(null=True, editable=False)
    # Not foreign keys: an event outlives what it tells of, and is never rewritten.
    engagement_id = models.BigIntegerField(null=True)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        verbose_name=_("who"),
        help_text=_("Blank for what the product did by itself."),
    )
    occurred_at = models.DateTimeField(_("when"))
    changes = models.JSONField(_("changes"), default=dict)
    request_id = models.CharField(max_length=64, blank=True)

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["subject_type", "subject_id", "id"]),
            models.Index(fields=["engagement_id", "id"]),
            models.Index(fields=["event_type", "id"]),
        ]
        constraints = [
            models.CheckConstraint(
                name="event_type_given", condition=~models.Q(event_type="")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.event_type} {self.subject_type} {self.subject_id}"
