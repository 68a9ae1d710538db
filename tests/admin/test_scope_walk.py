"""Every address of the product, found by walking it, as a manager of one department:
nothing of another department is shown, and nothing of it can be changed."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from io import BytesIO
from itertools import product
from typing import Any
from uuid import uuid4
from zipfile import ZipFile, is_zipfile

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import Group
from django.contrib.contenttypes.models import ContentType
from django.core.files.base import ContentFile
from django.db.models import Model
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from engagements.choices import ChecklistStage, CreditScheme, MeasuredBy, Role
from engagements.models import (
    AccessGrant,
    ApprovalRule,
    ChecklistTask,
    Contractor,
    CostCentre,
    Department,
    Departure,
    Engagement,
    Event,
    Service,
    ServiceLevel,
    TenurePolicy,
    User,
    Vendor,
)
from engagements.services.lifecycle import submit_engagement
from engagements.services.records import create_record
from tests.admin.conftest import logged_in
from tests.admin.test_scope import CANARY, Other
from tests.factories import make_contract, make_user
from tests.spend.sheets import begin, fill
from tracker.dashboards.report import all_reports
from tracker.dashboards.topics.known import BY_NAME
from tracker.directory.choices import SyncKind
from tracker.directory.models import DirectoryPerson, Team
from tracker.directory.services import tell
from tracker.fit.models import Flag
from tracker.fit.services import Planned, give_advice, keep_advice
from tracker.imports.kinds import kind_names
from tracker.imports.models import ImportRun
from tracker.notify.models import TOKEN_LENGTH, Alert, Reminder
from tracker.notify.services.feeds import renew_feed
from tracker.performance.models import (
    Credit,
    Downtime,
    Exclusion,
    LevelResult,
    Measurement,
    Review,
    Ticket,
)
from tracker.performance.review import CRITERIA
from tracker.performance.services import (
    agree_exclusion,
    record_downtime,
    record_measurement,
    store_tickets,
)
from tracker.spend.models import (
    Budget,
    BudgetPolicy,
    Invoice,
    InvoiceLine,
    MatchException,
    OrderChange,
    Payment,
    PurchaseOrder,
    Resolution,
    Saving,
    Settlement,
    WorkLog,
)
from tracker.spend.services import (
    attach_file,
    change_order,
    claim_saving,
    match_received,
    reckon_month,
    record_order,
    resolve_exception,
    set_budget,
    set_budget_policy,
    settle_final_invoice,
    submit_timesheet,
)
from tracker.webhooks.models import WebhookDelivery, WebhookEndpoint

# Shared by all departments, or closed to managers; so without a row of another's.
NOBODYS = {
    "engagements.vendor",
    "engagements.skill",
    "engagements.checklisttemplate",
    "auth.group",
    "axes.accessattempt",
    "mfa.authenticator",
    "socialaccount.socialaccount",
    "tracker.apikey",
    "tracker.benchmarkrate",
    "tracker.benchmarkset",
    "tracker.closedmonth",
    "tracker.exchangerate",
    "tracker.importrun",
    "tracker.jobrun",
    "tracker.timename",
    "tracker.rolebenchmark",
    "tracker.webhookdelivery",
    "tracker.webhookendpoint",
}
# What the API calls them, and whose ids its addresses take; engagements otherwise.
NOUNS: dict[str, type[Model]] = {
    "contractors": Contractor,
    "cost-centers": CostCentre,
    "departments": Department,
    "employees": Contractor,
    "events": Event,
    "groups": Department,
    "imports": ImportRun,
    "invoices": Invoice,
    "model-flags": Flag,
    "people": User,
    "services": Service,
    "timesheet-entries": WorkLog,
    "vendors": Vendor,
    "webhook-deliveries": WebhookDelivery,
    "webhook-endpoints": WebhookEndpoint,
}
# What its address alone doesn't open: the rest of the path is nobody's page.
CATCH_ALL = "admin/(?P<url>.*)$"
# Leaving these out of the walk: they end the session that walks.
ENDS_THE_SESSION = {"admin/logout/", "logout/"}

pytestmark = pytest.mark.django_db


@dataclass(frozen=True)
class Address:
    route: str
    names: tuple[str, ...]

    def filled(self, values: dict[str, Any]) -> str:
        """Return the path with each part that varies in its place."""
        path = re.sub(r"[\^$\\]", "", self.route)
        path = re.sub(r"<(?:\w+:)?(\w+)>", lambda m: str(values[m[1]]), _unnamed(path))
        return f"/{path}"


def _unnamed(path: str) -> str:
    """Write the groups of a regular expression as parts of a path."""
    return re.sub(r"\(\?P(<\w+>)[^)]*\)", r"\1", path)


def addresses(resolver: URLResolver | None = None, prefix: str = "") -> list[Address]:
    found = []
    for entry in (resolver or get_resolver()).url_patterns:
        route = prefix + str(entry.pattern)
        if isinstance(entry, URLResolver):
            found += addresses(entry, route)
        elif isinstance(entry, URLPattern):
            names = [*entry.pattern.converters, *re.findall(r"\(\?P<(\w+)>", route)]
            found.append(Address(route, tuple(names)))
    return found


class Everything(Other):
    """A row of each model that belongs to a department, of the other department."""

    def __init__(self) -> None:
        super().__init__()
        create_record(
            record=TenurePolicy(
                name=f"{CANARY} policy",
                department=self.department,
                maximum_months=12,
                source=CANARY,
                checked_on=date(2026, 1, 1),
            ),
            actor=self.manager,
        )
        create_record(
            record=ApprovalRule(
                name=f"{CANARY} rule",
                department=self.department,
                approver_group=Group.objects.get(name=Role.MANAGER),
            ),
            actor=self.manager,
        )
        # Managers approve by that rule, yet only those who see the engagement.
        make_user(Role.MANAGER, department=self.department)
        draft = make_contract(title=f"{CANARY} draft", **self._ours())
        submit_engagement(engagement=draft, actor=self.manager)
        Payment.objects.create(
            engagement_id=self.contract.pk,
            vendor=self.vendor,
            paid_on=date(2026, 3, 1),
            amount=Decimal(5),
            currency="GBP",
            description=CANARY,
            source_key="1",
            source_line=1,
            source_run=uuid4(),
        )
        self._work()
        attach_file(
            invoice=Invoice.objects.get(vendor=self.vendor),
            upload=ContentFile(CANARY.encode(), name=f"{CANARY}.txt"),
            actor=self.manager,
        )
        self._board()
        for record in (
            Engagement.objects.get(pk=self.contract.pk),
            *(self.contractor, self.department, self.cost_centre),
        ):
            type(record)._base_manager.filter(pk=record.pk).update(external_id=CANARY)
        self._budget()
        self._perform()
        self._match()
        self._push()
        renew_feed(user=self.manager, actor=self.manager)
        planned = Planned(title=f"{CANARY} idea", service=self.service, currency="GBP")
        advice = give_advice(planned=planned, actor=self.manager)
        keep_advice(advice=advice, engagement=self.contract, actor=self.manager)
        reckon_month(month=date(2026, 1, 1), today=date(2026, 2, 1), actor=self.manager)
        reminder = Reminder.objects.create(
            engagement_id=self.contract.pk,
            kind="notice",
            falls_on=date(2026, 11, 30),
            threshold_days=30,
            recipient=self.manager,
        )
        Alert.objects.create(
            engagement_id=self.contract.pk, reminder=reminder, recipient=self.manager
        )

    def _push(self) -> None:
        """As the identity tool told of them, and somebody gone from it."""
        person = DirectoryPerson.objects.create(
            user=self.manager, user_name=CANARY, user_name_key=CANARY.lower()
        )
        team = Team.objects.create(name=CANARY, name_key=CANARY.lower())
        team.members.add(person)
        tell(kind=SyncKind.UPDATED, person=person, name=CANARY, source=CANARY)
        Departure.objects.create(contractor=self.contractor, note=CANARY)

    def _work(self) -> None:
        sheet = begin(self.assignment, date(2026, 2, 9))
        fill(sheet, {0: "8"}, description=CANARY)
        submit_timesheet(timesheet=sheet, actor=self.manager)

    def _budget(self) -> None:
        set_budget(
            budget=Budget(cost_centre=self.cost_centre, year=2026),
            amounts={date(2026, 5, 1): Decimal(5)},
            actor=self.manager,
        )
        set_budget_policy(
            policy=BudgetPolicy(cost_centre=self.cost_centre), actor=self.manager
        )

    def _board(self) -> None:
        ChecklistTask.objects.create(
            engagement_id=self.assignment.pk,
            title=f"{CANARY} task",
            stage=ChecklistStage.OFFBOARDING,
            owner=self.manager,
        )
        AccessGrant.objects.create(
            engagement_id=self.assignment.pk,
            contractor=self.contractor,
            system=f"{CANARY} system",
            granted_on=date(2026, 1, 1),
        )
        settle_final_invoice(
            settlement=Settlement(engagement_id=self.contract.pk, reason=CANARY),
            actor=self.manager,
        )

    def _match(self) -> None:
        """An order, and an invoice that doesn't fit, part of it to come back."""
        order = record_order(
            order=PurchaseOrder(
                vendor=self.contract.vendor,
                number=f"{CANARY} order",
                currency=self.contract.currency,
                amount=Decimal(100),
                starts_on=date(2026, 1, 1),
            ),
            engagements=[self.contract],
            actor=self.manager,
        )
        change_order(
            change=OrderChange(
                order=order,
                changed_on=date(2026, 3, 1),
                amount=Decimal(10),
                reason=f"{CANARY} change",
            ),
            actor=self.manager,
        )
        match_received()
        assert InvoiceLine.objects.filter(engagement=self.contract.pk).exists()
        resolve_exception(
            exception=MatchException.objects.filter(amount__gt=0)[0],
            resolution=Resolution.RECOVERED,
            reason=f"{CANARY} reason",
            actor=self.manager,
        )
        claim_saving(
            saving=Saving(
                kind="negotiated",
                title=f"{CANARY} saving",
                engagement_id=self.contract.pk,
                claimed_amount=Decimal(5),
                claimed_on=date(2026, 3, 1),
            ),
            actor=self.manager,
        )

    def _perform(self) -> None:
        """A level that was missed, with all that speaks of it."""
        level = create_record(
            record=ServiceLevel(
                contract=self.contract,
                name=f"{CANARY} level",
                target=Decimal(99),
                measured_by=MeasuredBy.DOWNTIME,
            ),
            engagement=self.contract,
            actor=self.manager,
        )
        night = datetime(2026, 3, 2, tzinfo=UTC)
        record_downtime(
            downtime=Downtime(
                service_level=level,
                began_at=night,
                ended_at=night + timedelta(days=9),
                incident=CANARY,
            ),
            actor=self.manager,
        )
        record_measurement(
            measurement=Measurement(
                service_level=level,
                period_from=date(2026, 3, 1),
                period_to=date(2026, 3, 31),
                downtime_minutes=Decimal(1),
                incident=CANARY,
            ),
            actor=self.manager,
        )
        agree_exclusion(
            exclusion=Exclusion(
                engagement=self.contract,
                starts_at=night,
                ends_at=night + timedelta(hours=1),
                reason=CANARY,
            ),
            actor=self.manager,
        )
        store_tickets(
            tickets=[
                Ticket(
                    engagement_id=self.contract.pk, source_id=CANARY, opened_at=night
                )
            ],
            actor=self.manager,
        )
        Review.objects.create(
            engagement_id=self.contract.pk,
            reviewer=self.manager,
            period_from=date(2026, 1, 1),
            period_to=date(2026, 3, 31),
            comment=CANARY,
            **dict.fromkeys(CRITERIA, 3),
        )
        Credit.objects.create(
            engagement=self.contract,
            service_level=level,
            window_from=date(2026, 3, 1),
            window_to=date(2026, 3, 31),
            scheme=CreditScheme.FLAT,
            amount=Decimal(7),
            state_since=date(2026, 4, 1),
            reason=CANARY,
        )


def _model_of(route: str) -> type[Model] | None:
    parts = re.match(r"admin/(\w+)/(\w+)/", route)
    return apps.get_model(parts[1], parts[2]) if parts else None


def _keys(route: str) -> list[Any]:
    model = _model_of(route)
    assert model is not None, f"whose id does {route} take?"
    return list(model._base_manager.values_list("pk", flat=True)[:4])


def _public_ids(route: str) -> list[Any]:
    noun = re.match(r"(?:api|hris)/v1/([a-z-]+)/", route)
    model = NOUNS.get(noun[1], Engagement) if noun else Engagement
    return list(model._base_manager.values_list("public_id", flat=True))


def _slugs(route: str) -> list[str]:
    """Return the reports of the page that the address belongs to."""
    page = route.lstrip("^").partition("/")[0]
    if page in BY_NAME:
        return list(BY_NAME[page].by_slug)
    return list(all_reports())


def values_of(name: str, route: str, other: Everything) -> list[Any]:
    """Return what stands for the part of the path; a part nobody knows fails."""
    known: dict[str, Callable[[], list[Any]]] = {
        "object_id": lambda: _keys(route),
        "engagement_id": lambda: list(
            Engagement.objects.values_list("public_id", flat=True)
        ),
        "id": lambda: (
            _public_ids(route) if route.startswith(("api/", "hris/")) else _keys(route)
        ),
        "provider_id": lambda: ["sso"],
        "run_id": lambda: _keys(route),
        "alert_id": lambda: _keys(route),
        "app_label": lambda: ["engagements", "tracker", "auth", "axes"],
        "external_id": lambda: [CANARY],
        "change_name": lambda: ["change_manager", "start", "put_on_hold", "approve"],
        "slug": lambda: _slugs(route),
        "report": lambda: list(all_reports()),
        "public_id": lambda: list(
            LevelResult.objects.values_list("public_id", flat=True)
        ),
        "extension": lambda: ["csv", "xlsx"],
        "export_name": lambda: [
            *("vendors", "contractors", "engagements", "terms", "budgets")
        ],
        "file_format": lambda: ["csv", "xlsx"],
        "kind": kind_names,
        "path": lambda: ["Users", "Groups", "Schemas"],
        # Who has the secret address is who it shows; it is not for others to guess.
        "token": lambda: ["A" * TOKEN_LENGTH],
    }
    assert name in known, f"{route} takes {name}: say what stands for it"
    return known[name]()


def paths(address: Address, other: Everything) -> Iterator[str]:
    if address.route.startswith("admin/r/"):
        for record in (other.contract, other.assignment, other.contractor):
            kind = ContentType.objects.get_for_model(record)
            yield address.filled({"content_type_id": kind.pk, "object_id": record.pk})
        return
    choices = [values_of(name, address.route, other) for name in address.names]
    for values in product(*choices):
        yield address.filled(dict(zip(address.names, values, strict=True)))


def walked() -> list[Address]:
    return [a for a in addresses() if a.route not in {CATCH_ALL, *ENDS_THE_SESSION}]


def test_the_walk_finds_the_pages():
    routes = {address.route for address in walked()}

    assert {
        "admin/",
        "admin/autocomplete/",
        "admin/engagements/managedcontract/<path:object_id>/end/",
        "api/v1/engagements/<uuid:id>",
        "spend/<slug:slug>/",
    } <= routes
    assert len(routes) > 150


def test_each_model_of_a_department_has_a_row_of_the_other_one():
    Everything()

    empty = {
        model._meta.label_lower
        for model in admin.site._registry
        if not model._base_manager.exists()
    }

    assert empty - NOBODYS == set()


def shown_to(client: Client, other: Everything) -> list[str]:
    """Return the addresses that show the other department, or fail to answer."""
    shown = []
    for address in walked():
        for path in paths(address, other):
            response = client.get(path, follow=True)
            if response.status_code >= 500 or CANARY.encode() in content(response):
                shown.append(path)
    return shown


def content(response: Any) -> bytes:
    """Return what was answered; of a workbook, all the parts that it packs."""
    answered = b"".join(response) if response.streaming else response.content
    if not is_zipfile(BytesIO(answered)):
        return bytes(answered)
    with ZipFile(BytesIO(answered)) as workbook:
        return b"".join(map(workbook.read, workbook.namelist()))


def test_the_walk_would_see_it(db):
    """The same walk by a role that sees all departments comes upon the other one."""
    other = Everything()

    shown = shown_to(logged_in(Role.AUDITOR), other)

    contract = f"/admin/engagements/managedcontract/{other.contract.pk}"
    assert {
        "/admin/engagements/engagement/",
        f"{contract}/change/",
        f"{contract}/history/",
        f"/admin/tracker/flag/{other.flag.pk}/change/",
        "/admin/tracker/advice/",
        f"/api/v1/engagements/{other.contract.public_id}",
        "/service-levels/",
        "/service-levels/windows.csv",
        "/spend/cost-centres.csv",
        "/spend/cost-centres.xlsx",
        "/admin/engagements/engagement/export/engagements.csv",
        "/admin/engagements/assignment/export/terms.xlsx",
        "/admin/engagements/contractor/export/contractors.xlsx",
    } <= set(shown)


REVIEWED = "Kilimanjaro"


@pytest.mark.parametrize("role", [Role.FINANCE, Role.HR_INTEGRATION])
def test_no_address_shows_a_review_to_who_may_not_read_it(role):
    """They see every engagement, and nothing that was written of the people there."""
    other = Everything()
    Review.objects.update(comment=REVIEWED)
    browser = logged_in(role)
    shown = []

    for address in walked():
        for path in paths(address, other):
            response = browser.get(path, follow=True)
            if response.status_code >= 500 or REVIEWED.encode() in content(response):
                shown.append(path)

    assert shown == []


def test_no_address_shows_anything_of_another_department(client: Client, manager):
    assert shown_to(client, Everything()) == []


def test_no_posted_id_changes_anything_of_another_department(client: Client, manager):
    other = Everything()
    known = Event.objects.latest("id").pk
    written = []

    for address in walked():
        if "object_id" not in address.names or _model_of(address.route) is None:
            continue
        for path in paths(address, other):
            client.post(path, {"_form_submitted": "True", "post": "yes"})
            if Event.objects.latest("id").pk != known:
                written.append(path)
                known = Event.objects.latest("id").pk

    assert written == []
