"""Invoices are compared when they come, and what doesn't fit has a life of its own."""

from datetime import date
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from engagements.choices import Role
from engagements.errors import NotAllowedError, WrongStateError
from engagements.models import Event, FeeTerm
from engagements.services.bulk import Mode
from engagements.services.terms import amend_fee
from tests.factories import begun, make_assignment, make_contract, make_user
from tests.spend.bills import bill_lines, credit_note, fee, time
from tracker.performance.models import Credit, CreditState
from tracker.spend.models import (
    ExceptionState,
    Invoice,
    InvoiceStatus,
    MatchException,
    Resolution,
    Saving,
    SavingKind,
    SavingStatus,
    Timesheet,
    TimesheetStatus,
    WorkLog,
)
from tracker.spend.services import (
    bring_savings_up,
    dispute_invoice,
    draft_invoice,
    match_invoices,
    match_open,
    match_received,
    receive_invoice,
    resolve_exception,
    resolve_exceptions,
)
from tracker.spend.services.gathering import gather

pytestmark = pytest.mark.django_db

MARCH = date(2026, 3, 1)
APRIL = date(2026, 4, 1)


@pytest.fixture
def finance():
    return make_user(Role.FINANCE)


@pytest.fixture
def recorder():
    return make_user(Role.FINANCE)


@pytest.fixture
def contract():
    return begun(make_contract())


def found_on(invoice):
    rows = MatchException.objects.filter(invoice=invoice, state=ExceptionState.OPEN)
    return sorted(rows.values_list("code", "expected", "found", "amount"))


def status_of(invoice):
    return Invoice.objects.get(pk=invoice.pk).status


def test_invoice_as_agreed_is_matched(contract):
    invoice = bill_lines(fee(contract, "10000"))

    match_received()

    assert status_of(invoice) == InvoiceStatus.MATCHED
    assert not MatchException.objects.exists()


def test_fee_above_the_terms_is_disputed_to_the_cent(contract):
    invoice = bill_lines(fee(contract, "10123.45"))

    match_received()

    assert found_on(invoice) == [
        ("fee_mismatch", "10000", "10123.45", Decimal("123.45"))
    ]
    stored = Invoice.objects.get(pk=invoice.pk)
    assert stored.status == InvoiceStatus.DISPUTED
    assert stored.dispute == "1 exception, £123.45 at stake: Fee mismatch."


def test_matching_again_changes_nothing(contract):
    bill_lines(fee(contract, "10123.45"))
    match_received()
    before = list(MatchException.objects.values_list("pk", "found_at"))
    events = Event.objects.count()

    match_open()

    assert list(MatchException.objects.values_list("pk", "found_at")) == before
    assert Event.objects.count() == events


def test_terms_that_were_recorded_late_clear_the_exception(contract):
    invoice = bill_lines(fee(contract, "12000"))
    match_received()
    term = FeeTerm(contract=contract, starts_on=MARCH, monthly_fee=Decimal(12_000))
    amend_fee(term=term, actor=None)

    match_open()

    assert status_of(invoice) == InvoiceStatus.MATCHED
    exception = MatchException.objects.get()
    assert exception.state == ExceptionState.RESOLVED
    assert exception.resolution == Resolution.CLEARED
    assert exception.resolved_by is None


def test_figures_that_moved_make_a_new_exception(contract):
    invoice = bill_lines(fee(contract, "12000"))
    match_received()
    term = FeeTerm(contract=contract, starts_on=MARCH, monthly_fee=Decimal(11_000))
    amend_fee(term=term, actor=None)

    match_open()

    assert found_on(invoice) == [("fee_mismatch", "11000", "12000", Decimal(1_000))]
    assert MatchException.objects.count() == 2


def test_what_a_person_resolved_stays_resolved(contract, finance):
    invoice = bill_lines(fee(contract, "10100"))
    match_received()
    resolve_exception(
        exception=MatchException.objects.get(),
        resolution=Resolution.ACCEPTED,
        reason="Agreed by phone",
        actor=finance,
    )
    assert status_of(invoice) == InvoiceStatus.MATCHED

    match_open()

    assert status_of(invoice) == InvoiceStatus.MATCHED
    assert MatchException.objects.count() == 1


def test_more_at_stake_than_was_resolved_is_told_anew(contract, finance):
    invoice = bill_lines(fee(contract, "10100"))
    match_received()
    resolve_exception(
        exception=MatchException.objects.get(),
        resolution=Resolution.ACCEPTED,
        reason="Agreed by phone",
        actor=finance,
    )
    FeeTerm.objects.filter(contract=contract).update(monthly_fee=Decimal(9_000))

    match_open()

    assert found_on(invoice) == [("fee_mismatch", "9000", "10100", Decimal(1_100))]
    assert status_of(invoice) == InvoiceStatus.DISPUTED


def test_dispute_of_a_person_is_theirs_to_take_back(contract, finance):
    invoice = bill_lines(fee(contract, "10000"))
    dispute_invoice(invoice=invoice, reason="Never delivered", actor=finance)

    match_open()

    assert status_of(invoice) == InvoiceStatus.DISPUTED


def test_approved_and_paid_invoices_are_left(contract):
    invoice = bill_lines(fee(contract, "10500"))
    Invoice.objects.filter(pk=invoice.pk).update(status=InvoiceStatus.APPROVED)

    match_invoices(ids=[invoice.pk], actor=None)

    assert not MatchException.objects.exists()


def test_recorder_does_not_let_the_money_go(contract, recorder, finance):
    bill_lines(fee(contract, "10100"), received_by=recorder)
    match_received()
    exception = MatchException.objects.get()

    for resolution in (Resolution.ACCEPTED, Resolution.NOT_AN_ERROR):
        with pytest.raises(NotAllowedError):
            resolve_exception(
                exception=exception,
                resolution=resolution,
                reason="Fine",
                actor=recorder,
            )
    resolve_exception(
        exception=exception,
        resolution=Resolution.CREDIT_NOTE_REQUESTED,
        reason="Asked for it",
        actor=recorder,
    )

    assert MatchException.objects.get().state == ExceptionState.RESOLVED


def test_who_changed_the_invoice_does_not_let_the_money_go(contract, recorder, finance):
    lines = [fee(contract, "10100")]
    invoice = Invoice(
        vendor=contract.vendor,
        number="N-1",
        issued_on=date(2026, 3, 31),
        currency=contract.currency,
        total=lines[0].amount,
    )
    draft = draft_invoice(invoice=invoice, lines=lines, actor=finance)
    receive_invoice(invoice=draft, actor=recorder)
    match_received()

    for maker in (finance, recorder):
        with pytest.raises(NotAllowedError):
            resolve_exception(
                exception=MatchException.objects.get(),
                resolution=Resolution.ACCEPTED,
                reason="Fine",
                actor=maker,
            )

    assert MatchException.objects.get().state == ExceptionState.OPEN


@pytest.mark.parametrize(
    ("resolution", "reason", "field"),
    [
        (Resolution.CLEARED, "Why", "resolution"),
        ("paid", "Why", "resolution"),
        (Resolution.ACCEPTED, "  ", "reason"),
    ],
)
def test_resolution_names_how_and_why(contract, finance, resolution, reason, field):
    bill_lines(fee(contract, "10100"))
    match_received()

    with pytest.raises(ValidationError) as refusal:
        resolve_exception(
            exception=MatchException.objects.get(),
            resolution=resolution,
            reason=reason,
            actor=finance,
        )

    assert list(refusal.value.message_dict) == [field]


def test_exception_is_resolved_once(contract, finance):
    bill_lines(fee(contract, "10100"))
    match_received()
    once = {
        "exception": MatchException.objects.get(),
        "resolution": Resolution.ACCEPTED,
        "reason": "Agreed",
        "actor": finance,
    }
    resolve_exception(**once)

    with pytest.raises(WrongStateError):
        resolve_exception(**once)


def test_many_are_resolved_together_or_not_at_all(contract, recorder, finance):
    bill_lines(fee(contract, "10100"), received_by=recorder)
    bill_lines(fee(contract, "10200", APRIL), received_by=finance)
    match_received()
    rows = list(MatchException.objects.all())

    outcomes = resolve_exceptions(
        exceptions=rows,
        resolution=Resolution.ACCEPTED,
        reason="Agreed",
        mode=Mode.ALL_OR_NOTHING,
        actor=finance,
    )

    assert sorted(bool(one.refusal) for one in outcomes) == [False, True]
    assert MatchException.objects.filter(state=ExceptionState.OPEN).count() == 2


def test_many_are_resolved_in_the_order_in_which_the_match_locks(contract, finance):
    for month in (date(2026, 1, 1), date(2026, 2, 1)):
        bill_lines(fee(contract, "10100", month))
    match_received()
    first, second = MatchException.objects.order_by("invoice_id")
    # As where the earlier invoice's exception was found later.
    later = MatchException.objects.create(
        **{
            field.attname: getattr(first, field.attname)
            for field in MatchException._meta.concrete_fields
            if not field.primary_key and field.name not in ("code", "public_id")
        },
        code="period_gap",
    )

    resolve_exceptions(
        exceptions=[second, later, first],
        resolution=Resolution.NOT_AN_ERROR,
        reason="Agreed",
        mode=Mode.ALL_OR_NOTHING,
        actor=finance,
    )

    told = Event.objects.filter(event_type="invoice.exception_resolved").order_by("id")
    assert list(told.values_list("subject_id", flat=True)) == [
        first.invoice_id,
        first.invoice_id,
        second.invoice_id,
    ]


def test_time_is_held_against_approved_hours(contract):
    person = begun(make_assignment(vendor=contract.vendor))
    sheet = Timesheet.objects.create(
        engagement=person,
        contractor=person.contractor,
        starts_on=MARCH,
        ends_on=date(2026, 3, 31),
        cadence="month",
        submitted_at=timezone.now(),
    )
    work = [
        WorkLog(
            engagement=person,
            contractor=person.contractor,
            timesheet=sheet,
            worked_on=date(2026, 3, day),
            hours=Decimal("7.5"),
        )
        for day in (2, 3)
    ]
    WorkLog.objects.bulk_create(work)
    Timesheet.objects.update(status=TimesheetStatus.APPROVED)
    invoice = bill_lines(time(person, "1200", "15"))

    match_received()
    assert status_of(invoice) == InvoiceStatus.MATCHED

    Timesheet.objects.update(status=TimesheetStatus.REJECTED, reason="Wrong week")
    match_open()
    assert found_on(invoice) == [("hours_above_approved", "0", "15", Decimal(1_200))]


def test_credit_that_was_agreed_is_expected_on_the_next_invoice(contract):
    Credit.objects.create(
        engagement=contract,
        window_from=date(2026, 2, 1),
        window_to=date(2026, 2, 28),
        scheme="flat",
        amount=Decimal(250),
        agreed_amount=Decimal(200),
        state=CreditState.AGREED,
        state_since=date(2026, 3, 10),
    )
    invoice = bill_lines(fee(contract, "10000"))

    match_received()

    assert found_on(invoice) == [("credit_not_applied", "200", "0", Decimal(200))]


def test_invoice_credited_in_full_is_no_duplicate(contract):
    first = bill_lines(fee(contract, "10000"))
    credit_note(first, "-10000")
    # The database lets a fee be billed once per period: the second names other days.
    again = bill_lines(fee(contract, "9677.42", MARCH, date(2026, 3, 30)))

    match_received()

    assert status_of(again) == InvoiceStatus.MATCHED


def test_overlap_with_what_was_billed_is_told(contract):
    bill_lines(fee(contract, "10000"))
    again = bill_lines(fee(contract, "9677.42", MARCH, date(2026, 3, 30)))

    match_received()

    assert found_on(again) == [
        ("period_overlap", "2026-04-01", "2026-03-01", Decimal("9677.42"))
    ]


@pytest.mark.parametrize("count", [1, 3])
def test_gathering_takes_the_same_queries_for_any_number_of_invoices(count):
    invoices = []
    for _n in range(count):
        contract = begun(make_contract())
        invoices.append(bill_lines(fee(contract, "10000")))

    with CaptureQueriesContext(connection) as queries:
        gather(invoices)

    assert len(queries) == 11


# --- what is taken back ------------------------------------------------------------


def test_credit_note_realises_what_was_claimed(contract, finance):
    invoice = bill_lines(fee(contract, "10123.45"))
    match_received()
    resolve_exception(
        exception=MatchException.objects.get(),
        resolution=Resolution.CREDIT_NOTE_REQUESTED,
        reason="They billed the new fee a month early",
        actor=finance,
    )
    saving = Saving.objects.with_realised().get()
    assert (saving.kind, saving.claimed_amount, saving.realised) == (
        SavingKind.RECOVERED,
        Decimal("123.45"),
        Decimal(0),
    )
    credit_note(invoice, "-123.45")

    bring_savings_up()
    bring_savings_up()

    saving = Saving.objects.with_realised().get()
    assert (saving.status, saving.realised) == (
        SavingStatus.REALISED,
        Decimal("123.45"),
    )


# --- what the database refuses -----------------------------------------------------


@pytest.fixture
def exception(contract, recorder):
    bill_lines(fee(contract, "10100"), received_by=recorder)
    match_received()
    return MatchException.objects.get()


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("exception_code_known", {"code": "odd"}),
        ("exception_currency_code", {"currency": "GB"}),
        ("exception_amount_not_negative", {"amount": Decimal(-1)}),
        # The other one refuses it too; which is asked first is the database's.
        ("exception_(state_known|resolved_with_reason)", {"state": "odd"}),
        ("exception_resolution_known", {"resolution": "odd"}),
        ("exception_resolved_with_reason", {"reason": ""}),
        (
            "exception_money_not_let_go_by_recorder",
            {"resolution": "accepted", "resolved_by": "recorder"},
        ),
        (
            "exception_money_not_let_go_by_recorder",
            {"resolution": "not_an_error", "resolved_by": None},
        ),
    ],
)
def test_database_refuses_an_exception_that_can_not_be(
    exception, recorder, name, values
):
    row = MatchException(
        invoice=exception.invoice,
        line=exception.line,
        engagement=exception.engagement,
        code="duplicate",
        currency="GBP",
        amount=Decimal(5),
        found_at=exception.found_at,
        state="resolved",
        resolution="corrected",
        reason="So",
        resolved_at=exception.found_at,
        recorded_by=recorder,
    )
    for field, value in values.items():
        setattr(row, field, recorder if value == "recorder" else value)

    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        MatchException.objects.bulk_create([row])


def test_database_refuses_a_second_open_exception_of_a_line(exception):
    with pytest.raises(IntegrityError), transaction.atomic():
        MatchException.objects.bulk_create(
            [
                MatchException(
                    invoice=exception.invoice,
                    line=exception.line,
                    engagement=exception.engagement,
                    code=exception.code,
                    currency="GBP",
                    found_at=exception.found_at,
                )
            ]
        )


def test_database_refuses_a_second_open_exception_of_an_invoice(exception):
    rows = [
        MatchException(
            invoice=exception.invoice,
            engagement=exception.engagement,
            code="arithmetic",
            currency="GBP",
            found_at=exception.found_at,
        )
        for _n in range(2)
    ]

    with pytest.raises(IntegrityError), transaction.atomic():
        MatchException.objects.bulk_create(rows)


def test_database_keeps_what_was_resolved(exception, finance):
    resolve_exception(
        exception=exception, resolution="corrected", reason="So", actor=finance
    )
    rows = MatchException.objects.filter(pk=exception.pk)

    for change in ({"amount": Decimal(1)}, {"reason": "Other"}, {"state": "open"}):
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            rows.update(**change)
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        rows._raw_delete(rows.db)
