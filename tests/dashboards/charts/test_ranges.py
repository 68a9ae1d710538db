import re
from decimal import Decimal

from tracker.dashboards.charts.ranges import Range, ranges


def row(value, *, name="Ann", href=""):
    low, middle, high = map(Decimal, (40, 50, 60))
    return Range(
        name, f"{name}: told", str(value), Decimal(value), low, middle, high, href
    )


def test_a_figure_stands_on_its_band_and_only_above_it_looks_otherwise():
    svg = ranges([row(50), row(61)], summary="Rates")

    assert re.findall(r'class="(range-dot[^"]*)"', svg) == [
        "range-dot",
        "range-dot is-above",
    ]
    band = re.search(r'<rect x="([\d.]+)" y="20" width="([\d.]+)"', svg)
    dot = re.search(r'cx="([\d.]+)"', svg)
    left, width = Decimal(band[1]), Decimal(band[2])
    assert left < Decimal(dot[1]) < left + width


def test_names_are_escaped_and_rows_open():
    svg = ranges([row(1, name="<b>", href="/x/")], summary="Rates")

    assert "<b>" not in svg
    assert 'href="/x/" class="row" aria-label="&lt;b&gt;: told"' in svg
