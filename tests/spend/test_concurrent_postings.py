"""Many writers at once: nothing lost, nothing locked, roll-ups equal the ledger.

LEDGER_WRITES says how many transactions each writer makes; 50 is the full proof.
"""

import os
import random
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import connection, transaction
from django.db.models import Sum

from engagements.choices import ChargeKind, Role
from engagements.models import CostCentre, Engagement
from engagements.services.terms import set_cost_split
from tests.factories import begun, make_contract, make_cost_centre, make_user
from tests.spend.test_ledger import pay
from tracker.spend.models import Basis, LedgerEntry, MonthlySpend, SourceType
from tracker.spend.queries import SpendWhere, spend_overview
from tracker.spend.services import (
    Posting,
    close_month,
    post,
    refresh_totals,
    reverse,
    verify_ledger,
)

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("nothing_hinders"),
]

WRITES = int(os.environ.get("LEDGER_WRITES", "8"))
ENGAGEMENTS = 4
DAYS = 90
POSTINGS = 6
JANUARY = date(2026, 1, 1)


def engagements() -> list[Engagement]:
    """Some with a split and some without, so that postings meet in cost centres."""
    found: list[Engagement] = [
        begun(make_contract(starts_on=JANUARY)) for _ in range(ENGAGEMENTS)
    ]
    CostCentre.objects.get_or_create(
        code=CostCentre.UNALLOCATED, defaults={"name": "Unallocated"}
    )
    first, second = make_cost_centre(), make_cost_centre()
    for engagement in found[::2]:
        set_cost_split(
            engagement=engagement,
            starts_on=JANUARY,
            shares={first: Decimal("33.33"), second: Decimal("66.67")},
            actor=None,
        )
    return found


class Writer:
    """Posts over the same engagements and months as the others, in another order."""

    def __init__(self, number: int, engagements: list[Engagement]) -> None:
        self.number = number
        self.engagements = engagements
        self.random = random.Random(number)
        self.posted = Decimal(0)

    def write(self) -> None:
        for turn in range(WRITES):
            entries = post([self._posting(turn, part) for part in range(POSTINGS)])
            amount = sum((entry.amount for entry in entries), Decimal(0))
            if turn % 3 == 2:
                self.random.shuffle(entries)
                reverse(entries)
            else:
                self.posted += amount

    def _posting(self, turn: int, part: int) -> Posting:
        return Posting(
            engagement=self.random.choice(self.engagements),
            day=JANUARY + timedelta(days=self.random.randrange(DAYS)),
            charge_kind=ChargeKind.ONE_OFF,
            basis=Basis.ACTUAL,
            amount=Decimal(self.random.randrange(1, 100_000)) / 100,
            source_type=SourceType.PAYMENT,
            source_id=self.number * 1_000_000 + turn * 1000 + part,
        )


def at_once(*works: Callable[[], object]) -> None:
    """Run each in a thread with a connection of its own; raise what one raises."""
    ready = threading.Barrier(len(works))

    def run(work: Callable[[], object]) -> None:
        with closing(connection):
            ready.wait(timeout=60)
            work()

    with ThreadPoolExecutor(len(works)) as pool:
        for done in [pool.submit(run, work) for work in works]:
            done.result()


def check_all_there(writers: list[Writer]) -> None:
    found = verify_ledger()
    # They post without documents.
    assert found.differences == len(found.unknown_sources)
    assert found.total == sum((writer.posted for writer in writers), Decimal(0))
    assert (
        LedgerEntry.objects.filter(reversal_of__isnull=True)
        .values("source_id")
        .distinct()
        .count()
        == len(writers) * POSTINGS * WRITES
    )


def test_six_writers_and_a_refresher_lose_nothing_and_never_deadlock():
    shared = engagements()
    writers = [Writer(number, shared) for number in range(1, 7)]
    stopped = threading.Event()

    def refresh() -> None:
        while not stopped.is_set():
            refresh_totals()
            stopped.wait(0.01)

    def write_all() -> None:
        try:
            at_once(*(writer.write for writer in writers))
        finally:
            stopped.set()

    at_once(write_all, refresh)

    check_all_there(writers)
    reader = make_user(Role.AUDITOR)
    for _ in ("as it is", "derived anew"):
        shown = spend_overview(reader, SpendWhere())
        assert sum(month.parts.total for month in shown.months) == sum(
            writer.posted for writer in writers
        )
        refresh_totals()


@pytest.mark.sqlite
def test_twenty_writers_of_sqlite_wait_for_one_another():
    shared = engagements()
    writers = [Writer(number, shared) for number in range(1, 21)]

    at_once(*(writer.write for writer in writers))

    check_all_there(writers)


def test_a_closing_waits_for_a_posting_that_is_under_way():
    contract, finance = make_contract(), make_user(Role.FINANCE)
    posted, closing_asked = threading.Event(), threading.Event()
    order: list[str] = []

    def slow_posting() -> None:
        with transaction.atomic():
            pay(contract, "10.00")
            posted.set()
            closing_asked.wait(timeout=30)
            # Long enough for a closing that didn't wait to be done.
            threading.Event().wait(0.3)
            order.append("posted")

    def closer() -> None:
        posted.wait(timeout=30)
        closing_asked.set()
        close_month(month=JANUARY, actor=finance)
        order.append("closed")

    at_once(slow_posting, closer)
    pay(contract, "5.00", key="late")

    assert order == ["posted", "closed"]
    months = MonthlySpend.objects.order_by("booked_month").values_list("booked_month")
    assert list(months.annotate(sum=Sum("amount"))) == [
        (JANUARY, Decimal(10)),
        (date(2026, 2, 1), Decimal(5)),
    ]
    assert verify_ledger().is_exact
