from datetime import date

import pytest

from tracker.dashboards.periods import Period, preset, preset_titles

APRIL = 4


@pytest.mark.parametrize(
    ("name", "today", "first", "last"),
    [
        ("last-12-months", date(2026, 11, 22), date(2025, 12, 1), date(2026, 11, 1)),
        ("last-12-months", date(2024, 2, 29), date(2023, 3, 1), date(2024, 2, 1)),
        ("this-year", date(2026, 11, 22), date(2026, 1, 1), date(2026, 12, 1)),
        ("previous-year", date(2026, 1, 1), date(2025, 1, 1), date(2025, 12, 1)),
        ("this-fiscal-year", date(2026, 4, 1), date(2026, 4, 1), date(2027, 3, 1)),
        ("this-fiscal-year", date(2026, 3, 31), date(2025, 4, 1), date(2026, 3, 1)),
        ("previous-fiscal-year", date(2026, 3, 31), date(2024, 4, 1), date(2025, 3, 1)),
        ("all", date(2026, 11, 22), None, None),
    ],
)
def test_preset_means_these_months(name, today, first, last):
    assert preset(name, today, APRIL) == Period(first, last)


def test_preset_unknown_name_is_refused():
    with pytest.raises(KeyError):
        preset("next-year", date(2026, 1, 1), APRIL)


def test_preset_titles_offer_fiscal_years_only_where_they_differ():
    assert list(preset_titles(1)) == [
        "last-12-months",
        "this-year",
        "previous-year",
        "all",
    ]
    assert "this-fiscal-year" in preset_titles(APRIL)


def test_period_holds_its_own_edges():
    period = Period(date(2026, 1, 1), date(2026, 3, 1))

    held = [period.holds(date(2026, month, 1)) for month in (1, 3, 4)]
    assert held == [True, True, False]
    assert Period().holds(date(1999, 1, 1))
