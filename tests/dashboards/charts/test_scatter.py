from decimal import Decimal

from tracker.dashboards.charts.scatter import Axes, Mark, scatter
from tracker.dashboards.charts.svg import Svg


def mark(up: str, size: str, *, is_square: bool = False, href: str = "") -> Mark:
    return Mark(
        across=Decimal("0.5"),
        up=Decimal(up),
        size=Decimal(size),
        tone="managed",
        is_square=is_square,
        text=f"<{size}>",
        href=href,
    )


def drawn(*marks: Mark) -> Svg:
    axes = Axes(
        across="Fit",
        up="Money",
        share=lambda share: f"{share:.0%}",
        amount=lambda amount: f"{amount:f}",
        bounds=[(Decimal("0.7"), "Above")],
    )
    return scatter(marks, summary="All", axes=axes)


def test_large_marks_stand_behind_small_ones() -> None:
    svg = drawn(mark("1", "1"), mark("1", "4"))
    assert svg.index("&lt;4&gt;") < svg.index("&lt;1&gt;")


def test_area_follows_the_size() -> None:
    svg = drawn(mark("1", "1"), mark("1", "4"))
    assert 'r="26.00"' in svg
    assert 'r="13.00"' in svg


def test_square_has_the_area_of_its_circle() -> None:
    svg = drawn(mark("1", "1", is_square=True))
    # 26 · √π
    assert 'width="46.08" height="46.08"' in svg


def test_mark_without_size_is_still_seen() -> None:
    assert 'r="4.00"' in drawn(mark("1", "0"), mark("1", "1"))


def test_mark_is_a_link_where_it_leads_somewhere() -> None:
    svg = drawn(mark("1", "1", href="/x/"), mark("1", "2"))
    assert svg.count("<a ") == 1
    assert '<a href="/x/" aria-label="&lt;1&gt;">' in svg


def test_bounds_say_what_they_are() -> None:
    assert "<title>Above</title>" in drawn(mark("1", "1"))
