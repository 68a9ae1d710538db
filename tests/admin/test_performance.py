"""Service levels, results and credits in the admin."""

from datetime import date
from decimal import Decimal
from io import BytesIO

import pytest
import time_machine
from django.core.exceptions import ValidationError
from django.test import Client
from django.urls import reverse
from docx import Document

from engagements.choices import CreditScheme, MeasuredBy, Role
from engagements.models import CreditStep, ServiceLevel
from tests.admin.conftest import logged_in
from tests.admin.forms import fields_on
from tests.factories import make_user
from tests.performance.contracts import add_level, contract_with, local, measured
from tracker.performance.models import (
    Credit,
    CreditState,
    Downtime,
    Exclusion,
    LevelResult,
    Measurement,
    Ticket,
)
from tracker.performance.services import (
    agree_exclusion,
    record_downtime,
    settle_credits,
    store_tickets,
)

D = Decimal

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def today():
    with time_machine.travel("2026-05-20T12:00Z", tick=False):
        yield


@pytest.fixture
def contract(manager):
    contract, [_level] = contract_with(
        {"name": "Solved in time", "credit_percent": D(50)},
        manager=manager,
        fee=D(100_000),
        at_risk_percent=D(10),
        credit_scheme=CreditScheme.POOL,
        claim_within_days=60,
    )
    measured(contract.service_levels.get(), "2026-04", "90")
    settle_credits(contract=contract, today=date(2026, 5, 20), actor=None)
    return contract


def page(record, step="change"):
    name = record._meta.model_name
    app = record._meta.app_label
    if step == "change":
        return reverse(f"admin:{app}_{name}_change", args=[record.pk])
    return f"/admin/{app}/{name}/{record.pk}/{step}/"


def take(client: Client, record, step, **fields):
    return client.post(page(record, step), {"_form_submitted": "True", **fields})


def only():
    return Credit.objects.get()


def test_credit_goes_from_claim_to_invoice_by_its_buttons(client, contract):
    assert take(client, only(), "claim").headers["HX-Redirect"] == page(only())
    assert only().state == CreditState.CLAIMED
    take(client, only(), "agree", amount="4000")
    assert (only().state, only().agreed_amount) == (CreditState.AGREED, D(4000))

    take(client, only(), "apply", line="INV-1 / 1")
    answer = client.get(page(only()))
    assert "There is no such credit line" in answer.content.decode()
    take(client, only(), "apply", line="")

    assert only().state == CreditState.APPLIED


def test_credit_that_is_applied_offers_no_step(client, contract):
    Credit.objects.update(state=CreditState.APPLIED, agreed_amount=D(5))

    content = client.get(page(only())).content.decode()

    steps = ("claim", "agree", "apply", "waive")
    assert [step for step in steps if f"/{only().pk}/{step}/" in content] == []
    assert f"/{only().pk}/letter/" in content


def test_waiving_needs_a_reason(client, contract):
    take(client, only(), "waive", reason="")
    assert only().state == CreditState.DUE

    take(client, only(), "waive", reason="Goodwill")

    assert (only().state, only().reason) == (CreditState.WAIVED, "Goodwill")


def test_claim_letter_is_downloaded(client, contract):
    response = client.get(page(only(), "letter"))

    name = f"claim-{contract.reference}-2026-04.docx"
    assert response.headers["Content-Disposition"] == f'attachment; filename="{name}"'
    texts = [p.text for p in Document(BytesIO(response.content)).paragraphs]
    assert "Service credit claimed: £5,000.00" in texts


def test_auditor_reads_credits_and_changes_none(contract):
    auditor = logged_in(Role.AUDITOR)

    assert auditor.get(page(only())).status_code == 200
    assert take(auditor, only(), "claim").status_code == 403
    assert only().state == CreditState.DUE


@pytest.mark.parametrize("step", ["change", "claim", "letter"])
def test_manager_of_another_department_finds_no_credit(contract, step):
    other = logged_in(Role.MANAGER)

    assert other.post(page(only(), step)).status_code in (302, 403, 404)
    assert b"5,000" not in other.get(page(only(), step), follow=True).content
    assert only().state == CreditState.DUE


def test_feed_of_the_hr_system_sees_no_performance(contract):
    hr = logged_in(Role.HR_INTEGRATION)

    for model in (Credit, LevelResult, Measurement, Ticket):
        url = reverse(f"admin:tracker_{model._meta.model_name}_changelist")
        assert hr.get(url).status_code == 403


def test_window_is_excused_and_counted_again_by_buttons(client, contract, manager):
    result = LevelResult.objects.get()

    take(client, result, "excuse", reason="Our network")
    result.refresh_from_db()
    assert (result.outcome, result.excused_by) == ("excused", manager)
    take(client, result, "count-again")

    result.refresh_from_db()
    assert (result.outcome, result.excuse) == ("missed", "")


def test_measurement_is_recorded_and_judged(client, contract):
    level = contract.service_levels.get()
    url = reverse("admin:tracker_measurement_add")

    response = client.post(
        url,
        fields_on(client, url)
        | {
            "service_level": level.pk,
            "period_from": "2026-03-01",
            "period_to": "2026-03-31",
            "value": "99.9",
        },
    )

    assert response.status_code == 302
    march = LevelResult.objects.get(window_from=date(2026, 3, 1))
    assert (march.outcome, march.value) == ("met", D("99.9"))


def test_measurement_that_its_level_does_not_ask_for_is_refused_by_field(
    client, contract
):
    url = reverse("admin:tracker_measurement_add")

    response = client.post(
        url,
        fields_on(client, url)
        | {
            "service_level": contract.service_levels.get().pk,
            "period_from": "2026-03-01",
            "period_to": "2026-03-31",
            "downtime_minutes": "5",
        },
    )

    assert "is measured by: a figure per period" in response.content.decode()
    assert not Measurement.objects.filter(period_from=date(2026, 3, 1)).exists()


def test_exclusion_is_agreed_and_dropped(client, contract, manager):
    url = reverse("admin:tracker_exclusion_add")
    times = {
        "starts_at_0": "2026-04-02",
        "starts_at_1": "01:00:00",
        "ends_at_0": "2026-04-02",
        "ends_at_1": "02:00:00",
    }
    client.post(
        url,
        fields_on(client, url)
        | {"engagement": contract.pk, "kind": "maintenance", "reason": "Patch"}
        | times,
    )
    exclusion = Exclusion.objects.get()
    assert (exclusion.agreed_by, exclusion.reason) == (manager, "Patch")

    client.post(
        reverse("admin:tracker_exclusion_delete", args=[exclusion.pk]), {"post": "yes"}
    )

    assert not Exclusion.objects.exists()


def test_panel_tells_months_score_and_credits(client, contract):
    url = reverse("admin:engagements_managedcontract_change", args=[contract.pk])

    content = client.get(url).content.decode()

    assert 'aria-label="April 2026: Missed, 90.00 %"' in content
    assert "£5,000.00 due (1)" in content
    assert "of 100, from 100 % of the windows" in content


def test_panel_is_empty_until_something_is_measured(client, manager):
    contract, _levels = contract_with({}, manager=manager)
    url = reverse("admin:engagements_managedcontract_change", args=[contract.pk])

    assert "Nothing is measured yet." in client.get(url).content.decode()


def test_level_is_changed_on_its_own_page(client, contract):
    level = contract.service_levels.get()
    url = page(level)

    client.post(url, fields_on(client, url) | {"priority": "P1", "credit_points": "7"})

    level.refresh_from_db()
    assert (level.priority, level.credit_points) == ("P1", 7)


def test_steps_of_a_scheme_name_levels_of_the_contract_only(client, contract, manager):
    _other, [level] = contract_with({}, manager=manager)
    step = CreditStep(contract=contract, service_level=level, bound=D(1), percent=D(1))

    with pytest.raises(ValidationError, match="of this contract"):
        step.full_clean()
    url = reverse("admin:engagements_managedcontract_change", args=[contract.pk])
    offered = client.get(url).context["inline_admin_formsets"]
    steps = next(f.formset for f in offered if f.formset.model is CreditStep)
    levels = steps.empty_form.fields["service_level"].queryset
    assert list(levels) == list(ServiceLevel.objects.filter(contract=contract))


def another(manager):
    contract, [level] = contract_with(
        {"measured_by": MeasuredBy.DOWNTIME, "credit_percent": D(5)},
        manager=manager,
        fee=D(1000),
        at_risk_percent=D(10),
        credit_scheme=CreditScheme.POOL,
    )
    add_level(contract)
    measured(contract.service_levels.last(), "2026-04", "90")
    record_downtime(
        downtime=Downtime(
            service_level=level,
            began_at=local("2026-04-01 00:00"),
            ended_at=local("2026-04-08 00:00"),
        ),
        actor=None,
    )
    agree_exclusion(
        exclusion=Exclusion(
            engagement=contract,
            starts_at=local("2026-04-10 00:00"),
            ends_at=local("2026-04-10 01:00"),
            reason="Patch",
        ),
        actor=manager,
    )
    store_tickets(
        tickets=[
            Ticket(
                engagement_id=contract.pk,
                source_id="1",
                opened_at=local("2026-04-10 00:00"),
            )
        ],
        actor=None,
    )
    settle_credits(contract=contract, today=date(2026, 5, 20), actor=None)


@pytest.mark.parametrize(
    ("model", "queries"),
    [
        (ServiceLevel, 11),
        (Measurement, 13),
        (Downtime, 13),
        (Exclusion, 13),
        (Ticket, 12),
        (LevelResult, 13),
        (Credit, 13),
    ],
)
def test_lists_read_with_one_number_of_queries(
    django_assert_num_queries, model, queries
):
    manager = make_user(Role.ADMINISTRATOR)
    browser = Client()
    browser.force_login(manager)
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist"
    another(manager)
    browser.get(reverse(name))

    with django_assert_num_queries(queries):
        browser.get(reverse(name))
    for _number in range(2):
        another(manager)
    with django_assert_num_queries(queries):
        browser.get(reverse(name))
