"""The nightly judgement on a database: planted stories, hysteresis, repetition."""

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from engagements.choices import Kind, Role, TenureAction, TenureBasis
from engagements.models import Engagement, Event, TenurePolicy, Tombstone
from engagements.values.periods import add_months
from tests.factories import make_user
from tests.fit.records import (
    LONG_AGO,
    TODAY,
    body_shop_under_a_fee,
    good_augmented,
    good_managed,
    imported,
    make_service,
    make_skills,
    plant_spend,
    plant_work,
    running_assignment,
    team_bought_by_the_hour,
)
from tests.unguarded import unguarded
from tracker.fit.models import (
    Assessment,
    Flag,
    FlagState,
    Policy,
    QuarterPrior,
    SeenPattern,
)
from tracker.fit.pattern import Finding
from tracker.fit.patterns.manager_overload import ManagerOverload, Overload
from tracker.fit.services import (
    AssessmentRun,
    acknowledge_flag,
    assess,
    assessing,
    dismiss_flag,
    repeat,
)
from tracker.fit.services.agreeing import chosen_by_engagement
from tracker.notify.flag_lines import flag_lines
from tracker.spend.models import WorkLog

pytestmark = pytest.mark.django_db

NEXT_MONTH = add_months(TODAY, 1)


def plant_portfolio(count: int) -> None:
    """As many running engagements with work and spend, written in bulk."""
    pattern = running_assignment(service=make_service("Desk"))
    plant_work(pattern, months=12, ours=1.0, core=1.0)
    plant_spend(pattern, amount=Decimal(9000), months=4)
    others = Engagement.objects.bulk_create(
        Engagement(
            reference=f"AUG-{number}",
            title=f"Engineer {number}",
            kind=Kind.AUGMENTED,
            vendor=pattern.vendor,
            service=pattern.service,
            starts_on=LONG_AGO,
            term_starts_on=LONG_AGO,
            status="active",
        )
        for number in range(1, count)
    )
    WorkLog.objects.bulk_create(
        WorkLog(
            engagement=other,
            worked_on=date(2026, month, 2),
            hours=Decimal(100),
            assigned_by="client",
        )
        for other in others
        for month in range(6, 11)
    )


def told(run: AssessmentRun) -> tuple[int, int, int, int]:
    return (
        run.judged,
        run.not_enough_evidence,
        run.flags_raised,
        run.flags_cleared,
    )


def on_the_day(engagement: Engagement, day: date = TODAY) -> Assessment:
    return Assessment.objects.get(engagement=engagement, as_of=day)


def test_planted_misfits_are_flagged_and_good_fits_are_not() -> None:
    bought_by_the_hour = team_bought_by_the_hour()
    body_shop = body_shop_under_a_fee()
    good_managed()
    good_augmented()
    imported()
    run = assess(as_of=TODAY, actor=None)
    assert told(run) == (5, 1, 2, 0)
    flags = Flag.objects.order_by("id").values_list("engagement", "leaning", "state")
    assert list(flags) == [
        (bought_by_the_hour.pk, "managed", "open"),
        (body_shop.pk, "augmented", "open"),
    ]


def test_flag_carries_its_reason_and_notice_deadline() -> None:
    contract = body_shop_under_a_fee(notice_period=30)
    assess(as_of=TODAY, actor=None)
    flag = Flag.objects.get()
    assert (flag.raised_on, flag.sentence) == (
        TODAY,
        "our managers assigned 90 % of 1,010 hours",
    )
    assert flag.opposition == on_the_day(contract).opposition
    assert flag.notice_deadline_on == contract.notice_deadline_on
    assert flag.notice_deadline_on is not None


def test_raise_is_told_in_an_event() -> None:
    actor = make_user(Role.ADMINISTRATOR)
    contract = body_shop_under_a_fee()
    assess(as_of=TODAY, actor=actor)
    flag = Flag.objects.get()
    event = Event.objects.get(event_type="model_flag.raised")
    assert (event.subject_type, event.subject_id) == ("flag", flag.pk)
    assert (event.engagement_id, event.actor) == (contract.pk, actor)
    assert event.changes == {
        "state": [None, "open"],
        "leaning": [None, "augmented"],
        "opposition": [None, flag.opposition],
        "raised_on": [None, "2026-11-15"],
    }


def test_payments_alone_say_what_to_record() -> None:
    engagement = imported()
    assess(as_of=TODAY, actor=None)
    assessment = on_the_day(engagement)
    assert (assessment.verdict, assessment.leaning) == ("not_enough_evidence", "")
    assert [point["code"] for point in assessment.points] == [
        "permanence",
        "steadiness",
    ]
    assert [fact["code"] for fact in assessment.missing][:3] == [
        "direction",
        "measurability",
        "skills_breadth",
    ]
    assert all(fact["how_to_record"] for fact in assessment.missing)


def test_stored_assessment_is_repeated_to_the_digit() -> None:
    for plant in (team_bought_by_the_hour, body_shop_under_a_fee, imported):
        plant()
    assess(as_of=TODAY, actor=None)
    for assessment in Assessment.objects.select_related("policy"):
        judgement = repeat(assessment)
        assert judgement.acceptability == assessment.acceptability
        assert judgement.opposition == assessment.opposition
        assert judgement.coverage == assessment.coverage
        assert judgement.margin == assessment.margin
        assert judgement.verdict == assessment.verdict
        assert {p.code: p.points for p in judgement.points} == {
            p["code"]: p["points"] for p in assessment.points
        }


def test_points_sum_exactly_to_the_margin() -> None:
    contract = body_shop_under_a_fee()
    assess(as_of=TODAY, actor=None)
    assessment = on_the_day(contract)
    total = sum(Decimal(str(point["points"])) for point in assessment.points)
    assert total == Decimal(str(assessment.margin))


def test_same_day_again_has_one_effect() -> None:
    team_bought_by_the_hour()
    assess(as_of=TODAY, actor=None)
    before = (Assessment.objects.count(), Event.objects.count(), Flag.objects.count())
    run = assess(as_of=TODAY, actor=None)
    assert told(run) == (1, 0, 0, 0)
    assert before == (
        Assessment.objects.count(),
        Event.objects.count(),
        Flag.objects.count(),
    )


def test_same_evidence_on_a_later_day_of_the_month_is_not_stored_again() -> None:
    imported(until=date(2026, 9, 1))
    assess(as_of=TODAY, actor=None)
    assess(as_of=date(2026, 11, 16), actor=None)
    days = Assessment.objects.order_by("as_of").values_list("as_of", flat=True)
    assert list(days) == [date(2026, 10, 15), TODAY]


def test_new_evidence_on_a_later_day_is_stored() -> None:
    engagement = body_shop_under_a_fee()
    assess(as_of=TODAY, actor=None)
    WorkLog.objects.create(
        engagement=engagement,
        worked_on=date(2026, 11, 16),
        hours=Decimal(8),
        assigned_by="vendor",
    )
    assess(as_of=date(2026, 11, 16), actor=None)
    assert Assessment.objects.filter(engagement=engagement).count() == 3


def test_flag_waits_for_a_second_monthly_evaluation() -> None:
    assignment = running_assignment(
        service=make_service(
            "Payroll", in_house_maturity=1, maturity_declared_on=date(2026, 10, 1)
        ),
        starts_on=date(2026, 10, 20),
    )
    plant_work(
        assignment,
        months=3,
        until=date(2026, 12, 31),
        ours=0.1,
        skills=make_skills("support", "networks", "backups", "patching", "reporting"),
        core=0.0,
        out_of_hours=0.4,
    )
    first = assess(as_of=TODAY, actor=None)
    assert on_the_day(assignment).verdict == "other_model_fits"
    assert first.flags_raised == 0
    second = assess(as_of=NEXT_MONTH, actor=None)
    assert second.flags_raised == 1


def test_same_day_again_keeps_the_later_judgement() -> None:
    engagement = body_shop_under_a_fee()
    assess(as_of=TODAY, actor=None)
    before = on_the_day(engagement)
    WorkLog.objects.create(
        engagement=engagement,
        worked_on=TODAY,
        hours=Decimal(200),
        assigned_by="vendor",
    )
    assess(as_of=TODAY, actor=None)
    after = on_the_day(engagement)
    assert before.evidence["direction"]["12"]["whole"] == 1010.0
    assert after.evidence["direction"]["12"]["whole"] == 1210.0
    assert Assessment.objects.filter(as_of=TODAY).count() == 1


def test_flag_is_not_raised_by_a_first_month_of_opposition() -> None:
    assignment = team_bought_by_the_hour()
    logs = WorkLog.objects.filter(engagement=assignment)
    good = list(logs.values_list("pk", "assigned_by", "is_core", "is_out_of_hours"))
    skills = dict(logs.values_list("pk", "skill"))
    reverse_the_evidence(assignment)
    assess(as_of=TODAY, actor=None)
    assert on_the_day(assignment).verdict == "current_model_fits"
    with unguarded("tracker_worklog"):
        for pk, assigned_by, is_core, is_out_of_hours in good:
            logs.filter(pk=pk).update(
                assigned_by=assigned_by,
                is_core=is_core,
                is_out_of_hours=is_out_of_hours,
                skill=skills[pk],
            )
    first = assess(as_of=NEXT_MONTH, actor=None)
    assert on_the_day(assignment, NEXT_MONTH).verdict == "other_model_fits"
    second = assess(as_of=add_months(TODAY, 2), actor=None)
    assert (first.flags_raised, second.flags_raised) == (0, 1)


def test_flag_is_not_raised_by_opposition_that_has_passed() -> None:
    assignment = good_augmented()
    assess(as_of=TODAY, actor=None)
    Assessment.objects.filter(engagement=assignment, as_of=TODAY).update(
        opposition=0.9, verdict="other_model_fits"
    )
    run = assess(as_of=NEXT_MONTH, actor=None)
    assert run.flags_raised == 0


def reverse_the_evidence(engagement: Engagement) -> None:
    """What had spoken for the other model now speaks for this one."""
    logs = WorkLog.objects.filter(engagement=engagement)
    (deep,) = make_skills("actuarial modelling", breadth="specialist")
    with unguarded("tracker_worklog"):
        logs.update(
            assigned_by="client", is_core=True, is_out_of_hours=False, skill=deep
        )


def test_flag_is_cleared_by_two_evaluations_below_the_lower_threshold() -> None:
    assignment = team_bought_by_the_hour()
    assess(as_of=TODAY, actor=None)
    reverse_the_evidence(assignment)
    first = assess(as_of=NEXT_MONTH, actor=None)
    second = assess(as_of=add_months(TODAY, 2), actor=None)
    assert (first.flags_cleared, second.flags_cleared) == (0, 1)
    flag = Flag.objects.get()
    assert (flag.state, flag.cleared_on) == ("cleared", add_months(TODAY, 2))
    assert Event.objects.filter(event_type="model_flag.cleared").count() == 1


def test_acknowledged_flag_stays_and_none_is_raised_beside_it() -> None:
    team_bought_by_the_hour()
    assess(as_of=TODAY, actor=None)
    acknowledge_flag(flag=Flag.objects.get(), actor=make_user(Role.MANAGER))
    run = assess(as_of=NEXT_MONTH, actor=None)
    assert told(run) == (1, 0, 0, 0)
    assert Flag.objects.get().state == "acknowledged"


def test_flag_of_an_ended_engagement_is_cleared() -> None:
    assignment = team_bought_by_the_hour()
    assess(as_of=TODAY, actor=None)
    Engagement.objects.filter(pk=assignment.pk).update(
        status="ended", ends_on=date(2026, 12, 1)
    )
    run = assess(as_of=NEXT_MONTH, actor=None)
    assert (run.judged, run.flags_cleared) == (0, 1)


def test_dismissed_flag_returns_only_when_opposition_has_risen() -> None:
    assignment = team_bought_by_the_hour()
    assess(as_of=TODAY, actor=None)
    flag = Flag.objects.get()
    dismiss_flag(flag=flag, reason="Budget", actor=make_user(Role.MANAGER))
    unchanged = assess(as_of=NEXT_MONTH, actor=None)
    assert unchanged.flags_raised == 0
    decision = flag.decisions.get()
    now = on_the_day(assignment, NEXT_MONTH).opposition
    decision.opposition = now - 0.0999
    decision.save()
    assert assess(as_of=NEXT_MONTH, actor=None).flags_raised == 0
    decision.opposition = now - 0.1001
    decision.save()
    assert assess(as_of=NEXT_MONTH, actor=None).flags_raised == 1
    assert Flag.objects.count() == 2


def test_snoozed_flag_opens_again_on_its_day() -> None:
    team_bought_by_the_hour()
    assess(as_of=TODAY, actor=None)
    Flag.objects.update(state="snoozed", snoozed_until=date(2026, 12, 1))
    assess(as_of=date(2026, 11, 30), actor=None)
    assert Flag.objects.get().state == "snoozed"
    assess(as_of=date(2026, 12, 1), actor=None)
    flag = Flag.objects.get()
    assert (flag.state, flag.snoozed_until) == ("open", None)
    assert Event.objects.filter(event_type="model_flag.reopened").count() == 1


def test_past_day_is_judged_with_what_was_known_then() -> None:
    assignment = team_bought_by_the_hour()
    past = date(2026, 3, 31)
    assess(as_of=past, actor=None)
    earlier = on_the_day(assignment, past)
    reversed_after = WorkLog.objects.filter(worked_on__gt=past)
    with unguarded("tracker_worklog"):
        reversed_after.update(assigned_by="client", is_core=True)
    Assessment.objects.all().delete()
    Flag.objects.all().delete()
    assess(as_of=past, actor=None)
    again = on_the_day(assignment, past)
    assert (again.evidence, again.acceptability) == (
        earlier.evidence,
        earlier.acceptability,
    )


def test_past_day_judged_late_moves_no_flag() -> None:
    assignment = team_bought_by_the_hour()
    assess(as_of=TODAY, actor=None)
    reverse_the_evidence(assignment)
    assess(as_of=date(2026, 6, 15), actor=None)
    assert on_the_day(assignment, date(2026, 6, 15)).opposition < 0.6
    assert Flag.objects.get().state == "open"


def test_other_engagements_and_their_past_change_nothing_within_a_quarter() -> None:
    assignment = team_bought_by_the_hour()
    assess(as_of=TODAY, actor=None)
    before = on_the_day(assignment)
    plant_portfolio(31)
    Assessment.objects.all().delete()
    Flag.objects.all().delete()
    assess(as_of=TODAY, actor=None)
    after = on_the_day(assignment)
    assert (after.evidence, after.acceptability) == (
        before.evidence,
        before.acceptability,
    )


def test_portfolio_of_an_earlier_quarter_stands_in_for_missing_facts() -> None:
    plant_portfolio(31)
    engagement = imported()
    assess(as_of=TODAY, actor=None)
    prior = QuarterPrior.objects.get(quarter=date(2026, 10, 1)).priors["direction"]
    assert prior["portfolio"]["quantiles"] == [1.0] * 8
    assessment = on_the_day(engagement)
    last = assessment.points[-1]
    assert last["code"] == "not_recorded"
    assert last["points"] < 0
    total = sum(Decimal(str(point["points"])) for point in assessment.points)
    assert total == Decimal(str(assessment.margin))


def test_another_policy_is_another_judgement() -> None:
    assignment = good_augmented()
    assess(as_of=TODAY, actor=None)
    policy = Policy.objects.create(
        version=2,
        importances={"direction": 50.0},
        breakpoints={"direction": [[0.0, -1.0], [1.0, 1.0]]},
        thresholds={"cover": 0.1},
        firmness=4,
        adopted_at=datetime(2026, 11, 15, 9, tzinfo=UTC),
    )
    run = assess(as_of=TODAY, actor=None)
    assert run.flags_raised == 1
    found = Assessment.objects.get(as_of=TODAY, policy=policy)
    assert (found.engagement_id, found.verdict) == (
        assignment.pk,
        "other_model_fits",
    )
    assert repeat(found).acceptability == found.acceptability


def test_draft_cancelled_and_future_engagements_are_not_judged() -> None:
    running_assignment(starts_on=date(2026, 12, 1))
    cancelled = running_assignment()
    Engagement.objects.filter(pk=cancelled.pk).update(status="cancelled")
    draft = running_assignment()
    Engagement.objects.filter(pk=draft.pk).update(status="draft")
    assert assess(as_of=TODAY, actor=None).judged == 0


def reads_of_a_run(day: date) -> int:
    with CaptureQueriesContext(connection) as captured:
        assess(as_of=day, actor=None)
    return sum(query["sql"].startswith("SELECT") for query in captured)


# Criteria read with 33 queries for each of two windows, and with 13 for groups.  The
# first run ever also judges the month before and freezes the quarter's priors.
FIRST_RUN = 239
LATER_RUN = 133


@pytest.mark.parametrize("engagements", [1, 3, 300])
def test_number_of_reads_is_the_same_for_one_and_for_hundreds(
    engagements: int,
) -> None:
    plant_portfolio(engagements)
    assert reads_of_a_run(TODAY) == FIRST_RUN
    assert reads_of_a_run(NEXT_MONTH) == LATER_RUN


def test_evidence_is_plain_json() -> None:
    contract = body_shop_under_a_fee()
    assess(as_of=TODAY, actor=None)
    evidence = on_the_day(contract).evidence
    assert json.loads(json.dumps(evidence)) == evidence
    assert evidence["direction"]["12"] == {
        "kind": "share",
        "part": 909.0,
        "whole": 1010.0,
        "overdispersion": 2.2,
        "records": 50,
        "figures": {},
    }


def test_kind_at_the_time_is_kept() -> None:
    contract = body_shop_under_a_fee()
    assess(as_of=TODAY, actor=None)
    assert on_the_day(contract).kind == Kind.MANAGED
    assert Flag.objects.get().state == FlagState.OPEN


def limit_tenure() -> TenurePolicy:
    return TenurePolicy.objects.create(
        name="Two years",
        maximum_months=24,
        basis=TenureBasis.PERSON,
        action=TenureAction.WARN,
        source="our own rule",
        checked_on=TODAY,
    )


@pytest.mark.parametrize("flags", [1, 3])
def test_live_flags_follow_deadlines_that_moved_in_one_update(flags: int) -> None:
    for _ in range(flags):
        body_shop_under_a_fee(notice_period=30)
    assess(as_of=TODAY, actor=None)
    moved = date(2027, 11, 1)
    Engagement.objects.update(
        notice_deadline_on=moved, term_ends_on=date(2027, 12, 1), ends_on=None
    )
    with CaptureQueriesContext(connection) as queries:
        assess(as_of=NEXT_MONTH, actor=None)
    writes = [q for q in queries if q["sql"].startswith('UPDATE "tracker_flag"')]
    assert len(writes) == 1
    found = set(Flag.objects.values_list("state", "notice_deadline_on"))
    assert found == {(FlagState.OPEN.value, moved)}


def test_dated_pattern_raises_a_flag_at_once_and_holds_it_up() -> None:
    policy = limit_tenure()
    contractor = running_assignment(starts_on=add_months(TODAY, -22))
    assert assess(as_of=TODAY, actor=None).flags_raised == 1
    flag = Flag.objects.get()
    assert (flag.engagement_id, flag.pattern, flag.leaning) == (
        contractor.pk,
        "tenure_near",
        "",
    )
    assert "Two years" in flag.sentence
    assert assess(as_of=NEXT_MONTH, actor=None).flags_cleared == 0

    policy.delete()
    assert assess(as_of=add_months(TODAY, 2), actor=None).flags_cleared == 1


def test_dated_flag_says_nothing_of_fit_and_teaches_nothing_of_it() -> None:
    limit_tenure()
    good_augmented(starts_on=add_months(TODAY, -22), ends_on=None)
    assess(as_of=TODAY, actor=None)
    judged = Assessment.objects.get(as_of=TODAY)
    flag = Flag.objects.get()
    assert (judged.verdict, flag.leaning, str(flag)) == (
        "current_model_fits",
        "",
        "Asks for a decision",
    )
    person = make_user(Role.ADMINISTRATOR)
    (line,) = flag_lines(person=person, engagements=[judged.engagement_id], today=TODAY)
    assert line.says.startswith("A decision is asked for. Served 22 of 24 months")
    dismiss_flag(flag=flag, reason="The person leaves.", actor=person)
    assert chosen_by_engagement() == {}


def test_dated_flag_names_the_other_model_where_it_fits_better_too() -> None:
    limit_tenure()
    team_bought_by_the_hour(starts_on=add_months(TODAY, -22))
    assess(as_of=TODAY, actor=None)
    flag = Flag.objects.get()
    assert (flag.pattern, flag.leaning) == ("tenure_near", "managed")


def test_dated_flag_does_not_return_for_the_same_pattern_after_a_dismissal() -> None:
    limit_tenure()
    running_assignment(starts_on=add_months(TODAY, -22))
    assess(as_of=TODAY, actor=None)
    dismiss_flag(
        flag=Flag.objects.get(),
        reason="The person leaves.",
        actor=make_user(Role.ADMINISTRATOR),
    )
    assert assess(as_of=NEXT_MONTH, actor=None).flags_raised == 0


def test_new_dated_pattern_brings_a_dismissed_flag_back() -> None:
    contractor = team_bought_by_the_hour(starts_on=add_months(TODAY, -22))
    assess(as_of=TODAY, actor=None)
    dismiss_flag(
        flag=Flag.objects.get(),
        reason="Not now.",
        actor=make_user(Role.ADMINISTRATOR),
    )
    assert assess(as_of=NEXT_MONTH, actor=None).flags_raised == 0
    limit_tenure()
    assert assess(as_of=add_months(TODAY, 2), actor=None).flags_raised == 1
    assert Flag.objects.get(state=FlagState.OPEN).engagement_id == contractor.pk


@pytest.mark.parametrize(("notice_days", "raised"), [(30, 1), (200, 0)])
def test_opposed_once_is_enough_where_notice_is_due_within_a_month(
    notice_days: int, raised: int
) -> None:
    Policy.objects.create(
        version=1, thresholds={"cover": 0.1}, adopted_at=timezone.now()
    )
    # Begun too lately to have been judged a month ago.
    body_shop_under_a_fee(
        starts_on=TODAY - timedelta(days=25),
        ends_on=TODAY + timedelta(days=50),
        notice_period=notice_days,
    )
    assert assess(as_of=TODAY, actor=None).flags_raised == raised


def dismissed(engagement: Engagement) -> Flag:
    """A flag of the engagement as of TODAY, dismissed."""
    assess(as_of=TODAY, actor=None)
    flag = Flag.objects.get(engagement=engagement)
    actor = make_user(Role.ADMINISTRATOR)
    return dismiss_flag(flag=flag, reason="Not now.", actor=actor)


def test_dismissal_is_spent_once_nothing_speaks_for_the_other_model_any_more() -> None:
    assignment = team_bought_by_the_hour()
    flag = dismissed(assignment)
    as_bought = list(WorkLog.objects.all())
    reverse_the_evidence(assignment)
    months = [add_months(TODAY, n) for n in range(1, 5)]
    assess(as_of=months[0], actor=None)
    flag.refresh_from_db()
    assert flag.spent_on is None
    assess(as_of=months[1], actor=None)
    flag.refresh_from_db()
    assert flag.spent_on == months[1]

    # The work turns back, and speaks no louder than when the flag was dismissed.
    with unguarded("tracker_worklog"):
        for log in as_bought:
            log.save()
    runs = [assess(as_of=day, actor=None) for day in months[2:]]
    assert [run.flags_raised for run in runs] == [0, 1]
    assert Flag.objects.filter(state="open").get().opposition < flag.opposition + 0.1


def overloaded(*engagements: Engagement) -> dict[int, list[Finding]]:
    """As if their managers' span took more than all of the time there is."""
    found = ManagerOverload().finding(Overload(1.3, 0.95), records=9, engagements=())
    return {one.pk: [found] for one in engagements}


def see(monkeypatch: pytest.MonkeyPatch, seen: dict[int, list[Finding]]) -> None:
    monkeypatch.setattr(assessing, "patterns_seen", lambda **_asked: seen)


def test_new_pattern_brings_back_what_is_still_opposed_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    opposed, good = team_bought_by_the_hour(), good_augmented()
    flag = dismissed(opposed)
    assert flag.decisions.get().patterns == ["steady_time_and_materials"]
    assert assess(as_of=NEXT_MONTH, actor=None).flags_raised == 0
    see(monkeypatch, overloaded(opposed, good))
    assert assess(as_of=add_months(TODAY, 2), actor=None).flags_raised == 1
    back = Flag.objects.get(state="open")
    assert (back.engagement_id, back.leaning) == (opposed.pk, "managed")

    dismiss_flag(flag=back, reason="Relieved.", actor=make_user(Role.MANAGER))
    assert back.decisions.get().patterns == ["manager_overload"]
    # What was known at an earlier dismissal comes and goes, and is not new.
    monkeypatch.undo()
    assert assess(as_of=add_months(TODAY, 3), actor=None).flags_raised == 0


def test_dismissal_from_before_patterns_were_noted_is_not_upset_by_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assignment = team_bought_by_the_hour()
    dismissed(assignment).decisions.update(patterns=None)
    see(monkeypatch, overloaded(assignment))
    assert assess(as_of=NEXT_MONTH, actor=None).flags_raised == 0


def test_patterns_are_kept_until_they_no_longer_show(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assignment = team_bought_by_the_hour()
    assess(as_of=TODAY, actor=None)
    kept = SeenPattern.objects.get()
    assert (kept.engagement_id, kept.code, kept.seen_since, kept.behind) == (
        assignment.pk,
        "steady_time_and_materials",
        TODAY,
        [assignment.pk],
    )
    assert kept.sentence == "over 11 months the hours vary by 0 %"
    assert kept.wordings["de"][0] != kept.sentence
    assess(as_of=TODAY, actor=None)
    assert SeenPattern.objects.get().updated_at == kept.updated_at

    see(monkeypatch, overloaded(assignment))
    assess(as_of=NEXT_MONTH, actor=None)
    assert SeenPattern.objects.get().code == "manager_overload"
    stone = Tombstone.objects.get(model_name="seenpattern")
    assert (stone.record_id, stone.public_id) == (kept.pk, kept.public_id)
    # A past day judged again leaves what a later one saw.
    monkeypatch.undo()
    assess(as_of=TODAY, actor=None)
    assert SeenPattern.objects.get().code == "manager_overload"


@pytest.mark.parametrize(
    ("codes", "constraint"),
    # SQLite names the columns of what is unique.
    [
        (("idle_capacity",) * 2, "seen_?pattern.*(once_per|code)"),
        (("",), "seen_pattern_named"),
    ],
)
def test_database_refuses_a_pattern_twice_or_without_a_code(
    codes: tuple[str, ...], constraint: str
) -> None:
    engagement = running_assignment()
    rows = [
        SeenPattern(engagement=engagement, code=code, seen_since=TODAY, records=1)
        for code in codes
    ]
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        SeenPattern.objects.bulk_create(rows)
