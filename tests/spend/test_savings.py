"""Savings: what was claimed, beside what records show."""

from datetime import date
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.db import DatabaseError, IntegrityError, transaction

from engagements.choices import ChargeKind, Role
from engagements.errors import WrongStateError
from tests.factories import (
    begun,
    make_assignment,
    make_contract,
    make_department,
    make_user,
)
from tests.spend.bills import bill_lines, credit_note, fee, line, time
from tracker.performance.models import Credit, CreditState
from tracker.spend.models import (
    MatchException,
    Resolution,
    Saving,
    SavingKind,
    SavingRealisation,
    SavingStatus,
)
from tracker.spend.services import (
    bring_savings_up,
    claim_saving,
    match_received,
    resolve_exception,
    withdraw_saving,
)

pytestmark = pytest.mark.django_db

MARCH = date(2026, 3, 1)
APRIL = date(2026, 4, 1)


@pytest.fixture
def finance():
    return make_user(Role.FINANCE)


@pytest.fixture
def contract():
    return begun(make_contract())


def negotiated(engagement, before, after, **fields):
    values = {
        "kind": SavingKind.NEGOTIATED,
        "title": "Lower fee",
        "engagement_id": engagement.pk,
        "claimed_amount": Decimal(12_000),
        "claimed_on": MARCH,
        "price_before": Decimal(before),
        "price_after": Decimal(after),
    } | fields
    return claim_saving(saving=Saving(**values), actor=None)


def realised():
    return [
        (one.status, one.realised)
        for one in Saving.objects.with_realised().order_by("pk")
    ]


def test_vendor_and_currency_are_the_engagement_s(contract):
    saving = negotiated(contract, "11000", "10000")

    assert (saving.vendor, saving.currency) == (contract.vendor, "GBP")


def test_negotiated_fee_is_realised_by_bills_at_it(contract):
    """1,000 a month less: March and April are billed, February was before."""
    negotiated(contract, "11000", "10000")
    for month in (2, 3, 4):
        bill_lines(fee(contract, "10000", date(2026, month, 1)))

    bring_savings_up()
    bring_savings_up()

    assert realised() == [(SavingStatus.CLAIMED, Decimal(2_000))]


def test_what_is_credited_in_full_and_billed_anew_is_realised_once(contract):
    negotiated(contract, "11000", "10000")
    first = bill_lines(fee(contract, "10000"))
    bring_savings_up()

    credit_note(first, "-10000")
    bring_savings_up()
    assert realised() == [(SavingStatus.CLAIMED, Decimal(0))]

    bill_lines(fee(contract, "10000"))
    bring_savings_up()
    bring_savings_up()
    assert realised() == [(SavingStatus.CLAIMED, Decimal(1_000))]


def test_fee_billed_as_before_realises_nothing(contract):
    negotiated(contract, "11000", "10000")
    bill_lines(fee(contract, "11000"))

    bring_savings_up()

    assert realised() == [(SavingStatus.CLAIMED, Decimal(0))]


def test_saving_ends_with_its_last_day(contract):
    negotiated(contract, "11000", "10000", until=date(2026, 3, 31))
    bill_lines(fee(contract, "10000"))
    bill_lines(fee(contract, "10000", APRIL))

    bring_savings_up()

    assert realised() == [(SavingStatus.CLAIMED, Decimal(1_000))]


def test_saving_of_half_a_month_counts_by_days(contract):
    negotiated(contract, "13100", "10000", claimed_on=date(2026, 3, 22))
    bill_lines(fee(contract, "10000"))

    bring_savings_up()

    # Ten of 31 days of 3,100.
    assert realised() == [(SavingStatus.CLAIMED, Decimal(1_000))]


def test_negotiated_day_rate_is_realised_by_the_hours_billed():
    """660 a day before, 600 now: two days of 7.5 hours save 120."""
    person = begun(make_assignment())
    negotiated(person, "660", "600", claimed_amount=Decimal(120))
    bill_lines(time(person, "1200", "15"))

    bring_savings_up()

    assert realised() == [(SavingStatus.REALISED, Decimal(120))]


def test_credit_is_claimed_when_agreed_and_realised_when_applied(contract):
    credit = Credit.objects.create(
        engagement=contract,
        window_from=date(2026, 2, 1),
        window_to=date(2026, 2, 28),
        scheme="flat",
        amount=Decimal(250),
        agreed_amount=Decimal(200),
        state=CreditState.AGREED,
        state_since=MARCH,
    )
    bring_savings_up()
    assert realised() == [(SavingStatus.CLAIMED, Decimal(0))]

    invoice = bill_lines(line(contract, ChargeKind.CREDIT, "-200"))
    credit.state = CreditState.APPLIED
    credit.invoice_line = invoice.lines.get()
    credit.save()
    bring_savings_up()
    bring_savings_up()

    assert realised() == [(SavingStatus.REALISED, Decimal(200))]


def applied_credit(contract):
    """Return a credit of 200 with the bill of 9,800 that it came back by."""
    invoice = bill_lines(
        fee(contract, "10000"), line(contract, ChargeKind.CREDIT, "-200")
    )
    credit = Credit.objects.create(
        engagement=contract,
        window_from=date(2026, 2, 1),
        window_to=date(2026, 2, 28),
        scheme="flat",
        amount=Decimal(200),
        agreed_amount=Decimal(200),
        state=CreditState.APPLIED,
        state_since=MARCH,
        invoice_line=invoice.lines.get(charge_kind=ChargeKind.CREDIT),
    )
    bring_savings_up()
    assert realised() == [(SavingStatus.REALISED, Decimal(200))]
    return credit, invoice


def test_credit_goes_with_its_bill_when_that_is_credited_in_full(contract):
    _credit, invoice = applied_credit(contract)

    credit_note(invoice, "-9800")
    bring_savings_up()
    bring_savings_up()

    assert realised() == [(SavingStatus.CLAIMED, Decimal(0))]


def test_credit_earned_back_after_it_was_applied_takes_all_back(contract):
    credit, _invoice = applied_credit(contract)
    credit.state, credit.reason = CreditState.WAIVED, "Earned back"
    credit.save()

    bring_savings_up()
    bring_savings_up()

    assert realised() == [(SavingStatus.WITHDRAWN, Decimal(0))]


def test_credit_that_was_earned_back_is_no_saving(contract):
    credit = Credit.objects.create(
        engagement=contract,
        window_from=date(2026, 2, 1),
        window_to=date(2026, 2, 28),
        scheme="flat",
        amount=Decimal(200),
        agreed_amount=Decimal(200),
        state=CreditState.AGREED,
        state_since=MARCH,
    )
    bring_savings_up()
    credit.state, credit.reason = CreditState.WAIVED, "Earned back"
    credit.save()

    bring_savings_up()

    assert realised() == [(SavingStatus.WITHDRAWN, Decimal(0))]


def test_money_that_came_back_is_realised_by_the_word_of_who_says_so(contract, finance):
    bill_lines(fee(contract, "10100"))
    match_received()
    resolve_exception(
        exception=MatchException.objects.get(),
        resolution=Resolution.RECOVERED,
        reason="Paid back to the bank on 3 May",
        actor=finance,
    )

    assert realised() == [(SavingStatus.REALISED, Decimal(100))]
    assert SavingRealisation.objects.get().note == "Paid back to the bank on 3 May"


def test_credit_note_serves_claims_in_order_and_never_more_than_claimed(
    contract, finance
):
    invoice = bill_lines(
        fee(contract, "10100"), line(contract, ChargeKind.ONE_OFF, "50")
    )
    match_received()
    for exception in MatchException.objects.order_by("pk"):
        resolve_exception(
            exception=exception,
            resolution=Resolution.CREDIT_NOTE_REQUESTED,
            reason="Asked for it",
            actor=finance,
        )
    credit_note(invoice, "-120")
    bring_savings_up()
    assert realised() == [
        (SavingStatus.REALISED, Decimal(100)),
        (SavingStatus.CLAIMED, Decimal(20)),
    ]

    credit_note(invoice, "-500")
    bring_savings_up()
    assert realised() == [
        (SavingStatus.REALISED, Decimal(100)),
        (SavingStatus.REALISED, Decimal(50)),
    ]


def test_accepted_overbilling_is_no_saving(contract, finance):
    bill_lines(fee(contract, "10100"))
    match_received()
    resolve_exception(
        exception=MatchException.objects.get(),
        resolution=Resolution.ACCEPTED,
        reason="Agreed",
        actor=finance,
    )

    assert not Saving.objects.exists()


def test_saving_is_withdrawn_with_a_reason(contract, finance):
    saving = negotiated(contract, "11000", "10000")

    with pytest.raises(ValidationError):
        withdraw_saving(saving=saving, reason=" ", actor=finance)
    withdraw_saving(saving=saving, reason="The fee stayed", actor=finance)
    with pytest.raises(WrongStateError):
        withdraw_saving(saving=saving, reason="Again", actor=finance)


def test_prices_are_those_of_an_engagement_and_both(contract):
    with pytest.raises(ValidationError, match="both prices"):
        claim_saving(
            saving=Saving(
                kind=SavingKind.NEGOTIATED,
                title="x",
                engagement_id=contract.pk,
                claimed_amount=Decimal(1),
                claimed_on=MARCH,
                price_before=Decimal(5),
            ),
            actor=None,
        )


def test_manager_sees_savings_of_their_department(contract):
    ours = make_department()
    seen = negotiated(begun(make_contract(department=ours)), "11000", "10000")
    negotiated(contract, "11000", "10000")
    manager = make_user(Role.MANAGER, department=ours)

    assert list(Saving.objects.visible_to(manager)) == [seen]
    assert Saving.objects.visible_to(make_user(Role.AUDITOR)).count() == 2
    assert not Saving.objects.visible_to(make_user(Role.HR_INTEGRATION))


# --- what the database refuses -----------------------------------------------------


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("saving_kind_known", {"kind": "odd"}),
        ("saving_status_known", {"status": "odd"}),
        ("saving_currency_code", {"currency": ""}),
        ("saving_claimed_positive", {"claimed_amount": Decimal(0)}),
        ("saving_price_fell", {"price_before": Decimal(1), "price_after": Decimal(1)}),
        ("saving_price_fell", {"price_before": Decimal(1)}),
        ("saving_until_after_since", {"until": date(2026, 2, 28)}),
    ],
)
def test_database_refuses_a_saving_that_can_not_be(contract, name, values):
    row = Saving(
        **{
            "kind": "negotiated",
            "title": "x",
            "vendor": contract.vendor,
            "currency": "GBP",
            "claimed_amount": Decimal(1),
            "claimed_on": MARCH,
        }
        | values
    )

    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        Saving.objects.bulk_create([row])


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("saving_realisation_is_something", {"amount": Decimal(0)}),
        ("saving_realisation_has_a_record", {"note": ""}),
    ],
)
def test_database_refuses_a_realisation_that_can_not_be(contract, name, values):
    row = SavingRealisation(
        **{
            "saving": negotiated(contract, "11000", "10000"),
            "realised_on": MARCH,
            "amount": Decimal(1),
            "note": "So",
        }
        | values
    )

    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        SavingRealisation.objects.bulk_create([row])


def test_database_counts_a_line_once_and_keeps_what_was_realised(contract):
    saving = negotiated(contract, "11000", "10000")
    bill_lines(fee(contract, "10000"))
    bring_savings_up()
    row = SavingRealisation.objects.get()
    again = SavingRealisation(
        saving=saving,
        realised_on=MARCH,
        amount=Decimal(1),
        invoice_line=row.invoice_line,
    )

    with pytest.raises(IntegrityError), transaction.atomic():
        SavingRealisation.objects.bulk_create([again])
    rows = SavingRealisation.objects.all()
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        rows.update(amount=Decimal(2))
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        rows._raw_delete(rows.db)
