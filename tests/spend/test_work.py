from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from pytest_django import DjangoAssertNumQueries

from engagements.models import Engagement
from tests.factories import make_assignment
from tracker.spend.models import LedgerEntry, WorkLog
from tracker.spend.services import log_work_lines

pytestmark = pytest.mark.django_db


def lines(engagement: Engagement, count: int) -> list[WorkLog]:
    first = date(2026, 1, 1)
    return [
        WorkLog(
            engagement=engagement,
            worked_on=first + timedelta(days=number % 28),
            hours=Decimal("7.5"),
        )
        for number in range(count)
    ]


def test_logging_many_lines_takes_a_fixed_number_of_queries(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    assignment = make_assignment()
    log_work_lines(lines=lines(assignment, 1), actor=None)

    for count in (1, 3, 50):
        with django_assert_num_queries(14):
            log_work_lines(lines=lines(assignment, count), actor=None)


def test_a_wrong_field_is_named_with_its_line_and_nothing_is_stored() -> None:
    logged = lines(make_assignment(), 3)
    logged[1].activity = "sleeping"

    with pytest.raises(ValidationError) as refused:
        log_work_lines(lines=logged, actor=None)

    assert refused.value.message_dict == {
        "activity": ["Line 2: Value 'sleeping' is not a valid choice."]
    }
    assert WorkLog.objects.count() == 0


def test_an_unknown_engagement_is_named_with_its_line() -> None:
    logged = lines(make_assignment(), 2)
    logged[1].engagement_id = 999_999_999

    with pytest.raises(ValidationError) as refused:
        log_work_lines(lines=logged, actor=None)

    assert list(refused.value.message_dict) == ["engagement"]
    assert refused.value.message_dict["engagement"][0].startswith("Line 2: ")


def test_a_broken_constraint_stores_and_posts_nothing() -> None:
    logged = lines(make_assignment(), 3)
    logged[2].hours = Decimal(-1)

    with pytest.raises(ValidationError, match="Line 3"):
        log_work_lines(lines=logged, actor=None)

    assert WorkLog.objects.count() == 0
    assert LedgerEntry.objects.count() == 0
