from datetime import date
from decimal import Decimal

import pytest

from tracker.imports.payment_keys import (
    Identity,
    SourceKeys,
    normalise_supplier_number,
    normalise_transaction_number,
)

PENNA = Identity(
    transaction_number="1031633-0",
    supplier_number="20016203",
    supplier_name="PENNA PLC",
    amount=Decimal("9585"),
    currency="GBP",
    paid_on=date(2016, 10, 4),
    unit="Assistant Chief Executive",
    category="D3411",
    description="",
)


def source_keys(identities):
    return list(SourceKeys(identities))


def like_penna(**changes):
    parts = {name: getattr(PENNA, name) for name in Identity._fields}
    return Identity(**(parts | changes))


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1031633 - 0", "1031633-0"),
        ("1031633_0", "1031633-0"),
        (" 336958.0 ", "336958"),
        ("INV/7 b", "inv-7-b"),
        ("None", ""),
        ("N/A", ""),
        ("-", ""),
        ("", ""),
    ],
)
def test_transaction_number_has_one_spelling(text, number):
    assert normalise_transaction_number(text) == number


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("20016203", "20016203"),
        ("20016203.0", "20016203"),
        ("20000019_46281587", "20000019"),
        ("A_B", "A_B"),
        ("n/a", ""),
    ],
)
def test_supplier_number_loses_what_was_put_behind_it(text, number):
    assert normalise_supplier_number(text, "46281587-1") == number


@pytest.mark.parametrize(
    "changes",
    [
        {"paid_on": None},
        {"paid_on": date(2016, 10, 5)},
        {"unit": "HR"},
        {"category": "Consultants Fees"},
        {"supplier_name": ""},
        {"amount": Decimal("9585.00")},
    ],
)
def test_numbered_payment_is_the_same_by_number_supplier_and_amount(changes):
    assert source_keys([like_penna(**changes)]) == source_keys([PENNA])


@pytest.mark.parametrize(
    "changes",
    [
        {"transaction_number": "1031633-1"},
        {"supplier_number": "7"},
        {"amount": Decimal("9585.01")},
        {"amount": Decimal("-9585")},
        {"currency": "EUR"},
    ],
)
def test_numbered_payment_is_another_by_number_supplier_or_amount(changes):
    assert source_keys([like_penna(**changes)]) != source_keys([PENNA])


def test_unnumbered_payment_is_the_same_by_its_content():
    plain = like_penna(transaction_number="")

    assert source_keys([like_penna(transaction_number="", unit="HR")]) != source_keys(
        [plain]
    )
    assert source_keys(
        [like_penna(transaction_number="", unit="ASSISTANT CHIEF EXECUTIVE")]
    ) == source_keys([plain])


def test_supplier_without_number_is_known_by_normalised_name():
    short = like_penna(supplier_number="", supplier_name="Acme Ltd.")
    long = like_penna(supplier_number="", supplier_name="ACME  LIMITED")

    assert source_keys([short]) == source_keys([long])


def test_equal_payments_of_one_file_get_keys_of_their_own():
    first = source_keys([PENNA, PENNA, PENNA])

    assert len(set(first)) == 3
    assert source_keys([PENNA]) == first[:1]
    assert {len(key) for key in first} == {64}


def test_key_is_found_among_its_own_only():
    keys = SourceKeys([PENNA, PENNA, like_penna(amount=Decimal(1))])
    other = SourceKeys([like_penna(amount=Decimal(2))])

    assert [key in keys for key in (*keys, *other)] == [True, True, True, False]
    assert [key in keys for key in ("demo-1", "", keys[0][:40])] == [False] * 3
    assert keys[1:] == [keys[1], keys[2]] == list(keys)[1:]
    assert list(SourceKeys([])) == []
