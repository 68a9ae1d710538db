"""The month checklist: what is open, where its rows are, and who may see it."""

from datetime import date
from decimal import Decimal

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from engagements.choices import Role
from tests.admin.conftest import logged_in
from tests.factories import begun, make_contract
from tests.spend.billing import bill
from tracker.spend.models import Accrual, InvoiceStatus

pytestmark = pytest.mark.django_db

JULY = date(2026, 7, 1)
CHECKLIST = "admin:tracker_accrual_checklist"
RECKON = "admin:tracker_accrual_reckon_month"


@pytest.fixture(autouse=True)
def _today():
    with time_machine.travel("2026-08-20T09:00Z", tick=False):
        yield


@pytest.fixture
def contract():
    return begun(make_contract(fee=Decimal(3100), starts_on=JULY))


def page(client: Client, **asked: str) -> str:
    response = client.get(reverse(CHECKLIST), asked)
    assert response.status_code == 200
    return response.content.decode()


def reckon(client: Client, month: str = "2026-07") -> int:
    return client.post(reverse(RECKON), {"month": month}).status_code


def test_page_leads_from_what_blocks_to_the_close(contract):
    client = logged_in(Role.FINANCE)
    html = page(client)
    assert "1 item blocks the close." in html
    assert "Go and close July 2026" not in html

    reckon(client)

    html = page(client)
    assert "Nothing blocks the close." in html
    assert "Go and close July 2026" in html
    assert Accrual.objects.count() == 1


def test_item_leads_to_its_rows(contract):
    bill(contract, JULY, status=InvoiceStatus.DISPUTED)
    client = logged_in(Role.FINANCE)

    invoices = f"{reverse('admin:tracker_invoice_changelist')}?status__exact=disputed"

    assert f'href="{invoices}">Invoices disputed</a>' in page(client)
    assert client.get(invoices).status_code == 200


@pytest.mark.parametrize(("role", "seen"), [(Role.AUDITOR, 200), (Role.MANAGER, 403)])
def test_others_reckon_nothing(contract, role, seen):
    client = logged_in(role)

    assert client.get(reverse(CHECKLIST)).status_code == seen
    assert reckon(client) == 403
    assert not Accrual.objects.exists()


@pytest.mark.parametrize("month", ["2026-13", "July", "1-1", "9999-99"])
def test_month_that_is_none_is_not_found(contract, month):
    client = logged_in(Role.FINANCE)

    assert client.get(reverse(CHECKLIST), {"month": month}).status_code == 404
    assert reckon(client, month) == 404


def test_month_under_way_is_told(contract):
    html = page(logged_in(Role.FINANCE), month="2026-08")

    assert "2026-08 isn&#x27;t over yet" in html


def test_checklist_takes_a_fixed_number_of_queries(django_assert_num_queries):
    client = logged_in(Role.FINANCE)
    for count in (1, 2):
        for _ in range(count):
            begun(make_contract(starts_on=JULY))
        page(client)
        with django_assert_num_queries(63):
            page(client)
