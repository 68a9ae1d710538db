"""The page on which another version of the fit policy is prepared."""

import re
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from engagements.choices import Role
from tests.factories import make_user
from tests.fit.records import TODAY, team_bought_by_the_hour
from tests.fit.test_adopting import plant_decisions
from tests.fit.test_assessing import plant_portfolio
from tracker.fit.models import Policy
from tracker.fit.services import assess, current_policy

pytestmark = pytest.mark.django_db

PAGE = "/admin/tracker/policy/add/"


@pytest.fixture
def administrator(client):
    user = make_user(Role.ADMINISTRATOR, first_name="Yara", last_name="Haddad")
    client.force_login(user)
    return user


def text_of(response):
    body = re.sub(r"<(script|style).*?</\1>", "", response.content.decode(), flags=re.S)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", body))


def typed(client, **changes: Any) -> dict[str, Any]:
    form = client.get(PAGE).context["form"]
    values = {name: form[name].value() for name in form.fields}
    return {k: "" if v is None else v for k, v in values.items()} | changes


def adopt(client, **changes: Any):
    """Preview and then adopt the same settings, as the page makes people do."""
    values = typed(client, **changes)
    receipt = client.post(PAGE, values | {"preview": "1"}).context["preview"].receipt
    return client.post(PAGE, values | {"adopt": "1", "receipt": receipt})


def test_preview_shows_what_would_change_and_changes_nothing(client, administrator):
    engagement = team_bought_by_the_hour()
    assess(as_of=TODAY, actor=None)

    response = client.post(PAGE, typed(client, threshold_cover="0.9", preview="1"))

    text = text_of(response)
    assert "1 of 1 engagements would have another verdict." in text
    assert engagement.reference in text
    assert "Adopt this version" in text
    assert Policy.objects.count() == 1


def test_adopted_version_keeps_what_differs_from_the_defaults_alone(
    client, administrator
):
    response = adopt(
        client,
        importance_direction="2",
        breakpoints_core_work="0.2: 1, 0.5: 0, 0.9: -1",
        threshold_oppose="0.75",
        assumption_efficiency_likely="0.05",
        assumption_efficiency_source="three tenders",
        firmness="4",
        tendency="-0.25",
        reason="The board decided.",
    )

    policy = current_policy()
    assert response.status_code == 302
    assert (policy.version, policy.adopted_by) == (2, administrator)
    assert (policy.firmness, policy.tendency) == (4, -0.25)
    assert policy.importances == {"direction": 2.0}
    assert policy.breakpoints == {"core_work": [[0.2, 1.0], [0.5, 0.0], [0.9, -1.0]]}
    assert policy.thresholds == {"oppose": 0.75}
    assert list(policy.assumptions) == ["efficiency"]
    own = policy.assumptions["efficiency"]
    assert (own["likely"], own["source"], own["owner"]) == (
        0.05,
        "three tenders",
        "Yara Haddad",
    )
    assert own["dated_on"]
    assert client.get(response["Location"]).status_code == 200


def test_next_version_begins_from_the_one_in_force(client, administrator):
    adopt(client, importance_direction="2", reason="So.")

    assert typed(client)["importance_direction"] == 2.0


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"importance_direction": "0"}, "greater than or equal to 0.01"),
        ({"breakpoints_direction": "x"}, "Write pairs such as"),
        ({"breakpoints_direction": "0: 1, 1: 2"}, "leans must lie between"),
        ({"tendency": "0.7"}, "less than or equal to 0.6"),
        ({"threshold_clear": "0.9"}, "Keep the order"),
        ({"assumption_churn_least": "0.9"}, "Give least, likely and most"),
        ({"assumption_churn_source": ""}, "This field is required"),
        (
            {"assumption_churn_dated_on": "2026-02-31", "assumption_churn_least": "0"},
            "Give a day such as",
        ),
    ],
)
def test_what_is_wrong_is_told_beside_its_field(client, administrator, changes, error):
    response = client.post(PAGE, typed(client, adopt="1", reason="So.", **changes))

    assert error in text_of(response).replace("&#x27;", "'")
    assert Policy.objects.count() == 1


def test_adoption_needs_a_preview_of_the_same_settings(client, administrator):
    values = typed(client, importance_direction="2", reason="So.")
    shown = client.post(PAGE, values | {"preview": "1"}).context["preview"]
    changed = values | {"importance_direction": "3", "receipt": shown.receipt}

    for refused in (values, changed):
        response = client.post(PAGE, refused | {"adopt": "1"})
        assert "before you adopt them" in text_of(response)

    assert Policy.objects.count() == 1


def test_adoption_needs_a_reason(client, administrator):
    response = adopt(client, importance_direction="2")

    assert "Say why the policy changes." in text_of(response)
    assert Policy.objects.count() == 1


def test_what_decisions_teach_stands_side_by_side(client, administrator):
    plant_decisions(60)

    assert "Learn from 60 reviewed flags" in text_of(client.get(PAGE))
    response = client.get(f"{PAGE}?learn=1")

    text = text_of(response)
    assert "Importances and a tendency learnt from 60 reviewed flags" in text
    assert "Decisions foretold" in text
    form = response.context["form"]
    assert float(form["importance_measurability"].value()) > 1.4


def test_proposal_is_rejected_with_a_reason(client, administrator):
    response = client.post(PAGE, {"reject": "1", "reason": "Too few."}, follow=True)

    assert "The proposal is rejected; nothing changes." in text_of(response)
    assert Policy.objects.count() == 1


@pytest.mark.parametrize(
    ("role", "page", "versions"),
    [
        (Role.MANAGER, 403, 403),
        (Role.FINANCE, 403, 403),
        (Role.AUDITOR, 403, 200),
        (Role.ADMINISTRATOR, 200, 200),
    ],
)
def test_administrators_alone_prepare_a_version(client, role, page, versions):
    client.force_login(make_user(role))

    assert client.get(PAGE).status_code == page
    assert client.post(PAGE, {"adopt": "1"}).status_code == page
    assert client.get("/admin/tracker/policy/").status_code == versions


@pytest.mark.parametrize("engagements", [1, 3, 300])
def test_number_of_queries_of_a_preview_does_not_grow(
    client, administrator, engagements
):
    plant_portfolio(engagements)
    assess(as_of=TODAY, actor=None)
    values = typed(client, importance_direction="3", preview="1")
    client.post(PAGE, values)

    with CaptureQueriesContext(connection) as captured:
        client.post(PAGE, values)

    assert len(captured) == 16


def test_performance_has_breakpoints_of_both_readings(client, administrator):
    text = text_of(client.get(PAGE))
    assert "Where a managed service runs: more speaks for augmentation" in text
    assert "Where augmentation runs: more speaks for a managed service" in text

    name = "breakpoints_performance.augmented"
    adopt(client, reason="Milder", **{name: "0.2: 0, 0.6: 1"})
    assert current_policy().breakpoints == {
        "performance.augmented": [[0.2, 0.0], [0.6, 1.0]]
    }

    inverted = typed(client, **{name: "0.2: 0, 0.6: -1"}, preview="1")
    form = client.post(PAGE, inverted).context["form"]
    assert form[name].errors == [
        "Let leans rise: here more of it speaks for a managed service."
    ]
