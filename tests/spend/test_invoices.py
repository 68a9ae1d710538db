"""Invoices from draft to paid, and what the services and the database refuse."""

from datetime import date, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
import time_machine
from django.core.exceptions import ValidationError
from django.db import DatabaseError, IntegrityError, connection, transaction

from engagements.choices import ChargeKind, Role
from engagements.errors import ConflictError, NotAllowedError, WrongStateError
from engagements.models import Event, ManagedContract, User
from engagements.values.periods import last_day_of_month
from tests.factories import begun, make_contract, make_user, make_vendor
from tests.spend.billing import bill, brought_to, make_invoice, make_line
from tracker.spend.models import (
    Invoice,
    InvoiceKind,
    InvoiceLine,
    InvoiceStatus,
    LedgerEntry,
)
from tracker.spend.models.invoice_guards import CallCreditedLines, remove_statements
from tracker.spend.services import (
    approve_invoice,
    change_draft,
    discard_draft,
    dispute_invoice,
    draft_invoice,
    mark_matched,
    post_invoice,
    receive_invoice,
    reopen_invoice,
    settle_invoice,
    verify_ledger,
)
from tracker.spend.services.invoice_states import STEPS

pytestmark = pytest.mark.django_db

TODAY = date(2026, 3, 31)


@pytest.fixture(autouse=True)
def _today():
    with time_machine.travel(f"{TODAY}T12:00Z", tick=False):
        yield


@pytest.fixture
def finance() -> User:
    return make_user(Role.FINANCE)


@pytest.fixture
def contract() -> ManagedContract:
    contract = make_contract()
    begun(contract)
    return contract


def make_draft(
    contract: ManagedContract, *amounts: str, actor: User | None = None, **fields
) -> Invoice:
    lines = [make_line(contract, amount) for amount in amounts or ("100",)]
    invoice = make_invoice(*lines, **fields)
    return draft_invoice(invoice=invoice, lines=lines, actor=actor)


def credit(invoice: Invoice, amount: str, **fields) -> Invoice:
    billed = invoice.lines.select_related("engagement").get()
    line = make_line(billed.engagement, amount, charge_kind=billed.charge_kind)
    values = {"kind": InvoiceKind.CREDIT_NOTE, "credits": invoice} | fields
    note = make_invoice(line, **values)
    return post_invoice(invoice=note, lines=[line], actor=None)


def test_a_draft_is_no_spend_until_it_is_received(contract, finance):
    draft = make_draft(contract, "60.25", "39.75", actor=finance)

    assert (draft.status, draft.received_by) == ("draft", finance)
    assert LedgerEntry.objects.count() == 0

    received = receive_invoice(invoice=draft, actor=finance)

    assert (received.status, received.received_on) == ("received", TODAY)
    assert [entry.amount for entry in LedgerEntry.objects.order_by("id")] == [
        Decimal("60.25"),
        Decimal("39.75"),
    ]
    assert verify_ledger().is_exact
    types = Event.objects.order_by("id").values_list("event_type", flat=True)
    assert list(types)[-3:] == [
        "invoice.drafted",
        "invoice.received",
        "engagement.invoiced",
    ]


def test_a_draft_may_miss_its_total_and_is_not_received_like_that(contract):
    draft = make_draft(contract, "60", total=Decimal(61))

    with pytest.raises(ValidationError, match="The lines sum to 60"):
        receive_invoice(invoice=draft, actor=None)

    assert Invoice.objects.get().status == "draft"
    assert LedgerEntry.objects.count() == 0


def test_a_draft_changes_with_its_lines(contract, finance):
    draft = make_draft(contract, "60", "40")
    first, second = draft.lines.all()
    first.amount = Decimal(75)
    draft.number, draft.total = "N-9", Decimal(80)

    change_draft(
        invoice=draft,
        lines=[first, make_line(contract, "5")],
        removed=[second],
        expected_version=1,
        actor=finance,
    )

    stored = Invoice.objects.get()
    assert (stored.number, stored.normalised_number, stored.version) == ("N-9", "n9", 2)
    assert list(stored.lines.values_list("number", "amount")) == [
        (1, Decimal(75)),
        (2, Decimal(5)),
    ]
    with pytest.raises(ConflictError):
        change_draft(invoice=stored, expected_version=1, actor=finance)


def test_what_is_received_changes_no_more(contract):
    invoice = receive_invoice(invoice=make_draft(contract), actor=None)

    for step in (change_draft, discard_draft, receive_invoice):
        with pytest.raises(WrongStateError, match="credit note"):
            step(invoice=invoice, actor=None)


def test_a_discarded_draft_leaves_an_event(contract, finance):
    draft = make_draft(contract, number="N-7")

    discard_draft(invoice=draft, actor=finance)

    assert (Invoice.objects.count(), InvoiceLine.objects.count()) == (0, 0)
    event = Event.objects.get(event_type="invoice.discarded")
    assert (event.actor, event.changes) == (finance, {"number": ["N-7", None]})


def test_an_invoice_goes_from_received_to_paid(contract, finance):
    invoice = receive_invoice(invoice=make_draft(contract), actor=None)

    mark_matched(invoice=invoice, actor=None)
    approve_invoice(invoice=invoice, actor=finance)
    paid = settle_invoice(invoice=invoice, paid_on=TODAY, actor=finance)

    assert (paid.status, paid.approved_by, paid.paid_by) == ("paid", finance, finance)
    types = Event.objects.filter(subject_type="invoice").order_by("id")
    assert list(types.values_list("event_type", flat=True)) == [
        "invoice.drafted",
        "invoice.received",
        "invoice.matched",
        "invoice.approved",
        "invoice.paid",
    ]


def test_a_dispute_withdraws_the_approval_and_can_be_taken_back(contract, finance):
    invoice = bill(contract, date(2026, 1, 1), status=InvoiceStatus.APPROVED)

    disputed = dispute_invoice(invoice=invoice, reason="  Too much ", actor=finance)

    assert (disputed.status, disputed.dispute) == ("disputed", "Too much")
    assert (disputed.approved_by, disputed.approved_at) == (None, None)
    reopened = reopen_invoice(invoice=invoice, actor=finance)
    assert (reopened.status, reopened.dispute) == ("received", "")


def test_a_dispute_says_why(contract, finance):
    invoice = bill(contract, date(2026, 1, 1))

    with pytest.raises(ValidationError, match="Say why"):
        dispute_invoice(invoice=invoice, reason=" ", actor=finance)


@pytest.mark.parametrize("status", sorted(InvoiceStatus))
def test_only_the_steps_of_the_table_are_taken(contract, finance, status):
    invoice = bill(contract, date(2026, 1, 1), status=status)
    services = {
        InvoiceStatus.MATCHED: lambda: mark_matched(invoice=invoice, actor=None),
        InvoiceStatus.DISPUTED: lambda: dispute_invoice(
            invoice=invoice, reason="No", actor=None
        ),
        InvoiceStatus.APPROVED: lambda: approve_invoice(invoice=invoice, actor=finance),
        InvoiceStatus.PAID: lambda: settle_invoice(
            invoice=invoice, paid_on=TODAY, actor=finance
        ),
    }

    for wanted in services.keys() - STEPS[status]:
        with pytest.raises(WrongStateError, match="can't become"):
            services[wanted]()

    assert Invoice.objects.get().status == status


@pytest.mark.parametrize("role", [Role.MANAGER, Role.HR_INTEGRATION, Role.AUDITOR])
def test_only_finance_and_administrators_approve(contract, role):
    invoice = bill(contract, date(2026, 1, 1), status=InvoiceStatus.MATCHED)

    with pytest.raises(NotAllowedError, match="Finance approves"):
        approve_invoice(invoice=invoice, actor=make_user(role))


def test_auditors_and_integrations_dispute_nothing(contract):
    invoice = bill(contract, date(2026, 1, 1))

    for role in (Role.AUDITOR, Role.HR_INTEGRATION):
        with pytest.raises(NotAllowedError, match="Managers and finance"):
            dispute_invoice(invoice=invoice, reason="No", actor=make_user(role))


@pytest.mark.parametrize("part", ["drafted", "changed", "received"])
def test_nobody_approves_what_they_had_a_hand_in(contract, part):
    maker = User.objects.create_superuser("root", password="a long enough password")
    others: dict[str, User | None] = dict.fromkeys(("drafted", "changed", "received"))
    others[part] = maker
    draft = make_draft(contract, actor=others["drafted"])
    draft.due_on = TODAY + timedelta(days=30)
    change_draft(invoice=draft, actor=others["changed"])
    receive_invoice(invoice=draft, actor=others["received"])
    mark_matched(invoice=draft, actor=None)

    with pytest.raises(NotAllowedError, match="Nobody approves"):
        approve_invoice(invoice=draft, actor=maker)


def test_the_database_refuses_the_recorders_approval(contract, finance):
    invoice = receive_invoice(invoice=make_draft(contract, actor=finance), actor=None)

    with (
        pytest.raises(IntegrityError, match="invoice_not_approved_by_recorder"),
        transaction.atomic(),
    ):
        Invoice.objects.filter(pk=invoice.pk).update(approved_by=finance)


@pytest.mark.parametrize("number", ["inv 0042", "#INV/0042", "\uff29nv_0042"])
def test_a_number_is_known_however_it_is_written(contract, number):
    make_draft(contract, number="INV-0042")
    same = make_invoice(make_line(contract), number=number)

    with pytest.raises(ValidationError, match="recorded already"):
        draft_invoice(invoice=same, lines=[], actor=None)


def test_another_vendor_may_use_the_same_number(contract):
    make_draft(contract, number="1")
    other = make_contract(vendor=make_vendor())

    make_draft(other, number="1")

    assert Invoice.objects.count() == 2


# --- credit notes --------------------------------------------------------------------


def test_credit_notes_take_back_what_is_left_and_no_more(contract):
    invoice = bill(contract, date(2026, 1, 1))
    credit(invoice, "-60")

    with pytest.raises(
        ValidationError, match=r"£40\.00 is left to credit, not £40\.01"
    ):
        credit(invoice, "-40.01")
    credit(invoice, "-40")

    assert sum(entry.amount for entry in LedgerEntry.objects.all()) == 0
    assert verify_ledger().is_exact


def test_a_fee_is_billed_anew_once_it_is_credited_in_full(contract):
    invoice = bill(contract, date(2026, 1, 1))
    credit(invoice, "-60")
    with pytest.raises(ValidationError, match="billed already"):
        bill(contract, date(2026, 1, 1))

    credit(invoice, "-40")
    bill(contract, date(2026, 1, 1), amount="90")

    with pytest.raises(ValidationError, match="billed already"):
        bill(contract, date(2026, 1, 1), amount="90")
    assert sum(entry.amount for entry in LedgerEntry.objects.all()) == 90
    assert verify_ledger().is_exact


def fees(contract: ManagedContract, *amounts: str) -> Invoice:
    """Post an invoice of a fee for each month from January on."""
    return post(*(fee(contract, month, each) for month, each in enumerate(amounts, 1)))


def fee(contract: ManagedContract, month: int, amount: str) -> InvoiceLine:
    first = date(2026, month, 1)
    period = {"period_from": first, "period_to": last_day_of_month(first)}
    return make_line(contract, amount, charge_kind=ChargeKind.RECURRING, **period)


def post(*lines: InvoiceLine, credits: Invoice | None = None) -> Invoice:
    kind = InvoiceKind.INVOICE if credits is None else InvoiceKind.CREDIT_NOTE
    invoice = make_invoice(*lines, kind=kind, credits=credits, issued_on=TODAY)
    return post_invoice(invoice=invoice, lines=lines, actor=None)


def credited_in_full() -> list[int]:
    rows = InvoiceLine.objects.filter(is_credited=True).order_by("number")
    return list(rows.values_list("number", flat=True))


def test_each_fee_of_an_invoice_is_credited_by_itself(contract):
    quarter = fees(contract, "100", "100", "100")

    post(fee(contract, 2, "-100"), credits=quarter)
    assert credited_in_full() == [2]

    post(fee(contract, 1, "-100"), fee(contract, 3, "-99.99"), credits=quarter)
    assert credited_in_full() == [1, 2]

    rest = make_line(contract, "-0.01", charge_kind=ChargeKind.CREDIT)
    post(rest, credits=quarter)
    assert credited_in_full() == [1, 2, 3]


def test_lines_stored_before_are_called_credited_by_the_migration(contract):
    quarter = fees(contract, "100", "100", "100")
    post(fee(contract, 2, "-100"), credits=quarter)
    with connection.cursor() as cursor:
        for statement in remove_statements(connection.vendor):
            cursor.execute(statement)
        cursor.execute("UPDATE tracker_invoiceline SET is_credited = false")
        editor: Any = SimpleNamespace(
            execute=lambda statement, params: cursor.execute(statement, params)
        )
        state: Any = None

        CallCreditedLines().database_forwards("tracker", editor, state, state)

    assert credited_in_full() == [2]


def test_a_line_of_one_engagement_is_credited_beside_those_of_another(contract):
    other = begun(make_contract(vendor=contract.vendor))
    tax = make_line(contract, "40", charge_kind=ChargeKind.TAX)
    both = post(fee(contract, 1, "100"), fee(other, 1, "100"), tax)

    back = make_line(contract, "-100", charge_kind=ChargeKind.CREDIT)
    post(back, credits=both)

    assert credited_in_full() == [1]


def test_a_note_takes_back_no_more_of_an_engagement_than_was_billed(contract):
    other = begun(make_contract(vendor=contract.vendor))
    tax = make_line(contract, "20", charge_kind=ChargeKind.TAX)
    both = post(fee(contract, 1, "100"), fee(other, 1, "900"), tax)
    post(fee(contract, 1, "-60"), credits=both)

    left = rf"for {contract.reference} £40\.00 is left to credit, not £41\.00"
    with pytest.raises(ValidationError, match=left):
        post(fee(contract, 1, "-41"), credits=both)
    back = make_line(other, "-21", charge_kind=ChargeKind.TAX)
    with pytest.raises(ValidationError, match=r"tax .* £20\.00 is left .* not £21\.00"):
        post(back, credits=both)
    # Tax may stand with either: it was billed once for both.
    post(
        fee(contract, 1, "-40"),
        fee(other, 1, "-900"),
        make_line(other, "-20", charge_kind=ChargeKind.TAX),
        credits=both,
    )

    assert credited_in_full() == [1, 2]
    assert sum(entry.amount for entry in LedgerEntry.objects.all()) == 0


def test_a_credit_note_names_an_invoice_of_the_vendor(contract):
    invoice = bill(contract, date(2026, 1, 1))
    note = credit(invoice, "-10")
    other = bill(make_contract(vendor=make_vendor()), date(2026, 1, 1))

    with pytest.raises(ValidationError, match="Say which invoice"):
        credit(invoice, "-1", credits=None)
    with pytest.raises(ValidationError, match="another vendor"):
        credit(invoice, "-1", credits=other)
    with pytest.raises(ValidationError, match="name the invoice itself"):
        credit(invoice, "-1", credits=note)
    with pytest.raises(ValidationError, match="a draft"):
        credit(invoice, "-1", credits=make_draft(contract))


def test_a_credit_note_is_for_what_its_invoice_billed(contract):
    invoice = bill(contract, date(2026, 1, 1))
    other = make_contract(vendor=contract.vendor)
    begun(other)
    line = make_line(other, "-10")
    note = make_invoice(line, kind=InvoiceKind.CREDIT_NOTE, credits=invoice)

    with pytest.raises(ValidationError, match="billed nothing"):
        post_invoice(invoice=note, lines=[line], actor=None)


def test_an_invoice_that_credits_another_is_refused(contract):
    invoice = bill(contract, date(2026, 1, 1))

    with pytest.raises(ValidationError, match="Only a credit note"):
        make_draft(contract, credits=invoice)


# --- what the database refuses -------------------------------------------------------

KEPT = "stays? as (it|they)"


def refused(match: str, sql: str) -> None:
    with (
        pytest.raises(DatabaseError, match=match),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(sql)


@pytest.mark.parametrize(
    "change",
    [
        "total = total + 1",
        "number = 'other'",
        "normalised_number = 'other'",
        "currency = 'USD'",
        "issued_on = '2020-01-01'",
        "received_on = '2020-01-01'",
        "due_on = '2020-01-01'",
        "kind = 'credit_note'",
        "vendor_id = vendor_id + 1",
        "source = 'api'",
        "status = 'draft'",
    ],
)
def test_the_database_keeps_the_header_of_what_is_posted(contract, change):
    bill(contract, date(2026, 1, 1))

    refused("stays as it is", f"UPDATE tracker_invoice SET {change}")


def test_the_database_keeps_the_lines_of_what_is_posted(contract):
    line = bill(contract, date(2026, 1, 1)).lines.get()
    draft = make_draft(contract)

    refused("stay as they are", "UPDATE tracker_invoiceline SET amount = 1")
    refused("stay as they are", "DELETE FROM tracker_invoiceline")
    for change in (
        lambda: InvoiceLine.objects.filter(pk=line.pk).update(description="x"),
        lambda: InvoiceLine.objects.bulk_update(
            [InvoiceLine(pk=line.pk, amount=Decimal(1))], ["amount"]
        ),
        lambda: draft.lines.update(invoice=line.invoice, number=2),
        lambda: InvoiceLine.objects.bulk_create(
            [make_line(contract, "1", invoice=line.invoice, number=2)]
        ),
        lambda: line.delete(),
    ):
        with pytest.raises(DatabaseError, match="stay as they"), transaction.atomic():
            change()


def test_the_database_believes_no_credit_without_a_note(contract):
    line = bill(contract, date(2026, 1, 1)).lines.get()
    draft = make_draft(contract)
    says = "credited in full by credit notes"

    refused(says, "UPDATE tracker_invoiceline SET is_credited = true")
    again = make_line(contract, "90", charge_kind="recurring", invoice=draft, number=2)
    again.is_credited = True
    with pytest.raises(DatabaseError, match=says), transaction.atomic():
        InvoiceLine.objects.bulk_create([again])

    credit(line.invoice, "-99.99")
    stored = InvoiceLine.objects.filter(pk=line.pk)
    with pytest.raises(DatabaseError, match=says), transaction.atomic():
        stored.update(is_credited=True)
    credit(line.invoice, "-0.01")
    assert stored.get().is_credited
    with pytest.raises(DatabaseError, match="stay as they"), transaction.atomic():
        stored.update(is_credited=False)


def test_the_database_refuses_a_second_fee_that_nobody_credited(contract):
    bill(contract, date(2026, 1, 1))
    draft = make_draft(contract)
    again = make_line(contract, "90", charge_kind="recurring", invoice=draft, number=2)

    with pytest.raises(IntegrityError), transaction.atomic():
        InvoiceLine.objects.bulk_create([again])


def test_the_database_keeps_what_is_posted_from_deletion(contract):
    bill(contract, date(2026, 1, 1))

    refused("stays as it is", "DELETE FROM tracker_invoice")


def test_the_database_has_every_invoice_begin_as_a_draft(contract):
    invoice = make_invoice(make_line(contract), status="received")
    invoice.normalised_number = "n"

    with pytest.raises(DatabaseError, match="begins as a draft"), transaction.atomic():
        Invoice.objects.bulk_create([invoice])


@pytest.mark.parametrize("amounts", [(), ("60", "39.99")])
def test_the_database_posts_nothing_whose_lines_miss_the_total(contract, amounts):
    lines = [make_line(contract, amount) for amount in amounts]
    invoice = make_invoice(make_line(contract, "100"))
    draft = draft_invoice(invoice=invoice, lines=lines, actor=None)

    with pytest.raises(DatabaseError, match="sum to its total"), transaction.atomic():
        Invoice.objects.filter(pk=draft.pk).update(status="received")


@pytest.mark.parametrize(
    ("constraint", "values"),
    [
        ("invoice_credit_note_names_invoice", {"kind": "credit_note"}),
        ("invoice_credit_note_negative", {"kind": "credit_note", "total": 1}),
        ("invoice_disputed_with_reason", {"status": "disputed", "dispute": ""}),
        ("invoice_status_known", {"status": "lost"}),
    ],
)
def test_the_database_refuses_what_no_invoice_is(contract, constraint, values):
    amount = "-100" if constraint.endswith("names_invoice") else "100"
    draft = make_draft(contract, amount)
    if constraint.endswith("names_invoice"):
        values = values | {"status": "received"}

    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        Invoice.objects.filter(pk=draft.pk).update(**values)


def test_tax_is_recorded_and_no_spend(contract):
    lines = [
        make_line(contract, "100"),
        make_line(contract, "20", charge_kind=ChargeKind.TAX),
    ]
    post_invoice(invoice=make_invoice(*lines), lines=lines, actor=None)

    found = verify_ledger()

    assert LedgerEntry.objects.count() == 2
    assert (found.is_exact, found.total, found.documents) == (True, Decimal(100), 2)


def test_a_step_meets_the_stored_status_not_the_one_in_hand(contract, finance):
    invoice = bill(contract, date(2026, 1, 1))
    stale = Invoice.objects.get()
    brought_to(invoice, InvoiceStatus.MATCHED)

    with pytest.raises(WrongStateError, match="is matched"):
        mark_matched(invoice=stale, actor=finance)
