"""A worked example: until when an order lasts.

120,000.00 are ordered for 2026. The desk costs 9,000.00 a month, from April 12,400.00,
billed monthly; on 24 May the bill of April is the last one that came.
"""

from datetime import date
from decimal import Decimal

import pytest

from engagements.models import Event, FeeTerm
from engagements.services.terms import amend_fee
from tests.factories import begun, make_contract
from tests.spend.bills import bill_lines, fee
from tracker.spend.models import OrderChange, PurchaseOrder
from tracker.spend.orders import burn_downs
from tracker.spend.services import change_order, record_order, watch_orders

pytestmark = pytest.mark.django_db

TODAY = date(2026, 5, 24)


def test_order_runs_out_before_its_end_and_a_change_mends_it():
    desk = begun(make_contract(fee=Decimal(9_000)))
    amend_fee(
        term=FeeTerm(
            contract=desk, starts_on=date(2026, 4, 1), monthly_fee=Decimal(12_400)
        ),
        actor=None,
    )
    order = record_order(
        order=PurchaseOrder(
            vendor=desk.vendor,
            number="4500-118",
            currency="GBP",
            amount=Decimal(120_000),
            starts_on=date(2026, 1, 1),
            ends_on=date(2026, 12, 31),
        ),
        engagements=[desk],
        actor=None,
    )
    for month, amount in enumerate(("9000", "9000", "9000", "12400"), 1):
        bill_lines(fee(desk, amount, date(2026, month, 1)))

    found = burn_downs([order], today=TODAY)[order.pk]

    # Billed 39,400.00; 24 days of May at 400.00 are earned and not billed: 9,600.00.
    assert (found.invoiced, found.accrued) == (Decimal(39_400), Decimal(9_600))
    assert found.remaining == Decimal(71_000)
    # 30 March to 24 May: two days of March at 290.32…, 30 of April at 413.33…, 24 at
    # 400.00: 22,580.645… in eight weeks.
    assert found.weekly == Decimal("2822.58")
    # 71,000 by 2,822.58 are 25.154 weeks: 176 days.
    assert found.runs_out_on == date(2026, 11, 16)
    assert found.is_short

    watch_orders(today=TODAY)
    event = Event.objects.get(event_type="engagement.order_running_out")
    assert event.changes["runs_out_on"] == [None, "2026-11-16"]

    change_order(
        change=OrderChange(
            order=order,
            changed_on=TODAY,
            amount=Decimal(20_000),
            reason="The fee rose in April",
        ),
        actor=None,
    )
    mended = burn_downs([order], today=TODAY)[order.pk]
    assert mended.runs_out_on == date(2027, 1, 4)
    assert not mended.is_short
