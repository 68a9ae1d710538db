"""The queue of exceptions, orders with what is left, savings: on their pages."""

from datetime import date
from decimal import Decimal

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from engagements.choices import Role
from tests.factories import (
    begun,
    make_contract,
    make_department,
    make_user,
    make_vendor,
)
from tests.spend.bills import bill_lines, fee
from tracker.spend.models import (
    ExceptionState,
    Invoice,
    InvoiceStatus,
    MatchException,
    OrderChange,
    OrderStatus,
    PurchaseOrder,
    Resolution,
    Saving,
    SavingStatus,
)
from tracker.spend.services import claim_saving, match_received, record_order

pytestmark = pytest.mark.django_db

LIST = reverse("admin:tracker_matchexception_changelist")


@pytest.fixture
def finance():
    return make_user(Role.FINANCE, username="fay")


@pytest.fixture
def client(finance) -> Client:
    return as_(finance)


def as_(user) -> Client:
    found = Client()
    found.force_login(user)
    return found


@pytest.fixture
def contract():
    vendor = make_vendor(legal_name="Northwind IT Ltd")
    return begun(make_contract(vendor=vendor, title="Service desk"))


@pytest.fixture
def exception(contract):
    bill_lines(fee(contract, "10123.45"), number="INV-7")
    match_received()
    return MatchException.objects.get()


def page(record, name="change"):
    model = record._meta.model_name
    return reverse(f"admin:tracker_{model}_{name}", args=[record.pk])


def test_queue_shows_expected_beside_found(client, exception):
    shown = client.get(LIST).content.decode()

    for text in ("Fee mismatch", "£10,000.00", "£10,123.45", "£123.45", "INV-7 / 1"):
        assert text in shown


def test_queue_begins_with_the_most_money(client, contract):
    for number, amount in enumerate(("10100", "10300", "10200"), 1):
        bill_lines(fee(contract, amount, date(2026, number, 1)))
    match_received()

    rows = client.get(LIST).context["cl"].result_list

    assert [row.amount for row in rows] == [300, 200, 100]


def test_queue_leaves_out_what_is_resolved_unless_asked(client, exception):
    client.post(
        page(exception, "resolve"),
        {"resolution": "accepted", "reason": "Agreed", "_form_submitted": "True"},
    )

    assert list(client.get(LIST).context["cl"].result_list) == []
    assert len(client.get(LIST, {"which": "all"}).context["cl"].result_list) == 1


@pytest.mark.parametrize("count", [1, 3])
def test_queue_takes_the_same_queries_for_any_number_of_rows(client, count):
    for _n in range(count):
        contract = begun(make_contract())
        bill_lines(fee(contract, "10100"))
    match_received()
    client.get(LIST)

    with CaptureQueriesContext(connection) as queries:
        response = client.get(LIST)

    assert len(response.context["cl"].result_list) == count
    assert len(queries) == 12


def test_page_tells_the_sentence_and_what_it_rests_on(client, exception):
    shown = client.get(page(exception)).content.decode()

    assert "For these days £10,000.00 was agreed; £10,123.45 is billed." in shown
    assert reverse("admin:tracker_invoice_change", args=[exception.invoice_id]) in shown


def test_exception_is_resolved_from_its_page(client, exception, finance):
    response = client.post(
        page(exception, "resolve"),
        {
            "resolution": Resolution.CREDIT_NOTE_REQUESTED,
            "reason": "The new fee runs from April",
            "_form_submitted": "True",
        },
    )

    assert response.headers["HX-Redirect"] == page(exception)
    exception.refresh_from_db()
    assert (exception.state, exception.resolved_by) == (
        ExceptionState.RESOLVED,
        finance,
    )
    assert Invoice.objects.get().status == InvoiceStatus.MATCHED
    assert Saving.objects.get().claimed_amount == Decimal("123.45")


def test_many_are_resolved_after_a_preview(client, contract):
    for month, amount in ((3, "10100"), (4, "10200")):
        bill_lines(fee(contract, amount, date(2026, month, 1)))
    match_received()
    ids = list(MatchException.objects.values_list("pk", flat=True))
    action = reverse(
        "admin:tracker_matchexception_bulk", args=["credit_note_requested"]
    )

    asked = client.post(
        LIST, {"action": "credit_note_requested", "_selected_action": ids}
    )
    assert asked.status_code == 200
    rows = [f"{pk}:0" for pk in ids]
    tried = client.post(action, {"row": rows, "value": "Billed too early"})
    assert MatchException.objects.filter(state=ExceptionState.OPEN).count() == 2
    keys = [row.key for row in tried.context["preview"].rows]
    client.post(action, {"row": keys, "value": "Billed too early", "mode": "all"})

    assert not MatchException.objects.filter(state=ExceptionState.OPEN).exists()


def test_recorder_is_told_why_the_money_stays(contract):
    recorder = make_user(Role.FINANCE)
    bill_lines(fee(contract, "10100"), received_by=recorder)
    match_received()
    exception = MatchException.objects.get()
    client = as_(recorder)

    client.post(
        page(exception, "resolve"),
        {"resolution": "accepted", "reason": "Fine", "_form_submitted": "True"},
    )

    shown = client.get(page(exception)).content.decode()
    assert "You recorded this invoice" in shown
    exception.refresh_from_db()
    assert exception.state == ExceptionState.OPEN


def test_auditor_reads_and_does_not_resolve(exception):
    client = as_(make_user(Role.AUDITOR))

    assert client.get(page(exception)).status_code == 200
    client.post(
        page(exception, "resolve"),
        {"resolution": "accepted", "reason": "Fine", "_form_submitted": "True"},
    )

    exception.refresh_from_db()
    assert exception.state == ExceptionState.OPEN


def test_those_who_see_no_money_see_no_exceptions(exception):
    assert as_(make_user(Role.HR_INTEGRATION)).get(LIST).status_code == 403


def test_manager_sees_those_of_their_department(exception):
    manager = make_user(Role.MANAGER, department=make_department())

    assert list(as_(manager).get(LIST).context["cl"].result_list) == []
    assert as_(manager).get(page(exception)).status_code == 302


def test_what_an_order_has_left_is_for_those_who_see_all_it_pays_for(client):
    vendor, own, others = make_vendor(), make_department(), make_department()
    mine = begun(make_contract(vendor=vendor, department=own, fee=Decimal(700)))
    theirs = begun(make_contract(vendor=vendor, department=others))
    record_order(
        order=PurchaseOrder(
            vendor=vendor,
            number="PO-1",
            currency="GBP",
            amount=Decimal(10_613),
            starts_on=date(2026, 1, 1),
        ),
        engagements=[mine, theirs],
        actor=None,
    )
    bill_lines(fee(theirs, "10000"))
    invoice = bill_lines(fee(mine, "700"))
    match_received()
    exception = MatchException.objects.get(code="over_order")
    manager = make_user(Role.MANAGER, department=own)
    own.head = manager
    own.save()

    whole = [client.get(url).content.decode() for url in (LIST, page(exception))]
    own_part = [
        as_(manager).get(url).content.decode()
        for url in (LIST, page(exception), page(invoice))
    ]

    assert [("£613.00" in shown, "£87.00" in shown) for shown in whole] == [
        (True, True),
        (True, True),
    ]
    assert [("£613.00" in shown, "£87.00" in shown) for shown in own_part] == [
        (False, False)
    ] * 3
    assert ["not yours alone" in shown for shown in own_part] == [True] * 3


def test_invoice_tells_what_does_not_fit(client, exception):
    shown = client.get(page(exception.invoice)).content.decode()

    assert "Held against what was agreed" in shown
    assert page(exception) in shown


def test_home_of_finance_begins_with_the_most_money(client, exception):
    shown = client.get(reverse("admin:index")).content.decode()

    assert "Exceptions on invoices" in shown
    assert page(exception) in shown


# --- orders ------------------------------------------------------------------------


def order(contract, **fields):
    values = {
        "vendor": contract.vendor,
        "number": "PO-1",
        "currency": "GBP",
        "amount": Decimal(40_000),
        "starts_on": date(2026, 1, 1),
        "ends_on": date(2026, 12, 31),
    } | fields
    return record_order(
        order=PurchaseOrder(**values), engagements=[contract], actor=None
    )


def test_order_is_recorded_with_what_it_covers(client, contract):
    response = client.post(
        reverse("admin:tracker_purchaseorder_add"),
        {
            "vendor": contract.vendor_id,
            "number": "PO 77",
            "currency": "GBP",
            "amount": "1000",
            "starts_on": "2026-01-01",
            "ends_on": "",
            "description": "",
            "coverages-TOTAL_FORMS": "1",
            "coverages-INITIAL_FORMS": "0",
            "coverages-0-engagement": contract.pk,
        },
    )

    assert response.status_code == 302, response.context["errors"]
    stored = PurchaseOrder.objects.get()
    assert stored.normalised_number == "po77"
    assert [one.engagement_id for one in stored.coverages.all()] == [contract.pk]


def test_order_shows_what_is_left(client, contract):
    stored = order(contract)
    bill_lines(fee(contract, "10000"))

    shown = client.get(page(stored)).content.decode()

    assert "£10,000.00" in shown
    assert "What is left, today" in shown


def test_order_is_changed_by_a_line_of_its_page(client, contract):
    stored = order(contract)
    version = {"expected_version": stored.version, "seen_event": "0"}
    coverage = stored.coverages.get()

    response = client.post(
        page(stored),
        {
            **version,
            "description": "Desk of 2026",
            "coverages-TOTAL_FORMS": "1",
            "coverages-INITIAL_FORMS": "1",
            "coverages-0-id": coverage.pk,
            "coverages-0-order": stored.pk,
            "changes-TOTAL_FORMS": "1",
            "changes-INITIAL_FORMS": "0",
            "changes-0-changed_on": "2026-04-01",
            "changes-0-amount": "500",
            "changes-0-ends_on": "",
            "changes-0-reason": "More desks",
        },
    )

    assert response.status_code == 302, response.context["errors"]
    assert OrderChange.objects.get().amount == Decimal(500)
    stored.refresh_from_db()
    assert (stored.description, stored.amount) == ("Desk of 2026", Decimal(40_000))


def test_order_is_closed_from_its_page(client, contract):
    stored = order(contract)

    client.post(page(stored, "close"), {"_form_submitted": "True"})

    stored.refresh_from_db()
    assert stored.status == OrderStatus.CLOSED


@pytest.mark.parametrize("count", [1, 3])
def test_orders_take_the_same_queries_for_any_number(client, contract, count):
    for number in range(count):
        order(contract, number=f"n{number}")
    address = reverse("admin:tracker_purchaseorder_changelist")
    client.get(address)

    with CaptureQueriesContext(connection) as queries:
        client.get(address)

    assert len(queries) == 20


def test_manager_reads_orders_and_records_none(contract):
    manager = make_user(Role.MANAGER)
    address = reverse("admin:tracker_purchaseorder_add")

    assert as_(manager).get(address).status_code == 403


# --- savings -----------------------------------------------------------------------


def test_saving_is_claimed_by_a_person(client, contract):
    response = client.post(
        reverse("admin:tracker_saving_add"),
        {
            "kind": "negotiated",
            "title": "Lower fee from May",
            "engagement": contract.pk,
            "vendor": "",
            "claimed_amount": "12000",
            "currency": "",
            "claimed_on": "2026-05-01",
            "until": "2027-04-30",
            "price_before": "11000",
            "price_after": "10000",
            "owner": "",
            "note": "",
            "realisations-TOTAL_FORMS": "0",
            "realisations-INITIAL_FORMS": "0",
        },
    )

    assert response.status_code == 302, response.context["errors"]
    saving = Saving.objects.get()
    assert (saving.vendor, saving.currency) == (contract.vendor, "GBP")


def test_saving_without_engagement_needs_vendor_and_currency(client):
    response = client.post(
        reverse("admin:tracker_saving_add"),
        {
            "kind": "negotiated",
            "title": "x",
            "claimed_amount": "1",
            "claimed_on": "2026-05-01",
            "realisations-TOTAL_FORMS": "0",
            "realisations-INITIAL_FORMS": "0",
        },
    )

    form = response.context["adminform"].form
    assert sorted(form.errors) == ["currency", "vendor"]


def test_saving_is_withdrawn_from_its_page(client, contract):
    saving = claim_saving(
        saving=Saving(
            kind="negotiated",
            title="Lower fee",
            engagement_id=contract.pk,
            claimed_amount=Decimal(5),
            claimed_on=date(2026, 5, 1),
        ),
        actor=None,
    )

    client.post(
        page(saving, "withdraw"), {"reason": "It stayed", "_form_submitted": "True"}
    )

    saving.refresh_from_db()
    assert saving.status == SavingStatus.WITHDRAWN
