from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from tracker.dashboards.notation import Notation

BRITISH = Notation("GBP", "en_GB")


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ("0", "£0"),
        ("12.5", "£13"),
        ("999.4", "£999"),
        ("1240", "£1.24k"),
        ("97745", "£97.7k"),
        ("333186", "£333k"),
        ("999950", "£1m"),
        ("1236000", "£1.24m"),
        ("-2500000", "\N{MINUS SIGN}£2.5m"),
        ("1234567890", "£1.23bn"),
    ],
)
def test_short_keeps_three_digits(amount, text):
    assert BRITISH.short(Decimal(amount)) == text


def test_short_follows_the_reader_s_language():
    assert Notation("EUR", "de").short(Decimal(1_240_000)) == "1,24\xa0Mio.\xa0€"


def test_money_is_written_in_full():
    assert BRITISH.money(Decimal("-1234567.5")) == "\N{MINUS SIGN}£1,234,567.50"
    assert BRITISH.money(Decimal(5), "EUR") == "€5.00"
    assert Notation("EUR", "de").money(Decimal("1234.5")) == "1.234,50\xa0€"


def test_percent_and_counts_follow_the_locale():
    assert BRITISH.percent(Decimal("0.0833")) == "8%"
    assert BRITISH.percent(Decimal("0.0833"), digits=1) == "8.3%"
    assert BRITISH.count(12345) == "12,345"


def test_dates_are_written_by_the_locale():
    assert BRITISH.month(date(2026, 10, 1)) == "Oct 2026"
    assert BRITISH.month_name(date(2026, 10, 1)) == "October 2026"
    assert BRITISH.month_name(date(2026, 10, 1), with_year=False) == "October"
    assert BRITISH.day(date(2026, 10, 5)) == "5 Oct 2026"
    assert (
        BRITISH.moment(datetime(2026, 10, 5, 8, 30, tzinfo=UTC)) == "5 Oct 2026, 08:30"
    )


@pytest.mark.parametrize("locale", ["xx_YY", "", "../../etc"])
def test_unknown_locale_falls_back(locale):
    assert Notation("GBP", locale).money(Decimal(1000)) == "£1,000.00"
