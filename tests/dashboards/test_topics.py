"""The pages of vendors, cost centres, contractors, data quality and a person's own."""

import csv
from datetime import UTC, date, datetime
from decimal import Decimal
from io import BytesIO, StringIO
from uuid import uuid4

import pytest
import time_machine
from django.db import connection
from django.db.models import Sum
from django.test.utils import CaptureQueriesContext
from openpyxl import load_workbook
from pypdf import PdfReader

from engagements.choices import ChargeKind, Role
from engagements.models import Engagement, Service, Vendor
from tests.api.callers import client_for
from tests.dashboards.spending import bill, pay, payment
from tests.factories import (
    begun,
    make_assignment,
    make_contract,
    make_cost_centre,
    make_department,
    make_user,
    make_vendor,
    stored,
)
from tracker.api.scopes import SCOPES
from tracker.dashboards.places import report_places
from tracker.dashboards.report import field_name, file_columns
from tracker.dashboards.topics.known import TOPICS
from tracker.dashboards.topics.report import TopicReport
from tracker.spend.budget_standing import fiscal_months
from tracker.spend.models import Budget, LedgerEntry
from tracker.spend.services import post_payments, set_budget

pytestmark = pytest.mark.django_db

CANARY = "Canary <script>alert('x')</script> Ltd"
OCTOBER = date(2026, 10, 5)
PAGES = [f"/{topic.name}/" for topic in TOPICS]
REPORTS = [(topic.name, report.slug) for topic in TOPICS for report in topic.reports]
# Queries of each page; the same however many rows there are.
QUERIES = {
    "/my/": 27,
    "/vendors/": 22,
    "/cost-centres/": 22,
    "/contractors/": 22,
    "/data-quality/": 18,
}


@pytest.fixture(autouse=True)
def on_a_day_in_november():
    with time_machine.travel(datetime(2026, 11, 22, 12, tzinfo=UTC), tick=False):
        yield


@pytest.fixture
def finance(client):
    user = make_user(Role.FINANCE)
    client.force_login(user)
    return user


def company(count, **fields):
    """Add departments with a budget, a contract and a contractor that were paid."""
    for number in range(count):
        department = make_department()
        centre = make_cost_centre(department=department)
        vendor = make_vendor(**({"legal_name": fields["name"]} if fields else {}))
        amounts = {month: Decimal(100) for month in fiscal_months(2026)}
        set_budget(
            budget=Budget(cost_centre=centre, year=2026), amounts=amounts, actor=None
        )
        terms = {
            "department": department,
            "vendor": vendor,
            "cost_shares": {centre: Decimal(100)},
            "starts_on": date(2025, 1, 1),
            "title": fields.get("name", "Service desk"),
        }
        contract = begun(make_contract(**terms))
        assignment = begun(make_assignment(role="Engineer", **terms))
        pay(contract, f"{1000 + number}.37", OCTOBER)
        bill(assignment, OCTOBER, [("time", "600.25"), ("tax", "120.05")])


def rows_of(client, topic, slug, query=""):
    response = client.get(f"/{topic}/{slug}.csv{query}")
    assert response.status_code == 200
    text = b"".join(response.streaming_content).decode("utf-8-sig")
    return list(csv.DictReader(StringIO(text)))


def total(rows, column):
    return sum((Decimal(row[column]) for row in rows if row[column]), Decimal(0))


def ledger():
    entries = LedgerEntry.objects.exclude(charge_kind=ChargeKind.TAX)
    return entries.aggregate(total=Sum("reporting_amount"))["total"]


def body_of(client, address):
    response = client.get(address)
    assert response.status_code == 200, address
    return response.content.decode()


def test_every_report_of_a_topic_is_one_class_by_one_slug():
    own = [report for topic in TOPICS for report in topic.reports]

    assert {one.slug for one in own if issubclass(one, TopicReport)} == set(
        TopicReport._registered
    )


def test_page_csv_and_workbook_hold_the_same_rows(client, finance):
    company(2)

    for topic, slug in REPORTS:
        rows = rows_of(client, topic, slug)
        workbook = client.get(f"/{topic}/{slug}.xlsx").content
        sheet = load_workbook(BytesIO(workbook)).active
        page = client.get(f"/{topic}/{slug}/").context["page"]

        assert (slug, sheet.max_row - 1) == (slug, len(rows))
        assert (slug, len(page.table.rows)) == (slug, len(rows))
        if rows:
            assert [cell.value for cell in sheet[1]] == list(rows[0])


def test_each_table_answers_by_the_api_what_its_file_holds(client, finance):
    company(2)
    api = client_for(finance, *SCOPES)

    for topic, slug in REPORTS:
        answer = api.get(f"/api/v1/reports/{slug}")
        rows = answer.json()["results"]
        lines = rows_of(client, topic, slug) if slug != "months" else rows

        assert (slug, len(rows)) == (slug, len(lines))
        report = report_places()[slug].report
        names = [field_name(column) for _place, column in file_columns(report)]
        assert (slug, len(set(names))) == (slug, len(names))
        if rows and slug != "months":
            assert [*rows[0]] == names
            assert len(lines[0]) == len(names)


def test_a_key_reads_by_its_scopes_what_else_a_table_tells(client, finance):
    spend_alone = client_for(finance, "spend:read")
    listed = spend_alone.get("/api/v1/reports").json()["results"]
    slugs = {one["report"] for one in listed}

    assert {"concentration", "burn", "gaps"} <= slugs
    assert not {"my-flags", "hours", "levels", "rates"} & slugs
    refused = spend_alone.get("/api/v1/reports/my-flags")
    assert (refused.status_code, refused.json()["detail"]) == (
        403,
        "This key lacks the scope model-flags:read.",
    )
    for query in ("whose=all", "compare=budget"):
        answer = spend_alone.get(f"/api/v1/reports/concentration?{query}")
        assert (query, answer.status_code) == (query, 422)


def test_every_topic_is_printed_with_its_charts_as_files(client, finance):
    company(2)
    drawn = {}

    for topic in TOPICS:
        page = client.get(f"/{topic.name}/").context["page"]
        pdf = PdfReader(BytesIO(client.get(f"/{topic.name}.pdf").content))
        text = " ".join(" ".join(one.extract_text() for one in pdf.pages).split())
        assert page.title in text
        assert page.eyebrow in text
        for section in page.sections:
            assert section.title in text
        drawn[topic.name] = [one for one in page.sections if one.drawing]
    for name, sections in drawn.items():
        for one in sections:
            kinds = [link.title for link in one.downloads]
            assert kinds == ["CSV", "XLSX", "PDF", "SVG", "PNG"]
            *_tables, svg, png = (client.get(link.href) for link in one.downloads)
            assert svg["Content-Type"].startswith("image/svg+xml"), (name, one.anchor)
            assert png.content[:4] == b"\x89PNG"
    assert [one.anchor for one in drawn["vendors"]] == ["concentration"]
    # What has no chart has no file of one.
    assert client.get("/vendors/vendor-engagements.svg").status_code == 404


def test_totals_of_every_page_are_the_ledgers(client, finance):
    company(3)

    totals = {
        ("vendors", "concentration"): "Spend",
        ("vendors", "vendor-engagements"): "Spend",
        ("vendors", "scorecards"): "Spend",
        ("cost-centres", "burn"): "Spent to date",
        ("cost-centres", "paid-engagements"): "Spent in the year",
        ("data-quality", "by-engagement"): "Spend",
    }
    found = {
        which: total(rows_of(client, *which), column)
        for which, column in totals.items()
    }

    assert ledger() == Decimal("4804.86")
    assert found == dict.fromkeys(totals, ledger())
    assert total(rows_of(client, "contractors", "hours"), "Spend") == Decimal("1800.75")


def test_a_vendors_page_holds_its_part_and_the_parts_sum_to_the_whole(client, finance):
    company(3)

    parts = [
        total(
            rows_of(client, "vendors", "vendor-engagements", f"?vendor={one}"), "Spend"
        )
        for one in (
            row["Vendor id"] for row in rows_of(client, "vendors", "concentration")
        )
    ]

    assert sum(parts) == ledger()
    assert parts == sorted(parts, reverse=True)


def test_departments_and_cost_centres_sum_to_the_whole_at_every_level(client, finance):
    top = make_department(name="Top", code="TOP")
    for below in ("A", "B"):
        department = make_department(name=below, code=below, parent=top)
        centre = make_cost_centre(department=department)
        contract = begun(make_contract(cost_shares={centre: Decimal(100)}, fee=None))
        pay(contract, "70.10", OCTOBER)
    direct = make_cost_centre(department=top)
    pay(
        begun(make_contract(cost_shares={direct: Decimal(100)}, fee=None)), "5", OCTOBER
    )
    pay(begun(make_contract(fee=None)), "1.05", OCTOBER)
    column, name = "Spent to date", "Department or cost centre"

    whole = rows_of(client, "cost-centres", "burn")
    of_a = rows_of(client, "cost-centres", "burn", "?department=A")

    # The only department at the top gives way to what is below it.
    assert {row[name] for row in whole} == {
        "A",
        "B",
        str(direct),
        "UNALLOCATED · Unallocated",
    }
    assert total(whole, column) == ledger() == Decimal("146.25")
    assert total(of_a, column) == Decimal("70.10")
    of_top = rows_of(client, "cost-centres", "burn", "?department=TOP")
    assert total(of_top, column) == Decimal("145.20")
    months = rows_of(client, "cost-centres", "burn-months", "?department=TOP")
    assert total(months, "Actual") == Decimal("145.20")


def test_a_budget_owner_is_told_all_that_it_pays_and_names_only_their_own(client):
    department, elsewhere = make_department(), make_department()
    centre = make_cost_centre(department=department)
    manager = make_user(Role.MANAGER, department=department)
    for owner, amount in ((department, "10"), (elsewhere, "32.50")):
        contract = make_contract(
            department=owner,
            cost_shares={centre: Decimal(100)},
            title=CANARY if owner is elsewhere else "Ours",
        )
        pay(begun(contract), amount, OCTOBER)
    client.force_login(manager)

    rows = rows_of(client, "cost-centres", "paid-engagements")

    assert [(row["Engagement"], row["Spent in the year"]) for row in rows] == [
        ("Ours", "10.00"),
        ("Engagements of others", "32.50"),
    ]


def test_a_manager_sees_nothing_of_another_department(client):
    company(1, name=CANARY)
    client.force_login(make_user(Role.MANAGER, department=make_department()))

    shown = [body_of(client, page) for page in [*PAGES, "/my/?whose=all"]]
    shown += [str(rows_of(client, *which)) for which in REPORTS]

    assert not any("Canary" in text for text in shown)


def test_names_are_shown_as_text_and_formulas_stay_harmless(client, finance):
    company(1, name=CANARY)
    company(1, name="=1+1 Ltd")

    for page in [*PAGES, "/my/?whose=all"]:
        assert "<script>alert" not in body_of(client, page)
    for which in REPORTS:
        for row in rows_of(client, *which):
            assert not any(value.startswith("=") for value in row.values())


def test_who_sees_no_money_opens_their_own_page_alone(client):
    client.force_login(make_user(Role.HR_INTEGRATION))

    answers = {page: client.get(page).status_code for page in PAGES}

    assert answers == dict.fromkeys(PAGES, 403) | {"/my/": 200}
    assert client.get("/vendors/concentration.csv").status_code == 403
    assert client.get("/vendors/concentration/").status_code == 403


def test_a_kind_of_file_that_nobody_offers_is_not_found(client, finance):
    assert client.get("/vendors/concentration.exe").status_code == 404
    assert client.get("/vendors/nothing.csv").status_code == 404


def test_an_empty_page_says_what_to_do_first(client, finance):
    for page in PAGES:
        assert "What to do first" in body_of(client, page)


def test_an_empty_page_offers_what_its_reader_may_do(client):
    log, pay = 'href="/admin/engagements/assignment/add/"', "Import payments"
    offered = {}
    for role in (Role.MANAGER, Role.FINANCE, Role.AUDITOR):
        client.force_login(make_user(role))
        body = body_of(client, "/my/")
        offered[role] = (log in body, pay in body)

    assert offered == {
        Role.MANAGER: (True, False),
        Role.FINANCE: (False, True),
        Role.AUDITOR: (False, False),
    }


@pytest.mark.parametrize(
    "query",
    ["from=2026-13", "vendor=%00", "department=NO", "fact=nonsense", "whose=nobody"],
)
def test_a_filter_nobody_knows_is_refused_in_words(client, finance, query):
    page = "/my/" if "whose" in query else "/data-quality/"

    assert client.get(f"{page}?{query}").status_code == 400
    slug = "my-deadlines" if "whose" in query else "gaps"
    assert client.get(f"{page}{slug}.csv?{query}").status_code == 400
    assert client.get(f"{page}{slug}/?{query}").status_code == 400


def test_an_order_that_no_table_has_is_refused_in_words(client, finance):
    company(2)

    for text, said in {
        "nothing": "no such column to sort by",
        "concentration.-2": "no column to sort by",
    }.items():
        response = client.get(f"/vendors/concentration/?sort={text}")
        assert response.status_code == 400
        assert said in response.content.decode()
        file = client.get(f"/vendors/concentration.csv?sort={text}")
        assert file.status_code == 400


def test_a_table_is_sorted_as_the_address_asks_and_its_files_likewise(client, finance):
    company(3)
    smallest = rows_of(client, "vendors", "concentration", "?sort=spend")
    largest = rows_of(client, "vendors", "concentration", "?sort=-spend")

    amounts = [Decimal(row["Spend"]) for row in smallest]
    assert amounts == sorted(amounts)
    assert largest == list(reversed(smallest))
    body = body_of(client, "/vendors/concentration/?sort=-spend")
    assert body.count('aria-sort="descending"') == 1
    assert 'href="/vendors/concentration/?sort=spend"' in body
    assert 'href="/vendors/concentration.csv?sort=-spend"' in body
    # The heads of a card lead to its table, sorted by them.
    whole = body_of(client, "/vendors/?sort=-spend")
    assert 'href="/vendors/concentration/?sort=-spend"' in whole
    assert "aria-sort" not in whole


def test_orders_and_facts_stay_behind_where_a_link_leads_elsewhere(client, finance):
    company(1)

    body = body_of(client, "/vendors/?sort=-spend")

    assert "/spend/ledger-entries/?engagement=" in body


def test_finance_reads_no_review_of_a_contractor_and_a_rate_with_its_year(
    client, finance
):
    company(1)

    body = body_of(client, "/contractors/")

    assert "eview" not in body
    assert "not compared" in body


def cloned(row, **changes):
    """Return an unsaved copy of a row, with ids of its own."""
    values = {field.attname: getattr(row, field.attname) for field in fields_of(row)}
    values.pop("id", None)
    if "public_id" in values:
        values["public_id"] = uuid4()
    return type(row)(**(values | changes))


def fields_of(row):
    return type(row)._meta.local_concrete_fields


def multiply(contract, assignment, count):
    """Store so many more of both, each with a vendor and spend of its own."""
    vendor, person = contract.vendor, assignment.contractor
    vendors = Vendor.objects.bulk_create(
        cloned(vendor, legal_name=f"Copy {count}.{n}", normalised_name=f"{count}.{n}")
        for n in range(count)
    )
    for child in (contract, assignment):
        parent = stored(child)
        parents = Engagement.objects.bulk_create(
            cloned(
                parent, reference=f"{parent.reference}-{count}.{n}", vendor_id=one.pk
            )
            for n, one in enumerate(vendors)
        )
        for one in parents:
            changes = {"engagement_ptr_id": one.pk}
            if child is assignment:
                copy = cloned(person, vendor_id=one.vendor_id)
                copy.save()
                changes["contractor_id"] = copy.pk
            # The parent is stored already.
            cloned(child, **changes).save_base(raw=True)
        if child is contract:
            post_payments(
                payments=[payment(one, "1", OCTOBER) for one in parents], actor=None
            )


def test_query_counts_are_the_same_at_1_3_and_300_rows(client, finance):
    terms = {
        "service": Service.objects.create(name="Network"),
        "starts_on": date(2025, 1, 1),
    }
    contract = begun(make_contract(**terms))
    assignment = begun(make_assignment(role="Engineer", **terms))
    pay(contract, "1", OCTOBER)
    bill(assignment, OCTOBER, [("time", "5")])
    counts = {}
    for more in (0, 2, 297):
        multiply(contract, assignment, more)
        for page in PAGES:
            address = f"{page}?whose=all" if page == "/my/" else page
            client.get(address)
            with CaptureQueriesContext(connection) as queries:
                body_of(client, address)
            counts.setdefault(page, []).append(len(queries))

    assert total(rows_of(client, "vendors", "concentration"), "Spend") == 305
    # These need results and verdicts: their own tests multiply those.
    del counts["/service-levels/"], counts["/fit/"]
    assert counts == {page: [count] * 3 for page, count in QUERIES.items()}
