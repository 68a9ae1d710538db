"""Sending, deciding and withdrawing in the admin, and the queue of what waits."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.urls import reverse

from engagements.choices import Role, Status
from engagements.models import Approval, ChangeOrder, FeeTerm, ManagedContract, User
from engagements.services.change_orders import record_change_order
from engagements.services.lifecycle import (
    start_engagement,
    submit_engagement,
    withdraw_engagement,
)
from tests.admin.conftest import logged_in
from tests.admin.forms import errors_on, fields_on
from tests.factories import make_contract, make_department, make_rule, make_user, stored

QUEUE = reverse("admin:engagements_approval_changelist")


@pytest.fixture(autouse=True)
def _today():
    with time_machine.travel(date(2026, 6, 15), tick=False):
        yield


@pytest.fixture
def checker(department) -> User:
    return make_user(
        Role.MANAGER, username="chen", last_name="Chen", department=department
    )


@pytest.fixture
def rule(checker, manager):
    return make_rule(checker, manager, name="Contracts", from_amount=Decimal(100_000))


@pytest.fixture
def contract(manager, department) -> ManagedContract:
    return make_contract(
        manager=manager,
        department=department,
        ends_on=date(2026, 12, 31),
        fee=Decimal(10_000),
    )


@pytest.fixture
def approver(checker):
    from django.test import Client

    browser = Client()
    browser.force_login(checker)
    return browser


def page_of(contract: ManagedContract) -> str:
    return reverse("admin:engagements_managedcontract_change", args=[contract.pk])


def url_of(contract: ManagedContract, step: str) -> str:
    return page_of(contract).replace("/change/", f"/{step}/")


def press(client: Any, url: str, **values: Any) -> Any:
    return client.post(url, {"_form_submitted": "on"} | values)


def offered(client: Any, contract: ManagedContract) -> list[str]:
    html = client.get(page_of(contract)).content.decode()
    steps = (
        "start",
        "send-for-approval",
        "approve",
        "reject",
        "withdraw",
        "change-order",
        "cancel",
    )
    return [step for step in steps if f"{contract.pk}/{step}/" in html]


def messages_on(client: Any, contract: ManagedContract) -> list[str]:
    return [str(told) for told in client.get(page_of(contract)).context["messages"]]


def test_buttons_follow_the_rules_and_the_state(client, approver, contract, rule):
    assert offered(client, contract) == ["send-for-approval", "cancel"]

    press(client, url_of(contract, "send-for-approval"))
    assert stored(contract).status == Status.PENDING_APPROVAL
    assert offered(client, contract) == ["withdraw", "cancel"]
    assert offered(approver, contract) == ["approve", "reject", "withdraw", "cancel"]

    press(approver, url_of(contract, "approve"))
    assert stored(contract).status == Status.ACTIVE
    assert offered(client, contract) == ["change-order"]


def test_draft_below_every_rule_is_started(client, contract, checker):
    make_rule(checker, from_amount=Decimal(10**7))

    assert offered(client, contract) == ["start", "cancel"]


def test_dialog_names_the_rules_and_missing_facts_are_told_at_once(
    client, rule, manager
):
    bare = make_contract(manager=manager, fee=None)

    html = client.get(url_of(bare, "send-for-approval")).content.decode()
    press(client, url_of(bare, "send-for-approval"))

    assert "Contracts" in html
    assert messages_on(client, bare) == [
        "Say which department it is for. Give the monthly fee."
    ]


def test_asker_is_refused_though_they_post_past_the_buttons(client, contract, rule):
    press(client, url_of(contract, "send-for-approval"))
    approval = Approval.objects.get()

    for url in (
        url_of(contract, "approve"),
        reverse("admin:engagements_approval_approve", args=[approval.pk]),
    ):
        press(client, url)
        assert stored(contract).status == Status.PENDING_APPROVAL
    assert messages_on(client, contract) == [
        "Sent for approval.",
        *["Nothing waits for you here any more."] * 2,
    ]


def test_superuser_is_refused_as_their_own_approver(contract, department):
    boss = User.objects.create_superuser("boss", department=department)
    make_rule(boss, make_user(Role.FINANCE))
    submit_engagement(engagement=contract, actor=boss)
    browser = logged_in(Role.ADMINISTRATOR)
    browser.force_login(boss)

    assert offered(browser, contract) == ["withdraw", "cancel"]
    press(browser, url_of(contract, "approve"))

    assert stored(contract).status == Status.PENDING_APPROVAL


def test_finance_approves_though_it_may_not_change_the_engagement(contract, manager):
    finance = make_user(Role.FINANCE)
    make_rule(finance)
    submit_engagement(engagement=contract, actor=manager)
    browser = logged_in(Role.FINANCE)
    browser.force_login(finance)

    assert offered(browser, contract) == ["approve", "reject"]
    press(browser, url_of(contract, "approve"))

    assert stored(contract).status == Status.ACTIVE


def test_rejection_from_the_queue_needs_a_reason_and_is_kept(
    client, approver, contract, rule
):
    press(client, url_of(contract, "send-for-approval"))
    approval = Approval.objects.get()
    url = reverse("admin:engagements_approval_reject", args=[approval.pk])

    refused = press(approver, url, reason="")
    assert refused.context["form"].errors["reason"] == ["This field is required."]
    done = press(approver, url, reason="Too dear")

    assert done.headers["HX-Redirect"] == QUEUE
    assert stored(contract).status == Status.DRAFT
    html = client.get(page_of(contract)).content.decode()
    assert "Too dear" in html
    assert "Rejected" in html


def test_second_press_is_told_what_became_of_it(
    client, approver, contract, rule, manager
):
    press(client, url_of(contract, "send-for-approval"))
    approval = Approval.objects.get()
    url = reverse("admin:engagements_approval_approve", args=[approval.pk])
    withdraw_engagement(engagement=contract, actor=manager)

    press(approver, url)
    press(approver, url_of(contract, "approve"))

    told = [str(text) for text in approver.get(QUEUE).context["messages"]]
    assert told == ["Nothing waits for you here any more."] * 2
    assert stored(contract).status == Status.DRAFT


def test_price_of_what_waits_is_refused_on_its_page(client, contract, rule):
    press(client, url_of(contract, "send-for-approval"))
    posted = fields_on(client, page_of(contract))
    posted["fee_terms-0-monthly_fee"] = "1"

    response = client.post(page_of(contract), posted)

    assert errors_on(response) == {
        "__all__": [
            f"{contract.reference} waits for approval, so that its terms stay as they"
            " were sent: withdraw it first."
        ]
    }
    assert contract.fee_terms.get().monthly_fee == Decimal(10_000)


def test_price_of_an_active_engagement_is_refused_on_its_page_under_a_rule(
    client, contract, checker
):
    start_engagement(engagement=contract, actor=None)
    make_rule(checker, name="Contracts")
    posted = fields_on(client, page_of(contract))
    posted |= {
        "fee_terms-TOTAL_FORMS": "2",
        "fee_terms-1-starts_on": "2026-08-01",
        "fee_terms-1-monthly_fee": "12000",
    }

    response = client.post(page_of(contract), posted)

    assert errors_on(response) == {
        "__all__": [
            f"This change of {contract.reference} needs approval by “Contracts”: record"
            " a change order."
        ]
    }
    assert contract.fee_terms.count() == 1


def test_change_order_shows_its_effect_then_waits_and_takes_effect(
    client, approver, contract, checker
):
    start_engagement(engagement=contract, actor=None)
    make_rule(checker, name="Contracts", from_amount=Decimal(140_000))
    url = url_of(contract, "change-order")
    values = {
        "effective_on": "2026-07-01",
        "value_change": "2,000",
        "new_price": "12000",
        "new_ends_on": "2027-01-31",
        "reason": "More sites",
    }

    shown = press(client, url, **values)

    rows = {row["label"]: row for row in shown.context["form"]._rows()}
    assert rows["Term ends"]["after"] == "31 Jan 2027"
    assert rows["Value of the term"]["before"] == (
        '<span class="figure">£120,000.00</span>'
    )
    assert rows["Value of the term"]["after"] == (
        '<span class="figure">£146,000.00</span>'
    )
    assert rows["Waits for approval by"]["after"] == "“Contracts”"
    assert ChangeOrder.objects.count() == 0

    key = shown.context["form"]["shown_for"].value()
    press(client, url, **values, shown_for=key)

    assert messages_on(client, contract) == ["Change order 1 waits for approval."]
    assert contract.fee_terms.count() == 1
    assert offered(client, contract) == ["withdraw", "change-order"]
    assert offered(approver, contract)[:2] == ["approve", "reject"]

    press(approver, url_of(contract, "approve"))

    assert contract.fee_terms.count() == 2
    assert stored(contract).ends_on == date(2027, 1, 31)


def test_change_order_that_changes_nothing_is_refused_beside_its_field(
    client, contract
):
    start_engagement(engagement=contract, actor=None)

    response = press(
        client,
        url_of(contract, "change-order"),
        effective_on="2026-07-01",
        reason="Nothing",
    )

    assert response.context["form"].errors["value_change"] == [
        "Say what it changes: value, price, hours or end."
    ]


def test_waiting_change_order_is_withdrawn_from_the_page(client, contract, checker):
    start_engagement(engagement=contract, actor=None)
    make_rule(checker)
    manager = User.objects.get(username="maya")
    order = record_change_order(
        change_order=ChangeOrder(
            engagement=contract,
            effective_on=date(2026, 7, 1),
            value_change=Decimal(1),
            reason="More",
        ),
        actor=manager,
    )

    press(client, url_of(contract, "withdraw"))

    assert Approval.objects.get(change_order=order).outcome == "withdrawn"
    assert stored(contract).status == Status.ACTIVE


def test_queue_shows_what_waits_for_the_reader_alone(
    client, approver, contract, rule, manager
):
    assert "Nothing waits here" in approver.get(QUEUE).content.decode()

    submit_engagement(engagement=contract, actor=manager)

    html = approver.get(QUEUE).content.decode()
    for text in ("Service desk", "£120,000.00", "Operations", "Maya Osei", "15 Jun"):
        assert text in html
    mine = client.get(QUEUE)
    assert mine.context["cl"].result_count == 0
    asked = client.get(QUEUE, {"whose": "waiting"})
    assert asked.context["cl"].result_count == 1
    approve = reverse("admin:engagements_approval_approve", args=[1])[:-10]
    assert f'hx-get="{approve}' not in asked.content.decode()


def test_badge_counts_what_waits_for_the_reader(
    client, approver, contract, rule, manager
):
    def badge(browser: Any) -> Any:
        menu = browser.get(reverse("admin:index")).context["sidebar_navigation"]
        item = next(i for i in menu[0]["items"] if i["title"] == "Waiting for me")
        return item.get("badge")

    assert badge(approver) == 0

    submit_engagement(engagement=contract, actor=manager)

    assert (badge(approver), badge(client)) == (1, 0)


def test_another_departments_approvals_are_seen_nowhere(contract, rule, manager):
    submit_engagement(engagement=contract, actor=manager)
    approval = Approval.objects.get()
    stranger = logged_in(Role.MANAGER, department=make_department())

    assert "Service desk" not in stranger.get(QUEUE, {"whose": "all"}).content.decode()
    for name in ("approve", "reject"):
        url = reverse(f"admin:engagements_approval_{name}", args=[approval.pk])
        assert stranger.get(url).status_code == 403
        assert press(stranger, url, reason="No").status_code == 403
        assert press(stranger, url_of(contract, name), reason="No").status_code == 403
    page = reverse("admin:engagements_approval_change", args=[approval.pk])
    assert stranger.get(page).status_code == 302
    assert stored(contract).status == Status.PENDING_APPROVAL


@pytest.mark.parametrize("nonsense", ["x", "0", "9" * 30])
def test_nonsense_for_an_id_is_no_fault(approver, nonsense):
    for page in ("managedcontract", "approval"):
        url = f"/admin/engagements/{page}/{nonsense}/approve/"
        assert approver.get(url).status_code == 403


def test_feed_of_the_hr_system_has_no_queue(db):
    assert logged_in(Role.HR_INTEGRATION).get(QUEUE).status_code == 403


@pytest.mark.parametrize("rows", [1, 3])
def test_queue_asks_as_many_queries_at_1_as_at_3_rows(
    approver, rule, manager, department, rows, django_assert_num_queries
):
    for _ in range(rows):
        contract = make_contract(manager=manager, department=department)
        submit_engagement(engagement=contract, actor=manager)
    approver.get(QUEUE)

    with django_assert_num_queries(12):
        approver.get(QUEUE)


@pytest.mark.parametrize("rows", [1, 3])
def test_history_on_the_page_asks_as_many_queries_at_1_as_at_3_rows(
    client, contract, checker, manager, rows, django_assert_num_queries
):
    start_engagement(engagement=contract, actor=None)
    for _ in range(rows):
        record_change_order(
            change_order=ChangeOrder(
                engagement=contract,
                effective_on=date(2026, 7, 1),
                value_change=Decimal(1),
                reason="More",
            ),
            actor=manager,
        )
    for _ in range(rows):
        make_rule(checker)
    record_change_order(
        change_order=ChangeOrder(
            engagement=contract,
            effective_on=date(2026, 7, 1),
            new_price=Decimal(11_000),
            value_change=Decimal(0),
            reason="More",
        ),
        actor=manager,
    )
    client.get(page_of(contract))

    with django_assert_num_queries(55):
        client.get(page_of(contract))


def test_posted_fee_line_is_stored_where_no_rule_asks(client, contract):
    posted = fields_on(client, page_of(contract))
    posted["fee_terms-0-monthly_fee"] = "9000"

    client.post(page_of(contract), posted)

    assert FeeTerm.objects.get().monthly_fee == Decimal(9_000)
