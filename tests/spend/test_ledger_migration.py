"""A ledger from before months were closed: each entry is booked where it belongs."""

from datetime import date

import pytest
from django.db import DatabaseError, connection, transaction
from django.db.migrations.executor import MigrationExecutor

from engagements.choices import Role
from engagements.models import CostCentre
from tests.factories import make_contract, make_user
from tests.spend.test_ledger import bill, pay
from tracker.spend.models import LedgerEntry, MonthlySpend, StaleMonth
from tracker.spend.services import close_month, verify_ledger

BEFORE = [("tracker", "0011_budgets")]
JANUARY = date(2026, 1, 1)


def migrate(targets: list[tuple[str, str]]) -> None:
    MigrationExecutor(connection).migrate(targets)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("nothing_hinders")
def test_entries_of_before_are_booked_in_their_month_of_service_and_kept_so() -> None:
    latest = MigrationExecutor(connection).loader.graph.leaf_nodes()
    contract = make_contract()
    CostCentre.objects.get_or_create(code=CostCentre.UNALLOCATED)
    pay(contract, "10.00")
    bill(contract, "20.00", period=(date(2026, 2, 1), date(2026, 2, 28)))
    try:
        migrate(BEFORE)
    finally:
        migrate(latest)

    for rows in (LedgerEntry.objects.all(), MonthlySpend.objects.all()):
        months = rows.order_by("month").values_list("month", "booked_month")
        assert list(months) == [(m, m) for m in (JANUARY, date(2026, 2, 1))]
    marked = StaleMonth.objects.values_list("booked_month", flat=True).distinct()
    assert sorted(marked) == [JANUARY, date(2026, 2, 1)]
    assert verify_ledger().is_exact
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        LedgerEntry.objects.update(day=JANUARY)
    close_month(month=JANUARY, actor=make_user(Role.FINANCE))
    pay(contract, "1.00", key="late")
    assert LedgerEntry.objects.latest("id").booked_month == date(2026, 2, 1)
