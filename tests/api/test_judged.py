"""Verdicts, groups and patterns over HTTP, with no flag asked for."""

from datetime import date
from decimal import Decimal

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from engagements.choices import Role
from tests.api.callers import client_for
from tests.api.test_schema import check
from tests.factories import make_department, make_user, make_vendor
from tests.fit.records import (
    TODAY,
    good_managed,
    make_service,
    plant_spend,
    team_bought_by_the_hour,
)
from tests.unguarded import unguarded
from tracker.api.scopes import SCOPES
from tracker.fit.models import Assessment, GroupVerdict, SeenPattern
from tracker.fit.services import assess
from tracker.fit.services.evaluation import ENGINE_VERSION
from tracker.spend.models import WorkLog

pytestmark = pytest.mark.django_db

ASSESSMENTS = "/api/v1/assessments"
GROUPS = "/api/v1/engagement-groups"
PATTERNS = "/api/v1/patterns"
PATHS = (ASSESSMENTS, GROUPS, PATTERNS)


@pytest.fixture
def desk():
    """A managed contract and a team bought by the hour, of one service."""
    fields = {
        "department": make_department(),
        "service": make_service("Desk"),
        "vendor": make_vendor(),
    }
    contract, team = good_managed(**fields), team_bought_by_the_hour(**fields)
    plant_spend(contract, amount=Decimal(20_000), months=4, until=date(2026, 10, 15))
    assess(as_of=TODAY, actor=None)
    return contract, team


def test_assessment_tells_verdict_evidence_window_versions_and_money(api, desk):
    contract, _team = desk

    page = api.get(f"{ASSESSMENTS}?engagement={contract.public_id}").json()

    check("AssessmentPage", page)
    (row,) = page["results"]
    assert row == api.get(f"{ASSESSMENTS}/{row['id']}").json()
    assert (row["verdict"], row["current_model"]) == ("current_model_fits", "managed")
    assert (row["as_of"], row["window_from"], row["window_months"]) == (
        "2026-11-15",
        "2025-11-16",
        12,
    )
    assert (row["engine_version"], row["policy_version"]) == (ENGINE_VERSION, 1)
    assert sum(point["points"] for point in row["points"]) == pytest.approx(
        row["margin"], abs=1e-6
    )
    direction = row["evidence"]["direction"]
    assert direction["window"]["kind"] == direction["recent"]["kind"] == "share"
    assert row["money"]["spent"] == "80000.0000"
    assert "inputs" not in row["money"]


def test_list_has_the_newest_of_each_and_by_id_all_that_is_kept(api, desk):
    newest = {str(row.public_id) for row in Assessment.objects.filter(as_of=TODAY)}
    earlier = Assessment.objects.exclude(as_of=TODAY)[0]

    listed = {row["id"] for row in api.get(ASSESSMENTS).json()["results"]}

    assert listed == newest
    assert api.get(f"{ASSESSMENTS}/{earlier.public_id}").json()["as_of"] == "2026-10-15"
    assert api.get(f"{ASSESSMENTS}?verdict=mixed").json()["results"] == []
    assert api.get(f"{ASSESSMENTS}?verdict=gone").status_code == 400


def test_group_tells_its_members_and_the_blend_that_is_recommended(api, desk):
    contract, team = desk
    GroupVerdict.objects.filter(basis="service").update(
        blend={"managed": [contract.pk], "augmented": [team.pk]}
    )

    page = api.get(f"{GROUPS}?basis=service").json()

    check("EngagementGroupPage", page)
    (row,) = page["results"]
    assert row == api.get(f"{GROUPS}/{row['id']}").json()
    assert (row["name"], row["service"]["name"]) == ("Desk", "Desk")
    assert row["current_model"] is None
    ids = {one.reference: str(one.public_id) for one in desk}
    assert {one["reference"]: one["id"] for one in row["members"]} == ids
    assert row["blend"] == {
        "managed": [str(contract.public_id)],
        "augmented": [str(team.public_id)],
    }


def test_pattern_tells_its_figure_and_what_is_behind_it(api, desk):
    _contract, team = desk

    page = api.get(f"{PATTERNS}?code=steady_time_and_materials").json()

    check("PatternPage", page)
    (row,) = page["results"]
    assert row == api.get(f"{PATTERNS}/{row['id']}").json()
    assert row["engagement"]["reference"] == team.reference
    assert (row["value"], row["threshold"]) == (
        "0 % over 11 months",
        "10 % (note: 15 %) over 9 months",
    )
    assert (row["seen_since"], row["also_behind"]) == ("2026-11-15", [])


def test_pattern_behind_which_others_stand_names_those_that_one_may_see(desk):
    contract, team = desk
    elsewhere = good_managed(department=make_department())
    SeenPattern.objects.update(behind=[team.pk, contract.pk, elsewhere.pk])
    manager = make_user(Role.MANAGER, department=team.department)

    (row,) = client_for(manager, "assessments:read").get(PATTERNS).json()["results"]

    told = [one["reference"] for one in row["also_behind"]]
    assert (told, row["hidden_behind"]) == ([contract.reference], 1)


def test_pattern_that_is_gone_is_told_to_who_asks_for_changes(api, desk):
    (before,) = api.get(PATTERNS).json()["results"]
    since = before["updated_at"].replace("+00:00", "Z")
    with unguarded("tracker_worklog"):
        WorkLog.objects.all().delete()
    assess(as_of=TODAY, actor=None)

    page = api.get(PATTERNS, {"updated_since": since}).json()

    assert page["results"] == []
    assert [one["id"] for one in page["deleted"]] == [before["id"]]


def test_money_is_for_keys_with_the_scope_and_owners_who_see_it(desk):
    finance = make_user(Role.FINANCE)
    hr = make_user(Role.HR_INTEGRATION)
    callers = [
        client_for(finance, "assessments:read"),
        client_for(hr, "assessments:read"),
        client_for(finance, "assessments:read", "rates:read"),
        client_for(hr, "assessments:read", "rates:read"),
    ]

    rows = [
        [
            row.get("money", "absent")
            for row in caller.get(ASSESSMENTS).json()["results"]
        ]
        for caller in callers
    ]

    assert rows[:2] == [["absent", "absent"]] * 2
    assert [[one and one["spent"] for one in row] for row in rows[2:]] == [
        ["80000.0000", None]
    ] * 2


@pytest.mark.parametrize("path", PATHS)
def test_what_is_of_another_department_is_not_there(path, api, desk):
    stranger = client_for(make_user(Role.MANAGER), *SCOPES)
    seen = api.get(path).json()["results"]

    assert seen != []
    assert stranger.get(path).json()["results"] == []
    assert stranger.get(f"{path}/{seen[0]['id']}").status_code == 404
    person = Client()
    person.force_login(make_user(Role.HR_INTEGRATION))
    assert person.get(path).status_code == 403


def test_cursor_of_one_list_leads_nowhere_in_another(api, desk):
    cursor = api.get(f"{ASSESSMENTS}?page_size=1").json()["next_cursor"]

    ours = api.get(ASSESSMENTS, {"page_size": 1, "cursor": cursor})
    other = api.get(GROUPS, {"page_size": 1, "cursor": cursor})

    assert (ours.status_code, other.status_code) == (200, 422)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("teams", [1, 3])
def test_number_of_queries_does_not_grow(api, path, teams):
    for number in range(teams):
        service = make_service(f"Payroll {number}")
        team_bought_by_the_hour(service=service)
        team_bought_by_the_hour(service=service)
    assess(as_of=TODAY, actor=None)
    first = api.get(path)
    assert api.get(path, headers={"If-None-Match": first["ETag"]}).status_code == 304

    with CaptureQueriesContext(connection) as captured:
        assert len(api.get(path).json()["results"]) >= teams

    assert len(captured) == {ASSESSMENTS: 5, GROUPS: 5, PATTERNS: 4}[path]
