from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.db import models
from django.db.models import OuterRef, Q, QuerySet, Subquery, Sum, Value
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

from engagements.models import Engagement, Vendor
from engagements.models.fields import MoneyField
from engagements.models.record import Detail, Record, has_length
from engagements.models.validators import currency_code
from engagements.permissions import engagement_scope, sees_all, sees_money
from tracker.spend.models.invoice import InvoiceLine

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from engagements.models import User


class SavingKind(models.TextChoices):
    NEGOTIATED = "negotiated", _("Negotiated")
    CREDIT = "credit", _("Service credit")
    RECOVERED = "recovered", _("Recovered overbilling")
    CONVERSION = "conversion", _("Conversion of the model")


class SavingStatus(models.TextChoices):
    CLAIMED = "claimed", _("Claimed")
    REALISED = "realised", _("Realised")
    WITHDRAWN = "withdrawn", _("Withdrawn")


class SavingQuerySet(QuerySet["Saving"]):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        """Keep savings of engagements whose money the user may see.

        Those of a vendor as a whole are seen by those who see all rows.
        """
        if not sees_money(user):
            return self.none()
        if sees_all(user):
            return self
        return self.filter(
            engagement_scope(user, prefix="engagement__", with_money=True),
            engagement__isnull=False,
        )

    def with_realised(self) -> Self:
        """Annotate `realised`: what the records behind it come to."""
        rows = SavingRealisation.objects.filter(saving=OuterRef("pk")).order_by()
        sums = rows.values("saving").annotate(n=Sum("amount")).values("n")
        money = MoneyField()
        return self.annotate(
            realised=Coalesce(
                Subquery(sums, output_field=money),
                Value(Decimal(0), output_field=money),
            )
        )


class Saving(Record):
    """Money not spent, or taken back: what was claimed, beside what records show.

    The realised amount is the sum of its realisations, each with the row behind it.
    """

    # Annotated by `with_realised`.
    realised: Decimal

    kind = models.CharField(_("kind"), max_length=10, choices=SavingKind.choices)
    title = models.CharField(_("title"), max_length=200)
    vendor = models.ForeignKey(
        Vendor,
        on_delete=models.PROTECT,
        related_name="savings",
        verbose_name=_("vendor"),
    )
    engagement = models.ForeignKey(
        Engagement,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="savings",
        verbose_name=_("engagement"),
    )
    currency = models.CharField(_("currency"), max_length=3, validators=[currency_code])
    claimed_amount = MoneyField(_("claimed amount"))
    claimed_on = models.DateField(_("since"))
    until = models.DateField(
        _("until"),
        null=True,
        blank=True,
        help_text=_("The last day on which a lower price counts as a saving."),
    )
    price_before = MoneyField(
        _("price before"),
        null=True,
        blank=True,
        help_text=_("The monthly fee, or the price of an hour or a day."),
    )
    price_after = MoneyField(_("price after"), null=True, blank=True)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="savings",
        verbose_name=_("owner"),
    )
    status = models.CharField(
        _("status"),
        max_length=9,
        choices=SavingStatus.choices,
        default=SavingStatus.CLAIMED,
        editable=False,
    )
    note = models.CharField(_("note"), max_length=300, blank=True)
    # What it came from, such as an exception or a credit: counted once.
    source_key = models.CharField(
        max_length=60, null=True, blank=True, unique=True, editable=False
    )

    objects = SavingQuerySet.as_manager()

    class Meta:
        ordering = ["-claimed_on", "-id"]
        verbose_name = _("saving")
        constraints = [
            models.CheckConstraint(
                name="saving_kind_known", condition=Q(kind__in=SavingKind.values)
            ),
            models.CheckConstraint(
                name="saving_status_known", condition=Q(status__in=SavingStatus.values)
            ),
            models.CheckConstraint(
                name="saving_currency_code", condition=has_length("currency", 3)
            ),
            models.CheckConstraint(
                name="saving_claimed_positive",
                condition=Q(claimed_amount__gt=0),
                violation_error_message=_("A saving is more than 0."),
            ),
            models.CheckConstraint(
                name="saving_price_fell",
                condition=Q(price_before__isnull=True, price_after__isnull=True)
                | Q(
                    price_before__isnull=False,
                    price_after__isnull=False,
                    price_after__gte=0,
                    price_before__gt=models.F("price_after"),
                ),
                violation_error_message=_("The price after is below the one before."),
            ),
            models.CheckConstraint(
                name="saving_until_after_since",
                condition=Q(until__isnull=True) | Q(until__gte=models.F("claimed_on")),
                violation_error_message=_("It ends before it begins."),
            ),
        ]

    def __str__(self) -> str:
        return self.title


class SavingRealisation(Detail):
    """A part of a saving that a record shows: an invoice line, or somebody's word.

    Append-only in the database; each invoice line counts once.
    """

    saving = models.ForeignKey(
        Saving, on_delete=models.PROTECT, related_name="realisations"
    )
    realised_on = models.DateField(_("realised on"))
    amount = MoneyField(_("amount"))
    invoice_line = models.ForeignKey(
        InvoiceLine,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="realised_savings",
        verbose_name=_("invoice line"),
    )
    note = models.CharField(_("note"), max_length=300, blank=True)

    class Meta:
        ordering = ["realised_on", "id"]
        verbose_name = _("realisation")
        constraints = [
            models.UniqueConstraint(
                name="saving_realised_once_per_line",
                fields=["saving", "invoice_line"],
                condition=Q(invoice_line__isnull=False),
                violation_error_message=_("This line is counted already."),
            ),
            models.CheckConstraint(
                name="saving_realisation_is_something", condition=~Q(amount=0)
            ),
            models.CheckConstraint(
                name="saving_realisation_has_a_record",
                condition=Q(invoice_line__isnull=False) | ~Q(note=""),
                violation_error_message=_("Name the invoice line, or say how."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.realised_on}"
