from decimal import Decimal
from xml.etree import ElementTree

from tracker.dashboards.charts.bridge import WIDE, Step, bridge


def draw(before, *parts):
    after = before + sum(parts)
    steps = [
        Step("Before", Decimal(before), "Before", is_whole=True),
        *(Step(f"P{n}", Decimal(part), f"P{n}") for n, part in enumerate(parts)),
        Step("After", Decimal(after), "After", is_whole=True),
    ]
    drawn = bridge(steps, summary="Bridge", short_amount=str, frame=WIDE)
    return ElementTree.fromstring(drawn)  # as a browser would: it must be well formed


def bars(drawing):
    return [
        (
            each.get("class").split()[-1],
            Decimal(each.get("y")),
            Decimal(each.get("y")) + Decimal(each.get("height")),
        )
        for each in drawing.iter("rect")
    ]


def notes(drawing):
    return [
        each.text for each in drawing.iter("text") if each.get("class") == "axis-note"
    ]


def test_bridge_each_part_goes_on_where_the_one_before_ended():
    (_b, top, floor), (_p, more_top, more_low), (_l, less_top, less_low), end = bars(
        draw(100, 100, -50)
    )

    assert more_low == top
    assert less_top == more_top
    assert less_low == end[1]
    assert floor == end[2]


def test_bridge_tells_more_from_less():
    assert [tone for tone, _top, _low in bars(draw(100, 100, -50))] == [
        "bar-whole",
        "bar-more",
        "bar-less",
        "bar-whole",
    ]


def test_bridge_cuts_the_axis_and_says_so_where_parts_would_vanish():
    assert notes(draw(1_000, 10, -5)) == ["The axis begins at 980."]
    assert notes(draw(100, 100, -50)) == []


def test_bridge_of_nothing_is_drawn():
    assert notes(draw(0)) == []
