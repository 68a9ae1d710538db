"""A newcomer's report: one file, and it is routed, exported, listed and answered."""

import csv
import sys
from io import BytesIO, StringIO

import pytest
from openpyxl import load_workbook

from engagements.choices import Role
from tests.api.callers import client_for
from tests.factories import make_user
from tracker.dashboards import reports
from tracker.dashboards.places import report_places
from tracker.dashboards.report import Report, all_reports

pytestmark = pytest.mark.django_db

ONE_FILE = """
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import ClassVar

from tracker.dashboards.places import report_places
from tracker.dashboards.report import Column, ColumnKind, Report, Row


class LuckyNumbers(Report):
    slug = "lucky-numbers"
    title = "Lucky numbers"
    noun = "numbers"
    columns: ClassVar[Sequence[Column]] = (
        Column("Name"),
        Column("Amount", ColumnKind.MONEY, is_summed=True),
    )

    def rows(self) -> Iterator[Row]:
        yield Row(("=Seven", Decimal("7.07")))
        yield Row(("Thirteen", Decimal("13.13")))
"""


@pytest.fixture
def newcomer(tmp_path, monkeypatch):
    """Put one file beside the others, and nothing else."""
    (tmp_path / "lucky_numbers.py").write_text(ONE_FILE, encoding="utf-8")
    monkeypatch.setattr(reports, "__path__", [*reports.__path__, str(tmp_path)])
    forget()
    yield
    Report._registered.pop("lucky-numbers", None)
    sys.modules.pop("tracker.dashboards.reports.lucky_numbers", None)
    forget()


def forget():
    """Have the reports looked for anew."""
    all_reports.cache_clear()
    report_places.cache_clear()


def test_a_report_of_one_file_is_a_page_two_files_and_an_answer(client, newcomer):
    user = make_user(Role.FINANCE)
    client.force_login(user)
    api = client_for(user, "spend:read")

    page = client.get("/spend/lucky-numbers/").context["page"]
    card = client.get("/spend/lucky-numbers/card/")
    text = b"".join(client.get("/spend/lucky-numbers.csv").streaming_content)
    workbook = client.get("/spend/lucky-numbers.xlsx").content
    answer = api.get("/api/v1/reports/lucky-numbers").json()
    listed = client.get("/spend/").context["page"]

    assert page.table.totals[1].text == "£20.20"
    assert "£20.20" in card.content.decode()
    lines = list(csv.reader(StringIO(text.decode("utf-8-sig"), newline="")))
    assert lines[1:] == [["'=Seven", "7.07"], ["Thirteen", "13.13"]]
    (sheet,) = load_workbook(BytesIO(workbook)).worksheets
    assert [row[1] for row in sheet.iter_rows(values_only=True, min_row=2)] == [
        7.07,
        13.13,
    ]
    assert answer["results"] == [
        {"name": "=Seven", "amount": "7.07"},
        {"name": "Thirteen", "amount": "13.13"},
    ]
    assert answer["totals"] == {"amount": "20.20"}
    assert "Lucky numbers" in [link.title for link in listed.reports]
    names = [one["report"] for one in api.get("/api/v1/reports").json()["results"]]
    assert "lucky-numbers" in names
