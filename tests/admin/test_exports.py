"""Files of what a list shows: its filters, its search, its reader's rows and money."""

import csv
import io

import pytest
from django.urls import reverse

from engagements.choices import Role
from engagements.models import Contractor, Event
from tests.admin.conftest import logged_in
from tests.factories import (
    make_assignment,
    make_contract,
    make_department,
    make_user,
    make_vendor,
)

pytestmark = pytest.mark.django_db

LISTS = {
    "vendor": ("vendors",),
    "contractor": ("contractors",),
    "engagement": ("engagements", "terms"),
    "managedcontract": ("engagements", "terms"),
    "assignment": ("engagements", "terms"),
}
CASES = [(model, name) for model, names in LISTS.items() for name in names]


def url_of(model, name, file_format="csv"):
    return reverse(f"admin:engagements_{model}_export", args=[name, file_format])


def rows_of(response):
    text = b"".join(response.streaming_content).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text)))


def references(response):
    return [row["Reference"] for row in rows_of(response)]


@pytest.mark.parametrize("file_format", ["csv", "xlsx"])
@pytest.mark.parametrize(("model", "name"), CASES)
def test_each_list_is_taken_out_and_told_of(model, name, file_format):
    make_assignment(department=make_department())
    make_contract()
    finance = logged_in(Role.FINANCE, username="fin")

    response = finance.get(url_of(model, name, file_format))

    content = b"".join(response.streaming_content)
    assert response.status_code == 200
    assert content[:4] in (b"\xef\xbb\xbf" + content[3:4], b"PK\x03\x04")
    assert f'filename="{name}-' in response["Content-Disposition"]
    event = Event.objects.get(event_type=f"{name}.exported")
    assert (event.actor.username, event.subject_type) == ("fin", "user")
    assert event.changes["format"] == [None, file_format]
    assert event.changes["rows"][1] >= 1


def test_file_holds_what_the_list_shows_in_its_order():
    acme = make_vendor(legal_name="Acme Ltd")
    make_contract(reference="C-1", title="Desk", vendor=acme)
    make_contract(reference="C-2", title="Desk two")
    make_contract(reference="C-3", title="Other")
    make_assignment(reference="A-1", title="Desk hand")
    finance = logged_in(Role.FINANCE)
    url = url_of("engagement", "engagements")

    assert references(finance.get(url, {"q": "Desk", "o": "0", "p": "1"})) == [
        "C-1",
        "A-1",
        "C-2",
    ]
    assert references(finance.get(url, {"kind__exact": "augmented"})) == ["A-1"]
    assert references(finance.get(url, {"vendor__id__exact": acme.pk})) == ["C-1"]
    told = Event.objects.filter(event_type="engagements.exported").order_by("id")
    assert [event.changes["filters"][1] for event in told] == [
        ["q"],
        ["kind__exact"],
        ["vendor__id__exact"],
    ]


@pytest.mark.parametrize("query", [{"no_such_field": "1"}, {"id__exact": "9" * 30}])
def test_nonsense_in_the_address_leads_back_to_the_list(query):
    response = logged_in(Role.FINANCE).get(url_of("vendor", "vendors"), query)

    assert (response.status_code, response.url) == (
        302,
        reverse("admin:engagements_vendor_changelist") + "?e=1",
    )


@pytest.mark.parametrize(
    ("model", "name", "file_format"),
    [
        ("vendor", "terms", "csv"),
        ("vendor", "vendors", "exe"),
        ("engagement", "payments", "csv"),
    ],
)
def test_what_no_list_offers_is_not_found(model, name, file_format):
    response = logged_in(Role.FINANCE).get(url_of(model, name, file_format))

    assert response.status_code == 404


def test_manager_takes_out_their_own_rows_alone(client, manager, department):
    make_contract(reference="MINE", manager=manager)
    ours = make_assignment(reference="OURS", department=department)
    theirs = make_assignment(reference="THEIRS", department=make_department())

    rows = references(client.get(url_of("engagement", "engagements")))
    terms = rows_of(client.get(url_of("assignment", "terms")))
    people = rows_of(client.get(url_of("contractor", "contractors")))

    assert sorted(rows) == ["MINE", "OURS"]
    assert [row["Engagement"] for row in terms] == ["OURS"]
    assert [row["Full name"] for row in people] == [ours.contractor.full_name]
    assert Contractor.objects.filter(pk=theirs.contractor_id).exists()


def test_reference_of_another_department_is_not_told(client, manager):
    theirs = make_contract(reference="THEIRS")
    make_contract(reference="MINE", manager=manager, predecessor=theirs)
    url = url_of("engagement", "engagements")

    mine = client.get(url)
    whole = rows_of(logged_in(Role.FINANCE).get(url, {"q": "MINE"}))

    assert b"THEIRS" not in b"".join(mine.streaming_content)
    assert [row["Predecessor"] for row in whole] == ["THEIRS"]


def test_feed_is_offered_no_money():
    make_contract()
    feed = logged_in(Role.HR_INTEGRATION)

    rows = rows_of(feed.get(url_of("engagement", "engagements")))
    page = feed.get(reverse("admin:engagements_engagement_changelist"))

    assert rows[0].keys() & {"Monthly fee", "Rate", "Exit charge"} == set()
    assert feed.get(url_of("engagement", "terms")).status_code == 404
    assert b"/terms.csv" not in page.content
    assert b"/engagements.csv" in page.content


def test_who_may_not_see_the_list_takes_nothing_out():
    feed = logged_in(Role.HR_INTEGRATION)

    assert feed.get(url_of("managedcontract", "engagements")).status_code == 403
    assert Event.objects.filter(event_type="engagements.exported").count() == 0


def test_links_carry_the_filters_of_the_list():
    make_contract(reference="C-1", title="Desk & more")
    finance = logged_in(Role.FINANCE)

    page = finance.get(
        reverse("admin:engagements_engagement_changelist"), {"q": "Desk & more"}
    )

    link = url_of("engagement", "engagements") + "?q=Desk+%26amp%3B+more"
    assert link.replace("%26amp%3B", "%26") in page.content.decode()
    assert "Export 1 row" in page.content.decode()


def test_export_asks_as_often_for_one_row_as_for_many(django_assert_max_num_queries):
    finance = make_user(Role.FINANCE)
    browser = logged_in(Role.FINANCE)
    vendor = make_vendor()

    def queries(count):
        for _ in range(count):
            make_contract(vendor=vendor, manager=finance)
        with django_assert_max_num_queries(40) as asked:
            b"".join(browser.get(url_of("engagement", "engagements")).streaming_content)
        return len(asked)

    assert queries(1) == queries(20)
