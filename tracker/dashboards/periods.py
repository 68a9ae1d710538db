"""The periods that a reader can ask for by name, and what they mean today."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

from django.utils.translation import gettext as _

from engagements.values.periods import add_months, month_of


@dataclass(frozen=True)
class Period:
    """Months from `first` to `last`, both included; None where it is open."""

    first: date | None = None
    last: date | None = None

    @property
    def is_closed(self) -> bool:
        return self.first is not None and self.last is not None

    def holds(self, month: date) -> bool:
        return (self.first is None or self.first <= month) and (
            self.last is None or month <= self.last
        )


LAST_12_MONTHS = "last-12-months"
THIS_YEAR = "this-year"
PREVIOUS_YEAR = "previous-year"
THIS_FISCAL_YEAR = "this-fiscal-year"
PREVIOUS_FISCAL_YEAR = "previous-fiscal-year"
ALL = "all"

PRESETS = (
    LAST_12_MONTHS,
    THIS_YEAR,
    PREVIOUS_YEAR,
    THIS_FISCAL_YEAR,
    PREVIOUS_FISCAL_YEAR,
    ALL,
)
JANUARY = 1


def preset_titles(fiscal_start: int) -> Mapping[str, str]:
    """Return the names offered; fiscal years only where they differ from calendar's."""
    fiscal = {
        THIS_FISCAL_YEAR: _("This fiscal year"),
        PREVIOUS_FISCAL_YEAR: _("Previous fiscal year"),
    }
    return {
        LAST_12_MONTHS: _("Last 12 months"),
        THIS_YEAR: _("This year"),
        PREVIOUS_YEAR: _("Previous year"),
        **(fiscal if fiscal_start != JANUARY else {}),
        ALL: _("All"),
    }


def preset(name: str, today: date, fiscal_start: int) -> Period:
    """Return the months that the name means on that day; KeyError if unknown."""
    this_month = month_of(today)
    meanings: dict[str, Callable[[], Period]] = {
        LAST_12_MONTHS: lambda: Period(add_months(this_month, -11), this_month),
        THIS_YEAR: lambda: _year(this_month, JANUARY, 0),
        PREVIOUS_YEAR: lambda: _year(this_month, JANUARY, -1),
        THIS_FISCAL_YEAR: lambda: _year(this_month, fiscal_start, 0),
        PREVIOUS_FISCAL_YEAR: lambda: _year(this_month, fiscal_start, -1),
        ALL: Period,
    }
    return meanings[name]()


def _year(this_month: date, start: int, offset: int) -> Period:
    year = this_month.year - (this_month.month < start) + offset
    first = date(year, start, 1)
    return Period(first, add_months(first, 11))
