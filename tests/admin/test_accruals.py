"""Accruals in the admin: the panel, the list, a statement's page, reckoning a month."""

from datetime import date
from decimal import Decimal

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from engagements.choices import ChargeKind, Role
from engagements.models import Engagement
from tests.admin.conftest import logged_in
from tests.factories import begun, make_assignment, make_contract, make_user
from tests.spend.billing import bill
from tracker.admin.outlook_panel import outlook_panel
from tracker.spend.models import Accrual
from tracker.spend.services import accrue

pytestmark = pytest.mark.django_db

JULY, AUGUST = date(2026, 7, 1), date(2026, 8, 1)
LIST = "admin:tracker_accrual_changelist"


@pytest.fixture(autouse=True)
def _today():
    with time_machine.travel("2026-08-20T09:00Z", tick=False):
        yield


@pytest.fixture
def contract():
    found = begun(make_contract(fee=Decimal(3100), starts_on=JULY))
    accrue(month=JULY, today=date(2026, 8, 20), actor=None)
    return found


def page(client: Client, name: str, *args: object) -> str:
    response = client.get(reverse(name, args=args))
    assert response.status_code == 200
    return response.content.decode()


def test_panel_tells_each_figure_with_its_parts(contract):
    html = page(
        logged_in(Role.FINANCE), "admin:engagements_managedcontract_change", contract.pk
    )

    # July whole, and 20 of August's 31 days: 3,100 and 2,000.
    assert "Accrual, commitment and forecast" in html
    assert "£5,100.00" in html
    assert "\N{POUND SIGN}3,100.00 \N{MULTIPLICATION SIGN} 20 of 31 days" in html


def test_panel_is_for_those_who_see_money(contract):
    reader = make_user(Role.HR_INTEGRATION)

    assert outlook_panel(Engagement.objects.get(pk=contract.pk), reader) is None


def test_list_and_page_show_the_statement(contract):
    client = logged_in(Role.FINANCE)
    statement = Accrual.objects.get()

    assert "£3,100.00" in page(client, LIST)
    html = page(client, "admin:tracker_accrual_change", statement.pk)
    assert "How it came about" in html
    assert "the month&#x27;s fee" in html


def test_hours_lead_to_their_work_logs():
    assignment = begun(make_assignment(starts_on=JULY))
    bill(assignment, JULY, kind=ChargeKind.TIME)

    html = page(
        logged_in(Role.FINANCE), "admin:engagements_assignment_change", assignment.pk
    )

    assert "Estimate: no timesheet" in html
    work_logs = reverse("admin:tracker_worklog_changelist")
    days = "worked_on__gte=2026-07-01&worked_on__lte=2026-07-31"
    link = f"{work_logs}?engagement__id__exact={assignment.pk}&{days}"
    assert logged_in(Role.FINANCE).get(link).status_code == 200


def reckon(client: Client, month: str):
    return client.post(
        reverse("admin:tracker_accrual_reckon"),
        {"_form_submitted": "True", "month": month},
    )


def test_finance_reckons_a_month():
    begun(make_contract(fee=Decimal(3100), starts_on=JULY))
    client, finance = Client(), make_user(Role.FINANCE)
    client.force_login(finance)

    reckon(client, "2026-07-01")

    statement = Accrual.objects.get()
    assert (statement.accrual, statement.reckoned_by) == (Decimal(3100), finance)


@pytest.mark.parametrize("role", [Role.MANAGER, Role.AUDITOR])
def test_others_reckon_nothing(role):
    begun(make_contract(starts_on=JULY))

    response = reckon(logged_in(role), "2026-07-01")

    assert response.status_code == 403
    assert not Accrual.objects.exists()


@pytest.mark.parametrize("count", [1, 3])
def test_list_takes_a_fixed_number_of_queries(count, django_assert_num_queries):
    for _ in range(count):
        begun(make_contract(starts_on=JULY))
    accrue(month=JULY, today=date(2026, 8, 20), actor=None)
    client = logged_in(Role.FINANCE)
    client.get(reverse(LIST))

    with django_assert_num_queries(13):
        client.get(reverse(LIST))
