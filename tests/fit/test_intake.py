from datetime import date
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from engagements.choices import RateUnit, Role
from engagements.errors import WrongStateError
from engagements.models import Event, User
from tests.factories import make_assignment, make_contract, make_department, make_user
from tests.fit.records import make_service, running_contract
from tracker.fit.models import Advice
from tracker.fit.questions import QUESTIONS
from tracker.fit.services import Planned, give_advice, keep_advice, repeat

pytestmark = pytest.mark.django_db

TOWARDS_MANAGED = {q.code: q.choices[0].code for q in QUESTIONS}
TOWARDS_AUGMENTED = {q.code: q.choices[-1].code for q in QUESTIONS}


@pytest.fixture
def manager() -> User:
    return make_user(Role.MANAGER, department=make_department())


def ask(actor: User, **planned: Any) -> Advice:
    given = {"title": "Night desk", "currency": "GBP", "answers": TOWARDS_MANAGED}
    return give_advice(planned=Planned(**given | planned), actor=actor)


def test_five_answers_are_answered(manager: User) -> None:
    advice = ask(manager)
    assert (advice.verdict, advice.leaning, advice.is_strong) == (
        "managed_fits",
        "managed",
        True,
    )
    assert (advice.asked_by, advice.engagement, advice.money) == (manager, None, None)
    assert advice.engine_version == "1.5"
    assert advice.policy.version == 1
    assert len(advice.points) + len(advice.missing) == 16
    assert advice.asked == {"rate_unit": "day", "currency": "GBP"}


def test_opposite_answers_lean_the_other_way(manager: User) -> None:
    advice = ask(manager, answers=TOWARDS_AUGMENTED)
    assert (advice.verdict, advice.leaning) == ("augmented_fits", "augmented")


def test_nothing_answered_is_not_enough_evidence(manager: User) -> None:
    advice = ask(manager, answers={})
    assert (advice.verdict, advice.leaning, advice.coverage) == (
        "not_enough_evidence",
        "",
        0.0,
    )


def test_stored_advice_repeats_to_the_digit(manager: User) -> None:
    advice = Advice.objects.get(pk=ask(manager, facts={"core_work": 0.3}).pk)
    again = repeat(advice)
    assert (again.acceptability, again.coverage, again.margin) == (
        advice.acceptability,
        advice.coverage,
        advice.margin,
    )
    assert [(point.code, point.points) for point in again.points] == [
        (point["code"], point["points"])
        for point in advice.points
        if point["code"] != "not_recorded"
    ]


def value_of(advice: Advice, code: str) -> str:
    (value,) = (p["value"] for p in advice.points if p["code"] == code)
    return str(value)


def test_a_fact_goes_before_what_an_answer_says(manager: User) -> None:
    assert value_of(ask(manager), "direction") == "10 %"
    assert value_of(ask(manager, facts={"direction": 0.6}), "direction") == "60 %"


@time_machine.travel("2026-11-15 12:00")
def test_service_brings_its_team_and_history(manager: User) -> None:
    service = make_service(
        "Payroll", in_house_maturity=2, maturity_declared_on=date(2026, 1, 1)
    )
    running_contract(
        service=service, starts_on=date(2025, 12, 1), ends_on=date(2026, 11, 30)
    )
    advice = ask(manager, service=service, facts={"in_house_team": 5.0})
    assert value_of(advice, "in_house_team") == "2.0 of 5"
    assert value_of(advice, "permanence") == "12 months"
    planned = ask(manager, service=service, months=Decimal(6))
    assert value_of(planned, "permanence") == "18 months"
    (told,) = (p["sentence"] for p in planned.points if p["code"] == "permanence")
    assert told == "the length of the need: 18 months"


def test_service_without_records_tells_nothing(manager: User) -> None:
    advice = ask(manager, service=make_service("New one"))
    codes = {point["code"] for point in advice.points}
    assert codes & {"in_house_team", "permanence"} == set()


def test_planned_months_alone_are_the_need(manager: User) -> None:
    assert value_of(ask(manager, months=Decimal(6)), "permanence") == "6 months"


def test_prices_give_a_range_in_their_currency(manager: User) -> None:
    advice = ask(
        manager,
        weekly_hours=Decimal("37.5"),
        rate=Decimal(600),
        rate_unit=RateUnit.DAY,
        currency="JPY",
    )
    assert advice.money is not None
    assert advice.money["currency"] == "JPY"
    for name in ("augmented", "managed", "difference"):
        low, middle, high = (
            Decimal(advice.money[name][key]) for key in ("p10", "p50", "p90")
        )
        assert low < middle < high
        # The yen has no smaller unit.
        assert {n.as_tuple().exponent for n in (low, middle, high)} == {0}
    assert len(advice.money["assumptions"]) == 11
    assert advice.asked["rate"] == "600"


def test_a_day_rate_buys_seven_and_a_half_hours(manager: User) -> None:
    by_day = ask(manager, weekly_hours=Decimal(30), rate=Decimal(600))
    by_hour = ask(
        manager,
        weekly_hours=Decimal(30),
        rate=Decimal(80),
        rate_unit=RateUnit.HOUR,
    )
    assert by_day.money == by_hour.money


@pytest.mark.parametrize(
    ("planned", "field"),
    [
        ({"answers": {"skills": "shallow"}}, "skills"),
        ({"answers": {"colour": "red"}}, "colour"),
        ({"facts": {"directon": 0.5}}, "directon"),
        ({"facts": {"direction": 1.5}}, "direction"),
        ({"facts": {"direction": float("nan")}}, "direction"),
        ({"currency": "XXQ"}, "currency"),
        ({"rate": Decimal(-1)}, "rate"),
        ({"fee": Decimal("1E+12")}, "fee"),
        ({"weekly_hours": Decimal(0)}, "weekly_hours"),
        ({"months": Decimal(601)}, "months"),
        ({"title": ""}, "title"),
    ],
)
def test_what_cannot_be_is_refused_by_field(
    manager: User, planned: dict[str, Any], field: str
) -> None:
    with pytest.raises(ValidationError) as refusal:
        ask(manager, **planned)
    assert set(refusal.value.message_dict) == {field}
    assert not Advice.objects.exists()


def test_asking_and_keeping_are_events(manager: User) -> None:
    advice = ask(manager)
    contract = make_contract(manager=manager, actor=manager)
    keep_advice(advice=advice, engagement=contract, actor=manager)
    given, kept = Event.objects.filter(event_type__startswith="advice.").order_by("id")
    assert (given.event_type, given.actor, given.engagement_id) == (
        "advice.given",
        manager,
        None,
    )
    assert given.changes["verdict"] == [None, "managed_fits"]
    assert (kept.event_type, kept.engagement_id) == ("advice.kept", contract.pk)


def test_advice_is_kept_once(manager: User) -> None:
    advice = ask(manager)
    first = make_contract(manager=manager)
    keep_advice(advice=advice, engagement=first, actor=manager)
    with pytest.raises(WrongStateError, match="another engagement already"):
        keep_advice(advice=advice, engagement=make_contract(), actor=manager)
    assert Advice.objects.get().engagement_id == first.pk


def test_an_engagement_follows_one_advice(manager: User) -> None:
    contract = make_contract(manager=manager)
    keep_advice(advice=ask(manager), engagement=contract, actor=manager)
    with pytest.raises(WrongStateError, match="follows another advice"):
        keep_advice(advice=ask(manager), engagement=contract, actor=manager)


def test_advice_outlives_a_draft_that_is_deleted(manager: User) -> None:
    contract = make_contract(manager=manager)
    keep_advice(advice=ask(manager), engagement=contract, actor=manager)
    contract.delete()
    assert Advice.objects.get().engagement is None


def test_one_sees_ones_own_and_those_of_engagements_in_scope(manager: User) -> None:
    other = make_user(Role.MANAGER, department=make_department())
    own, theirs, shared = ask(manager), ask(other), ask(other)
    assignment = make_assignment(department=manager.department)
    keep_advice(advice=shared, engagement=assignment, actor=other)
    assert set(Advice.objects.visible_to(manager)) == {own, shared}
    assert set(Advice.objects.visible_to(other)) == {theirs, shared}
    auditor = make_user(Role.AUDITOR)
    assert set(Advice.objects.visible_to(auditor)) == {own, theirs, shared}
    assert not Advice.objects.visible_to(AnonymousUser()).exists()


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ({"acceptability": 1.5}, "advice_shares_0_to_1"),
        ({"coverage": -0.1}, "advice_shares_0_to_1"),
        ({"verdict": "blend"}, "advice_verdict_known"),
        ({"verdict": "not_enough_evidence"}, "advice_leans_on_evidence"),
    ],
)
def test_database_refuses(
    manager: User, change: dict[str, Any], constraint: str
) -> None:
    advice = ask(manager)
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        Advice.objects.filter(pk=advice.pk).update(**change)
