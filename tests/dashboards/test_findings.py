from datetime import date
from decimal import Decimal

import pytest

from tracker.dashboards.findings import finding, period_text
from tracker.dashboards.notation import Notation
from tracker.dashboards.periods import Period

TODAY = date(2026, 11, 22)
YEAR = Period(date(2025, 12, 1), date(2026, 11, 1))
BRITISH = Notation("GBP", "en_GB")


def say(totals, period=YEAR, subject="External spend"):
    months = {
        date.fromisoformat(f"{month}-01"): Decimal(total)
        for month, total in totals.items()
    }
    return finding(
        months, period=period, today=TODAY, subject=subject, notation=BRITISH
    )


@pytest.mark.parametrize(
    ("totals", "sentence"),
    [
        (
            {"2026-09": "1148148", "2026-10": "1240000"},
            "External spend was £1.24m in October, 8% more than in September",
        ),
        (
            {"2026-09": "500000", "2026-10": "333000"},
            "External spend was £333k in October, 33% less than in September",
        ),
        (
            {"2026-09": "1000000", "2026-10": "1000400"},
            "External spend was £1m in October, about the same as in September",
        ),
        (
            {"2026-09": "700", "2026-10": "700"},
            "External spend was £700 in October, the same as in September",
        ),
        (
            {"2026-10": "700", "2026-11": "9"},
            "External spend was £700 in October, after none in September",
        ),
        (
            {"2026-09": "-300", "2026-10": "700"},
            "External spend was £700 in October, £1k more than in September",
        ),
        (
            {"2025-12": "80", "2026-01": "40", "2026-10": "0"},
            "External spend was £40 in January, 50% less than in December 2025",
        ),
        ({"2026-11": "9"}, "External spend is £9 so far in November"),
        ({}, "No external spend is recorded for Dec 2025 \N{EN DASH} Nov 2026"),
        (
            {"2025-11": "80"},
            "No external spend is recorded for Dec 2025 \N{EN DASH} Nov 2026",
        ),
    ],
)
def test_finding_tells_of_the_newest_whole_month(totals, sentence):
    assert say(totals) == sentence


def test_finding_compares_with_the_month_before_the_period():
    period = Period(date(2026, 10, 1), date(2026, 10, 1))

    sentence = say({"2026-09": "100", "2026-10": "150"}, period)

    assert sentence == (
        "External spend was £150 in October, 50% more than in September"
    )


def test_finding_on_a_fresh_database_says_so():
    assert say({}, Period()) == "No external spend is recorded yet"


@pytest.mark.parametrize(
    ("period", "text"),
    [
        (YEAR, "Dec 2025 \N{EN DASH} Nov 2026"),
        (Period(date(2026, 1, 1), date(2026, 1, 1)), "January 2026"),
        (Period(date(2026, 1, 1), None), "from Jan 2026"),
        (Period(None, date(2026, 1, 1)), "until Jan 2026"),
        (Period(), "all months"),
    ],
)
def test_period_text_names_the_months(period, text):
    assert period_text(period, BRITISH) == text
