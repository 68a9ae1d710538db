from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RangeDateFilter

from engagements.admin.columns import figure, short_date
from engagements.admin.inputs import plain_number
from engagements.admin.record_admin import Lines, RecordAdmin
from engagements.admin.unfold_types import display
from engagements.models import User
from tracker.spend.models import ExchangeRate, RateOrigin
from tracker.spend.services import change_rate, record_rate


@admin.register(ExchangeRate)
class ExchangeRateAdmin(RecordAdmin):
    list_display = ("day_name", "pair", "factor_figure", "origin_label", "source")
    list_filter = (
        ("origin", ChoicesDropdownFilter),
        ("day", RangeDateFilter),
    )
    search_fields = ("currency", "quoted_in", "source")
    search_help_text = gettext_lazy("Currency or source")
    date_hierarchy = "day"
    fieldsets = (
        (
            None,
            {
                "fields": (("currency", "quoted_in"), ("day", "factor"), "source"),
                "description": gettext_lazy(
                    "A rate given here goes before the reference rate of its day, and"
                    " serves the days after it that have none. What is posted already"
                    " keeps the rate it was posted at. Reference rates of the European"
                    " Central Bank up to the product's release ship with it and aren't"
                    " listed here."
                ),
            },
        ),
    )

    @display(description=gettext_lazy("day"), ordering="day")
    def day_name(self, row: ExchangeRate) -> str:
        return short_date(row.day)

    @display(description=gettext_lazy("rate of"), ordering="currency")
    def pair(self, row: ExchangeRate) -> SafeString:
        return format_html("1 {} in {}", row.currency, row.quoted_in)

    @display(description=gettext_lazy("rate"), ordering="factor")
    def factor_figure(self, row: ExchangeRate) -> SafeString:
        return figure(plain_number(row.factor))

    @display(
        description=gettext_lazy("origin"),
        label={
            RateOrigin.REFERENCE.value: "info",
            RateOrigin.MANUAL.value: "warning",
        },
        ordering="origin",
    )
    def origin_label(self, row: ExchangeRate) -> tuple[str, str]:
        return row.origin, row.get_origin_display()

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        is_manual = obj is None or obj.origin == RateOrigin.MANUAL
        return is_manual and bool(super().has_change_permission(request, obj))

    def create(self, form: Any, pages: Sequence[Lines], actor: User) -> None:
        record_rate(rate=form.instance, actor=actor)

    def change_record(self, record: Any, expected: int | None, actor: User) -> None:
        change_rate(rate=record, expected_version=expected, actor=actor)
