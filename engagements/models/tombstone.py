from typing import ClassVar

from django.db import models
from django.utils import timezone


class Tombstone(models.Model):
    """That a record was deleted, for systems that keep a copy of ours.

    Holds nothing of the record but its ids. `record_id` is its primary key: a row and
    a tombstone never share one, so that both can be walked through in one order.
    """

    model_name = models.CharField(max_length=40)
    record_id = models.BigIntegerField()
    public_id = models.UUIDField(unique=True)
    deleted_at = models.DateTimeField(default=timezone.now)

    objects: ClassVar[models.Manager["Tombstone"]]

    class Meta:
        indexes = [models.Index(fields=["model_name", "deleted_at", "record_id"])]

    def __str__(self) -> str:
        return f"{self.model_name} {self.public_id}"
