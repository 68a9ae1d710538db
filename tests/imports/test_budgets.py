from datetime import date
from decimal import Decimal

import pytest

from engagements.choices import Role
from tests.factories import make_cost_centre, make_user
from tests.imports.records import bring_in, counts, export, told
from tracker.imports.exports import template_of
from tracker.spend.budget_standing import fiscal_months
from tracker.spend.models import Budget, BudgetMonth
from tracker.spend.services import set_budget

__all__ = ["bring_in"]

pytestmark = pytest.mark.django_db

LINE = {
    "Cost centre": "IT",
    "Fiscal year": "2026",
    "April": "1000",
    "March": "2,000.50",
}


@pytest.fixture
def finance():
    return make_user(Role.FINANCE)


@pytest.fixture
def it():
    return make_cost_centre(code="IT", name="Technology")


def stored_months():
    rows = BudgetMonth.objects.order_by("month").exclude(amount=0)
    return list(rows.values_list("month", "amount"))


def test_budgets_are_set_by_the_months_of_the_fiscal_year(bring_in, finance, it):
    report = bring_in("budgets", [LINE], actor=finance)

    assert counts(report) == (1, 0, 0, 0)
    # The fiscal year runs from April, so that its March is of the year after.
    assert stored_months() == [
        (date(2026, 4, 1), Decimal(1_000)),
        (date(2027, 3, 1), Decimal("2000.50")),
    ]


def test_budgets_imported_again_change_nothing(bring_in, it):
    bring_in("budgets", [LINE])

    assert counts(bring_in("budgets", [LINE])) == (0, 0, 1, 0)


def test_a_blank_month_stays_as_it_is_recorded(bring_in, it):
    bring_in("budgets", [LINE])

    report = bring_in("budgets", [{**LINE, "April": "", "March": "5"}])

    assert counts(report) == (0, 1, 0, 0)
    assert stored_months() == [
        (date(2026, 4, 1), Decimal(1_000)),
        (date(2027, 3, 1), Decimal(5)),
    ]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ({"Cost centre": "XX"}, ("cost_centre", "is no recorded cost centre")),
        ({"Fiscal year": "1850"}, ("year", "is out of range")),
        ({"Fiscal year": ""}, ("year", "is blank, and a new record needs it")),
        ({"April": "-5"}, ("april", "is negative")),
        ({"April": "much"}, ("april", "is no amount that can be read")),
    ],
)
def test_what_is_wrong_is_told_by_line_and_column(bring_in, it, line, problem):
    report = bring_in("budgets", [{**LINE, **line}])

    assert told(report) == [(2, *problem)]
    assert not Budget.objects.exists()


def test_two_lines_of_one_budget_are_refused(bring_in, it):
    report = bring_in("budgets", [LINE, LINE])

    assert told(report) == [(3, "cost_centre", "is the budget of line 2 again")]


@pytest.mark.parametrize("file_format", ["csv", "xlsx"])
def test_budgets_taken_out_and_brought_back_change_nothing(
    bring_in, finance, file_format
):
    budgets = [
        set_budget(
            budget=Budget(cost_centre=make_cost_centre(), year=2026),
            amounts={
                month: Decimal("1234.56") + number
                for number, month in enumerate(fiscal_months(2026))
            },
            actor=None,
        )
        for _number in range(3)
    ]

    content = export("budgets", budgets, finance, file_format)
    report = bring_in("budgets", content, file_format=file_format)

    assert counts(report) == (0, 0, 3, 0)


@pytest.mark.parametrize("file_format", ["csv", "xlsx"])
def test_the_template_s_example_is_passed_over(bring_in, file_format):
    content = template_of("budgets", file_format).read()

    assert counts(bring_in("budgets", content, file_format=file_format)) == (0, 0, 0, 0)
