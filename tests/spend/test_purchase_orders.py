"""Orders: who draws on them, what is left, and what is refused."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from engagements.choices import ChargeKind, Role
from engagements.errors import WrongStateError
from engagements.models import Engagement, Event
from tests.factories import (
    begun,
    make_assignment,
    make_contract,
    make_department,
    make_user,
    make_vendor,
)
from tests.spend.bills import bill_lines, fee, line
from tracker.spend.models import (
    MatchException,
    OrderChange,
    OrderCoverage,
    OrderStatus,
    PurchaseOrder,
    Resolution,
    WorkLog,
)
from tracker.spend.orders import burn_downs
from tracker.spend.services import (
    change_order,
    check_orders_hold,
    close_order,
    cover_engagements,
    log_work,
    match_received,
    record_order,
    resolve_exception,
    watch_orders,
)

pytestmark = pytest.mark.django_db

TODAY = date(2026, 4, 30)


@pytest.fixture
def vendor():
    return make_vendor()


@pytest.fixture
def contract(vendor):
    return begun(make_contract(vendor=vendor, purchase_order_number="PO 4711"))


def order(vendor, amount="50000", engagements=(), **fields):
    values = {
        "vendor": vendor,
        "number": "PO-4711",
        "currency": "GBP",
        "amount": Decimal(amount),
        "starts_on": date(2026, 1, 1),
        "ends_on": date(2026, 12, 31),
    } | fields
    return record_order(
        order=PurchaseOrder(**values), engagements=engagements, actor=None
    )


def left(stored, today=TODAY):
    return burn_downs([stored], today=today)[stored.pk]


def test_engagement_that_names_the_number_is_covered(vendor, contract):
    stored = order(vendor)

    assert list(stored.engagements.all()) == [Engagement.objects.get(pk=contract.pk)]


def test_engagement_that_names_the_number_later_is_covered_at_night(vendor):
    stored = order(vendor)
    later = begun(make_contract(vendor=vendor, purchase_order_number="po4711"))

    watch_orders(today=TODAY)

    assert [one.engagement_id for one in stored.coverages.all()] == [later.pk]


def test_number_is_once_per_vendor_however_it_is_written(vendor):
    order(vendor)

    with pytest.raises(ValidationError, match="recorded already"):
        order(vendor, number="po 4711")
    assert order(make_vendor(), number="PO-4711").pk


def test_engagement_of_another_vendor_or_currency_is_refused(vendor):
    stored = order(vendor)

    for other in (make_contract(), make_contract(vendor=vendor, currency="EUR")):
        with pytest.raises(ValidationError):
            cover_engagements(order=stored, engagements=[other], actor=None)


def test_remaining_is_order_and_changes_less_invoiced_and_accrued(vendor, contract):
    """50,000 and 5,000, less 30,000 of fees billed and April's, which is earned."""
    stored = order(vendor)
    change_order(
        change=OrderChange(
            order=stored,
            changed_on=date(2026, 3, 1),
            amount=Decimal(5_000),
            reason="More desks",
        ),
        actor=None,
    )
    for month in (1, 2, 3):
        bill_lines(fee(contract, "10000", date(2026, month, 1)))

    found = left(stored)

    assert (found.ordered, found.invoiced, found.accrued, found.remaining) == (
        Decimal(55_000),
        Decimal(30_000),
        Decimal(10_000),
        Decimal(15_000),
    )


def test_work_that_is_not_invoiced_is_accrued(vendor):
    person = begun(make_assignment(vendor=vendor))
    stored = order(vendor, engagements=[person])
    log_work(
        line=WorkLog(
            engagement=person,
            contractor=person.contractor,
            worked_on=date(2026, 4, 1),
            hours=Decimal("7.5"),
        ),
        actor=None,
    )

    assert left(stored).accrued == Decimal(600)


def test_days_after_the_order_are_paid_by_the_next_one(vendor, contract):
    first = order(vendor, ends_on=date(2026, 2, 28))
    second = order(
        vendor,
        number="4712",
        starts_on=date(2026, 3, 1),
        engagements=[contract],
    )
    for month in (1, 2, 3):
        bill_lines(fee(contract, "10000", date(2026, month, 1)))

    assert left(first).invoiced == Decimal(20_000)
    assert left(second).invoiced == Decimal(10_000)


def test_tax_draws_on_no_order(vendor, contract):
    stored = order(vendor)
    bill_lines(fee(contract, "10000"), line(contract, ChargeKind.TAX, "2000"))

    assert left(stored).invoiced == Decimal(10_000)


def test_bill_beyond_the_order_is_an_exception(vendor, contract):
    order(vendor, amount="15000")
    bill_lines(fee(contract, "10000"))
    bill_lines(fee(contract, "10000", date(2026, 4, 1)))

    match_received()

    found = MatchException.objects.values_list("code", "expected", "found", "amount")
    assert list(found) == [("over_order", "5000", "10000", Decimal(5_000))]


def test_overdrawn_order_holds_no_invoice_until_somebody_accepts(vendor, contract):
    order(vendor, amount="15000")
    first = bill_lines(fee(contract, "10000"))
    check_orders_hold(invoice_id=first.pk)
    second = bill_lines(fee(contract, "10000", date(2026, 4, 1)))
    match_received()

    # What came in later takes nothing from it.
    check_orders_hold(invoice_id=first.pk)
    with pytest.raises(ValidationError, match=r"overdrawn by £5,000\.00"):
        check_orders_hold(invoice_id=second.pk)

    resolve_exception(
        exception=MatchException.objects.get(),
        resolution=Resolution.ACCEPTED,
        reason="The new order is on its way",
        actor=make_user(Role.FINANCE),
    )
    check_orders_hold(invoice_id=second.pk)


def test_change_leaves_what_is_invoiced(vendor, contract):
    stored = order(vendor, amount="15000")
    bill_lines(fee(contract, "10000"))

    def take_off(amount):
        change_order(
            change=OrderChange(
                order=stored,
                changed_on=TODAY,
                amount=Decimal(amount),
                reason="Less is needed",
            ),
            actor=None,
        )

    with pytest.raises(ValidationError, match=r"£10,000\.00 of it is"):
        take_off("-5000.01")
    take_off("-5000")

    assert left(stored).ordered == Decimal(10_000)


def test_last_change_of_the_end_counts(vendor):
    stored = order(vendor)
    for end in (date(2027, 3, 31), date(2026, 9, 30)):
        change_order(
            change=OrderChange(
                order=stored, changed_on=TODAY, ends_on=end, reason="Moved"
            ),
            actor=None,
        )

    assert left(stored).ends_on == date(2026, 9, 30)


def test_closed_order_is_not_changed(vendor):
    stored = order(vendor)
    close_order(order=stored, status=OrderStatus.CLOSED, actor=None)

    change = OrderChange(
        order=stored, changed_on=TODAY, amount=Decimal(1), reason="More"
    )
    with pytest.raises(WrongStateError):
        change_order(change=change, actor=None)
    with pytest.raises(WrongStateError):
        close_order(order=stored, status=OrderStatus.CANCELLED, actor=None)


def test_order_that_was_billed_to_is_not_cancelled(vendor, contract):
    stored = order(vendor)
    bill_lines(fee(contract, "10000"))

    with pytest.raises(WrongStateError, match="close it instead"):
        close_order(order=stored, status=OrderStatus.CANCELLED, actor=None)


def test_order_that_runs_out_is_told_once_and_again_after_it_lasted(vendor, contract):
    stored = order(vendor, amount="45000")
    for month in (1, 2, 3, 4):
        bill_lines(fee(contract, "10000", date(2026, month, 1)))

    def told():
        return Event.objects.filter(
            event_type="engagement.order_running_out", engagement_id=contract.pk
        ).count()

    watch_orders(today=TODAY)
    watch_orders(today=TODAY + timedelta(days=1))
    assert told() == 1

    change_order(
        change=OrderChange(
            order=stored, changed_on=TODAY, amount=Decimal(90_000), reason="More"
        ),
        actor=None,
    )
    watch_orders(today=TODAY + timedelta(days=2))
    assert PurchaseOrder.objects.get().short_since is None


def test_manager_sees_orders_of_their_department(vendor):
    ours = make_department()
    contract = begun(make_contract(vendor=vendor, department=ours))
    seen = order(vendor, engagements=[contract])
    order(vendor, number="4712")
    manager = make_user(Role.MANAGER, department=ours)

    assert list(PurchaseOrder.objects.visible_to(manager)) == [seen]
    assert PurchaseOrder.objects.visible_to(make_user(Role.FINANCE)).count() == 2
    # What is left would tell what another department spends.
    others = begun(make_contract(vendor=vendor, department=make_department()))
    cover_engagements(order=seen, engagements=[others], actor=None)
    assert not PurchaseOrder.objects.visible_to(manager)
    assert not PurchaseOrder.objects.visible_to(make_user(Role.HR_INTEGRATION))


@pytest.mark.parametrize("count", [1, 3])
def test_burn_downs_take_the_same_queries_for_any_number(vendor, count):
    for number in range(count):
        contract = begun(make_contract(vendor=vendor))
        stored = order(vendor, number=f"n{number}", engagements=[contract])
        bill_lines(fee(contract, "10000"))
    orders = list(PurchaseOrder.objects.all())

    with CaptureQueriesContext(connection) as queries:
        found = burn_downs(orders, today=TODAY)

    assert found[stored.pk].invoiced == Decimal(10_000)
    assert len(queries) == 9


# --- what the database refuses -----------------------------------------------------


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("purchase_order_number_given", {"normalised_number": ""}),
        ("purchase_order_currency_code", {"currency": "GB"}),
        ("purchase_order_amount_positive", {"amount": Decimal(0)}),
        ("purchase_order_ends_after_start", {"ends_on": date(2025, 1, 1)}),
        ("purchase_order_status_known", {"status": "odd"}),
    ],
)
def test_database_refuses_an_order_that_can_not_be(vendor, name, values):
    row = PurchaseOrder(
        **{
            "vendor": vendor,
            "number": "1",
            "normalised_number": "1",
            "currency": "GBP",
            "amount": Decimal(1),
            "starts_on": date(2026, 1, 1),
        }
        | values
    )

    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        PurchaseOrder.objects.bulk_create([row])


def test_database_refuses_a_number_twice(vendor):
    stored = order(vendor)
    again = PurchaseOrder(
        vendor=vendor,
        number="other",
        normalised_number=stored.normalised_number,
        currency="GBP",
        amount=Decimal(1),
        starts_on=date(2026, 1, 1),
    )

    with pytest.raises(IntegrityError), transaction.atomic():
        PurchaseOrder.objects.bulk_create([again])


def test_database_refuses_to_cover_twice(vendor, contract):
    stored = order(vendor)

    with pytest.raises(IntegrityError), transaction.atomic():
        OrderCoverage.objects.bulk_create(
            [OrderCoverage(order=stored, engagement_id=contract.pk)]
        )


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("order_change_says_why", {"reason": ""}),
        ("order_change_changes_something", {"amount": Decimal(0)}),
    ],
)
def test_database_refuses_a_change_that_can_not_be(vendor, name, values):
    row = OrderChange(
        **{
            "order": order(vendor),
            "changed_on": TODAY,
            "amount": Decimal(1),
            "reason": "So",
        }
        | values
    )

    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        OrderChange.objects.bulk_create([row])


def test_database_keeps_changes_of_orders(vendor):
    change_order(
        change=OrderChange(
            order=order(vendor), changed_on=TODAY, amount=Decimal(1), reason="So"
        ),
        actor=None,
    )
    rows = OrderChange.objects.all()

    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        rows.update(amount=Decimal(2))
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        rows._raw_delete(rows.db)
