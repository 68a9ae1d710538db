"""The final invoice is open until all is billed and paid, or somebody says so."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
import time_machine
from django.core.exceptions import ValidationError
from django.db import DatabaseError, IntegrityError, transaction

from engagements.choices import ChargeKind, EndReason, Origin, Role, Status
from engagements.errors import NotAllowedError, WrongStateError
from engagements.models import Assignment, Engagement, Event, FeeTerm, User
from engagements.services.closing import Closing
from engagements.services.lifecycle import end_engagement, start_engagement
from engagements.services.terms import amend_fee
from tests.factories import make_assignment, make_contract, make_user, stored
from tests.spend.billing import bill
from tracker.spend.models import Invoice, InvoiceStatus, Settlement, WorkLog
from tracker.spend.services import (
    log_work,
    settle_final_invoice,
    settle_invoice,
)
from tracker.spend.services.final_invoice import open_final_invoice

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
def assignment() -> Assignment:
    found = make_assignment()
    start_engagement(engagement=found, actor=None)
    return found


def open_on(
    engagement: Engagement, last_day: date = TODAY, reader: User | None = None
) -> list[str]:
    closing = Closing(stored(engagement), last_day=last_day, reader=reader)
    return [obstacle.sentence for obstacle in open_final_invoice(closing)]


def settle(engagement: Engagement, actor: User, reason: str = "All paid") -> Settlement:
    return settle_final_invoice(
        settlement=Settlement(engagement_id=engagement.pk, reason=reason), actor=actor
    )


def work(assignment: Assignment, day: date) -> None:
    log_work(
        line=WorkLog(
            engagement=assignment,
            contractor=assignment.contractor,
            worked_on=day,
            hours=Decimal(8),
        ),
        actor=None,
    )


APPROVED = InvoiceStatus.APPROVED
NO_FEE_FOR = (
    "The fees of 2 months (Feb 2026 to Mar 2026) are not invoiced: post the invoices,"
    " or confirm that none will come."
)


def test_months_in_force_without_a_fee_line_are_open(finance):
    contract = make_contract()
    bill(contract, date(2026, 1, 1), status=InvoiceStatus.PAID)

    assert open_on(contract) == [NO_FEE_FOR]


def test_a_quarters_line_covers_its_months_and_only_whole_ones(finance):
    contract = make_contract()
    bill(contract, date(2026, 1, 1), date(2026, 3, 30), status=InvoiceStatus.PAID)

    assert open_on(contract, date(2026, 3, 30)) == []
    assert open_on(contract) == [
        "The fee of 1 month (Mar 2026) is not invoiced: post the invoice, or confirm"
        " that none will come."
    ]


def test_months_are_those_up_to_the_last_day_only():
    contract = make_contract()

    assert open_on(contract, date(2026, 2, 10)) == [
        "The fees of 2 months (Jan 2026 to Feb 2026) are not invoiced: post the"
        " invoices, or confirm that none will come."
    ]


def test_months_without_a_fee_owe_none():
    contract = make_contract(fee=Decimal(0))
    amend_fee(
        term=FeeTerm(
            contract=contract, starts_on=date(2026, 3, 16), monthly_fee=Decimal(10)
        ),
        actor=None,
    )

    assert open_on(contract, date(2026, 3, 15)) == []
    assert len(open_on(contract, date(2026, 3, 16))) == 1


def test_accrued_work_is_open_until_it_is_invoiced(assignment, finance):
    work(assignment, date(2026, 2, 3))
    work(assignment, date(2026, 2, 6))

    assert open_on(assignment) == [
        "Work of 2 days (3 Feb 2026 to 6 Feb 2026) is not invoiced: post the invoice,"
        " or confirm that none will come."
    ]
    bill(
        assignment,
        date(2026, 2, 1),
        kind=ChargeKind.TIME,
        status=InvoiceStatus.PAID,
    )
    assert open_on(assignment) == []


@pytest.mark.parametrize("status", sorted(set(InvoiceStatus) - {InvoiceStatus.PAID}))
def test_an_invoice_is_open_in_every_status_but_paid(assignment, finance, status):
    invoice = bill_february(assignment, status)

    assert open_on(assignment, reader=finance) == [
        f"Invoice {invoice.number} is {status.label.lower()}, not paid."
    ]


def test_invoices_are_named_only_to_those_who_see_the_money(assignment):
    bill(assignment, date(2026, 2, 1), kind=ChargeKind.ONE_OFF)

    for reader in (None, make_user(Role.HR_INTEGRATION), make_user(Role.MANAGER)):
        assert open_on(assignment, reader=reader) == ["1 invoice is not paid."]


def test_settling_closes_what_was_not_billed_but_no_unpaid_invoice(finance):
    contract = make_contract()
    bill(contract, date(2026, 1, 1), number="N-7")

    settlement = settle(contract, finance)

    assert (settlement.settled_by, settlement.reason) == (finance, "All paid")
    assert open_on(contract, reader=finance) == ["Invoice N-7 is received, not paid."]
    event = Event.objects.get(event_type="engagement.final_invoice_settled")
    assert (event.actor, event.engagement_id) == (finance, contract.pk)


def test_what_comes_after_a_settlement_is_open_again(assignment, finance):
    contract = make_contract()
    work(assignment, date(2026, 2, 3))
    for engagement in (assignment, contract):
        settle(engagement, finance)
    assert open_on(assignment) == open_on(contract) == []

    with time_machine.travel(f"{TODAY + timedelta(days=1)}T12:00Z", tick=False):
        work(assignment, date(2026, 3, 2))

    assert open_on(assignment) == [
        "Work of 1 day (2 Mar 2026) is not invoiced: post the invoice, or confirm that"
        " none will come."
    ]
    assert open_on(contract, date(2026, 4, 30)) == [
        "The fee of 1 month (Apr 2026) is not invoiced: post the invoice, or confirm"
        " that none will come."
    ]


def test_settling_says_why(finance):
    contract = make_contract()

    with pytest.raises(ValidationError) as refusal:
        settle(contract, finance, reason="  ")

    assert list(refusal.value.message_dict) == ["reason"]


def test_the_database_keeps_settlements(finance):
    settlement = settle(make_contract(), finance)

    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        Settlement.objects.filter(pk=settlement.pk).update(reason="Other")
    with pytest.raises(IntegrityError, match="settlement_says_why"):
        Settlement.objects.bulk_create(
            [
                Settlement(
                    engagement=settlement.engagement,
                    settled_at=settlement.settled_at,
                    settled_by=finance,
                    reason="",
                )
            ]
        )


def test_what_is_known_from_payments_only_closes_by_settling(finance):
    contract = make_contract(origin=Origin.IMPORTED)
    start_engagement(engagement=contract, actor=None)

    def end() -> None:
        end_engagement(
            engagement=contract, ended_on=TODAY, reason=EndReason.OTHER, actor=finance
        )

    with pytest.raises(WrongStateError, match="fees of 3 months"):
        end()
    settle(contract, finance, reason="Seen in the payments")
    end()

    assert stored(contract).status == Status.ENDED


def bill_february(assignment: Assignment, status: InvoiceStatus) -> Invoice:
    return bill(assignment, date(2026, 2, 1), kind=ChargeKind.ONE_OFF, status=status)


def test_an_invoice_is_paid_with_day_and_person(assignment, finance):
    invoice = bill(
        assignment, date(2026, 2, 1), kind=ChargeKind.ONE_OFF, status=APPROVED
    )

    paid = settle_invoice(invoice=invoice, paid_on=date(2026, 3, 2), actor=finance)

    assert (paid.status, paid.paid_on, paid.paid_by, paid.version) == (
        "paid",
        date(2026, 3, 2),
        finance,
        4,
    )
    told = Event.objects.order_by("-id")[:2]
    assert [(event.event_type, event.actor) for event in told] == [
        ("engagement.invoice_paid", finance),
        ("invoice.paid", finance),
    ]


@pytest.mark.parametrize(
    "role", [Role.MANAGER, Role.HR_INTEGRATION, Role.AUDITOR, None]
)
def test_only_finance_and_administrators_say_what_was_paid(assignment, role):
    invoice = bill(
        assignment, date(2026, 2, 1), kind=ChargeKind.ONE_OFF, status=APPROVED
    )
    person = make_user(*([role] if role else []))

    with pytest.raises(NotAllowedError, match="Finance records"):
        settle_invoice(invoice=invoice, paid_on=TODAY, actor=person)

    assert Invoice.objects.get().status == InvoiceStatus.APPROVED


@pytest.mark.parametrize(
    "status", sorted(set(InvoiceStatus) - {InvoiceStatus.APPROVED})
)
def test_only_approved_invoices_are_paid(assignment, finance, status):
    invoice = bill_february(assignment, status)

    with pytest.raises(WrongStateError, match="can't become paid"):
        settle_invoice(invoice=invoice, paid_on=TODAY, actor=finance)


@pytest.mark.parametrize(
    ("day", "words"),
    [
        (TODAY + timedelta(days=1), "not ahead of it"),
        (date(2026, 1, 31), "not issued before"),
    ],
)
def test_payment_is_not_to_come_and_not_before_the_issue(
    assignment, finance, day, words
):
    invoice = bill(
        assignment, date(2026, 2, 1), kind=ChargeKind.ONE_OFF, status=APPROVED
    )

    with pytest.raises(ValidationError, match=words):
        settle_invoice(invoice=invoice, paid_on=day, actor=finance)


@pytest.mark.parametrize(
    "values", [{"status": "paid"}, {"paid_on": TODAY}, {"paid_on": None}]
)
def test_the_database_dates_just_what_is_paid(assignment, finance, values):
    invoice = bill(
        assignment, date(2026, 2, 1), kind=ChargeKind.ONE_OFF, status=APPROVED
    )
    if values == {"paid_on": None}:
        settle_invoice(invoice=invoice, paid_on=TODAY, actor=finance)

    with (
        pytest.raises(IntegrityError, match="invoice_paid_is_dated"),
        transaction.atomic(),
    ):
        Invoice.objects.filter(pk=invoice.pk).update(**values)
