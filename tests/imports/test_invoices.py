"""Files of invoices: gathered by vendor and number, taken whole, received once."""

import json
from contextlib import suppress
from datetime import UTC, date, datetime
from decimal import Decimal
from io import BytesIO
from pathlib import Path

import pytest
import time_machine
from django.core.management import call_command
from openpyxl import Workbook

from engagements.models import Event, ManagedContract
from tests.factories import (
    begun,
    make_assignment,
    make_contract,
    make_cost_centre,
    make_vendor,
)
from tests.spend.billing import bill
from tracker.imports.exports import template_of
from tracker.imports.invoice_lines import FIELDS
from tracker.spend.models import Budget, Invoice, InvoiceLine, LedgerEntry
from tracker.spend.services import set_budget, verify_ledger

D = Decimal
NOW = datetime(2026, 3, 31, 12, tzinfo=UTC)
HEADER = (
    "Vendor,Invoice number,Invoice date,Due date,Engagement,Charge,Description,"
    "Service from,Service to,Hours,Unit price,Amount"
)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def today():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def contract() -> ManagedContract:
    vendor = make_vendor(legal_name="Northwind IT Ltd", tax_id="GB 123 4567 89")
    contract = make_contract(vendor=vendor)
    begun(contract)
    return contract


@pytest.fixture
def bring_in(tmp_path, capsys):
    def run(*lines, options=(), path: Path | None = None):
        if path is None:
            path = tmp_path / "invoices.csv"
            path.write_text("\n".join(lines))
        # It ends the process with 1 where lines are refused; the report says which.
        with suppress(SystemExit):
            call_command("import_file", "invoices", str(path), "--json", *options)
        return json.loads(capsys.readouterr().out)

    return run


def row(contract, number="N-1", amount="100", **cells):
    values = {
        "vendor": contract.vendor.legal_name,
        "number": number,
        "issued": "2026-02-01",
        "due": "2026-03-03",
        "engagement": contract.reference,
        "charge": "one-off",
        "description": "",
        "from": "2026-01-01",
        "to": "2026-01-31",
        "hours": "",
        "price": "",
        "amount": amount,
    }
    return ",".join((values | cells).values())


def problems(report):
    return [(p["line"], p["field"], p["reason"]) for p in report["problems"]]


def test_lines_of_one_number_make_up_one_invoice(bring_in, contract):
    report = bring_in(
        HEADER,
        row(contract, "N-1", "1000", charge="recurring", description="Fee"),
        row(contract, "n 1", "60.50", charge="time", hours="1.1", price="55"),
        row(contract, "N-2", "5"),
        row(contract, "N-1", "39.50", charge="tax"),
    )
    assert problems(report) == []
    assert (report["read"], report["added"], report["invoices"]) == (4, 4, 2)
    invoice = Invoice.objects.get(normalised_number="n1")
    assert (invoice.status, invoice.source, invoice.total) == (
        "received",
        "file",
        D(1100),
    )
    assert (invoice.issued_on, invoice.due_on) == (date(2026, 2, 1), date(2026, 3, 3))
    lines = invoice.lines.values_list("number", "charge_kind", "hours", "amount")
    assert list(lines) == [
        (1, "recurring", None, D(1000)),
        (2, "time", D("1.1"), D("60.50")),
        (3, "tax", None, D("39.50")),
    ]
    assert sum(entry.amount for entry in LedgerEntry.objects.all()) == D(1105)
    assert verify_ledger().is_exact
    assert Event.objects.filter(event_type="invoice.received").count() == 2


@pytest.mark.parametrize(
    "name", ["northwind it limited", "GB123456789", "gb-1234 56789"]
)
def test_a_vendor_is_known_by_name_and_tax_id(bring_in, contract, name):
    report = bring_in(HEADER, row(contract, vendor=name))

    assert (problems(report), report["added"]) == ([], 1)


def test_lines_of_one_invoice_say_the_same_of_it(bring_in, contract):
    report = bring_in(
        HEADER,
        row(contract, "N-1", "10"),
        row(contract, "N-1", "20", due="2026-05-05"),
    )

    assert problems(report) == [
        (2, "number", "belongs to an invoice with a refused line"),
        (3, "due_on", "differs from line 2 of the same invoice"),
    ]


def test_the_same_file_again_adds_nothing(bring_in, contract):
    lines = [HEADER, row(contract), row(contract, "N-2", "7")]
    bring_in(*lines)

    again = bring_in(*lines)

    assert (again["new"], again["already_recorded"], again["refused"]) == (0, 2, 0)
    assert Invoice.objects.count() == 2


def test_another_amount_for_a_recorded_invoice_is_refused(bring_in, contract):
    bring_in(HEADER, row(contract))

    report = bring_in(HEADER, row(contract, amount="101"))

    assert problems(report) == [
        (
            2,
            "number",
            "is recorded already with 100.00 GBP and other lines or another day",
        )
    ]


def test_a_refused_line_holds_back_the_file_and_else_its_invoice(bring_in, contract):
    lines = [
        HEADER,
        row(contract, "N-1", "10"),
        row(contract, "N-1", "ten"),
        row(contract, "N-2", "20"),
        row(contract, "N-3", "30", engagement="MSC-99999"),
    ]
    expected = [
        (2, "number", "belongs to an invoice with a refused line"),
        (3, "amount", "is no amount that can be read"),
        (5, "engagement", "is no engagement"),
    ]

    whole = bring_in(*lines)

    assert (problems(whole), whole["added"]) == (expected, 0)
    assert (whole["read"], whole["accepted"], whole["refused"]) == (4, 1, 3)
    assert Invoice.objects.count() == 0

    in_part = bring_in(*lines, options=["--per-line"])

    assert (problems(in_part), in_part["added"]) == (expected, 1)
    assert Invoice.objects.get().number == "N-2"


def test_what_is_wrong_with_a_line_is_told(bring_in, contract):
    other = make_contract(vendor=make_vendor())
    begun(other)
    draft = make_contract(vendor=contract.vendor)
    cases = {
        "vendor": row(contract, "1", vendor="Nobody Ltd"),
        "issued_on": row(contract, "2", issued="2026-04-01"),
        "period_to": row(contract, "3", to="2025-12-31"),
        "engagement": row(contract, "4", engagement=other.reference),
        "charge": row(contract, "5", charge="magic"),
        "number": row(contract, " - "),
        "amount": row(contract, "7", "1.234"),
    }

    report = bring_in(HEADER, *cases.values())

    assert [p["field"] for p in report["problems"]] == list(cases)
    started = bring_in(HEADER, row(contract, "8", engagement=draft.reference))
    assert problems(started)[0][2] == ("is draft; invoices are for what has started")


def test_a_second_fee_for_a_period_is_refused(bring_in, contract):
    bill(contract, date(2026, 1, 1))

    report = bring_in(
        HEADER,
        row(contract, "A", charge="recurring"),
        row(contract, "B", charge="fee", **{"from": "2026-02-01", "to": "2026-02-28"}),
        row(contract, "C", charge="fee", **{"from": "2026-02-01", "to": "2026-02-28"}),
    )

    refused = "is a fee for a period that is billed already"
    assert problems(report) == [
        (2, "period_from", refused),
        (4, "period_from", refused),
    ]


def test_lines_tell_quantity_and_unit(bring_in, contract):
    report = bring_in(
        HEADER + ",Quantity,Unit",
        row(contract, "N-1", "120", charge="unit", price="2.5") + ",48,pieces",
        row(contract, "N-2", "600", charge="", price="300") + ",2,Days",
        row(contract, "N-3", "600") + ",2,weeks",
        options=("--per-line",),
    )

    assert problems(report) == [(4, "unit", "is no word known here")]
    lines = InvoiceLine.objects.order_by("id")
    assert list(lines.values_list("charge_kind", "quantity", "unit")) == [
        ("unit", D(48), "piece"),
        ("time", D(2), "day"),
    ]


def test_what_a_budget_warns_of_is_a_note_of_the_report(bring_in, contract):
    centre = make_cost_centre(code="IT", name="Technology")
    dear = begun(make_contract(vendor=contract.vendor, cost_shares={centre: D(100)}))
    budget = Budget(cost_centre=centre, year=2025)
    set_budget(budget=budget, amounts={date(2026, 1, 1): D(90)}, actor=None)

    report = bring_in(HEADER, row(dear, "N-1", "100"))

    assert report["notes"] == [
        "line 2: IT · Technology has a budget of £90.00 for April 2025 to March 2026."
        " £0.00 of it is spent; this spends £100.00, which is £10.00 too much. It is"
        " the first line that goes beyond."
    ]


CREDIT_HEADER = HEADER + ",Kind,Credits invoice,Total"


def credit(contract, number, of, amount, total=""):
    return f"{row(contract, number, amount)},credit note,{of},{total}"


def test_credit_notes_follow_their_invoice_in_the_same_file(bring_in, contract):
    report = bring_in(
        CREDIT_HEADER,
        credit(contract, "C-1", "N-1", "-60"),
        row(contract, "N-1", "100") + ",,,100",
        credit(contract, "C-2", "N-1", "-40"),
    )

    assert (problems(report), report["invoices"]) == ([], 3)
    notes = Invoice.objects.filter(kind="credit_note").values_list(
        "number", "credits__number", "total"
    )
    assert sorted(notes) == [("C-1", "N-1", D(-60)), ("C-2", "N-1", D(-40))]
    assert sum(entry.amount for entry in LedgerEntry.objects.all()) == 0


def test_a_fee_that_a_file_credits_is_billed_anew_by_it(bring_in, contract):
    bill(contract, date(2026, 1, 1), amount="1200", number="N-1")

    def fee(number, amount, end=",,"):
        return f"{row(contract, number, amount, charge='fee')},{end}"

    report = bring_in(
        CREDIT_HEADER,
        fee("N-2", "1000"),
        fee("C-1", "-1200", "credit note,N-1,"),
        fee("N-3", "900"),
        fee("C-2", "-950", "credit note,N-2,"),
        fee("C-3", "-50", "credit note,N-2,"),
        fee("N-4", "800"),
        options=("--per-line",),
    )

    # N-2 follows C-1; of N-3 and N-4, the first follows what credits N-2.
    refused = "is a fee for a period that is billed already"
    assert problems(report) == [(7, "period_from", refused)]
    standing = InvoiceLine.objects.filter(is_credited=False, amount__gt=0)
    assert [line.invoice.number for line in standing] == ["N-3"]
    assert sum(entry.amount for entry in LedgerEntry.objects.all()) == 900
    assert verify_ledger().is_exact


def test_a_note_takes_back_no_more_of_an_engagement_than_was_billed(bring_in, contract):
    other = begun(make_contract(vendor=contract.vendor))
    bring_in(HEADER, row(contract, "N-1", "100"), row(other, "N-1", "900"))

    report = bring_in(
        CREDIT_HEADER,
        credit(contract, "C-1", "N-1", "-60"),
        credit(other, "C-2", "N-1", "-800"),
        credit(contract, "C-2", "N-1", "-40.01"),
    )

    assert problems(report) == [
        (3, "number", "belongs to an invoice with a refused line"),
        (4, "amount", "takes back more of its engagement than the 40.0000 left of it"),
    ]


def test_credit_notes_that_take_too_much_are_refused(bring_in, contract):
    bring_in(HEADER, row(contract, "N-1", "100"))

    report = bring_in(
        CREDIT_HEADER,
        credit(contract, "C-1", "N-1", "-60"),
        credit(contract, "C-2", "N-1", "-40.01"),
        credit(contract, "C-3", "N-7", "-1"),
        credit(contract, "C-4", "N-1", "1"),
        credit(contract, "C-5", "", "-1"),
        credit(contract, "C-6", "N-1", "-1", total="-2"),
    )

    assert problems(report) == [
        (3, "amount", "takes back more than the 40.0000 that is left"),
        (4, "credits", "credits an invoice that is not recorded"),
        (5, "amount", "is on a credit note and not negative"),
        (6, "credits", "is blank"),
        (7, "total", "says -2.00, but the lines sum to -1.00"),
    ]


def test_a_workbook_is_read_like_a_text_file(bring_in, contract, tmp_path):
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(HEADER.split(","))
    sheet.append(
        [
            *(contract.vendor.legal_name, "N-1", date(2026, 2, 1), date(2026, 3, 3)),
            *(contract.reference, "one-off", "Boxes", date(2026, 1, 1)),
            *(date(2026, 1, 31), None, None, 99.95),
        ]
    )
    content = BytesIO()
    book.save(content)
    path = tmp_path / "invoices.xlsx"
    path.write_bytes(content.getvalue())

    report = bring_in(path=path)

    assert problems(report) == []
    assert InvoiceLine.objects.get().amount == D("99.95")


def test_time_lines_take_the_place_of_accrued_work(bring_in):
    assignment = make_assignment()
    begun(assignment)

    report = bring_in(HEADER, row(assignment, charge="time", hours="8", price="12.50"))

    assert problems(report) == []
    assert LedgerEntry.objects.get().charge_kind == "time"


def test_a_dry_run_stores_nothing(bring_in, contract):
    report = bring_in(HEADER, row(contract), options=["--dry-run"])

    assert (report["new"], report["added"], Invoice.objects.count()) == (1, 0, 0)


@pytest.mark.parametrize("file_format", ["csv", "xlsx"])
def test_the_template_names_every_column_and_its_example_is_passed_over(
    bring_in, contract, tmp_path, file_format
):
    path = tmp_path / f"template.{file_format}"
    path.write_bytes(template_of("invoices", file_format).read())

    report = bring_in(path=path)

    assert set(report["mapping"]) == {field.name for field in FIELDS}
    assert (report["read"], report["refused"]) == (0, 0)
    assert "line 2: the template's example, passed over" in report["notes"]
