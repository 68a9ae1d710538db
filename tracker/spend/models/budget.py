from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import F, Q, QuerySet, Value
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

from engagements.models import CostCentre
from engagements.models.fields import MoneyField, PercentField
from engagements.models.record import Detail, Record
from engagements.permissions import departments_under, sees_all, sees_money

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser
    from django_stubs_ext import StrOrPromise

    from engagements.models import User


def budget_scope(user: User | AnonymousUser, prefix: str = "") -> Q:
    """Return the condition that keeps budgets the user may see.

    Those of the cost centres of one's departments; of all, for those who see all.
    """
    if not sees_money(user) or user.is_anonymous:
        return Q(pk__in=[])
    if sees_all(user):
        return Q()
    departments = departments_under(user)
    return Q(**{f"{prefix}cost_centre__department__in": departments})


class BudgetQuerySet(QuerySet["Budget"]):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        return self.filter(budget_scope(user))


class Budget(Record):
    """What a cost centre may spend in one fiscal year, month by month.

    In the reporting currency, without tax. The row is what checks lock: whoever would
    use money of the year waits for whoever is just using some.
    """

    cost_centre = models.ForeignKey(
        CostCentre,
        on_delete=models.PROTECT,
        related_name="budgets",
        verbose_name=_("cost centre"),
    )
    year = models.PositiveSmallIntegerField(
        _("fiscal year"), help_text=_("The year in which it begins.")
    )

    objects = BudgetQuerySet.as_manager()

    class Meta:
        ordering = ["-year", "cost_centre__code"]
        verbose_name = _("budget")
        constraints = [
            models.UniqueConstraint(
                name="budget_once_a_year",
                fields=["cost_centre", "year"],
                violation_error_message=_(
                    "This cost centre has a budget for that year: edit it."
                ),
            ),
            models.CheckConstraint(
                name="budget_year_of_this_age",
                condition=Q(year__gte=2000, year__lte=2099),
                violation_error_message=_("Give a year from 2000 to 2099."),
            ),
        ]

    def __str__(self) -> str:
        return str(self.year)


class BudgetMonth(Detail):
    """The budget of one month; a month without a row has none to spend."""

    budget = models.ForeignKey(Budget, on_delete=models.CASCADE, related_name="months")
    month = models.DateField(_("month"))
    amount = MoneyField(_("amount"))

    class Meta:
        ordering = ["month"]
        verbose_name = _("month of a budget")
        constraints = [
            models.UniqueConstraint(
                name="budget_month_once", fields=["budget", "month"]
            ),
            models.CheckConstraint(
                name="budget_month_is_first_day", condition=Q(month__day=1)
            ),
            models.CheckConstraint(
                name="budget_month_not_negative",
                condition=Q(amount__gte=0),
                violation_error_message=_("A budget is not negative."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.month:%Y-%m} {self.amount}"


class BudgetAction(models.TextChoices):
    STOP = "stop", _("Stop")
    WARN = "warn", _("Warn")
    IGNORE = "ignore", _("Ignore")


def _action(name: StrOrPromise) -> models.CharField[str, str]:
    return models.CharField(
        name,
        max_length=6,
        choices=BudgetAction.choices,
        default=BudgetAction.WARN,
    )


class BudgetPolicy(Record):
    """What happens where a budget would be exceeded, at each of three moments.

    Without a cost centre it is the organisation's; a cost centre's own goes before it.
    """

    cost_centre = models.ForeignKey(
        CostCentre,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="budget_policies",
        verbose_name=_("cost centre"),
        help_text=_("Blank: for every cost centre that has no policy of its own."),
    )
    request_month = _action(_("request, month to date"))
    request_year = _action(_("request, year"))
    order_month = _action(_("order, month to date"))
    order_year = _action(_("order, year"))
    actual_month = _action(_("actual, month to date"))
    actual_year = _action(_("actual, year"))
    near_at = PercentField(
        _("first alert at (%)"),
        default=Decimal(80),
        help_text=_("Of the year's budget, used by what is spent and committed."),
    )
    over_at = PercentField(_("second alert at (%)"), default=Decimal(100))

    class Meta:
        ordering = [F("cost_centre__code").asc(nulls_first=True)]
        verbose_name = _("budget policy")
        verbose_name_plural = _("budget policies")
        constraints = [
            models.UniqueConstraint(
                Coalesce("cost_centre", Value(0)),
                name="budget_policy_one_for_all",
                violation_error_message=_("There is such a policy already: edit it."),
            ),
            models.CheckConstraint(
                name="budget_policy_actions_known",
                condition=Q(
                    request_month__in=BudgetAction.values,
                    request_year__in=BudgetAction.values,
                    order_month__in=BudgetAction.values,
                    order_year__in=BudgetAction.values,
                    actual_month__in=BudgetAction.values,
                    actual_year__in=BudgetAction.values,
                ),
            ),
            models.CheckConstraint(
                name="budget_policy_alerts_in_order",
                condition=Q(near_at__gt=0, over_at__gt=F("near_at")),
                violation_error_message=_(
                    "The first alert is above 0 %, the second above the first."
                ),
            ),
        ]

    def __str__(self) -> str:
        return "" if self.cost_centre_id is None else str(self.cost_centre_id)


class BudgetCrossing(models.Model):
    """A threshold that a budget has passed, told once while it stays passed."""

    budget = models.ForeignKey(
        Budget, on_delete=models.CASCADE, related_name="crossings"
    )
    threshold = PercentField()
    crossed_at = models.DateTimeField()

    class Meta:
        ordering = ["threshold"]
        constraints = [
            models.UniqueConstraint(
                name="budget_crossing_told_once", fields=["budget", "threshold"]
            ),
        ]

    def __str__(self) -> str:
        return f"{self.threshold} %"
