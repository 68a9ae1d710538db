from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.db.models import Sum

from engagements.choices import Role
from tests.dashboards.spending import bill, make_paid_contract, pay
from tests.factories import (
    begun,
    make_assignment,
    make_contract,
    make_cost_centre,
    make_department,
    make_user,
    make_vendor,
)
from tracker.spend.models import MonthlySpend, WorkLog
from tracker.spend.queries import (
    EntryPlace,
    Extent,
    SpendParts,
    SpendTotal,
    SpendWhere,
    cost_centres_with_spend,
    extent_of_spend,
    last_posted_at,
    ledger_entries,
    ledger_total,
    spend_by_cost_centre,
    spend_by_engagement,
    spend_by_month,
    spend_by_vendor,
    spend_lines,
    spend_total,
    vendors_with_spend,
)
from tracker.spend.services import log_work_lines

pytestmark = pytest.mark.django_db

JANUARY, FEBRUARY, MARCH = (date(2026, month, 1) for month in (1, 2, 3))
EVERYTHING = SpendWhere()


@pytest.fixture
def finance():
    return make_user(Role.FINANCE)


def test_spend_by_month_parts_models_and_bases(finance):
    contract, assignment = make_contract(), begun(make_assignment(rate=Decimal(75)))
    pay(contract, "1000.10", date(2026, 1, 31))
    pay(assignment, "200", date(2026, 2, 1))
    log_work_lines(
        lines=[
            WorkLog(
                engagement=assignment,
                contractor=assignment.contractor,
                worked_on=date(2026, 2, 27),
                hours=Decimal(8),
            )
        ],
        actor=None,
    )

    months = {row.month: row.parts for row in spend_by_month(finance, EVERYTHING)}

    assert months == {
        JANUARY: SpendParts(managed_actual=Decimal("1000.10")),
        FEBRUARY: SpendParts(
            augmented_actual=Decimal(200), augmented_accrued=Decimal(80)
        ),
    }


def test_spend_leaves_tax_out_and_credits_in(finance):
    contract = make_contract()
    bill(contract, JANUARY, [("one_off", "500"), ("tax", "100"), ("credit", "-50")])

    assert spend_total(finance, EVERYTHING).parts.total == Decimal(450)
    assert ledger_total(finance, EVERYTHING) == (2, Decimal(450))


def test_spend_children_sum_to_their_parents(finance):
    for number in range(7):
        half, rest = make_cost_centre(), make_cost_centre()
        contract = make_contract(
            cost_shares={half: Decimal("33.3333"), rest: Decimal("66.6667")}
        )
        pay(contract, f"{100 + number}.01", date(2026, 1 + number % 3, 5))

    total = spend_total(finance, EVERYTHING).parts.total

    assert total == Decimal("721.07")
    divided = [
        [row.parts for row in spend_by_month(finance, EVERYTHING)],
        [row.parts for row in spend_by_vendor(finance, EVERYTHING)],
        [row.parts for row in spend_by_cost_centre(finance, EVERYTHING)],
        [row.parts for row in spend_by_engagement(finance, EVERYTHING)],
    ]
    assert [sum(each.total for each in parts) for parts in divided] == [total] * 4
    lines = list(spend_lines(finance, EVERYTHING))
    assert sum(line.reporting_amount for line in lines) == total
    entries = list(ledger_entries(finance, EVERYTHING))
    assert sum(entry.reporting_amount for entry in entries) == total


def test_spend_by_vendor_has_the_largest_first(finance):
    small = make_paid_contract("10", JANUARY, vendor=make_vendor(legal_name="Small"))
    large = make_paid_contract("90", JANUARY, vendor=make_vendor(legal_name="Large"))

    vendors = spend_by_vendor(finance, EVERYTHING)

    assert [(row.name, row.public_id) for row in vendors] == [
        ("Large", large.vendor.public_id),
        ("Small", small.vendor.public_id),
    ]


def test_spend_by_engagement_can_be_read_in_windows(finance):
    amounts = ["10", "20", "30", "40"]
    for amount in amounts:
        make_paid_contract(amount, JANUARY)

    window = spend_by_engagement(finance, EVERYTHING, start=1, limit=2)

    assert [row.parts.total for row in window] == [Decimal(30), Decimal(20)]
    assert spend_total(finance, EVERYTHING).engagements == 4


@pytest.mark.parametrize(
    ("limits", "total"),
    [
        ({"first_month": FEBRUARY}, "60"),
        ({"last_month": FEBRUARY}, "30"),
        ({"first_month": FEBRUARY, "last_month": FEBRUARY}, "20"),
        ({"kind": "managed"}, "30"),
        ({"kind": "augmented"}, "40"),
    ],
)
def test_spend_where_narrows_by_month_and_model(finance, limits, total):
    make_paid_contract("10", JANUARY)
    make_paid_contract("20", FEBRUARY)
    pay(make_assignment(), "40", MARCH)
    where = SpendWhere(**limits)

    assert spend_total(finance, where).parts.total == Decimal(total)
    assert ledger_total(finance, where)[1] == Decimal(total)


def test_spend_where_narrows_by_records(finance):
    department, centre = make_department(), make_cost_centre()
    wanted = make_paid_contract(
        "10", JANUARY, department=department, cost_shares={centre: Decimal(100)}
    )
    make_paid_contract("20", JANUARY)

    limits: list[dict[str, Any]] = [
        {"vendor_id": wanted.vendor_id},
        {"cost_centre_id": centre.pk},
        {"engagement_id": wanted.pk},
        {"department_ids": frozenset({department.pk})},
    ]

    found = [spend_total(finance, SpendWhere(**limit)).parts.total for limit in limits]
    assert found == [Decimal(10)] * 4
    nowhere = SpendWhere(department_ids=frozenset())
    assert spend_total(finance, nowhere).parts.total == Decimal(0)


def test_spend_is_narrowed_to_what_a_manager_may_see():
    parent = make_department()
    child = make_department(parent=parent)
    manager = make_user(Role.MANAGER, department=parent)
    mine = make_paid_contract("1", JANUARY, manager=manager)
    below = make_paid_contract("10", JANUARY, department=child)
    other = make_paid_contract("100", JANUARY, department=make_department())

    assert spend_total(manager, EVERYTHING).parts.total == Decimal(11)
    assert ledger_total(manager, EVERYTHING) == (2, Decimal(11))
    names = {row.name for row in spend_by_vendor(manager, EVERYTHING)}
    assert names == {mine.vendor.legal_name, below.vendor.legal_name}
    assert set(vendors_with_spend(manager)) == {mine.vendor, below.vendor}
    assert not vendors_with_spend(manager).filter(pk=other.vendor_id).exists()


@pytest.mark.parametrize("role", [None, Role.HR_INTEGRATION])
def test_spend_is_nothing_to_those_who_see_no_money(role):
    make_paid_contract("10", JANUARY)
    user = make_user(*([role] if role else []))

    assert spend_total(user, EVERYTHING) == SpendTotal(SpendParts(), 0)
    assert spend_by_month(user, EVERYTHING) == []
    assert list(spend_lines(user, EVERYTHING)) == []
    assert list(ledger_entries(user, EVERYTHING)) == []
    assert extent_of_spend(user) == Extent(None, None)
    assert not vendors_with_spend(user).exists()
    assert not cost_centres_with_spend(user).exists()


def test_ledger_entries_name_the_document_file_and_line(finance):
    contract = make_contract()
    payment = pay(contract, "10", date(2026, 1, 5))
    invoice = bill(contract, date(2026, 1, 7), [("tax", "1"), ("one_off", "20")])

    billed, paid = ledger_entries(finance, EVERYTHING)

    assert (billed.source_type, billed.document, billed.source_file) == (
        "invoice_line",
        invoice.number,
        "",
    )
    assert billed.source_line == 2
    assert (paid.document, paid.source_file, paid.source_line) == (
        payment.transaction_number,
        "payments-2026.csv",
        payment.source_line,
    )


def test_ledger_entries_continue_after_a_place(finance):
    contract = make_contract()
    for day in (3, 3, 9, 20):
        pay(contract, "5", date(2026, 1, day))
    pay(contract, "5", date(2026, 2, 1))
    everything = list(ledger_entries(finance, EVERYTHING))

    walked = []
    place: EntryPlace | None = None
    while page := list(ledger_entries(finance, EVERYTHING, after=place, limit=2)):
        walked += page
        place = page[-1].place

    assert walked == everything
    assert [entry.place.day.day for entry in walked] == [1, 20, 9, 3, 3]


def test_spend_lines_are_the_roll_up_s_rows(finance):
    centre = make_cost_centre(code="CC1")
    contract = make_contract(
        title="Desk", reference="R-1", cost_shares={centre: Decimal(100)}
    )
    pay(contract, "12.34", JANUARY)

    (line,) = spend_lines(finance, EVERYTHING)

    assert (line.reference, line.title, line.cost_centre, line.month) == (
        "R-1",
        "Desk",
        "CC1",
        JANUARY,
    )
    assert (line.kind, line.charge_kind, line.basis) == (
        "managed",
        "payment",
        "actual",
    )
    assert (line.currency, line.amount) == ("GBP", Decimal("12.34"))
    stored = MonthlySpend.objects.aggregate(total=Sum("reporting_amount"))
    assert line.reporting_amount == stored["total"] == Decimal("12.34")


def test_extent_and_last_posting_are_unknown_until_something_is_posted(finance):
    assert extent_of_spend(finance) == Extent(None, None)
    assert last_posted_at() is None

    make_paid_contract("1", date(2025, 3, 9))
    make_paid_contract("1", date(2026, 3, 9))

    assert extent_of_spend(finance) == Extent(date(2025, 3, 1), MARCH)
    assert last_posted_at() is not None
