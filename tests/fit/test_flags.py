from datetime import date

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone

from engagements.choices import Role
from engagements.errors import WrongStateError
from engagements.models import Engagement, Event, User
from engagements.values.periods import ONE_DAY
from tests.factories import make_assignment, make_contract, make_user
from tests.fit.records import TODAY, team_bought_by_the_hour
from tracker.fit.models import Assessment, Decision, Flag, Policy
from tracker.fit.services import (
    accept_flag,
    acknowledge_flag,
    assess,
    dismiss_flag,
    snooze_flag,
)

pytestmark = pytest.mark.django_db


def flag_on(engagement: Engagement, **fields: object) -> Flag:
    values = {
        "raised_on": TODAY,
        "opposition": 0.8,
        "leaning": "managed",
        "sentence": "needed for 31 months",
    } | fields
    return Flag.objects.create(engagement=engagement, **values)


@pytest.fixture
def manager() -> User:
    return make_user(Role.MANAGER)


@pytest.fixture
def flag() -> Flag:
    return flag_on(make_assignment())


def test_acknowledging_is_recorded_with_decision_and_event(
    flag: Flag, manager: User
) -> None:
    acknowledge_flag(flag=flag, actor=manager)
    stored = Flag.objects.get()
    decision = Decision.objects.get()
    event = Event.objects.get(event_type="model_flag.acknowledged")
    assert (flag.state, stored.state) == ("acknowledged", "acknowledged")
    assert (decision.action, decision.actor) == ("acknowledge", manager)
    assert (event.engagement_id, event.actor) == (flag.engagement_id, manager)
    assert event.changes == {"state": ["open", "acknowledged"]}


def test_snoozing_keeps_the_day(flag: Flag, manager: User) -> None:
    until = timezone.localdate() + ONE_DAY
    snooze_flag(flag=flag, until=until, actor=manager)
    stored = Flag.objects.get()
    event = Event.objects.get(event_type="model_flag.snoozed")
    assert (stored.state, stored.snoozed_until) == ("snoozed", until)
    assert event.changes["snoozed_until"] == [None, until.isoformat()]


def test_snoozing_until_today_is_refused(flag: Flag, manager: User) -> None:
    with pytest.raises(ValidationError) as caught:
        snooze_flag(flag=flag, until=timezone.localdate(), actor=manager)
    assert caught.value.message_dict == {"until": ["Choose a day after today."]}
    assert Flag.objects.get().state == "open"


def test_acknowledging_a_snoozed_flag_wakes_it(flag: Flag, manager: User) -> None:
    snooze_flag(flag=flag, until=timezone.localdate() + ONE_DAY, actor=manager)
    acknowledge_flag(flag=flag, actor=manager)
    stored = Flag.objects.get()
    assert (stored.state, stored.snoozed_until) == ("acknowledged", None)


@pytest.mark.parametrize("reason", ["", "  \n"])
def test_dismissing_needs_a_reason(flag: Flag, manager: User, reason: str) -> None:
    with pytest.raises(ValidationError) as caught:
        dismiss_flag(flag=flag, reason=reason, actor=manager)
    assert caught.value.message_dict == {"reason": ["Say why the flag is dismissed."]}
    assert (Flag.objects.get().state, Decision.objects.count()) == ("open", 0)


def test_dismissing_keeps_reason_and_the_opposition_of_the_day(manager: User) -> None:
    assignment = team_bought_by_the_hour()
    assess(as_of=TODAY, actor=None)
    Assessment.objects.filter(as_of=TODAY).update(opposition=0.93)
    flag = Flag.objects.get()
    dismiss_flag(flag=flag, reason=" Kept until the audit ", actor=manager)
    decision = Decision.objects.get()
    assert (decision.reason, decision.opposition) == ("Kept until the audit", 0.93)
    assert flag.engagement_id == assignment.pk
    assert Event.objects.filter(event_type="model_flag.dismissed").count() == 1


def test_accepted_flag_can_still_be_dismissed(flag: Flag, manager: User) -> None:
    accept_flag(flag=flag, reason="Saves a hire", actor=manager)
    assert Event.objects.get(event_type="model_flag.accepted").actor == manager
    dismiss_flag(flag=flag, reason="The vendor declined", actor=manager)
    assert [decision.action for decision in Decision.objects.order_by("id")] == [
        "accept",
        "dismiss",
    ]


@pytest.mark.parametrize("state", ["dismissed", "converted", "cleared"])
def test_closed_flag_takes_no_decision(manager: User, state: str) -> None:
    cleared_on = TODAY if state == "cleared" else None
    flag = flag_on(make_assignment(), state=state, cleared_on=cleared_on)
    for decide in (acknowledge_flag, accept_flag):
        with pytest.raises(WrongStateError, match="reload the page"):
            decide(flag=flag, actor=manager)
    with pytest.raises(WrongStateError):
        dismiss_flag(flag=flag, reason="Late", actor=manager)
    assert (Flag.objects.get().state, Decision.objects.count()) == (state, 0)


def test_second_decision_on_a_stale_copy_is_refused(manager: User) -> None:
    flag = flag_on(make_assignment())
    stale = Flag.objects.get()
    dismiss_flag(flag=flag, reason="Budget", actor=manager)
    with pytest.raises(WrongStateError, match="The flag is dismissed already"):
        accept_flag(flag=stale, actor=manager)


@pytest.mark.parametrize(
    ("fields", "constraint"),
    [
        ({"state": "lost"}, "flag_state_known"),
        ({"opposition": 1.2}, "flag_opposition_0_to_1"),
        ({"leaning": ""}, "flag_leans_or_is_dated"),
        ({"state": "cleared"}, "flag_cleared_is_dated"),
        ({"cleared_on": TODAY}, "flag_cleared_is_dated"),
        (
            {"state": "cleared", "cleared_on": date(2026, 11, 14)},
            "flag_cleared_after_raise",
        ),
        ({"state": "snoozed"}, "flag_snooze_is_dated"),
        ({"snoozed_until": TODAY}, "flag_snooze_is_dated"),
    ],
)
def test_database_refuses_an_impossible_flag(
    fields: dict[str, object], constraint: str
) -> None:
    engagement = make_assignment()
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        flag_on(engagement, **fields)


@pytest.mark.parametrize("state", ["open", "acknowledged", "accepted"])
def test_database_refuses_a_second_live_flag(flag: Flag, state: str) -> None:
    # SQLite names the column, PostgreSQL the constraint.
    names = "flag_one_live_per_engagement|tracker_flag.engagement_id"
    with pytest.raises(IntegrityError, match=names), transaction.atomic():
        flag_on(flag.engagement, state=state)


def test_database_allows_a_new_flag_beside_closed_ones(flag: Flag) -> None:
    Flag.objects.update(state="cleared", cleared_on=TODAY)
    flag_on(flag.engagement)
    assert Flag.objects.count() == 2


def test_database_refuses_a_dismissal_without_reason(flag: Flag, manager: User) -> None:
    with (
        pytest.raises(IntegrityError, match="decision_dismissal_has_reason"),
        transaction.atomic(),
    ):
        Decision.objects.create(
            flag=flag,
            action="dismiss",
            opposition=0.8,
            actor=manager,
            at=timezone.now(),
        )


def test_database_refuses_an_unknown_decision(flag: Flag, manager: User) -> None:
    with (
        pytest.raises(IntegrityError, match="decision_action_known"),
        transaction.atomic(),
    ):
        Decision.objects.create(
            flag=flag, action="guess", opposition=0.8, actor=manager, at=timezone.now()
        )


def test_database_refuses_an_unknown_firmness() -> None:
    with (
        pytest.raises(IntegrityError, match="policy_firmness_known"),
        transaction.atomic(),
    ):
        Policy.objects.create(version=9, firmness=3, adopted_at=timezone.now())


@pytest.mark.parametrize(
    ("fields", "constraint"),
    [
        ({"acceptability": 1.01}, "assessment_shares_0_to_1"),
        ({"opposition": -0.01}, "assessment_shares_0_to_1"),
        ({"coverage": 1.01}, "assessment_shares_0_to_1"),
        ({"month": TODAY}, "assessment_month_is_first_day"),
        ({"verdict": "guilty"}, "assessment_verdict_known"),
        (
            {"verdict": "not_enough_evidence", "leaning": "managed"},
            "assessment_leans_on_evidence",
        ),
    ],
)
def test_database_refuses_an_impossible_assessment(
    fields: dict[str, object], constraint: str
) -> None:
    values = {
        "as_of": TODAY,
        "month": date(2026, 11, 1),
        "window_months": 12,
        "kind": "managed",
        "acceptability": 0.5,
        "opposition": 0.5,
        "coverage": 0.5,
        "margin": 0.0,
        "verdict": "either_fits",
        "leaning": "",
        "engine_version": "1.0",
    }
    policy = Policy.objects.create(version=1, adopted_at=timezone.now())
    contract = make_contract()
    Assessment.objects.create(engagement=contract, policy=policy, **values)
    again = values | {"as_of": date(2026, 11, 16)} | fields
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        Assessment.objects.create(engagement=contract, policy=policy, **again)


def test_database_refuses_two_assessments_of_a_day(manager: User) -> None:
    contract = team_bought_by_the_hour()
    assess(as_of=TODAY, actor=manager)
    assessment = Assessment.objects.get(engagement=contract, as_of=TODAY)
    assessment.pk = None
    assessment.public_id = "00000000-0000-0000-0000-000000000001"
    names = "assessment_once_per_day|tracker_assessment.engagement_id"
    with pytest.raises(IntegrityError, match=names), transaction.atomic():
        assessment.save(force_insert=True)
