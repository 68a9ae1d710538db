"""A credit's way from the missed window to the ledger, to the cent."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
import time_machine
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.db.models import Sum

from engagements.choices import ChargeKind, CreditScheme, Role
from engagements.errors import WrongStateError
from engagements.models import CreditStep, Event, FeeTerm
from engagements.services.lifecycle import start_engagement
from engagements.services.terms import amend_fee
from tests.factories import begun, make_cost_centre, make_user
from tests.performance.contracts import add_level, contract_with, measured
from tracker.performance.models import Credit, CreditState, LevelResult
from tracker.performance.services import (
    agree_credit,
    apply_credit,
    claim_credit,
    count_window_again,
    excuse_window,
    measure,
    settle_credits,
    settle_windows,
    waive_credit,
)
from tracker.spend.models import Basis, Invoice, InvoiceLine, LedgerEntry, MonthlySpend
from tracker.spend.services import post_invoice, verify_ledger

D = Decimal
TODAY = date(2026, 5, 20)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def today():
    with time_machine.travel(datetime(2026, 5, 20, 12, tzinfo=UTC), tick=False):
        yield


@pytest.fixture(autouse=True)
def ledger_agrees(db):
    """After every test of this file, the ledger holds of each credit what is due."""
    yield
    if not connection.needs_rollback:
        found = verify_ledger()
        assert (found.source_mismatches, found.unknown_sources) == ([], [])


@pytest.fixture
def actor():
    return make_user(Role.FINANCE)


POOL = {
    "fee": D(100_000),
    "credit_scheme": CreditScheme.POOL,
    "at_risk_percent": D(10),
}


def settle(contract, day=TODAY):
    return settle_credits(contract=contract, today=day, actor=None)


def missed_pool(month="2026-04", **fields):
    contract, [level] = contract_with(
        {"credit_percent": D(50), "credit_severity_percent": D(40)}, **POOL | fields
    )
    measured(level, month, "90")
    settle(contract)
    return contract, level


def only():
    return Credit.objects.select_related("engagement").get()


def spend():
    rows = MonthlySpend.objects.values_list("month", "basis").annotate(Sum("amount"))
    return {(month, basis): amount for month, basis, amount in rows if amount}


APRIL = date(2026, 4, 1)


def test_missed_window_makes_a_credit_due():
    contract, level = missed_pool(claim_within_days=30)

    credit = only()

    # 50 % of 40 % of 10 % of 100,000; 30 days after 30 April
    assert (credit.amount, credit.state) == (D("2000.00"), CreditState.DUE)
    assert (credit.service_level, credit.claim_by_on) == (level, date(2026, 5, 30))
    assert credit.figures["missed"][0]["value"] == "90"
    told = Event.objects.get(event_type="credit.due")
    assert (told.engagement_id, told.changes["amount"]) == (contract.pk, [None, "2000"])
    assert spend() == {}


def test_settling_again_changes_nothing():
    contract, _level = missed_pool()
    before = Event.objects.count()

    settled = settle(contract)

    assert (settled.due, Credit.objects.count()) == (0, 1)
    assert Event.objects.count() == before


def test_month_is_capped_at_what_is_at_risk():
    levels = [{"credit_percent": D(100), "name": n} for n in ("one", "two", "three")]
    contract, found = contract_with(*levels, **POOL | {"credit_pool_percent": D(300)})
    for level in found:
        measured(level, "2026-04", "90")

    settle(contract)

    assert list(Credit.objects.order_by("id").values_list("amount", flat=True)) == [
        D("3333.34"),
        D("3333.33"),
        D("3333.33"),
    ]


def test_shares_of_levels_stay_within_the_pool():
    contract, _levels = contract_with({"credit_percent": D(60)}, **POOL)

    with pytest.raises(ValidationError, match="sum to 101; the pool holds 100"):
        add_level(contract, credit_percent=D(41))


def test_points_are_taken_off_the_next_bill():
    contract, [one, two] = contract_with(
        {"credit_points": 5},
        {"credit_points": 10},
        fee=D(100_000),
        credit_scheme=CreditScheme.POINTS,
    )
    amend_fee(
        term=FeeTerm(
            contract=contract, starts_on=date(2026, 5, 1), monthly_fee=D(110_000)
        ),
        actor=None,
    )
    for bound, percent in ((5, 0), (10, 2), (15, 4), (20, 6), (25, 8), (30, 10)):
        CreditStep.objects.create(contract=contract, bound=D(bound), percent=D(percent))
    for level in (one, two):
        measured(level, "2026-04", "90")

    settle(contract)

    credit = only()
    # 15 points: 4 % of May's 110,000
    assert (credit.service_level, credit.amount) == (None, D("4400.00"))
    assert (credit.figures["points"], len(credit.figures["missed"])) == (15, 2)


def test_tiers_and_flat_by_the_figures_of_the_contract():
    tiers, [uptime] = contract_with(
        {"target": D("99.99")}, fee=D(8000), credit_scheme=CreditScheme.TIERS
    )
    for bound, percent in (("99.99", 10), ("99", 30), ("95", 100)):
        CreditStep.objects.create(contract=tiers, bound=D(bound), percent=D(percent))
    measured(uptime, "2026-04", "98.2")
    settle(tiers)
    flat, [one, two] = contract_with(
        {"credit_percent": D(5)},
        {"credit_percent": D(3)},
        fee=D(8000),
        credit_scheme=CreditScheme.FLAT,
    )
    for level in (one, two):
        measured(level, "2026-04", "90", incident="INC7")
    settle(flat)

    amounts = dict(Credit.objects.values_list("service_level", "amount"))

    # The incident that hit both counts for the dearer one.
    assert amounts == {uptime.pk: D("2400.00"), one.pk: D("400.00")}


def test_credit_follows_late_figures_while_it_is_due():
    contract, level = missed_pool()
    measured(level, "2026-04", "109.5")

    # (90 + 109.5) / 2 = 99.75, which meets 99.5
    assert LevelResult.objects.get().outcome == "met"
    assert settle(contract).withdrawn == 1
    assert (only().state, only().reason) == (
        CreditState.WAIVED,
        "The window no longer counts as missed.",
    )


def test_excused_window_withdraws_what_is_due():
    contract, _level = missed_pool()
    result = LevelResult.objects.get()

    excuse_window(result=result, reason="Our fault", actor=make_user(Role.MANAGER))

    assert settle(contract).withdrawn == 1


def test_unclaimed_credit_expires_and_can_no_longer_be_claimed(actor):
    contract, _level = missed_pool(claim_within_days=30)

    assert settle(contract, date(2026, 5, 30)).expired == 0
    assert settle(contract, date(2026, 5, 31)).expired == 1
    assert only().state == CreditState.EXPIRED
    with pytest.raises(WrongStateError, match="The credit is expired"):
        claim_credit(credit=only(), today=date(2026, 5, 31), actor=actor)


def test_deadline_holds_before_the_night_has_told(actor):
    missed_pool(claim_within_days=25)

    with pytest.raises(WrongStateError, match="had to be claimed by 2026-05-25"):
        claim_credit(credit=only(), today=date(2026, 5, 26), actor=actor)


def claimed_and_agreed(actor, amount=None):
    claim_credit(credit=only(), today=TODAY, actor=actor)
    agree_credit(credit=only(), amount=amount, today=TODAY, actor=actor)
    return only()


def test_agreed_credit_is_accrued_in_its_month(actor):
    centre = make_cost_centre()
    missed_pool(cost_shares={centre: D(100)})

    credit = claimed_and_agreed(actor)

    entry = LedgerEntry.objects.get()
    assert (entry.amount, entry.charge_kind, entry.basis) == (
        D("-2000.00"),
        ChargeKind.CREDIT,
        Basis.ACCRUED,
    )
    assert (entry.day, entry.cost_centre) == (date(2026, 4, 30), centre)
    assert (credit.state, credit.agreed_amount) == (CreditState.AGREED, D(2000))
    assert list(
        Event.objects.filter(subject_type="credit")
        .order_by("id")
        .values_list("event_type", flat=True)
    ) == ["credit.due", "credit.claimed", "credit.agreed"]


def test_vendor_may_grant_less_and_never_more(actor):
    missed_pool()
    claim_credit(credit=only(), today=TODAY, actor=actor)

    with pytest.raises(ValidationError, match="at most what is due"):
        agree_credit(credit=only(), amount=D(2001), today=TODAY, actor=actor)
    agree_credit(credit=only(), amount=D("1500.50"), today=TODAY, actor=actor)

    assert spend() == {(APRIL, Basis.ACCRUED): D("-1500.50")}


def test_money_returned_without_an_invoice_becomes_actual(actor):
    missed_pool()
    credit = claimed_and_agreed(actor)

    apply_credit(credit=credit, today=TODAY, actor=actor)

    assert only().state == CreditState.APPLIED
    assert spend() == {(APRIL, Basis.ACTUAL): D("-2000.00")}


def invoice_with_credit(contract, amount):
    line = InvoiceLine(
        engagement=contract,
        charge_kind=ChargeKind.CREDIT,
        description="Service credit, April",
        period_from=APRIL,
        period_to=date(2026, 4, 30),
        amount=amount,
    )
    begun(contract)
    post_invoice(
        invoice=Invoice(
            vendor=contract.vendor,
            number=f"N{amount}",
            issued_on=TODAY,
            currency="GBP",
            total=amount,
        ),
        lines=[line],
        actor=None,
    )
    return line


def test_invoice_line_takes_the_place_of_the_accrual(actor):
    contract, _level = missed_pool()
    credit = claimed_and_agreed(actor)
    line = invoice_with_credit(contract, D(-2000))

    apply_credit(credit=credit, invoice_line=line, today=TODAY, actor=actor)

    assert only().invoice_line == line
    assert spend() == {(APRIL, Basis.ACTUAL): D("-2000.00")}


@pytest.mark.parametrize("amount", [D(-1999), D(2000)])
def test_line_that_does_not_hold_the_credit_is_refused(actor, amount):
    contract, _level = missed_pool()
    credit = claimed_and_agreed(actor)
    line = invoice_with_credit(contract, amount)

    with pytest.raises(ValidationError, match="The line holds"):
        apply_credit(credit=credit, invoice_line=line, today=TODAY, actor=actor)

    assert only().state == CreditState.AGREED


def test_waived_credit_says_why_and_leaves_no_accrual(actor):
    missed_pool()
    credit = claimed_and_agreed(actor)

    with pytest.raises(ValidationError, match="Say why"):
        waive_credit(credit=credit, reason=" ", today=TODAY, actor=actor)
    waive_credit(credit=credit, reason="Goodwill", today=TODAY, actor=actor)

    assert (only().state, only().reason) == (CreditState.WAIVED, "Goodwill")
    assert spend() == {}


def earning(actor, state):
    contract, level = missed_pool("2026-02", earn_back_windows=2)
    if state != CreditState.DUE:
        claimed_and_agreed(actor)
    if state == CreditState.APPLIED:
        apply_credit(credit=only(), today=TODAY, actor=actor)
    return contract, level


@pytest.mark.parametrize(
    "state", [CreditState.DUE, CreditState.AGREED, CreditState.APPLIED]
)
def test_credit_is_earned_back_whatever_its_state(actor, state):
    contract, level = earning(actor, state)
    measured(level, "2026-03", "99.9")
    assert settle(contract).earned_back == 0

    measured(level, "2026-04", "99.9")

    assert settle(contract).earned_back == 1
    assert (only().state, only().is_earned_back) == (CreditState.WAIVED, True)
    total = LedgerEntry.objects.aggregate(Sum("amount"))["amount__sum"]
    assert total == (None if state == CreditState.DUE else 0)
    assert settle(contract).earned_back == 0


def test_credit_is_not_earned_back_by_an_idle_window(actor):
    contract, level = earning(actor, CreditState.DUE)
    measured(level, "2026-04", "99.9")
    measure(contract=contract, first=date(2026, 3, 1), last=TODAY, actor=None)

    assert settle(contract).earned_back == 0


@pytest.mark.parametrize(
    "fields",
    [
        {"amount": D(0)},
        {"agreed_amount": D(2001)},
        {"state": "lost"},
        {"state": "agreed"},
        {"state": "waived"},
        {"scheme": "raffle"},
    ],
)
def test_database_refuses_a_credit_that_cannot_be(fields):
    missed_pool()

    with pytest.raises(IntegrityError), transaction.atomic():
        Credit.objects.update(**fields)


def test_night_measures_and_settles_every_contract_once():
    contract, [level] = contract_with(
        {"credit_percent": D(50)}, **POOL | {"claim_within_days": 30}
    )
    contract_with()
    start_engagement(engagement=contract, actor=None)
    measured(level, "2026-04", "90")

    first, second = settle_windows(today=TODAY), settle_windows(today=TODAY)

    # January to March are idle, April is known already.
    assert (first.contracts, first.changed, first.due) == (1, 3, 1)
    assert (second.changed, second.due) == (0, 0)


def test_counting_a_window_again_leaves_its_waived_credit_waived():
    contract, _level = missed_pool()
    boss = make_user(Role.MANAGER)
    result = LevelResult.objects.get()
    excuse_window(result=result, reason="Our fault", actor=boss)
    settle(contract)

    count_window_again(result=result, actor=boss)

    # What was let go of stays let go of.
    assert settle(contract).due == 0
    assert only().state == CreditState.WAIVED
