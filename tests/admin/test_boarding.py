"""Tasks, access and what keeps an engagement open, on the pages of the admin."""

from datetime import date, timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from engagements.admin.boarding_panel import boarding_of
from engagements.choices import ChargeKind, ChecklistStage, Role, Status, TaskStatus
from engagements.models import (
    AccessGrant,
    Assignment,
    ChecklistTask,
    Event,
    ManagedContract,
    NamedWorker,
)
from engagements.services.boarding import add_task, start_offboarding
from engagements.services.lifecycle import start_engagement
from tests.admin.conftest import logged_in
from tests.admin.forms import errors_on, fields_on
from tests.factories import (
    make_assignment,
    make_contract,
    make_department,
    make_grant,
    make_template,
    make_user,
    stored,
)
from tests.spend.billing import bill
from tracker.spend.models import Invoice, InvoiceStatus, Settlement

TASKS = reverse("admin:engagements_checklisttask_changelist")
ACCESS = reverse("admin:engagements_accessgrant_changelist")
SUBMITTED = {"_form_submitted": "on"}
OFF = ChecklistStage.OFFBOARDING


@pytest.fixture
def assignment(manager, department) -> Assignment:
    found = make_assignment(manager=manager, department=department, rate=None)
    start_engagement(engagement=found, actor=manager)
    return found


def page_of(assignment: Assignment) -> str:
    return reverse("admin:engagements_assignment_change", args=[assignment.pk])


def step_on(assignment: Assignment, name: str) -> str:
    return reverse(f"admin:engagements_assignment_{name}", args=[assignment.pk])


def step_of(task: ChecklistTask, name: str) -> str:
    return reverse(f"admin:engagements_checklisttask_{name}", args=[task.pk])


def make_task(assignment: Assignment, manager, **fields) -> ChecklistTask:
    values = {"title": "Badge returned", "stage": OFF} | fields
    task = ChecklistTask(engagement_id=assignment.pk, **values)
    return add_task(task=task, actor=manager)


def test_page_shows_progress_tasks_access_and_what_keeps_it_open(
    client, assignment, manager
):
    make_template(title="Access removed", removes_access=True)
    make_grant(assignment, system="Mail", actor=manager)
    start_offboarding(engagement=assignment, actor=manager)
    make_task(assignment, manager, title="Handed over", due_on=date(2026, 1, 2))

    html = client.get(page_of(assignment)).content.decode()

    assert "0 of 2 done" in html
    assert f"{assignment.contractor} still has access to Mail: remove it." in html
    assert "days overdue" in html
    for url in (
        reverse("admin:engagements_accessgrant_remove", args=[1]).split("/1/")[0],
        step_on(assignment, "grant"),
        step_on(assignment, "add_own_task"),
    ):
        assert url in html
    assert step_on(assignment, "offboard") not in html


def test_page_asks_as_many_queries_at_1_as_at_3_tasks_and_grants(
    client, assignment, manager, django_assert_num_queries
):
    def grow(name: str) -> None:
        make_task(assignment, manager, title=name)
        make_grant(assignment, system=name, actor=manager)

    client.get(page_of(assignment))
    grow("One")
    with django_assert_num_queries(59):
        client.get(page_of(assignment))
    grow("Two")
    grow("Three")
    with django_assert_num_queries(59):
        client.get(page_of(assignment))


@pytest.mark.parametrize(("url", "queries"), [(TASKS, 12), (ACCESS, 12)])
def test_lists_ask_as_many_queries_at_1_as_at_3_rows(
    client, assignment, manager, django_assert_num_queries, url, queries
):
    def grow(name: str) -> None:
        make_task(assignment, manager, title=name)
        make_grant(assignment, system=name, actor=manager)

    client.get(url)
    grow("One")
    with django_assert_num_queries(queries):
        client.get(url)
    grow("Two")
    grow("Three")
    with django_assert_num_queries(queries):
        client.get(url)


def test_one_click_moves_a_task_on_and_leads_back(client, assignment, manager):
    task = make_task(assignment, manager)
    back = SUBMITTED | {"next": page_of(assignment)}

    begun = client.post(step_of(task, "begin"), back)
    assert begun.headers["HX-Redirect"] == page_of(assignment)
    client.post(step_of(task, "stuck"), SUBMITTED | {"note": "Courier is late"})
    task.refresh_from_db()
    assert (task.status, task.note) == ("stuck", "Courier is late")
    client.post(step_of(task, "finish"), back)
    task.refresh_from_db()
    assert (task.status, task.done_by) == ("done", manager)
    client.post(step_of(task, "reopen"), SUBMITTED)
    client.post(step_of(task, "dismiss"), SUBMITTED | {"reason": "No badge"})

    task.refresh_from_db()
    assert (task.status, task.note) == ("dismissed", "No badge")


def test_a_step_leads_to_no_other_site(client, assignment, manager):
    task = make_task(assignment, manager)

    done = client.post(
        step_of(task, "finish"), SUBMITTED | {"next": "https://elsewhere.example/"}
    )

    page = reverse("admin:engagements_checklisttask_change", args=[task.pk])
    assert done.headers["HX-Redirect"] == page


def test_opening_a_step_changes_nothing(client, assignment, manager):
    task = make_task(assignment, manager)

    assert client.get(step_of(task, "finish")).status_code == 200

    task.refresh_from_db()
    assert task.status == TaskStatus.TO_DO


def test_a_task_is_reassigned_to_somebody_in_scope(client, assignment, manager):
    task = make_task(assignment, manager)
    colleague = make_user(Role.MANAGER, department=manager.department)
    stranger = make_user(Role.MANAGER, department=make_department())

    refused = client.post(
        step_of(task, "reassign"), SUBMITTED | {"owner": str(stranger.pk)}
    )
    assert list(refused.context["form"].errors) == ["owner"]
    client.post(step_of(task, "reassign"), SUBMITTED | {"owner": str(colleague.pk)})

    task.refresh_from_db()
    assert task.owner == colleague


def shown(client: Client, **filters: str) -> list[str]:
    response = client.get(TASKS, filters)
    return [row.title for row in response.context["cl"].result_list]


def test_my_tasks_are_filtered(client, assignment, manager):
    today = timezone.localdate()
    colleague = make_user(Role.MANAGER, department=manager.department)
    make_task(assignment, manager, title="Late", due_on=today - timedelta(days=1))
    make_task(assignment, manager, title="Soon", due_on=today)
    make_task(
        assignment,
        manager,
        title="First",
        due_on=today + timedelta(days=1),
        stage=ChecklistStage.ONBOARDING,
    )
    make_task(assignment, manager, title="Theirs", owner=colleague)
    client.post(step_of(ChecklistTask.objects.get(title="Soon"), "finish"), SUBMITTED)

    assert shown(client) == ["Late", "First"]
    assert shown(client, state="overdue") == ["Late"]
    assert shown(client, state="all") == ["Late", "Soon", "First"]
    assert shown(client, status__exact="done") == ["Soon"]
    assert shown(client, stage__exact="onboarding") == ["First"]
    assert sorted(shown(client, whose="all")) == ["First", "Late", "Theirs"]


def test_tasks_are_finished_in_bulk_and_each_refusal_is_told(
    client, assignment, manager
):
    make_grant(assignment)
    first = make_task(assignment, manager, title="First")
    second = make_task(assignment, manager, title="Second", removes_access=True)

    response = client.post(
        TASKS,
        {
            "action": "finish_chosen",
            "_selected_action": [str(first.pk), str(second.pk)],
        },
        follow=True,
    )

    told = [str(message) for message in response.context["messages"]]
    assert told == [
        "Second: 1 access is still open: remove it first.",
        "1 task done.",
    ]
    assert list(ChecklistTask.objects.values_list("status", flat=True)) == [
        "done",
        "to_do",
    ]


def test_sidebar_tells_how_many_tasks_are_open(client, assignment, manager):
    def badge() -> object:
        groups = client.get(TASKS).context["sidebar_navigation"]
        items = [item for group in groups for item in group["items"]]
        return next(item.get("badge") for item in items if item["title"] == "My tasks")

    assert badge() == 0
    make_task(assignment, manager)
    make_task(assignment, manager, title="Second")
    assert badge() == 2


def test_own_task_is_added_from_the_list_and_from_the_engagement(
    client, assignment, manager
):
    url = reverse("admin:engagements_checklisttask_add")
    values = {"engagement": assignment.pk, "title": "Laptop", "stage": "onboarding"}

    response = client.post(url, fields_on(client, url) | values)
    assert response.status_code == 302, errors_on(response)
    client.post(
        step_on(assignment, "add_own_task"),
        SUBMITTED | {"title": "Desk", "stage": "onboarding"},
    )

    assert list(ChecklistTask.objects.values_list("title", "owner")) == [
        ("Laptop", manager.pk),
        ("Desk", manager.pk),
    ]


def test_access_is_granted_and_removed_in_dialogs(client, assignment, manager):
    make_template(title="Access removed", removes_access=True)
    start_offboarding(engagement=assignment, actor=manager)
    answers = {
        "person": str(assignment.contractor.pk),
        "system": "Mail",
        "granted_on": "2026-01-05",
    }

    client.post(step_on(assignment, "grant"), SUBMITTED | answers)
    grant = AccessGrant.objects.get()
    remove = reverse("admin:engagements_accessgrant_remove", args=[grant.pk])
    client.post(
        remove,
        SUBMITTED
        | {
            "removed_on": "2026-01-06",
            "reported_by": "IT desk",
            "finishes_task": "on",
        },
    )

    grant.refresh_from_db()
    assert (grant.removed_on, grant.removed_by, grant.removal_reported_by) == (
        date(2026, 1, 6),
        manager,
        "IT desk",
    )
    assert ChecklistTask.objects.get().status == TaskStatus.DONE


def test_access_of_a_contract_goes_to_its_named_workers(client, manager, department):
    contract: ManagedContract = make_contract(
        manager=manager, department=department, fee=None
    )
    start_engagement(engagement=contract, actor=manager)
    url = reverse("admin:engagements_managedcontract_grant", args=[contract.pk])
    assert "Nobody is named yet" in client.get(url).content.decode()
    worker = NamedWorker.objects.create(
        contract=contract, full_name="Ada Birch", starts_on=contract.starts_on
    )

    client.post(
        url,
        SUBMITTED
        | {"person": str(worker.pk), "system": "Mail", "granted_on": "2026-01-05"},
    )

    assert AccessGrant.objects.get().person == worker


def test_off_boarding_is_started_by_hand(client, assignment):
    make_template(title="Handed over")

    client.post(step_on(assignment, "offboard"), SUBMITTED)

    assert ChecklistTask.objects.get().title == "Handed over"


def test_end_dialog_tells_what_keeps_it_open_with_the_way_there(
    client, assignment, manager
):
    task = make_task(assignment, manager)
    make_grant(assignment, system="Mail")
    invoice = bill(assignment, date(2026, 2, 1), kind="one_off")

    html = client.get(step_on(assignment, "end")).content.decode()

    for url in (
        reverse("admin:engagements_checklisttask_change", args=[task.pk]),
        reverse(
            "admin:engagements_accessgrant_change", args=[AccessGrant.objects.get().pk]
        ),
        reverse("admin:tracker_invoice_change", args=[invoice.pk]),
    ):
        assert f'href="{url}"' in html


def test_settlement_is_confirmed_on_its_page_and_leads_back(
    client, manager, department
):
    contract = make_contract(manager=manager, department=department)
    start_engagement(engagement=contract, actor=manager)
    dialog = reverse("admin:engagements_managedcontract_end", args=[contract.pk])
    url = f"{reverse('admin:tracker_settlement_add')}?engagement={contract.pk}"
    assert url in client.get(dialog).content.decode()

    response = client.post(
        url, fields_on(client, url) | {"reason": "Paid by the old system"}
    )

    assert response.headers["Location"] == reverse(
        "admin:engagements_engagement_change", args=[contract.pk]
    )
    settlement = Settlement.objects.get()
    assert (settlement.engagement_id, settlement.settled_by) == (contract.pk, manager)


def test_finance_records_the_payment_and_a_manager_may_not(client, assignment):
    invoice = bill(
        assignment,
        date(2026, 2, 1),
        kind=ChargeKind.ONE_OFF,
        status=InvoiceStatus.APPROVED,
    )
    url = reverse("admin:tracker_invoice_settle", args=[invoice.pk])
    answers = SUBMITTED | {"paid_on": "2026-03-01"}

    assert client.post(url, answers).status_code == 403
    finance = logged_in(Role.FINANCE, username="eleanor")
    finance.post(url, answers)

    paid = Invoice.objects.get()
    assert (paid.status, paid.paid_on) == ("paid", date(2026, 3, 1))
    event = Event.objects.get(event_type="invoice.paid")
    assert event.actor is not None
    assert event.actor.username == "eleanor"


def test_finance_does_its_own_tasks(assignment, manager):
    finance = logged_in(Role.FINANCE)
    task = make_task(assignment, manager)

    finance.post(step_of(task, "finish"), SUBMITTED)

    task.refresh_from_db()
    assert task.status == TaskStatus.DONE


@pytest.mark.parametrize("role", [Role.AUDITOR, Role.HR_INTEGRATION])
def test_roles_that_only_read_see_and_change_nothing(assignment, manager, role):
    reader = logged_in(role)
    task = make_task(assignment, manager, title="Handed over")
    grant = make_grant(assignment, system="Mail")

    tasks, access = reader.get(TASKS), reader.get(ACCESS)
    steps = [
        reader.post(step_of(task, "finish"), SUBMITTED),
        reader.post(
            reverse("admin:engagements_accessgrant_remove", args=[grant.pk]),
            SUBMITTED | {"removed_on": "2026-03-01"},
        ),
        reader.get(reverse("admin:engagements_checklisttask_add")),
    ]

    assert "Handed over" in tasks.content.decode()
    assert "Mail" in access.content.decode()
    assert [step.status_code for step in steps] == [403, 403, 403]


def test_nothing_of_another_departments_boarding_is_there(client):
    stranger = make_user(Role.MANAGER, department=make_department())
    theirs = make_assignment(
        manager=stranger, department=stranger.department, rate=None
    )
    start_engagement(engagement=theirs, actor=stranger)
    task = make_task(theirs, stranger, title="Zanzibar task")
    grant = make_grant(theirs, system="Zanzibar system")
    remove = reverse("admin:engagements_accessgrant_remove", args=[grant.pk])

    lists = [client.get(TASKS, {"whose": "all"}), client.get(ACCESS)]
    steps = [
        client.post(step_of(task, "finish"), SUBMITTED),
        client.post(remove, SUBMITTED | {"removed_on": "2026-03-01"}),
        client.post(step_on(theirs, "grant"), SUBMITTED),
        client.post(step_on(theirs, "offboard"), SUBMITTED),
        client.post(step_on(theirs, "add_own_task"), SUBMITTED),
    ]
    url = reverse("admin:tracker_settlement_add")
    settled = client.post(
        url, fields_on(client, url) | {"engagement": theirs.pk, "reason": "Paid"}
    )

    assert all("Zanzibar" not in page.content.decode() for page in lists)
    assert [step.status_code for step in steps] == [403] * 5
    assert list(errors_on(settled)) == ["engagement"]
    assert Settlement.objects.count() == 0
    assert (stored(theirs).status, AccessGrant.objects.get().is_open) == (
        Status.ACTIVE,
        True,
    )


def test_known_systems_are_those_in_scope(client, assignment):
    stranger = make_user(Role.MANAGER, department=make_department())
    theirs = make_assignment(manager=stranger, rate=None)
    start_engagement(engagement=theirs, actor=stranger)
    make_grant(theirs, system="Zanzibar system")
    make_grant(assignment, system="Mail")

    html = client.get(step_on(assignment, "grant")).content.decode()

    assert "Zanzibar" not in html
    assert '<option value="Mail">' in html


def test_a_draft_shows_no_boarding(manager, department):
    draft = make_assignment(manager=manager, department=department)

    assert boarding_of(stored(draft), manager, date(2026, 1, 1)) == {}
