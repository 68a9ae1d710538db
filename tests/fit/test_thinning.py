"""What is kept of assessments once their months are long past."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from engagements.choices import Role
from engagements.models import Engagement
from tests.factories import make_contract, make_user
from tracker.fit.models import Assessment, Decision, Flag, Policy
from tracker.fit.services import current_policy, thin_assessments

pytestmark = pytest.mark.django_db

TODAY = date(2026, 11, 15)


def assessed(engagement: Engagement, *days: date, policy: Policy | None = None) -> None:
    for day in days:
        Assessment.objects.create(
            engagement=engagement,
            as_of=day,
            month=day.replace(day=1),
            window_months=12,
            kind="managed",
            acceptability=0.5,
            opposition=0.5,
            coverage=0.5,
            margin=0,
            verdict="either_fits",
            engine_version="1.3",
            policy=policy or current_policy(),
        )


def days_left(engagement: Engagement) -> list[date]:
    rows = Assessment.objects.filter(engagement=engagement).order_by("as_of")
    return list(rows.values_list("as_of", flat=True))


def flagged(engagement: Engagement, **fields: Any) -> Flag:
    values = {"raised_on": TODAY, "opposition": 0.8, "leaning": "augmented"} | fields
    return Flag.objects.create(engagement=engagement, **values)


def test_last_word_of_each_month_long_past_is_kept() -> None:
    one, other = make_contract(), make_contract()
    assessed(one, date(2026, 6, 3), date(2026, 6, 20), date(2026, 7, 31))
    # Three whole months before this one are left as they are.
    assessed(one, date(2026, 8, 1), date(2026, 8, 2))
    assessed(other, date(2026, 6, 3))

    assert thin_assessments(today=TODAY) == 1

    assert days_left(one) == [
        date(2026, 6, 20),
        date(2026, 7, 31),
        date(2026, 8, 1),
        date(2026, 8, 2),
    ]
    assert days_left(other) == [date(2026, 6, 3)]
    assert thin_assessments(today=TODAY) == 0


def test_each_policy_keeps_its_own_last_word() -> None:
    engagement, first = make_contract(), current_policy()
    assessed(engagement, date(2026, 6, 3), policy=first)
    second = Policy.objects.create(version=2, adopted_at=first.adopted_at)
    assessed(engagement, date(2026, 6, 20), policy=second)

    assert thin_assessments(today=TODAY) == 0


def test_what_flags_and_decisions_rest_on_is_kept() -> None:
    engagement = make_contract()
    days = [date(2026, 6, day) for day in (2, 5, 9, 14, 20, 28)]
    assessed(engagement, *days)
    flag = flagged(engagement, raised_on=days[1], cleared_on=days[4], state="cleared")
    # On the 16th the assessment of the 14th was what was known.
    Decision.objects.create(
        flag=flag,
        action="acknowledge",
        opposition=0.8,
        actor=make_user(Role.ADMINISTRATOR),
        at=datetime(2026, 6, 16, 12, tzinfo=UTC),
    )

    assert thin_assessments(today=TODAY) == 2

    assert days_left(engagement) == [days[1], days[3], days[4], days[5]]


@pytest.mark.parametrize("rows", [1, 3])
def test_number_of_queries_does_not_grow(
    rows: int, django_assert_num_queries: Any
) -> None:
    for _ in range(rows):
        engagement = make_contract()
        assessed(engagement, date(2026, 6, 3), date(2026, 6, 20))

    # Decisions, conversions and candidates, the deletion in its transaction, and again.
    with django_assert_num_queries(QUERIES):
        assert thin_assessments(today=TODAY) == rows


QUERIES = 9
