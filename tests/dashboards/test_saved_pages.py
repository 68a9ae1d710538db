"""Saved pages: kept, shared as addresses, and mailed with each reader's own scope."""

import io
from datetime import UTC, date, datetime

import pytest
import time_machine
from django.core import mail as outbox
from django.urls import reverse
from openpyxl import load_workbook
from pypdf import PdfReader

from engagements.choices import Role
from engagements.models import Event
from tests.dashboards.spending import make_paid_contract
from tests.factories import make_department, make_user, make_vendor
from tracker.dashboards.models import PageMail, SavedPage
from tracker.dashboards.saved.due import due_day
from tracker.dashboards.saved.mails import PageNotMailedError, mail_saved_pages
from tracker.notify.services import unsubscribe
from tracker.notify.unsubscribing import Mailing, token_for

pytestmark = pytest.mark.django_db

OCTOBER = date(2026, 10, 5)
# A Sunday, then the Monday after it.
SUNDAY, MONDAY = date(2026, 11, 22), date(2026, 11, 23)
LIST = "/saved/"


@pytest.fixture(autouse=True)
def on_a_day_in_november():
    with time_machine.travel(datetime(2026, 11, 22, 12, tzinfo=UTC), tick=False):
        yield


@pytest.fixture
def finance(client):
    user = make_user(Role.FINANCE, username="mara", email="mara@example.org")
    client.force_login(user)
    return user


def save(client, **values):
    said = {"name": "Vendors", "page": "vendors", "query": "period=all"} | values
    return client.post("/saved/save/", said)


def saved(client, **values):
    assert save(client, **values).status_code == 302
    return SavedPage.objects.latest("pk")


def act(client, page, what, **values):
    return client.post(
        reverse(f"tracker:{what}-saved-page", args=[page.public_id]), values
    )


def names_of(client):
    return [card.name for card in client.get(LIST).context["page"].cards]


def test_a_saved_page_opens_with_its_filters_and_nothing_else(client, finance):
    page = saved(client, query="period=all&sort=-total&after=200&x=1")

    opened = client.get(reverse("tracker:saved-page", args=[page.public_id]))

    assert opened["Location"] == "/spend/vendors/?period=all&sort=-total"
    event = Event.objects.latest("pk")
    assert (event.event_type, event.actor) == ("savedpage.created", finance)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"name": ""}, "Name"),
        ({"query": "period=ever"}, "not a known period"),
        ({"query": "sort=colour"}, "sorted by that"),
        ({"page": "nowhere"}, "no such page"),
        ({"page": "monthly-spend"}, "no such page"),
        ({"page": "variances"}, "first and a last month"),
        ({"shared": "role:King"}, "Who else may open it"),
    ],
)
def test_what_can_not_be_saved_is_told(client, finance, values, said):
    response = save(client, **values)

    assert response.status_code == 400
    assert said in response.content.decode()
    assert SavedPage.objects.count() == 0


def test_a_name_is_one_s_own_once(client, finance):
    saved(client)

    assert "a saved page of this name" in save(client).content.decode()


@pytest.mark.parametrize(
    ("shared", "manager", "auditor"),
    [
        ("nobody", [], []),
        ("role:Auditor", [], ["Vendors"]),
        ("everyone", ["Vendors"], ["Vendors"]),
    ],
)
def test_a_page_is_seen_by_whom_it_is_shared_with(
    client, finance, shared, manager, auditor
):
    page = saved(client, shared=shared)

    for role, expected in ((Role.MANAGER, manager), (Role.AUDITOR, auditor)):
        client.force_login(make_user(role))
        opened = client.get(reverse("tracker:saved-page", args=[page.public_id]))

        assert names_of(client) == expected
        assert opened.status_code == (302 if expected else 404)
    client.force_login(make_user(Role.HR_INTEGRATION))
    assert client.get(LIST).status_code == 403


def test_only_its_owner_changes_or_deletes_a_page(client, finance):
    page = saved(client, shared="everyone")
    client.force_login(make_user(Role.AUDITOR))

    refused = [
        act(client, page, "change", name="Mine").status_code,
        act(client, page, "delete").status_code,
    ]
    client.force_login(finance)
    act(client, page, "change", name="Ours", shared="role:Finance")

    page.refresh_from_db()
    assert refused == [400, 400]
    assert (page.name, page.shared_with, page.role) == ("Ours", "role", "Finance")
    act(client, page, "delete")
    assert SavedPage.objects.count() == 0


def test_a_shared_page_shows_each_reader_their_own_scope(client, finance):
    own = make_department()
    make_paid_contract("10", OCTOBER, department=own)
    make_paid_contract("7777", OCTOBER, department=make_department())
    page = saved(client, shared="everyone")
    address = reverse("tracker:saved-page", args=[page.public_id])

    shown = {}
    for user in (finance, make_user(Role.MANAGER, department=own)):
        client.force_login(user)
        table = client.get(address, follow=True).context["page"].table
        shown[user] = table.totals[3].text

    assert [*shown.values()] == ["£7,787.00", "£10.00"]


@pytest.mark.parametrize(
    ("every", "today", "expected"),
    [
        ("day", SUNDAY, SUNDAY),
        ("week", SUNDAY, date(2026, 11, 16)),
        ("week", MONDAY, MONDAY),
        ("month", MONDAY, date(2026, 11, 1)),
        ("month", date(2026, 12, 1), date(2026, 12, 1)),
    ],
)
def test_due_day_is_the_last_on_which_a_mail_was_due(every, today, expected):
    assert due_day(every, today) == expected


def test_each_person_is_mailed_once_what_that_person_may_see(client, finance):
    own = make_department()
    seen = make_vendor(legal_name="Calder")
    make_paid_contract("10", OCTOBER, department=own, vendor=seen)
    foreign = make_vendor(legal_name="Canary")
    make_paid_contract("7777", OCTOBER, vendor=foreign, department=make_department())
    make_user(Role.MANAGER, department=own, username="max", email="max@example.org")
    page = saved(client, shared="everyone")
    act(client, page, "mail", every="week", file_kind="pdf", username="max")
    act(client, page, "mail", every="day", file_kind="xlsx")

    assert mail_saved_pages(today=SUNDAY).sent == 0
    assert mail_saved_pages(today=MONDAY).sent == 2
    assert mail_saved_pages(today=MONDAY).sent == 0

    to_manager, to_finance = sorted(outbox.outbox, key=lambda one: one.to, reverse=True)
    assert (to_manager.to, to_finance.to) == (["max@example.org"], ["mara@example.org"])
    assert to_manager.subject == "Vendors: Spend by vendor, £10.00"
    assert to_finance.subject == "Vendors: Spend by vendor, £7,787.00"
    ((name, content, kind),) = to_manager.attachments
    text = PdfReader(io.BytesIO(content)).pages[0].extract_text()
    assert (name, kind) == ("vendors.pdf", "application/pdf")
    assert "Calder" in text
    everything = text + to_manager.body + to_manager.alternatives[0][0]
    assert "Canary" not in everything
    assert "7,777" not in everything
    ((name, content, _kind),) = to_finance.attachments
    (sheet,) = load_workbook(io.BytesIO(content)).worksheets
    assert sum(row[4] for row in sheet.iter_rows(min_row=2, values_only=True)) == 7787


def test_the_overview_is_mailed_with_its_finding_as_subject(client, finance):
    make_paid_contract("40", OCTOBER)
    page = saved(client, name="Month", page="", query="")
    act(client, page, "mail", every="day", file_kind="pdf")

    mail_saved_pages(today=MONDAY)

    (sent,) = outbox.outbox
    assert sent.subject == (
        "Month: External spend was £40 in October, after none in September"
    )
    assert sent.attachments[0][0] == "overview.pdf"


def test_pages_and_tables_of_topics_are_saved_and_mailed_alike(client, finance):
    vendor = make_vendor(legal_name="Calder")
    make_paid_contract("40", OCTOBER, vendor=vendor)
    asked = "period=all&fact=manager&unknown=1"
    for key, query in {
        "vendors_page": "period=all",
        "concentration": "sort=-spend",
        "data-quality_page": asked,
        "service-levels_page": "",
    }.items():
        page = saved(client, name=key, page=key, query=query)
        act(client, page, "mail", every="day", file_kind="xlsx")

    opened = {
        page.name: client.get(f"/saved/{page.public_id}/").url
        for page in SavedPage.objects.all()
    }
    assert opened == {
        "vendors_page": "/vendors/?period=all",
        "concentration": "/vendors/concentration/?sort=-spend",
        "data-quality_page": "/data-quality/?period=all&fact=manager",
        "service-levels_page": "/service-levels/",
    }
    assert all(client.get(address).status_code == 200 for address in opened.values())
    titles = {
        card.name: card.of_page for card in client.get(LIST).context["page"].cards
    }
    assert titles["vendors_page"] == "Vendors"
    assert titles["concentration"] == "Concentration"
    assert (
        save(client, name="Bad", page="concentration", query="sort=x").status_code
        == 400
    )
    assert mail_saved_pages(today=MONDAY).sent == 4
    sent = {one.subject.partition(":")[0]: one for one in outbox.outbox}
    assert sent["vendors_page"].subject == (
        "vendors_page: All external spend goes to Calder"
    )
    ((name, content, _kind),) = sent["vendors_page"].attachments
    workbook = load_workbook(io.BytesIO(content))
    assert (name, workbook.sheetnames[0]) == ("vendors.xlsx", "Concentration")
    rows = list(workbook["Concentration"].iter_rows(min_row=2, values_only=True))
    assert [(row[0], row[2]) for row in rows] == [("Calder", 40)]


def test_whoever_may_not_open_a_page_any_more_is_mailed_nothing(client, finance):
    auditor = make_user(Role.AUDITOR, username="anna", email="anna@example.org")
    page = saved(client, shared="role:Auditor")
    act(client, page, "mail", every="day", file_kind="pdf", username="anna")
    auditor.groups.clear()

    assert (mail_saved_pages(today=MONDAY).left_out, outbox.outbox) == (1, [])


def test_nobody_has_a_page_mailed_to_whom_it_is_not_shared_with(client, finance):
    make_user(Role.AUDITOR, username="anna")
    page = saved(client)

    response = act(client, page, "mail", every="day", file_kind="pdf", username="anna")
    unknown = act(client, page, "mail", every="day", file_kind="pdf", username="nobody")

    assert [each.status_code for each in (response, unknown)] == [400, 400]
    assert "may not open this page" in unknown.content.decode()
    assert PageMail.objects.count() == 0


def test_a_mail_that_fails_is_tried_again_and_keeps_no_other_back(
    client, finance, monkeypatch
):
    make_user(Role.AUDITOR, username="anna", email="anna@example.org")
    page = saved(client, shared="everyone")
    for username in ("anna", ""):
        act(client, page, "mail", every="day", file_kind="pdf", username=username)
    send = outbox.EmailMultiAlternatives.send

    def refuse_anna(message, *args, **kwargs):
        if message.to == ["anna@example.org"]:
            raise OSError("mail server")
        return send(message, *args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(outbox.EmailMultiAlternatives, "send", refuse_anna)
        with pytest.raises(PageNotMailedError, match="1 of 2"):
            mail_saved_pages(today=MONDAY)
    assert mail_saved_pages(today=MONDAY).sent == 1

    assert [one.to for one in outbox.outbox] == [
        ["mara@example.org"],
        ["anna@example.org"],
    ]


def test_one_click_ends_the_mails_of_saved_pages(client, finance):
    page = saved(client)
    act(client, page, "mail", every="day", file_kind="pdf")
    client.logout()
    address = reverse("tracker:unsubscribe", args=[token_for(finance, Mailing.PAGES)])

    shown = client.get(address)
    assert ("Saved pages will be mailed" in shown.content.decode()) is True
    assert PageMail.objects.count() == 1
    client.post(address)

    assert PageMail.objects.count() == 0
    unsubscribe(user=finance, mailing=Mailing.PAGES, actor=None)


def test_people_stop_their_own_mails_and_owners_those_of_others(client, finance):
    anna = make_user(Role.AUDITOR, username="anna", email="anna@example.org")
    page = saved(client, shared="everyone")
    for username in ("anna", ""):
        act(client, page, "mail", every="day", file_kind="pdf", username=username)

    client.force_login(anna)
    refused = act(client, page, "stop", username="mara").status_code
    act(client, page, "stop")
    client.force_login(finance)
    left = list(PageMail.objects.values_list("person__username", flat=True))

    assert (refused, left) == (404, ["mara"])


def test_the_list_asks_as_often_whatever_the_rows(
    client, finance, django_assert_num_queries
):
    for number in (1, 2, 3):
        page = saved(client, name=f"P{number}", shared="everyone")
        act(client, page, "mail", every="day", file_kind="pdf")
        if number == 2:
            continue
        with django_assert_num_queries(8):
            client.get(LIST)
