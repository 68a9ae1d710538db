"""Change orders: recorded once, never edited, in force when all have agreed."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.core.exceptions import ValidationError
from django.db import DatabaseError, connection, transaction

from engagements.choices import EndReason, NoticeUnit, RateUnit, Role, Status
from engagements.errors import ApprovalNeededError, ConflictError, WrongStateError
from engagements.models import (
    Approval,
    Assignment,
    ChangeOrder,
    Charge,
    Department,
    Engagement,
    Event,
    FeeTerm,
    ManagedContract,
    RateTerm,
    User,
)
from engagements.services.approvals import approve, reject
from engagements.services.change_orders import (
    effect_of_change_order,
    record_change_order,
    take_effect,
    withdraw_change_order,
)
from engagements.services.engagements import change_engagement
from engagements.services.lifecycle import end_engagement, start_engagement
from engagements.services.renewal import extend_engagement
from engagements.services.terms import (
    add_line,
    amend_fee,
    amend_rate,
    change_line,
    remove_line,
)
from engagements.services.valuation import value_of
from tests.factories import (
    make_assignment,
    make_contract,
    make_department,
    make_rule,
    make_user,
    stored,
)

pytestmark = pytest.mark.django_db

TODAY = date(2026, 6, 15)


@pytest.fixture(autouse=True)
def _today():
    with time_machine.travel(TODAY, tick=False):
        yield


@pytest.fixture
def department(db) -> Department:
    return make_department()


@pytest.fixture
def maker(department) -> User:
    return make_user(Role.MANAGER, username="maker", department=department)


@pytest.fixture
def checker(department) -> User:
    return make_user(Role.MANAGER, username="checker", department=department)


@pytest.fixture
def contract(maker, department) -> ManagedContract:
    found = make_contract(
        manager=maker,
        department=department,
        ends_on=date(2026, 12, 31),
        notice_period=1,
        notice_unit=NoticeUnit.MONTHS,
        fee=Decimal(10_000),
    )
    start_engagement(engagement=found, actor=None)
    return found


def an_order(engagement: Engagement, **fields: Any) -> ChangeOrder:
    values = {
        "effective_on": date(2026, 7, 1),
        "value_change": Decimal(0),
        "reason": "One more site",
    } | fields
    return ChangeOrder(engagement_id=engagement.pk, **values)


def recorded(engagement: Engagement, actor: User | None, **fields: Any) -> ChangeOrder:
    return record_change_order(change_order=an_order(engagement, **fields), actor=actor)


def state(order: ChangeOrder) -> str:
    return ChangeOrder.objects.with_state().get(pk=order.pk).state


def test_order_that_needs_no_approval_moves_price_and_end_at_once(contract, maker):
    order = recorded(
        contract,
        maker,
        value_change=Decimal(500),
        new_price=Decimal(12_000),
        new_ends_on=date(2027, 3, 31),
    )

    found = stored(contract)
    assert (order.number, order.recorded_by, state(order)) == (1, maker, "in_force")
    assert (found.ends_on, found.term_ends_on, found.notice_deadline_on) == (
        date(2027, 3, 31),
        date(2027, 3, 31),
        date(2027, 2, 28),
    )
    assert list(contract.fee_terms.values_list("starts_on", "monthly_fee")) == [
        (date(2026, 1, 1), Decimal(10_000)),
        (date(2026, 7, 1), Decimal(12_000)),
    ]
    # Six months at 10,000, nine at 12,000, and 500 more.
    assert value_of(found) == Decimal(168_500)
    assert list(
        Event.objects.filter(engagement_id=contract.pk, actor=maker)
        .order_by("id")
        .values_list("event_type", flat=True)
    ) == [
        "change_order.recorded",
        "engagement.terms_amended",
        "engagement.extended",
        "change_order.took_effect",
    ]


def test_order_may_end_it_earlier_or_give_an_open_end_a_last_day(contract, maker):
    open_ended = make_contract()
    start_engagement(engagement=open_ended, actor=None)

    recorded(contract, maker, new_ends_on=date(2026, 9, 30))
    recorded(open_ended, maker, new_ends_on=date(2026, 9, 30))

    for engagement in (contract, open_ended):
        assert stored(engagement).term_ends_on == date(2026, 9, 30)


def test_order_gives_a_contractor_another_rate_by_the_same_unit_and_hours(maker):
    assignment = make_assignment(rate=None, ends_on=date(2026, 12, 31))
    amend_rate(
        term=RateTerm(
            assignment=assignment,
            starts_on=date(2026, 1, 1),
            rate=Decimal(60),
            unit=RateUnit.HOUR,
            overtime_multiplier=Decimal("1.5"),
        ),
        actor=None,
    )
    start_engagement(engagement=assignment, actor=None)

    recorded(assignment, maker, new_price=Decimal(70), new_weekly_hours=Decimal(20))

    rate = assignment.rate_terms.last()
    assert (rate.rate, rate.unit, rate.overtime_multiplier) == (
        Decimal(70),
        RateUnit.HOUR,
        Decimal("1.5"),
    )
    assert Assignment.objects.get().planned_weekly_hours == Decimal(20)


def test_waiting_order_takes_effect_with_its_last_approval(contract, maker, checker):
    finance = make_user(Role.FINANCE)
    make_rule(checker, from_amount=Decimal(165_000))
    make_rule(finance, from_amount=Decimal(165_000))
    before = stored(contract)

    order = recorded(
        contract, maker, new_price=Decimal(15_000), new_ends_on=date(2027, 1, 31)
    )

    assert state(order) == "waiting"
    assert (stored(contract).ends_on, stored(contract).version) == (
        before.ends_on,
        before.version,
    )
    assert contract.fee_terms.count() == 1
    assert value_of(stored(contract)) == Decimal(120_000)
    first, second = Approval.objects.all()
    # Six months at 10,000 and seven at 15,000.
    assert (first.amount, first.change_order) == (Decimal(165_000), order)

    approve(approval=first, actor=checker)
    assert (state(order), contract.fee_terms.count()) == ("waiting", 1)
    approve(approval=second, actor=finance)

    assert (state(order), contract.fee_terms.count()) == ("in_force", 2)
    assert stored(contract).ends_on == date(2027, 1, 31)
    last = Event.objects.latest("id")
    assert (last.event_type, last.actor, last.engagement_id) == (
        "change_order.took_effect",
        finance,
        contract.pk,
    )


def test_rejected_order_stays_on_record_and_changes_nothing(contract, maker, checker):
    make_rule(checker, name="a")
    make_rule(checker, name="b")
    order = recorded(contract, maker, value_change=Decimal(1))

    reject(approval=Approval.objects.first(), reason="No", actor=checker)

    assert state(order) == "rejected"
    assert value_of(stored(contract)) == Decimal(120_000)
    assert stored(contract).status == Status.ACTIVE
    assert Event.objects.latest("id").event_type == "change_order.rejected"
    assert recorded(contract, maker, value_change=Decimal(2)).number == 2


def test_withdrawn_order_can_no_longer_be_approved(contract, maker, checker):
    make_rule(checker)
    order = recorded(contract, maker, value_change=Decimal(1))

    withdraw_change_order(change_order=order, actor=maker)

    assert state(order) == "withdrawn"
    with pytest.raises(WrongStateError, match="withdrawn already"):
        approve(approval=Approval.objects.get(), actor=checker)
    with pytest.raises(WrongStateError, match="waits for no approval"):
        withdraw_change_order(change_order=order, actor=maker)
    with pytest.raises(WrongStateError, match="is not in force"):
        extend_engagement(
            engagement=contract,
            ends_on=date(2027, 6, 30),
            agreed_by=order,
            actor=maker,
        )


def test_one_order_waits_at_a_time_and_holds_up_closing(contract, maker, checker):
    make_rule(checker)
    recorded(contract, maker, value_change=Decimal(1))

    with pytest.raises(WrongStateError, match="Change order 1 waits for approval"):
        recorded(contract, maker, value_change=Decimal(2))
    with pytest.raises(WrongStateError, match="Change order 1 waits for approval"):
        end_engagement(
            engagement=contract,
            ended_on=TODAY,
            reason=EndReason.BUDGET,
            actor=maker,
        )


def test_rule_for_every_change_asks_below_its_amount_and_not_at_the_start(
    contract, maker, checker
):
    make_rule(checker, from_amount=Decimal(10**9), covers_every_change=True)
    fresh = make_contract(manager=maker, department=contract.department)
    start_engagement(engagement=fresh, actor=maker)

    order = recorded(contract, maker, value_change=Decimal(-5))

    assert state(order) == "waiting"


def test_order_by_nobody_is_refused_where_an_approval_is_needed(contract, checker):
    make_rule(checker)

    with pytest.raises(ApprovalNeededError, match="A person must ask"):
        recorded(contract, None, value_change=Decimal(1))

    assert ChangeOrder.objects.count() == 0


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({}, "value_change"),
        ({"value_change": Decimal(1), "reason": ""}, "reason"),
        (
            {"value_change": Decimal(1), "effective_on": date(2025, 12, 31)},
            "effective_on",
        ),
        ({"new_ends_on": date(2026, 6, 30)}, "__all__"),
        ({"new_price": Decimal(-1)}, "__all__"),
        ({"new_price": Decimal(1), "effective_on": date(2026, 1, 1)}, "__all__"),
        ({"new_weekly_hours": Decimal(1)}, "new_weekly_hours"),
    ],
)
def test_order_that_could_not_take_effect_is_refused_at_once(
    contract, maker, checker, fields, name
):
    make_rule(checker)

    with pytest.raises(ValidationError) as refusal:
        recorded(contract, maker, **fields)

    assert list(refusal.value.message_dict) == [name]
    assert ChangeOrder.objects.count() == 0


def test_order_of_a_draft_or_with_a_stale_version_is_refused(contract, maker):
    with pytest.raises(WrongStateError, match="only an active one takes change orders"):
        recorded(make_contract(), maker, value_change=Decimal(1))
    with pytest.raises(ConflictError):
        record_change_order(
            change_order=an_order(contract, value_change=Decimal(1)),
            expected_version=1,
            actor=maker,
        )


def test_effect_tells_dates_money_and_rules_and_keeps_nothing(contract, maker, checker):
    rule = make_rule(checker, from_amount=Decimal(168_500))
    events = Event.objects.count()
    order = an_order(
        contract,
        value_change=Decimal(500),
        new_price=Decimal(12_000),
        new_ends_on=date(2027, 3, 31),
    )

    effect = effect_of_change_order(change_order=order, as_of=TODAY)

    standing = effect.standing
    assert (standing.before.term_ends_on, standing.after.term_ends_on) == (
        date(2026, 12, 31),
        date(2027, 3, 31),
    )
    # From 15 June: 16 of 30 days and six months; then nine months at 12,000 and 500.
    assert (standing.before.committed, standing.after.committed) == (
        Decimal("65333.33"),
        Decimal("113833.33"),
    )
    assert (effect.value_before, effect.value_after) == (
        Decimal(120_000),
        Decimal(168_500),
    )
    assert list(effect.needed.rules) == [rule]
    assert order.pk is None
    assert (ChangeOrder.objects.count(), Event.objects.count()) == (0, events)
    assert contract.fee_terms.count() == 1
    assert stored(contract).ends_on == date(2026, 12, 31)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE engagements_changeorder SET value_change = 1",
        "DELETE FROM engagements_changeorder",
    ],
)
def test_stored_order_is_refused_any_change_by_the_database(contract, maker, statement):
    order = recorded(contract, maker, value_change=Decimal(5))

    with (
        pytest.raises(DatabaseError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)
    order.value_change = Decimal(6)
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        order.save()

    assert ChangeOrder.objects.get().value_change == Decimal(5)


def test_price_and_end_of_an_active_engagement_change_by_order_alone_under_a_rule(
    contract, maker, checker
):
    make_rule(checker, name="Contracts", from_amount=Decimal(100_000))
    milestone = Charge(
        engagement=contract, charge_kind="milestone", description="Go", amount=1
    )
    fee = contract.fee_terms.get()
    fee.monthly_fee = Decimal(11_000)
    longer = ManagedContract.objects.get(pk=contract.pk)
    longer.ends_on = date(2027, 6, 30)
    refused = [
        lambda: amend_fee(
            term=FeeTerm(
                contract=contract, starts_on=date(2026, 8, 1), monthly_fee=9_000
            ),
            actor=maker,
        ),
        lambda: change_line(line=fee, engagement=contract, actor=maker),
        lambda: add_line(line=milestone, engagement=contract, actor=maker),
        lambda: extend_engagement(
            engagement=contract, ends_on=date(2027, 6, 30), actor=maker
        ),
        lambda: change_engagement(engagement=longer, actor=maker),
    ]

    for change in refused:
        with pytest.raises(ApprovalNeededError, match="“Contracts”: record a change"):
            change()

    assert contract.fee_terms.get().monthly_fee == Decimal(10_000)
    assert contract.charges.count() == 0
    assert stored(contract).ends_on == date(2026, 12, 31)


def test_below_every_rule_an_active_engagement_changes_as_before(
    contract, maker, checker
):
    make_rule(checker, from_amount=Decimal(1_000_000))
    shorter = ManagedContract.objects.get(pk=contract.pk)
    shorter.ends_on = date(2027, 6, 30)

    change_engagement(engagement=shorter, actor=maker)
    amend_fee(
        term=FeeTerm(contract=contract, starts_on=date(2026, 8, 1), monthly_fee=9_000),
        actor=maker,
    )

    assert contract.fee_terms.count() == 2


def test_what_makes_it_smaller_or_is_no_money_needs_no_order(contract, maker, checker):
    charge = Charge(
        engagement=contract, charge_kind="milestone", description="Go", amount=100
    )
    add_line(line=charge, engagement=contract, actor=maker)
    make_rule(checker)
    accepted = Charge.objects.get()
    accepted.accepted_on = TODAY
    shorter = ManagedContract.objects.get(pk=contract.pk)
    shorter.ends_on = date(2026, 9, 30)

    change_line(line=accepted, engagement=contract, actor=maker)
    change_engagement(engagement=shorter, actor=maker)

    assert Charge.objects.get().accepted_on == TODAY
    assert stored(contract).ends_on == date(2026, 9, 30)
    with pytest.raises(ApprovalNeededError):
        remove_line(line=accepted, engagement=contract, actor=maker)


def test_more_hours_of_a_contractor_need_an_order_under_a_rule(
    maker, checker, department
):
    assignment = make_assignment(
        manager=maker, department=department, planned_weekly_hours=Decimal(20)
    )
    start_engagement(engagement=assignment, actor=None)
    make_rule(checker)
    assignment.planned_weekly_hours = Decimal(40)

    with pytest.raises(ApprovalNeededError, match="record a change order"):
        change_engagement(engagement=assignment, actor=maker)

    order = recorded(assignment, maker, new_weekly_hours=Decimal(40))
    approve(approval=Approval.objects.get(), actor=checker)
    assert state(order) == "in_force"
    assert Assignment.objects.get().planned_weekly_hours == Decimal(40)


def test_order_that_can_no_longer_take_effect_is_not_approved(contract, maker, checker):
    make_rule(checker)
    order = recorded(contract, maker, new_price=Decimal(11_000))
    FeeTerm.objects.create(
        contract=contract, starts_on=order.effective_on, monthly_fee=1
    )

    with pytest.raises(ValidationError, match="fee from this day already"):
        approve(approval=Approval.objects.get(), actor=checker)

    assert state(order) == "waiting"


def test_taking_effect_without_the_approval_is_refused(contract, maker, checker):
    make_rule(checker)
    order = recorded(contract, maker, new_price=Decimal(11_000))

    with pytest.raises(WrongStateError, match="is not in force"):
        take_effect(change_order=order, actor=maker)

    assert contract.fee_terms.count() == 1
