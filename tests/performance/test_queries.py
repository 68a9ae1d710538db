"""Reads of results, scores and credits, by whom and with how many queries."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from engagements.choices import ChargeKind, CreditScheme, Role
from engagements.models import Engagement
from tests.factories import begun, make_department, make_user, make_vendor
from tests.performance.contracts import contract_with, measured
from tracker.performance.models import Credit, CreditState, LevelResult
from tracker.performance.queries import (
    credits_missing_on_invoices,
    judged_windows,
    lost_credits,
    measured_months,
    vendor_scores,
)
from tracker.performance.scorecard import Band
from tracker.performance.services import excuse_window
from tracker.spend.models import Invoice, InvoiceLine
from tracker.spend.services import post_invoice

D = Decimal
TODAY = date(2026, 5, 20)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def today():
    with time_machine.travel(datetime(2026, 5, 20, 12, tzinfo=UTC), tick=False):
        yield


@pytest.fixture
def auditor():
    return make_user(Role.AUDITOR)


def ids():
    return Engagement.objects.order_by().values_list("pk", flat=True)


def test_judged_windows_count_misses_and_leave_out_idle_and_excused_ones():
    contract, [level] = contract_with({})
    for month, value in (("2026-01", "90"), ("2026-02", "99.9"), ("2026-03", "90")):
        measured(level, month, value)
    march = LevelResult.objects.get(window_from=date(2026, 3, 1))
    excuse_window(result=march, reason="Ours", actor=make_user(Role.MANAGER))

    span = (date(2025, 5, 21), TODAY)

    assert judged_windows(ids(), *span) == {contract.pk: (1, 2)}
    assert measured_months(ids(), *span) == {
        contract.pk: {date(2026, 1, 1), date(2026, 2, 1)}
    }


def test_score_of_a_vendor_weighs_its_engagements_by_spend(auditor):
    vendor = make_vendor()
    good, [one] = contract_with({}, vendor=vendor)
    bad, [two] = contract_with({}, vendor=vendor)
    measured(one, "2026-04", "99.9")
    measured(two, "2026-04", "90")
    for contract, amount in ((good, D(3000)), (bad, D(1000))):
        invoice(contract, amount)

    found = vendor_scores(auditor, as_of=TODAY)[vendor.pk]

    # The vendor's mean is ½; each window weighs 1 against 3 of that mean.
    assert {key: score.value for key, score in found.engagements.items()} == {
        good.pk: 62.5,
        bad.pk: 37.5,
    }
    # Three parts of 62.5 and one of 37.5
    assert (found.value, found.coverage, found.band) == (56.25, 1.0, Band.POOR)


def invoice(contract, amount, kind=ChargeKind.ONE_OFF, issued_on=TODAY):
    begun(contract)
    post_invoice(
        invoice=Invoice(
            vendor=contract.vendor,
            number=f"N{contract.pk}-{amount}",
            issued_on=issued_on,
            currency="GBP",
            total=amount,
        ),
        lines=[
            InvoiceLine(
                engagement=contract,
                charge_kind=kind,
                period_from=date(2026, 4, 1),
                period_to=date(2026, 4, 30),
                amount=amount,
            )
        ],
        actor=None,
    )


def test_scores_show_only_what_the_user_may_see():
    vendor = make_vendor()
    ours = make_department()
    _seen, [one] = contract_with({}, vendor=vendor, department=ours)
    _hidden, [two] = contract_with({}, vendor=vendor, department=make_department())
    measured(one, "2026-04", "99.9")
    measured(two, "2026-04", "90")

    found = vendor_scores(make_user(Role.MANAGER, department=ours), as_of=TODAY)

    # The other department's miss isn't in the vendor's mean either.
    assert [s.value for s in found[vendor.pk].engagements.values()] == [100.0]


def test_scores_take_one_number_of_queries(auditor):
    def queries():
        with CaptureQueriesContext(connection) as captured:
            vendor_scores(auditor, as_of=TODAY)
        return len(captured)

    def another():
        _contract, [level] = contract_with({})
        measured(level, "2026-04", "99")

    another()
    # The first one also reads the roles.
    assert queries() == 3
    for _number in range(2):
        another()
    assert queries() == 2


def credit(contract, amount, state, **fields):
    return Credit.objects.create(
        engagement=contract,
        window_from=date(2026, 3, 1),
        window_to=date(2026, 3, 31),
        scheme=CreditScheme.POINTS,
        amount=amount,
        state=state,
        state_since=date(2026, 5, 1),
        **fields,
    )


def test_lost_credits_are_summed_by_currency(auditor):
    for currency, amount, state in (
        ("GBP", "100.50", CreditState.EXPIRED),
        ("GBP", "20", CreditState.EXPIRED),
        ("EUR", "7", CreditState.EXPIRED),
        ("EUR", "1000", CreditState.DUE),
    ):
        contract, _levels = contract_with(currency=currency)
        credit(contract, D(amount), state)

    lost = lost_credits(auditor)

    assert (lost.count, lost.sums) == (3, {"EUR": D(7), "GBP": D("120.50")})
    assert lost_credits(make_user(Role.HR_INTEGRATION)).sums == {}


def test_agreed_credit_is_missed_on_the_next_invoice(auditor):
    contract, _levels = contract_with()
    agreed = credit(contract, D(100), CreditState.AGREED, agreed_amount=D(100))
    invoice(contract, D(5000), issued_on=date(2026, 4, 30))
    assert list(credits_missing_on_invoices(auditor)) == []

    invoice(contract, D(5001), issued_on=date(2026, 5, 2))

    assert list(credits_missing_on_invoices(auditor)) == [agreed]
