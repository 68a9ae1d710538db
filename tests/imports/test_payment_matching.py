from datetime import date
from decimal import Decimal

import pytest

from tracker.imports import payment_matching
from tracker.imports.payment_keys import SourceKeys
from tracker.imports.payment_lines import PaymentLine
from tracker.imports.payment_matching import Recorded, Verdict, match_payments

OCTOBER = date(2016, 10, 4)


@pytest.fixture(autouse=True, params=[1, 2, 5000])
def at_once(request, monkeypatch):
    """What is found doesn't hang on how many lines are looked up together."""
    monkeypatch.setattr(payment_matching, "_AT_ONCE", request.param)


def line(number=2, amount="100", **changes):
    fields = {
        "paid_on": OCTOBER,
        "is_undated": False,
        "currency": "GBP",
        "transaction_number": "77-0",
        "supplier_number": "2001",
        "supplier_name": "PENNA PLC",
        "unit": "HR",
        "category": "Consultants",
        "category_code": "",
        "description": "",
    }
    return PaymentLine(number=number, amount=Decimal(amount), **(fields | changes))


def recorded(line):
    (source_key,) = SourceKeys([line.identity()])
    return Recorded(
        source_key,
        line.transaction_number,
        line.supplier_number,
        line.supplier_name,
        line.amount,
        line.currency,
        line.paid_on,
        f"first.csv, line {line.number}",
    )


class Stored:
    def __init__(self, payments):
        self.payments = payments

    def by_key(self, keys):
        return [payment for payment in self.payments if payment.source_key in keys]

    def by_number(self, numbers):
        return [each for each in self.payments if each.transaction_number in numbers]


def match(lines, stored):
    keys = SourceKeys(line.identity() for line in lines)
    return match_payments(lines, keys, Stored(stored))


def numbers_of(matching, verdict):
    return [line.number for _position, line in matching.found(verdict)]


def matched(lines, stored):
    matching = match(lines, stored)
    return (
        numbers_of(matching, Verdict.NEW),
        numbers_of(matching, Verdict.RECORDED),
        [problem.line for problem in matching.problems],
    )


def test_payment_that_is_stored_is_recognised():
    assert matched([line(2), line(3, amount="5")], [recorded(line())]) == (
        [3],
        [2],
        [],
    )


def test_payment_is_recognised_when_one_file_lacked_the_supplier_number():
    stored = recorded(line(supplier_number="", supplier_name="Penna plc"))

    assert matched([line()], [stored]) == ([], [2], [])


def test_stored_payment_answers_for_one_line_only():
    stored = recorded(line(supplier_number=""))

    assert matched([line(2), line(3)], [stored]) == ([3], [2], [])


def test_other_amount_for_a_stored_transaction_is_refused_naming_it():
    matching = match([line(amount="120")], [recorded(line(9))])

    assert [problem.reason for problem in matching.problems] == [
        "contradicts transaction 77-0, recorded with 100.00 GBP from first.csv, line 9"
    ]
    assert numbers_of(matching, Verdict.NEW) == []


def test_further_line_of_a_transaction_in_its_own_file_is_a_payment():
    stored = [recorded(line())]

    assert matched([line(2), line(3, amount="20")], stored) == ([3], [2], [])


def test_same_number_on_another_day_or_of_another_supplier_is_a_payment():
    stored = [recorded(line())]

    later = line(amount="5", paid_on=date(2016, 11, 1))
    other = line(amount="5", supplier_number="9", supplier_name="REED")
    assert matched([later], stored) == ([2], [], [])
    assert matched([other], stored) == ([2], [], [])


def test_other_date_of_a_stored_payment_is_told():
    stored = [recorded(line(9))]

    matching = match([line(paid_on=date(2016, 10, 5))], stored)

    assert [str(note) for note in matching.notes] == [
        "line 2: recorded already from first.csv, line 9, there dated 2016-10-04, here"
        " 2016-10-05; the date recorded first stays"
    ]


def test_undated_line_says_nothing_of_the_date():
    stored = [recorded(line())]
    undated = line(paid_on=date(2016, 6, 1), is_undated=True)

    assert match([undated], stored).notes == []
