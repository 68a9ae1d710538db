"""The page of closed months: who sees it, what it says, and its two dialogs."""

import re
from datetime import date

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from engagements.choices import Role
from engagements.values.periods import add_months, month_of
from tests.admin.conftest import logged_in
from tests.factories import make_contract, make_user
from tests.spend.test_ledger import pay
from tracker.admin import closed_months
from tracker.spend.models import ClosedMonth, LedgerEntry, Payment
from tracker.spend.services import MonthObstacle, close_month, month_close

pytestmark = pytest.mark.django_db

LIST = reverse("admin:tracker_closedmonth_changelist")
CLOSE = reverse("admin:tracker_closedmonth_close")
REOPEN = reverse("admin:tracker_closedmonth_reopen")
LEDGER = reverse("admin:tracker_ledgerentry_changelist")
SENT = {"_form_submitted": "1"}


@pytest.fixture(autouse=True)
def no_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(month_close, "_CHECKS", [])


def last_month() -> date:
    return add_months(month_of(timezone.localdate()), -1)


def words(browser: Client, url: str = LIST) -> str:
    page = browser.get(url).content.decode()
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


def closed(month: date | None = None) -> ClosedMonth:
    return close_month(month=month or last_month(), actor=make_user(Role.FINANCE))


@pytest.mark.parametrize("role", [Role.FINANCE, Role.ADMINISTRATOR])
def test_finance_closes_a_month_and_opens_it_again(role):
    browser = logged_in(role)

    response = browser.post(CLOSE, SENT | {"month": f"{last_month():%Y-%m}"})
    assert response["HX-Redirect"] == LIST
    assert ClosedMonth.objects.last_closed() == last_month()

    asked = {"month": f"{last_month():%Y-%m}", "reason": "A forgotten invoice"}
    response = browser.post(REOPEN, SENT | asked)
    assert response["HX-Redirect"] == LIST
    assert ClosedMonth.objects.last_closed() is None
    assert ClosedMonth.objects.get().reason == "A forgotten invoice"


@pytest.mark.parametrize("role", [Role.MANAGER, Role.AUDITOR])
def test_others_see_which_months_are_closed_and_have_no_steps(role):
    closed()
    browser = logged_in(role)

    page = words(browser)

    assert f"The books are closed through {last_month():%B %Y}" in page
    assert "Close a month" not in page
    assert browser.post(CLOSE, SENT | {"month": "2026-01"}).status_code == 403
    assert browser.post(REOPEN, SENT | {"month": "2026-01"}).status_code == 403


def test_the_hr_integration_has_no_such_page():
    assert logged_in(Role.HR_INTEGRATION).get(LIST).status_code == 403


def test_the_page_says_what_comes_next_when_none_is_closed():
    page = words(logged_in(Role.FINANCE))

    assert "No month is closed" in page
    assert f"Next comes {last_month():%B %Y}: nothing stands in its way." in page


def test_the_page_and_the_dialog_lead_to_what_is_still_to_be_done():
    month_close.before_closing_month(
        lambda closing: [
            MonthObstacle("3 payments wait.", rows=Payment, where={"unit": "B & C"})
        ]
    )
    browser = logged_in(Role.FINANCE)

    for url in (LIST, CLOSE):
        page = browser.get(url).content.decode()
        assert "3 payments wait." in page
        payments = reverse("admin:tracker_payment_changelist")
        assert f'href="{payments}?unit=B+%26+C"' in page
    browser.post(CLOSE, SENT | {"month": f"{last_month():%Y-%m}"})
    assert not ClosedMonth.objects.exists()
    assert "3 payments wait." in words(browser)


def test_once_a_month_is_closed_the_dialog_offers_the_next_alone():
    closed(add_months(last_month(), -3))
    browser = logged_in(Role.FINANCE)

    page = browser.get(CLOSE).content.decode()

    offered = re.findall(r'<option value="([^"]+)"', page)
    assert offered == [f"{add_months(last_month(), -2):%Y-%m}"]
    assert "All months before it" not in page


def test_the_first_closing_may_be_of_an_earlier_month():
    page = logged_in(Role.FINANCE).get(CLOSE).content.decode()

    offered = re.findall(r'<option value="([^"]+)"', page)
    assert len(offered) == closed_months.FIRST_CLOSING_REACH
    assert offered[0] == f"{last_month():%Y-%m}"
    assert "All months before it are closed with it." in page


def test_a_month_that_is_not_over_is_not_offered():
    closed()
    browser = logged_in(Role.FINANCE)

    this_month = month_of(timezone.localdate())
    assert f"Next comes {this_month:%B %Y}, once it is over." in words(browser)
    response = browser.post(CLOSE, SENT | {"month": f"{this_month:%Y-%m}"})
    assert "HX-Redirect" not in response
    assert ClosedMonth.objects.count() == 1


def test_opening_again_without_a_reason_keeps_the_dialog():
    closed()

    response = logged_in(Role.FINANCE).post(
        REOPEN, SENT | {"month": f"{last_month():%Y-%m}", "reason": " "}
    )

    assert "HX-Redirect" not in response
    assert ClosedMonth.objects.last_closed() == last_month()


def test_a_dialog_opened_before_another_closing_opens_no_other_month():
    closed(add_months(last_month(), -1))
    browser = logged_in(Role.FINANCE)
    closed()

    asked = f"{add_months(last_month(), -1):%Y-%m}"
    browser.post(REOPEN, SENT | {"month": asked, "reason": "Forgotten"})

    assert "Only the last closed month can be opened again" in words(browser)
    assert ClosedMonth.objects.last_closed() == last_month()


@pytest.mark.parametrize("rows", [1, 3])
def test_the_list_asks_as_often_for_more_rows(rows, django_assert_num_queries):
    for back in range(rows, 0, -1):
        closed(add_months(last_month(), 1 - back))
    browser = logged_in(Role.AUDITOR)
    browser.get(LIST)

    with django_assert_num_queries(LIST_QUERIES):
        browser.get(LIST)


LIST_QUERIES = 12


def test_the_ledger_list_says_where_a_late_entry_is_booked():
    contract = make_contract(title="Late bill")
    close_month(month=date(2026, 1, 1), actor=make_user(Role.FINANCE))
    pay(contract, "10.00")

    page = words(logged_in(Role.FINANCE), LEDGER)

    assert "Feb 2026 for Jan 2026" in page


def test_the_ledger_is_searched_through_its_engagements(django_assert_num_queries):
    pay(make_contract(title="Payroll"), "10.00", key="a")
    pay(make_contract(title="Canteen"), "20.00", key="b")
    browser = logged_in(Role.FINANCE)

    found = words(browser, f"{LEDGER}?q=payroll")

    assert "Payroll" in found
    assert "Canteen" not in found
    assert LedgerEntry.objects.count() == 2
