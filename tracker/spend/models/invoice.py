from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Self

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from engagements.choices import ChargeKind
from engagements.models import Contractor, Engagement, Vendor
from engagements.models.fields import FactorField, HoursField, MoneyField
from engagements.models.record import Detail, Record, has_length
from engagements.permissions import SEES_ALL, SEES_MONEY, roles_of, sees_money
from tracker.spend.models.scoped import EngagementScoped, MoneyScoped

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from engagements.models import User


class InvoiceStatus(models.TextChoices):
    DRAFT = "draft", _("Draft")
    RECEIVED = "received", _("Received")
    MATCHED = "matched", _("Matched")
    DISPUTED = "disputed", _("Disputed")
    APPROVED = "approved", _("Approved")
    PAID = "paid", _("Paid")


class InvoiceKind(models.TextChoices):
    INVOICE = "invoice", _("Invoice")
    CREDIT_NOTE = "credit_note", _("Credit note")


class InvoiceSource(models.TextChoices):
    MANUAL = "manual", _("Entered by hand")
    FILE = "file", _("Imported from a file")
    API = "api", _("Received by API")
    ELECTRONIC = "electronic", _("Electronic invoice")


# What an invoice can charge; a payment of which more isn't known is no bill.
BILLED_CHARGES = tuple(kind for kind in ChargeKind if kind != ChargeKind.PAYMENT)


class LineUnit(models.TextChoices):
    HOUR = "hour", _("Hour")
    DAY = "day", _("Day")
    MONTH = "month", _("Month")
    PIECE = "piece", _("Piece")


class InvoiceQuerySet(models.QuerySet["Invoice"]):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        """Keep those with a line whose money the user may see, and own empty ones."""
        if not sees_money(user):
            return self.none()
        if roles_of(user) & SEES_MONEY & SEES_ALL:
            return self
        seen = InvoiceLine.objects.visible_to(user).filter(invoice=OuterRef("pk"))
        lines = InvoiceLine.objects.filter(invoice=OuterRef("pk"))
        return self.filter(Exists(seen) | (Q(received_by=user) & ~Exists(lines)))

    def posted(self) -> Self:
        return self.exclude(status=InvoiceStatus.DRAFT)


class Invoice(Record):
    """What a vendor billed; its lines sum to the total exactly.

    It begins as a draft; once received it is spend, and the database lets neither its
    header nor its lines change.
    """

    vendor = models.ForeignKey(
        Vendor,
        on_delete=models.PROTECT,
        related_name="invoices",
        verbose_name=_("vendor"),
    )
    number = models.CharField(_("number"), max_length=60)
    normalised_number = models.CharField(max_length=60, editable=False)
    kind = models.CharField(
        _("kind"),
        max_length=12,
        choices=InvoiceKind.choices,
        default=InvoiceKind.INVOICE,
    )
    credits = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="credit_notes",
        verbose_name=_("credits invoice"),
        help_text=_("The invoice that this credit note corrects."),
    )
    issued_on = models.DateField(_("issued on"))
    received_on = models.DateField(_("received on"), null=True, blank=True)
    due_on = models.DateField(_("due on"), null=True, blank=True)
    currency = models.CharField(_("currency"), max_length=3)
    total = MoneyField(_("total"))
    status = models.CharField(
        _("status"),
        max_length=10,
        choices=InvoiceStatus.choices,
        default=InvoiceStatus.DRAFT,
        editable=False,
    )
    source = models.CharField(
        _("source"),
        max_length=12,
        choices=InvoiceSource.choices,
        default=InvoiceSource.MANUAL,
        editable=False,
    )
    dispute = models.CharField(
        _("why it is disputed"), max_length=300, blank=True, editable=False
    )
    received_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        editable=False,
        verbose_name=_("recorded by"),
    )
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        editable=False,
        verbose_name=_("approved by"),
    )
    approved_at = models.DateTimeField(
        _("approved at"), null=True, blank=True, editable=False
    )
    paid_on = models.DateField(_("paid on"), null=True, blank=True, editable=False)
    paid_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        editable=False,
        verbose_name=_("payment recorded by"),
    )

    objects: ClassVar[models.Manager[Invoice]] = InvoiceQuerySet.as_manager()

    class Meta:
        ordering = ["-issued_on", "-id"]
        verbose_name = _("invoice")
        indexes = [models.Index(fields=["status", "due_on"])]
        constraints = [
            models.UniqueConstraint(
                name="invoice_number_once_per_vendor",
                fields=["vendor", "normalised_number"],
                violation_error_message=_("This vendor's invoice is recorded already."),
            ),
            models.CheckConstraint(
                name="invoice_number_given", condition=~Q(normalised_number="")
            ),
            models.CheckConstraint(
                name="invoice_currency_code", condition=has_length("currency", 3)
            ),
            models.CheckConstraint(
                name="invoice_status_known",
                condition=Q(status__in=InvoiceStatus.values),
            ),
            models.CheckConstraint(
                name="invoice_kind_known", condition=Q(kind__in=InvoiceKind.values)
            ),
            models.CheckConstraint(
                name="invoice_source_known",
                condition=Q(source__in=InvoiceSource.values),
            ),
            models.CheckConstraint(
                name="invoice_credits_by_credit_note",
                condition=Q(credits__isnull=True) | Q(kind="credit_note"),
                violation_error_message=_("Only a credit note credits an invoice."),
            ),
            models.CheckConstraint(
                name="invoice_credit_note_names_invoice",
                condition=Q(status="draft")
                | ~Q(kind="credit_note")
                | Q(credits__isnull=False),
                violation_error_message=_("Say which invoice it credits."),
            ),
            models.CheckConstraint(
                name="invoice_credit_note_negative",
                condition=~Q(kind="credit_note") | Q(total__lt=0),
                violation_error_message=_("A credit note has a negative total."),
            ),
            models.CheckConstraint(
                name="invoice_disputed_with_reason",
                condition=~Q(status="disputed") | ~Q(dispute=""),
                violation_error_message=_("Say why it is disputed."),
            ),
            # Whoever recorded it never approves it: superusers included.
            models.CheckConstraint(
                name="invoice_not_approved_by_recorder",
                condition=Q(approved_by__isnull=True)
                | Q(received_by__isnull=True)
                | ~Q(approved_by=F("received_by")),
                violation_error_message=_("Nobody approves an invoice they recorded."),
            ),
            models.CheckConstraint(
                name="invoice_paid_is_dated",
                condition=Q(status="paid", paid_on__isnull=False)
                | (~Q(status="paid") & Q(paid_on__isnull=True, paid_by__isnull=True)),
                violation_error_message=_("A paid invoice has the day of payment."),
            ),
        ]

    def __str__(self) -> str:
        return self.number


class InvoiceLine(Detail):
    """One charge for one engagement and service period; negative for a credit."""

    invoice = models.ForeignKey(Invoice, on_delete=models.PROTECT, related_name="lines")
    number = models.PositiveSmallIntegerField(_("line"))
    engagement = models.ForeignKey(
        Engagement,
        on_delete=models.PROTECT,
        related_name="invoice_lines",
        verbose_name=_("engagement"),
    )
    charge_kind = models.CharField(
        _("charge"), max_length=12, choices=ChargeKind.choices
    )
    description = models.CharField(_("description"), max_length=300, blank=True)
    period_from = models.DateField(_("service from"))
    period_to = models.DateField(_("service to"))
    contractor = models.ForeignKey(
        Contractor,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="invoice_lines",
        verbose_name=_("person"),
        help_text=_("Whose work is billed, where the invoice says so."),
    )
    hours = HoursField(_("hours"), null=True, blank=True)
    quantity = FactorField(_("quantity"), null=True, blank=True)
    unit = models.CharField(
        _("unit"), max_length=8, choices=LineUnit.choices, blank=True
    )
    unit_price = MoneyField(_("price of one"), null=True, blank=True)
    is_overtime = models.BooleanField(_("overtime"), default=False)
    source_key = models.CharField(
        max_length=100, null=True, blank=True, unique=True, editable=False
    )
    amount = MoneyField(_("amount"))
    # Raised by a posted credit note; the database refuses it without one.
    is_credited = models.BooleanField(
        _("credited in full"), default=False, editable=False
    )

    objects = MoneyScoped.as_manager()

    class Meta:
        ordering = ["invoice", "number"]
        verbose_name = _("invoice line")
        constraints = [
            models.UniqueConstraint(
                name="invoice_line_numbered_once", fields=["invoice", "number"]
            ),
            models.CheckConstraint(
                name="invoice_line_period_in_order",
                condition=Q(period_to__gte=F("period_from")),
                violation_error_message=_("The service ends before it starts."),
            ),
            models.CheckConstraint(
                name="invoice_line_unit_known",
                condition=Q(unit="") | Q(unit__in=LineUnit.values),
            ),
            models.CheckConstraint(
                name="invoice_line_charge_known",
                condition=Q(charge_kind__in=ChargeKind.values),
            ),
            # A second fee for a period that is billed already is refused, until a
            # credit note takes all of the first one back.
            models.UniqueConstraint(
                name="invoice_line_fee_once_per_period",
                fields=["engagement", "period_from", "period_to"],
                condition=Q(charge_kind="recurring", amount__gt=0, is_credited=False),
                violation_error_message=_(
                    "The fee of this period is billed already. Once a credit note has"
                    " taken all of it back, it can be billed anew."
                ),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.number}: {self.description}"

    def clean(self) -> None:
        if self.charge_kind == ChargeKind.PAYMENT:
            raise ValidationError(
                {"charge_kind": _("An invoice says what is charged: choose a charge.")}
            )


def attachment_path(attachment: InvoiceAttachment, _name: str) -> str:
    """Return where the file is kept: named by its record, never by its uploader."""
    public_id = str(attachment.public_id)
    return f"invoices/{public_id[:2]}/{public_id}"


class AttachmentQuerySet(models.QuerySet["InvoiceAttachment"]):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        """Keep files of invoices of which the user may see every line.

        The paper tells all of its lines.
        """
        whole = Invoice.objects.visible_to(user)
        if not roles_of(user) & SEES_MONEY & SEES_ALL:
            seen = InvoiceLine.objects.visible_to(user).values("pk")
            others = InvoiceLine.objects.filter(invoice=OuterRef("pk")).exclude(
                pk__in=seen
            )
            whole = whole.filter(~Exists(others))
        return self.filter(invoice__in=whole.values("pk"))


class InvoiceAttachment(Detail):
    """A file that came with an invoice; served as an attachment only."""

    PERSONAL_FIELDS: ClassVar[frozenset[str]] = frozenset({"file_name"})

    invoice = models.ForeignKey(
        Invoice,
        on_delete=models.CASCADE,
        related_name="attachments",
        verbose_name=_("invoice"),
    )
    file = models.FileField(_("file"), upload_to=attachment_path)
    file_name = models.CharField(_("file name"), max_length=150, editable=False)
    content_type = models.CharField(max_length=100, editable=False)
    size = models.PositiveBigIntegerField(_("size"), editable=False)
    sha256 = models.CharField(max_length=64, editable=False)
    uploaded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        editable=False,
        verbose_name=_("added by"),
    )

    objects: ClassVar[models.Manager[InvoiceAttachment]] = (
        AttachmentQuerySet.as_manager()
    )

    class Meta:
        ordering = ["created_at", "id"]
        verbose_name = _("attachment")
        constraints = [
            models.UniqueConstraint(
                name="invoice_attachment_once",
                fields=["invoice", "sha256"],
                violation_error_message=_("The same file is attached already."),
            ),
            models.CheckConstraint(
                name="invoice_attachment_sha256_whole",
                condition=has_length("sha256", 64),
            ),
        ]

    def __str__(self) -> str:
        return self.file_name


class Settlement(Detail):
    """A person's word that no further invoice will come for what was done so far.

    Append-only in the database. What is worked or falls due after it, and any invoice
    that comes all the same, is open again.
    """

    engagement = models.ForeignKey(
        Engagement,
        on_delete=models.PROTECT,
        related_name="settlements",
        verbose_name=_("engagement"),
    )
    settled_at = models.DateTimeField(_("settled at"), editable=False)
    settled_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="+",
        editable=False,
        verbose_name=_("settled by"),
    )
    reason = models.CharField(
        _("reason"),
        max_length=300,
        help_text=_(
            "How you know, such as “Paid in full by the old system”. It is kept for"
            " good: name no people."
        ),
    )

    objects = EngagementScoped.as_manager()

    class Meta:
        ordering = ["-settled_at", "-id"]
        constraints = [
            models.CheckConstraint(
                name="settlement_says_why",
                condition=~Q(reason=""),
                violation_error_message=_("Say how you know."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.settled_at:%Y-%m-%d}"
