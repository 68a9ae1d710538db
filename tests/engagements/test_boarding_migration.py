"""The yes or no of a named worker becomes a grant, and back."""

from datetime import date, timedelta

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from engagements.choices import Role
from tests.factories import make_contract, make_user

BEFORE = [("engagements", "0004_documents"), ("tracker", "0004_exchange_rates")]
AFTER = [("engagements", "0005_boarding"), ("tracker", "0005_settlement")]
TICKED_ON = date(2026, 2, 1)


def migrate(targets: list[tuple[str, str]]):
    executor = MigrationExecutor(connection)
    executor.migrate(targets)
    return executor.loader.project_state(targets).apps


@pytest.mark.django_db(transaction=True)
def test_ticked_workers_and_paid_invoices_keep_what_they_said() -> None:
    latest = MigrationExecutor(connection).loader.graph.leaf_nodes()
    make_user(Role.ADMINISTRATOR)
    contract = make_contract()
    today = timezone.localdate()
    try:
        old = migrate(BEFORE)
        workers = old.get_model("engagements", "NamedWorker").objects
        for name, has_access, starts_on in (
            ("Ada", True, TICKED_ON),
            ("Ben", False, TICKED_ON),
            ("Cleo", True, today + timedelta(days=9)),
        ):
            workers.create(
                contract_id=contract.pk,
                full_name=name,
                has_access=has_access,
                starts_on=starts_on,
            )
        old.get_model("tracker", "Invoice").objects.create(
            vendor_id=contract.vendor_id,
            number="1",
            normalised_number="1",
            issued_on=TICKED_ON,
            currency="GBP",
            total=0,
            status="paid",
        )
        new = migrate(AFTER)
        grants = new.get_model("engagements", "AccessGrant").objects
        found = list(
            grants.order_by("pk").values_list(
                "named_worker__full_name", "system", "granted_on", "granted_by"
            )
        )
        paid_on = new.get_model("tracker", "Invoice").objects.get().paid_on
        back = migrate(BEFORE).get_model("engagements", "NamedWorker").objects
        ticked = list(back.order_by("pk").values_list("full_name", "has_access"))
    finally:
        migrate(latest)

    assert found == [
        ("Ada", "Our systems", TICKED_ON, None),
        ("Cleo", "Our systems", today, None),
    ]
    assert paid_on == today
    assert ticked == [("Ada", True), ("Ben", False), ("Cleo", True)]
