from decimal import Decimal

import pytest

from tracker.dashboards.charts.scales import (
    RootScale,
    Scale,
    root_ticks,
    round_ticks,
)


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        ("0", "97", ["0", "25", "50", "75", "100"]),
        ("0", "1240000", ["0", "500000", "1000000", "1500000"]),
        ("0", "0.07", ["0", "0.02", "0.04", "0.06", "0.08"]),
        ("-30", "90", ["-50", "0", "50", "100"]),
        ("-8", "-2", ["-8", "-6", "-4", "-2", "0"]),
        ("20", "80", ["0", "20", "40", "60", "80"]),
        ("0", "0", ["0", "0.25", "0.50", "0.75", "1.00"]),
    ],
)
def test_round_ticks_cover_the_range_from_zero(low, high, ticks):
    found = round_ticks(Decimal(low), Decimal(high))

    assert found == [Decimal(tick) for tick in ticks]


def test_scale_places_values_on_a_falling_axis():
    scale = Scale(Decimal(-50), Decimal(100), Decimal(260), Decimal(20))

    places = [scale.place(Decimal(value)) for value in (-50, 0, 100)]

    assert places == [Decimal(260), Decimal(180), Decimal(20)]


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        ("0", "0", ["0", "0.25", "1"]),
        ("-254186", "27000", ["-500000", "-125000", "0", "12500", "50000"]),
        ("100", "900", ["0", "250", "1000"]),
        ("-90", "-10", ["-100", "-25", "0"]),
    ],
)
def test_root_ticks_are_round_ends_and_their_quarters(low, high, ticks):
    found = root_ticks(Decimal(low), Decimal(high))
    assert found == [Decimal(tick) for tick in ticks]


def test_root_scale_puts_a_quarter_in_the_middle():
    scale = RootScale(Decimal(-100), Decimal(400), Decimal(300), Decimal(0))
    places = [scale.place(Decimal(value)) for value in (-100, -25, 0, 100, 400)]
    assert places == [Decimal(at) for at in (300, 250, 200, 100, 0)]
