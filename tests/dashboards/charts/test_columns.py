from decimal import Decimal
from itertools import pairwise
from xml.etree import ElementTree

import pytest

from tracker.dashboards.charts.columns import NARROW, WIDE, Column, stacked_columns
from tracker.dashboards.charts.series import Segment, Series, Texture

MANAGED = Series("managed", "Managed", "managed")
AUGMENTED = Series("augmented", "Augmented", "augmented", Texture.DOTS)


def column(label, *values, group="2026", href=""):
    series = (MANAGED, AUGMENTED)
    return Column(
        label=label,
        group=group,
        text=f"{label}: {sum(values)}",
        segments=[
            Segment(each, Decimal(value), f"{label} {each.label}: {value}")
            for each, value in zip(series, values, strict=False)
        ],
        href=href,
    )


def draw(columns, frame=WIDE):
    drawn = stacked_columns(
        columns, chart_id="c", summary="Spend", short_amount=str, frame=frame
    )
    return ElementTree.fromstring(drawn)  # as a browser would: it must be well formed


def marks(drawing):
    return [each for each in drawing.iter("rect") if "mark" in each.get("class", "")]


def heights(rects):
    return [Decimal(each.get("height")) for each in rects]


def labels(drawing, kind="label"):
    found = (each for each in drawing.iter("text") if each.get("class") == kind)
    return [each.text for each in found]


def test_columns_heights_are_in_proportion_to_values():
    drawing = draw([column("Jan", 300, 100), column("Feb", 100, 0)])

    first, second, third = heights(marks(drawing))
    assert (first / second, first / third) == (3, 3)


def test_columns_parts_of_a_stack_touch_and_sum_to_its_height():
    drawing = draw([column("Jan", Decimal("333.33"), Decimal("777.77"))])

    lower, upper = marks(drawing)
    top = Decimal(upper.get("y"))
    bottom = Decimal(lower.get("y")) + Decimal(lower.get("height"))
    assert Decimal(upper.get("y")) + Decimal(upper.get("height")) == Decimal(
        lower.get("y")
    )
    assert sum(heights([lower, upper])) == bottom - top


def test_columns_negative_parts_hang_below_zero():
    drawing = draw([column("Jan", 300, -100)])

    risen, hanging = marks(drawing)
    zero = Decimal(risen.get("y")) + Decimal(risen.get("height"))
    assert Decimal(hanging.get("y")) == zero
    assert Decimal(risen.get("height")) == 3 * Decimal(hanging.get("height"))


def test_columns_say_their_part_when_pointed_at():
    drawing = draw([column("Jan", 300, 100)])

    titles = [mark.find("title").text for mark in marks(drawing)]
    assert titles == ["Jan Managed: 300", "Jan Augmented: 100"]


def test_columns_escape_what_users_typed():
    drawing = draw([column("<script>alert(1)</script>", 5)])

    assert list(drawing.iter("script")) == []
    assert labels(drawing)[0] == "<script>alert(1)</script>"


def test_columns_link_where_there_is_more_to_see():
    drawing = draw([column("Jan", 5, href="/?from=2026-01&to=2026-01"), column("F", 5)])

    links = [(each.get("href"), each.get("aria-label")) for each in drawing.iter("a")]
    assert links == [("/?from=2026-01&to=2026-01", "Jan: 5")]


def test_columns_write_the_total_above_when_there_is_room():
    few = draw([column("Jan", 300, 100)])
    many = draw([column(str(n), 300, 100) for n in range(60)])

    assert labels(few, "value") == ["400"]
    assert labels(many, "value") == []


@pytest.mark.parametrize(("frame", "labelled"), [(WIDE, 30), (NARROW, 10)])
def test_columns_of_five_years_stay_inside_and_thin_out_their_labels(frame, labelled):
    columns = [column(str(n), 10 + n, group=str(2021 + n // 12)) for n in range(60)]

    drawing = draw(columns, frame)

    rects = marks(drawing)
    edges = [(Decimal(r.get("x")), Decimal(r.get("width"))) for r in rects]
    assert len(rects) == 60
    assert all(x + width <= after for (x, width), (after, _) in pairwise(edges))
    assert edges[0][0] >= frame.left
    assert sum(edges[-1]) <= frame.width - frame.right
    assert len(labels(drawing)) == labelled
    assert labels(drawing, "label group") == ["2021", "2022", "2023", "2024", "2025"]


def test_columns_leave_out_a_group_without_room_for_its_name():
    columns = [column("Dec", 1, group="2025")] + [column(str(n), 1) for n in range(11)]

    assert labels(draw(columns, NARROW), "label group") == ["2026"]
    assert labels(draw(columns, WIDE), "label group") == ["2025", "2026"]


def test_columns_of_one_month_draw_one_bar_of_bounded_width():
    (bar,) = marks(draw([column("Jan", 12)]))

    assert Decimal(bar.get("width")) == 56


def test_columns_without_data_draw_an_empty_frame():
    drawing = draw([])

    assert marks(drawing) == []
    assert drawing.get("aria-label") == "Spend"


def test_columns_of_zeros_draw_no_marks():
    assert marks(draw([column("Jan", 0, 0)])) == []


def test_columns_define_each_pattern_they_use():
    drawing = draw([column("Jan", 300, 100)])

    defined = {each.get("id") for each in drawing.iter("pattern")}
    used = {each.get("fill") for each in marks(drawing) if each.get("fill")}
    assert used == {f"url(#{name})" for name in defined} == {"url(#c-augmented)"}


def test_columns_carry_no_inline_style():
    drawing = draw([column("Jan", 300, 100)])

    assert [each for each in drawing.iter() if each.get("style")] == []


def test_columns_leave_room_for_long_figures_beside_the_axis():
    columns = [column("Jan", 300), column("Feb", 100)]
    plain = draw(columns)
    long = ElementTree.fromstring(
        stacked_columns(
            columns,
            chart_id="c",
            summary="Spend",
            short_amount=lambda amount: f"{amount} thousand pounds",
        )
    )

    starts = [Decimal(next(each.iter("line")).get("x1")) for each in (plain, long)]

    assert starts[0] == WIDE.left
    # Each of at least twenty letters has its room.
    assert starts[1] >= 20 * 7


def test_columns_keep_figures_from_running_into_one_another():
    columns = [column(str(month), 100) for month in range(1, 13)]
    wide = ElementTree.fromstring(
        stacked_columns(
            columns,
            chart_id="c",
            summary="Spend",
            short_amount=lambda amount: f"{amount} thousand pounds",
        )
    )

    assert len(labels(draw(columns), "value")) == 12
    assert labels(wide, "value") == []
