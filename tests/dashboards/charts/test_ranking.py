from decimal import Decimal
from xml.etree import ElementTree

from tracker.dashboards.charts.ranking import NARROW, ROW_HEIGHT, WIDE, Bar, ranked_bars
from tracker.dashboards.charts.series import Segment, Series

MANAGED = Series("managed", "Managed", "managed")
AUGMENTED = Series("augmented", "Augmented", "augmented")


def bar(name, *values, **fields):
    return Bar(
        name=name,
        text=f"{name}: {sum(values)}",
        value_text=f"£{sum(values)}",
        segments=[
            Segment(each, Decimal(value), f"{name} {each.label}")
            for each, value in zip((MANAGED, AUGMENTED), values, strict=False)
        ],
        **fields,
    )


def draw(bars, width=WIDE):
    drawn = ranked_bars(bars, chart_id="r", summary="Vendors", width=width)
    return ElementTree.fromstring(drawn)


def marks(drawing):
    return [each for each in drawing.iter("rect") if "mark" in each.get("class", "")]


def test_ranked_bars_widths_are_in_proportion_and_the_longest_fills_the_width():
    longest, rest, shorter = marks(draw([bar("A", 300, 100), bar("B", 200)]))

    widths = [Decimal(each.get("width")) for each in (longest, rest, shorter)]
    assert widths == [Decimal(390), Decimal(130), Decimal(260)]


def test_ranked_bars_negative_values_lie_left_of_zero():
    rising, falling = marks(draw([bar("A", 300), bar("B", -220)]))

    assert Decimal(falling.get("x")) == 0
    assert Decimal(falling.get("width")) == Decimal(rising.get("x")) == 220
    assert Decimal(rising.get("width")) == 300


def test_ranked_bars_shorten_long_names_and_keep_them_in_the_title():
    name = "Meridian Network Operations (United Kingdom) Holdings Limited"

    drawing = draw([bar(name, 5)], NARROW)

    shown = next(e.text for e in drawing.iter("text") if e.get("class") == "name")
    assert shown == "Meridian Network Operations (United King…"
    assert next(drawing.iter("title")).text == f"{name}: 5"


def test_ranked_bars_escape_names():
    drawing = draw([bar("<img src=x onerror=alert(1)>", 5)])

    assert list(drawing.iter("img")) == []


def test_ranked_bars_link_and_mark_the_remainder():
    drawing = draw([bar("A", 5, href="/?vendor=1"), bar("B", 1, is_remainder=True)])

    (link,) = drawing.iter("a")
    assert (link.get("href"), link.get("aria-label")) == ("/?vendor=1", "A: 5")
    assert "row remainder" in [each.get("class") for each in drawing.iter("g")]


def test_ranked_bars_height_follows_the_rows():
    drawing = draw([bar("A", 5), bar("B", 1), bar("C", 0)])

    assert drawing.get("viewBox") == f"0 0 {WIDE} {3 * ROW_HEIGHT}"


def test_ranked_bars_without_data_draw_nothing():
    assert list(draw([])) == []


def test_ranked_bars_of_zeros_draw_names_without_marks():
    assert marks(draw([bar("A", 0)])) == []
