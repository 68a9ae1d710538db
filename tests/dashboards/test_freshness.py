"""The finance page answers 304 for as long as nothing that it shows has changed."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
import time_machine
from django.test import Client

from engagements.choices import Role
from engagements.models import Event
from engagements.services.vendors import change_vendor
from tests.dashboards.spending import make_paid_contract, pay
from tests.factories import make_user, make_vendor
from tracker.spend.models import TotalsVersion
from tracker.spend.overview import data_version
from tracker.spend.services import refresh_totals

pytestmark = pytest.mark.django_db

OCTOBER = date(2026, 10, 5)
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
# Session and user, the version of the data, roles, permissions of both kinds.
QUERIES_OF_304 = 6


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel(NOON, tick=False) as travelling:
        yield travelling


@pytest.fixture
def contract():
    return make_paid_contract("10.00", OCTOBER, vendor=make_vendor())


def reader() -> Client:
    client = Client()
    client.force_login(make_user(Role.FINANCE))
    return client


def again(client: Client, etag: str, url: str = "/") -> int:
    return client.get(url, headers={"If-None-Match": etag}).status_code


def test_an_unchanged_page_is_not_sent_again(contract, django_assert_num_queries):
    client = reader()
    first = client.get("/")
    assert first["Cache-Control"] == "private, no-cache"

    with django_assert_num_queries(QUERIES_OF_304):
        second = client.get("/", headers={"If-None-Match": first["ETag"]})

    assert (second.status_code, second.content) == (304, b"")
    assert second["ETag"] == first["ETag"]


def test_a_posting_is_shown_at_once(contract):
    client = reader()
    etag = client.get("/")["ETag"]

    pay(contract, "1.00", OCTOBER)

    assert again(client, etag) == 200


def test_a_renamed_vendor_is_shown_at_once(contract):
    client = reader()
    etag = client.get("/")["ETag"]

    contract.vendor.legal_name = "Another name"
    change_vendor(vendor=contract.vendor, expected_version=None, actor=None)

    assert again(client, etag) == 200


def test_the_next_day_is_another_page(contract, clock):
    client = reader()
    etag = client.get("/")["ETag"]

    clock.shift(timedelta(days=1))

    assert again(client, etag) == 200


def test_other_people_filters_and_sessions_have_pages_of_their_own(contract):
    client = reader()
    etag = client.get("/")["ETag"]

    assert again(reader(), etag) == 200
    assert again(client, etag, "/?period=all") == 200
    assert again(client, etag) == 304


def test_whoever_loses_the_right_to_see_money_is_refused(contract):
    client = reader()
    etag = client.get("/")["ETag"]

    person = Event._meta.get_field("actor").related_model.objects.latest("pk")
    person.groups.clear()

    assert again(client, etag) == 403


def test_events_are_counted_from_those_that_no_transaction_precedes(contract, clock):
    clock.shift(timedelta(hours=3))
    newest = Event.objects.latest("pk").pk

    refresh_totals()

    assert TotalsVersion.objects.get().events_through == newest
    assert data_version().events == 0
    make_paid_contract("1.00", OCTOBER)
    assert data_version().events > 0
    refresh_totals()
    # What is new stays counted until it is old.
    assert TotalsVersion.objects.get().events_through == newest


def test_figures_after_a_refresh_are_the_same(contract):
    client = reader()
    before = client.get("/").content.decode()

    refresh_totals()

    after = client.get("/").content.decode()
    shown = f"£{Decimal('10')}"
    assert before.count(shown) == after.count(shown) > 0
