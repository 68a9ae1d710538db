from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from engagements.models import Engagement, Vendor
from engagements.models.fields import MoneyField
from engagements.models.record import Detail, has_length
from tracker.spend.models.invoice import Invoice
from tracker.spend.models.scoped import MoneyScoped


class Payment(Detail):
    """A payment read from a file, traceable to its line."""

    engagement = models.ForeignKey(
        Engagement,
        on_delete=models.PROTECT,
        related_name="payments",
        verbose_name=_("engagement"),
    )
    vendor = models.ForeignKey(
        Vendor,
        on_delete=models.PROTECT,
        related_name="payments",
        verbose_name=_("vendor"),
    )
    paid_on = models.DateField(_("paid on"), db_index=True)
    amount = MoneyField(_("amount"))
    currency = models.CharField(_("currency"), max_length=3)
    transaction_number = models.CharField(_("transaction"), max_length=100, blank=True)
    description = models.CharField(_("description"), max_length=300, blank=True)
    unit = models.CharField(_("unit"), max_length=200, blank=True)
    category = models.CharField(_("category"), max_length=200, blank=True)
    supplier_name = models.CharField(_("supplier as written"), max_length=300)
    supplier_number = models.CharField(_("supplier number"), max_length=60, blank=True)
    invoice = models.ForeignKey(
        Invoice,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="payments",
        verbose_name=_("pays invoice"),
        help_text=_("Set where a recorded invoice counts the money already."),
    )
    source_key = models.CharField(max_length=100, unique=True, editable=False)
    source_file = models.CharField(_("file"), max_length=200)
    source_line = models.PositiveIntegerField(_("line"))
    source_run = models.UUIDField(db_index=True)

    objects = MoneyScoped.as_manager()

    class Meta:
        ordering = ["-paid_on", "-id"]
        indexes = [
            models.Index(fields=["transaction_number"]),
            models.Index(fields=["supplier_number"]),
        ]
        constraints = [
            models.CheckConstraint(
                name="payment_currency_code", condition=has_length("currency", 3)
            ),
            models.CheckConstraint(
                name="payment_source_key_given", condition=~Q(source_key="")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.paid_on} {self.amount} {self.currency}"
