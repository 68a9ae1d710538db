"""The day's cap: refused with its figures, held by the database, no writer waits."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
import time_machine
from django.contrib.admin import site
from django.db import DatabaseError, IntegrityError, connection, transaction

from engagements.choices import ChargeKind, Role
from engagements.events import recorded
from engagements.models import CostCentre
from tests.factories import begun, make_contract, make_user
from tests.spend.bills import bill_lines, line
from tests.spend.test_ledger import pay
from tracker.api.errors import answer
from tracker.spend.models import (
    Basis,
    CappedPosting,
    Invoice,
    LedgerEntry,
    SourceType,
)
from tracker.spend.services import DailyCapError, Posting, post, reverse, verify_ledger

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
MAY = date(2026, 5, 1)
WRITERS, TURNS = 6, 8


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


@pytest.fixture
def capped(settings):
    settings.DAILY_POSTING_CAP = Decimal(1000)


def contract():
    return begun(make_contract(starts_on=date(2026, 1, 1)))


def once(amount, of=None):
    return bill_lines(line(of or contract(), ChargeKind.ONE_OFF, amount, MAY))


def test_without_a_cap_nothing_is_counted():
    once("5000000")

    assert not CappedPosting.objects.exists()


def test_what_goes_beyond_is_refused_whole_with_its_figures(capped):
    make_user(Role.ADMINISTRATOR, username="ada", first_name="Ada", last_name="Boss")
    once("600")
    pay(contract(), "300")

    with pytest.raises(DailyCapError) as refused:
        once("100.01")

    assert str(refused.value) == (
        "At most £1,000.00 is billed or paid in a day, and today it is £900.00 already;"
        " this adds £100.01. Post the rest tomorrow, or ask Ada Boss to raise the cap,"
        " the setting DAILY_POSTING_CAP."
    )
    assert (Invoice.objects.count(), LedgerEntry.objects.count()) == (1, 2)
    once("100")


def test_a_new_day_has_a_cap_of_its_own(capped, clock):
    once("1000")
    clock.shift(12 * 3600)

    once("1000")

    assert CappedPosting.objects.count() == 2


def test_tax_and_what_is_taken_back_are_not_counted(capped):
    one = contract()
    bill_lines(
        line(one, ChargeKind.ONE_OFF, "900", MAY), line(one, ChargeKind.TAX, "180", MAY)
    )
    credited = LedgerEntry.objects.filter(charge_kind=ChargeKind.ONE_OFF)
    reverse(credited)

    assert [row.amount for row in CappedPosting.objects.all()] == [Decimal(900)]


def test_the_database_holds_the_cap_too():
    take_raw(60)

    with pytest.raises(IntegrityError, match="more would be posted"):
        take_raw(41)
    take_raw(40)


@transaction.atomic
def take_raw(amount):
    """Count towards a cap of 100; a test never comes to the commit itself."""
    CappedPosting.objects.create(day=MAY, cap=Decimal(100), amount=Decimal(amount))
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


@pytest.mark.django_db(transaction=True)
def test_writers_at_once_stay_below_it_and_none_waits_for_ever(settings):
    settings.DAILY_POSTING_CAP = Decimal(100)
    engagements = [contract() for _ in range(3)]
    begin = threading.Barrier(WRITERS)

    def write(number: int) -> list[str]:
        """Post on the same engagements as the others, in another order."""
        begin.wait()
        refused = []
        with closing(connection):
            for turn in range(TURNS):
                order = engagements[number % 3 :] + engagements[: number % 3]
                try:
                    post([_posting(one, number, turn) for one in order])
                except (DailyCapError, DatabaseError) as error:
                    refused.append(_why(error))
        return refused

    with ThreadPoolExecutor(WRITERS) as pool:
        refused = [why for each in pool.map(write, range(WRITERS)) for why in each]

    # Three postings of 2 each time: 16 times 6 fit below 100.
    assert CappedPosting.objects.count() == 16
    assert set(refused) == {"cap"}
    assert len(refused) == WRITERS * TURNS - 16
    assert LedgerEntry.objects.count() == 16 * 3
    assert verify_ledger().roll_up_mismatches == []


def _posting(engagement, number: int, turn: int) -> Posting:
    return Posting(
        engagement=engagement,
        day=MAY,
        charge_kind=ChargeKind.ONE_OFF,
        basis=Basis.ACTUAL,
        amount=Decimal(2),
        source_type=SourceType.INVOICE_LINE,
        source_id=number * TURNS + turn,
        part=str(engagement.pk),
    )


def _why(error: Exception) -> str:
    is_cap = isinstance(error, DailyCapError) or "than its cap" in str(error)
    return "cap" if is_cap else repr(error)


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_who_loses_the_race_for_the_cap_is_told_of_the_cap(settings):
    settings.DAILY_POSTING_CAP = Decimal(100)
    make_user(Role.ADMINISTRATOR, username="ada", first_name="Ada", last_name="Boss")
    CostCentre.objects.create(code=CostCentre.UNALLOCATED, name="Unallocated")
    slow, quick = contract(), contract()
    posted, overtaken = threading.Event(), threading.Event()

    def wait(events, **_):
        """The slow one has posted and not committed as the quick one commits."""
        if threading.current_thread().name.startswith("slow"):
            posted.set()
            assert overtaken.wait(timeout=60)

    def lose():
        with closing(connection), pytest.raises(DailyCapError) as refused:
            once("60", of=slow)
        return str(refused.value)

    recorded.connect(wait)
    try:
        with ThreadPoolExecutor(1, "slow") as pool:
            loser = pool.submit(lose)
            assert posted.wait(timeout=60)
            once("60", of=quick)
            overtaken.set()
            told = loser.result()
    finally:
        recorded.disconnect(wait)

    assert told == (
        "At most £100.00 is billed or paid in a day. Others posted at the same moment,"
        " and today it is £60.00 by now: this would be too much. Post it tomorrow, or"
        " ask Ada Boss to raise the cap, the setting DAILY_POSTING_CAP."
    )
    assert [one.amount for one in LedgerEntry.objects.all()] == [60]


def test_surfaces_tell_of_the_cap_what_the_database_refuses_at_commit(settings):
    settings.DAILY_POSTING_CAP = Decimal(100)
    take_raw(100)
    with pytest.raises(IntegrityError) as refused:
        take_raw(1)

    answered = answer(refused.value, {"view": None})
    page = site.get_model_admin(Invoice).in_words(refused.value)

    assert answered.status_code == 409
    assert answered.data["detail"] == str(page)
    assert str(page).startswith("At most £100.00 is billed or paid in a day. Others")
