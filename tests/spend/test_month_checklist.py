"""What hinders closing a month, in words, by command, by page and by alert."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.db import connection

from engagements.choices import Role
from engagements.errors import WrongStateError
from engagements.models import Event
from engagements.values.periods import last_day_of_month
from tests.factories import begun, make_contract, make_user, make_vendor
from tests.spend.billing import bill
from tracker.notify.models import Alert
from tracker.notify.services import tell_events
from tracker.spend.models import ClosedMonth, InvoiceStatus, MonthTotal
from tracker.spend.reference_rates import last_shipped_day
from tracker.spend.services import (
    close_month,
    month_checklist,
    reckon_month,
    refresh_totals,
)
from tracker.tasks import end_month

pytestmark = pytest.mark.django_db

JULY = date(2026, 7, 1)
TODAY = date(2026, 8, 1)


@pytest.fixture(autouse=True)
def _today():
    with time_machine.travel(f"{TODAY}T09:00Z", tick=False):
        yield


@pytest.fixture
def contract():
    return begun(make_contract(fee=Decimal(3100), starts_on=JULY))


def open_items() -> dict[str, int]:
    found = month_checklist(month=JULY, today=TODAY)
    return {item.code: item.count for item in found.items if item.count}


def test_checklist_of_an_empty_month_is_ready():
    found = month_checklist(month=JULY, today=TODAY)

    assert found.is_ready
    assert [item.code for item in found.items if item.is_blocking] == [
        "accruals",
        "rates",
        "roll_ups",
        "invoices_draft",
    ]


def test_accruals_block_until_they_are_reckoned(contract):
    assert open_items() == {"accruals": 1, "outlooks": 1}

    reckon_month(month=JULY, today=TODAY, actor=None)

    assert open_items() == {}


def test_missing_rate_blocks():
    begun(make_contract(currency="XAF", starts_on=JULY))

    assert open_items() == {"rates": 1, "outlooks": 1}


def test_invoices_warn_until_they_are_matched(contract):
    bill(contract, JULY, status=InvoiceStatus.DISPUTED)
    reckon_month(month=JULY, today=TODAY, actor=None)

    found = month_checklist(month=JULY, today=TODAY)

    assert [item.code for item in found.warnings] == ["invoices_disputed"]
    assert found.is_ready


@pytest.mark.roll_ups_differ
def test_roll_up_that_differs_blocks(contract):
    reckon_month(month=JULY, today=TODAY, actor=None)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE tracker_monthlyspend SET amount = amount + 1")

    assert open_items() == {"roll_ups": 1}


@pytest.mark.roll_ups_differ
def test_total_that_differs_blocks(contract):
    reckon_month(month=JULY, today=TODAY, actor=None)
    refresh_totals()
    MonthTotal.objects.filter(dimension="all").update(reporting_amount=99)

    assert open_items() == {"roll_ups": 1}


def test_old_rates_warn_and_name_the_currency():
    month_end = last_day_of_month(last_shipped_day() + timedelta(days=31))
    vendor = make_vendor(currency="USD")
    month = month_end.replace(day=1)
    contract = begun(make_contract(currency="USD", vendor=vendor, starts_on=month))
    with time_machine.travel(month_end + timedelta(days=1), tick=False):
        bill(contract, month)
        reckon_month(month=month, today=month_end + timedelta(days=1), actor=None)
        found = month_checklist(month=month, today=month_end + timedelta(days=1))

    (item,) = (one for one in found.items if one.code == "old_rates")
    assert (item.count, item.is_blocking) == (1, False)
    assert item.remark.startswith("USD: the last is of ")


def test_month_is_closed_once_nothing_blocks(contract):
    finance = make_user(Role.FINANCE)
    with pytest.raises(WrongStateError, match="Accruals not reckoned"):
        close_month(month=JULY, actor=finance)

    reckon_month(month=JULY, today=TODAY, actor=finance)
    close_month(month=JULY, actor=finance)

    assert ClosedMonth.objects.last_closed() == JULY


def test_command_tells_the_checklist_and_closes(contract, capsys):
    make_user(Role.FINANCE, username="fiona")
    call_command("close_month", "2026-07", "--dry-run")
    assert "BLOCK       1  Accruals not reckoned" in capsys.readouterr().out

    with pytest.raises(CommandError, match="can't be closed yet"):
        call_command("close_month", "2026-07", "--by", "fiona")
    reckon_month(month=JULY, today=TODAY, actor=None)
    with pytest.raises(CommandError, match="Say who closes it"):
        call_command("close_month", "2026-07")
    call_command("close_month", "2026-07", "--by", "fiona")

    assert ClosedMonth.objects.last_closed() == JULY


def test_month_end_accrues_and_tells_finance_what_hinders(contract):
    finance = make_user(Role.FINANCE)
    bill(contract, JULY, status=InvoiceStatus.DISPUTED)

    end_month()
    end_month()
    tell_events()

    event = Event.objects.get(event_type="month.hindered")
    assert event.changes["items"] == [None, ["invoices_disputed"]]
    assert Alert.objects.get(event=event).recipient == finance


def test_month_end_tells_nothing_where_all_is_in_order(contract):
    end_month()

    assert not Event.objects.filter(event_type="month.hindered").exists()
