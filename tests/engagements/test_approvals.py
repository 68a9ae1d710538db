"""From a draft through approval to active: who asks, who decides, what is refused."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from threading import Barrier, Thread
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from engagements.choices import ApprovalOutcome, Origin, Role, Status
from engagements.errors import (
    ApprovalNeededError,
    NotAllowedError,
    TrackerError,
    WrongStateError,
)
from engagements.models import (
    Approval,
    Charge,
    Department,
    Engagement,
    Event,
    FeeTerm,
    ManagedContract,
    ServiceLevel,
    User,
)
from engagements.permissions import deciders, engagement_scope, may_decide
from engagements.queries import approvers_of, waiting_for
from engagements.services.approvals import approve, reject
from engagements.services.engagements import change_engagement
from engagements.services.lifecycle import (
    cancel_engagement,
    send_back,
    start_approved,
    start_engagement,
    submit_engagement,
    take_over_engagement,
    withdraw_engagement,
)
from engagements.services.terms import add_line, amend_fee, change_line
from tests.factories import (
    make_assignment,
    make_contract,
    make_department,
    make_rule,
    make_user,
    make_vendor,
    stored,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def department(db) -> Department:
    return make_department(name="Technology")


@pytest.fixture
def maker(department) -> User:
    return make_user(Role.MANAGER, username="maker", department=department)


@pytest.fixture
def checker(department) -> User:
    return make_user(Role.MANAGER, username="checker", department=department)


@pytest.fixture
def contract(maker, department) -> ManagedContract:
    return make_contract(
        manager=maker,
        department=department,
        ends_on=date(2027, 12, 31),
        fee=Decimal(10_000),
    )


def submitted(contract: ManagedContract, maker: User) -> Approval:
    submit_engagement(engagement=contract, actor=maker)
    return Approval.objects.get(outcome=ApprovalOutcome.WAITING)


def told(engagement: Engagement) -> list[str]:
    return list(
        Event.objects.filter(engagement_id=engagement.pk)
        .order_by("id")
        .exclude(event_type__in=["engagement.logged", "feeterm.created"])
        .values_list("event_type", flat=True)
    )


def test_submitting_asks_by_every_rule_and_the_last_approval_starts_it(
    contract, maker, checker
):
    finance = make_user(Role.FINANCE)
    make_rule(checker, name="head")
    make_rule(finance, name="money", from_amount=Decimal(240_000))
    make_rule(finance, name="too large", from_amount=Decimal(240_001))

    submit_engagement(engagement=contract, actor=maker)

    asked = list(Approval.objects.order_by("rule__name"))
    assert [
        (a.rule.name, a.outcome, a.asked_by, a.amount, a.currency) for a in asked
    ] == [
        ("head", "waiting", maker, Decimal(240_000), "GBP"),
        ("money", "waiting", maker, Decimal(240_000), "GBP"),
    ]
    assert stored(contract).status == contract.status == Status.PENDING_APPROVAL

    approve(approval=asked[0], actor=checker)
    assert stored(contract).status == Status.PENDING_APPROVAL
    approve(approval=asked[1], reason="Within budget", actor=finance)

    assert stored(contract).status == Status.ACTIVE
    assert told(contract) == [
        "engagement.submitted",
        "approval.asked",
        "approval.asked",
        "approval.given",
        "approval.given",
        "engagement.started",
    ]
    given = Event.objects.filter(event_type="approval.given").latest("id")
    assert (given.subject_type, given.subject_id, given.engagement_id) == (
        "approval",
        asked[1].pk,
        contract.pk,
    )
    assert given.changes["reason"] == ["", "Within budget"]


def test_rejection_needs_a_reason_and_sends_back_withdrawing_the_rest(
    contract, maker, checker
):
    make_rule(checker, name="a")
    make_rule(checker, name="b")
    submit_engagement(engagement=contract, actor=maker)
    first = Approval.objects.get(rule__name="a")

    with pytest.raises(ValidationError, match="Say why it is rejected"):
        reject(approval=first, reason="  ", actor=checker)
    assert stored(contract).status == Status.PENDING_APPROVAL

    reject(approval=first, reason="Too dear", actor=checker)

    assert stored(contract).status == Status.DRAFT
    assert list(
        Approval.objects.order_by("rule__name").values_list("outcome", "reason")
    ) == [("rejected", "Too dear"), ("withdrawn", "")]
    assert told(contract)[-3:] == [
        "approval.rejected",
        "approval.withdrawn",
        "engagement.sent_back",
    ]


def test_withdrawing_makes_a_draft_and_it_can_be_sent_again(contract, maker, checker):
    make_rule(checker)
    approval = submitted(contract, maker)

    withdraw_engagement(engagement=contract, actor=maker)

    approval.refresh_from_db()
    assert (stored(contract).status, approval.outcome, approval.decided_by) == (
        Status.DRAFT,
        "withdrawn",
        maker,
    )
    with pytest.raises(WrongStateError, match=r"withdrawn already, on .* by maker"):
        approve(approval=approval, actor=checker)
    assert stored(contract).status == Status.DRAFT

    approve(approval=submitted(contract, maker), actor=checker)
    assert stored(contract).status == Status.ACTIVE


def test_second_press_is_told_that_it_was_decided(contract, maker, checker):
    make_rule(checker)
    approval = submitted(contract, maker)
    approve(approval=approval, actor=checker)

    for again in (approve, lambda **kw: reject(reason="No", **kw)):
        with pytest.raises(
            WrongStateError, match=r"approved already, on .* by checker"
        ):
            again(approval=approval, actor=checker)

    assert Event.objects.filter(event_type="approval.given").count() == 1


def test_nobody_approves_what_they_asked_for_superusers_included(contract, department):
    boss = User.objects.create_superuser("boss", department=department)
    other = make_user(Role.MANAGER, department=department)
    make_rule(boss, other)
    approval = submitted(contract, boss)

    with pytest.raises(NotAllowedError, match="Nobody approves what they asked for"):
        approve(approval=approval, actor=boss)

    assert list(waiting_for(boss)) == []
    assert list(approvers_of(approval)) == [other]
    with (
        pytest.raises(IntegrityError, match="maker_is_not_checker"),
        transaction.atomic(),
    ):
        Approval.objects.update(
            outcome="approved", decided_by=boss, decided_at=timezone.now()
        )


def test_superuser_outside_the_group_does_not_approve(contract, maker, checker):
    boss = User.objects.create_superuser("boss")
    make_rule(checker)
    approval = submitted(contract, maker)

    with pytest.raises(NotAllowedError, match="Only members of Approvers"):
        approve(approval=approval, actor=boss)

    assert list(waiting_for(boss)) == []


@pytest.mark.parametrize(
    "roles",
    [(Role.MANAGER,), (Role.HR_INTEGRATION,), (Role.AUDITOR,), ()],
)
def test_member_who_does_not_see_or_only_reads_does_not_approve(
    contract, maker, checker, roles
):
    stranger = make_user(*roles, department=make_department())
    make_rule(checker, stranger)
    approval = submitted(contract, maker)

    with pytest.raises(NotAllowedError, match="who see the engagement"):
        approve(approval=approval, actor=stranger)

    assert list(waiting_for(stranger)) == []
    assert list(approvers_of(approval)) == [checker]


def test_submitting_is_refused_where_nobody_else_can_approve(contract, maker):
    User.objects.create_superuser("yara", first_name="Yara", last_name="Haddad")
    stranger = make_user(Role.MANAGER, department=make_department())
    gone = make_user(Role.FINANCE, is_active=False)
    rule = make_rule(maker, stranger, gone, name="Board")

    with pytest.raises(ApprovalNeededError) as refusal:
        submit_engagement(engagement=contract, actor=maker)

    assert str(refusal.value) == (
        f"Nobody else who sees {contract.reference} may approve it by “Board”. Ask an"
        " administrator (Yara Haddad) to add somebody to the group"
        f" {rule.approver_group.name}."
    )
    assert stored(contract).status == Status.DRAFT
    assert Approval.objects.count() == 0


def test_submitting_tells_at_once_all_that_is_missing(checker):
    make_rule(checker)
    contract = make_contract(fee=None)
    assignment = make_assignment(rate=None, contractor=None)

    for engagement, names in (
        (contract, {"manager", "department", "monthly_fee"}),
        (assignment, {"manager", "department", "rate", "contractor"}),
    ):
        with pytest.raises(ValidationError) as refusal:
            submit_engagement(engagement=engagement, actor=checker)
        assert set(refusal.value.message_dict) == names


def test_submitting_what_no_rule_asks_for_says_to_start_it(contract, maker):
    with pytest.raises(WrongStateError, match=r"No rule asks .* start it"):
        submit_engagement(engagement=contract, actor=maker)


@pytest.mark.parametrize("has_actor", [True, False])
def test_starting_a_draft_past_a_rule_is_refused_whoever_does_it(
    contract, checker, has_actor
):
    make_rule(checker, name="Contracts")
    make_rule(checker, name="Technology")
    actor = User.objects.create_superuser("boss") if has_actor else None

    with pytest.raises(ApprovalNeededError) as refusal:
        start_engagement(engagement=contract, actor=actor)

    assert str(refusal.value) == (
        f"{contract.reference} needs approval by “Contracts” and “Technology”: send it"
        " for approval."
    )
    assert stored(contract).status == Status.DRAFT


def test_what_waits_is_started_by_approval_alone(contract, maker, checker):
    make_rule(checker)
    submitted(contract, maker)

    for step in (start_engagement, start_approved):
        with pytest.raises(WrongStateError, match="waits for"):
            step(engagement=contract, actor=maker)
    assert stored(contract).status == Status.PENDING_APPROVAL


def test_only_imported_work_that_runs_is_taken_over_past_the_rules(contract, checker):
    make_rule(checker)
    with pytest.raises(WrongStateError, match="Only what was imported and runs"):
        take_over_engagement(engagement=contract, actor=None)

    Engagement.objects.filter(pk=contract.pk).update(origin=Origin.IMPORTED)
    take_over_engagement(engagement=contract, actor=None)

    assert stored(contract).status == Status.ACTIVE
    assert told(contract) == ["engagement.taken_over"]
    with pytest.raises(WrongStateError, match="is no draft"):
        take_over_engagement(engagement=contract, actor=None)


def test_cancelling_what_waits_withdraws_the_question(contract, maker, checker):
    make_rule(checker)
    approval = submitted(contract, maker)

    cancel_engagement(engagement=contract, actor=maker)

    approval.refresh_from_db()
    assert (stored(contract).status, approval.outcome) == (
        Status.CANCELLED,
        "withdrawn",
    )
    with pytest.raises(WrongStateError):
        approve(approval=approval, actor=checker)


def later_end(contract: ManagedContract) -> Any:
    contract.ends_on = date(2030, 1, 1)
    return change_engagement(engagement=contract, actor=None)


def other_vendor(contract: ManagedContract) -> Any:
    contract.vendor = make_vendor()
    return change_engagement(engagement=contract, actor=None)


def other_department(contract: ManagedContract) -> Any:
    contract.department = make_department()
    return change_engagement(engagement=contract, actor=None)


def other_scope(contract: ManagedContract) -> Any:
    contract.scope = "Less of it"
    return change_engagement(engagement=contract, actor=None)


def more_fee(contract: ManagedContract) -> Any:
    term = FeeTerm(contract=contract, starts_on=date(2026, 6, 1), monthly_fee=99_999)
    return amend_fee(term=term, actor=None)


def corrected_fee(contract: ManagedContract) -> Any:
    term = contract.fee_terms.get()
    term.monthly_fee = Decimal(1)
    return change_line(line=term, engagement=contract, actor=None)


def more_charge(contract: ManagedContract) -> Any:
    charge = Charge(
        engagement=contract, charge_kind="one_off", description="More", amount=1
    )
    return add_line(line=charge, engagement=contract, actor=None)


def other_level(contract: ManagedContract) -> Any:
    level = ServiceLevel(contract=contract, name="Availability", target=Decimal(90))
    return add_line(line=level, engagement=contract, actor=None)


@pytest.mark.parametrize(
    "change",
    [
        later_end,
        other_vendor,
        other_department,
        other_scope,
        more_fee,
        corrected_fee,
        more_charge,
        other_level,
    ],
)
def test_what_waits_stays_as_it_was_sent(
    contract, maker, checker, change: Callable[[ManagedContract], Any]
):
    make_rule(checker)
    submitted(contract, maker)
    events = Event.objects.filter(engagement_id=contract.pk).count()

    with pytest.raises(WrongStateError, match="withdraw it first"):
        change(ManagedContract.objects.get(pk=contract.pk))

    assert Event.objects.filter(engagement_id=contract.pk).count() == events
    assert contract.fee_terms.get().monthly_fee == Decimal(10_000)
    withdraw_engagement(engagement=contract, actor=maker)
    change(ManagedContract.objects.get(pk=contract.pk))


def test_what_waits_may_still_get_another_manager_and_order_number(
    contract, maker, checker
):
    make_rule(checker)
    submitted(contract, maker)
    waiting = ManagedContract.objects.get(pk=contract.pk)
    waiting.manager = checker
    waiting.purchase_order_number = "PO-7"

    change_engagement(engagement=waiting, actor=maker)

    assert stored(contract).purchase_order_number == "PO-7"


def test_waiting_for_and_approvers_of_are_one_question_asked_from_both_sides(
    contract, maker, department
):
    below = make_department(parent=department)
    head = make_user(Role.MANAGER)
    Department.objects.filter(pk=department.pk).update(head=head)
    people = [
        maker,
        head,
        make_user(Role.MANAGER, department=department),
        make_user(Role.MANAGER, department=below),
        make_user(Role.MANAGER, department=make_department()),
        make_user(Role.MANAGER, Role.HR_INTEGRATION, department=make_department()),
        make_user(Role.MANAGER, Role.AUDITOR, department=make_department()),
        make_user(Role.FINANCE),
        make_user(Role.AUDITOR),
        make_user(Role.HR_INTEGRATION),
        make_user(Role.ADMINISTRATOR),
        make_user(Role.FINANCE, is_active=False),
        make_user(department=department),
        User.objects.create_superuser("boss"),
    ]
    make_rule(*people)
    approval = submitted(contract, maker)

    one_way = {person for person in people if approval in waiting_for(person)}

    assert one_way == set(approvers_of(approval))
    assert one_way == {people[i] for i in (1, 2, 6, 7, 10, 13)}
    decide = set(User.objects.filter(deciders(stored(contract)), is_active=True))
    assert decide == {
        person
        for person in people
        if may_decide(person)
        and Engagement.objects.filter(
            engagement_scope(person, with_money=True), pk=contract.pk
        ).exists()
    }


def test_approvers_are_read_in_two_queries(
    contract, maker, checker, django_assert_num_queries
):
    make_rule(checker, make_user(Role.FINANCE))
    submitted(contract, maker)
    approval = Approval.objects.select_related("rule", "engagement").get()

    with django_assert_num_queries(2):
        assert len(approvers_of(approval)) == 2


@pytest.mark.parametrize("rows", [1, 3])
def test_waiting_for_is_read_in_as_many_queries_at_1_as_at_3_rows(
    maker, checker, department, rows, django_assert_num_queries
):
    make_rule(checker)
    for _ in range(rows):
        contract = make_contract(manager=maker, department=department)
        submit_engagement(engagement=contract, actor=maker)
    person = User.objects.get(pk=checker.pk)

    # Roles, departments, approvals.
    with django_assert_num_queries(3):
        assert len(waiting_for(person)) == rows


def test_sending_back_is_no_way_out_of_another_state(contract, maker):
    start_engagement(engagement=contract, actor=None)

    with pytest.raises(WrongStateError, match="can't become draft"):
        send_back(engagement=contract, actor=maker)


def race(*steps: Callable[[], Any]) -> list[str]:
    """Take the steps at once; return what became of each."""
    line = Barrier(len(steps))
    outcomes: list[str] = []

    def run(step: Callable[[], Any]) -> None:
        line.wait()
        try:
            step()
            outcomes.append("done")
        except TrackerError as refusal:
            outcomes.append(type(refusal).__name__)
        finally:
            connection.close()

    threads = [Thread(target=run, args=[step]) for step in steps]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(outcomes)


@pytest.mark.django_db(transaction=True)
def test_two_approvers_at_once_have_one_effect(contract, maker, checker):
    other = make_user(Role.FINANCE)
    make_rule(checker, other)
    approval = submitted(contract, maker)

    outcomes = race(
        lambda: approve(approval=approval, actor=checker),
        lambda: approve(approval=approval, actor=other),
        lambda: approve(approval=approval, actor=checker),
    )

    assert outcomes == ["WrongStateError", "WrongStateError", "done"]
    assert told(contract) == [
        "engagement.submitted",
        "approval.asked",
        "approval.given",
        "engagement.started",
    ]


@pytest.mark.django_db(transaction=True)
def test_two_rules_approved_at_once_start_it_once(contract, maker, checker):
    other = make_user(Role.FINANCE)
    make_rule(checker, name="a")
    make_rule(other, name="b")
    submit_engagement(engagement=contract, actor=maker)
    first, second = Approval.objects.order_by("rule__name")

    outcomes = race(
        lambda: approve(approval=first, actor=checker),
        lambda: approve(approval=second, actor=other),
    )

    assert outcomes == ["done", "done"]
    assert stored(contract).status == Status.ACTIVE
    assert told(contract).count("engagement.started") == 1


@pytest.mark.django_db(transaction=True)
def test_approving_and_withdrawing_at_once_leaves_one_of_them(contract, maker, checker):
    make_rule(checker)
    approval = submitted(contract, maker)

    outcomes = race(
        lambda: approve(approval=approval, actor=checker),
        lambda: withdraw_engagement(engagement=contract, actor=maker),
    )

    approval.refresh_from_db()
    assert outcomes == ["WrongStateError", "done"]
    assert (stored(contract).status, approval.outcome) in (
        (Status.ACTIVE, "approved"),
        (Status.DRAFT, "withdrawn"),
    )


@pytest.mark.django_db(transaction=True)
def test_two_submissions_at_once_ask_once(contract, maker, checker):
    make_rule(checker)
    copies = [ManagedContract.objects.get(pk=contract.pk) for _ in range(2)]

    outcomes = race(
        *[lambda c=c: submit_engagement(engagement=c, actor=maker) for c in copies]
    )

    assert outcomes == ["WrongStateError", "done"]
    assert Approval.objects.count() == 1
