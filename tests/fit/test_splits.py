"""Mixed work: its parts, what each of them tells, and the blend they confirm."""

import json
from datetime import date
from decimal import Decimal

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from engagements.choices import Role
from engagements.models import Engagement
from engagements.values.periods import add_months, months_between
from tests.api.callers import client_for
from tests.factories import make_user
from tests.fit.records import (
    TODAY,
    make_service,
    make_skills,
    plant_work,
    running_assignment,
)
from tests.unguarded import unguarded
from tracker.fit.evidence import Mean, Share
from tracker.fit.judgement import Case
from tracker.fit.models import Assessment, Flag
from tracker.fit.services import assess, current_policy, verify_assessments
from tracker.fit.services.evaluation import case_of
from tracker.fit.services.policies import rulebook_of
from tracker.fit.services.splitting import splits_of
from tracker.fit.splits import Cell, Part, SplitBy, cuts_of
from tracker.fit.verdict import Answer, Verdict, fits_as
from tracker.spend.models import WorkLog

DAYS = (2, 9, 16, 23)


def plant_stream(
    engagement: Engagement, skill: str, *, breadth: str = "general", **fields: object
) -> None:
    """A year of one skill, in four logs a month."""
    (used,) = make_skills(skill, breadth=breadth)
    WorkLog.objects.bulk_create(
        WorkLog(
            engagement=engagement,
            worked_on=month.replace(day=day),
            hours=Decimal(20),
            skill=used,
            **fields,
        )
        for month in months_between(add_months(TODAY, -11), TODAY)
        for day in DAYS
        if month.replace(day=day) <= TODAY
    )


def two_streams() -> Engagement:
    """Networks that the vendor runs at night, and models that we direct."""
    engagement = running_assignment(
        service=make_service(
            "Claims", in_house_maturity=5, maturity_declared_on=date(2026, 1, 1)
        )
    )
    plant_stream(
        engagement,
        "networks",
        assigned_by="vendor",
        is_core=False,
        is_out_of_hours=True,
        activity="advisory",
        description="notes",
    )
    plant_stream(
        engagement,
        "actuarial modelling",
        breadth="specialist",
        assigned_by="client",
        is_core=True,
        is_out_of_hours=False,
        activity="pairing",
    )
    return engagement


def make_flag(engagement: Engagement) -> Flag:
    return Flag.objects.create(
        engagement=engagement,
        raised_on=TODAY,
        opposition=0.8,
        leaning="managed",
        sentence="because",
    )


def assessed(engagement: Engagement) -> Assessment:
    assess(as_of=TODAY, actor=None)
    return Assessment.objects.get(engagement=engagement, as_of=TODAY)


def cell(skill: int | None, hours: float) -> Cell:
    return Cell(skill, None, "", f"skill {skill}", hours)


def test_small_skills_are_one_part_together() -> None:
    cells = [cell(1, 50), cell(2, 40), cell(3, 6), cell(4, 4), cell(None, 900)]
    cuts = cuts_of(cells, SplitBy.SKILL)
    assert [(cut.key, cut.hours) for cut in cuts] == [
        ("1", 50),
        ("2", 40),
        ("others", 10),
    ]


def test_work_that_is_all_alike_has_no_parts() -> None:
    assert cuts_of([cell(1, 50), cell(None, 50)], SplitBy.SKILL) == []
    assert cuts_of([cell(1, 50), cell(2, 50)], SplitBy.CORE) == []


def test_part_that_tells_one_fact_of_its_own_tells_nothing() -> None:
    whole = Case(
        is_managed=True, facts={"permanence": Mean(mean=30, count=30, records=1)}
    )
    one = {"direction": Share(part=1, whole=9, records=1)}
    two = one | {"coverage": Share(part=1, whole=9, records=1)}
    part = Part("core", "core", "", 9, one, ("permanence",))
    assert part.case(whole).facts == {}
    part = Part("core", "core", "", 9, two, ("permanence",))
    assert sorted(part.case(whole).facts) == ["coverage", "direction", "permanence"]


@pytest.mark.parametrize(
    ("verdict", "is_managed", "answer"),
    [
        (Verdict.OTHER_MODEL_FITS, True, Answer.AUGMENTED_FITS),
        (Verdict.OTHER_MODEL_FITS, False, Answer.MANAGED_FITS),
        (Verdict.CURRENT_MODEL_FITS, True, Answer.MANAGED_FITS),
        (Verdict.CURRENT_MODEL_FITS, False, Answer.AUGMENTED_FITS),
        (Verdict.MIXED, True, Answer.MIXED),
    ],
)
def test_verdict_on_a_part_names_the_model(
    verdict: Verdict, is_managed: bool, answer: Answer
) -> None:
    assert fits_as(verdict, is_managed=is_managed) == answer


@pytest.mark.django_db
def test_mixed_work_is_split_three_ways_and_the_blend_names_its_parts() -> None:
    mixed = assessed(two_streams())
    networks, models = make_skills("networks", "actuarial modelling")

    assert mixed.verdict == "mixed"
    assert [(split["by"], split["blend"]) for split in mixed.parts] == [
        ("skill", {"managed": [str(networks.pk)], "augmented": [str(models.pk)]}),
        ("core", {"managed": ["not_core"], "augmented": ["core"]}),
        ("direction", {"managed": ["vendor"], "augmented": ["client"]}),
    ]
    parts = {part["name"]: part for part in mixed.parts[0]["parts"]}
    assert [
        (part["hours"], part["verdict"], part["coverage"] >= 0.4)
        for part in (parts["networks"], parts["actuarial modelling"])
    ] == [(920.0, "managed_fits", True), (920.0, "augmented_fits", True)]
    # Of a skill by itself that it is one skill says nothing; of core systems it does.
    assert "skills_breadth" not in parts["networks"]["points"]
    assert "skills_breadth" in mixed.parts[1]["parts"][0]["points"]
    assert json.loads(json.dumps(mixed.parts)) == mixed.parts


@pytest.mark.django_db
def test_parts_of_too_little_evidence_confirm_no_blend() -> None:
    engagement = two_streams()
    log = WorkLog.objects.filter(skill__name="networks").first()
    assert log is not None
    with unguarded("tracker_worklog"):
        WorkLog.objects.update(is_core=None, is_out_of_hours=None, assigned_by="")
        log.refresh_from_db()
        log.assigned_by = "client"
        log.save()
    mixed = assessed(engagement)
    found = splits_of(
        mixed={engagement.pk: case_of(mixed)},
        as_of=TODAY,
        months=12,
        rulebook=rulebook_of(mixed.policy),
    )

    (by_skill,) = found[engagement.pk]

    assert by_skill["blend"] is None
    assert {part["verdict"] for part in by_skill["parts"]} == {"not_enough_evidence"}


@pytest.mark.django_db
def test_parts_are_repeated_to_the_digit_and_a_changed_one_is_named() -> None:
    mixed = assessed(two_streams())
    assert verify_assessments(as_of=TODAY).deviations == ()

    mixed.parts[0]["parts"][0]["acceptability"] = 0.5
    mixed.save()

    (deviation,) = verify_assessments(as_of=TODAY).deviations
    assert (deviation.reference, deviation.figure) == (
        mixed.engagement.reference,
        "parts",
    )


@pytest.mark.django_db
def test_other_work_has_no_parts_and_is_not_read_for_them() -> None:
    engagement = running_assignment()
    plant_work(engagement, ours=1.0, core=1.0)
    assert assessed(engagement).parts == []


@pytest.mark.django_db
def test_parts_are_read_in_one_number_of_queries() -> None:
    def queries(*engagements: Engagement) -> int:
        whole = Case(is_managed=False, facts={})
        with CaptureQueriesContext(connection) as captured:
            splits_of(
                mixed={one.pk: whole for one in engagements},
                as_of=TODAY,
                months=12,
                rulebook=rulebook,
            )
        return len(captured)

    rulebook = rulebook_of(current_policy())
    assert queries() == 0
    one, *more = (two_streams() for _ in range(3))
    # One for the hours, and one for each of the eight criteria told from logs.
    assert queries(one) == queries(one, *more) == 9


@pytest.mark.django_db
def test_page_tells_the_parts_in_words(client: Client) -> None:
    client.force_login(make_user(Role.ADMINISTRATOR))
    mixed = assessed(two_streams())
    page = reverse("admin:tracker_assessment_change", args=[mixed.pk])

    text = client.get(page).content.decode()

    assert (
        "A blend fits: networks as a managed service, actuarial modelling by augmented"
        " contractors." in text
    )
    assert "Work that the vendor assigns" in text
    assert text.count("Our managers assigned 0 % of 920 hours") == 2


@pytest.mark.django_db
def test_api_tells_the_parts_of_a_flagged_engagement() -> None:
    engagement = two_streams()
    mixed = assessed(engagement)
    make_flag(engagement)
    api = client_for(make_user(Role.ADMINISTRATOR), "model-flags:read")

    (flag,) = api.get("/api/v1/model-flags").json()["results"]

    split = flag["assessment"]["splits"][0]
    assert (split["by"], split["blend"]) == (
        "skill",
        {"managed": ["networks"], "augmented": ["actuarial modelling"]},
    )
    assert [part["acceptability"] for part in split["parts"]] == [
        part["acceptability"] for part in mixed.parts[0]["parts"]
    ]
    assert split["parts"][0]["reasons"] == [
        "our managers assigned 0 % of 920 hours",
        "0 % of 920 hours on core systems",
    ]
