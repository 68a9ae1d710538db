import re
from decimal import Decimal

from tracker.dashboards.charts.series import Segment
from tracker.dashboards.charts.year import (
    ACCRUED,
    ACTUAL,
    BUDGET,
    OVER,
    PREVIOUS,
    TO_COME,
    UNDER,
    Month,
    year_columns,
)


def segment(series, value):
    return Segment(series, Decimal(value), f"{series.label} {value}")


def month(actual="0", to_come="0", budget="100", difference=None, **more):
    over = difference is not None and Decimal(difference) > 0
    return Month(
        label="Oct",
        group="2026",
        text="October",
        segments=[
            segment(ACTUAL, actual),
            segment(ACCRUED, "0"),
            segment(TO_COME, to_come),
        ],
        previous=segment(PREVIOUS, "80"),
        budget=None if budget is None else segment(BUDGET, budget),
        difference=None
        if difference is None
        else segment(OVER if over else UNDER, difference),
        **more,
    )


def drawn(*months):
    return year_columns(
        months, chart_id="year", summary="A year", short_amount=lambda value: f"{value}"
    )


def marks(svg):
    """Return (attributes, title) of each mark."""
    return re.findall(r"<rect ([^>]*)><title>([^<]*)</title>", svg)


def test_year_draws_each_series_in_its_own_notation():
    svg = drawn(
        month("120", "30", difference="50", low=Decimal(140), high=Decimal(170))
    )

    looks = {title: attributes for attributes, title in marks(svg)}
    assert 'class="mark tone-actual"' in looks["Invoiced or paid 120"]
    assert "url(#year-to-come)" in looks["Forecast 30"]
    assert 'class="outlined outlined-budget"' in looks["Budget 100"]
    assert 'class="mark tone-previous"' in looks["Previous year 80"]
    assert "url(#year-over)" in looks["Over budget 50"]
    assert svg.count('class="range"') == 1


def test_year_without_budgets_has_no_differences():
    svg = drawn(month("120", budget=None))

    assert "Against budget" not in svg
    assert "outlined" not in svg


def test_year_says_by_how_much_months_differ_from_their_budget():
    svg = drawn(month("120", difference="20"), month("70", difference="-30"))

    assert ">+20</text>" in svg
    assert ">\N{MINUS SIGN}30</text>" in svg


def test_year_of_nothing_is_drawn_all_the_same():
    assert drawn().startswith("<svg")
    (mark,) = marks(drawn(month(budget=None)))
    assert mark[1] == "Previous year 80"


def test_year_links_each_month_and_names_it():
    svg = drawn(month("120", href="/?from=2026-10&to=2026-10"))

    assert '<a href="/?from=2026-10&amp;to=2026-10" class="stack"' in svg
    assert 'aria-label="October"' in svg
