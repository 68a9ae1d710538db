"""Budgets: a grid of cost centres by month, and what happens where one is exceeded."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from functools import partial
from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.paginator import Page, Paginator
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from engagements.admin.columns import figure
from engagements.admin.exports import ExportableList, ListExport, exported_as
from engagements.admin.record_admin import Lines, ReadOnlyAdmin, RecordAdmin, actor_of
from engagements.admin.scope import visible
from engagements.admin.unfold_types import display
from engagements.errors import TrackerError
from engagements.models import CostCentre, User
from engagements.values.money import allocate, format_money, round_money
from tracker.imports.exports import export_records
from tracker.spend.budget_queries import with_total
from tracker.spend.budget_standing import fiscal_months, fiscal_year_of
from tracker.spend.models import Budget, BudgetPolicy
from tracker.spend.services import set_budget, set_budget_policy

ROWS_A_PAGE = 40
LARGEST = Decimal(10) ** 12
FIRST_YEAR, LAST_YEAR = 2000, 2099

exported_as(
    ListExport(
        "budgets",
        gettext_lazy("Budgets"),
        partial(export_records, kind_name="budgets"),
        is_of_money=True,
    ),
    Budget,
)


@dataclass
class Cell:
    """One month of one cost centre, as typed or as stored."""

    name: str
    label: str
    value: str
    error: str = ""


@dataclass
class GridRow:
    centre: CostCentre
    budget: Budget | None
    cells: list[Cell]
    errors: list[str] = field(default_factory=list)
    # The version that the page was opened with.
    seen: int | None = None

    @property
    def version(self) -> int:
        return self.budget.version if self.budget else 0

    @property
    def shown_version(self) -> int:
        """Return the version to send along: what was typed over stays the same."""
        return self.version if self.seen is None else self.seen

    @property
    def total(self) -> Decimal:
        return sum(
            (_number(cell.value) or Decimal(0) for cell in self.cells), Decimal()
        )

    @property
    def total_text(self) -> str:
        return format_money(self.total, settings.REPORTING_CURRENCY, whole=True)


@admin.register(Budget)
class BudgetAdmin(ExportableList, ReadOnlyAdmin):
    """The list leads to the grid, the one place where budgets are typed."""

    list_display = ("centre_name", "year", "total_figure")
    list_display_links = None
    list_filter = ("year",)
    search_fields = ("cost_centre__code", "cost_centre__name")
    list_select_related = ("cost_centre",)
    list_before_template = "tracker/admin/budget_list.html"

    def get_queryset(self, request: HttpRequest) -> Any:
        return with_total(super().get_queryset(request))

    @display(description=gettext_lazy("cost centre"), ordering="cost_centre__code")
    def centre_name(self, row: Budget) -> str:
        return str(row.cost_centre)

    @display(description=gettext_lazy("budget"), ordering="total")
    def total_figure(self, row: Any) -> SafeString:
        return figure(format_money(row.total, settings.REPORTING_CURRENCY))

    def get_urls(self) -> list[URLPattern]:
        grid = self.admin_site.admin_view(self.grid)
        return [path("grid/", grid, name="tracker_budget_grid"), *super().get_urls()]

    def grid(self, request: HttpRequest) -> HttpResponse:
        """Show, and store, a fiscal year's budgets of all cost centres by month."""
        if not request.user.has_perm("tracker.view_budget"):
            raise PermissionDenied
        year = _year_asked(request)
        page = _page(request)
        rows = _rows(year, list(page), actor_of(request))
        if request.method == "POST":
            if not request.user.has_perm("tracker.change_budget"):
                raise PermissionDenied
            answer = self._answer(request, year, rows)
            if answer is not None:
                return answer
        months = fiscal_months(year)
        context = {
            **self.admin_site.each_context(request),
            "title": _("Budgets of the fiscal year %(year)d") % {"year": year},
            "opts": self.opts,
            "year": year,
            "years": [year - 1, year + 1],
            "rows": rows,
            "page": page,
            "months": [date_format(month, "M y") for month in months],
            "currency": settings.REPORTING_CURRENCY,
            "may_change": request.user.has_perm("tracker.change_budget"),
            "percent": request.POST.get("percent", "0"),
        }
        return TemplateResponse(request, "tracker/admin/budget_grid.html", context)

    def _answer(
        self, request: HttpRequest, year: int, rows: list[GridRow]
    ) -> HttpResponse | None:
        """Do what the button says; None shows the grid again, filled in or refused."""
        _read(request, rows)
        if "spread" in request.POST:
            _spread(request, rows)
            return None
        if "copy" in request.POST:
            _copy_last_year(request, year, rows)
            return None
        if any(cell.error for row in rows for cell in row.cells):
            messages.error(request, _("Nothing was saved: see the marked months."))
            return None
        count = _store(year, rows, actor_of(request))
        if count is None:
            messages.error(request, _("Nothing was saved: see the marked rows."))
            return None
        told = ngettext("%d budget saved.", "%d budgets saved.", count) % count
        messages.success(request, told)
        return HttpResponseRedirect(request.get_full_path())


def _year_asked(request: HttpRequest) -> int:
    text = request.GET.get("year", "")
    asked = int(text) if text.isascii() and text.isdigit() and len(text) == 4 else 0
    if FIRST_YEAR <= asked <= LAST_YEAR:
        return asked
    return fiscal_year_of(timezone.localdate())


def _page(request: HttpRequest) -> Page[CostCentre]:
    centres = visible(CostCentre, actor_of(request)).order_by("code")
    return Paginator(centres, ROWS_A_PAGE).get_page(request.GET.get("page"))


def _rows(year: int, centres: Sequence[CostCentre], user: User) -> list[GridRow]:
    budgets = {
        budget.cost_centre_id: budget
        for budget in visible(Budget, user)
        .filter(year=year, cost_centre__in=[centre.pk for centre in centres])
        .prefetch_related("months")
    }
    rows = []
    for centre in centres:
        budget = budgets.get(centre.pk)
        stored = (
            {row.month: row.amount for row in budget.months.all()} if budget else {}
        )
        rows.append(GridRow(centre, budget, _cells(year, centre, stored)))
    return rows


def _cells(
    year: int, centre: CostCentre, amounts: Mapping[date, Decimal]
) -> list[Cell]:
    return [
        Cell(
            f"m{centre.pk}-{month:%Y-%m}",
            f"{centre.code}, {date_format(month, 'F Y')}",
            _written(amounts[month]) if amounts.get(month) else "",
        )
        for month in fiscal_months(year)
    ]


def _written(amount: Decimal) -> str:
    plain = amount.normalize()
    exponent = plain.as_tuple().exponent
    if isinstance(exponent, int) and exponent > 0:
        plain = plain.quantize(Decimal(1))
    return f"{plain:f}"


def _number(text: str) -> Decimal | None:
    try:
        number = Decimal(text.replace(",", "").strip() or "0")
    except InvalidOperation:
        return None
    return number if number.is_finite() and abs(number) < LARGEST else None


def _read(request: HttpRequest, rows: list[GridRow]) -> None:
    for row in rows:
        seen = request.POST.get(f"v{row.centre.pk}", "")
        row.seen = int(seen) if seen.isdecimal() and len(seen) < 10 else None
        for cell in row.cells:
            cell.value = request.POST.get(cell.name, "").strip()[:24]
            number = _number(cell.value)
            if number is None:
                cell.error = _("Give an amount such as 1200 or 1200.50.")
            elif number < 0:
                cell.error = _("A budget is not negative.")
            elif number != round_money(number, settings.REPORTING_CURRENCY):
                cell.error = _("Give no part of the smallest coin.")


def _spread(request: HttpRequest, rows: list[GridRow]) -> None:
    """Fill in a year's total: in the months' present proportions, or evenly."""
    by_pattern = request.POST.get("pattern") == "pattern"
    for row in rows:
        total = _number(request.POST.get(f"t{row.centre.pk}", ""))
        if not total or total < 0:
            continue
        weights = [_number(cell.value) or Decimal(0) for cell in row.cells]
        if not by_pattern or not any(weight > 0 for weight in weights):
            weights = [Decimal(1)] * len(row.cells)
        weights = [max(weight, Decimal(0)) for weight in weights]
        whole = round_money(total, settings.REPORTING_CURRENCY)
        parts = allocate(whole, weights, settings.REPORTING_CURRENCY)
        for cell, part in zip(row.cells, parts, strict=True):
            cell.value, cell.error = _written(part), ""
    messages.info(request, _("Filled in; nothing is saved yet."))


def _copy_last_year(request: HttpRequest, year: int, rows: list[GridRow]) -> None:
    percent = _number(request.POST.get("percent", "0"))
    if percent is None or not -100 <= percent <= 1_000:
        messages.error(request, _("Give a percentage from -100 to 1000."))
        return
    factor = (100 + percent) / 100
    before = _rows(year - 1, [row.centre for row in rows], actor_of(request))
    copied = 0
    for row, old in zip(rows, before, strict=True):
        if old.budget is None:
            continue
        copied += 1
        for cell, last in zip(row.cells, old.cells, strict=True):
            amount = (_number(last.value) or Decimal(0)) * factor
            cell.value = _written(round_money(amount, settings.REPORTING_CURRENCY))
            cell.error = ""
    if copied:
        messages.info(request, _("Filled in from last year; nothing is saved yet."))
    else:
        messages.warning(request, _("There are no budgets of the year before."))


def _store(year: int, rows: list[GridRow], actor: User) -> int | None:
    """Store all rows that changed, or none; None where one of them is refused."""
    versions = 0
    try:
        with transaction.atomic():
            for row in rows:
                versions += _store_row(year, row, actor)
            if any(row.errors for row in rows):
                raise _RefusedError
    except _RefusedError:
        return None
    return versions


class _RefusedError(Exception):
    """A row is refused, so that no other one is stored either."""


def _store_row(year: int, row: GridRow, actor: User) -> int:
    amounts = {
        month: _number(cell.value) or Decimal(0)
        for month, cell in zip(fiscal_months(year), row.cells, strict=True)
    }
    if row.budget is None and not any(amounts.values()):
        return 0
    if row.seen is None:
        row.errors = [_("Open the page anew: it says not what it was opened with.")]
        return 0
    budget = row.budget or Budget(cost_centre=row.centre, year=year)
    before = row.version
    try:
        with transaction.atomic():
            stored = set_budget(
                budget=budget,
                amounts=amounts,
                # A budget that somebody made meanwhile was not seen either.
                expected_version=row.seen if row.budget or row.seen else None,
                actor=actor,
            )
    except ValidationError as error:
        row.errors = error.messages
    except TrackerError as error:
        row.errors = [str(error)]
    else:
        return stored.version != before
    return 0


@admin.register(BudgetPolicy)
class BudgetPolicyAdmin(RecordAdmin):
    list_display = ("applies_to", "at_request", "at_order", "at_actual", "alerts_at")
    list_select_related = ("cost_centre",)
    search_fields = ("cost_centre__code", "cost_centre__name")
    autocomplete_fields = ("cost_centre",)
    fieldsets = (
        (
            None,
            {
                "fields": ("cost_centre",),
                "description": gettext_lazy(
                    "What happens where a budget would be exceeded. Stop refuses the"
                    " step, warn says so and lets it pass, ignore says nothing. Where"
                    " there is no policy at all, everything warns."
                ),
            },
        ),
        (
            gettext_lazy("When an engagement is sent for approval"),
            {"fields": (("request_month", "request_year"),)},
        ),
        (
            gettext_lazy("When it starts, or a change order takes effect"),
            {"fields": (("order_month", "order_year"),)},
        ),
        (
            gettext_lazy("When an invoice is received"),
            {"fields": (("actual_month", "actual_year"),)},
        ),
        (gettext_lazy("Alerts"), {"fields": (("near_at", "over_at"),)}),
    )

    @display(description=gettext_lazy("applies to"))
    def applies_to(self, row: BudgetPolicy) -> str:
        if row.cost_centre is None:
            return _("The whole organisation")
        return str(row.cost_centre)

    @display(description=gettext_lazy("at request (month, year)"))
    def at_request(self, row: BudgetPolicy) -> str:
        return _pair(row.get_request_month_display(), row.get_request_year_display())

    @display(description=gettext_lazy("at order (month, year)"))
    def at_order(self, row: BudgetPolicy) -> str:
        return _pair(row.get_order_month_display(), row.get_order_year_display())

    @display(description=gettext_lazy("at invoice (month, year)"))
    def at_actual(self, row: BudgetPolicy) -> str:
        return _pair(row.get_actual_month_display(), row.get_actual_year_display())

    @display(description=gettext_lazy("alerts at"))
    def alerts_at(self, row: BudgetPolicy) -> str:
        return f"{_written(row.near_at)} %, {_written(row.over_at)} %"

    def create(self, form: Any, pages: Sequence[Lines], actor: User) -> None:
        set_budget_policy(policy=form.instance, actor=actor)

    def change_record(self, record: Any, expected: int | None, actor: User) -> None:
        set_budget_policy(policy=record, expected_version=expected, actor=actor)


def _pair(month: str, year: str) -> str:
    return f"{month} · {year}"
