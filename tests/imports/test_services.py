"""Files of payments on their way into the ledger."""

from datetime import date
from decimal import Decimal

import pytest
from django.core.files.base import ContentFile
from django.db import IntegrityError
from django.db.models import Sum

from engagements.choices import Kind, Origin, Role, Standing, Status
from engagements.errors import ConflictError, WrongStateError
from engagements.models import (
    Assignment,
    Department,
    Engagement,
    Event,
    ManagedContract,
    Vendor,
)
from tests.factories import (
    begun,
    make_assignment,
    make_contract,
    make_department,
    make_user,
    make_vendor,
)
from tests.spend.billing import brought_to, make_invoice, make_line
from tracker.imports import payment_posting, services
from tracker.imports.models import ImportProblem, ImportRun, RunState
from tracker.imports.problems import MappingError, OptionError, UnreadableFileError
from tracker.spend.models import (
    Invoice,
    InvoiceStatus,
    LedgerEntry,
    MonthlySpend,
    Payment,
)
from tracker.spend.services import post_invoice, verify_ledger

pytestmark = pytest.mark.django_db

HEADER = (
    "Paid Date,Amount,Supplier Name,Supplier ID,Trans No,Service Area,"
    "Expenditure Category,Expenditure Code\n"
)
FIRST = (
    "04/10/2016,9585.00,PENNA PLC      ,2001,1031633 - 0,HR,Consultants Fees,D3411\n"
)
SECOND = "22/11/2016,1579.43,REED LTD,2002,46291777 - 11,Law,Temporary Staff,A0108\n"
BAD = "soon,1,REED LTD,2002,9 - 9,Law,Temporary Staff,A0108\n"


@pytest.fixture
def bring_in(tmp_path):
    def run(*rows, name="spend.csv", dry=False, per_line=False, actor=None, **options):
        path = tmp_path / name
        path.write_text(HEADER + "".join(rows))
        new = services.new_run(
            kind_name="payments",
            file_name=name,
            corrections={},
            options=options,
            is_per_line=per_line,
        )
        if dry:
            return services.check_file(run=new, path=path)
        return services.apply_file(run=new, path=path, actor=actor)

    return run


def counts():
    return (
        Payment.objects.count(),
        LedgerEntry.objects.count(),
        Vendor.objects.count(),
        Engagement.objects.count(),
        Department.objects.count(),
    )


def test_payments_become_spend_that_leads_back_to_file_and_line(bring_in):
    report = bring_in(FIRST, SECOND)

    assert (report.read, report.accepted, report.added, report.refused) == (2, 2, 2, 0)
    assert report.accepted_total == Decimal("11164.43")
    payment = Payment.objects.get(source_line=2)
    entry = LedgerEntry.objects.get(source_type="payment", source_id=payment.pk)
    run = ImportRun.objects.get()
    assert (payment.source_file, payment.source_run) == ("spend.csv", run.public_id)
    assert (entry.amount, entry.day) == (Decimal("9585"), date(2016, 10, 4))
    assert MonthlySpend.objects.aggregate(sum=Sum("amount"))["sum"] == Decimal(
        "11164.43"
    )


def test_engagement_is_made_per_vendor_unit_and_category_as_an_imported_draft(bring_in):
    other_unit = FIRST.replace("HR", "Law").replace("1031633", "1031634")
    same = FIRST.replace("04/10", "01/09").replace("1031633", "1031635")

    bring_in(FIRST, other_unit, same, SECOND)

    contract = ManagedContract.objects.get(department__name="HR")
    assert contract.vendor.legal_name == "PENNA PLC"
    assert contract.title == "Consultants Fees · HR"
    assert (contract.status, contract.origin) == (Status.DRAFT, Origin.IMPORTED)
    assert contract.starts_on == contract.term_starts_on == date(2016, 9, 1)
    assert contract.reference == f"MSC-{contract.pk:05d}"
    assert contract.payments.count() == 2
    assert ManagedContract.objects.count() == 2
    assignment = Assignment.objects.get()
    assert assignment.reference == f"AUG-{assignment.pk:05d}"
    assert assignment.planned_weekly_hours == Decimal("37.5")


def test_import_tells_of_all_that_it_made(bring_in):
    actor = make_user(Role.FINANCE)

    bring_in(FIRST, actor=actor)

    told = Event.objects.order_by("id").values_list("event_type", "actor")
    assert list(told) == [
        ("vendor.registered", actor.pk),
        ("department.created", actor.pk),
        ("engagement.logged", actor.pk),
        ("engagement.payments_posted", actor.pk),
        ("import.applied", actor.pk),
    ]


def test_file_imported_again_adds_nothing(bring_in):
    bring_in(FIRST, SECOND)
    before = counts()

    report = bring_in(FIRST, SECOND, name="copy.csv")

    assert (report.accepted, report.already_recorded, report.added) == (2, 2, 0)
    assert counts() == before


def test_one_refused_line_keeps_all_out(bring_in):
    report = bring_in(FIRST, BAD, SECOND)

    assert (report.read, report.accepted, report.refused) == (3, 2, 1)
    assert (report.is_applied, report.added) == (False, 0)
    assert counts() == (0, 0, 0, 0, 0)
    run = ImportRun.objects.get()
    assert (run.state, run.added) == (RunState.REFUSED, 0)
    assert list(run.problems.values_list("line", "field", "reason", "raw")) == [
        (3, "paid_on", "is no date that can be read", "soon")
    ]


def test_per_line_applies_what_is_accepted(bring_in):
    report = bring_in(FIRST, BAD, SECOND, per_line=True)

    assert (report.read, report.accepted, report.refused) == (3, 2, 1)
    assert report.added == 2 == Payment.objects.count()
    assert ImportProblem.objects.count() == 1


def test_dry_run_stores_nothing_and_tells_what_it_would(bring_in):
    report = bring_in(FIRST, SECOND, dry=True)

    assert (report.new, report.added, report.vendors_created) == (2, 0, 2)
    assert (report.engagements_created, report.departments_created) == (2, 2)
    assert counts() == (0, 0, 0, 0, 0)
    assert ImportRun.objects.count() == 0


def test_supplier_is_matched_by_normalised_name(bring_in):
    vendor = make_vendor(legal_name="Penna Public Limited Company")

    report = bring_in(FIRST)

    assert report.vendors_created == 0
    assert Payment.objects.get().vendor == vendor


def test_unit_is_matched_to_the_department_of_that_name(bring_in):
    department = make_department(name="  Leisure, Parks & Communities")

    report = bring_in(FIRST.replace("HR", "Leisure  Parks and Communities"))

    assert report.departments_created == 0
    assert Engagement.objects.get().department == department


def test_payment_goes_to_the_one_engagement_that_a_person_logged(bring_in):
    contract = make_contract(
        vendor=make_vendor(legal_name="Penna PLC"),
        department=make_department(name="HR"),
        starts_on=date(2016, 1, 1),
    )

    report = bring_in(FIRST)

    assert report.engagements_created == 0
    assert Payment.objects.get().engagement_id == contract.pk


def test_payment_goes_to_a_running_engagement_that_a_file_of_engagements_told(bring_in):
    contract = make_contract(
        vendor=make_vendor(legal_name="Penna PLC"),
        department=make_department(name="HR"),
        starts_on=date(2016, 1, 1),
        origin=Origin.IMPORTED,
        status=Status.ACTIVE,
    )

    bring_in(FIRST)

    assert Payment.objects.get().engagement_id == contract.pk


@pytest.mark.parametrize(
    "fields", [{"starts_on": date(2016, 11, 1)}, {"status": Status.CANCELLED}]
)
def test_engagement_that_does_not_fit_gets_no_payment(bring_in, fields):
    make_contract(
        vendor=make_vendor(legal_name="Penna PLC"),
        department=make_department(name="HR"),
        **({"starts_on": date(2016, 1, 1)} | fields),
    )

    assert bring_in(FIRST).engagements_created == 1


def test_engagement_of_the_other_model_gets_no_payment(bring_in):
    make_assignment(
        vendor=make_vendor(legal_name="Penna PLC"),
        department=make_department(name="HR"),
        starts_on=date(2016, 1, 1),
    )

    bring_in(FIRST)

    assert Payment.objects.get().engagement.kind == Kind.MANAGED


def test_model_of_a_category_is_the_persons_choice(bring_in):
    bring_in(FIRST, category_models={"D3411": "augmented"})

    assert Payment.objects.get().engagement.kind == Kind.AUGMENTED


def test_older_file_moves_the_start_of_the_draft_back(bring_in):
    bring_in(FIRST)
    older = FIRST.replace("04/10", "03/02").replace("1031633", "1020000")

    bring_in(older)

    contract = ManagedContract.objects.get()
    assert contract.starts_on == contract.term_starts_on == date(2016, 2, 3)
    assert Event.objects.filter(event_type="engagement.changed").count() == 1


def test_code_is_known_from_an_earlier_file(bring_in, tmp_path):
    bring_in(FIRST.replace("D3411", "X77").replace("Consultants", "Interim"))
    path = tmp_path / "codes.csv"
    path.write_text("Date,Amount,Supplier,Code\n01/02/2017,5,NEW LTD,X77\n")
    run = services.new_run(
        kind_name="payments",
        file_name="codes.csv",
        corrections={},
        options={},
        is_per_line=False,
    )

    services.apply_file(run=run, path=path, actor=None)

    payment = Payment.objects.get(source_file="codes.csv")
    assert payment.category == "Interim Fees"
    assert payment.engagement.kind == Kind.AUGMENTED


def test_payment_in_a_currency_without_a_rate_is_refused_by_line(bring_in):
    report = bring_in(FIRST, currency="KWD")

    assert [(p.line, p.field) for p in report.problems] == [(2, "currency")]
    assert Payment.objects.count() == 0


def test_foreign_payment_is_posted_in_both_currencies(bring_in):
    bring_in(FIRST, currency="EUR")

    entry = LedgerEntry.objects.get()
    assert (entry.currency, entry.amount) == ("EUR", Decimal("9585"))
    assert Decimal("8000") < entry.reporting_amount < Decimal("9000")


def test_vendor_on_hold_is_told_of(bring_in):
    make_vendor(legal_name="Penna PLC", standing=Standing.BLOCKED)

    report = bring_in(FIRST)

    assert "Payments to vendors that are on hold or blocked: Penna PLC." in map(
        str, report.notes
    )


def test_failure_half_way_leaves_nothing(bring_in, monkeypatch):
    monkeypatch.setattr(payment_posting, "_POSTED_AT_ONCE", 1)
    real, calls = payment_posting.post_payments, []

    def fail_at_second(**given):
        calls.append(given)
        if len(calls) == 2:
            raise RuntimeError("power cut")
        return real(**given)

    monkeypatch.setattr(payment_posting, "post_payments", fail_at_second)

    with pytest.raises(RuntimeError):
        bring_in(FIRST, SECOND)

    assert len(calls) == 2
    assert counts() == (0, 0, 0, 0, 0)


def test_interference_is_met_by_a_new_plan(bring_in, monkeypatch):
    real, calls = payment_posting.apply_posting, []

    def lose_a_race_once(*args, **given):
        calls.append(args)
        if len(calls) == 1:
            raise IntegrityError("somebody was faster")
        return real(*args, **given)

    monkeypatch.setattr(payment_posting, "apply_posting", lose_a_race_once)

    assert bring_in(FIRST).added == 1 == Payment.objects.count()


def test_endless_interference_is_given_up(bring_in, monkeypatch):
    def lose(*_args, **_given):
        raise IntegrityError("somebody was faster")

    monkeypatch.setattr(payment_posting, "apply_posting", lose)

    with pytest.raises(ConflictError):
        bring_in(FIRST)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"undated_on": "31/02/2014"}, "undated-on: “31/02/2014” is no day"),
        ({"currency": "XQX"}, "currency: “XQX” is not a currency"),
        ({"date_format": "%Y"}, "date-format: “%Y” lacks the day or the month."),
        ({"category_models": {"X": "both"}}, "category-model: “both” is no model"),
    ],
)
def test_option_that_means_nothing_is_refused(bring_in, options, message):
    with pytest.raises(OptionError) as refused:
        bring_in(FIRST, **options)

    assert str(refused.value).startswith(message)


# --- uploads -------------------------------------------------------------------------


@pytest.fixture
def sent(monkeypatch, django_capture_on_commit_callbacks):
    """Send nothing to a broker; hand what was sent to the worker when asked."""
    waiting = []
    monkeypatch.setattr(
        services.current_app,
        "send_task",
        lambda name, args: waiting.append((name, args)),
    )

    def deliver(request, **given):
        with django_capture_on_commit_callbacks(execute=True):
            request(**given)
        for _name, (run_id, step) in waiting:
            services.work_on(run_id=run_id, step=step)
        delivered = list(waiting)
        waiting.clear()
        return delivered

    return deliver


@pytest.fixture
def finance():
    return make_user(Role.FINANCE)


def uploaded(finance, *rows, name="spend.csv"):
    content = ContentFile((HEADER + "".join(rows)).encode(), name=name)
    return services.accept_upload(upload=content, kind_name="payments", actor=finance)


def ask_check(sent, run, actor, **options):
    return sent(
        services.request_check, run=run, corrections={}, options=options, actor=actor
    )


def test_upload_is_kept_under_a_name_of_its_own(finance):
    run = uploaded(finance, FIRST, name="../../etc/pass wd.csv")

    assert run.state == RunState.UPLOADED
    assert run.file.name.startswith("imports/")
    assert run.file.name.endswith(f"{run.public_id}.csv")


def test_upload_that_is_no_table_is_not_kept(finance):
    content = ContentFile(b"%PDF-1.7", name="spend.csv")

    with pytest.raises(UnreadableFileError):
        services.accept_upload(upload=content, kind_name="payments", actor=finance)

    assert ImportRun.objects.count() == 0


def test_upload_is_checked_then_applied_by_a_worker(finance, sent):
    run = uploaded(finance, FIRST, SECOND)

    ask_check(sent, run, finance)
    run.refresh_from_db()
    assert (run.state, run.accepted, run.lines_done) == (RunState.CHECKED, 2, 2)
    assert Payment.objects.count() == 0

    sent(services.request_apply, run=run, is_per_line=False, actor=finance)
    run.refresh_from_db()
    assert (run.state, run.added) == (RunState.APPLIED, 2)
    assert Payment.objects.count() == 2


def test_message_that_comes_twice_has_one_effect(finance, sent):
    run = uploaded(finance, FIRST)
    ask_check(sent, run, finance)
    ((_name, (run_id, step)),) = sent(
        services.request_apply, run=run, is_per_line=False, actor=finance
    )

    services.work_on(run_id=run_id, step=step)
    services.work_on(run_id=run_id, step=step - 1)

    assert Payment.objects.count() == 1


def test_refused_lines_are_applied_per_line_only(finance, sent):
    run = uploaded(finance, FIRST, BAD)
    ask_check(sent, run, finance)

    with pytest.raises(WrongStateError):
        services.request_apply(run=run, is_per_line=False, actor=finance)
    sent(services.request_apply, run=run, is_per_line=True, actor=finance)

    run.refresh_from_db()
    assert (run.state, run.added, run.refused) == (RunState.APPLIED, 1, 1)


def test_unchecked_file_is_not_applied(finance):
    with pytest.raises(WrongStateError):
        services.request_apply(
            run=uploaded(finance, FIRST), is_per_line=False, actor=finance
        )


def test_applied_file_is_not_applied_again(finance, sent):
    run = uploaded(finance, FIRST)
    ask_check(sent, run, finance)
    sent(services.request_apply, run=run, is_per_line=False, actor=finance)

    with pytest.raises(WrongStateError):
        services.request_apply(run=run, is_per_line=False, actor=finance)


def test_mapping_without_a_needed_column_is_refused_before_any_work(finance):
    with pytest.raises(MappingError):
        services.request_check(
            run=uploaded(finance, FIRST),
            corrections={"amount": ""},
            options={},
            actor=finance,
        )


def test_right_taken_back_meanwhile_stops_the_worker(
    finance, monkeypatch, django_capture_on_commit_callbacks
):
    sent = []
    monkeypatch.setattr(
        services.current_app, "send_task", lambda _name, args: sent.append(args)
    )
    run = uploaded(finance, FIRST)
    with django_capture_on_commit_callbacks(execute=True):
        services.request_check(run=run, corrections={}, options={}, actor=finance)
    finance.groups.clear()

    services.work_on(run_id=sent[0][0], step=sent[0][1])

    run.refresh_from_db()
    assert (run.state, run.error) == (
        RunState.FAILED,
        "The right to import was taken back.",
    )


def test_waiting_import_is_sent_again(finance, sent, monkeypatch):
    run = uploaded(finance, FIRST)
    services.request_check(run=run, corrections={}, options={}, actor=finance)
    again = []
    monkeypatch.setattr(
        services.current_app, "send_task", lambda _name, args: again.append(args)
    )

    assert services.resend_waiting(older_than_seconds=60) == 0
    assert services.resend_waiting(older_than_seconds=-1) == 1
    assert again == [[run.pk, 1]]


def test_broker_that_is_down_leaves_the_import_waiting(
    finance, monkeypatch, django_capture_on_commit_callbacks
):
    def refuse(*_args, **_given):
        raise services.OperationalError("no broker")

    monkeypatch.setattr(services.current_app, "send_task", refuse)
    run = uploaded(finance, FIRST)

    with django_capture_on_commit_callbacks(execute=True):
        services.request_check(run=run, corrections={}, options={}, actor=finance)

    run.refresh_from_db()
    assert run.state == RunState.CHECKING


# --- payments of recorded invoices ---------------------------------------------------


@pytest.fixture
def reed() -> ManagedContract:
    contract = make_contract(
        vendor=make_vendor(legal_name="Reed Ltd"), starts_on=date(2016, 1, 1)
    )
    begun(contract)
    return contract


def billed(contract: ManagedContract, amount: str, number: str, **fields) -> Invoice:
    line = make_line(
        contract,
        amount,
        period_from=date(2016, 10, 1),
        period_to=date(2016, 10, 31),
    )
    invoice = make_invoice(line, number=number, **fields)
    return post_invoice(invoice=invoice, lines=[line], actor=None)


def spent() -> Decimal:
    return sum((entry.amount for entry in LedgerEntry.objects.all()), Decimal(0))


def test_a_payment_with_an_invoices_number_counts_once(bring_in, reed):
    invoice = brought_to(
        billed(reed, "1579.43", "4629/1777-11"), InvoiceStatus.APPROVED
    )

    report = bring_in(SECOND.replace("46291777 - 11", "46291777-11"))

    payment = Payment.objects.get()
    assert (payment.invoice, payment.engagement_id) == (invoice, reed.pk)
    assert spent() == Decimal("1579.43")
    assert verify_ledger().is_exact
    paid = Invoice.objects.get()
    assert (paid.status, paid.paid_on) == ("paid", date(2016, 11, 22))
    assert [str(note) for note in report.notes if "pays for" in str(note)] == [
        "line 2: pays for invoice 4629/1777-11, which counts already"
    ]


def test_a_payment_of_the_only_invoice_of_its_amount_counts_once(bring_in, reed):
    invoice = billed(reed, "1579.43", "A-1")

    bring_in(SECOND)
    again = bring_in(SECOND)

    assert (Payment.objects.get().invoice, spent()) == (invoice, Decimal("1579.43"))
    assert (again.new, again.already_recorded) == (0, 1)
    # Not approved yet, so that it isn't settled by the way.
    assert Invoice.objects.get().status == "received"


@pytest.mark.parametrize(
    ("amounts", "issued_on"),
    [
        (["1579.43", "1579.43"], date(2016, 10, 31)),
        (["1579.44"], date(2016, 10, 31)),
        (["1579.43"], date(2016, 11, 23)),
        (["1579.43"], date(2016, 1, 1)),
    ],
)
def test_what_is_not_certain_is_counted_as_a_payment(
    bring_in, reed, amounts, issued_on
):
    for place, amount in enumerate(amounts):
        billed(reed, amount, f"A-{place}", issued_on=issued_on)

    report = bring_in(SECOND)

    assert Payment.objects.get().invoice is None
    assert spent() == sum(map(Decimal, amounts)) + Decimal("1579.43")
    doubts = [note for note in report.notes if "may pay for" in str(note)]
    assert len(doubts) == (len(amounts) == 2)


def test_a_payment_meets_what_credit_notes_left(bring_in, reed):
    invoice = billed(reed, "1600", "A-1")
    line = make_line(reed, "-20.57")
    note = make_invoice(line, kind="credit_note", credits=invoice, number="C-1")
    post_invoice(invoice=note, lines=[line], actor=None)

    bring_in(SECOND)

    assert (Payment.objects.get().invoice, spent()) == (invoice, Decimal("1579.43"))


def test_two_payments_of_one_invoice_are_not_told_apart(bring_in, reed):
    billed(reed, "1579.43", "A-1")

    bring_in(SECOND, SECOND.replace("46291777 - 11", "5 - 1"))

    assert list(Payment.objects.values_list("invoice", flat=True)) == [None, None]
