"""A worked example: what binds us, from the signature to the last bill.

A desk for 10,333.33 a month from 1 January 2026, renewed by itself each year, agreed at
most to the end of 2028. Leaving before costs 15,000.00. Notice is given on 1 September,
three months before the first term ends.
"""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
import time_machine

from engagements.choices import ChargeKind, EndReason
from engagements.models import ManagedContract
from engagements.services.lifecycle import end_engagement, start_engagement
from engagements.services.renewal import give_notice
from tests.factories import make_contract, stored
from tests.spend.billing import brought_to
from tests.spend.bills import bill_lines, fee, line
from tracker.spend.commitment import Commitment
from tracker.spend.models import InvoiceStatus, LedgerEntry
from tracker.spend.outlook import standing_of
from tracker.spend.services import verify_ledger

pytestmark = pytest.mark.django_db

FEE = Decimal("10333.33")
LAST_DAY = date(2026, 12, 31)


def on(month: int, day: int) -> time_machine.travel:
    return time_machine.travel(datetime(2026, month, day, 12, tzinfo=UTC), tick=False)


def commitment(desk: ManagedContract, today: date) -> Commitment:
    found = standing_of(stored(desk), today=today)
    assert found is not None
    assert found.commitment is not None
    return found.commitment


def test_from_the_first_commitment_to_the_last_bill_it_is_exact():
    with on(1, 1):
        desk = make_contract(
            fee=FEE,
            starts_on=date(2026, 1, 1),
            ends_on=date(2028, 12, 31),
            initial_term_months=12,
            renewal="auto",
            renewal_term_months=12,
            notice_period=3,
            notice_unit="months",
            exit_charge=Decimal(15_000),
        )
        start_engagement(engagement=desk, actor=None)
    signed = commitment(desk, date(2026, 1, 1))
    # The first year can't be avoided any more, nor the charge for leaving after it.
    assert (signed.until, signed.amount) == (LAST_DAY, 12 * FEE + 15_000)
    assert signed.to_end is not None
    assert signed.to_end.amount == 36 * FEE == Decimal("371999.88")

    with on(9, 1):
        give_notice(engagement=desk, given_on=date(2026, 9, 1), actor=None)
    given = commitment(desk, date(2026, 9, 1))
    assert given.amount == 4 * FEE + 15_000 == Decimal("56333.32")

    with on(12, 31):
        lines = [fee(desk, str(FEE), date(2026, month, 1)) for month in range(1, 13)]
        lines.append(line(desk, ChargeKind.ONE_OFF, "15000", LAST_DAY, LAST_DAY))
        for billed in lines:
            brought_to(bill_lines(billed), InvoiceStatus.PAID)
        end_engagement(
            engagement=desk,
            ended_on=LAST_DAY,
            reason=EndReason.COMPLETED,
            actor=None,
        )
        left = commitment(desk, LAST_DAY)

    # What bound us on the day of the signature is what was paid, to the cent.
    spent = sum(entry.reporting_amount for entry in LedgerEntry.objects.all())
    assert spent == signed.amount == Decimal("138999.96")
    assert left.amount is None
    assert verify_ledger().is_exact
