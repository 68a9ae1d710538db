from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.db import models
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from engagements.models import Engagement, Vendor
from engagements.models.fields import MoneyField
from engagements.models.record import Detail, Record, has_length
from engagements.models.validators import currency_code
from engagements.permissions import engagement_scope, sees_all, sees_money

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from engagements.models import User


class OrderStatus(models.TextChoices):
    OPEN = "open", _("Open")
    CLOSED = "closed", _("Closed")
    CANCELLED = "cancelled", _("Cancelled")


class PurchaseOrderQuerySet(QuerySet["PurchaseOrder"]):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        """Keep orders of engagements whose money the user may see, all of them.

        What is left of an order tells what everything it covers has cost. Those that
        cover nothing are seen by those who see all rows.
        """
        if not sees_money(user):
            return self.none()
        if sees_all(user):
            return self
        scope = engagement_scope(user, prefix="engagement__", with_money=True)
        covered = OrderCoverage.objects.filter(order=OuterRef("pk"))
        return self.filter(
            Exists(covered.filter(scope)), ~Exists(covered.exclude(scope))
        )


class PurchaseOrder(Record):
    """What was ordered from a vendor: an amount that bills draw on until it is used.

    What it came to with its changes is `amount` plus the changes' sum.
    """

    vendor = models.ForeignKey(
        Vendor,
        on_delete=models.PROTECT,
        related_name="purchase_orders",
        verbose_name=_("vendor"),
    )
    number = models.CharField(_("number"), max_length=40)
    normalised_number = models.CharField(max_length=40, editable=False)
    description = models.CharField(_("description"), max_length=200, blank=True)
    currency = models.CharField(
        _("currency"),
        max_length=3,
        validators=[currency_code],
        help_text=_("That of the engagements it covers."),
    )
    amount = MoneyField(_("amount"), help_text=_("As first ordered, without tax."))
    starts_on = models.DateField(_("starts on"))
    ends_on = models.DateField(
        _("ends on"),
        null=True,
        blank=True,
        help_text=_("Last day of service that it pays for; blank for an open end."),
    )
    status = models.CharField(
        _("status"),
        max_length=9,
        choices=OrderStatus.choices,
        default=OrderStatus.OPEN,
        editable=False,
    )
    # Since when it is known to run out before its end; told of once.
    short_since = models.DateField(
        _("running out since"), null=True, blank=True, editable=False
    )
    engagements: models.ManyToManyField[Engagement, OrderCoverage] = (
        models.ManyToManyField(
            Engagement,
            through="OrderCoverage",
            related_name="purchase_orders",
            verbose_name=_("engagements"),
        )
    )

    objects = PurchaseOrderQuerySet.as_manager()

    class Meta:
        ordering = ["vendor", "number"]
        verbose_name = _("purchase order")
        constraints = [
            models.UniqueConstraint(
                name="purchase_order_number_once_per_vendor",
                fields=["vendor", "normalised_number"],
                violation_error_message=_("This vendor's order is recorded already."),
            ),
            models.CheckConstraint(
                name="purchase_order_number_given",
                condition=~Q(normalised_number=""),
                violation_error_message=_("Give the order's number."),
            ),
            models.CheckConstraint(
                name="purchase_order_currency_code",
                condition=has_length("currency", 3),
            ),
            models.CheckConstraint(
                name="purchase_order_amount_positive",
                condition=Q(amount__gt=0),
                violation_error_message=_("An order is for more than 0."),
            ),
            models.CheckConstraint(
                name="purchase_order_ends_after_start",
                condition=Q(ends_on__isnull=True) | Q(ends_on__gte=F("starts_on")),
                violation_error_message=_("The end can't be before the start."),
            ),
            models.CheckConstraint(
                name="purchase_order_status_known",
                condition=Q(status__in=OrderStatus.values),
            ),
        ]

    def __str__(self) -> str:
        return self.number


class OrderCoverage(Detail):
    """An engagement whose bills draw on an order."""

    order = models.ForeignKey(
        PurchaseOrder, on_delete=models.CASCADE, related_name="coverages"
    )
    engagement = models.ForeignKey(
        Engagement,
        on_delete=models.PROTECT,
        related_name="order_coverages",
        verbose_name=_("engagement"),
    )

    class Meta:
        ordering = ["id"]
        verbose_name = _("engagement of an order")
        verbose_name_plural = _("engagements that it covers")
        constraints = [
            models.UniqueConstraint(
                name="order_coverage_once",
                fields=["order", "engagement"],
                violation_error_message=_("The order covers it already."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.order_id}: {self.engagement_id}"


class OrderChange(Detail):
    """An amendment of an order: more or less money, a later or earlier end.

    The database refuses every change of a stored one.
    """

    order = models.ForeignKey(
        PurchaseOrder, on_delete=models.PROTECT, related_name="changes"
    )
    changed_on = models.DateField(_("changed on"))
    amount = MoneyField(
        _("amount"), default=Decimal(0), help_text=_("Negative where it takes off.")
    )
    ends_on = models.DateField(_("new end"), null=True, blank=True)
    reason = models.CharField(_("reason"), max_length=300)
    recorded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        editable=False,
        verbose_name=_("recorded by"),
    )

    class Meta:
        ordering = ["changed_on", "id"]
        verbose_name = _("change of an order")
        verbose_name_plural = _("changes")
        constraints = [
            models.CheckConstraint(
                name="order_change_says_why",
                condition=~Q(reason=""),
                violation_error_message=_("Say why the order changes."),
            ),
            models.CheckConstraint(
                name="order_change_changes_something",
                condition=~Q(amount=0) | Q(ends_on__isnull=False),
                violation_error_message=_("Give an amount, or a new end."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.changed_on}"
