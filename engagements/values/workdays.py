"""Working days of a country, by the `holidays` library."""

from datetime import date, timedelta
from functools import lru_cache

import holidays


class UnknownCountryError(ValueError):
    """No public-holiday calendar is known for the country code."""


@lru_cache(maxsize=64)
def _calendar(country: str) -> holidays.HolidayBase:
    try:
        return holidays.country_holidays(country)
    except NotImplementedError as error:
        raise UnknownCountryError(
            f"No holiday calendar for “{country}”; use an ISO 3166 code such as GB."
        ) from error


def is_public_holiday(day: date, country: str) -> bool:
    return day in _calendar(country)


def working_days(first: date, last: date, country: str) -> int:
    """Count Mondays to Fridays that are no public holiday, both ends included."""
    closed = _calendar(country)
    days = ((first + timedelta(days=n)) for n in range((last - first).days + 1))
    return sum(day.weekday() < 5 and day not in closed for day in days)
