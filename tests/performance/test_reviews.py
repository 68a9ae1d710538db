"""Reviews: who writes and changes them, when they are asked for, what events hold."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
import time_machine
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from engagements.choices import ExtensionGround, Role
from engagements.errors import NotAllowedError, QuestionOpenError, WrongStateError
from engagements.models import ChangeOrder, Engagement, Event
from engagements.services.change_orders import record_change_order
from engagements.services.engagements import change_engagement
from engagements.services.lifecycle import start_engagement
from engagements.services.renewal import extend_engagement
from tests.factories import make_assignment, make_contract, make_user
from tracker.performance.models import Review
from tracker.performance.queries import review_deficits, reviews_due
from tracker.performance.review import CRITERIA, Marks, due_on, trend_of
from tracker.performance.scorecard import Trend
from tracker.performance.services import (
    ask_for_reviews,
    change_review,
    record_review,
)

D = Decimal
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
TODAY = date(2026, 11, 22)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _today(settings):
    settings.REVIEW_EVERY_MONTHS = 3
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def manager():
    return make_user(Role.MANAGER)


@pytest.fixture
def assignment(manager):
    return running(manager)


def running(manager, starts_on=date(2026, 1, 1), **fields):
    found = make_assignment(
        manager=manager, starts_on=starts_on, ends_on=date(2026, 12, 31), **fields
    )
    start_engagement(engagement=found, actor=None)
    return found


def unsaved(engagement, until="2026-11-01", mark=4, **fields):
    return Review(
        **{
            "engagement_id": engagement.pk,
            "period_from": date(2026, 8, 1),
            "period_to": date.fromisoformat(until),
            **dict.fromkeys(CRITERIA, mark),
        }
        | fields
    )


def reviewed(engagement, actor, **fields):
    return record_review(review=unsaved(engagement, **fields), actor=actor)


def test_mean_is_rounded_half_up_to_a_tenth():
    assert Marks(5, 4, 4, 3, 4).mean == D("4.0")
    assert Marks(5, 5, 5, 5, 4).mean == D("4.8")
    assert Marks(1, 1, 1, 1, 1).mean == D("1.0")


def test_deficit_runs_from_none_to_all():
    assert Marks(5, 5, 5, 5, 5).deficit == 0
    assert Marks(1, 1, 1, 1, 1).deficit == 1
    assert Marks(3, 3, 3, 3, 3).deficit == 0.5


@pytest.mark.parametrize(
    ("means", "trend"),
    [
        ([], None),
        (["4.0"], None),
        (["4.0", "4.2"], Trend.STEADY),
        (["4.0", "4.3"], Trend.RISING),
        (["4.0", "3.7"], Trend.FALLING),
        (["1.0", "4.0", "3.9"], Trend.STEADY),
    ],
)
def test_trend_compares_the_last_two(means, trend):
    assert trend_of([D(mean) for mean in means]) == trend


def test_review_at_a_months_end_comes_due_at_the_end_of_a_shorter_one():
    assert due_on(date(2026, 11, 30), 3) == date(2027, 2, 28)


def test_review_is_stored_under_its_author(assignment, manager):
    review = reviewed(assignment, manager)

    assert review.reviewer == manager
    assert review.marks.mean == D("4.0")


def test_events_hold_neither_marks_nor_words(assignment, manager):
    review = reviewed(assignment, manager, comment="Late twice, and sorry for it.")
    review.comment = "Late twice."
    review.quality = 2
    change_review(review=review, actor=manager)

    told = Event.objects.filter(event_type__startswith="review.")
    assert [event.event_type for event in told.order_by("id")] == [
        "review.recorded",
        "review.changed",
    ]
    for event in told:
        for name in (*CRITERIA, "comment"):
            assert event.changes.get(name, ["(personal)"] * 2) == ["(personal)"] * 2
        assert "Late" not in str(event.changes)


@pytest.mark.parametrize("role", [Role.FINANCE, Role.HR_INTEGRATION])
def test_roles_that_manage_nothing_review_nothing(assignment, role):
    with pytest.raises(ValidationError) as refusal:
        reviewed(assignment, make_user(role))

    assert set(refusal.value.message_dict) == {"engagement"}


def test_another_departments_manager_reviews_nothing_here(assignment):
    with pytest.raises(ValidationError) as refusal:
        reviewed(assignment, make_user(Role.MANAGER))

    assert set(refusal.value.message_dict) == {"engagement"}


def test_nothing_is_reviewed_ahead_nor_before_the_start(assignment, manager):
    for until in ("2026-11-23", "2025-12-31"):
        with pytest.raises(ValidationError) as refusal:
            reviewed(
                assignment, manager, until=until, period_from=date.fromisoformat(until)
            )
        assert set(refusal.value.message_dict) == {"period_to"}


def test_what_never_started_is_not_reviewed(manager):
    draft = make_assignment(manager=manager)

    with pytest.raises(ValidationError, match="never started"):
        reviewed(draft, manager)


def test_author_changes_it_for_two_weeks_and_nobody_else_does(assignment, manager):
    review = reviewed(assignment, manager)
    review.initiative = 1

    with pytest.raises(NotAllowedError):
        change_review(review=review, actor=make_user(Role.ADMINISTRATOR))
    change_review(review=review, actor=manager)
    assert Review.objects.get().initiative == 1

    with time_machine.travel(NOW + timedelta(days=14), tick=False):
        review.initiative = 5
        with pytest.raises(WrongStateError, match="new one of the same period"):
            change_review(review=review, actor=manager)
    assert Review.objects.get().initiative == 1


def test_later_review_of_the_same_period_corrects_the_one_that_stands(
    assignment, manager
):
    first = reviewed(assignment, manager, mark=2)
    with pytest.raises(ValidationError, match="change that one"):
        reviewed(assignment, manager, mark=3)

    with time_machine.travel(NOW + timedelta(days=14), tick=False):
        second = reviewed(assignment, manager, mark=3)

    first.refresh_from_db()
    assert (first.is_corrected, second.is_corrected) == (True, False)
    assert list(Review.objects.standing()) == [second]


def test_database_refuses_two_that_stand_and_marks_beyond_five(assignment, manager):
    reviewed(assignment, manager)

    with pytest.raises(IntegrityError), transaction.atomic():
        Review.objects.bulk_create([unsaved(assignment, reviewer=manager)])
    with (
        pytest.raises(IntegrityError, match="review_marks_known"),
        transaction.atomic(),
    ):
        Review.objects.update(quality=6)
    with (
        pytest.raises(IntegrityError, match="review_period_in_order"),
        transaction.atomic(),
    ):
        Review.objects.update(period_to=date(2026, 7, 31))


def test_roles_see_the_reviews_that_are_theirs(assignment, manager):
    review = reviewed(assignment, manager)

    def seen(*roles):
        return list(Review.objects.all().visible_to(make_user(*roles)))

    assert list(Review.objects.all().visible_to(manager)) == [review]
    assert seen(Role.MANAGER) == []
    assert seen(Role.FINANCE) == []
    assert seen(Role.HR_INTEGRATION) == []
    # Seeing all engagements by one role opens no reviews of another's.
    assert seen(Role.FINANCE, Role.MANAGER) == []
    assert seen(Role.AUDITOR) == [review]
    assert seen(Role.ADMINISTRATOR) == [review]


def due():
    return [
        (one.engagement.pk, one.due_on, one.has_reviews)
        for one in reviews_due(Engagement.objects.all(), today=TODAY)
    ]


def test_review_comes_due_a_quarter_after_the_start_or_the_last_one(manager):
    never = running(manager)
    old = running(manager)
    fresh = running(manager)
    running(manager, starts_on=date(2026, 9, 1))
    reviewed(old, manager, until="2026-08-22")
    reviewed(fresh, manager, until="2026-08-23")

    assert due() == [
        (never.pk, date(2026, 4, 1), False),
        (old.pk, date(2026, 11, 22), True),
    ]


def test_no_schedule_asks_for_nothing(assignment, settings):
    settings.REVIEW_EVERY_MONTHS = 0

    assert due() == []
    assert ask_for_reviews(today=TODAY) == 0


@pytest.mark.parametrize("count", [1, 3])
def test_asking_takes_two_queries_however_many_are_due(manager, count):
    for _n in range(count):
        running(manager)
    ask_for_reviews(today=TODAY)

    with CaptureQueriesContext(connection) as queries:
        assert ask_for_reviews(today=TODAY) == 0

    # A savepoint, the engagements, what was asked before, and the savepoint's end.
    assert len(queries) == 4


def test_each_review_is_asked_for_once(assignment, manager):
    assert ask_for_reviews(today=TODAY) == 1
    assert ask_for_reviews(today=TODAY) == 0
    assert ask_for_reviews(today=TODAY + timedelta(days=40)) == 0

    reviewed(assignment, manager)
    assert ask_for_reviews(today=date(2027, 1, 31)) == 0
    assert ask_for_reviews(today=date(2027, 2, 1)) == 1


def extend(assignment, manager, **fields):
    return extend_engagement(
        engagement=assignment, ends_on=date(2027, 6, 30), actor=manager, **fields
    )


def test_extension_asks_for_a_review_first(assignment, manager):
    with pytest.raises(QuestionOpenError, match="nobody has reviewed it yet"):
        extend(assignment, manager)
    assert Engagement.objects.get().term_ends_on == date(2026, 12, 31)

    reviewed(assignment, manager)
    extend(assignment, manager)
    assert Engagement.objects.get().term_ends_on == date(2027, 6, 30)
    assert not Event.objects.filter(event_type="review.passed_over").exists()


def test_an_old_review_doesnt_answer(assignment, manager):
    reviewed(assignment, manager, until="2026-08-22")

    with pytest.raises(QuestionOpenError, match="no review is newer than 22 Aug 2026"):
        extend(assignment, manager)


def test_going_on_without_keeps_the_ground(assignment, manager):
    extend(assignment, manager, ground=ExtensionGround.NO_TIME)

    event = Event.objects.get(event_type="review.passed_over")
    assert (event.actor, event.changes) == (manager, {"ground": [None, "no_time"]})


def test_a_ground_of_ones_own_is_refused(assignment, manager):
    with pytest.raises(ValidationError):
        extend(assignment, manager, ground="because he is a friend")


def test_change_order_of_a_later_end_asks_and_of_a_price_doesnt(assignment, manager):
    def order(**fields):
        return ChangeOrder(
            engagement_id=assignment.pk,
            effective_on=TODAY,
            **{"reason": "More to do", "value_change": D(0)} | fields,
        )

    record_change_order(change_order=order(new_price=D(650)), actor=manager)
    later = {"new_ends_on": date(2027, 6, 30)}
    with pytest.raises(QuestionOpenError):
        record_change_order(change_order=order(**later), actor=manager)
    record_change_order(
        change_order=order(**later), ground=ExtensionGround.UNCHANGED, actor=manager
    )
    assert Engagement.objects.get().term_ends_on == date(2027, 6, 30)


def test_editing_a_later_end_asks_too(assignment, manager):
    assignment.refresh_from_db()
    assignment.ends_on = date(2027, 6, 30)

    with pytest.raises(QuestionOpenError):
        change_engagement(engagement=assignment, actor=manager)
    change_engagement(engagement=assignment, is_reported=True, actor=manager)


def test_the_product_itself_is_asked_nothing(assignment):
    extend(assignment, None)

    assert Engagement.objects.get().term_ends_on == date(2027, 6, 30)


def test_deficits_leave_out_corrected_ones_and_those_of_other_years(
    assignment, manager
):
    reviewed(assignment, manager, mark=1)
    with time_machine.travel(NOW + timedelta(days=14), tick=False):
        reviewed(assignment, manager, mark=3)
        reviewed(assignment, manager, mark=5, until="2026-11-20")
    make_contract()
    ids = Engagement.objects.values_list("pk", flat=True)

    assert review_deficits(ids, date(2025, 11, 23), TODAY) == {
        assignment.pk: [0.5, 0.0]
    }
    assert review_deficits(ids, date(2024, 1, 1), date(2025, 1, 1)) == {}
