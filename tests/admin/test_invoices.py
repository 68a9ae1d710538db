"""Invoices in the admin: entry, steps, papers, electronic ones, and who sees what."""

from datetime import date
from decimal import Decimal

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from engagements.choices import ChargeKind, Role
from engagements.models import Event, ManagedContract, User
from tests.admin.conftest import logged_in
from tests.admin.forms import errors_on, fields_on
from tests.factories import begun, make_contract, make_department
from tests.imports.electronic_samples import ubl, ubl_line
from tests.spend.billing import bill, make_invoice, make_line
from tracker.spend.models import Invoice, InvoiceAttachment, InvoiceStatus, LedgerEntry
from tracker.spend.services import attach_file, draft_invoice, post_invoice

pytestmark = pytest.mark.django_db

# What a dialog of unfold sends with its answers.
SUBMITTED = {"_form_submitted": "on"}
JANUARY = date(2026, 1, 1)
PDF = b"%PDF-1.4\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF\n"


@pytest.fixture
def finance() -> Client:
    return logged_in(Role.FINANCE, username="eleanor")


@pytest.fixture
def contract() -> ManagedContract:
    contract = make_contract()
    begun(contract)
    return contract


def page_of(invoice: Invoice) -> str:
    return reverse("admin:tracker_invoice_change", args=[invoice.pk])


def make_draft(contract: ManagedContract, actor: User | None = None) -> Invoice:
    line = make_line(contract, "100")
    return draft_invoice(invoice=make_invoice(line), lines=[line], actor=actor)


def upload(content: bytes = PDF, name: str = "invoice.pdf") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content)


def step(client: Client, name: str, invoice: Invoice, **answers: str) -> int:
    url = reverse(f"admin:tracker_invoice_{name}", args=[invoice.pk])
    return client.post(url, SUBMITTED | answers).status_code


def test_an_invoice_can_be_kept_as_a_draft(finance, contract):
    url = reverse("admin:tracker_invoice_add")
    page = fields_on(finance, url) | {
        "vendor": contract.vendor_id,
        "number": "N-1",
        "issued_on": "2026-02-01",
        "is_draft": "on",
        "lines-0-engagement": contract.pk,
        "lines-0-charge_kind": "one_off",
        "lines-0-period_from": "2026-01-01",
        "lines-0-period_to": "2026-01-31",
        "lines-0-amount": "60",
    }

    response = finance.post(url, page)

    invoice = Invoice.objects.get()
    assert response.status_code == 302
    assert (invoice.status, invoice.total) == ("draft", Decimal(60))
    assert LedgerEntry.objects.count() == 0


def test_a_draft_is_changed_with_its_lines(finance, contract):
    invoice = make_draft(contract)
    page = fields_on(finance, page_of(invoice)) | {
        "number": "N-8",
        "total": "",
        "lines-0-amount": "70",
        "lines-TOTAL_FORMS": "2",
        "lines-1-engagement": contract.pk,
        "lines-1-charge_kind": "expense",
        "lines-1-period_from": "2026-01-05",
        "lines-1-period_to": "2026-01-05",
        "lines-1-amount": "5.50",
    }

    response = finance.post(page_of(invoice), page)

    assert response.status_code == 302, errors_on(response)
    stored = Invoice.objects.get()
    assert (stored.number, stored.total, stored.version) == ("N-8", Decimal("75.5"), 2)
    amounts = stored.lines.order_by("number").values_list("amount", flat=True)
    assert list(amounts) == [Decimal(70), Decimal("5.5")]


def test_a_draft_changed_meanwhile_is_not_overwritten(finance, contract):
    invoice = make_draft(contract)
    page = fields_on(finance, page_of(invoice)) | {"number": "CHANGED"}
    Invoice.objects.update(version=7)

    response = finance.post(page_of(invoice), page)

    assert response.status_code == 200
    assert "changed by somebody else" in str(errors_on(response))
    assert Invoice.objects.get().number != "CHANGED"


def test_a_posted_invoice_is_read_only(finance, contract):
    invoice = bill(contract, date(2026, 1, 1))

    response = finance.get(page_of(invoice))

    assert response.context["has_change_permission"] is False
    assert [len(row.entries) for row in response.context["postings"]] == [1]
    assert b"What was posted" in response.content
    assert finance.post(page_of(invoice), {"number": "X"}).status_code == 403


def test_steps_lead_from_draft_to_paid(finance, contract):
    invoice = bill(contract, JANUARY, amount="10000", status="draft")

    for name in ("receive", "match", "approve"):
        assert step(finance, name, invoice) == 200
        invoice.refresh_from_db()
        if name == "receive":
            # Whoever received it doesn't approve it.
            finance = logged_in(Role.FINANCE, username="second")
    assert step(finance, "settle", invoice, paid_on="2026-02-10") == 200

    assert Invoice.objects.get().status == "paid"
    types = Event.objects.filter(subject_type="invoice").order_by("id")
    assert list(types.values_list("event_type", "actor__username")) == [
        ("invoice.drafted", None),
        ("invoice.received", "eleanor"),
        ("invoice.matched", None),
        ("invoice.approved", "second"),
        ("invoice.paid", "second"),
    ]


def test_a_dispute_is_raised_and_taken_back(finance, contract):
    invoice = bill(contract, date(2026, 1, 1))

    step(finance, "dispute", invoice, reason="Twice the hours")
    assert Invoice.objects.get().dispute == "Twice the hours"
    assert b"Twice the hours" in finance.get(page_of(invoice)).content
    step(finance, "reopen", invoice)

    assert (Invoice.objects.get().status, Invoice.objects.get().dispute) == (
        "received",
        "",
    )


def test_a_draft_is_discarded(finance, contract):
    invoice = make_draft(contract)

    response = finance.post(
        reverse("admin:tracker_invoice_discard", args=[invoice.pk]), SUBMITTED
    )

    assert Invoice.objects.count() == 0
    assert response.headers["HX-Redirect"] == reverse(
        "admin:tracker_invoice_changelist"
    )


def test_managers_record_and_check_but_release_nothing(contract):
    manager = logged_in(Role.MANAGER)
    contract.manager = User.objects.get(groups__name=Role.MANAGER)
    contract.save()
    invoice = bill(contract, JANUARY, amount="10000")

    assert step(manager, "match", invoice) == 200
    assert step(manager, "approve", invoice) == 403
    assert Invoice.objects.get().status == InvoiceStatus.MATCHED


def test_nobody_says_by_hand_that_an_invoice_matches(finance, contract):
    invoice = bill(contract, JANUARY, amount="12000")

    step(finance, "match", invoice)

    exception = invoice.exceptions.get()
    assert (Invoice.objects.get().status, exception.amount) == (
        InvoiceStatus.DISPUTED,
        2_000,
    )


def test_a_manager_answers_for_no_invoice_with_lines_of_others():
    manager = logged_in(Role.MANAGER)
    person = User.objects.get(groups__name=Role.MANAGER)
    own = make_contract(manager=person)
    other = make_contract(vendor=own.vendor, department=make_department())
    for contract in (own, other):
        begun(contract)
    lines = [make_line(own, "40"), make_line(other, "60")]
    invoice = make_invoice(*lines)
    post_invoice(invoice=invoice, lines=lines, actor=None)
    attach_file(invoice=invoice, upload=upload(), actor=None)
    attachment = InvoiceAttachment.objects.get()

    page = manager.get(page_of(invoice))

    assert page.status_code == 200
    assert [row.line.engagement_id for row in page.context["postings"]] == [own.pk]
    assert other.reference.encode() not in page.content
    assert step(manager, "dispute", invoice, reason="No") == 403
    file = reverse("admin:tracker_invoiceattachment_file", args=[attachment.pk])
    assert manager.get(file).status_code == 404
    assert list(page.context["attachments"]) == []


def test_many_are_approved_with_an_outcome_each(contract):
    eleanor = logged_in(Role.FINANCE, username="eleanor")
    own = bill(contract, date(2026, 1, 1), kind=ChargeKind.ONE_OFF)
    matched = bill(contract, date(2026, 2, 1), status=InvoiceStatus.MATCHED)
    url = reverse("admin:tracker_invoice_changelist")
    chosen = {"action": "approve", "_selected_action": [own.pk, matched.pk]}

    shown = eleanor.post(url, chosen)

    outcomes = {row.record_id: row.refusal for row in shown.context["preview"].rows}
    assert outcomes[matched.pk] == ""
    assert outcomes[own.pk].endswith("is received and can't become approved.")
    done = eleanor.post(
        reverse("admin:tracker_invoice_bulk", args=["approve"]),
        {"row": [f"{own.pk}:1", f"{matched.pk}:2"], "mode": "those"},
    )
    assert done.status_code == 302
    statuses = dict(Invoice.objects.values_list("pk", "status"))
    assert statuses == {own.pk: "received", matched.pk: "approved"}


@pytest.mark.parametrize(
    ("due", "found"),
    [("overdue", ["late"]), ("later", ["early"]), ("none", ["undated"])],
)
def test_the_list_is_filtered_by_the_day_due(finance, contract, due, found):
    days = {"late": date(2020, 1, 1), "early": date(2099, 1, 1), "undated": None}
    for number, day in days.items():
        kind = ChargeKind.ONE_OFF
        bill(contract, date(2026, 1, 1), kind=kind, number=number, due_on=day)

    page = finance.get(reverse("admin:tracker_invoice_changelist"), {"due": due})

    assert [row.number for row in page.context["cl"].result_list] == found


@pytest.mark.parametrize("rows", [1, 3])
def test_the_list_takes_as_many_queries_for_three_as_for_one(
    finance, contract, rows, django_assert_num_queries
):
    for month in range(1, rows + 1):
        bill(contract, date(2026, month, 1))
    url = reverse("admin:tracker_invoice_changelist")
    finance.get(url)

    with django_assert_num_queries(13):
        finance.get(url)


# --- papers --------------------------------------------------------------------------


def test_papers_are_attached_and_served_as_attachments(finance, contract):
    invoice = bill(contract, date(2026, 1, 1))
    url = reverse("admin:tracker_invoiceattachment_add")

    response = finance.post(url, {"invoice": invoice.pk, "upload": upload()})

    assert response.headers["Location"] == page_of(invoice)
    attachment = InvoiceAttachment.objects.get()
    served = finance.get(
        reverse("admin:tracker_invoiceattachment_file", args=[attachment.pk])
    )
    assert b"".join(served.streaming_content) == PDF
    assert served.headers["X-Content-Type-Options"] == "nosniff"
    assert served.headers["Content-Disposition"] == 'attachment; filename="invoice.pdf"'
    told = Event.objects.filter(subject_type="invoice").order_by("id")
    assert list(told.values_list("event_type", flat=True))[-2:] == [
        "invoice.attached",
        "invoice.attachment_downloaded",
    ]


@pytest.mark.parametrize(
    ("content", "name"),
    [(b"<script>", "x.html"), (b"MZ\x90", "invoice.pdf"), (b"", "")],
)
def test_other_files_are_refused_by_their_content(finance, contract, content, name):
    invoice = bill(contract, date(2026, 1, 1))
    url = reverse("admin:tracker_invoiceattachment_add")

    response = finance.post(
        url, {"invoice": invoice.pk, "upload": upload(content, name or "empty.pdf")}
    )

    assert list(errors_on(response)) == ["upload"]
    assert InvoiceAttachment.objects.count() == 0


def test_papers_are_taken_off_a_draft_alone(finance, contract):
    draft, posted = make_draft(contract), bill(contract, date(2026, 1, 1))
    for invoice in (draft, posted):
        attachment = attach_file(invoice=invoice, upload=upload(), actor=None)
        finance.post(
            reverse("admin:tracker_invoiceattachment_detach", args=[attachment.pk])
        )

    assert InvoiceAttachment.objects.get().invoice == posted


# --- electronic ones -----------------------------------------------------------------


def test_an_electronic_invoice_becomes_a_draft(finance):
    contract = make_contract(currency="EUR")
    begun(contract)
    url = reverse("admin:tracker_invoice_electronic")
    answers = {"file": upload(ubl(ubl_line("1000.00")), "e.xml")}

    refused = finance.post(url, answers)

    assert list(refused.context["form"].errors) == ["vendor"]
    answers = {
        "file": upload(ubl(ubl_line("1000.00")), "e.xml"),
        "vendor": contract.vendor_id,
    }
    response = finance.post(url, answers)
    assert response.headers["Location"] == page_of(Invoice.objects.get())


def test_hostile_xml_is_refused_beside_the_file(finance):
    url = reverse("admin:tracker_invoice_electronic")
    content = b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>'

    response = finance.post(url, {"file": upload(content, "e.xml")})

    assert "document type" in response.context["form"].errors["file"][0]


@pytest.mark.parametrize("role", [Role.AUDITOR, Role.HR_INTEGRATION])
def test_only_those_who_record_invoices_read_electronic_ones(role):
    url = reverse("admin:tracker_invoice_electronic")

    assert logged_in(role).get(url).status_code == 403


def test_a_manager_reads_those_for_their_own_engagements_alone():
    manager = logged_in(Role.MANAGER)
    person = User.objects.get(groups__name=Role.MANAGER)
    own = begun(make_contract(currency="EUR", manager=person))
    other = begun(
        make_contract(currency="EUR", vendor=own.vendor, department=make_department())
    )
    url = reverse("admin:tracker_invoice_electronic")

    def bring(reference, **answers):
        content = ubl(ubl_line("1000.00", text=f"Work on {reference}"))
        file = upload(content, "e.xml")
        return manager.post(url, {"file": file, "vendor": own.vendor_id} | answers)

    unnamed = bring("nothing")
    theirs = bring(other.reference, engagement=own.pk)
    mine = bring(own.reference)

    told = unnamed.context["form"].errors["engagement"][0]
    assert (own.reference in told, other.reference in told) == (True, False)
    assert theirs.context["form"].errors["engagement"] == [
        "Some of it is for work that you don't see: leave it to finance."
    ]
    assert mine.headers["Location"] == page_of(Invoice.objects.get())
