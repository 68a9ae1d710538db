"""Months as they are given to commands."""

from argparse import ArgumentTypeError
from datetime import date, datetime


def month_argument(text: str) -> date:
    """Return the first day of a month written as YYYY-MM."""
    try:
        return datetime.strptime(text, "%Y-%m").date()  # noqa: DTZ007 - a month, no time
    except ValueError as error:
        raise ArgumentTypeError(
            f"“{text}” is no month; write it as 2026-07."
        ) from error
