import re
from decimal import Decimal

from tracker.dashboards.charts.burn import Point, burn_lines


def point(budget, used, *, is_forecast=False, href=""):
    return Point("Apr", "told", Decimal(budget), Decimal(used), is_forecast, href)


def drawn(*points):
    return burn_lines(points, summary="Burn", short_amount=str)


def test_months_that_are_over_are_a_line_and_the_others_go_on_from_it_dashed():
    svg = drawn(point(10, 5), point(20, 15), point(30, 25, is_forecast=True))

    used = re.search(r'points="([^"]*)" class="burn-used"', svg)[1].split()
    ahead = re.search(r'points="([^"]*)" class="burn-forecast"', svg)[1].split()
    assert len(used) == 2
    assert ahead[0] == used[-1]
    assert len(ahead) == 2


def test_only_what_is_over_the_budget_is_marked_as_over():
    svg = drawn(point(10, 11), point(20, 20), point(30, 31, is_forecast=True))

    assert re.findall(r'class="(burn-mark[^"]*)"', svg) == [
        "burn-mark is-over",
        "burn-mark",
        "burn-mark is-forecast is-over",
    ]


def test_a_month_that_opens_is_one_target_with_its_words():
    svg = drawn(point(1, 1, href="/there/"), point(2, 2))

    assert svg.count('href="/there/" aria-label="told"') == 1
    assert 'aria-label="Burn"' in svg


def test_no_months_draw_an_axis_alone():
    assert "burn-mark" not in drawn()
