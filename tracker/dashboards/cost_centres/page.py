"""The page of cost centres: the whole, a department's, or a single one's."""

from collections.abc import Sequence
from typing import ClassVar

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop as marked
from django.utils.translation import ngettext

from tracker.dashboards.charts.svg import shortened
from tracker.dashboards.cost_centres.reports import (
    BurnByMonth,
    CostCentreBurn,
    CostCentrePayments,
)
from tracker.dashboards.filters import whole_of
from tracker.dashboards.pages import NAME_IN_TITLE, Figure, Link
from tracker.dashboards.report import Report, share
from tracker.dashboards.topics.page import Topic, TopicPage, section
from tracker.dashboards.topics.scope import TopicScope
from tracker.spend.budget_tree import Burn, burn_of

DASH = "\N{EN DASH}"


class CostCentres(Topic):
    name = "cost-centres"
    title = marked("Cost centres")
    reports: ClassVar[Sequence[type[Report]]] = (
        CostCentreBurn,
        BurnByMonth,
        CostCentrePayments,
    )

    def page(self, scope: TopicScope) -> TopicPage:
        return _Builder(self, scope).page()


class _Builder:
    def __init__(self, topic: CostCentres, scope: TopicScope) -> None:
        self.topic, self.scope = topic, scope
        self.burn = CostCentreBurn(scope)
        self.months, self.paid = BurnByMonth(scope), CostCentrePayments(scope)
        # Read once for all three.
        for other in (self.months, self.paid):
            vars(other).update(standings=self.burn.standings)
        self.is_one = scope.where.cost_centre_id is not None

    def page(self) -> TopicPage:
        scope, found = self.scope, self.burn.standings
        sections = [section(self.months), section(self.burn), section(self.paid)]
        if self.is_one:
            sections.pop(1)
        back = None
        if self.is_one or scope.department_code:
            href = scope.page_url(cost_centre="", department=self._above())
            back = Link(_("Cost centres"), href)
        return TopicPage(
            eyebrow=self._eyebrow(),
            title=self._title(),
            as_of=self.topic.as_of(scope),
            figures=self._figures() if found else [],
            sections=sections if found else [],
            back=back,
            advice=() if found else _advice(),
        )

    def _above(self) -> str:
        """Return the department to go back to: of a cost centre, the one asked for."""
        return self.scope.department_code if self.is_one else ""

    def _eyebrow(self) -> str:
        part = self.scope.department or whole_of(self.scope.user)
        return f"{self.burn.year.text()} · {part}"

    def _title(self) -> str:
        scope, whole = self.scope, self.burn.whole
        amount = scope.notation.short(abs(whole.left))
        if not self.burn.standings:
            return _("No budget is set and nothing is booked")
        if self.is_one:
            return self._one(whole, amount)
        over = [
            one
            for one in self.burn.standings
            if one.budget.pk and burn_of([one], self.burn.year.until).left < 0
        ]
        budgets = sum(1 for one in self.burn.standings if one.budget.pk)
        if not budgets:
            return _("No cost centre has a budget for this year")
        if not over:
            return _("No cost centre is expected to go over its budget")
        total = burn_of(over, self.burn.year.until)
        return ngettext(
            "%(n)s of %(all)s cost centre budgets will be exceeded, by %(amount)s",
            "%(n)s of %(all)s cost centre budgets will be exceeded, by %(amount)s"
            " together",
            len(over),
        ) % {
            "n": scope.notation.count(len(over)),
            "all": scope.notation.count(budgets),
            "amount": scope.notation.short(-total.left),
        }

    def _one(self, whole: Burn, amount: str) -> str:
        centre = self.burn.standings[0].budget.cost_centre
        words = {"name": shortened(str(centre), NAME_IN_TITLE), "amount": amount}
        if self.burn.standings[0].budget.pk is None:
            return _("%(name)s has no budget for this year") % words
        if whole.left < 0:
            return _("%(name)s will go over its budget by %(amount)s") % words
        return _("%(name)s is expected to keep %(amount)s of its budget") % words

    def _figures(self) -> list[Figure]:
        notation, whole = self.scope.notation, self.burn.whole
        used = share(whole.spent_to_date, whole.budget_to_date)
        bare = burn_of(
            (one for one in self.burn.standings if one.budget.pk is None),
            self.burn.year.until,
        )
        figures = [
            Figure(_("Budget of the year"), notation.money(whole.budget)),
            Figure(
                _("Spent to date"),
                notation.money(whole.spent_to_date),
                _("of %(amount)s budgeted so far")
                % {"amount": notation.money(whole.budget_to_date)},
                self.scope.report_url("burn-months"),
            ),
            Figure(
                _("Used to date"),
                DASH if used is None else notation.percent(used),
                _("of the budget so far"),
            ),
            Figure(
                _("Forecast for the year"),
                notation.money(whole.forecast),
                _("%(amount)s of it still planned")
                % {"amount": notation.money(whole.used.committed)},
                self.scope.report_url("burn-months"),
            ),
        ]
        if bare.forecast and not self.is_one:
            figures.append(
                Figure(
                    _("Without a budget"),
                    notation.money(bare.forecast),
                    _("forecast where none is set"),
                )
            )
        return figures


def _advice() -> list[tuple[str, str]]:
    return [
        (
            _("Set budgets."),
            _("By cost centre, fiscal year and month: in the admin, or from a file."),
        ),
        (
            _("Say who pays."),
            _("The cost split of an engagement books its spend on cost centres."),
        ),
        (
            _("Or choose another year."),
            _("The fiscal year shown is that of the last month chosen."),
        ),
    ]
