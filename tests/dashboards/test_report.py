from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from engagements.models import User
from tracker.dashboards.notation import Notation
from tracker.dashboards.periods import Period
from tracker.dashboards.report import (
    BadPageError,
    Column,
    ColumnKind,
    Report,
    Row,
    Value,
    all_reports,
    share,
    sums,
)
from tracker.dashboards.scope import Scope
from tracker.dashboards.tables import table, written
from tracker.spend.queries import SpendWhere

NOTATION = Notation("GBP", "en_GB")
SCOPE = Scope(User(), SpendWhere(), Period(), NOTATION)
COLUMNS = (Column("Name"), Column("Amount", ColumnKind.MONEY, is_summed=True))


class Numbers(Report):
    title = "Numbers"
    noun = "numbers"
    columns = COLUMNS
    count = 450

    def rows(self) -> Iterator[Row]:
        return (Row((str(n), Decimal(n))) for n in range(self.count))


def test_all_reports_are_one_per_file():
    assert sorted(all_reports()) == [
        "accruals",
        "at-stake",
        "awaiting-spend",
        "budgets",
        "commitments",
        "committed-currencies",
        "cost-centres",
        "credits",
        "departments",
        "engagements",
        "exceptions",
        "fiscal-year",
        "forecast",
        "forecast-then",
        "kept-outlooks",
        "ledger-entries",
        "models",
        "monthly-spend",
        "months",
        "rates-against-benchmark",
        "savings",
        "services",
        "switches",
        "variances",
        "vendors",
    ]


@pytest.mark.parametrize("shown", ["on_page", "in_file"])
def test_all_reports_name_each_column_once(shown):
    for report in all_reports().values():
        titles = [each.title for each in report.columns if getattr(each, shown)]

        assert len(set(titles)) == len(titles), report.slug


def test_report_with_a_taken_slug_is_refused():
    all_reports()

    with pytest.raises(ValueError, match="Two reports are called 'vendors'"):
        type("Again", (Report,), {"slug": "vendors"})


def test_pages_hold_at_most_200_rows_and_each_sums_to_the_whole():
    report, after, seen = Numbers(SCOPE), "", []
    whole = sums(COLUMNS, report.rows())

    while True:
        page = report.page(after)
        seen.append(len(page.rows))
        assert sums(COLUMNS, page.all_rows) == whole
        if not page.after:
            break
        after = page.after

    assert seen == [200, 200, 50]


def test_page_of_a_short_report_has_no_remainder():
    class Few(Numbers):
        count = 200

    page = Few(SCOPE).page()

    assert (len(page.rows), page.rest, page.after) == (200, None, "")


@pytest.mark.parametrize("after", ["x", "-1", "1e3", "9" * 5000, "\x00", "٣", "600"])
def test_page_that_is_none_is_refused(after):
    with pytest.raises(BadPageError):
        Numbers(SCOPE).page(after)


def test_share_is_unknown_without_a_positive_whole():
    assert share(Decimal(1), Decimal(4)) == Decimal("0.25")
    assert share(Decimal(1), Decimal(0)) is None
    assert share(Decimal(1), Decimal(-4)) is None


def test_table_totals_are_the_sums_of_its_rows():
    rows = [
        Row(("A", Decimal("1.10")), href="/a"),
        Row(("B", Decimal("-0.10"))),
        Row(("C", Decimal(0))),
    ]

    shown = table(COLUMNS, rows, caption="Sample", notation=NOTATION)

    assert [cell.text for cell in shown.totals] == ["Total", "£1.00"]
    texts = [[cell.text for cell in row.cells] for row in shown.rows]
    assert texts == [["A", "£1.10"], ["B", "\N{MINUS SIGN}£0.10"], ["C", "£0.00"]]
    assert [row.cells[0].href for row in shown.rows] == ["/a", "", ""]
    assert [row.cells[1].is_zero for row in shown.rows] == [False, False, True]


def test_written_follows_the_column_s_kind():
    day = date(2026, 10, 5)

    values: list[tuple[Value, ColumnKind]] = [
        (Decimal("1234.5"), ColumnKind.MONEY),
        (Decimal("0.1234"), ColumnKind.SHARE),
        (Decimal("1234.56"), ColumnKind.COUNT),
        (1234, ColumnKind.COUNT),
        (day, ColumnKind.MONTH),
        (day, ColumnKind.DAY),
        ("text", ColumnKind.TEXT),
    ]

    texts = [written(value, kind, NOTATION) for value, kind in values]

    assert texts == [
        "£1,234.50",
        "12.3%",
        "1,234.56",
        "1,234",
        "Oct 2026",
        "5 Oct 2026",
        "text",
    ]


def test_table_leaves_out_columns_for_files_and_dashes_what_is_unknown():
    columns = (*COLUMNS, Column("Id", on_page=False), Column("Share", ColumnKind.SHARE))
    rows = [Row(("A", Decimal(1), "7", None))]

    shown = table(columns, rows, caption="Sample", notation=NOTATION)

    assert [head.text for head in shown.heads] == ["Name", "Amount", "Share"]
    assert [cell.text for cell in shown.rows[0].cells] == ["A", "£1.00", "\N{EN DASH}"]


def test_rows_are_sorted_by_what_the_address_names_and_what_is_unknown_comes_last():
    class Mixed(Report):
        title, noun = "Mixed", "rows"
        columns = (Column("Name"), Column("Own amount", ColumnKind.MONEY))

        def rows(self) -> Iterator[Row]:
            for name, amount in (("b", "2"), ("C", None), ("a", "10"), ("", "3")):
                yield Row((name, None if amount is None else Decimal(amount)))

    def names(sort):
        report = Mixed(replace(SCOPE, sort=sort))
        assert [*report.ordered()] == report.ordered_page().rows
        return [row.values[0] for row in report.ordered()]

    assert names("name") == ["a", "b", "C", ""]
    assert names("-name") == ["C", "b", "a", ""]
    assert names("-own_amount") == ["a", "", "b", "C"]
    with pytest.raises(BadPageError, match="no such column"):
        names("colour")


def test_pages_of_a_sorted_table_each_sum_to_the_whole():
    report = Numbers(replace(SCOPE, sort="-amount"))
    whole = sums(COLUMNS, report.rows())

    first = report.ordered_page()
    second = report.ordered_page(first.after)

    assert [row.values[1] for row in first.rows[:2]] == [449, 448]
    assert second.rows[0].values[1] == 249
    assert sums(COLUMNS, first.all_rows) == sums(COLUMNS, second.all_rows) == whole
