"""Outlooks of month ends in the admin: the list, and each with its calculation."""

from datetime import date
from decimal import Decimal

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from engagements.choices import Role
from tests.factories import begun, make_contract, make_department, make_user
from tracker.spend.models import MonthOutlook
from tracker.spend.services import keep_outlooks

pytestmark = pytest.mark.django_db

JULY = date(2026, 7, 1)
LIST = "admin:tracker_monthoutlook_changelist"
PAGE = "admin:tracker_monthoutlook_change"


@pytest.fixture(autouse=True)
def _today():
    with time_machine.travel("2026-08-20T09:00Z", tick=False):
        yield


@pytest.fixture
def contract():
    found = begun(
        make_contract(fee=Decimal(3100), starts_on=JULY, ends_on=date(2026, 12, 31))
    )
    keep_outlooks(month=JULY, today=date(2026, 8, 20), actor=None)
    return found


def logged_in(role: Role, **fields: object) -> Client:
    client = Client()
    client.force_login(make_user(role, **fields))
    return client


def test_list_and_page_show_what_was_kept(contract):
    client = logged_in(Role.FINANCE)

    listed = client.get(reverse(LIST)).content.decode()
    assert "£15,500.00" in listed
    assert "£18,600.00" in listed
    page = client.get(reverse(PAGE, args=[MonthOutlook.objects.get().pk]))

    html = page.content.decode()
    assert "to 31 Dec 2026, the earliest exit" in html
    assert "Expected of the fiscal year" in html
    assert "the month&#x27;s fee" in html


def test_what_was_booked_leads_to_its_entries(contract):
    client = logged_in(Role.FINANCE)

    for model, asked in (
        ("ledgerentry", "&month__exact=2026-07-01&basis__exact=actual"),
        ("accrual", ""),
    ):
        rows = reverse(f"admin:tracker_{model}_changelist")
        address = f"{rows}?engagement__id__exact={contract.pk}{asked}"
        assert client.get(address).status_code == 200


def test_it_is_shown_to_who_sees_its_money(contract):
    outlook = MonthOutlook.objects.get().pk
    elsewhere = logged_in(Role.MANAGER, department=make_department())

    assert "£18,600.00" not in elsewhere.get(reverse(LIST)).content.decode()
    assert elsewhere.get(reverse(PAGE, args=[outlook])).status_code == 302
    assert logged_in(Role.HR_INTEGRATION).get(reverse(LIST)).status_code == 403


@pytest.mark.parametrize("count", [1, 3])
def test_list_takes_a_fixed_number_of_queries(count, django_assert_num_queries):
    for _number in range(count):
        begun(make_contract(fee=Decimal(3100), starts_on=JULY))
    keep_outlooks(month=JULY, today=date(2026, 8, 20), actor=None)
    client = logged_in(Role.FINANCE)
    client.get(reverse(LIST))

    with django_assert_num_queries(13):
        client.get(reverse(LIST))
