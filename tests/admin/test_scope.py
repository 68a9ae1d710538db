"""What a manager of one department can find out about another's: nothing."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from engagements.admin.scope import is_narrowed
from engagements.choices import ChargeKind, Role
from engagements.models import (
    Assignment,
    Contractor,
    CostSplitShare,
    Document,
    Engagement,
    ManagedContract,
    Service,
)
from engagements.services.records import create_record
from tests.admin.conftest import logged_in
from tests.admin.forms import errors_on, fields_on, line_errors_on
from tests.factories import (
    begun,
    make_assignment,
    make_contract,
    make_cost_centre,
    make_department,
    make_user,
    make_vendor,
)
from tracker.fit.models import Assessment, Flag, Policy
from tracker.imports.models import ImportRun
from tracker.spend.models import Invoice, InvoiceLine, OversightLog, WorkLog
from tracker.spend.services import log_oversight, log_work, post_invoice

CANARY = "Zanzibar"
# Shown to roles that are not narrowed only; see test_imports_are_not_for_managers.
NOT_NARROWED = {ImportRun}


class Other:
    """A department with everything in it, each named after the canary."""

    def __init__(self) -> None:
        self.department = make_department(
            name=f"{CANARY} department", code=f"{CANARY}-D"
        )
        self.cost_centre = make_cost_centre(
            name=f"{CANARY} centre", code=f"{CANARY}-C", department=self.department
        )
        self.manager = make_user(
            Role.MANAGER,
            username=f"{CANARY}-boss",
            first_name=CANARY,
            last_name="Boss",
            department=self.department,
        )
        self.service = create_record(
            record=Service(name=f"{CANARY} service", department=self.department),
            actor=self.manager,
        )
        self.vendor = make_vendor(legal_name="Shared Vendor Ltd")
        self.contract = make_contract(
            title=f"{CANARY} contract", purchase_order_number=CANARY, **self._ours()
        )
        self.contractor = Contractor.objects.create(
            full_name=f"{CANARY} person", vendor=self.vendor
        )
        self.assignment = make_assignment(
            title=f"{CANARY} assignment", contractor=self.contractor, **self._ours()
        )
        begun(self.contract)
        begun(self.assignment)
        self._happen()

    def _ours(self) -> dict[str, Any]:
        return {
            "vendor": self.vendor,
            "manager": self.manager,
            "department": self.department,
            "service": self.service,
            "actor": self.manager,
            "cost_shares": {self.cost_centre: Decimal(100)},
        }

    def _happen(self) -> None:
        self.document = Document.objects.create(
            engagement=self.contract,
            document_type="contract",
            title=f"{CANARY} document",
            file_name=f"{CANARY}.pdf",
            file=f"documents/{CANARY}",
            size=1,
            sha256="0" * 64,
            uploaded_by=self.manager,
        )
        log_work(
            line=WorkLog(
                engagement=self.assignment,
                contractor=self.contractor,
                worked_on=date(2026, 2, 2),
                hours=Decimal(7),
                description=CANARY,
            ),
            actor=self.manager,
        )
        log_oversight(
            log=OversightLog(
                manager=self.manager, month=date(2026, 2, 1), hours=Decimal(5)
            ),
            actor=self.manager,
        )
        line = InvoiceLine(
            engagement=self.contract,
            charge_kind=ChargeKind.RECURRING,
            description=CANARY,
            period_from=date(2026, 2, 1),
            period_to=date(2026, 2, 28),
            amount=Decimal(10_000),
        )
        post_invoice(
            invoice=Invoice(
                vendor=self.vendor,
                number=f"{CANARY}-1",
                issued_on=date(2026, 3, 1),
                currency="GBP",
                total=Decimal(10_000),
            ),
            lines=[line],
            actor=self.manager,
        )
        self.assessment = make_assessment(self.contract)
        self.flag = Flag.objects.create(
            engagement=self.contract,
            raised_on=date(2026, 11, 1),
            opposition=0.9,
            leaning="augmented",
            sentence=CANARY,
        )


def make_assessment(engagement: Engagement) -> Assessment:
    policy = Policy.objects.first() or Policy.objects.create(
        version=1, adopted_at="2026-01-01T00:00Z"
    )
    return Assessment.objects.create(
        engagement_id=engagement.pk,
        as_of=date(2026, 11, 1),
        month=date(2026, 11, 1),
        window_months=12,
        kind=engagement.kind,
        acceptability=0.1,
        opposition=0.9,
        coverage=0.7,
        margin=-20,
        verdict="other_model_fits",
        leaning="augmented",
        sentences={"headline": CANARY},
        policy=policy,
    )


@pytest.fixture
def other(db) -> Other:
    return Other()


def list_pages() -> list[str]:
    return [
        reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        for model in admin.site._registry
    ]


def add_pages() -> list[str]:
    return [url + "add/" for url in list_pages()]


def autocompleted() -> list[tuple[str, str, str]]:
    """Each field that pages complete: application, model and field."""
    found = set()
    for model, page in admin.site._registry.items():
        names = {*page.autocomplete_fields, "vendor", "manager", "engagement"}
        for name in names & {field.name for field in model._meta.get_fields()}:
            if model._meta.get_field(name).many_to_one:
                found.add((model._meta.app_label, str(model._meta.model_name), name))
    found.add(("engagements", "costsplitshare", "cost_centre"))
    found.add(("tracker", "invoiceline", "engagement"))
    return sorted(found)


def test_every_page_of_the_admin_begins_at_what_the_user_may_see():
    wide = {model for model in admin.site._registry if not is_narrowed(model)}

    assert wide == NOT_NARROWED


def test_imports_are_not_for_managers(client):
    response = client.get(reverse("admin:tracker_importrun_changelist"))

    assert response.status_code == 403


@pytest.mark.parametrize("url", ["/admin/", *list_pages(), *add_pages()])
def test_pages_show_nothing_of_another_department(client, other, url):
    response = client.get(url)

    assert response.status_code in (200, 403)
    assert CANARY not in response.content.decode()


@pytest.mark.parametrize("url", list_pages())
def test_search_finds_nothing_of_another_department(client, other, url):
    response = client.get(url, {"q": CANARY})

    if response.status_code == 200 and "cl" in response.context:
        assert list(response.context["cl"].result_list) == []


@pytest.mark.parametrize(("app", "model", "field"), autocompleted())
def test_autocomplete_offers_nothing_of_another_department(
    client, other, app, model, field
):
    asked = {"app_label": app, "model_name": model, "field_name": field}

    answer = client.get(reverse("admin:autocomplete"), asked | {"term": CANARY})
    everything = client.get(reverse("admin:autocomplete"), asked | {"term": ""})

    if answer.status_code == 200:
        assert answer.json()["results"] == []
        assert CANARY not in everything.content.decode()
    else:
        assert answer.status_code == 403


@pytest.mark.parametrize("page", ["change", "history", "delete"])
def test_page_of_another_departments_record_is_not_there(client, other, page):
    records = [
        other.contract,
        other.assignment,
        other.contractor,
        other.service,
        other.department,
        other.cost_centre,
        other.manager,
        other.flag,
        other.assessment,
        other.document,
        Engagement.objects.get(pk=other.contract.pk),
        Invoice.objects.get(),
        WorkLog.objects.get(),
        OversightLog.objects.get(),
    ]
    for record in records:
        meta = record._meta
        url = reverse(
            f"admin:{meta.app_label}_{meta.model_name}_{page}", args=[record.pk]
        )

        response = client.get(url, follow=True)

        shown = response.content.decode()
        assert (url, CANARY in shown) == (url, False)


def test_steps_of_another_departments_records_are_not_there(client, other):
    urls = [
        reverse("admin:engagements_managedcontract_start", args=[other.contract.pk]),
        reverse("admin:engagements_assignment_end", args=[other.assignment.pk]),
        reverse("admin:tracker_flag_accept", args=[other.flag.pk]),
        reverse("admin:tracker_flag_acknowledge", args=[other.flag.pk]),
    ]

    found = [client.post(url, {"_form_submitted": "True"}).status_code for url in urls]

    other.flag.refresh_from_db()
    assert found == [403, 403, 403, 403]
    assert other.flag.state == "open"


@pytest.mark.parametrize("field", ["manager", "service", "department", "predecessor"])
def test_contract_refuses_ids_of_another_department(client, other, vendor, field):
    url = reverse("admin:engagements_managedcontract_add")
    value = other.contract.pk if field == "predecessor" else getattr(other, field).pk
    page = fields_on(client, url) | {"title": "Mine", "vendor": vendor.pk, field: value}

    response = client.post(url, page)

    assert list(errors_on(response)) == [field]
    assert not ManagedContract.objects.filter(title="Mine").exists()


def test_cost_split_refuses_a_cost_centre_of_another_department(client, other, vendor):
    url = reverse("admin:engagements_managedcontract_add")
    page = fields_on(client, url) | {
        "title": "Mine",
        "vendor": vendor.pk,
        "cost_split-0-cost_centre": other.cost_centre.pk,
        "cost_split-0-percent": "100",
    }

    response = client.post(url, page)

    assert line_errors_on(response, CostSplitShare) == [
        "Select a valid choice. That choice is not one of the available choices."
    ]
    assert not ManagedContract.objects.filter(title="Mine").exists()


def test_assignment_refuses_a_contractor_of_another_department(client, other):
    url = reverse("admin:engagements_assignment_add")
    page = fields_on(client, url) | {
        "title": "Mine",
        "vendor": other.vendor.pk,
        "contractor": other.contractor.pk,
    }

    response = client.post(url, page)

    assert list(errors_on(response)) == ["contractor"]
    assert not Assignment.objects.filter(title="Mine").exists()


def test_work_log_refuses_an_engagement_of_another_department(client, other):
    url = reverse("admin:tracker_worklog_add")
    page = fields_on(client, url) | {"engagement": other.contract.pk, "hours": "3"}

    response = client.post(url, page)

    assert list(errors_on(response)) == ["engagement"]
    assert WorkLog.objects.count() == 1


def test_invoice_refuses_an_engagement_of_another_department(client, other):
    url = reverse("admin:tracker_invoice_add")
    page = fields_on(client, url) | {
        "vendor": other.vendor.pk,
        "number": "A-1",
        "issued_on": "2026-03-01",
        "lines-0-engagement": other.contract.pk,
        "lines-0-charge_kind": "one_off",
        "lines-0-period_from": "2026-03-01",
        "lines-0-period_to": "2026-03-31",
        "lines-0-amount": "10",
    }

    response = client.post(url, page)

    assert response.status_code == 200
    assert Invoice.objects.count() == 1


def test_manager_keeps_what_a_record_points_to_outside_their_scope(
    client, manager, other
):
    mine = make_contract(manager=manager, department=other.department)
    url = reverse("admin:engagements_managedcontract_change", args=[mine.pk])

    response = client.post(url, fields_on(client, url) | {"title": "Renamed"})

    mine.refresh_from_db()
    assert response.status_code == 302
    assert mine.title == "Renamed"
    assert mine.department == other.department


def test_vendor_counts_only_engagements_in_scope(client, other):
    Engagement.objects.update(status="active")

    response = client.get(reverse("admin:engagements_vendor_changelist"))

    assert [row.active_count for row in response.context["cl"].result_list] == [0]


@pytest.mark.parametrize(
    "role", [Role.FINANCE, Role.AUDITOR, Role.ADMINISTRATOR, Role.HR_INTEGRATION]
)
def test_roles_that_see_all_find_both_departments(other, manager, role):
    make_contract(title="Mine", manager=manager)
    browser = logged_in(role)

    response = browser.get(reverse("admin:engagements_engagement_changelist"))

    titles = sorted(row.title for row in response.context["cl"].result_list)
    assert titles == ["Mine", f"{CANARY} assignment", f"{CANARY} contract"]


def test_hr_integration_sees_engagements_without_money(other):
    browser = logged_in(Role.HR_INTEGRATION)
    pages = [
        reverse("admin:engagements_engagement_changelist"),
        reverse("admin:engagements_engagement_change", args=[other.contract.pk]),
    ]

    shown = [browser.get(url, follow=True) for url in pages]

    assert [response.status_code for response in shown] == [200, 200]
    assert all("10,000" not in response.content.decode() for response in shown)
    hidden = reverse(
        "admin:engagements_managedcontract_change", args=[other.contract.pk]
    )
    assert browser.get(hidden).status_code == 403


def test_person_without_a_role_finds_nothing(other):
    browser = logged_in()

    found = {url: browser.get(url).status_code for url in list_pages()}

    assert set(found.values()) == {403}


def test_outsider_is_sent_to_the_login(other):
    response = Client().get(reverse("admin:engagements_engagement_changelist"))

    assert response.status_code == 302
    assert response.headers["Location"].startswith(reverse("admin:login"))
