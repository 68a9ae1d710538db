from django.conf import settings
from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from engagements.models import Engagement
from engagements.models.fields import FactorField, MoneyField
from engagements.models.record import has_length
from tracker.spend.models.scoped import MoneyScoped


class AccrualQuerySet(MoneyScoped):
    def latest_revisions(self) -> "AccrualQuerySet":
        """Keep, of each engagement and month, the last reckoning."""
        later = Accrual.objects.filter(
            engagement=OuterRef("engagement"),
            month=OuterRef("month"),
            revision__gt=OuterRef("revision"),
        )
        return self.filter(~Exists(later))


class Accrual(models.Model):
    """What an engagement owed, or had paid ahead, at the end of a month.

    Append-only in the database: another reckoning of a month is another revision.
    Amounts are in the engagement's currency, `reporting_…` in the reporting currency
    at the rate, date and source kept beside them. `explanation` holds each figure down
    to its rows, as `tracker.spend.explained` reads it.
    """

    engagement = models.ForeignKey(
        Engagement,
        on_delete=models.PROTECT,
        related_name="accruals",
        verbose_name=_("engagement"),
    )
    month = models.DateField(_("month"))
    revision = models.PositiveSmallIntegerField(_("revision"), default=1)
    currency = models.CharField(_("currency"), max_length=3)
    earned = MoneyField(_("earned to date"))
    estimated = MoneyField(_("of which estimated"))
    invoiced = MoneyField(_("invoiced for service to date"))
    credits = MoneyField(_("credits agreed, not applied"))
    settled = MoneyField(_("settled, no invoice to come"))
    accrual = MoneyField(_("accrual"))
    prepayment = MoneyField(_("prepayment"))
    fx_rate = FactorField(_("rate"))
    fx_on = models.DateField(_("rate of"))
    fx_source = models.CharField(_("rate from"), max_length=60)
    reporting_accrual = MoneyField(_("accrual in the reporting currency"))
    reporting_prepayment = MoneyField(_("prepayment in the reporting currency"))
    explanation = models.JSONField(default=dict, editable=False)
    reckoned_at = models.DateTimeField(_("reckoned at"))
    reckoned_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        verbose_name=_("reckoned by"),
    )

    objects = AccrualQuerySet.as_manager()

    class Meta:
        ordering = ["-month", "engagement", "-revision"]
        verbose_name = _("accrual")
        constraints = [
            models.UniqueConstraint(
                name="accrual_once_per_revision",
                fields=["engagement", "month", "revision"],
            ),
            models.CheckConstraint(
                name="accrual_month_is_first_day", condition=Q(month__day=1)
            ),
            models.CheckConstraint(
                name="accrual_currency_code", condition=has_length("currency", 3)
            ),
            models.CheckConstraint(
                name="accrual_not_negative",
                condition=Q(accrual__gte=0, prepayment__gte=0),
            ),
            models.CheckConstraint(
                name="accrual_is_what_it_says",
                condition=Q(accrual=0)
                | Q(accrual=F("earned") - F("invoiced") - F("credits") - F("settled")),
            ),
            models.CheckConstraint(
                name="accrual_rate_positive", condition=Q(fx_rate__gt=0)
            ),
        ]
        indexes = [models.Index(fields=["month", "engagement"])]

    def __str__(self) -> str:
        return f"{self.month:%Y-%m}"
