from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from engagements.models import Engagement
from engagements.models.fields import MoneyField
from engagements.models.record import Record, has_length
from tracker.spend.matching import Code
from tracker.spend.models.invoice import Invoice, InvoiceLine
from tracker.spend.models.scoped import MoneyScoped

CODES = [
    (Code.RATE_ABOVE_CARD.value, _("Rate above card")),
    (Code.HOURS_ABOVE_APPROVED.value, _("Hours above approved")),
    (Code.WRONG_WORKER.value, _("Wrong worker")),
    (Code.OUTSIDE_TERM.value, _("Outside the term")),
    (Code.AFTER_END.value, _("After the end")),
    (Code.UNAPPROVED_OVERTIME.value, _("Unapproved overtime")),
    (Code.FEE_MISMATCH.value, _("Fee mismatch")),
    (Code.DUPLICATE.value, _("Duplicate")),
    (Code.PERIOD_GAP.value, _("Period gap")),
    (Code.PERIOD_OVERLAP.value, _("Period overlap")),
    (Code.OVER_ORDER.value, _("Over the order")),
    (Code.CREDIT_NOT_APPLIED.value, _("Credit not applied")),
    (Code.WRONG_CURRENCY.value, _("Wrong currency")),
    (Code.ARITHMETIC.value, _("Arithmetic")),
]


class ExceptionState(models.TextChoices):
    OPEN = "open", _("Open")
    RESOLVED = "resolved", _("Resolved")


class Resolution(models.TextChoices):
    ACCEPTED = "accepted", _("Accepted as billed")
    NOT_AN_ERROR = "not_an_error", _("Not an error")
    CREDIT_NOTE_REQUESTED = "credit_note_requested", _("Credit note requested")
    CORRECTED = "corrected", _("Corrected by the vendor")
    RECOVERED = "recovered", _("Money recovered")
    CLEARED = "cleared", _("No longer found")


# What a person can say; that it is no longer found, the match says by itself.
BY_PEOPLE = tuple(each for each in Resolution if each != Resolution.CLEARED)
# By these the money is let go: whoever recorded the invoice can't.
LETS_GO = (Resolution.ACCEPTED, Resolution.NOT_AN_ERROR)
# By these it is to come back, or has.
TAKES_BACK = (
    Resolution.CREDIT_NOTE_REQUESTED,
    Resolution.CORRECTED,
    Resolution.RECOVERED,
)


class MatchException(Record):
    """One thing on an invoice that doesn't fit what was agreed, worked or ordered.

    `expected` and `found` are plain text by the code's measure; `amount` is what was
    billed too much by it, in the invoice's currency. Once a person resolved it, it
    stays as it is.
    """

    invoice = models.ForeignKey(
        Invoice,
        on_delete=models.PROTECT,
        related_name="exceptions",
        verbose_name=_("invoice"),
    )
    # None where it is the invoice as a whole.
    line = models.ForeignKey(
        InvoiceLine,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="exceptions",
        verbose_name=_("line"),
    )
    engagement = models.ForeignKey(
        Engagement,
        on_delete=models.PROTECT,
        related_name="match_exceptions",
        verbose_name=_("engagement"),
    )
    code = models.CharField(_("what is wrong"), max_length=24, choices=CODES)
    expected = models.CharField(_("expected"), max_length=40, blank=True)
    found = models.CharField(_("found"), max_length=40, blank=True)
    amount = MoneyField(_("at stake"), default=0)
    currency = models.CharField(_("currency"), max_length=3)
    found_at = models.DateTimeField(_("found at"))
    state = models.CharField(
        _("state"),
        max_length=8,
        choices=ExceptionState.choices,
        default=ExceptionState.OPEN,
    )
    resolution = models.CharField(
        _("resolution"), max_length=24, choices=Resolution.choices, blank=True
    )
    reason = models.CharField(_("reason"), max_length=300, blank=True)
    resolved_at = models.DateTimeField(_("resolved at"), null=True, blank=True)
    resolved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("resolved by"),
    )
    # Who recorded the invoice, kept here so that the database can hold the two apart.
    recorded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("invoice recorded by"),
    )

    objects = MoneyScoped.as_manager()

    class Meta:
        ordering = ["-amount", "id"]
        verbose_name = _("invoice exception")
        indexes = [
            models.Index(fields=["state", "amount"]),
            models.Index(fields=["invoice", "state"]),
        ]
        constraints = [
            models.UniqueConstraint(
                name="exception_open_once_per_line",
                fields=["line", "code"],
                condition=Q(state="open"),
            ),
            models.UniqueConstraint(
                name="exception_open_once_per_invoice",
                fields=["invoice", "code"],
                condition=Q(state="open", line__isnull=True),
            ),
            models.CheckConstraint(
                name="exception_code_known",
                condition=Q(code__in=[code.value for code in Code]),
            ),
            models.CheckConstraint(
                name="exception_state_known",
                condition=Q(state__in=ExceptionState.values),
            ),
            models.CheckConstraint(
                name="exception_resolution_known",
                condition=Q(resolution="") | Q(resolution__in=Resolution.values),
            ),
            models.CheckConstraint(
                name="exception_currency_code", condition=has_length("currency", 3)
            ),
            models.CheckConstraint(
                name="exception_amount_not_negative", condition=Q(amount__gte=0)
            ),
            models.CheckConstraint(
                name="exception_resolved_with_reason",
                condition=Q(state="open", resolution="", resolved_at__isnull=True)
                | Q(state="resolved", resolved_at__isnull=False)
                & ~Q(resolution="")
                & ~Q(reason=""),
                violation_error_message=_("Say how it is resolved, and why."),
            ),
            # Maker and checker: superusers included.
            models.CheckConstraint(
                name="exception_money_not_let_go_by_recorder",
                condition=~Q(resolution__in=["accepted", "not_an_error"])
                | Q(amount=0)
                | Q(recorded_by__isnull=True)
                | Q(resolved_by__isnull=False) & ~Q(resolved_by=F("recorded_by")),
                violation_error_message=_(
                    "Whoever recorded the invoice can't let its money go."
                ),
            ),
        ]

    def __str__(self) -> str:
        return self.get_code_display()
