"""Lists: the same number of queries however many rows; filters and search."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.contrib import admin
from django.urls import reverse
from django.utils import timezone

from engagements.choices import NoticeUnit, Status
from engagements.models import Contractor, Document, Engagement
from tests.factories import begun, make_assignment, make_contract, make_vendor
from tracker.fit.models import Flag
from tracker.spend.models import Invoice, InvoiceLine, WorkLog
from tracker.spend.services import log_work_lines, post_invoice

ENGAGEMENTS = reverse("admin:engagements_engagement_changelist")
# Who asks, what they may, whose rows they see, how many tasks and unread alerts they
# have; the rest are
# the list's own.
QUERIES = {
    "engagements_engagement": 16,
    "engagements_managedcontract": 16,
    "engagements_assignment": 16,
    "engagements_vendor": 12,
    "engagements_contractor": 14,
    "engagements_document": 12,
    "tracker_worklog": 14,
    "tracker_invoice": 14,
    "tracker_ledgerentry": 11,
    "tracker_flag": 15,
    "engagements_event": 10,
}


def grow(manager, vendor, *, rows: int) -> None:
    """Give every list that many rows more."""
    for number in range(rows):
        contract = make_contract(
            manager=manager,
            vendor=vendor,
            department=manager.department,
            starts_on=date(2026, 1, 1) + timedelta(days=number % 20),
            actor=manager,
        )
        assignment = make_assignment(
            manager=manager, vendor=vendor, department=manager.department
        )
        begun(contract)
        begun(assignment)
        log_work_lines(
            lines=[
                WorkLog(
                    engagement=assignment,
                    contractor=assignment.contractor,
                    worked_on=date(2026, 3, 2),
                    hours=Decimal(7),
                )
            ],
            actor=manager,
        )
        period = {"period_from": date(2026, 3, 1), "period_to": date(2026, 3, 31)}
        post_invoice(
            invoice=Invoice(
                vendor=vendor,
                number=f"N-{contract.pk}",
                issued_on=date(2026, 4, 1),
                currency="GBP",
                total=Decimal(100),
            ),
            lines=[
                InvoiceLine(
                    engagement=contract,
                    charge_kind="one_off",
                    amount=Decimal(100),
                    **period,
                )
            ],
            actor=manager,
        )
        Document.objects.create(
            engagement=contract,
            document_type="contract",
            title="Contract",
            file="documents/none",
            size=1,
            sha256=f"{contract.pk:064d}",
            uploaded_by=manager,
        )
        Flag.objects.create(
            engagement=contract,
            raised_on=date(2026, 4, 1),
            opposition=0.9,
            leaning="augmented",
            sentence="steady",
        )


@pytest.mark.parametrize("name", QUERIES)
def test_list_asks_as_many_queries_at_1_as_at_3_rows(
    client, manager, vendor, django_assert_num_queries, name
):
    url = reverse(f"admin:{name}_changelist")
    client.get(url)
    grow(manager, vendor, rows=1)
    with django_assert_num_queries(QUERIES[name]):
        client.get(url)

    grow(manager, vendor, rows=2)

    with django_assert_num_queries(QUERIES[name]):
        client.get(url)


def test_engagement_list_asks_as_many_queries_at_300_rows(
    client, manager, vendor, django_assert_num_queries
):
    grow(manager, vendor, rows=150)

    with django_assert_num_queries(QUERIES["engagements_engagement"]):
        response = client.get(ENGAGEMENTS, {"all": ""})

    assert response.context["cl"].result_count == 300
    assert len(response.context["cl"].result_list) == 50


def test_no_list_shows_more_than_200_rows_at_once():
    sizes = [
        max(page.list_per_page, page.list_max_show_all)
        for page in admin.site._registry.values()
    ]

    assert max(sizes) <= 200


def titles(client, **filters):
    response = client.get(ENGAGEMENTS, filters)
    assert response.status_code == 200
    return sorted(row.title for row in response.context["cl"].result_list)


@pytest.fixture
def three(manager, vendor):
    today = timezone.localdate()
    shared = {"manager": manager, "department": manager.department}
    make_contract(
        title="Near",
        vendor=vendor,
        starts_on=today - timedelta(days=300),
        ends_on=today + timedelta(days=60),
        notice_period=40,
        notice_unit=NoticeUnit.DAYS,
        status=Status.ACTIVE,
        **shared,
    )
    make_contract(
        title="Far",
        vendor=make_vendor(),
        starts_on=today + timedelta(days=10),
        **shared,
    )
    make_assignment(
        title="Open",
        vendor=vendor,
        starts_on=today - timedelta(days=400),
        status=Status.ACTIVE,
        **shared,
    )


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({"kind__exact": "augmented"}, ["Open"]),
        ({"phase": "upcoming"}, ["Far"]),
        ({"phase": "notice_window"}, ["Near"]),
        ({"notice": "30"}, ["Near"]),
        ({"notice": "none"}, ["Far", "Open"]),
        ({"status__exact": "draft"}, ["Far"]),
        ({"whose": "mine"}, ["Far", "Near", "Open"]),
        ({"q": "near"}, ["Near"]),
    ],
)
def test_engagements_are_filtered(client, three, filters, found):
    assert titles(client, **filters) == found


def test_engagements_are_filtered_by_vendor_and_department(client, three, vendor):
    department = Engagement.objects.values_list("department", flat=True)[0]

    assert titles(client, vendor__id__exact=vendor.pk) == ["Near", "Open"]
    assert titles(client, department__id__exact=department) == ["Far", "Near", "Open"]


def test_engagements_are_drilled_into_by_date(client, three):
    start = timezone.localdate() + timedelta(days=10)

    assert titles(client, starts_on__year=start.year, starts_on__month=start.month) == (
        ["Far"]
    )


def test_row_leads_to_the_page_of_its_model(client, three):
    response = client.get(ENGAGEMENTS, {"q": "Open"})
    (row,) = response.context["cl"].result_list

    page = reverse("admin:engagements_assignment_change", args=[row.pk])

    assert response.context["cl"].url_for_result(row) == page
    assert f'href="{page}' in response.content.decode()


def test_price_is_that_of_today_with_its_unit(client, three):
    shown = client.get(ENGAGEMENTS, {"q": "Near"}).content.decode()

    assert '<span class="figure">£10,000.00</span>' in shown
    assert '<span class="figure-unit">a month</span>' in shown


@pytest.mark.parametrize(
    "query",
    [
        {"starts_on__year": "99999"},
        {"vendor__id__exact": "9" * 30},
        {"notice_deadline_on_from": "nonsense"},
        {"q": "\x00"},
        {"p": "-5"},
        {"o": "99.-99"},
    ],
)
def test_list_bears_nonsense_in_its_address(client, three, query):
    assert client.get(ENGAGEMENTS, query).status_code in (200, 302)


def test_contractor_autocomplete_names_the_person(client, manager, vendor):
    Contractor.objects.create(full_name="Aisha Novak", vendor=vendor)

    answer = client.get(
        reverse("admin:autocomplete"),
        {
            "app_label": "engagements",
            "model_name": "assignment",
            "field_name": "contractor",
            "term": "novak",
        },
    )

    assert [row["text"] for row in answer.json()["results"]] == ["Aisha Novak"]
