"""Rows stored by COPY are the rows that saving one by one would have stored."""

from datetime import date
from decimal import Decimal
from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction

from tests.factories import make_contract
from tracker.spend.insertion import insert_all
from tracker.spend.models import Payment

pytestmark = pytest.mark.django_db
ENOUGH_TO_COPY = 600


def payments(count, **fields):
    contract = make_contract()
    run = uuid4()
    values = {
        "engagement_id": contract.pk,
        "vendor_id": contract.vendor_id,
        "paid_on": date(2026, 2, 3),
        "currency": "GBP",
        "description": "Tab\there, “quotes”, a \\N and a\nsecond line",
        "source_file": "spend.csv",
        "source_run": run,
    } | fields
    return [
        Payment(
            amount=Decimal("-1.2345") * number,
            source_key=f"key-{number}",
            source_line=number,
            **values,
        )
        for number in range(1, count + 1)
    ]


@pytest.mark.parametrize("count", [1, ENOUGH_TO_COPY])
def test_rows_come_back_as_they_went_in(count):
    rows = insert_all(payments(count))

    stored = {payment.pk: payment for payment in Payment.objects.all()}
    assert len(stored) == count
    for row in rows:
        found = stored[row.pk]
        for field in Payment._meta.concrete_fields:
            assert getattr(found, field.attname) == getattr(row, field.attname)
    assert rows[-1].amount == Decimal("-1.2345") * count
    assert not rows[-1]._state.adding


@pytest.mark.parametrize("count", [2, ENOUGH_TO_COPY])
def test_one_refused_row_refuses_all(count):
    rows = payments(count)
    rows[-1].source_key = rows[0].source_key

    with pytest.raises(IntegrityError), transaction.atomic():
        insert_all(rows)

    assert not Payment.objects.exists()


def test_rows_stored_later_get_other_ids():
    first = insert_all(payments(ENOUGH_TO_COPY))
    [later] = payments(1)
    later.source_key = "another"

    insert_all([later])

    assert later.pk not in {payment.pk for payment in first}


def test_nothing_is_stored_of_nothing():
    assert insert_all([]) == []
