from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from engagements.choices import Standing, Tier
from engagements.models.record import Detail, Record, has_length
from engagements.models.validators import country_code, currency_code
from engagements.values.names import normalise_name


class Vendor(Record):
    """A company that supplies outside work."""

    legal_name = models.CharField(_("legal name"), max_length=200)
    normalised_name = models.CharField(max_length=200, unique=True, editable=False)
    standing = models.CharField(
        _("standing"),
        max_length=12,
        choices=Standing.choices,
        default=Standing.ACTIVE,
        help_text=_("On hold and blocked vendors get no new engagements."),
    )
    tier = models.CharField(
        _("tier"), max_length=12, choices=Tier.choices, default=Tier.APPROVED
    )
    allows_managed = models.BooleanField(_("may run managed services"), default=True)
    allows_augmented = models.BooleanField(_("may supply contractors"), default=True)
    currency = models.CharField(
        _("currency"),
        max_length=3,
        default="GBP",
        validators=[currency_code],
        help_text=_("What this vendor bills in, as ISO 4217 code."),
    )
    payment_terms_days = models.PositiveSmallIntegerField(
        _("payment terms (days)"), default=30
    )
    tax_id = models.CharField(_("tax id"), max_length=40, blank=True)
    country = models.CharField(
        _("country"),
        max_length=2,
        default="GB",
        validators=[country_code],
        help_text=_("ISO 3166 code."),
    )

    class Meta:
        ordering = ["legal_name"]
        indexes = [models.Index(fields=["legal_name"])]
        constraints = [
            models.CheckConstraint(
                name="vendor_standing_known", condition=Q(standing__in=Standing.values)
            ),
            models.CheckConstraint(
                name="vendor_tier_known", condition=Q(tier__in=Tier.values)
            ),
            models.CheckConstraint(
                name="vendor_allows_some_model",
                condition=Q(allows_managed=True) | Q(allows_augmented=True),
                violation_error_message=_(
                    "Allow at least one model: managed services or contractors."
                ),
            ),
            models.CheckConstraint(
                name="vendor_currency_code",
                condition=has_length("currency", 3),
                violation_error_message=_("Use a currency code such as GBP."),
            ),
            models.CheckConstraint(
                name="vendor_named",
                condition=~Q(normalised_name=""),
                violation_error_message=_("Give the vendor's legal name."),
            ),
        ]

    def __str__(self) -> str:
        return self.legal_name

    def clean(self) -> None:
        super().clean()
        self.normalised_name = normalise_name(self.legal_name)


class VendorContact(Detail):
    """Whom to speak to at a vendor."""

    PERSONAL_FIELDS: ClassVar[frozenset[str]] = frozenset({"name", "email", "phone"})

    vendor = models.ForeignKey(
        Vendor, on_delete=models.CASCADE, related_name="contacts"
    )
    name = models.CharField(_("name"), max_length=160)
    role = models.CharField(_("role"), max_length=120, blank=True)
    email = models.EmailField(_("e-mail"), blank=True)
    phone = models.CharField(_("phone"), max_length=40, blank=True)

    class Meta:
        ordering = ["name"]
        verbose_name = _("contact")

    def __str__(self) -> str:
        return self.name
