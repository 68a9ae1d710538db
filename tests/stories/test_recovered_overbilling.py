"""A worked example: a month billed too dear, found and taken back, to the cent.

A service desk costs 18,250.00 a month, from 17 March 19,000.00. March is billed as
though the new fee held from the 1st, the contractor's 152 hours as 160 at 82.50 where
146.5 were approved at 80.00, and the vendor forgets the credit of 365.00.
"""

from datetime import date
from decimal import Decimal

import pytest
import time_machine

from engagements.choices import ChargeKind, RateUnit, Role
from engagements.models import FeeTerm, RateTerm
from engagements.services.terms import amend_fee
from tests.factories import (
    begun,
    make_assignment,
    make_contract,
    make_user,
    make_vendor,
)
from tests.spend.bills import bill_lines, fee, line, time
from tracker.performance.models import Credit, CreditState
from tracker.spend.models import (
    Invoice,
    InvoiceKind,
    InvoiceStatus,
    MatchException,
    Resolution,
    Saving,
    WorkLog,
)
from tracker.spend.services import (
    bring_savings_up,
    log_work_lines,
    match_received,
    resolve_exception,
)

pytestmark = pytest.mark.django_db

MARCH = date(2026, 3, 1)


@pytest.fixture(autouse=True)
def _today():
    with time_machine.travel("2026-04-20T12:00Z", tick=False):
        yield


def test_overbilling_is_recovered_to_the_cent():
    vendor, finance = make_vendor(), make_user(Role.FINANCE)
    desk = begun(make_contract(vendor=vendor, fee=Decimal(18_250)))
    amend_fee(
        term=FeeTerm(
            contract=desk, starts_on=date(2026, 3, 17), monthly_fee=Decimal(19_000)
        ),
        actor=None,
    )
    person = begun(make_assignment(vendor=vendor))
    RateTerm.objects.filter(assignment=person).update(
        rate=Decimal(80), unit=RateUnit.HOUR
    )
    log_work_lines(
        lines=[
            WorkLog(
                engagement=person,
                contractor=person.contractor,
                worked_on=date(2026, 3, day),
                hours=Decimal(hours),
            )
            for day, hours in [*((day, "7.25") for day in range(2, 22)), (23, "1.5")]
        ],
        actor=None,
    )
    Credit.objects.create(
        engagement=desk,
        window_from=date(2026, 2, 1),
        window_to=date(2026, 2, 28),
        scheme="flat",
        amount=Decimal(365),
        agreed_amount=Decimal(365),
        state=CreditState.AGREED,
        state_since=date(2026, 3, 20),
    )

    invoice = bill_lines(
        fee(desk, "19000"),
        time(person, "13200", "160", unit_price=Decimal("82.50")),
    )
    match_received()

    # 16 days of 18,250 and 15 of 19,000, by 31: 9,419.35 + 9,193.55 = 18,612.90.
    # 146.5 hours at 80.00 are 11,720.00; 13.5 more 1,080.00; 160 by 2.50 are 400.00.
    found = {one.code: one for one in MatchException.objects.all()}
    assert {code: one.amount for code, one in found.items()} == {
        "fee_mismatch": Decimal("387.10"),
        "rate_above_card": Decimal("400.00"),
        "hours_above_approved": Decimal("1080.00"),
        "credit_not_applied": Decimal("365.00"),
    }
    assert Invoice.objects.get().status == InvoiceStatus.DISPUTED

    for one in found.values():
        resolve_exception(
            exception=one,
            resolution=Resolution.CREDIT_NOTE_REQUESTED,
            reason="Asked on 20 April",
            actor=finance,
        )
    assert Invoice.objects.get().status == InvoiceStatus.MATCHED

    bill_lines(
        line(desk, ChargeKind.CREDIT, "-752.10"),
        line(person, ChargeKind.CREDIT, "-1480.00"),
        kind=InvoiceKind.CREDIT_NOTE,
        credits=invoice,
    )
    bring_savings_up()

    savings = Saving.objects.with_realised().filter(kind="recovered")
    assert sum(one.claimed_amount for one in savings) == Decimal("2232.10")
    assert sum(one.realised for one in savings) == Decimal("2232.10")
    assert {one.status for one in savings} == {"realised"}
