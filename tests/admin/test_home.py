"""The home page tells each role what it has to look after, and nothing twice."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from axes.models import AccessAttempt
from celery import current_app
from django.contrib.auth.models import Group
from django.core.exceptions import ImproperlyConfigured
from django.urls import reverse
from django.utils import timezone

from engagements.choices import Kind, NoticeUnit, Role, Status
from engagements.models import (
    Approval,
    ApprovalRule,
    ChecklistTask,
    Contractor,
    Engagement,
    TenurePolicy,
)
from tests.admin.conftest import logged_in
from tests.factories import make_assignment, make_contract, make_user, make_vendor
from tests.spend.billing import brought_to
from tracker.admin.home.jobs import _next_due
from tracker.admin.home.sections import SHOWN, home_section
from tracker.fit.models import Flag
from tracker.imports.models import ImportRun, RunState
from tracker.jobs.models import JobRun, JobStatus
from tracker.notify.models import Reminder
from tracker.spend.models import Invoice, InvoiceLine, InvoiceStatus
from tracker.spend.services import post_invoice

HOME = reverse("admin:index")
NOTHING_TO_TELL = {
    Role.MANAGER: ["deadlines", "flags", "mine"],
    Role.FINANCE: ["spend", "exceptions", "invoices"],
    Role.HR_INTEGRATION: ["people_changed", "tenure"],
    Role.AUDITOR: ["latest_events"],
    Role.ADMINISTRATOR: ["health", "jobs"],
}


def sections_of(client):
    response = client.get(HOME)
    assert response.status_code == 200
    return {section.name: section for section in response.context["sections"]}


def texts(section) -> list[list[str]]:
    return [[str(cell.text) for _column, cell in line] for line in section.lines]


@pytest.mark.parametrize("role", list(Role))
def test_each_role_has_its_own_sections_and_calm_ones_stay_away(db, role):
    browser = logged_in(role)

    assert list(sections_of(browser)) == NOTHING_TO_TELL[role]


def test_person_with_all_roles_sees_each_section_once(db):
    browser = logged_in(*Role)

    assert list(sections_of(browser)) == [
        name for names in NOTHING_TO_TELL.values() for name in names
    ]


def test_person_without_a_role_is_told_whom_to_ask(db):
    browser = logged_in()

    response = browser.get(HOME)

    assert response.context["sections"] == []
    assert "ask an administrator for a role" in response.content.decode()


def test_two_sections_can_not_stand_at_one_place():
    with pytest.raises(ImproperlyConfigured):
        home_section(10)(lambda asked: None)


def near(manager, **fields):
    today = timezone.localdate()
    return make_contract(
        manager=manager,
        department=manager.department,
        starts_on=today - timedelta(days=300),
        ends_on=today + timedelta(days=60),
        notice_period=40,
        notice_unit=NoticeUnit.DAYS,
        status=Status.ACTIVE,
        **fields,
    )


def test_manager_sees_the_nearest_deadlines_with_price(client, manager):
    near(manager, title="Near")
    make_contract(title="Elsewhere")

    section = sections_of(client)["deadlines"]

    ((name, _vendor, who, price, day),) = texts(section)
    assert (name, who) == ("Near", "Maya Osei")
    assert "£10,000.00" in price
    assert "20 days left" in day


def test_approvals_wait_for_my_groups_and_never_for_what_i_asked(
    client, manager, department
):
    group = Group.objects.create(name="Heads")
    manager.groups.add(group)
    other = make_user(Role.MANAGER, department=department, last_name="Reyes")
    rule = ApprovalRule.objects.create(name="Large", approver_group=group)
    foreign = ApprovalRule.objects.create(
        name="Foreign", approver_group=Group.objects.create(name="Board")
    )
    shared = {"manager": other, "department": department}
    for title, by, under in (
        ("Theirs", other, rule),
        ("My own", manager, rule),
        ("Not mine to decide", other, foreign),
    ):
        contract = make_contract(title=title, **shared)
        Approval.objects.create(engagement=contract, rule=under, asked_by=by)
    hidden = make_contract(title="Out of scope")
    Approval.objects.create(engagement=hidden, rule=rule, asked_by=other)

    section = sections_of(client)["approvals"]

    assert [row[0] for row in texts(section)] == ["Theirs"]
    assert section.count == 1


def test_my_open_tasks_are_told_the_earliest_due_first(client, manager, department):
    contract = make_contract(manager=manager, department=department)
    today = timezone.localdate()
    shared = {"engagement": contract, "stage": "onboarding"}
    ChecklistTask.objects.create(title="Later", owner=manager, due_on=today, **shared)
    ChecklistTask.objects.create(
        title="Late", owner=manager, due_on=today - timedelta(days=1), **shared
    )
    ChecklistTask.objects.create(title="Undated", owner=manager, **shared)
    ChecklistTask.objects.create(title="Nobody's", **shared)
    ChecklistTask.objects.create(
        title="Done",
        owner=manager,
        status="done",
        done_at=timezone.now(),
        done_by=manager,
        **shared,
    )

    section = sections_of(client)["tasks"]

    assert [row[0] for row in texts(section)] == ["Late", "Later", "Undated"]
    assert section.rows[0][3].note == "overdue"


def test_finance_sees_spend_beside_last_month_and_what_is_not_settled(db):
    vendor = make_vendor(legal_name="Northwind IT Ltd")
    contract = make_contract(
        vendor=vendor, starts_on=date(2026, 1, 1), status=Status.ACTIVE
    )
    this = timezone.localdate().replace(day=1)
    last = (this - timedelta(days=1)).replace(day=1)
    for month, amount, number in ((this, 900, "N-2"), (last, 1200, "N-1")):
        post_invoice(
            invoice=Invoice(
                vendor=vendor,
                number=number,
                issued_on=month,
                currency="GBP",
                total=Decimal(amount),
            ),
            lines=[
                InvoiceLine(
                    engagement=contract,
                    charge_kind="one_off",
                    amount=Decimal(amount),
                    period_from=month,
                    period_to=month,
                )
            ],
            actor=None,
        )
    brought_to(Invoice.objects.get(number="N-1"), InvoiceStatus.PAID)

    told = sections_of(logged_in(Role.FINANCE))

    assert [row[0] for row in texts(told["invoices"])] == ["N-2"]
    managed, augmented, together, accrued = told["spend"].rows
    assert managed[1:] == (
        '<span class="figure">£900</span>',
        '<span class="figure">£1,200</span>',
    )
    assert together[1:] == managed[1:]
    assert augmented[1] == accrued[1] == '<span class="figure">£0</span>'


def run_of(**fields) -> ImportRun:
    return ImportRun.objects.create(
        kind="payments", file_name="march.csv", sha256="0" * 64, **fields
    )


@pytest.mark.parametrize("role", [Role.FINANCE, Role.ADMINISTRATOR])
def test_imports_that_refused_lines_of_late_are_told(db, role):
    run_of(state=RunState.APPLIED, read=10, accepted=10)
    bad = run_of(state=RunState.APPLIED, read=10, accepted=8, refused=2)
    old = run_of(state=RunState.FAILED)
    ImportRun.objects.filter(pk=old.pk).update(
        created_at=timezone.now() - timedelta(days=31)
    )

    section = sections_of(logged_in(role))["imports"]

    (row,) = section.rows
    assert row[0].link == reverse("admin:tracker_importrun_change", args=[bad.pk])
    assert row[2] == '<span class="figure">2 / 10</span>'


def test_hr_sees_people_contractors_and_who_is_near_a_limit(vendor):
    today = timezone.localdate()
    person = Contractor.objects.create(
        full_name="Aisha Novak", vendor=vendor, jurisdiction="DE"
    )
    TenurePolicy.objects.create(
        name="Eighteen months",
        country="DE",
        maximum_months=18,
        source="Law",
        checked_on=today,
    )
    make_assignment(
        vendor=vendor,
        contractor=person,
        starts_on=today - timedelta(days=500),
        ends_on=today + timedelta(days=400),
        status=Status.ACTIVE,
    )

    told = sections_of(logged_in(Role.HR_INTEGRATION))

    assert [row[0] for row in texts(told["contractors_changed"])] == ["Aisha Novak"]
    ((name, policy, served, _limit),) = texts(told["tenure"])
    assert (name, policy) == ("Aisha Novak", "Eighteen months")
    assert served == "16 / 18"
    assert "£" not in str(told)


def test_auditor_sees_what_was_done_and_decided(manager, department):
    contract = make_contract(manager=manager, department=department, actor=manager)
    rule = ApprovalRule.objects.create(
        name="Large", approver_group=Group.objects.create(name="Heads")
    )
    Approval.objects.create(
        engagement=contract,
        rule=rule,
        asked_by=manager,
        decided_by=make_user(last_name="Reyes", first_name="Omar"),
        decided_at=timezone.now(),
        outcome="approved",
    )
    flag = Flag.objects.create(
        engagement=contract,
        raised_on=date(2026, 4, 1),
        opposition=0.9,
        leaning="augmented",
        sentence="steady",
    )
    flag.decisions.create(
        action="dismiss",
        reason="Not now",
        opposition=0.9,
        actor=manager,
        at=timezone.now(),
    )

    told = sections_of(logged_in(Role.AUDITOR))

    assert texts(told["latest_events"])[-1][:2] == [
        "Vendor registered",
        "The product itself",
    ]
    assert texts(told["approvals_decided"])[0][:4] == [
        "Service desk",
        "Approved",
        "Maya Osei",
        "Omar Reyes",
    ]
    assert texts(told["flags_decided"])[0][1:4] == ["Dismiss", "Not now", "Maya Osei"]


def test_administrator_sees_health_jobs_and_what_failed(manager, department):
    now = timezone.now()
    for key, status in (("1", JobStatus.FAILED), ("2", JobStatus.DONE)):
        JobRun.objects.create(
            name="roll terms",
            key=key,
            status=status,
            started_at=now,
            leased_until=now,
            finished_at=now,
        )
    contract = make_contract(department=department)
    Reminder.objects.create(
        engagement=contract,
        kind="notice",
        falls_on=timezone.localdate(),
        threshold_days=30,
        recipient=manager,
        leased_until=now - timedelta(hours=1),
    )
    AccessAttempt.objects.create(
        username="guess", ip_address="203.0.113.9", failures_since_start=4
    )
    idle = make_user(last_name="Idle")

    told = sections_of(logged_in(Role.ADMINISTRATOR))

    assert [row[:2] for row in texts(told["health"])][:3] == [
        ["Database", "ok"],
        ["Migrations", "ok"],
        ["Background jobs", "ok"],
    ]
    ((job, status, failures, due),) = texts(told["jobs"])
    assert (job, status, failures) == (
        "Roll terms",
        "Done",
        '<span class="figure">1</span>',
    )
    assert due != ""
    assert texts(told["reminders_not_sent"])[0][:2] == ["Maya Osei", "Service desk"]
    assert texts(told["failed_log_ins"])[0][:2] == ["guess", "203.0.113.9"]
    assert [row[0] for row in texts(told["people_without_role"])] == [str(idle)]
    assert texts(told["engagements_without_manager"])[0][0] == "Service desk"


def test_silent_jobs_are_told_as_silent(db):
    long_ago = timezone.now() - timedelta(days=3)
    JobRun.objects.create(
        name="roll terms",
        key="1",
        status=JobStatus.DONE,
        started_at=long_ago,
        leased_until=long_ago,
        finished_at=long_ago,
    )

    health = sections_of(logged_in(Role.ADMINISTRATOR))["health"]

    assert texts(health)[2] == ["Background jobs", "silent"]


def test_missing_migrations_are_told(db, monkeypatch):
    monkeypatch.setattr("config.health.count_of_missing_migrations", lambda: 2)

    health = sections_of(logged_in(Role.ADMINISTRATOR))["health"]

    assert texts(health)[1] == ["Migrations", "2 not applied"]


def test_next_run_is_the_schedules_own(db, monkeypatch):
    class Noon:
        def remaining_estimate(self, now: datetime) -> timedelta:
            return datetime(2027, 1, 15, 12, tzinfo=UTC) - now

    monkeypatch.setitem(
        current_app.conf.beat_schedule, "lunch", {"schedule": Noon(), "task": "x"}
    )

    assert _next_due("lunch") == "15 Jan, 12:00"
    assert _next_due("unknown") == ""


QUERIES = {
    Role.MANAGER: 20,
    Role.FINANCE: 17,
    Role.HR_INTEGRATION: 13,
    Role.AUDITOR: 11,
    Role.ADMINISTRATOR: 21,
}


def grow(manager, vendor, *, rows: int) -> None:
    for number in range(rows):
        contract = near(manager, vendor=vendor, title=f"Contract {number}")
        Flag.objects.create(
            engagement=contract,
            raised_on=date(2026, 4, 1),
            opposition=0.9,
            leaning=Kind.AUGMENTED,
            sentence="steady",
        )
        ChecklistTask.objects.create(
            engagement=contract, title="Badge", stage="onboarding", owner=manager
        )
        run_of(state=RunState.FAILED)
        make_assignment(vendor=vendor, department=manager.department)


@pytest.mark.parametrize("role", list(Role))
def test_home_asks_as_many_queries_at_1_as_at_3_rows(
    manager, vendor, django_assert_num_queries, role
):
    browser = logged_in(role)
    browser.get(HOME)
    grow(manager, vendor, rows=1)
    with django_assert_num_queries(QUERIES[role]):
        browser.get(HOME)

    grow(manager, vendor, rows=2)

    with django_assert_num_queries(QUERIES[role]):
        browser.get(HOME)


def test_managers_home_counts_what_it_does_not_show_at_300_rows(
    client, manager, vendor, django_assert_num_queries
):
    sample = near(manager, vendor=vendor)
    Engagement.objects.bulk_create(
        Engagement(
            reference=f"X-{number}",
            title="More",
            kind=Kind.MANAGED,
            vendor=vendor,
            manager=manager,
            department=manager.department,
            starts_on=sample.starts_on,
            term_starts_on=sample.term_starts_on,
            term_ends_on=sample.term_ends_on,
            notice_deadline_on=sample.notice_deadline_on,
            status=Status.ACTIVE,
        )
        for number in range(299)
    )

    with django_assert_num_queries(QUERIES[Role.MANAGER] + 2):
        response = client.get(HOME)

    told = {section.name: section for section in response.context["sections"]}
    assert (told["mine"].count, len(told["mine"].rows)) == (300, SHOWN)
    assert told["deadlines"].count == 300
    assert "All of them" in response.content.decode()
