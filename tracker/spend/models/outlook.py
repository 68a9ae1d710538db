from django.conf import settings
from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from engagements.models import Engagement
from engagements.models.fields import FactorField, MoneyField
from engagements.models.record import has_length
from tracker.spend.models.scoped import MoneyScoped


class MonthOutlookQuerySet(MoneyScoped):
    def latest_revisions(self) -> "MonthOutlookQuerySet":
        """Keep, of each engagement and month, the last reckoning."""
        later = MonthOutlook.objects.filter(
            engagement=OuterRef("engagement"),
            month=OuterRef("month"),
            revision__gt=OuterRef("revision"),
        )
        return self.filter(~Exists(later))


class MonthOutlook(models.Model):
    """What an engagement committed to, and was expected to cost, at a month's end.

    Append-only in the database: another reckoning of a month is another revision.
    `committed` and `to_end` are None where no end was known. `expected`, between
    `expected_low` and `expected_high`, is of the fiscal year to `year_ends_on`.
    Amounts are in the engagement's currency, `reporting_…` in the reporting currency
    at the rate, date and source kept beside them.

    `months` holds what was expected of each month, in both currencies, as
    `tracker.spend.kept` reads it; the reporting amounts of the year's months sum to
    `reporting_expected`. `explanation` holds each figure down to its rows, as
    `tracker.spend.explained` reads it.
    """

    engagement = models.ForeignKey(
        Engagement,
        on_delete=models.PROTECT,
        related_name="outlooks",
        verbose_name=_("engagement"),
    )
    month = models.DateField(_("month"))
    revision = models.PositiveSmallIntegerField(_("revision"), default=1)
    currency = models.CharField(_("currency"), max_length=3)
    committed = MoneyField(_("committed"), null=True)
    committed_until = models.DateField(_("earliest exit"), null=True)
    to_end = MoneyField(_("to the contract's end"), null=True)
    agreed_until = models.DateField(_("contract ends"), null=True)
    year_ends_on = models.DateField(_("fiscal year to"))
    expected = MoneyField(_("expected of the fiscal year"))
    expected_low = MoneyField(_("low"))
    expected_high = MoneyField(_("high"))
    fx_rate = FactorField(_("rate"))
    fx_on = models.DateField(_("rate of"))
    fx_source = models.CharField(_("rate from"), max_length=60)
    reporting_committed = MoneyField(
        _("committed in the reporting currency"), null=True
    )
    reporting_to_end = MoneyField(
        _("to the contract's end in the reporting currency"), null=True
    )
    reporting_expected = MoneyField(_("expected in the reporting currency"))
    reporting_low = MoneyField(_("low in the reporting currency"))
    reporting_high = MoneyField(_("high in the reporting currency"))
    months = models.JSONField(default=list, editable=False)
    explanation = models.JSONField(default=dict, editable=False)
    reckoned_at = models.DateTimeField(_("reckoned at"))
    reckoned_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        verbose_name=_("reckoned by"),
    )

    objects = MonthOutlookQuerySet.as_manager()

    class Meta:
        ordering = ["-month", "engagement", "-revision"]
        verbose_name = _("month-end outlook")
        constraints = [
            models.UniqueConstraint(
                name="outlook_once_per_revision",
                fields=["engagement", "month", "revision"],
            ),
            models.CheckConstraint(
                name="outlook_month_is_first_day", condition=Q(month__day=1)
            ),
            models.CheckConstraint(
                name="outlook_currency_code", condition=has_length("currency", 3)
            ),
            models.CheckConstraint(
                name="outlook_committed_until_a_day",
                condition=Q(
                    committed__isnull=True,
                    committed_until__isnull=True,
                    reporting_committed__isnull=True,
                )
                | Q(
                    committed__isnull=False,
                    committed__gte=0,
                    committed_until__isnull=False,
                    reporting_committed__isnull=False,
                    reporting_committed__gte=0,
                ),
            ),
            models.CheckConstraint(
                name="outlook_agreed_until_a_day",
                condition=Q(
                    to_end__isnull=True,
                    agreed_until__isnull=True,
                    reporting_to_end__isnull=True,
                )
                | Q(
                    to_end__isnull=False,
                    to_end__gte=0,
                    agreed_until__isnull=False,
                    reporting_to_end__isnull=False,
                    reporting_to_end__gte=0,
                ),
            ),
            models.CheckConstraint(
                name="outlook_expected_within_its_range",
                condition=Q(
                    expected_low__lte=F("expected"), expected_high__gte=F("expected")
                ),
            ),
            models.CheckConstraint(
                name="outlook_year_not_over", condition=Q(year_ends_on__gt=F("month"))
            ),
            models.CheckConstraint(
                name="outlook_rate_positive", condition=Q(fx_rate__gt=0)
            ),
        ]
        indexes = [models.Index(fields=["month", "engagement"])]

    def __str__(self) -> str:
        return f"{self.month:%Y-%m}"
