"""What is assumed about money, as its reader reads it."""

from datetime import date
from decimal import Decimal

import pytest
from django.utils import translation

from tracker.fit.assumption_words import in_words
from tracker.fit.money import SWITCHING
from tracker.fit.services.costing import assumed
from tracker.fit.switching import OwnRecords, with_own_records

BY_CODE = {assumption.code: assumption for assumption in SWITCHING}


@pytest.mark.parametrize("code", sorted(BY_CODE))
def test_english_is_what_is_stored(code: str) -> None:
    stored = assumed(BY_CODE[code])
    assert in_words(stored) == stored
    assert stored["dated_on"] == "2026-11-22"


@pytest.mark.parametrize(
    ("code", "figure", "source"),
    [
        ("risk_premium", "10 bis 40 %, meist 20 %", "Angaben von Lieferanten"),
        ("ramp", "1 bis 3 Monate, meist 2", "unser Urteil"),
    ],
)
def test_reader_of_german_reads_german(code: str, figure: str, source: str) -> None:
    with translation.override("de"):
        told = in_words(assumed(BY_CODE[code]))
    assert told["figure"] == figure
    assert source in told["source"]
    assert told["meaning"] != BY_CODE[code].meaning


def test_own_records_say_how_many_they_are_in_each_language() -> None:
    figures = [Decimal(each) / 8 for each in (1, 2, 3)]
    own = OwnRecords(figures, "vendors", date(2026, 10, 31))
    (first, *_rest) = with_own_records([BY_CODE["churn"]], {"churn": own})
    stored = assumed(first)
    assert in_words(stored) == stored
    with translation.override("de"):
        told = in_words(stored)
    assert told["source"] == "unsere eigenen Daten von 3 Lieferanten"
    assert told["figure"] == "15 bis 35 %, meist 25 %"


def test_what_was_stored_without_figures_is_read_as_it_was_written() -> None:
    old = {"code": "churn", "meaning": "x", "figure": "1 to 2 %", "source": "a tender"}
    assert in_words(old) == old
