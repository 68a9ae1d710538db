"""Published rates, what our roles are compared with, and an assignment's own rate."""

from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from engagements.admin.columns import figure
from engagements.admin.panels import Panel, on_engagement_page
from engagements.admin.record_admin import ReadOnlyAdmin, actor_of
from engagements.admin.scope import visible
from engagements.admin.unfold_types import display
from engagements.choices import Kind, Level, Status
from engagements.errors import TrackerError
from engagements.models import Assignment, Engagement, User
from engagements.permissions import sees_money
from engagements.values.money import format_money
from tracker.spend.benchmarking import (
    comparison_of,
    folded,
    roles_at_work,
    suggestions,
)
from tracker.spend.models import BenchmarkRate, BenchmarkSet, RoleBenchmark
from tracker.spend.percentiles import FEWEST
from tracker.spend.services import choose_benchmark, drop_benchmark

MOST_RATES = 5_000


@admin.register(BenchmarkSet)
class BenchmarkSetAdmin(ReadOnlyAdmin):
    """Sets come from files; year, source and licence stand beside each of them."""

    list_display = ("name", "year", "source", "licence", "currency")
    search_fields = ("name", "source")
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "name",
                    "year",
                    "source",
                    "licence",
                    "currency",
                    "hours_per_day",
                )
            },
        ),
    )


@admin.register(BenchmarkRate)
class BenchmarkRateAdmin(ReadOnlyAdmin):
    list_display = (
        "category",
        "place",
        "set_name",
        "unit",
        "count",
        "low",
        "middle",
        "high",
    )
    list_filter = ("benchmark_set", "unit")
    list_select_related = ("benchmark_set",)
    search_fields = ("category", "place")

    @display(description=gettext_lazy("benchmark set"), ordering="benchmark_set__name")
    def set_name(self, row: BenchmarkRate) -> str:
        return str(row.benchmark_set)

    @display(description=gettext_lazy("25th percentile"), ordering="p25")
    def low(self, row: BenchmarkRate) -> SafeString:
        return figure(format_money(row.p25, row.benchmark_set.currency))

    @display(description=gettext_lazy("median"), ordering="p50")
    def middle(self, row: BenchmarkRate) -> SafeString:
        return figure(format_money(row.p50, row.benchmark_set.currency))

    @display(description=gettext_lazy("75th percentile"), ordering="p75")
    def high(self, row: BenchmarkRate) -> SafeString:
        return figure(format_money(row.p75, row.benchmark_set.currency))


@admin.register(RoleBenchmark)
class RoleBenchmarkAdmin(ReadOnlyAdmin):
    """What our roles are compared with; a person chooses on a page of its own."""

    list_display = ("role", "level_name", "category", "set_name")
    list_select_related = ("rate__benchmark_set",)
    search_fields = ("role", "rate__category")
    list_before_template = "tracker/admin/role_benchmark_list.html"

    @display(description=gettext_lazy("level"), ordering="level")
    def level_name(self, row: RoleBenchmark) -> str:
        return str(row.get_level_display()) if row.level else _("Every level")

    @display(description=gettext_lazy("labour category"), ordering="rate__category")
    def category(self, row: RoleBenchmark) -> str:
        return str(row.rate)

    @display(description=gettext_lazy("benchmark set"))
    def set_name(self, row: RoleBenchmark) -> str:
        return str(row.rate.benchmark_set)

    def get_urls(self) -> list[URLPattern]:
        page = self.admin_site.admin_view(self.choose)
        name = "tracker_rolebenchmark_choose"
        return [path("choose/", page, name=name), *super().get_urls()]

    def choose(self, request: HttpRequest) -> HttpResponse:
        """Offer the likest labour categories for each role; nothing is chosen alone."""
        if not request.user.has_perm("tracker.add_rolebenchmark"):
            raise PermissionDenied
        user = actor_of(request)
        sets = list(visible(BenchmarkSet, user).order_by("name"))
        chosen = next(
            (one for one in sets if str(one.pk) == request.GET.get("set")),
            sets[0] if sets else None,
        )
        if request.method == "POST":
            self._answer(request, user)
            return HttpResponseRedirect(request.get_full_path())
        context = {
            **self.admin_site.each_context(request),
            "title": _("Compare our roles with published rates"),
            "opts": self.opts,
            "sets": sets,
            "chosen": chosen,
            "roles": _roles(user, chosen) if chosen else [],
            "levels": Level.choices,
        }
        return TemplateResponse(request, "tracker/admin/role_benchmarks.html", context)

    def _answer(self, request: HttpRequest, user: User) -> None:
        try:
            if "drop" in request.POST:
                _drop(request.POST["drop"], user)
                messages.success(request, _("No longer compared."))
            else:
                _choose(request.POST, user)
                messages.success(request, _("Compared from now on."))
        except ValidationError as refusal:
            messages.error(request, " ".join(refusal.messages))


def _roles(user: User, chosen: BenchmarkSet) -> list[dict[str, Any]]:
    rates = list(visible(BenchmarkRate, user).filter(benchmark_set=chosen)[:MOST_RATES])
    present = [
        row
        for row in visible(RoleBenchmark, user).select_related("rate")
        if row.rate.benchmark_set_id == chosen.pk
    ]
    return [
        {
            "role": role,
            "present": [row for row in present if folded(row.role) == folded(role)],
            "likest": (likest := suggestions(role, rates)),
            "others": [rate for rate in rates if rate not in likest],
        }
        for role in roles_at_work(user)
    ]


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 18 else 0


def _choose(given: Any, user: User) -> None:
    rate = visible(BenchmarkRate, user).filter(pk=_number(given.get("rate", "")))
    found = rate.first()
    role = str(given.get("role", ""))[:120]
    if found is None or folded(role) not in map(folded, roles_at_work(user)):
        raise ValidationError(_("Choose one of the labour categories."))
    level = given.get("level", "")
    choice = RoleBenchmark(role=role, level=level, rate=found)
    choose_benchmark(choice=choice, actor=user)


def _drop(text: str, user: User) -> None:
    if not user.has_perm("tracker.delete_rolebenchmark"):
        raise PermissionDenied
    choice = visible(RoleBenchmark, user).filter(pk=_number(text)).first()
    if choice is None:
        raise ValidationError(_("It is compared no longer."))
    drop_benchmark(choice=choice, actor=user)


def _assignment(engagement: Engagement) -> Assignment:
    if isinstance(engagement, Assignment):
        return engagement
    return QuerySet(Assignment).get(pk=engagement.pk)


@on_engagement_page
def benchmark_panel(engagement: Engagement, user: User) -> Panel | None:
    """A contractor's hourly rate beside our own of the role and published ones."""
    if engagement.kind != Kind.AUGMENTED or not sees_money(user):
        return None
    if engagement.status != Status.ACTIVE:
        return None
    today = timezone.localdate()
    assignment = _assignment(engagement)
    if not assignment.role:
        return None
    try:
        found = comparison_of(user, assignment, on=today)
    except TrackerError as refusal:
        return Panel(_("Rate against benchmark"), format_html("{}", refusal))
    if found is None:
        return None
    currency = settings.REPORTING_CURRENCY
    body = render_to_string(
        "tracker/admin/benchmark_panel.html",
        {
            "amount": format_money(found.hourly.amount, currency),
            "own": found.own,
            "own_median": found.own and format_money(found.own.p50, currency),
            "own_span": found.own
            and (
                format_money(found.own.p25, currency),
                format_money(found.own.p75, currency),
            ),
            "fewest": FEWEST,
            "day": date_format(today, "DATE_FORMAT"),
            "published": [
                {
                    "rate": one.rate,
                    "set": one.benchmark_set,
                    "median": format_money(one.p50, currency),
                    "low": format_money(one.p25, currency),
                    "high": format_money(one.p75, currency),
                    "position": one.position(found.hourly.amount),
                }
                for one in found.published
            ],
        },
    )
    return Panel(
        title=_("Rate against benchmark"),
        body=mark_safe(body),  # noqa: S308 - a template's, which escapes
        link=reverse("tracker:report", args=["rates-against-benchmark"]),
        link_text=_("All rates"),
    )
