from datetime import date
from decimal import Decimal

import pytest

from tracker.imports.parsing import (
    DateReading,
    Unreadable,
    date_order_of,
    is_no_date,
    parse_amount,
    parse_date,
    parse_words,
)

READING = DateReading("day_first", date(2027, 1, 1))


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("4725.0", "4725.00"),
        ("1,234.50", "1234.50"),
        ("£1,234.50", "1234.50"),
        ("GBP 12", "12.00"),
        ("1 234.5", "1234.50"),
        ("1\u00a0234.50", "1234.50"),
        ("(12.00)", "-12.00"),
        ("12.00-", "-12.00"),
        ("-£5", "-5.00"),
        ("£-5", "-5.00"),
        ("\u22125.10", "-5.10"),
        ("12.00 CR", "-12.00"),
        (".5", "0.50"),
        ("-0", "0.00"),
        ("538.8700000000001", "538.87"),
        ("999999999999.99", "999999999999.99"),
    ],
)
def test_amount_is_read_exactly(text, amount):
    assert str(parse_amount(text)) == amount


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "is blank"),
        ("NaN", "is no amount that can be read"),
        ("Infinity", "is no amount that can be read"),
        ("1e400", "is in scientific notation, which may have lost digits"),
        ("1.5E+04", "is in scientific notation, which may have lost digits"),
        ("1,23", "is no amount that can be read"),
        ("1.234,56", "is no amount that can be read"),
        ("12 50", "is no amount that can be read"),
        ("5\u00b2", "is no amount that can be read"),
        ("\u0663", "is no amount that can be read"),
        ("--5", "is no amount that can be read"),
        ("9" * 5000, "has too many digits"),
        ("1000000000000", "is too large"),
        ("12.345", "has more than 2 decimals"),
    ],
)
def test_amount_that_could_be_misread_is_refused(text, reason):
    with pytest.raises(Unreadable) as refused:
        parse_amount(text)

    assert refused.value.reason == reason


def test_amount_with_decimal_comma_is_read_when_asked():
    assert parse_amount("1.234,56", decimal_comma=True) == Decimal("1234.56")
    assert parse_amount("1 234,56", decimal_comma=True) == Decimal("1234.56")


def test_amount_keeps_to_the_decimals_of_its_currency():
    with pytest.raises(Unreadable):
        parse_amount("100.5", decimals=0)

    assert parse_amount("100.125", decimals=3) == Decimal("100.125")


@pytest.mark.parametrize(
    "text",
    [
        "2014-01-07",
        "2014-01-07T00:00:00",
        "2014-01-07 00:00:00.000",
        "07/01/2014",
        "7/1/14",
        "07.01.2014",
        "07-01-2014 00:00",
        "07-Jan-14",
        "7 January 2014",
        "7th Jan 2014",
        "January 7, 2014",
        "Tuesday, 7 January 2014",
        "20140107",
        "41646",
    ],
)
def test_date_is_read_in_each_usual_form(text):
    assert parse_date(text, READING) == date(2014, 1, 7)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "has no date"),
        ("00:00:00", "has no date"),
        ("00/01/1900", "has no date"),
        ("31/02/2014", "is no day of the calendar"),
        ("soon", "is no date that can be read"),
        ("0001-01-01", "is 0001-01-01, which can't be right"),
        ("2099-01-01", "is 2099-01-01, which can't be right"),
        (
            "03/25/2014",
            "has day and month the other way round from the rest of the file",
        ),
    ],
)
def test_date_that_is_none_is_refused(text, reason):
    with pytest.raises(Unreadable) as refused:
        parse_date(text, READING)

    assert refused.value.reason == reason


def test_date_follows_an_explicit_format_only():
    reading = READING._replace(explicit_format="%m/%d/%Y")

    assert parse_date("01/07/2014", reading) == date(2014, 1, 7)
    with pytest.raises(Unreadable):
        parse_date("2014-01-07", reading)


@pytest.mark.parametrize(
    ("texts", "order", "is_proved"),
    [
        (["25/01/2014", "03/04/2014"], "day_first", True),
        (["01/25/2014", "03/04/2014"], "month_first", True),
        (["03/04/2014"], "day_first", False),
        (["25/01/2014", "01/25/2014", "03/04/2014"], "day_first", False),
        (["2014-01-25"], "day_first", True),
    ],
)
def test_order_of_day_and_month_is_proved_by_the_column(texts, order, is_proved):
    evidence = date_order_of(texts)

    assert (evidence.order, evidence.is_proved) == (order, is_proved)


def test_no_date_is_told_from_a_bad_date():
    assert is_no_date(" 00:00:00 ")
    assert not is_no_date("31/02/2014")


def test_words_lose_padding_and_invisible_characters():
    assert parse_words("  PENNA \t PLC\u200b\u00a0  ", longest=20) == "PENNA PLC"


@pytest.mark.parametrize("text", ["a\x00b", "a\ud800b", "a\x1bb", "a\u202eb"])
def test_words_with_control_characters_are_refused(text):
    with pytest.raises(Unreadable) as refused:
        parse_words(text, longest=20)

    assert refused.value.reason == "holds a control character"


def test_words_that_are_too_long_are_refused():
    with pytest.raises(Unreadable) as refused:
        parse_words("x" * 21, longest=20)

    assert refused.value.reason == "has 21 characters"
