"""Every page that writes tells an event with its actor; what is posted stays."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import Group
from django.urls import reverse

from engagements.choices import ChargeKind, Role
from engagements.models import (
    Contractor,
    CostCentre,
    Department,
    Engagement,
    Event,
    Skill,
    User,
    Vendor,
)
from engagements.services.records import create_record
from tests.admin.conftest import logged_in
from tests.admin.forms import errors_on, fields_on, line_errors_on
from tests.admin.test_scope import make_assessment
from tests.factories import (
    begun,
    make_assignment,
    make_contract,
    make_user,
    make_vendor,
)
from tracker.api.services import create_api_key
from tracker.fit.models import Flag
from tracker.spend.models import (
    Invoice,
    InvoiceLine,
    LedgerEntry,
    MonthlySpend,
    OversightLog,
    WorkLog,
)
from tracker.spend.services import log_work

CATALOGUES = {
    "department": {"name": "Data", "code": "DAT"},
    "costcentre": {"name": "Data run", "code": "4200"},
    "service": {"name": "Data platform", "estate": "core"},
    "skill": {"name": "Python"},
    "tenurepolicy": {
        "name": "Two years",
        "maximum_months": "24",
        "source": "House rule",
        "checked_on": "2026-01-01",
    },
    "checklisttemplate": {"title": "Laptop", "stage": "onboarding"},
    "contractor": {"full_name": "Aisha Novak"},
}


@pytest.fixture
def administrator(db):
    return logged_in(Role.ADMINISTRATOR, username="nils")


def last_event() -> tuple[str, str | None]:
    event = Event.objects.order_by("id").last()
    assert event is not None
    return event.event_type, event.actor.username if event.actor else None


@pytest.mark.parametrize("name", CATALOGUES)
def test_catalogue_page_adds_and_tells_by_whom(administrator, vendor, name):
    url = reverse(f"admin:engagements_{name}_add")
    page = fields_on(administrator, url) | CATALOGUES[name]
    if name == "contractor":
        page["vendor"] = str(vendor.pk)

    response = administrator.post(url, page)

    assert response.status_code == 302
    assert last_event() == (f"{name}.created", "nils")


def test_catalogue_page_changes_and_tells_before_and_after(administrator):
    skill = create_record(record=Skill(name="Pyhton"), actor=None)
    url = reverse("admin:engagements_skill_change", args=[skill.pk])

    administrator.post(url, fields_on(administrator, url) | {"name": "Python"})

    event = Event.objects.order_by("id").last()
    assert event.changes == {"name": ["Pyhton", "Python"]}


def test_deleting_tells_by_whom(administrator):
    skill = create_record(record=Skill(name="Fortran"), actor=None)
    url = reverse("admin:engagements_skill_delete", args=[skill.pk])

    administrator.post(url, {"post": "yes"})

    assert Skill.objects.count() == 0
    assert last_event() == ("skill.deleted", "nils")


def test_deleting_what_others_build_on_is_refused(administrator, department):
    CostCentre.objects.create(code="1", name="One", department=department)
    url = reverse("admin:engagements_department_delete", args=[department.pk])

    shown = administrator.get(url).content.decode()
    administrator.post(url, {"post": "yes"})

    assert "1 other records" in shown
    assert Department.objects.filter(pk=department.pk).exists()


def test_changed_skills_of_a_contractor_are_told(administrator, vendor):
    python = create_record(record=Skill(name="Python"), actor=None)
    person = Contractor.objects.create(full_name="Aisha Novak", vendor=vendor)
    url = reverse("admin:engagements_contractor_change", args=[person.pk])

    administrator.post(url, fields_on(administrator, url) | {"skills": [python.pk]})

    assert list(person.skills.all()) == [python]
    assert last_event() == ("contractor.skills_set", "nils")


def test_new_person_gets_roles_and_the_event_hides_who_it_is(administrator, department):
    url = reverse("admin:engagements_user_add")
    group = Group.objects.get(name=Role.MANAGER.value)
    page = fields_on(administrator, url) | {
        "username": "tom",
        "first_name": "Tom",
        "last_name": "Berg",
        "usable_password": "true",
        "password1": "a long enough password",
        "password2": "a long enough password",
        "groups": [group.pk],
        "is_staff": "on",
        "department": department.pk,
    }

    response = administrator.post(url, page)

    person = User.objects.get(username="tom")
    created = Event.objects.get(event_type="user.created")
    assert response.status_code == 302
    assert person.check_password("a long enough password")
    assert list(person.groups.all()) == [group]
    assert created.changes["last_name"] == ["(personal)", "(personal)"]
    assert last_event() == ("user.groups_set", "nils")


def test_administrator_can_not_make_anybody_a_superuser(administrator):
    person = make_user(username="tom")
    url = reverse("admin:engagements_user_change", args=[person.pk])
    page = fields_on(administrator, url) | {"is_superuser": "on", "first_name": "Tom"}

    response = administrator.post(url, page)

    person.refresh_from_db()
    assert response.status_code == 302, errors_on(response)
    assert person.first_name == "Tom"
    assert person.is_superuser is False


def test_administrator_can_not_take_over_a_superuser(administrator):
    root = User.objects.create_superuser("root", password="the first password")
    change = reverse("admin:engagements_user_change", args=[root.pk])
    password = reverse("admin:auth_user_password_change", args=[root.pk])
    new = {"password1": "a second password", "password2": "a second password"}

    refused = [
        administrator.post(change, {"username": "mine"}).status_code,
        administrator.post(password, new).status_code,
    ]

    root.refresh_from_db()
    assert refused == [403, 403]
    assert root.username == "root"
    assert root.check_password("the first password")


def test_password_set_for_another_is_told(administrator):
    person = make_user(username="tom")
    url = reverse("admin:auth_user_password_change", args=[person.pk])
    new = {
        "usable_password": "true",
        "password1": "a second password",
        "password2": "a second password",
    }

    administrator.post(url, new)

    person.refresh_from_db()
    assert person.check_password("a second password")
    assert last_event() == ("user.password_set", "nils")


def test_manager_sees_colleagues_but_not_what_they_cost(client, department):
    colleague = make_user(
        username="tom", department=department, loaded_hourly_cost=Decimal("77.31")
    )
    url = reverse("admin:engagements_user_change", args=[colleague.pk])

    response = client.get(url)

    assert response.status_code == 200
    assert "77.31" not in response.content.decode()


def test_work_is_logged_for_the_assignments_own_contractor(client, manager):
    assignment = begun(make_assignment(manager=manager))
    url = reverse("admin:tracker_worklog_add")
    page = fields_on(client, url) | {
        "engagement": assignment.pk,
        "worked_on": "2026-03-02",
        "hours": "7.5",
    }

    response = client.post(url, page)

    work = WorkLog.objects.get()
    assert response.status_code == 302
    assert work.contractor == assignment.contractor
    assert MonthlySpend.objects.get().amount == Decimal(600)
    assert last_event() == ("engagement.work_logged", "maya")


def test_work_before_any_rate_is_refused_beside_the_day(client, manager):
    assignment = begun(make_assignment(manager=manager))
    url = reverse("admin:tracker_worklog_add")
    page = fields_on(client, url) | {
        "engagement": assignment.pk,
        "worked_on": "2025-03-02",
        "hours": "7.5",
    }

    response = client.post(url, page)

    assert list(errors_on(response)) == ["worked_on"]
    assert WorkLog.objects.count() == 0


def test_work_on_a_draft_is_refused_beside_the_engagement(client, manager):
    assignment = make_assignment(manager=manager)
    url = reverse("admin:tracker_worklog_add")
    page = fields_on(client, url) | {
        "engagement": assignment.pk,
        "worked_on": "2026-03-02",
        "hours": "7.5",
    }

    response = client.post(url, page)

    assert errors_on(response) == {
        "engagement": [
            f"Line 1: {assignment.reference} is draft; work and invoices are recorded"
            " on what has started."
        ]
    }
    assert WorkLog.objects.count() == 0


@time_machine.travel("2026-11-22")
def test_oversight_is_logged_for_me_and_this_month(client, manager):
    url = reverse("admin:tracker_oversightlog_add")

    client.post(url, fields_on(client, url) | {"hours": "12"})

    log = OversightLog.objects.get()
    assert (log.manager, log.month) == (manager, date(2026, 11, 1))
    assert last_event() == ("oversight.logged", "maya")


def invoice_page(client, contract, **fields) -> dict[str, Any]:
    begun(contract)
    page = fields_on(client, reverse("admin:tracker_invoice_add"))
    return page | {
        "vendor": contract.vendor_id,
        "number": "N-1",
        "issued_on": "2026-04-01",
        "lines-0-engagement": contract.pk,
        "lines-0-charge_kind": "recurring",
        "lines-0-period_from": "2026-03-01",
        "lines-0-period_to": "2026-03-31",
        "lines-0-amount": "10,000.00",
        **fields,
    }


def test_invoice_is_posted_with_its_lines(client, manager):
    contract = make_contract(manager=manager)
    url = reverse("admin:tracker_invoice_add")

    response = client.post(url, invoice_page(client, contract))

    invoice = Invoice.objects.get()
    assert response.status_code == 302
    assert (invoice.currency, invoice.total) == ("GBP", Decimal(10_000))
    assert LedgerEntry.objects.get().amount == Decimal(10_000)
    received = Event.objects.filter(event_type="invoice.received", actor=manager)
    assert received.count() == 1


def test_invoice_whose_lines_miss_the_total_is_refused(client, manager):
    contract = make_contract(manager=manager)
    url = reverse("admin:tracker_invoice_add")

    response = client.post(url, invoice_page(client, contract, total="9000"))

    assert list(errors_on(response)) == ["total"]
    assert Invoice.objects.count() == 0
    assert LedgerEntry.objects.count() == 0


def test_second_fee_for_a_period_is_refused(client, manager):
    contract = make_contract(manager=manager)
    url = reverse("admin:tracker_invoice_add")
    client.post(url, invoice_page(client, contract))

    response = client.post(url, invoice_page(client, contract, number="N-2"))

    assert response.status_code == 200
    assert line_errors_on(response, InvoiceLine) == [
        "The fee of this period is billed already. Once a credit note has taken all"
        " of it back, it can be billed anew."
    ]
    assert Invoice.objects.count() == 1


@pytest.mark.parametrize("role", [Role.MANAGER, Role.FINANCE, Role.ADMINISTRATOR])
def test_what_is_posted_can_not_be_changed_or_deleted(manager, role):
    contract = make_contract(manager=manager)
    assignment = begun(make_assignment(manager=manager))
    log_work(
        line=WorkLog(
            engagement=assignment,
            contractor=assignment.contractor,
            worked_on=date(2026, 3, 2),
            hours=Decimal(7),
        ),
        actor=manager,
    )
    browser = logged_in(role, department=manager.department)
    entry = LedgerEntry.objects.get()
    event = Event.objects.filter(engagement_id=contract.pk).first()
    log = WorkLog.objects.get()
    pages = [
        reverse(f"admin:{name}_{page}", args=[row.pk])
        for name, row in (
            ("tracker_ledgerentry", entry),
            ("engagements_event", event),
            ("tracker_worklog", log),
        )
        for page in ("change", "delete")
    ]

    found = [browser.post(url, {"post": "yes"}).status_code for url in pages]

    assert set(found) <= {302, 403}
    assert LedgerEntry.objects.count() == 1
    assert WorkLog.objects.get().hours == Decimal(7)


def test_superuser_can_not_change_what_is_posted(manager):
    make_contract(manager=manager)
    root = logged_in(is_superuser=True)
    event = Event.objects.first()

    url = reverse("admin:engagements_event_change", args=[event.pk])

    assert root.post(url, {"event_type": "x"}).status_code == 403
    assert (
        root.post(url.replace("change", "delete"), {"post": "yes"}).status_code == 403
    )


def flag_on(engagement) -> Flag:
    make_assessment(engagement)
    return Flag.objects.create(
        engagement_id=engagement.pk,
        raised_on=date(2026, 11, 1),
        opposition=0.9,
        leaning="augmented",
        sentence="our managers assigned 86 % of 1,891 hours",
    )


def decide(client, flag, step, **fields):
    url = reverse(f"admin:tracker_flag_{step}", args=[flag.pk])
    response = client.post(url, {"_form_submitted": "True", **fields})
    flag.refresh_from_db()
    return response


@pytest.mark.parametrize(
    ("step", "fields", "state"),
    [
        ("acknowledge", {}, "acknowledged"),
        ("snooze", {"until": "2099-01-01"}, "snoozed"),
        ("accept", {"reason": "agreed"}, "accepted"),
        ("dismiss", {"reason": "they know the estate"}, "dismissed"),
    ],
)
def test_flag_is_decided_by_a_button(client, manager, step, fields, state):
    flag = flag_on(make_contract(manager=manager))

    response = decide(client, flag, step, **fields)

    assert response.headers["HX-Redirect"] == reverse(
        "admin:tracker_flag_change", args=[flag.pk]
    )
    assert flag.state == state
    assert flag.decisions.get().actor == manager


def test_flag_is_dismissed_only_with_a_reason(client, manager):
    flag = flag_on(make_contract(manager=manager))

    response = decide(client, flag, "dismiss", reason=" ")

    assert "HX-Redirect" not in response.headers
    assert flag.state == "open"


def test_finance_reads_flags_and_decides_none(manager):
    flag = flag_on(make_contract(manager=manager))
    browser = logged_in(Role.FINANCE)

    shown = browser.get(reverse("admin:tracker_flag_change", args=[flag.pk]))
    response = decide(browser, flag, "acknowledge")

    assert shown.status_code == 200
    assert response.status_code == 403
    assert flag.state == "open"


def test_engagement_page_shows_spend_verdict_and_flag(client, manager):
    contract = make_contract(manager=manager)
    flag = flag_on(contract)
    url = reverse("admin:engagements_managedcontract_change", args=[contract.pk])

    response = client.get(url)

    assert [panel.title for panel in response.context["panels"]] == [
        "Which model fits",
        "Performance, last 12 months",
    ]
    assert reverse("admin:tracker_flag_change", args=[flag.pk]) in (
        response.content.decode()
    )


def test_history_tells_who_changed_what_from_what_to_what(client, manager):
    first, second = make_vendor(legal_name="First Ltd"), make_vendor(legal_name="B Ltd")
    contract = make_contract(manager=manager, vendor=first, actor=manager)
    url = reverse("admin:engagements_managedcontract_change", args=[contract.pk])
    client.post(url, fields_on(client, url) | {"vendor": second.pk})

    response = client.get(
        reverse("admin:engagements_managedcontract_history", args=[contract.pk])
    )

    latest = response.context["entries"][0]
    assert latest.actor == "Maya Osei"
    assert latest.what == "Engagement changed"
    assert [(c.field, c.before, c.after) for c in latest.changes] == [
        ("Vendor", "First Ltd", "B Ltd")
    ]


def test_history_names_nothing_out_of_scope(client, manager):
    stranger = make_user(username="stranger", first_name="Zan", last_name="Zibar")
    contract = make_contract(manager=stranger, actor=stranger)
    Engagement.objects.filter(pk=contract.pk).update(department=manager.department)

    response = client.get(
        reverse("admin:engagements_managedcontract_history", args=[contract.pk])
    )

    changes = {c.field: c.after for c in response.context["entries"][-1].changes}
    assert changes["Manager"] == f"#{stranger.pk}"


def test_home_lists_deadlines_flags_and_what_is_mine(client, manager):
    contract = make_contract(title="Mine", manager=manager)
    make_contract(title="Somebody else's")
    flag = flag_on(contract)

    response = client.get(reverse("admin:index"))

    told = {section.name: section for section in response.context["sections"]}
    (mine,), (flagged,) = told["mine"].rows, told["flags"].rows
    assert mine[0].text == "Mine"
    assert flagged[0].link == reverse("admin:tracker_flag_change", args=[flag.pk])


@pytest.mark.parametrize(
    "text", ["<script>alert(1)</script>", "a\x00b", "\u202egnp.exe", "é" * 500]
)
def test_hostile_text_is_stored_as_text_or_refused(client, text):
    url = reverse("admin:engagements_vendor_add")
    page = fields_on(client, url) | {"legal_name": text}

    response = client.post(url, page)
    listed = client.get(reverse("admin:engagements_vendor_changelist"))

    assert response.status_code == (302 if Vendor.objects.exists() else 200)
    assert "<script>alert(1)" not in listed.content.decode()


def test_charge_kinds_of_the_ledger_are_told_in_words(client, manager):
    contract = make_contract(manager=manager)
    client.post(
        reverse("admin:tracker_invoice_add"),
        invoice_page(client, contract, **{"lines-0-charge_kind": ChargeKind.MILESTONE}),
    )

    listed = client.get(reverse("admin:tracker_ledgerentry_changelist"))

    assert "Milestone" in listed.content.decode()


def test_api_key_is_revoked_by_a_button(administrator):
    key, _text = create_api_key(
        name="HR", scopes=["engagements:read"], owner=make_user(), actor=None
    )
    url = reverse("admin:tracker_apikey_revoke", args=[key.pk])

    administrator.post(url, {"_form_submitted": "True"})

    key.refresh_from_db()
    assert key.revoked_at is not None
    assert last_event() == ("api_key.revoked", "nils")


def test_auditor_reads_api_keys_and_revokes_none(db):
    key, _text = create_api_key(
        name="HR", scopes=["engagements:read"], owner=make_user(), actor=None
    )
    browser = logged_in(Role.AUDITOR)

    shown = browser.get(reverse("admin:tracker_apikey_change", args=[key.pk]))
    refused = browser.post(
        reverse("admin:tracker_apikey_revoke", args=[key.pk]),
        {"_form_submitted": "True"},
    )

    key.refresh_from_db()
    assert (shown.status_code, refused.status_code) == (200, 403)
    assert key.revoked_at is None


@pytest.mark.parametrize(("status", "left"), [("draft", 0), ("active", 1)])
def test_only_a_draft_can_be_deleted(cost_centre, status, left):
    shares = {cost_centre: Decimal(100)}
    contract = make_contract(status=status, cost_shares=shares)
    root = logged_in(is_superuser=True)
    url = reverse("admin:engagements_managedcontract_delete", args=[contract.pk])

    root.post(url, {"post": "yes"})

    assert Engagement.objects.count() == left
