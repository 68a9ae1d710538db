from decimal import Decimal
from itertools import pairwise
from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st

from tracker.dashboards.charts.series import (
    Segment,
    Series,
    Texture,
    reach,
    series_of,
    spans,
    swatch,
)

SERIES = Series("managed", "Managed", "managed")
HATCHED = Series("accrued", "Accrued", "managed", Texture.HATCH)
AMOUNTS = st.decimals(-10_000, 10_000, places=4)


def segment(value, series=SERIES):
    return Segment(series, value, "")


@given(st.lists(AMOUNTS))
def test_spans_lengths_sum_to_the_magnitudes_and_never_overlap(values):
    found = list(spans([segment(value) for value in values]))

    lengths = sum((span.high - span.low for span in found), Decimal(0))
    assert lengths == sum((abs(value) for value in values), Decimal(0))
    ordered = sorted((span.low, span.high) for span in found)
    edges = pairwise(ordered)
    assert all(left[1] <= right[0] for left, right in edges)


@given(st.lists(AMOUNTS))
def test_reach_ends_where_the_stacks_end(values):
    low, high = reach([[segment(value) for value in values]])

    assert low == sum((value for value in values if value < 0), Decimal(0))
    assert high == sum((value for value in values if value > 0), Decimal(0))


def test_series_of_leaves_out_those_without_figures():
    stacks = [[segment(Decimal(1)), segment(Decimal(0), HATCHED)]]

    assert series_of(stacks) == [SERIES]


def test_swatch_shows_the_texture_of_its_series():
    solid = ElementTree.fromstring(swatch(SERIES, "c"))
    hatched = ElementTree.fromstring(swatch(HATCHED, "c"))

    assert [each.get("class") for each in solid] == ["mark tone-managed"]
    assert [each.get("id") for each in hatched.iter("pattern")] == ["c-key-accrued"]
    assert hatched[-1].get("fill") == "url(#c-key-accrued)"
