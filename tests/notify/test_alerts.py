"""From an event to an alert: who is told, once, and what it says to whom."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from threading import Barrier, Thread
from threading import Event as Flag
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import Group
from django.core.cache import cache
from django.db import connection, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from engagements import events
from engagements.choices import EndReason, Role
from engagements.models import (
    Approval,
    ApprovalRule,
    ChangeOrder,
    ChecklistTask,
    Engagement,
    Event,
    User,
)
from engagements.services.approvals import reject
from engagements.services.change_orders import record_change_order
from engagements.services.lifecycle import (
    end_engagement,
    start_engagement,
    submit_engagement,
    withdraw_engagement,
)
from tests.factories import make_contract, make_department, make_user, stored
from tracker.jobs.services import run_job
from tracker.notify.alert_text import alerts_of, in_words
from tracker.notify.event_types import TELLINGS
from tracker.notify.models import Alert, AlertCursor, ToldEvent
from tracker.notify.queries import unread_alerts
from tracker.notify.services import (
    alerts as alerts_service,
)
from tracker.notify.services import (
    mark_read,
    remove_read_alerts,
    tell_events,
    tell_overdue_tasks,
)
from tracker.notify.services.alerts import Told
from tracker.tasks import deliver_alerts

pytestmark = pytest.mark.django_db

OWN = "/admin/tracker/alert/own/"


def make_manager(name: str = "owner", **fields: Any) -> User:
    return make_user(Role.MANAGER, username=name, email=f"{name}@example.org", **fields)


def make_engagement(manager: User | None, **fields: Any) -> Engagement:
    contract = make_contract(manager=manager, **fields)
    start_engagement(engagement=contract, actor=None)
    return stored(contract)


RATED = {
    "currency": "GBP",
    "fx_rate": Decimal(1),
    "fx_on": date(2026, 6, 1),
    "fx_source": "same currency",
}


@transaction.atomic
def record(event_type: str, subject: Any, *, actor: User | None = None, **fields: Any):
    return events.record(event_type=event_type, subject=subject, actor=actor, **fields)


def ask_approval(engagement: Engagement, asked_by: User, **fields: Any) -> Approval:
    group, _created = Group.objects.get_or_create(name="Approvers")
    rule = ApprovalRule.objects.create(
        name=f"Rule {ApprovalRule.objects.count()}", approver_group=group
    )
    if "amount" in fields:
        fields = RATED | fields
    approval = Approval.objects.create(
        engagement=engagement, rule=rule, asked_by=asked_by, **fields
    )
    record("approval.asked", approval, engagement=engagement, actor=asked_by)
    return approval


def make_approver(name: str = "approver", **fields: Any) -> User:
    user = make_manager(name, **fields)
    user.groups.add(Group.objects.get_or_create(name="Approvers")[0])
    return user


def told() -> list[tuple[str, str]]:
    rows = Alert.objects.order_by("id").select_related("recipient", "event")
    return [(row.event.event_type, row.recipient.username) for row in rows if row.event]


def said_to(user: User) -> list[str]:
    reader = User.objects.get(pk=user.pk)
    return [text.subject for text in in_words(alerts_of(reader), reader)]


def test_manager_is_told_of_the_end_of_an_engagement():
    owner = make_manager()
    engagement = make_engagement(owner, fee=None)
    end_engagement(
        engagement=engagement,
        ended_on=timezone.localdate(),
        reason=EndReason.COMPLETED,
        actor=make_user(Role.ADMINISTRATOR),
    )

    assert tell_events() == Told(events=1, alerts=1)
    assert told() == [("engagement.ended", "owner")]
    assert said_to(owner) == ["Ended: Service desk"]


def test_nobody_is_told_of_their_own_doing():
    owner = make_manager()
    record("engagement.cancelled", make_engagement(owner), actor=owner)

    assert tell_events() == Told(events=1, alerts=0)


@pytest.mark.parametrize(
    "event_type", [name for name in TELLINGS if name.startswith("engagement.")]
)
def test_each_type_about_engagements_tells_the_owner(event_type):
    record(event_type, make_engagement(make_manager()))

    tell_events()

    assert told() == [(event_type, "owner")]


def test_event_that_concerns_nobody_is_left_alone():
    record("engagement.changed", make_engagement(make_manager()))

    assert tell_events() == Told()


def test_approvers_who_see_it_are_asked_but_for_the_one_who_asks():
    department = make_department()
    asker = make_approver("asker", department=department)
    make_approver("approver", department=department)
    make_approver("elsewhere", department=make_department())
    make_approver("left", department=department, is_active=False)

    ask_approval(make_engagement(None, department=department), asker)
    tell_events()

    assert told() == [("approval.asked", "approver")]


def test_waiting_approval_says_its_own_amount_to_those_who_see_money():
    department = make_department()
    asker = make_manager("asker", department=department)
    approver = make_approver(department=department)
    blind = make_user(Role.HR_INTEGRATION, username="blind", email="b@example.org")
    engagement = make_engagement(None, department=department)

    approval = ask_approval(engagement, asker, amount=Decimal(120_000), currency="EUR")
    tell_events()
    event = Event.objects.get(event_type="approval.asked")
    Alert.objects.create(recipient=blind, event=event, engagement=engagement)

    assert approval.amount == 120_000
    assert said_to(approver) == ["Approval waiting: Service desk, 120,000 EUR"]
    (text,) = in_words(alerts_of(approver), approver)
    assert text.figure_of == "value of the term"
    assert said_to(blind) == ["Approval waiting: Service desk"]


def test_who_could_decide_is_told_that_it_was_taken_back():
    department = make_department()
    asker = make_manager("asker", department=department)
    approver = make_approver(department=department)
    engagement = make_contract(manager=asker, department=department)
    group = Group.objects.get(name="Approvers")
    ApprovalRule.objects.create(name="Contracts", approver_group=group)
    submit_engagement(engagement=engagement, actor=asker)
    withdraw_engagement(engagement=engagement, actor=asker)

    tell_events()

    assert told() == [
        ("approval.asked", "approver"),
        ("approval.withdrawn", "approver"),
    ]
    assert said_to(approver) == [
        "Approval taken back: Service desk, 120,000 GBP",
        "Approval no longer waiting: Service desk, 120,000 GBP",
    ]


def test_owner_is_told_that_an_engagement_was_sent_back():
    department = make_department()
    owner = make_manager("owner", department=department)
    approver = make_approver(department=department)
    group = Group.objects.get(name="Approvers")
    rule = ApprovalRule.objects.create(name="Contracts", approver_group=group)
    engagement = make_contract(manager=owner, department=department)
    submit_engagement(engagement=engagement, actor=owner)
    reject(approval=rule.approvals.get(), reason="Too dear", actor=approver)

    tell_events()

    assert said_to(owner) == [
        "Sent back as a draft: Service desk",
        "Rejected: Service desk, 120,000 GBP",
    ]


def test_change_order_is_told_with_its_number_and_change_of_value():
    owner = make_manager()
    engagement = make_engagement(owner)
    order = ChangeOrder(
        engagement=engagement,
        value_change=Decimal(-1500),
        effective_on=timezone.localdate(),
        reason="Fewer seats",
    )
    record_change_order(change_order=order, actor=make_user(Role.ADMINISTRATOR))

    tell_events()

    assert said_to(owner) == [
        "Change order in force: Service desk, -1,500 GBP",
        "Change order recorded: Service desk, -1,500 GBP",
    ]
    detail = in_words(alerts_of(owner), owner)[0].detail
    assert detail == f"{engagement.reference} · Change order 1 · Fewer seats"


def test_renewal_beyond_a_tenure_limit_says_until_when_it_was_within():
    owner = make_manager()
    engagement = make_engagement(owner)
    changes = {
        "policies": [None, "Ours"],
        "limit_on": [None, "2026-10-31"],
        "term_ends_on": [None, "2026-12-31"],
    }
    record("engagement.tenure_exceeded", engagement, changes=changes)

    tell_events()

    assert said_to(owner) == ["Renewed beyond a tenure limit: Service desk"]
    assert in_words(alerts_of(owner), owner)[0].detail == (
        f"{engagement.reference} · within the limit until 31 Oct 2026 (Ours)"
    )


@pytest.mark.parametrize("event_type", ["approval.given", "approval.rejected"])
def test_decision_is_told_to_asker_and_manager_with_its_reason(event_type):
    department = make_department()
    asker = make_manager("asker", department=department)
    owner = make_manager("owner", department=department)
    approver = make_approver(department=department)
    engagement = make_engagement(owner, department=department)
    approval = ask_approval(engagement, asker)
    approval.outcome = "approved" if event_type == "approval.given" else "rejected"
    approval.decided_by, approval.decided_at = approver, timezone.now()
    approval.reason = "Above the budget"
    approval.save()
    record(event_type, approval, engagement=engagement, actor=approver)

    tell_events()

    assert told()[1:] == [(event_type, "asker"), (event_type, "owner")]
    text = in_words(alerts_of(asker), asker)[0]
    assert text.detail == f"{engagement.reference} · Above the budget"


def make_task(owner: User | None, **fields: Any) -> ChecklistTask:
    values = {"title": "Return the laptop", "stage": "offboarding"} | fields
    engagement = values.pop("engagement", None) or make_engagement(owner)
    return ChecklistTask.objects.create(engagement=engagement, owner=owner, **values)


def test_owner_of_a_task_is_told_when_it_is_assigned():
    owner = make_manager()
    task = make_task(owner)
    record("task.reassigned", task, engagement=task.engagement)

    tell_events()

    assert said_to(owner) == ["Task for you: Service desk"]
    assert in_words(alerts_of(owner), owner)[0].detail.endswith("· Return the laptop")


def test_overdue_task_is_told_once_per_day_it_had():
    task = make_task(make_manager(), due_on="2026-11-20")
    make_task(
        make_manager("done"),
        due_on="2026-11-20",
        status="done",
        done_at=timezone.now(),
        done_by=make_user(),
    )
    day = datetime(2026, 11, 20, tzinfo=UTC).date()

    counts = [tell_overdue_tasks(today=day + timedelta(days=n)) for n in range(3)]
    ChecklistTask.objects.filter(pk=task.pk).update(due_on="2026-11-25")
    again = tell_overdue_tasks(today=day + timedelta(days=6))

    assert (counts, again) == ([0, 1, 0], 1)
    assert Event.objects.filter(event_type="task.overdue").count() == 2


def test_administrators_are_told_when_a_job_begins_to_fail():
    admin = make_user(Role.ADMINISTRATOR, username="root", email="root@example.org")

    def work() -> Any:
        raise ZeroDivisionError("nothing to divide by")

    for key in ("1", "2"):
        with pytest.raises(ZeroDivisionError):
            run_job(name="assess", key=key, work=work)
    run_job(name="assess", key="3", work=dict)
    with pytest.raises(ZeroDivisionError):
        run_job(name="assess", key="4", work=work)
    tell_events()

    assert said_to(admin) == ["Background job failed: assess"] * 2


@pytest.mark.parametrize(("refused", "expected"), [(0, []), (3, ["importer"])])
def test_who_started_an_import_is_told_of_refused_lines(refused, expected):
    importer = make_user(Role.FINANCE, username="importer", email="i@example.org")
    from tracker.imports.models import ImportRun

    run = ImportRun.objects.create(
        kind="payments", file_name="may.csv", sha256="0" * 64, started_by=importer
    )
    changes = {"file": [None, "may.csv"], "refused": [None, refused]}
    record("import.applied", run, actor=importer, changes=changes)

    tell_events()

    assert [name for _, name in told()] == expected
    if expected:
        (text,) = in_words(alerts_of(importer), importer)
        assert (text.subject, text.detail) == (
            "Lines refused: may.csv",
            "3 lines refused",
        )


def test_flag_raised_by_the_product_is_told_to_the_manager():
    owner = make_manager()
    engagement = make_engagement(owner)
    record("model_flag.raised", engagement)

    tell_events()

    assert said_to(owner) == ["The other model would fit better: Service desk"]


def test_owner_who_left_is_stood_in_for_by_the_head():
    owner, head = make_manager(), make_manager("head")
    engagement = make_engagement(owner, department=make_department(head=head))
    User.objects.filter(pk=owner.pk).update(is_active=False)
    record("engagement.term_rolled", engagement)

    tell_events()

    assert told() == [("engagement.term_rolled", "head")]


def test_owner_of_today_is_told_of_what_nobody_was_told_of_yet():
    first, second = make_manager("first"), make_manager("second")
    engagement = make_engagement(first)
    record("engagement.term_rolled", engagement)
    Engagement.objects.filter(pk=engagement.pk).update(manager=second)

    tell_events()

    assert told() == [("engagement.term_rolled", "second")]


# --- once, whatever happens -----------------------------------------------------------


def test_event_is_told_once_however_often_it_runs():
    record("engagement.ended", make_engagement(make_manager()))

    assert [tell_events().alerts for _ in range(3)] == [1, 0, 0]


def test_new_owner_is_not_told_of_what_the_one_before_was():
    engagement = make_engagement(make_manager("first"))
    record("engagement.ended", engagement)
    tell_events()
    Engagement.objects.filter(pk=engagement.pk).update(manager=make_manager("second"))

    tell_events()

    assert told() == [("engagement.ended", "first")]


def test_run_that_is_killed_leaves_nothing_half_told(monkeypatch):
    for name in ("one", "two"):
        record("engagement.ended", make_engagement(make_manager(name)))

    def die(*_: Any) -> None:
        raise SystemExit("killed")

    with monkeypatch.context() as patch:
        patch.setattr(alerts_service, "_advance", die)
        with pytest.raises(SystemExit):
            tell_events()
    assert Alert.objects.count() == 0

    assert tell_events() == Told(events=2, alerts=2)


def test_many_events_are_told_in_batches(monkeypatch):
    monkeypatch.setattr(alerts_service, "BATCH", 2)
    engagement = make_engagement(make_manager())
    for _ in range(5):
        record("engagement.ended", engagement)

    assert tell_events() == Told(events=5, alerts=5)


def test_cursor_stays_below_what_may_still_be_committed():
    engagement = make_engagement(make_manager())
    record("engagement.ended", engagement)
    first = Event.objects.earliest("id").pk

    tell_events()
    early = AlertCursor.objects.get().event_id
    tell_events(now=timezone.now() + timedelta(hours=3))

    assert early < first
    assert AlertCursor.objects.get().event_id == Event.objects.latest("id").pk
    assert ToldEvent.objects.count() == 0
    assert tell_events() == Told()


def test_event_that_is_committed_below_later_ones_is_told():
    """As PostgreSQL shows them: a smaller id turns up after a greater one was told."""
    engagement = make_engagement(make_manager())
    late = record("engagement.term_rolled", engagement)
    record("engagement.ended", engagement)
    hidden = Event.objects.filter(pk=late.pk)
    seen = Event.objects.exclude(pk__in=hidden)

    with pytest.MonkeyPatch.context() as patch:
        untold = alerts_service._untold
        patch.setattr(
            alerts_service,
            "_untold",
            lambda cursor: untold(cursor).filter(pk__in=seen),
        )
        tell_events()
    assert told() == [("engagement.ended", "owner")]

    tell_events()

    assert sorted(told()) == [
        ("engagement.ended", "owner"),
        ("engagement.term_rolled", "owner"),
    ]


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_transaction_that_commits_late_is_not_passed_over():
    engagement = make_engagement(make_manager())
    written, may_commit = Flag(), Flag()

    def write_slowly() -> None:
        try:
            with transaction.atomic():
                events.record(
                    event_type="engagement.term_rolled", subject=engagement, actor=None
                )
                written.set()
                may_commit.wait(timeout=10)
        finally:
            connection.close()

    slow = Thread(target=write_slowly)
    slow.start()
    written.wait(timeout=10)
    record("engagement.ended", engagement)
    first = tell_events()
    may_commit.set()
    slow.join()

    assert (first.alerts, tell_events().alerts) == (1, 1)
    assert [name for name, _ in told()] == [
        "engagement.ended",
        "engagement.term_rolled",
    ]


@pytest.mark.django_db(transaction=True)
def test_two_processes_at_once_tell_each_event_once():
    engagement = make_engagement(make_manager())
    for _ in range(5):
        record("engagement.ended", engagement)
    together = Barrier(2)

    def run() -> None:
        together.wait()
        try:
            tell_events()
        finally:
            connection.close()

    threads = [Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(told()) == 5


def test_alert_is_one_per_event_and_person_by_the_database():
    owner = make_manager()
    event = record("engagement.ended", make_engagement(owner))

    rows = [Alert(event=event, recipient=owner) for _ in range(2)]
    Alert.objects.bulk_create(rows, ignore_conflicts=True)

    assert Alert.objects.count() == 1


# --- what is read ---------------------------------------------------------------------


def test_alert_goes_with_the_right_to_see_the_engagement():
    mine = make_department()
    owner = make_manager(department=mine)
    engagement = make_engagement(owner, department=mine)
    record("engagement.ended", engagement)
    tell_events()
    assert (said_to(owner), unread_alerts(owner)) == (["Ended: Service desk"], 1)

    Engagement.objects.filter(pk=engagement.pk).update(
        department=make_department(), manager=make_manager("other"), title="Canary"
    )

    reader = User.objects.get(pk=owner.pk)
    assert (said_to(reader), unread_alerts(reader)) == ([], 0)
    page = page_of(reader)
    assert "Canary" not in page
    assert "Ended" not in page


def test_alert_of_a_job_goes_with_the_administrators_role():
    admin = make_user(Role.ADMINISTRATOR, email="root@example.org")
    with pytest.raises(ZeroDivisionError):
        run_job(name="assess", key="1", work=lambda: {"x": 1 // 0})
    tell_events()
    assert unread_alerts(admin) == 1

    admin.groups.clear()

    assert unread_alerts(User.objects.get(pk=admin.pk)) == 0


def page_of(user: User, address: str = OWN) -> str:
    browser = Client()
    browser.force_login(user)
    return browser.get(address).content.decode()


def test_page_shows_the_unread_and_says_when_there_are_none():
    owner = make_manager()
    assert "Nothing unread" in page_of(owner)
    record("engagement.ended", make_engagement(owner, title="<b>Desk</b>"))
    tell_events()

    page = page_of(owner)

    assert "Ended: &lt;b&gt;Desk&lt;/b&gt;" in page
    assert "Alerts: 1 unread" in page


def test_one_alert_is_marked_read_and_then_all(client):
    owner = make_manager()
    for title in ("One", "Two", "Three"):
        record("engagement.ended", make_engagement(owner, title=title))
    tell_events()
    client.force_login(owner)
    one = Alert.objects.earliest("id")

    client.post(f"{OWN}read/", {"alert": one.pk})
    left = unread_alerts(owner)
    client.post(f"{OWN}read/")

    assert (left, unread_alerts(owner)) == (2, 0)
    assert "Nothing unread" in client.get(OWN).content.decode()
    assert client.get(f"{OWN}?show=all").context["page"].paginator.count == 3


def test_alert_of_somebody_else_is_neither_opened_nor_marked(client):
    record("engagement.ended", make_engagement(make_manager()))
    tell_events()
    alert = Alert.objects.get()
    client.force_login(make_manager("other"))

    client.post(f"{OWN}read/", {"alert": alert.pk})
    client.post(f"{OWN}{alert.pk}/open/")

    alert.refresh_from_db()
    assert alert.read_at is None


def test_opening_an_alert_marks_it_and_leads_to_its_engagement(client):
    owner = make_manager()
    engagement = make_engagement(owner)
    record("engagement.ended", engagement)
    tell_events()
    client.force_login(owner)
    alert = Alert.objects.get()

    response = client.post(f"{OWN}{alert.pk}/open/")

    page = reverse("admin:engagements_engagement_change", args=[engagement.pk])
    assert response["Location"] == page
    assert unread_alerts(owner) == 0


@pytest.mark.parametrize("given", ["x", "-1", "9" * 30])
def test_nonsense_for_an_alert_marks_no_other_persons(client, given):
    record("engagement.ended", make_engagement(make_manager()))
    tell_events()
    client.force_login(make_manager("other"))

    assert client.post(f"{OWN}read/", {"alert": given}).status_code == 302
    assert Alert.objects.filter(read_at=None).count() == 1


@pytest.mark.parametrize("path", [OWN, f"{OWN}read/", f"{OWN}1/open/"])
def test_pages_ask_for_a_login(client, path):
    response = client.post(path) if path != OWN else client.get(path)

    assert response["Location"].startswith(reverse("admin:login"))


@pytest.mark.parametrize("rows", [1, 3, 40])
def test_page_costs_the_same_however_many_alerts(
    client, rows, django_assert_num_queries
):
    owner = make_manager(department=make_department())
    engagement = make_engagement(owner)
    for _ in range(rows):
        record("engagement.ended", engagement)
        make_document_alert(engagement, owner)
    tell_events()
    client.force_login(owner)
    client.get(OWN)

    # Two of them for the counts in the navigation.
    with django_assert_num_queries(13):
        client.get(OWN)


def make_document_alert(engagement: Engagement, owner: User) -> None:
    task = make_task(owner, engagement=engagement)
    record("task.reassigned", task, engagement=engagement)


def test_count_of_the_unread_is_bounded():
    owner = make_manager()
    engagement = make_engagement(owner)
    for _ in range(4):
        record("engagement.ended", engagement)
    tell_events()

    assert unread_alerts(owner, most=3) == 3


def test_read_alerts_are_removed_after_a_while_and_unread_ones_stay():
    owner = make_manager()
    for title in ("Read", "Unread"):
        record("engagement.ended", make_engagement(owner, title=title))
    tell_events()
    now = timezone.now()
    mark_read(user=owner, alert_id=Alert.objects.earliest("id").pk)

    early = remove_read_alerts(now=now + timedelta(days=89))
    late = remove_read_alerts(now=now + timedelta(days=91))

    assert (early, late) == (0, 1)
    assert said_to(owner) == ["Ended: Unread"]


def test_alert_says_the_names_of_today():
    owner = make_manager()
    engagement = make_engagement(owner)
    record("engagement.ended", engagement)
    tell_events()

    Engagement.objects.filter(pk=engagement.pk).update(title="Renamed")

    assert said_to(owner) == ["Ended: Renamed"]


def test_task_tells_and_mails():
    record("engagement.ended", make_engagement(make_manager()))

    deliver_alerts()

    assert Alert.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_worker_is_called_once_an_event_is_committed(monkeypatch):
    called: list[str] = []
    monkeypatch.setattr(deliver_alerts, "delay", lambda: called.append("now"))
    engagement = make_engagement(make_manager())
    called.clear()
    cache.clear()

    with transaction.atomic():
        events.record(event_type="engagement.ended", subject=engagement, actor=None)
        events.record(event_type="engagement.changed", subject=engagement, actor=None)
        during = list(called)

    assert (during, called) == ([], ["now"])


@pytest.mark.django_db(transaction=True)
def test_worker_is_called_once_for_many_events_in_a_row(monkeypatch):
    called: list[str] = []
    monkeypatch.setattr(deliver_alerts, "delay", lambda: called.append("now"))
    engagement = make_engagement(make_manager())
    called.clear()
    cache.clear()

    for _ in range(3):
        record("engagement.ended", engagement)

    assert called == ["now"]


@pytest.mark.django_db(transaction=True)
def test_event_is_written_though_there_is_no_broker(monkeypatch):
    from kombu.exceptions import OperationalError

    def refuse() -> None:
        raise OperationalError("no broker")

    monkeypatch.setattr(deliver_alerts, "delay", refuse)
    cache.clear()

    record("engagement.ended", make_engagement(make_manager()))

    assert tell_events().alerts == 1


def test_alerts_that_were_sent_are_listed_for_administrators_alone():
    owner = make_manager()
    record("engagement.ended", make_engagement(owner))
    tell_events()
    listed = "/admin/tracker/alert/"

    with time_machine.travel(timezone.now()):
        page = page_of(make_user(Role.ADMINISTRATOR), listed)
    browser = Client()
    browser.force_login(owner)

    assert "In the product only" in page
    assert browser.get(listed).status_code == 403
