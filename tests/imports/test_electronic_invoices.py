"""Electronic invoices to drafts; what is hostile or incomplete is refused in words."""

import json
import time
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
import time_machine
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command

from engagements.models import ManagedContract
from tests.factories import begun, make_contract, make_vendor
from tests.imports.electronic_samples import cii, pdf, ubl, ubl_line
from tests.spend.billing import bill
from tests.spend.bills import credit_note
from tracker.imports.electronic.reading import read_electronic
from tracker.imports.electronic.services import draft_electronic
from tracker.imports.electronic.xml_tree import DEEPEST, MOST_ELEMENTS
from tracker.imports.problems import UnreadableFileError
from tracker.spend.models import Invoice
from tracker.spend.services import receive_invoice

D = Decimal

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def today():
    with time_machine.travel(datetime(2026, 3, 31, 12, tzinfo=UTC), tick=False):
        yield


@pytest.fixture
def contract() -> ManagedContract:
    vendor = make_vendor(
        legal_name="Nordwind GmbH", tax_id="DE 123456789", currency="EUR"
    )
    contract = make_contract(vendor=vendor, currency="EUR")
    begun(contract)
    return contract


def draft(content: bytes, name: str = "invoice.xml", **given):
    return draft_electronic(content=content, file_name=name, actor=None, **given)


def lines_of(invoice: Invoice):
    return [
        (line.charge_kind, line.description, line.amount)
        for line in invoice.lines.order_by("number")
    ]


def test_a_ubl_invoice_becomes_a_draft_that_can_be_received(contract):
    content = ubl(
        ubl_line("800.00", unit="MON", text="Service desk"),
        ubl_line("200.00", number="2", unit="HUR", quantity="2.5", price="80"),
        head="<cac:InvoicePeriod><cbc:StartDate>2026-01-01</cbc:StartDate>"
        "<cbc:EndDate>2026-01-31</cbc:EndDate></cac:InvoicePeriod>",
    )

    found = draft(content)

    invoice = found.invoice
    assert found.notes == []
    assert (invoice.status, invoice.source, invoice.vendor) == (
        "draft",
        "electronic",
        contract.vendor,
    )
    assert (invoice.number, invoice.total, invoice.currency) == (
        "RE-2026-77",
        D(1190),
        "EUR",
    )
    assert (invoice.issued_on, invoice.due_on) == (date(2026, 2, 2), date(2026, 3, 4))
    assert lines_of(invoice) == [
        ("recurring", "Service desk", D(800)),
        ("time", "Service", D(200)),
        ("tax", "Tax", D(190)),
    ]
    second = invoice.lines.get(number=2)
    assert (second.hours, second.unit, second.unit_price) == (D("2.5"), "hour", D(80))
    assert (second.period_from, second.period_to) == (
        date(2026, 1, 1),
        date(2026, 1, 31),
    )
    kept = invoice.attachments.get()
    assert (kept.file_name, kept.content_type) == ("invoice.xml", "application/xml")
    with kept.file.open() as file:
        assert file.read() == content
    assert receive_invoice(invoice=invoice, actor=None).status == "received"


@pytest.mark.parametrize("wrapped", [False, True])
def test_cii_is_read_bare_and_within_a_pdf(contract, wrapped):
    content = cii(reference=contract.reference)
    name = "invoice.xml"
    if wrapped:
        content, name = pdf("factur-x.xml", content), "Rechnung.PDF"

    invoice = draft(content, name).invoice

    assert lines_of(invoice) == [
        ("time", "Consulting", D(955)),
        ("credit", "Rebate", D(-55)),
        ("tax", "Tax", D(171)),
    ]
    first = invoice.lines.get(number=1)
    assert (first.hours, first.unit_price) == (D(10), D("95.5"))
    assert (first.period_from, first.period_to) == (date(2026, 1, 1), date(2026, 1, 31))
    kept = invoice.attachments.get()
    assert kept.content_type == ("application/pdf" if wrapped else "application/xml")
    assert receive_invoice(invoice=invoice, actor=None).total == D(1071)


def test_a_profile_without_lines_gives_one_of_its_sum(contract):
    found = read_electronic(cii(lines=False))

    assert [(line.description, line.amount) for line in found.lines] == [
        ("As billed, without lines", D(900))
    ]
    assert found.notes == ("The document gives sums without lines.",)


def test_a_credit_note_takes_back_from_the_invoice_it_names(contract):
    invoice = draft(ubl(ubl_line("1000.00"), number="RE-2026-70")).invoice
    receive_invoice(invoice=invoice, actor=None)
    content = ubl(
        ubl_line("40.00", kind="CreditNote"),
        kind="CreditNote",
        net="40.00",
        tax="7.60",
        total="47.60",
        head="<cac:BillingReference><cac:InvoiceDocumentReference>"
        "<cbc:ID>re 2026/70</cbc:ID></cac:InvoiceDocumentReference>"
        "</cac:BillingReference>",
    )

    note = draft(content).invoice

    assert (note.kind, note.credits, note.total) == ("credit_note", invoice, D("-47.6"))
    assert [amount for _kind, _text, amount in lines_of(note)] == [D(-40), D("-7.6")]
    receive_invoice(invoice=note, actor=None)


def test_lines_go_to_the_engagement_that_they_name(contract):
    other = make_contract(vendor=contract.vendor, currency="EUR")
    begun(other)
    order = (
        "<cac:OrderLineReference><cbc:LineID>1</cbc:LineID><cac:OrderReference>"
        f"<cbc:ID>{other.reference}</cbc:ID></cac:OrderReference>"
        "</cac:OrderLineReference>"
    )

    invoice = draft(
        ubl(
            ubl_line("600.00", text=f"Desk ({contract.reference})"),
            ubl_line("400.00", number="2", extra=order),
        )
    ).invoice

    placed = invoice.lines.order_by("number").values_list(
        "engagement", "charge_kind", "amount"
    )
    assert list(placed) == [
        (contract.pk, "one_off", D(600)),
        (other.pk, "one_off", D(400)),
        (contract.pk, "tax", D(114)),
        (other.pk, "tax", D(76)),
    ]


def test_lines_that_name_no_engagement_are_named_until_one_is_given(contract):
    other = make_contract(vendor=contract.vendor, currency="EUR")
    begun(other)
    content = ubl(ubl_line("1000.00", number="7"))

    with pytest.raises(ValidationError) as refusal:
        draft(content)

    assert refusal.value.message_dict == {
        "engagement": [
            "It doesn't say which engagement these lines are for: 7. Choose one for"
            f" them; with this vendor there are {contract.reference},"
            f" {other.reference}."
        ]
    }
    assert Invoice.objects.count() == 0
    assert draft(content, engagement=other).invoice.lines.count() == 2


def test_an_unknown_seller_is_named_until_a_vendor_is_given(contract):
    content = ubl(ubl_line("1000.00"), seller_tax="FR99", seller_name="Vent du Nord")

    with pytest.raises(ValidationError, match=r"Vent du Nord, FR99, 4000001000005"):
        draft(content)

    assert draft(content, vendor=contract.vendor).invoice.vendor == contract.vendor


def test_a_seller_is_found_by_name_where_no_id_is_known(contract):
    content = ubl(ubl_line("1000.00"), seller_tax="X", seller_name="NORDWIND GmbH")

    assert draft(content).invoice.vendor == contract.vendor


def test_a_document_that_does_not_add_up_says_so_and_is_not_received(contract):
    found = draft(ubl(ubl_line("999.00")))

    assert found.notes[-1] == "The lines sum to 1189.00, the document says 1190.00."
    with pytest.raises(ValidationError, match="The lines sum to"):
        receive_invoice(invoice=found.invoice, actor=None)


def test_the_same_document_again_is_refused(contract):
    draft(ubl(ubl_line("1000.00")))

    with pytest.raises(ValidationError, match="recorded already"):
        draft(ubl(ubl_line("1000.00")))


# --- what is hostile, or no invoice --------------------------------------------------

LAUGHS = b"""<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "ha">
<!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]>
<l>&c;</l>"""
EXTERNAL = (
    b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>'
    b"<x>&e;</x>"
)
OUTER_DTD = b'<?xml version="1.0"?><!DOCTYPE x SYSTEM "http://127.0.0.1:1/x.dtd"><x/>'


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (LAUGHS, "document type"),
        (EXTERNAL, "document type"),
        (OUTER_DTD, "document type"),
        (LAUGHS.decode().encode("utf-16"), "document type"),
        (b"<a>" * (DEEPEST + 1), "nested deeper"),
        (b"<a>" + b"<b/>" * MOST_ELEMENTS + b"</a>", "more than 200,000 elements"),
        (b"<a>" + b" " * (20 * 1024 * 1024), "at most 21 MB"),
        (b"<a>&unknown;</a>", "can't be read"),
        (b"<?xml version='1.0' encoding='nonsense'?><a/>", "can't be read"),
        (b"", "can't be read"),
        (b"\x00\x01\x02", "can't be read"),
        (b"<Order/>", "“Order” is no invoice"),
        (pdf(None), "holds no electronic invoice"),
        (pdf("factur-x.xml", LAUGHS), "document type"),
        (pdf("other.xml", b"<a/>"), "holds no electronic invoice"),
        (b"%PDF-1.7 broken", "damaged"),
        (ubl().replace(b"<cbc:ID>RE-2026-77</cbc:ID>", b""), "gives no number"),
        (ubl().replace(b"2026-02-02", b"2026-02-30"), "no day of the calendar"),
        (ubl(total="NaN"), "is no number"),
        (ubl(total="1e400"), "is no number"),
        (ubl(total="9" * 19), "too large"),
        (ubl(ubl_line("0.00001")), "too many decimals"),
        (ubl(number="x" * 61), "61 characters"),
    ],
)
def test_what_is_hostile_or_no_invoice_is_refused_at_once(content, words):
    began = time.process_time()

    with pytest.raises(UnreadableFileError, match=words):
        read_electronic(content)

    assert time.process_time() - began < 2


def test_a_hundred_megabytes_are_not_even_parsed():
    began = time.process_time()

    with pytest.raises(UnreadableFileError, match="105 MB"):
        read_electronic(b"<a>" + b"x" * (100 * 1024 * 1024))

    assert time.process_time() - began < 1


def test_control_characters_and_turned_writing_are_refused(contract):
    with pytest.raises(UnreadableFileError, match="control character"):
        draft(ubl(ubl_line("1000.00"), number="RE\u202e1"))


# --- by command ----------------------------------------------------------------------


def test_the_command_tells_what_it_drafted(contract, tmp_path, capsys):
    path = tmp_path / "invoice.xml"
    path.write_bytes(ubl(ubl_line("1000.00")))

    call_command("import_einvoice", str(path), "--json")

    told = json.loads(capsys.readouterr().out)
    assert (told["number"], told["total"], told["lines"]) == (
        "RE-2026-77",
        "1190.00",
        2,
    )
    assert told["notes"] == [
        "It gives no service period: the day of issue stands for it."
    ]


@pytest.mark.parametrize(
    ("content", "words"),
    [(EXTERNAL, "document type"), (ubl(seller_tax="0", seller_name="No"), "No vendor")],
)
def test_the_command_refuses_in_words(contract, tmp_path, content, words):
    path = tmp_path / "invoice.xml"
    path.write_bytes(content)

    with pytest.raises(CommandError, match=words):
        call_command("import_einvoice", str(path))


def test_a_fee_is_drafted_anew_once_it_is_credited(contract):
    content = ubl(
        ubl_line("800.00", unit="MON", text="Service desk"),
        head="<cac:InvoicePeriod><cbc:StartDate>2026-01-01</cbc:StartDate>"
        "<cbc:EndDate>2026-01-31</cbc:EndDate></cac:InvoicePeriod>",
    )
    first = bill(contract, date(2026, 1, 1), amount="900")
    with pytest.raises(ValidationError, match="billed already"):
        draft(content)

    credit_note(first, "-900")

    assert lines_of(draft(content).invoice)[0] == (
        "recurring",
        "Service desk",
        D(800),
    )
