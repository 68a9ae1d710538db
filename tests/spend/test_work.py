from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from pytest_django import DjangoAssertNumQueries

from engagements.models import Engagement
from tests.factories import begun, make_assignment, make_contract
from tracker.spend.models import LedgerEntry, WorkLog
from tracker.spend.services import log_work_lines

pytestmark = pytest.mark.django_db


def lines(engagement: Engagement, count: int) -> list[WorkLog]:
    begun(engagement)
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

    # PostgreSQL also takes, twice, the lock by which postings and closings wait.
    queries = 22 if connection.vendor == "sqlite" else 24
    for count in (1, 3, 40):
        with django_assert_num_queries(queries):
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


@pytest.mark.parametrize(
    ("status", "word"),
    [
        ("draft", "draft"),
        ("pending_approval", "pending approval"),
        ("cancelled", "cancelled"),
    ],
)
def test_work_on_what_never_started_is_refused_by_line_and_reference(
    status: str, word: str
) -> None:
    running = lines(make_assignment(), 1)
    waiting = make_contract(reference="C-1", status=status)
    line = WorkLog(engagement=waiting, worked_on=date(2026, 1, 2), hours=Decimal(1))

    with pytest.raises(ValidationError) as refused:
        log_work_lines(lines=[*running, line], actor=None)

    assert refused.value.message_dict == {
        "engagement": [
            f"Line 2: C-1 is {word}; work and invoices are recorded on what has"
            " started."
        ]
    }
    assert WorkLog.objects.count() == 0
