from __future__ import annotations

import uuid
from datetime import datetime
from typing import ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from engagements.models.record import has_length


class ApiKeyQuerySet(QuerySet["ApiKey"]):
    def usable_at(self, moment: datetime) -> Self:
        """Keep keys neither revoked nor expired, of owners who are still active."""
        return self.filter(
            Q(expires_at__isnull=True) | Q(expires_at__gt=moment),
            revoked_at__isnull=True,
            owner__is_active=True,
        )


class ApiKey(models.Model):
    """A machine's way in: acts as its owner, and only within its scopes.

    Only the digest of the key is kept; `prefix` is what people recognise it by.
    """

    objects: ClassVar[models.Manager[ApiKey]] = ApiKeyQuerySet.as_manager()

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(
        _("name"), max_length=120, help_text=_("Which system uses this key.")
    )
    prefix = models.CharField(_("key"), max_length=20, editable=False)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    scopes = models.JSONField(_("scopes"), default=list)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="api_keys",
        verbose_name=_("acts as"),
        help_text=_("The key sees and may do at most what this person does."),
    )
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)
    last_used_at = models.DateTimeField(_("last used"), null=True, editable=False)
    revoked_at = models.DateTimeField(_("revoked"), null=True, editable=False)

    class Meta:
        ordering = ["-id"]
        verbose_name = _("API key")
        constraints = [
            models.CheckConstraint(
                name="api_key_digest_whole", condition=has_length("digest", 64)
            ),
            models.CheckConstraint(name="api_key_named", condition=~Q(name="")),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    @property
    def client_id(self) -> str:
        """By which it is exchanged for tokens, as a client of OAuth2."""
        return str(self.public_id)


class IdempotencyKey(models.Model):
    """A request that a caller may send again, and what it was answered."""

    caller = models.CharField(max_length=60)
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64)
    # Null while the work is done, which nobody else ever sees.
    status = models.PositiveSmallIntegerField(null=True)
    body = models.BinaryField(default=b"")
    etag = models.CharField(max_length=80, blank=True)
    location = models.CharField(max_length=400, blank=True)
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="idempotency_key_once_per_caller", fields=["caller", "key"]
            ),
            models.CheckConstraint(
                name="idempotency_key_fingerprint_whole",
                condition=has_length("fingerprint", 64),
            ),
            models.CheckConstraint(name="idempotency_key_given", condition=~Q(key="")),
        ]

    def __str__(self) -> str:
        return f"{self.caller}: {self.key}"
