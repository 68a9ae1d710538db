"""What the claim letter says, read out of the document itself."""

from datetime import date
from decimal import Decimal
from io import BytesIO

import pytest
import time_machine
from docx import Document

from engagements.choices import CreditScheme, MeasuredBy, Role
from tests.factories import make_user, make_vendor
from tests.performance.contracts import add_level, contract_with, measured
from tracker.performance.letters import claim_letter
from tracker.performance.models import Credit
from tracker.performance.services import settle_credits

D = Decimal
TODAY = date(2026, 5, 20)

pytestmark = pytest.mark.django_db


def texts(letter):
    document = Document(BytesIO(letter))
    table = [[cell.text for cell in row.cells] for row in document.tables[0].rows]
    return [p.text for p in document.paragraphs], table


@time_machine.travel("2026-05-20T12:00Z", tick=False)
def test_letter_tells_the_figures_of_the_claim():
    contract, _levels = contract_with(
        title="Network operations",
        vendor=make_vendor(legal_name="Northwind IT Ltd"),
        manager=make_user(Role.MANAGER, first_name="Maya", last_name="Osei"),
        purchase_order_number="PO-7",
        fee=D(100_000),
        at_risk_percent=D(10),
        credit_scheme=CreditScheme.POOL,
        credit_pool_percent=D(300),
        claim_within_days=30,
    )
    level = add_level(
        contract,
        name="Solved in time",
        measured_by=MeasuredBy.COUNTS,
        target=D(90),
        credit_percent=D(100),
    )
    other = add_level(contract, name="Uptime", credit_percent=D(100))
    measured(level, "2026-04", good=1700, total=2000, incident="INC7")
    measured(other, "2026-04", "98.123")
    settle_credits(contract=contract, today=TODAY, actor=None)
    credit = Credit.objects.select_related("engagement").get(service_level=level)

    paragraphs, table = texts(claim_letter(credit, today=TODAY))

    assert table == [
        ["Service level", "Promised", "Measured", "Counted from"],
        [
            "Solved in time",
            "at least 90 %",
            "85.00 %",
            "1,700 of 2,000; incidents INC7",
        ],
    ]
    assert paragraphs == [
        "Northwind IT Ltd",
        "20 May 2026",
        "Service credit claim",
        f"Contract: Network operations ({contract.reference})",
        "Period: 1 April 2026 to 30 April 2026",
        "Purchase order: PO-7",
        "To be claimed by: 30 May 2026",
        "Under the contract named above, the service levels below were not reached in"
        " the period named above. We claim the service credit that follows.",
        "Scheme: Pool of at-risk fee. 10 % of the fee.",
        "Without the cap of 10 % of the fee it would be £10,000.00.",
        "Service credit claimed: £5,000.00",
        "Please confirm it, and take it off your next invoice as a line of its own.",
        "Yours faithfully,",
        "Maya Osei",
    ]
