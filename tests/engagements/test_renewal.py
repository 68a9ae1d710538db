from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.core.exceptions import ValidationError

from engagements.choices import NoticeUnit, Renewal, Role, Status
from engagements.errors import ConflictError, WrongStateError
from engagements.models import Assignment, Charge, Engagement, Event, ManagedContract
from engagements.services.commitment import Position, committed_until, position
from engagements.services.engagements import change_engagement
from engagements.services.lifecycle import start_engagement
from engagements.services.renewal import (
    Effect,
    Extending,
    GivingNotice,
    Renewing,
    Rolled,
    effect_of,
    extend_engagement,
    give_notice,
    renew_engagement,
    roll_terms,
)
from tests.factories import make_assignment, make_contract, make_user, stored
from tracker.jobs.models import JobRun
from tracker.tasks import roll_terms as roll_terms_task

pytestmark = pytest.mark.django_db

# A year from 1 June 2026, renewed for years, three months' notice.
YEARLY: dict[str, Any] = {
    "starts_on": date(2026, 6, 1),
    "initial_term_months": 12,
    "renewal_term_months": 12,
    "notice_period": 3,
    "notice_unit": NoticeUnit.MONTHS,
}
TODAY = date(2027, 1, 15)


@pytest.fixture(autouse=True)
def _today():
    with time_machine.travel(TODAY, tick=False):
        yield


def running(renewal: Renewal = Renewal.AUTO, **fields: Any) -> ManagedContract:
    contract = make_contract(**(YEARLY | {"renewal": renewal} | fields))
    start_engagement(engagement=contract, actor=None)
    return contract


def term_of(engagement: Engagement) -> tuple[object, ...]:
    found = stored(engagement)
    return (
        found.term_number,
        found.term_starts_on,
        found.term_ends_on,
        found.notice_deadline_on,
    )


def last_event() -> Event:
    event = Event.objects.order_by("id").last()
    assert event is not None
    return event


FIRST = (1, date(2026, 6, 1), date(2027, 5, 31), date(2027, 2, 28))
SECOND = (2, date(2027, 6, 1), date(2028, 5, 31), date(2028, 2, 29))


def test_renewing_writes_the_next_term_and_its_event() -> None:
    actor = make_user(Role.MANAGER)
    contract = running(Renewal.MANUAL, ends_on=date(2027, 5, 31))

    renew_engagement(engagement=contract, renewed_on=TODAY, actor=actor)

    assert term_of(contract) == SECOND
    assert stored(contract).ends_on == date(2028, 5, 31)
    event = last_event()
    assert (event.event_type, event.actor) == ("engagement.renewed", actor)
    assert event.changes == {
        "ends_on": ["2027-05-31", "2028-05-31"],
        "term_number": [1, 2],
        "term_starts_on": ["2026-06-01", "2027-06-01"],
        "term_ends_on": ["2027-05-31", "2028-05-31"],
        "notice_deadline_on": ["2027-02-28", "2028-02-29"],
    }


def test_renewing_for_other_months_does_not_drift_from_31_january() -> None:
    contract = running(
        Renewal.MANUAL, starts_on=date(2027, 1, 31), initial_term_months=1
    )
    for day, months in ((date(2027, 2, 1), 1), (date(2027, 3, 1), 2)):
        renew_engagement(engagement=contract, renewed_on=day, months=months, actor=None)
    assert term_of(contract)[:3] == (3, date(2027, 3, 31), date(2027, 5, 30))


def test_renewing_goes_no_further_than_the_last_day_agreed() -> None:
    contract = running(Renewal.AUTO, ends_on=date(2028, 3, 31))
    renew_engagement(engagement=contract, renewed_on=TODAY, actor=None)
    assert term_of(contract)[2] == date(2028, 3, 31)
    with pytest.raises(WrongStateError) as caught:
        renew_engagement(engagement=contract, renewed_on=date(2027, 6, 1), actor=None)
    assert str(caught.value) == (
        "Its last day agreed is 31 March 2028: extend it instead."
    )


def test_renewing_twice_by_a_double_click_renews_once() -> None:
    contract = running()
    renew_engagement(engagement=contract, renewed_on=TODAY, actor=None)
    with pytest.raises(WrongStateError) as caught:
        renew_engagement(engagement=contract, renewed_on=TODAY, actor=None)
    assert str(caught.value) == "It is renewed already, until 31 May 2028."


def test_what_does_not_renew_is_not_renewed() -> None:
    contract = running(Renewal.NONE)
    with pytest.raises(WrongStateError, match="does not renew: extend it"):
        renew_engagement(engagement=contract, renewed_on=TODAY, actor=None)


def test_renewing_without_a_length_asks_for_the_months() -> None:
    contract = running(Renewal.MANUAL, renewal_term_months=None)
    with pytest.raises(ValidationError) as caught:
        renew_engagement(engagement=contract, renewed_on=TODAY, actor=None)
    assert caught.value.message_dict == {
        "months": ["Say for how many months it renews."]
    }


def test_a_draft_has_no_term_to_renew_end_or_extend() -> None:
    draft = make_contract(**YEARLY, renewal=Renewal.AUTO)
    for step in (
        lambda: renew_engagement(engagement=draft, renewed_on=TODAY, actor=None),
        lambda: give_notice(engagement=draft, given_on=TODAY, actor=None),
        lambda: extend_engagement(
            engagement=draft, ends_on=date(2029, 1, 1), actor=None
        ),
    ):
        with pytest.raises(WrongStateError, match="is draft; only an active one"):
            step()


def test_a_step_on_what_somebody_else_changed_is_refused() -> None:
    contract = running()
    with pytest.raises(ConflictError):
        give_notice(
            engagement=contract,
            given_on=TODAY,
            expected_version=contract.version - 1,
            actor=None,
        )
    assert stored(contract).notice_given_on is None


def test_notice_on_the_deadline_ends_it_with_the_term_and_stops_renewal() -> None:
    contract = running()
    with time_machine.travel(date(2027, 2, 28), tick=False):
        give_notice(engagement=contract, given_on=date(2027, 2, 28), actor=None)

    assert roll_terms(today=date(2028, 1, 1)) == Rolled(0, 0)
    found = stored(contract)
    assert term_of(contract) == (*FIRST[:3], None)
    assert (found.ends_on, found.notice_given_on, found.status) == (
        date(2027, 5, 31),
        date(2027, 2, 28),
        Status.ACTIVE,
    )
    assert last_event().changes == {
        "ends_on": [None, "2027-05-31"],
        "notice_given_on": [None, "2027-02-28"],
        "notice_deadline_on": ["2027-02-28", None],
    }
    assert last_event().event_type == "engagement.notice_given"


def test_notice_after_the_deadline_names_it_and_the_day_one_is_bound_to() -> None:
    contract = running()
    with (
        time_machine.travel(date(2027, 3, 1), tick=False),
        pytest.raises(ValidationError) as caught,
    ):
        give_notice(engagement=contract, given_on=date(2027, 3, 1), actor=None)
    assert caught.value.message_dict == {
        "given_on": [
            "The last day to give notice was 28 February 2027; "
            "it is bound until 31 May 2028."
        ]
    }
    assert stored(contract).notice_given_on is None


@pytest.mark.parametrize(
    ("day", "sentence"),
    [
        (TODAY + timedelta(days=1), "Notice is recorded once it is given: not ahead."),
        (date(2026, 5, 31), "The engagement starts on 1 June 2026 only."),
    ],
)
def test_notice_on_a_day_that_makes_no_sense(day: date, sentence: str) -> None:
    contract = running()
    with pytest.raises(ValidationError) as caught:
        give_notice(engagement=contract, given_on=day, actor=None)
    assert caught.value.message_dict == {"given_on": [sentence]}


def test_notice_is_given_once_and_then_nothing_renews() -> None:
    contract = running()
    give_notice(engagement=contract, given_on=TODAY, actor=None)
    with pytest.raises(WrongStateError, match="given already, on 15 January 2027"):
        give_notice(engagement=contract, given_on=TODAY, actor=None)
    with pytest.raises(WrongStateError, match="Notice was given on 15 January 2027"):
        renew_engagement(engagement=contract, renewed_on=TODAY, actor=None)


def test_notice_of_an_open_end_gives_it_the_earliest_one() -> None:
    contract = running(
        Renewal.NONE,
        initial_term_months=None,
        notice_period=30,
        notice_unit=NoticeUnit.DAYS,
    )
    assert committed_until(engagement=contract, as_of=TODAY) == date(2027, 2, 14)
    give_notice(engagement=contract, given_on=TODAY, actor=None)
    assert term_of(contract) == (1, date(2026, 6, 1), date(2027, 2, 14), None)


def test_notice_of_an_open_end_without_notice_period_asks_for_one() -> None:
    contract = running(Renewal.NONE, initial_term_months=None, notice_period=None)
    assert committed_until(engagement=contract, as_of=TODAY) is None
    with pytest.raises(WrongStateError, match="no last day follows: record one"):
        give_notice(engagement=contract, given_on=TODAY, actor=None)


def test_extending_moves_the_end_and_the_deadline_follows() -> None:
    contract = running(Renewal.NONE)
    extend_engagement(engagement=contract, ends_on=date(2027, 8, 31), actor=None)
    assert term_of(contract) == (
        1,
        date(2026, 6, 1),
        date(2027, 8, 31),
        date(2027, 5, 31),
    )
    assert stored(contract).ends_on == date(2027, 8, 31)
    assert last_event().event_type == "engagement.extended"


def test_extending_leaves_what_renews_by_itself_renewing() -> None:
    contract = running()
    extend_engagement(engagement=contract, ends_on=date(2027, 8, 31), actor=None)
    roll_terms(today=date(2027, 9, 1))
    assert term_of(contract)[:3] == (2, date(2027, 9, 1), date(2028, 8, 31))


def test_extending_to_no_later_day_is_refused() -> None:
    contract = running()
    with pytest.raises(ValidationError) as caught:
        extend_engagement(engagement=contract, ends_on=date(2027, 5, 31), actor=None)
    assert caught.value.message_dict == {
        "ends_on": ["It runs to 31 May 2027 already: give a later day."]
    }


def test_extending_an_open_end_is_refused() -> None:
    contract = running(Renewal.NONE, initial_term_months=None)
    with pytest.raises(WrongStateError, match="no end that could be extended"):
        extend_engagement(engagement=contract, ends_on=date(2029, 1, 1), actor=None)


def test_a_renewed_term_stays_when_other_facts_are_changed() -> None:
    contract = running()
    renew_engagement(engagement=contract, renewed_on=TODAY, actor=None)
    contract.notice_period = 6
    change_engagement(engagement=contract, actor=None)
    assert term_of(contract) == (*SECOND[:3], date(2027, 11, 30))


@pytest.mark.parametrize(
    ("renewal", "ends_on", "expected"),
    [
        (Renewal.AUTO, date(2027, 12, 31), date(2027, 12, 31)),
        (Renewal.AUTO, date(2030, 5, 31), date(2028, 5, 31)),
        (Renewal.MANUAL, date(2028, 8, 31), date(2028, 8, 31)),
    ],
)
def test_a_renewed_term_follows_an_end_that_is_changed(
    renewal: Renewal, ends_on: date, expected: date
) -> None:
    contract = running(renewal)
    renew_engagement(engagement=contract, renewed_on=TODAY, actor=None)
    contract.ends_on = ends_on
    change_engagement(engagement=contract, actor=None)
    assert term_of(contract)[:3] == (2, date(2027, 6, 1), expected)


def test_terms_roll_on_the_day_after_the_end_and_no_sooner() -> None:
    contract = running()
    assert roll_terms(today=date(2027, 5, 31)) == Rolled(0, 0, commitments=1)
    assert roll_terms(today=date(2027, 6, 1)) == Rolled(1, 1)
    assert term_of(contract) == SECOND


def test_missed_terms_are_caught_up_each_with_its_event() -> None:
    contract = running()
    version = stored(contract).version

    assert roll_terms(today=date(2029, 7, 1)) == Rolled(1, 3)
    assert roll_terms(today=date(2029, 7, 1)) == Rolled(0, 0)

    assert term_of(contract)[:3] == (4, date(2029, 6, 1), date(2030, 5, 31))
    told = Event.objects.filter(event_type="engagement.term_rolled").order_by("id")
    assert [event.changes["term_number"] for event in told] == [[1, 2], [2, 3], [3, 4]]
    assert {event.engagement_id for event in told} == {contract.pk}
    assert stored(contract).status == Status.ACTIVE
    assert stored(contract).version == version + 1


def test_a_term_whose_end_was_written_as_the_end_rolls_to_an_open_end() -> None:
    contract = running(ends_on=date(2027, 5, 31))
    roll_terms(today=date(2027, 6, 1))
    assert term_of(contract) == SECOND
    assert stored(contract).ends_on is None


def test_terms_roll_up_to_the_last_day_agreed_and_stop_there() -> None:
    contract = running(ends_on=date(2028, 3, 31))
    assert roll_terms(today=date(2029, 1, 1)) == Rolled(1, 1)
    assert roll_terms(today=date(2029, 1, 1)) == Rolled(0, 0)
    assert term_of(contract)[2] == date(2028, 3, 31)
    assert stored(contract).ends_on == date(2028, 3, 31)


def test_only_active_engagements_that_renew_by_themselves_roll() -> None:
    make_contract(**YEARLY, renewal=Renewal.AUTO)
    running(Renewal.MANUAL)
    running(Renewal.NONE)
    assert roll_terms(today=date(2029, 1, 1)) == Rolled(0, 0)


def test_rolling_reads_and_writes_no_more_often_for_more_engagements(
    django_assert_num_queries,
) -> None:
    for count, day in ((1, date(2027, 6, 1)), (3, date(2028, 6, 1))):
        while Engagement.objects.count() < count:
            running()
        roll_terms(today=day - timedelta(days=1))
        # Due; savepoint; due under the lock; update; events and their outbox; tasks;
        # release; what else moved.
        with django_assert_num_queries(9):
            roll_terms(today=day)


def test_the_nightly_job_rolls_once_a_day() -> None:
    contract = running()
    with time_machine.travel(date(2027, 6, 2), tick=False):
        roll_terms_task()
        roll_terms_task()
    assert term_of(contract) == SECOND
    run = JobRun.objects.get(name="roll terms")
    assert (run.attempts, run.result) == (
        1,
        {"engagements": 1, "terms": 1, "commitments": 0},
    )


def test_effect_of_notice_on_dates_and_money_to_the_cent() -> None:
    contract = running(ends_on=date(2029, 5, 31), exit_charge=Decimal(2500))
    before = Position(
        date(2027, 5, 31),
        date(2028, 5, 31),
        date(2027, 2, 28),
        date(2027, 5, 31),
        # 17 of 31 days of January, four months; leaving early.
        Decimal("5483.87") + Decimal(40_000) + Decimal(2500),
    )
    effect = effect_of(
        engagement=stored(contract), step=GivingNotice(TODAY), as_of=TODAY
    )
    assert effect == Effect(
        before, replace(before, renews_until_on=None, notice_deadline_on=None)
    )
    assert stored(contract).notice_given_on is None


def test_effect_of_renewing_on_dates_and_money_to_the_cent() -> None:
    contract = running(Renewal.MANUAL)
    effect = effect_of(
        engagement=stored(contract), step=Renewing(TODAY, 6), as_of=TODAY
    )
    assert effect.after == Position(
        date(2027, 11, 30),
        None,
        date(2027, 8, 31),
        date(2027, 11, 30),
        Decimal("5483.87") + Decimal(100_000),
    )


def test_effect_of_extending_an_assignment_is_planned_working_days() -> None:
    assignment: Assignment = make_assignment(
        starts_on=date(2027, 1, 1), ends_on=date(2027, 1, 22), rate=Decimal(600)
    )
    start_engagement(engagement=assignment, actor=None)
    effect = effect_of(
        engagement=stored(assignment), step=Extending(date(2027, 1, 29)), as_of=TODAY
    )
    # Friday 15 to Friday 22 January are six working days; a week more is eleven.
    assert (effect.before.committed, effect.after.committed) == (
        Decimal("3600.00"),
        Decimal("6600.00"),
    )


def test_past_the_deadline_without_notice_the_next_term_is_committed() -> None:
    contract = running()
    assert committed_until(engagement=contract, as_of=date(2027, 2, 28)) == date(
        2027, 5, 31
    )
    assert committed_until(engagement=contract, as_of=date(2027, 3, 1)) == date(
        2028, 5, 31
    )


def test_once_notice_is_given_no_deadline_comes_back() -> None:
    contract = running()
    give_notice(engagement=contract, given_on=TODAY, actor=None)
    contract.notice_period = 2
    change_engagement(engagement=contract, actor=None)
    extend_engagement(engagement=contract, ends_on=date(2027, 6, 30), actor=None)
    assert term_of(contract) == (1, date(2026, 6, 1), date(2027, 6, 30), None)


def test_commitment_is_stored_with_each_step_and_only_while_active() -> None:
    contract = make_contract(
        starts_on=date(2026, 7, 1),
        initial_term_months=12,
        renewal="auto",
        renewal_term_months=12,
        notice_period=3,
        notice_unit="months",
    )
    assert stored(contract).committed_until_on is None
    start_engagement(engagement=contract, actor=None)
    assert stored(contract).committed_until_on == date(2027, 6, 30)
    renew_engagement(engagement=contract, renewed_on=TODAY, actor=None)
    assert stored(contract).committed_until_on == date(2028, 6, 30)


def test_commitment_moves_by_itself_once_the_deadline_has_passed() -> None:
    contract = make_contract(
        starts_on=date(2026, 7, 1),
        initial_term_months=12,
        renewal="auto",
        renewal_term_months=12,
        notice_period=3,
        notice_unit="months",
    )
    start_engagement(engagement=contract, actor=None)
    version = stored(contract).version

    moved = [roll_terms(today=day) for day in (date(2027, 3, 31), date(2027, 4, 1))]

    assert [run.commitments for run in moved] == [0, 1]
    found = stored(contract)
    assert (found.committed_until_on, found.term_ends_on, found.version) == (
        date(2028, 6, 30),
        date(2027, 6, 30),
        version,
    )


def test_exit_charge_stays_owed_once_notice_was_given_early() -> None:
    contract = make_contract(
        fee=Decimal(1_000),
        exit_charge=Decimal(5_000),
        starts_on=date(2026, 1, 1),
        ends_on=date(2028, 12, 31),
        initial_term_months=12,
        renewal="auto",
        renewal_term_months=12,
        notice_period=30,
    )
    start_engagement(engagement=contract, actor=None)
    give_notice(engagement=contract, given_on=date(2026, 11, 1), actor=None)

    found = stored(contract)

    assert (found.ends_on, found.agreed_until_on) == (
        date(2026, 12, 31),
        date(2028, 12, 31),
    )
    after = position(engagement=found, as_of=date(2026, 12, 1))
    assert after.committed == Decimal(6_000)


def test_milestones_still_to_be_accepted_are_committed() -> None:
    contract = make_contract(
        fee=None, starts_on=date(2026, 1, 1), ends_on=date(2026, 12, 31)
    )
    start_engagement(engagement=contract, actor=None)
    for amount, due_on, accepted_on, kind in (
        (100, date(2026, 12, 1), None, "milestone"),
        (20, None, None, "one_off"),
        (3, date(2026, 12, 1), date(2026, 10, 1), "milestone"),
        (4, date(2027, 2, 1), None, "milestone"),
        (5, date(2026, 12, 1), None, "unit"),
    ):
        Charge.objects.create(
            engagement=contract,
            charge_kind=kind,
            description="Design",
            amount=Decimal(amount),
            unit_name="site",
            due_on=due_on,
            accepted_on=accepted_on,
        )

    found = position(engagement=stored(contract), as_of=date(2026, 11, 1))

    assert found.committed == Decimal(120)
