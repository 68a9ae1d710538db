"""Reports on paper: PDF, SVG and PNG of the same figures as the page's."""

import io
import re
import sys
from datetime import UTC, date, datetime
from xml.etree import ElementTree

import pytest
import time_machine
from pypdf import PdfReader

from engagements.choices import Role
from tests.dashboards.spending import make_paid_contract
from tests.factories import make_department, make_user, make_vendor
from tracker.dashboards.report import all_reports

pytestmark = pytest.mark.django_db

OCTOBER = date(2026, 10, 5)
# What Typst would obey, were it read as markup.
HOSTILE = '#panic("x") = *Calder* $x$ <a> @b \\ https://x.example'


@pytest.fixture(autouse=True)
def on_a_day_in_november():
    with time_machine.travel(datetime(2026, 11, 22, 12, tzinfo=UTC), tick=False):
        yield


@pytest.fixture
def finance(client):
    user = make_user(Role.FINANCE)
    client.force_login(user)
    return user


def text_of(response):
    assert response.status_code == 200, response.content
    assert response["Content-Type"] == "application/pdf"
    pages = PdfReader(io.BytesIO(response.content)).pages
    return " ".join(" ".join(page.extract_text() for page in pages).split())


def test_pdf_of_a_report_has_the_page_s_rows_and_total(client, finance):
    make_paid_contract("10.10", OCTOBER, vendor=make_vendor(legal_name=HOSTILE))
    make_paid_contract("20.20", OCTOBER)

    text = text_of(client.get("/spend/vendors.pdf"))

    assert '#panic("x")' in text
    assert "£10.10" in text
    assert "£30.30" in text
    assert "Spend by vendor" in text


def test_pdf_of_the_overview_has_its_title_and_every_card(client, finance):
    make_paid_contract("30.30", OCTOBER, department=make_department(name="Éire ✓"))

    page = client.get("/").context["page"]
    text = text_of(client.get(page.paper_href))

    assert page.title in text
    for card in [*page.first, *page.sections, *page.later]:
        assert card.title in text
    assert "Éire ✓" in text


def test_every_report_prints_and_draws_or_says_that_it_has_no_chart(client, finance):
    make_paid_contract("30.30", OCTOBER)

    for slug in all_reports():
        assert client.get(f"/spend/{slug}.pdf").status_code == 200, slug
        assert client.get(f"/spend/{slug}.svg").status_code in (200, 404), slug


@pytest.mark.parametrize("slug", ["months", "vendors", "fiscal-year", "variances"])
def test_charts_are_files_that_stand_alone(client, finance, slug):
    make_paid_contract("30.30", OCTOBER, vendor=make_vendor(legal_name="A & <b>"))

    drawn = client.get(f"/spend/{slug}.svg")
    raster = client.get(f"/spend/{slug}.png")

    text = drawn.content.decode()
    root = ElementTree.fromstring(text)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert not re.search(
        r"href=|var\(|light-dark|<script", text.partition("</style>")[2]
    )
    assert "var(" not in text
    assert "light-dark" not in text
    assert raster.content.startswith(b"\x89PNG")
    assert drawn["Content-Disposition"] == f'attachment; filename="{slug}.svg"'


def test_a_file_of_another_s_engagement_shows_nothing_of_it(client):
    own, other = make_department(), make_department()
    make_paid_contract("10", OCTOBER, department=own)
    foreign = make_vendor(legal_name="Canary")
    make_paid_contract("7777", OCTOBER, department=other, vendor=foreign)
    client.force_login(make_user(Role.MANAGER, department=own))

    for address in ("/spend/vendors.pdf", "/overview.pdf"):
        text = text_of(client.get(address))

        assert "Canary" not in text
        assert "7,777" not in text


def test_without_the_library_the_answer_says_what_to_do(client, finance, monkeypatch):
    make_paid_contract("10", OCTOBER)
    monkeypatch.setitem(sys.modules, "typst", None)

    for address in ("/spend/vendors.pdf", "/overview.pdf", "/spend/months.png"):
        response = client.get(address)

        assert response.status_code == 503
        assert b"Install requirements.txt, or print the page" in response.content
