"""Invoices by the API: drafted, received, and never changed after that."""

from datetime import date
from decimal import Decimal

import pytest
import time_machine

from engagements.choices import Role
from engagements.models import Contractor, Event, ManagedContract
from tests.api.callers import client_for, codes, put
from tests.api.test_schema import check
from tests.factories import (
    begun,
    make_contract,
    make_cost_centre,
    make_department,
    make_user,
)
from tests.spend.billing import bill, make_invoice, make_line
from tracker.api.scopes import SCOPES
from tracker.spend.models import Budget, Invoice, InvoiceLine, LedgerEntry
from tracker.spend.services import post_invoice, set_budget

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _today():
    with time_machine.travel("2026-03-31T12:00Z", tick=False):
        yield


@pytest.fixture
def contract() -> ManagedContract:
    contract = make_contract(external_id="E-1")
    begun(contract)
    return contract


def line(contract, amount="100.00", **fields):
    return {
        "engagement": {"id": str(contract.public_id)},
        "charge": "time",
        "service_from": "2026-01-01",
        "service_to": "2026-01-31",
        "amount": amount,
    } | fields


def body(contract, *lines, **fields):
    lines = lines or (line(contract),)
    return {
        "vendor": {"id": str(contract.vendor.public_id)},
        "number": "N-1",
        "issued_on": "2026-02-01",
        "due_on": "2026-03-03",
        "currency": "GBP",
        "total": str(sum(Decimal(one["amount"]) for one in lines)),
        "lines": list(lines),
    } | fields


def test_a_new_invoice_is_a_draft_until_it_is_received(api, contract, administrator):
    drafted = put(api, "invoices", "I-1", body(contract))
    assert (drafted.status_code, drafted.json()["status"]) == (201, "draft")
    assert LedgerEntry.objects.count() == 0

    received = put(api, "invoices", "I-1", body(contract, status="received"))
    repeated = put(api, "invoices", "I-1", body(contract, status="received"))

    assert [r.status_code for r in (received, repeated)] == [200, 200]
    assert received.content == repeated.content
    assert LedgerEntry.objects.get().amount == Decimal(100)
    invoice = Invoice.objects.get()
    assert (invoice.source, invoice.received_by) == ("api", administrator)
    assert drafted["Location"] == f"/api/v1/invoices/{invoice.public_id}"
    types = Event.objects.filter(subject_type="invoice").order_by("id")
    assert list(types.values_list("event_type", flat=True)) == [
        "invoice.drafted",
        "invoice.received",
    ]


def test_a_draft_is_replaced_whole(api, contract):
    put(api, "invoices", "I-1", body(contract, line(contract), line(contract, "5.00")))

    changed = put(
        api,
        "invoices",
        "I-1",
        body(contract, line(contract, "7.50", hours="1.5", unit_price="5")),
    ).json()

    assert changed["total"] == "7.5000"
    assert [
        (one["amount"], one["hours"], one["unit_price"]) for one in changed["lines"]
    ] == [("7.5000", "1.50", "5.0000")]


def test_what_is_received_stays_as_it_is(api, contract):
    put(api, "invoices", "I-1", body(contract, status="received"))

    other = put(api, "invoices", "I-1", body(contract, line(contract, "101")))
    back = put(api, "invoices", "I-1", body(contract, status="draft"))

    assert [r.status_code for r in (other, back)] == [409, 409]
    assert Invoice.objects.get().total == Decimal(100)


def test_lines_that_miss_the_total_are_not_received(api, contract):
    answer = put(api, "invoices", "I-1", body(contract, total="99", status="received"))

    assert (answer.status_code, codes(answer)) == (422, [("/total", "invalid")])
    assert Invoice.objects.count() == 0


def test_a_number_is_taken_once(api, contract):
    put(api, "invoices", "I-1", body(contract))

    answer = put(api, "invoices", "I-2", body(contract, number="n 1"))

    assert answer.status_code == 422
    assert "recorded already" in answer.json()["errors"][0]["detail"]


def test_a_credit_note_names_its_invoice(api, contract):
    put(api, "invoices", "I-1", body(contract, status="received"))
    note = body(
        contract,
        line(contract, "-40"),
        number="C-1",
        kind="credit_note",
        credits={"external_id": "I-1"},
        status="received",
    )

    answer = put(api, "invoices", "I-2", note)
    too_much = put(
        api,
        "invoices",
        "I-3",
        note | {"number": "C-2", "total": "-61", "lines": [line(contract, "-61")]},
    )

    assert answer.json()["credits"] == str(Invoice.objects.get(number="N-1").public_id)
    assert (too_much.status_code, codes(too_much)[0][0]) == (422, "/total")


def test_answers_fit_the_schema(api, contract):
    bill(contract, date(2026, 1, 1), external_id="I-9")

    check("InvoicePage", api.get("/api/v1/invoices").json())
    found = api.get("/api/v1/invoices/by-external-id/I-9")
    check("InvoiceRecord", found.json())
    again = api.get(
        "/api/v1/invoices/by-external-id/I-9", headers={"If-None-Match": found["ETag"]}
    )
    assert again.status_code == 304


def test_lists_are_filtered_by_status(api, contract):
    for month, status in ((1, "received"), (2, "matched"), (3, "disputed")):
        bill(contract, date(2026, month, 1), status=status)

    found = api.get("/api/v1/invoices?status=matched").json()["results"]

    assert [row["status"] for row in found] == ["matched"]


@pytest.mark.parametrize("rows", [1, 3])
def test_list_takes_as_many_queries_for_three_as_for_one(
    api, contract, rows, django_assert_num_queries
):
    for month in range(1, rows + 1):
        bill(contract, date(2026, month, 1))

    with django_assert_num_queries(8):
        api.get("/api/v1/invoices")


def test_a_manager_reads_own_lines_alone_and_no_total_of_others():
    person = make_user(Role.MANAGER)
    own = make_contract(manager=person)
    other = make_contract(vendor=own.vendor, department=make_department())
    for contract in (own, other):
        begun(contract)
    lines = [make_line(own, "40"), make_line(other, "60")]
    post_invoice(
        invoice=make_invoice(*lines, external_id="I-1"), lines=lines, actor=None
    )
    client = client_for(person, *SCOPES)

    found = client.get("/api/v1/invoices/by-external-id/I-1")
    written = put(client, "invoices", "I-1", body(own, number="N-7"))

    assert found.json()["total"] is None
    assert [row["amount"] for row in found.json()["lines"]] == ["40.0000"]
    assert other.reference not in found.content.decode()
    assert written.status_code == 409


def test_without_the_scope_there_is_no_money(administrator, contract):
    bill(contract, date(2026, 1, 1))
    client = client_for(administrator, "engagements:read", "vendors:write")

    assert client.get("/api/v1/invoices").status_code == 403


def test_what_a_budget_warns_of_is_answered_with_the_write_alone(api, contract):
    centre = make_cost_centre(code="IT", name="Technology")
    dear = begun(
        make_contract(vendor=contract.vendor, cost_shares={centre: Decimal(100)})
    )
    budget = Budget(cost_centre=centre, year=2025)
    set_budget(budget=budget, amounts={date(2026, 1, 1): Decimal(90)}, actor=None)

    drafted = put(api, "invoices", "I-1", body(dear))
    received = put(api, "invoices", "I-1", body(dear, status="received"))
    read = api.get("/api/v1/invoices/by-external-id/I-1")

    (warning,) = received.json()["warnings"]
    assert warning.endswith("this spends £100.00, which is £10.00 too much.")
    assert "warnings" not in drafted.json() | read.json()
    assert received["ETag"] == read["ETag"]


def test_a_line_tells_its_quantity_unit_and_contractor(api, contract):
    contractor = Contractor.objects.create(
        full_name="Ada", vendor=contract.vendor, external_id="W-1"
    )
    told = {"quantity": "2.5", "unit": "day", "contractor": {"external_id": "W-1"}}

    answer = put(api, "invoices", "I-1", body(contract, line(contract, **told)))
    refused = [
        put(api, "invoices", "I-2", body(contract, line(contract, **wrong)))
        for wrong in (
            {"contractor": {"external_id": "W-2"}},
            {"unit": "week"},
            {"quantity": "-1"},
            {"charge": "payment"},
        )
    ]

    (found,) = answer.json()["lines"]
    assert (Decimal(found["quantity"]), found["unit"]) == (Decimal("2.5"), "day")
    assert found["contractor"]["id"] == str(contractor.public_id)
    stored = InvoiceLine.objects.get()
    assert (stored.contractor, stored.quantity) == (contractor, Decimal("2.5"))
    assert [r.status_code for r in refused] == [422, 400, 400, 400]


def test_a_fee_is_credited_and_billed_anew(api, contract):
    def fee(known_as, number, amount, **fields):
        of_fee = line(contract, amount, charge="recurring")
        sent = body(contract, of_fee, number=number, status="received", **fields)
        return put(api, "invoices", known_as, sent)

    fee("I-1", "N-1", "120")
    too_early = fee("I-3", "N-2", "100")
    fee("I-2", "C-1", "-120", kind="credit_note", credits={"external_id": "I-1"})
    anew = fee("I-3", "N-2", "100")
    again = fee("I-4", "N-3", "100")

    assert [r.status_code for r in (too_early, anew, again)] == [422, 201, 422]
    assert "billed already" in again.json()["errors"][0]["detail"]
    assert sum(entry.amount for entry in LedgerEntry.objects.all()) == 100
