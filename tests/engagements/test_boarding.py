"""On- and off-boarding: whose task, due when, done by whom."""

from collections.abc import Callable
from datetime import date, timedelta

import pytest
import time_machine
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone

from engagements.choices import (
    ChecklistStage,
    EndReason,
    Kind,
    Renewal,
    Role,
    Status,
    TaskStatus,
)
from engagements.errors import WrongStateError
from engagements.models import (
    Assignment,
    ChecklistTask,
    Engagement,
    Event,
    ManagedContract,
    User,
)
from engagements.services.access import remove_access
from engagements.services.boarding import (
    Started,
    add_task,
    begin_task,
    dismiss_task,
    finish_removal_tasks,
    finish_task,
    reassign_task,
    reopen_task,
    report_stuck,
    start_due_offboardings,
    start_offboarding,
    start_onboarding,
)
from engagements.services.engagements import change_engagement
from engagements.services.lifecycle import end_engagement, start_engagement
from engagements.services.renewal import extend_engagement, give_notice, roll_terms
from tests.factories import (
    make_assignment,
    make_contract,
    make_department,
    make_grant,
    make_template,
    make_user,
    make_vendor,
)
from tracker.jobs.models import JobRun
from tracker.tasks import start_offboardings

pytestmark = pytest.mark.django_db

TODAY = date(2026, 11, 22)
ON, OFF = ChecklistStage.ONBOARDING, ChecklistStage.OFFBOARDING


@pytest.fixture(autouse=True)
def _today():
    with time_machine.travel(TODAY, tick=False):
        yield


@pytest.fixture
def boss() -> User:
    return make_user(Role.MANAGER, department=make_department())


def running(boss: User, **fields) -> ManagedContract:
    """A contract of one year that ends on 31 December 2026."""
    contract = make_contract(
        manager=boss,
        department=boss.department,
        fee=None,
        **{"initial_term_months": 12, "notice_period": 30} | fields,
    )
    start_engagement(engagement=contract, actor=boss)
    return contract


def tasks_of(engagement: Engagement) -> list[tuple[str, date | None]]:
    return list(
        ChecklistTask.objects.filter(engagement=engagement.pk)
        .order_by("due_on", "pk")
        .values_list("title", "due_on")
    )


def one_task(boss: User, **fields) -> ChecklistTask:
    contract = running(boss)
    task = ChecklistTask(
        engagement_id=contract.pk, title="Badge returned", stage=OFF, **fields
    )
    return add_task(task=task, actor=boss)


def test_starting_makes_the_on_boarding_tasks_of_its_model_and_of_both(boss):
    make_template(stage=ON, title="Both", due_days=3)
    make_template(stage=ON, title="Ours", kind=Kind.MANAGED, due_days=-5)
    make_template(stage=ON, title="Theirs", kind=Kind.AUGMENTED)
    make_template(stage=OFF, title="Later")

    contract = running(boss)

    assert tasks_of(contract) == [
        ("Ours", date(2025, 12, 27)),
        ("Both", date(2026, 1, 4)),
    ]
    assert list(
        Event.objects.filter(engagement_id=contract.pk)
        .order_by("id")
        .values_list("event_type", "actor")
    )[-3:] == [
        ("task.added", boss.pk),
        ("task.added", boss.pk),
        ("engagement.onboarding_started", boss.pk),
    ]


def test_each_template_gives_one_task_however_often_it_is_started(boss):
    make_template(stage=ON)
    contract = running(boss)

    again = start_onboarding(engagement=contract, actor=boss)

    assert again == []
    assert ChecklistTask.objects.count() == 1
    with pytest.raises(IntegrityError), transaction.atomic():
        ChecklistTask.objects.create(
            engagement=contract,
            template=ChecklistTask.objects.get().template,
            title="Twice",
            stage=ON,
        )


def test_notice_starts_off_boarding_due_by_the_last_day(boss):
    make_template(title="Access removed", due_days=0, removes_access=True)
    make_template(title="Handed over", due_days=-10)
    contract = running(boss)

    give_notice(engagement=contract, given_on=TODAY, actor=boss)

    assert tasks_of(contract) == [
        ("Handed over", date(2026, 12, 21)),
        ("Access removed", date(2026, 12, 31)),
    ]
    task = ChecklistTask.objects.get(title="Access removed")
    assert (task.owner, task.removes_access, task.status) == (boss, True, "to_do")


def test_the_nightly_job_starts_what_ends_within_30_days_once(boss):
    make_template(due_days=0)
    near = running(boss)
    far = running(boss, initial_term_months=13)
    goes_on = running(boss, renewal=Renewal.AUTO, renewal_term_months=12)
    with time_machine.travel(date(2026, 12, 1), tick=False):
        start_offboardings()
        start_offboardings()
        again = start_due_offboardings(today=date(2026, 12, 1))

    assert [bool(tasks_of(e)) for e in (near, far, goes_on)] == [True, False, False]
    assert again == Started(0, 0)
    run = JobRun.objects.get(name="start off-boardings")
    assert (run.attempts, run.result) == (1, {"engagements": 1, "tasks": 1})


def test_the_nightly_job_waits_for_the_30th_day_before_the_last(boss):
    make_template()
    running(boss)

    assert start_due_offboardings(today=date(2026, 11, 30)) == Started(0, 0)
    assert start_due_offboardings(today=date(2026, 12, 1)) == Started(1, 1)


def test_off_boarding_by_hand_counts_from_today_while_there_is_no_last_day(boss):
    make_template(due_days=5)
    contract = running(boss, initial_term_months=None)

    (task,) = start_offboarding(engagement=contract, actor=boss)

    assert task.due_on == TODAY + timedelta(days=5)


def test_a_draft_is_not_off_boarded(boss):
    draft = make_contract()

    with pytest.raises(WrongStateError, match="only an active one is off-boarded"):
        start_offboarding(engagement=draft, actor=boss)


def test_due_days_follow_the_end_and_the_start_of_open_tasks_only(boss):
    make_template(title="Welcome", stage=ON, due_days=2)
    make_template(title="Open", due_days=0)
    make_template(title="Done", due_days=0)
    contract = running(boss)
    start_offboarding(engagement=contract, actor=boss)
    finish_task(task=ChecklistTask.objects.get(title="Done"), actor=boss)

    extend_engagement(engagement=contract, ends_on=date(2027, 2, 28), actor=boss)
    contract.refresh_from_db()
    contract.starts_on = date(2026, 1, 5)
    contract.ends_on = date(2027, 3, 31)
    change_engagement(engagement=contract, actor=boss)

    assert dict(tasks_of(contract)) == {
        "Welcome": date(2026, 1, 7),
        "Open": date(2027, 3, 31),
        "Done": date(2026, 12, 31),
    }
    moved = Event.objects.filter(event_type="task.due_day_moved").latest("id")
    assert moved.actor == boss


def test_due_days_follow_a_term_that_rolls(boss):
    make_template(due_days=0, title="Open")
    contract = running(boss, renewal=Renewal.AUTO, renewal_term_months=12)
    start_offboarding(engagement=contract, actor=boss)

    roll_terms(today=date(2027, 1, 1))

    assert tasks_of(contract) == [("Open", date(2027, 12, 31))]


def test_a_day_given_by_hand_stays_when_the_end_moves(boss):
    task = one_task(boss, due_on=date(2026, 12, 24))

    extend_engagement(engagement=task.engagement, ends_on=date(2027, 2, 28), actor=boss)

    task.refresh_from_db()
    assert task.due_on == date(2026, 12, 24)


def test_a_changed_template_leaves_its_tasks_as_they_are(boss):
    template = make_template(title="Laptop", due_days=0)
    contract = running(boss)
    start_offboarding(engagement=contract, actor=boss)
    template.title, template.due_days = "Laptop and badge", 20
    template.save()

    extend_engagement(engagement=contract, ends_on=date(2027, 1, 31), actor=boss)

    assert tasks_of(contract) == [("Laptop", date(2027, 1, 31))]


def owner_of(boss: User, group: Group) -> User | None:
    template = make_template(owner_group=group)
    contract = running(boss)
    start_offboarding(engagement=contract, actor=boss)
    return ChecklistTask.objects.get(template=template).owner


def test_owner_is_a_member_of_the_group_who_sees_the_engagement(boss):
    group = Group.objects.create(name="Service desk")
    stranger = make_user(Role.MANAGER, department=make_department())
    auditor = make_user(Role.AUDITOR)
    near = make_user(Role.MANAGER, department=boss.department)
    for user in (stranger, auditor, near):
        user.groups.add(group)

    assert owner_of(boss, group) == near
    near.is_active = False
    near.save()
    assert owner_of(boss, group) == auditor
    boss.groups.add(group)
    assert owner_of(boss, group) == boss


def test_owner_is_the_manager_where_nobody_of_the_group_sees_it(boss):
    group = Group.objects.create(name="Service desk")
    make_user(Role.MANAGER, department=make_department()).groups.add(group)

    assert owner_of(boss, group) == boss


def test_a_task_moves_on_with_who_and_when(boss):
    task = one_task(boss)

    assert begin_task(task=task, actor=boss).status == TaskStatus.IN_PROGRESS
    stuck = report_stuck(task=task, note="Courier is late", actor=boss)
    assert (stuck.status, stuck.note) == ("stuck", "Courier is late")
    done = finish_task(task=task, actor=boss)
    assert (done.status, done.note) == ("done", "")
    assert (done.done_by, done.done_at) == (boss, timezone.now())
    reopened = reopen_task(task=task, actor=boss)
    assert (reopened.status, reopened.done_by, reopened.done_at) == (
        "to_do",
        None,
        None,
    )

    told = Event.objects.filter(subject_type="checklisttask").order_by("id")
    assert list(told.values_list("event_type", flat=True)) == [
        "task.added",
        "task.begun",
        "task.stuck",
        "task.done",
        "task.reopened",
    ]
    assert told[2].changes == {
        "status": ["in_progress", "stuck"],
        "note": ["(personal)", "(personal)"],
    }


@pytest.mark.parametrize(
    "step",
    [
        lambda task, boss: report_stuck(task=task, note="  ", actor=boss),
        lambda task, boss: dismiss_task(task=task, reason="", actor=boss),
    ],
)
def test_stuck_and_not_applicable_say_why(
    boss, step: Callable[[ChecklistTask, User], ChecklistTask]
):
    task = one_task(boss)

    with pytest.raises(ValidationError, match="Say why"):
        step(task, boss)

    task.refresh_from_db()
    assert task.status == TaskStatus.TO_DO


def test_a_dismissed_task_is_kept_and_not_made_again(boss):
    make_template(title="Laptop")
    contract = running(boss)
    (task,) = start_offboarding(engagement=contract, actor=boss)

    dismissed = dismiss_task(task=task, reason="Used their own", actor=boss)

    assert (dismissed.status, dismissed.done_by) == ("dismissed", boss)
    assert start_offboarding(engagement=contract, actor=boss) == []


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (finish_task, finish_task),
        (finish_task, begin_task),
        (begin_task, begin_task),
        (begin_task, reopen_task),
    ],
)
def test_steps_that_lead_nowhere_are_refused(boss, first, second):
    task = one_task(boss)
    first(task=task, actor=boss)

    with pytest.raises(WrongStateError, match="already"):
        second(task=task, actor=boss)


def test_a_task_of_a_closed_engagement_stays_done(boss):
    task = one_task(boss)
    finish_task(task=task, actor=boss)
    end_engagement(
        engagement=task.engagement,
        ended_on=TODAY,
        reason=EndReason.COMPLETED,
        actor=boss,
    )

    with pytest.raises(WrongStateError, match="its tasks stay as they are"):
        reopen_task(task=task, actor=boss)
    with pytest.raises(WrongStateError, match="nothing is left to do"):
        add_task(
            task=ChecklistTask(
                engagement_id=task.engagement_id, title="Late", stage=OFF
            ),
            actor=boss,
        )


def test_a_task_is_given_only_to_somebody_who_sees_the_engagement(boss):
    task = one_task(boss)
    stranger = make_user(Role.MANAGER, department=make_department())
    colleague = make_user(Role.MANAGER, department=boss.department)

    with pytest.raises(ValidationError, match="can't see this engagement"):
        reassign_task(task=task, owner=stranger, actor=boss)

    assert reassign_task(task=task, owner=colleague, actor=boss).owner == colleague


def test_a_task_that_removes_access_waits_for_the_last_removal(boss):
    make_template(title="Access removed", removes_access=True)
    assignment = make_assignment(
        manager=boss, department=boss.department, vendor=make_vendor(), rate=None
    )
    start_engagement(engagement=assignment, actor=boss)
    grants = [make_grant(assignment, system=name) for name in ("Mail", "Door")]
    (task,) = start_offboarding(engagement=assignment, actor=boss)

    with pytest.raises(WrongStateError, match="2 accesses are still open"):
        finish_task(task=task, actor=boss)
    remove_access(grant=grants[0], removed_on=TODAY, actor=boss)
    assert finish_removal_tasks(engagement=assignment, actor=boss) == []
    remove_access(grant=grants[1], removed_on=TODAY, actor=boss)
    finished = finish_removal_tasks(engagement=assignment, actor=boss)

    assert [one.status for one in finished] == ["done"]


def test_open_off_boarding_keeps_it_open_and_open_on_boarding_does_not(boss):
    make_template(stage=ON, title="Welcome")
    make_template(title="Handed over")
    contract = running(boss)
    (task,) = start_offboarding(engagement=contract, actor=boss)

    def end() -> None:
        end_engagement(
            engagement=contract,
            ended_on=TODAY,
            reason=EndReason.COMPLETED,
            actor=boss,
        )

    with pytest.raises(WrongStateError, match="“Handed over” is to do: finish it"):
        end()
    dismiss_task(task=task, reason="Nothing to hand over", actor=boss)
    end()

    assert Engagement.objects.get(pk=contract.pk).status == Status.ENDED


def test_an_assignment_gets_the_tasks_of_its_own_model(boss):
    make_template(stage=ON, title="Theirs", kind=Kind.AUGMENTED)
    assignment: Assignment = make_assignment(rate=None)

    start_engagement(engagement=assignment, actor=boss)

    assert [title for title, _ in tasks_of(assignment)] == ["Theirs"]
