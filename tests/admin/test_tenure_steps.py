"""Tenure policies at the steps by which more work is agreed: warned of, or refused."""

from datetime import date

import pytest
import time_machine
from django.urls import reverse

from engagements.choices import Role, Status, TenureAction
from engagements.models import Assignment, TenurePolicy
from engagements.services.lifecycle import submit_engagement
from tests.factories import make_assignment, make_rule, make_user, stored

LIMIT = "reaches the limit of 6 months on 30 June 2026: end it by then (Ours; Board)."


@pytest.fixture(autouse=True)
def _today():
    with time_machine.travel(date(2026, 3, 2), tick=False):
        yield


@pytest.fixture
def draft(manager, department) -> Assignment:
    return make_assignment(
        title="Engineer",
        manager=manager,
        department=department,
        starts_on=date(2026, 1, 1),
        ends_on=date(2026, 12, 31),
    )


@pytest.fixture
def policy(draft) -> TenurePolicy:
    return TenurePolicy.objects.create(
        name="Ours",
        maximum_months=6,
        source="Board",
        checked_on=date(2026, 1, 1),
        action=TenureAction.WARN,
    )


def block(policy: TenurePolicy) -> None:
    TenurePolicy.objects.filter(pk=policy.pk).update(action=TenureAction.BLOCK)


def messages_after(client, told) -> list[str]:
    page = client.get(told.headers["HX-Redirect"])
    return [str(message) for message in page.context["messages"]]


def press(client, draft, step, **posted) -> list[str]:
    url = reverse(f"admin:engagements_assignment_{step}", args=[draft.pk])
    told = client.post(url, {"_form_submitted": "on"} | posted)
    if "HX-Redirect" not in told.headers:
        # The effect is shown first.
        key = told.context["form"]["shown_for"].value()
        posted = posted | {"_form_submitted": "on", "shown_for": key}
        told = client.post(url, posted)
    return messages_after(client, told)


def previewed(client, draft):
    url = reverse("admin:engagements_assignment_bulk", args=["start"])
    return client.post(url, {"row": [f"{draft.pk}:0"], "value": ""})


def test_start_beyond_a_limit_that_warns_says_so(client, draft, policy):
    said = press(client, draft, "start")

    assert said == [f"{draft.contractor} {LIMIT}", "Started."]
    assert stored(draft).status == Status.ACTIVE


def test_start_beyond_a_limit_that_blocks_is_refused_on_the_page(client, draft, policy):
    block(policy)

    assert press(client, draft, "start") == [f"{draft.contractor} {LIMIT}"]
    assert stored(draft).status == Status.DRAFT


def test_bulk_start_shows_the_limit_in_the_preview_and_after(client, draft, policy):
    shown = previewed(client, draft)
    url = reverse("admin:engagements_assignment_bulk", args=["start"])
    posted = {"row": shown.context["keys"], "value": "", "mode": "all"}
    done = client.post(url, posted, follow=True)

    (row,) = shown.context["preview"].rows
    assert (row.refusal, row.warnings) == ("", [f"{draft.contractor} {LIMIT}"])
    assert LIMIT in shown.content.decode()
    assert [str(message) for message in done.context["messages"]] == [
        "1 row changed.",
        f"{draft.reference}: {draft.contractor} {LIMIT}",
    ]
    assert stored(draft).status == Status.ACTIVE


def test_bulk_start_beyond_a_limit_that_blocks_is_refused(client, draft, policy):
    block(policy)

    (row,) = previewed(client, draft).context["preview"].rows

    assert row.refusal == f"{draft.contractor} {LIMIT}"


def test_extension_beyond_a_limit_that_warns_says_so(client, draft, policy):
    Assignment.objects.filter(pk=draft.pk).update(status=Status.ACTIVE)

    said = press(client, draft, "extend", ends_on="2027-01-31")

    assert f"{draft.contractor} {LIMIT}" in said
    assert stored(draft).ends_on == date(2027, 1, 31)


def test_approver_is_warned_of_the_limit(client, draft, policy, department):
    checker = make_user(Role.MANAGER, department=department)
    rule = make_rule(checker)
    submit_engagement(engagement=draft, actor=draft.manager)
    approval = rule.approvals.get()

    client.force_login(checker)
    url = reverse("admin:engagements_approval_approve", args=[approval.pk])
    told = client.post(url, {"_form_submitted": "on", "reason": ""})

    assert messages_after(client, told) == ["Approved.", f"{draft.contractor} {LIMIT}"]
