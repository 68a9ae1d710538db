from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from django.urls import reverse
from icalendar import Calendar

from engagements.choices import Role
from engagements.models import Engagement, Event
from tests.factories import make_contract, make_department, make_user, make_vendor
from tests.notify.agreements import make_running
from tracker.notify.calendar_file import Entry, calendar_file
from tracker.notify.due import DeadlineKind
from tracker.notify.models import CalendarFeed
from tracker.notify.services import renew_feed

NOTICE_BY, ENDS_ON = date(2026, 11, 30), date(2027, 2, 28)


def address_of(user):
    feed = renew_feed(user=user, actor=user)
    return reverse("tracker:calendar-feed", args=[feed.token])


def events_of(client, address):
    response = client.get(address)
    assert response.status_code == 200
    return Calendar.from_ical(response.content).walk("VEVENT")


def told(events):
    return {str(each["SUMMARY"]): each.decoded("DTSTART") for each in events}


@pytest.mark.django_db
def test_feed_holds_notice_deadlines_and_term_ends_of_active_engagements(client):
    user = make_user(Role.FINANCE)
    running = make_running(notice_by=NOTICE_BY, ends_on=ENDS_ON, title="Wide network")
    make_contract(ends_on=ENDS_ON)

    events = events_of(client, address_of(user))

    assert told(events) == {
        f"Notice deadline: {running.reference} · Wide network": NOTICE_BY,
        f"Term ends: {running.reference} · Wide network": ENDS_ON,
    }
    assert [each["UID"] for each in events] == [
        f"{running.public_id}-notice@engagement-tracker",
        f"{running.public_id}-term_end@engagement-tracker",
    ]
    page = f"/admin/engagements/engagement/{running.pk}/change/"
    assert events[0]["URL"] == f"http://testserver{page}"


@pytest.mark.django_db
def test_date_that_moves_keeps_its_uid_and_raises_its_sequence(client):
    address = address_of(make_user(Role.FINANCE))
    running = make_running(notice_by=None, ends_on=ENDS_ON)
    (before,) = events_of(client, address)
    Engagement.objects.filter(pk=running.pk).update(
        term_ends_on=ENDS_ON + timedelta(days=31), version=running.version + 1
    )

    (after,) = events_of(client, address)

    assert after["UID"] == before["UID"]
    assert after["SEQUENCE"] == before["SEQUENCE"] + 1
    assert after.decoded("DTSTART") == date(2027, 3, 31)


@pytest.mark.django_db
def test_notice_given_leaves_the_term_end_in_the_feed(client):
    running = make_running(notice_by=NOTICE_BY, ends_on=ENDS_ON, title="Desk")
    Engagement.objects.filter(pk=running.pk).update(notice_given_on=date(2026, 10, 1))

    events = events_of(client, address_of(make_user(Role.FINANCE)))

    assert told(events) == {f"Term ends: {running.reference} · Desk": ENDS_ON}


@pytest.mark.django_db
def test_feed_shows_a_manager_nothing_of_another_department(client):
    mine, theirs = make_department(), make_department()
    manager = make_user(Role.MANAGER, department=mine)
    seen = make_running(department=mine, notice_by=None, ends_on=ENDS_ON, title="Mine")
    make_running(department=theirs, notice_by=None, ends_on=ENDS_ON, title="Canary")

    events = events_of(client, address_of(manager))

    assert told(events) == {f"Term ends: {seen.reference} · Mine": ENDS_ON}


@pytest.mark.django_db
def test_feed_of_a_person_without_a_role_is_empty(client):
    make_running(notice_by=NOTICE_BY, ends_on=ENDS_ON)

    assert events_of(client, address_of(make_user())) == []


@pytest.mark.django_db
def test_renewed_address_replaces_the_one_before(client):
    user = make_user(Role.FINANCE)
    old, new = address_of(user), address_of(user)

    assert (client.get(old).status_code, client.get(new).status_code) == (404, 200)
    assert CalendarFeed.objects.count() == 1


@pytest.mark.django_db
def test_feed_of_a_deactivated_person_is_not_found(client):
    user = make_user(Role.FINANCE)
    address = address_of(user)
    user.is_active = False
    user.save()

    assert client.get(address).status_code == 404


@pytest.mark.django_db
@pytest.mark.parametrize("token", ["a" * 43, "a" * 42, "a" * 44, "é" * 43])
def test_address_that_was_never_given_is_not_found(client, token):
    assert client.get(f"/calendar/{token}.ics").status_code == 404


@pytest.mark.django_db
def test_feed_says_what_it_is_and_is_not_cached(client):
    response = client.get(address_of(make_user(Role.FINANCE)))

    assert response["Content-Type"] == "text/calendar; charset=utf-8"
    assert response["Cache-Control"] == "private, no-store"


@pytest.mark.django_db
@pytest.mark.parametrize("rows", [1, 3, 300])
@pytest.mark.parametrize(("role", "queries"), [(Role.FINANCE, 6), (Role.MANAGER, 7)])
def test_feed_costs_the_same_however_many_engagements(
    client, django_assert_num_queries, rows, role, queries
):
    user = make_user(role, department=make_department())
    vendor = make_vendor()
    for _ in range(rows):
        make_running(vendor=vendor, manager=user, notice_by=NOTICE_BY, ends_on=ENDS_ON)
    address = address_of(user)

    with django_assert_num_queries(queries):
        response = client.get(address)

    assert response.content.count(b"BEGIN:VEVENT") == 2 * rows


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("get", "/calendar/"),
        ("post", "/calendar/renew/"),
        ("post", "/calendar/turn-off/"),
    ],
)
def test_page_asks_for_a_login(client, method, path):
    response = getattr(client, method)(path)

    assert response.status_code == 302
    assert response["Location"].startswith(reverse("admin:login"))
    assert CalendarFeed.objects.count() == 0


@pytest.mark.django_db
def test_page_makes_renews_and_turns_off_the_address(client):
    user = make_user(Role.MANAGER)
    client.force_login(user)

    assert client.get("/calendar/").context["address"] == ""
    client.post("/calendar/renew/")
    first = client.get("/calendar/").context["address"]
    client.post("/calendar/renew/")
    second = client.get("/calendar/").context["address"]
    client.post("/calendar/turn-off/")

    assert first.startswith("http://testserver/calendar/")
    assert first != second
    assert client.get("/calendar/").context["address"] == ""
    assert client.get(second).status_code == 404
    types = Event.objects.order_by("id").values_list("event_type", "actor", "changes")
    assert list(types) == [
        ("calendar_feed.renewed", user.pk, {}),
        ("calendar_feed.renewed", user.pk, {}),
        ("calendar_feed.turned_off", user.pk, {}),
    ]


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/calendar/renew/", "/calendar/turn-off/"])
def test_address_changes_by_post_alone(client, path):
    client.force_login(make_user(Role.MANAGER))

    assert client.get(path).status_code == 405


def test_calendar_file_is_as_the_standard_has_it():
    entry = Entry(
        public_id=UUID(int=7),
        kind=DeadlineKind.NOTICE,
        falls_on=date(2026, 12, 31),
        name="E-1 · Desk, nights; back\\slash\x07\r\nBEGIN:VALARM",
        description="Vendor Ltd\nIts term ends on 31 Mar 2027.",
        address="https://tracker.example.org/admin/1/",
        version=3,
        changed_at=datetime(2026, 11, 22, 7, tzinfo=UTC),
    )

    content = calendar_file([entry])

    lines = content.decode().replace("\r\n ", "").split("\r\n")
    assert lines == [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Engagement tracker//Deadlines//EN",
        "METHOD:PUBLISH",
        "X-WR-CALNAME:Engagement deadlines",
        "REFRESH-INTERVAL;VALUE=DURATION:PT12H",
        "BEGIN:VEVENT",
        "SUMMARY:Notice deadline: E-1 · Desk\\, nights\\; back\\\\slash\\nBEGIN:VALARM",
        "DTSTART;VALUE=DATE:20261231",
        "DTEND;VALUE=DATE:20270101",
        "DTSTAMP:20261122T070000Z",
        "UID:00000000-0000-0000-0000-000000000007-notice@engagement-tracker",
        "SEQUENCE:3",
        "DESCRIPTION:Vendor Ltd\\nIts term ends on 31 Mar 2027.",
        "LAST-MODIFIED:20261122T070000Z",
        "TRANSP:TRANSPARENT",
        "URL:https://tracker.example.org/admin/1/",
        "END:VEVENT",
        "END:VCALENDAR",
        "",
    ]
    assert Calendar.from_ical(content).errors == []


def test_long_lines_are_folded_at_75_octets():
    entry = Entry(
        public_id=UUID(int=7),
        kind=DeadlineKind.TERM_END,
        falls_on=date(2026, 12, 31),
        name="Überwachung " * 20,
        description="",
        address="https://tracker.example.org/",
        version=1,
        changed_at=datetime(2026, 11, 22, 7, tzinfo=UTC),
    )

    assert max(map(len, calendar_file([entry]).split(b"\r\n"))) <= 75
