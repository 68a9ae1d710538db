"""Numbers, months and days as the reader writes them."""

from datetime import date
from decimal import Decimal
from functools import cache

from babel.dates import format_date, format_skeleton
from babel.numbers import get_decimal_symbol, get_group_symbol

from engagements.values import language


def format_number(figure: float | Decimal, digits: int = 0) -> str:
    """Return the figure rounded to `digits`, such as 1,912.5 or, in German, 1.912,5.

    Much quicker than Babel's own: a night writes millions of them.
    """
    return f"{figure:,.{digits}f}".translate(_signs(language.locale()))


def format_month(month: date) -> str:
    """Return month and year in full, such as March 2026."""
    return format_skeleton("yMMMM", month, locale=language.locale())


def format_day(day: date) -> str:
    """Return the day with its month in full, such as 5 March 2026."""
    return format_date(day, "long", locale=language.locale())


@cache
def _signs(locale: str) -> dict[int, str]:
    """What the locale writes for the comma and the point of Python."""
    return str.maketrans(
        {",": get_group_symbol(locale), ".": get_decimal_symbol(locale)}
    )
