import csv
import re
from datetime import UTC, date, datetime
from decimal import Decimal
from io import BytesIO, StringIO

import pytest
import time_machine
from django.urls import reverse
from openpyxl import load_workbook

from engagements.choices import Kind, Role
from tests.dashboards.spending import bill, make_paid_contract, pay
from tests.factories import (
    make_assignment,
    make_contract,
    make_cost_centre,
    make_department,
    make_user,
    make_vendor,
)
from tracker.fit.models import Flag

pytestmark = pytest.mark.django_db

CANARY = "Canary <script>alert('x')</script> Ltd"
OCTOBER, SEPTEMBER = date(2026, 10, 5), date(2026, 9, 5)
PAGES = ["/", "/spend/months/", "/spend/vendors/", "/spend/cost-centres/"]
PAGES += ["/spend/engagements/", "/spend/ledger-entries/", "/spend/awaiting-spend/"]
PAGES += ["/spend/variances/", "/spend/fiscal-year/", "/spend/departments/"]
PAGES += ["/spend/services/", "/spend/models/"]
FILES = [
    "/spend/months.csv",
    "/spend/vendors.csv",
    "/spend/cost-centres.csv",
    "/spend/engagements.csv",
    "/spend/awaiting-spend.csv",
    "/spend/ledger-entries.csv",
    "/spend/monthly-spend.csv",
    "/spend/months.xlsx",
    "/spend/vendors.xlsx",
    "/spend/cost-centres.xlsx",
    "/spend/engagements.xlsx",
    "/spend/awaiting-spend.xlsx",
    "/spend/variances.csv",
    "/spend/variances.xlsx",
]

BAD_QUERIES = [
    "from=2026-13",
    "from=2026-05&to=2026-01",
    "period=ever",
    "department=NO",
    "vendor=%00",
    "engagement=%ED%A0%80",
    "cost_centre=%00",
    "model=<script>",
    "by=<script>",
    "base_from=2026-13",
    "base_from=2026-01",
    "base_from=2026-02&base_to=2026-01",
]


@pytest.fixture(autouse=True)
def on_a_day_in_november():
    with time_machine.travel(datetime(2026, 11, 22, 12, tzinfo=UTC), tick=False):
        yield


@pytest.fixture
def finance(client):
    user = make_user(Role.FINANCE)
    client.force_login(user)
    return user


def raise_flag(engagement):
    return Flag.objects.create(
        engagement=engagement,
        raised_on=OCTOBER,
        opposition=0.9,
        leaning=Kind.AUGMENTED,
        sentence="Directed by our managers",
    )


def text_of(response):
    if response.streaming:
        return b"".join(response.streaming_content).decode()
    return response.content.decode()


def read_csv(client, address):
    text = text_of(client.get(address))
    return list(csv.DictReader(StringIO(text.removeprefix("\ufeff"), newline="")))


def heading(response):
    (title,) = re.findall(r"<h1>(.*?)</h1>", text_of(response))
    return title


def shown_totals(client, address):
    """Return the text of every totals row of the page."""
    page = text_of(client.get(address))
    rows = re.findall(r"<tfoot>(.*?)</tfoot>", page, re.DOTALL)
    return [re.findall(r">([^<>]+)</t[hd]>", row) for row in rows]


@pytest.mark.parametrize("address", PAGES + FILES)
def test_pages_ask_for_a_login(client, address):
    response = client.get(address)

    assert response.status_code == 302
    assert response["Location"].startswith(reverse("admin:login"))


@pytest.mark.parametrize("role", [None, Role.HR_INTEGRATION])
def test_pages_refuse_those_who_see_no_money(client, role):
    make_paid_contract("7777", OCTOBER)
    client.force_login(make_user(*([role] if role else [])))

    for address in PAGES + FILES:
        response = client.get(address)

        assert response.status_code == 403, address
        assert heading(response) == "Spend is not among what your roles may see"


@pytest.mark.parametrize("role", [Role.FINANCE, Role.AUDITOR, Role.ADMINISTRATOR])
def test_pages_open_for_roles_that_see_all(client, role):
    make_paid_contract("7777", OCTOBER)
    make_contract(fee=Decimal(7777))
    client.force_login(make_user(role))

    for address in PAGES:
        assert "7,777" in text_of(client.get(address)), address
    for address in FILES:
        assert client.get(address).status_code == 200, address


def test_pages_change_nothing(client, finance):
    assert [client.post(address).status_code for address in PAGES] == [405] * len(PAGES)


def test_finance_title_says_the_finding(client, finance):
    contract = make_contract()
    pay(contract, "1148148", SEPTEMBER)
    pay(contract, "1240000", OCTOBER)

    assert heading(client.get("/")) == (
        "External spend was £1.24m in October, 8% more than in September"
    )


def test_finance_figures_are_the_period_s(client, finance):
    pay(make_contract(), "600", OCTOBER)
    pay(make_assignment(), "200", SEPTEMBER)
    pay(make_contract(), "5000", date(2024, 1, 1))

    page = client.get("/").context["page"]

    assert [(each.name, each.value) for each in page.figures[:4]] == [
        ("Spend in the period", "£800.00"),
        ("Managed share", "75%"),
        ("Augmented share", "25%"),
        ("Engagements with spend", "2"),
    ]
    assert page.as_of == "GBP, without tax · as of the last posting, 22 Nov 2026, 12:00"


def test_finance_tables_all_have_the_same_total(client, finance):
    for number in range(30):
        half, rest = make_cost_centre(), make_cost_centre()
        contract = make_contract(cost_shares={half: Decimal(50), rest: Decimal(50)})
        pay(contract, f"{number}.37", date(2026, 1 + number % 10, 3))

    totals = shown_totals(client, "/")

    assert [row[0] for row in totals] == ["Total"] * 3
    assert [row[3] for row in totals] == ["£446.10"] * 3


def test_finance_others_can_be_opened(client, finance):
    for number in range(14):
        make_paid_contract(str(10 + number), OCTOBER)

    page = client.get("/").context["page"]

    remainder = page.sections[1].table.rows[-1]
    assert [cell.text for cell in remainder.cells[:4]] == [
        "4 other vendors",
        "£46.00",
        "£0.00",
        "£46.00",
    ]
    assert remainder.cells[0].href == "/spend/vendors/"
    vendors = client.get("/spend/vendors/").context["page"].table
    assert (len(vendors.rows), vendors.totals[3].text) == (14, "£231.00")


def test_finance_shows_eleven_vendors_rather_than_one_other(client, finance):
    for number in range(11):
        make_paid_contract(str(10 + number), OCTOBER)

    table = client.get("/").context["page"].sections[1].table

    assert [row.is_remainder for row in table.rows] == [False] * 11


def test_finance_opens_a_vendor_down_to_its_ledger_entries(client, finance):
    make_paid_contract("1", OCTOBER)
    contract = make_contract(vendor=make_vendor(legal_name="Calder"), reference="R-7")
    payment = pay(contract, "40", OCTOBER)

    overview = client.get("/").context["page"]
    vendor = overview.sections[1].table.rows[0].cells[0]
    narrowed = client.get(vendor.href)
    engagements = client.get(narrowed.context["page"].figures[3].href)
    engagement = engagements.context["page"].table.rows[0].cells[0]
    entries = client.get(engagement.href).context["page"].table

    assert vendor.text == "Calder"
    assert heading(narrowed) == (
        "External spend with Calder was £40 in October, after none in September"
    )
    assert engagement.text == "R-7"
    (row,) = entries.rows
    assert [cell.text for cell in row.cells[-2:]] == [
        f"{payment.transaction_number}, payments-2026.csv, line {payment.source_line}",
        "£40.00",
    ]


def test_finance_opens_a_month(client, finance):
    contract = make_contract()
    pay(contract, "40", SEPTEMBER)
    pay(contract, "50", OCTOBER)

    months = client.get("/").context["page"].sections[0].table
    opened = client.get(months.rows[-2].cells[0].href)

    assert months.rows[-2].cells[0].text == "Oct 2026"
    assert heading(opened).startswith("External spend was £50 in October, 25% more")
    assert shown_totals(client, months.rows[-2].cells[0].href)[1][3] == "£50.00"


def test_finance_narrows_to_a_department_with_all_below_it(client, finance):
    parent = make_department(code="IT", name="Technology")
    child = make_department(parent=parent)
    make_paid_contract("10", OCTOBER, department=parent)
    make_paid_contract("20", OCTOBER, department=child)
    make_paid_contract("40", OCTOBER)

    page = client.get("/?department=IT").context["page"]

    assert page.figures[0].value == "£30.00"
    assert page.title.startswith("External spend in Technology was £30")


def test_finance_links_keep_the_other_filters(client, finance):
    make_department(code="IT")
    contract = make_paid_contract("10", OCTOBER, department=make_department(code="X"))
    asked = f"department=X&vendor={contract.vendor.public_id}&period=all"

    response = client.get(f"/?{asked}")

    presets = {link.title: link.href for link in response.context["presets"]}
    assert presets["This year"] == (
        f"/?period=this-year&department=X&vendor={contract.vendor.public_id}"
    )
    (chip,) = response.context["chips"]
    assert chip.href == "/?period=all&department=X"


def test_finance_of_a_fresh_database_says_what_to_do_next(client, finance):
    response = client.get("/")

    assert heading(response).startswith("No external spend is recorded for Dec 2025")
    assert "Log an engagement" in text_of(response)


def test_finance_without_spend_in_the_period_leads_to_where_it_is(client, finance):
    make_paid_contract("10", date(2014, 4, 2))

    page = client.get("/").context["page"]

    assert page.elsewhere.title == "Show April 2014"
    assert client.get(page.elsewhere.href).context["page"].title == (
        "External spend was £10 in April 2014, after none in March 2014"
    )


@pytest.mark.parametrize("address", ["/", "/spend/vendors/", "/spend/vendors.csv"])
def test_bad_filters_get_a_message_and_no_figures(client, finance, address):
    make_paid_contract("7777", OCTOBER)

    for query in BAD_QUERIES:
        response = client.get(f"{address}?{query}")

        assert response.status_code == 400, query
        text = text_of(response)
        assert "7,777" not in text
        assert "<script>" not in text or address.endswith("csv")
        assert response["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("slug", ["engagements", "ledger-entries"])
def test_a_page_that_is_none_gets_a_message(client, finance, slug):
    make_paid_contract("1", OCTOBER)

    for after in ("x", "-5", "%00", "2026-13-01.2026-01-01.1"):
        response = client.get(f"/spend/{slug}/?after={after}")

        assert response.status_code == 400, after
        assert "start from its first page" in text_of(response)


def test_unknown_reports_are_not_found(client, finance):
    addresses = ["/spend/unknown/", "/spend/unknown.csv", "/spend/monthly-spend/"]
    addresses += ["/spend/ledger-entries.xlsx"]

    assert [client.get(each).status_code for each in addresses] == [404] * 4


def test_ledger_entries_are_paged_and_every_page_sums_to_the_whole(client, finance):
    contract = make_contract()
    for number in range(205):
        pay(contract, "1", date(2026, 1 + number % 10, 1))

    first = client.get("/spend/ledger-entries/").context["page"]
    second = client.get(first.following.href).context["page"]

    assert [len(page.table.rows) for page in (first, second)] == [201, 6]
    assert {page.table.totals[-1].text for page in (first, second)} == {"£205.00"}
    assert first.table.rows[-1].cells[0].text == "5 entries on other pages"
    assert (first.summary, second.following) == ("200 of 205 entries", None)


@pytest.mark.parametrize(
    ("slug", "column"),
    [
        ("months", "Total"),
        ("vendors", "Total"),
        ("cost-centres", "Total"),
        ("engagements", "Total"),
        ("monthly-spend", "Reporting amount"),
        ("ledger-entries", "Reporting amount"),
    ],
)
def test_csv_sums_to_the_page_s_total_to_the_cent(client, finance, slug, column):
    for number in range(25):
        contract = make_contract()
        bill(contract, OCTOBER, [("one_off", f"{number}.33"), ("credit", "-0.01")])

    rows = read_csv(client, f"/spend/{slug}.csv")

    total = sum(Decimal(row[column]) for row in rows)
    page = client.get("/").context["page"]
    assert f"£{total:,}" == page.figures[0].value == "£308.00"


def test_csv_has_the_currency_beside_the_numbers(client, finance):
    make_paid_contract("1234.5", OCTOBER, vendor=make_vendor(legal_name="=Calder"))

    (row,) = read_csv(client, "/spend/vendors.csv")

    assert (row["Vendor"], row["Total"], row["Currency"]) == (
        "'=Calder",
        "1234.50",
        "GBP",
    )


def test_csv_follows_the_page_s_filters(client, finance):
    contract = make_paid_contract("10", OCTOBER)
    make_paid_contract("20", OCTOBER)
    page = client.get(f"/?vendor={contract.vendor.public_id}").context["page"]

    rows = read_csv(client, page.sections[1].downloads[0].href)

    assert [row["Total"] for row in rows] == ["10.00"]


def test_xlsx_sums_to_the_page_s_total(client, finance):
    for amount in ("10.10", "20.20"):
        make_paid_contract(amount, OCTOBER)

    content = client.get("/spend/vendors.xlsx").content
    (sheet,) = load_workbook(BytesIO(content)).worksheets

    rows = list(sheet.iter_rows(values_only=True))
    column = rows[0].index("Total")
    assert [row[column] for row in rows[1:]] == [20.2, 10.1]


def test_manager_sees_own_scope_only_everywhere(client):
    own, other = make_department(), make_department(name="Canary department")
    make_paid_contract("10", OCTOBER, department=own)
    make_paid_contract(
        "7777",
        OCTOBER,
        department=other,
        vendor=make_vendor(legal_name="Canary vendor"),
        title="Canary title",
        cost_shares={make_cost_centre(name="Canary centre"): Decimal(100)},
    )
    client.force_login(make_user(Role.MANAGER, department=own))

    for address in PAGES + [each for each in FILES if each.endswith("csv")]:
        text = text_of(client.get(address))

        assert "Canary" not in text, address
        assert "7777" not in re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "", text), address
    page = text_of(client.get("/"))
    assert re.findall(r'class="value">(?:<a[^>]*>)?([^<]*)', page)[0] == "£10.00"
    assert re.search(r'class="eyebrow">[^<]*All that you manage<', page)


def test_pages_escape_names_and_keep_to_the_strict_policy(client, finance):
    make_paid_contract(
        "10",
        OCTOBER,
        vendor=make_vendor(legal_name=CANARY),
        title=CANARY,
        department=make_department(name=CANARY),
        cost_shares={make_cost_centre(name=CANARY): Decimal(100)},
    )

    for address in PAGES:
        page = text_of(client.get(address))

        assert "<script>alert" not in page
        assert "Canary &lt;script&gt;" in page
        assert re.findall(r"<script(?![^>]*\bsrc=)", page) == []
        assert re.findall(r"<[^>]+\s(?:style|on\w+)=", page) == []
        assert "<style" not in page


QUERIES = {
    "/": 16,
    "/spend/months/": 8,
    "/spend/vendors/": 9,
    "/spend/cost-centres/": 9,
    "/spend/engagements/": 9,
    "/spend/ledger-entries/": 9,
    "/spend/awaiting-spend/": 9,
    "/spend/vendors.csv": 6,
    "/spend/monthly-spend.csv": 5,
}


@pytest.mark.parametrize("rows", [1, 3, 300])
def test_query_counts_do_not_grow_with_rows(
    client, finance, rows, django_assert_num_queries
):
    for _number in range(rows):
        make_paid_contract("10", OCTOBER, department=make_department())

    for address, count in QUERIES.items():
        with django_assert_num_queries(count):
            text_of(client.get(address))


def test_finance_shows_what_is_logged_before_anything_is_spent(client, finance):
    make_paid_contract("10", OCTOBER)
    make_contract(reference="MSC-NEW", fee=Decimal(12_500))
    make_assignment(reference="AUG-NEW", rate=Decimal("640.50"), currency="EUR")
    make_contract(reference="OVER", status="ended")

    rows = read_csv(client, "/spend/awaiting-spend.csv")

    assert [
        (row["Reference"], row["Fee or rate"], row["Currency"], row["Per"])
        for row in rows
    ] == [
        ("AUG-NEW", "640.50", "EUR", "day"),
        ("MSC-NEW", "12500.00", "GBP", "month"),
    ]
    page = text_of(client.get("/"))
    assert "Logged, nothing spent yet" in page
    assert "MSC-NEW" in page
    assert "AUG-NEW" in page
    assert "OVER" not in page


def test_empty_finance_page_shows_the_first_engagement(client, finance):
    make_contract(reference="MSC-FIRST")

    assert "MSC-FIRST" in text_of(client.get("/"))


def test_finance_counts_the_open_flags_of_what_it_shows(client, finance):
    shown, other = make_department(code="IT"), make_department()
    for department in (shown, shown, other):
        raise_flag(make_paid_contract("10", OCTOBER, department=department))

    everything = client.get("/").context["page"].figures[4]
    narrowed = client.get("/?department=IT").context["page"].figures[4]

    assert (everything.name, everything.value) == ("Open fit flags", "3")
    assert narrowed.value == "2"


def test_logout_ends_the_session(client, finance):
    response = client.post(reverse("tracker:logout"))

    assert response["Location"] == reverse("admin:login")
    assert client.get("/").status_code == 302


def test_variances_compare_the_two_periods_of_the_address(client, finance):
    contract = make_contract(vendor=make_vendor(legal_name="Calder"))
    pay(contract, "40", SEPTEMBER)
    pay(contract, "55.50", OCTOBER)

    (row,) = read_csv(
        client,
        "/spend/variances.csv?from=2026-10&to=2026-10&base_from=2026-09"
        "&base_to=2026-09",
    )

    assert row == {
        "Name": "Calder",
        "Before": "40.00",
        "Price": "15.50",
        "Volume": "0.00",
        "Mix": "0.00",
        "FX": "0.00",
        "New": "0.00",
        "Ended": "0.00",
        "Change": "15.50",
        "After": "55.50",
        "Currency": "GBP",
        "Before from": "2026-09",
        "Before to": "2026-09",
        "After from": "2026-10",
        "After to": "2026-10",
    }


@pytest.mark.parametrize("by", ["vendor", "role", "cost-centre", "engagement"])
def test_variances_divide_to_the_same_whole(client, finance, by):
    pay(make_contract(), "40", SEPTEMBER)
    pay(make_assignment(role="Tester"), "55.50", OCTOBER)

    months = "from=2026-10&to=2026-10"
    ((name, *totals),) = shown_totals(client, f"/spend/variances/?{months}&by={by}")

    assert (name, totals[0], totals[-2:]) == ("Total", "£40.00", ["£15.50", "£55.50"])


def test_variances_compare_with_as_many_months_before_unless_asked(client, finance):
    pay(make_contract(), "1", OCTOBER)

    page = client.get("/spend/variances/?from=2026-09&to=2026-10").context["page"]

    assert (
        page.note
        == "Sept 2026 \N{EN DASH} Oct 2026 against Jul 2026 \N{EN DASH} Aug 2026"
    )


@pytest.mark.parametrize("address", ["/spend/variances/", "/spend/variances.csv"])
def test_variances_of_an_open_period_are_refused(client, finance, address):
    response = client.get(f"{address}?period=all")

    assert response.status_code == 400
    assert "needs a first and a last month" in text_of(response)
