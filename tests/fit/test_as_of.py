"""What was known on a day: terms as agreed by then, declarations, the policy."""

from collections.abc import Callable
from datetime import UTC, date, datetime

import pytest
import time_machine

from engagements.choices import EndReason
from engagements.models import Engagement, Service
from engagements.services.lifecycle import end_engagement
from engagements.services.records import change_record
from engagements.services.renewal import extend_engagement
from tests.fit.records import make_service, running_assignment, team_bought_by_the_hour
from tracker.fit.criteria import all_criteria
from tracker.fit.evidence import Observation
from tracker.fit.models import Assessment, Policy
from tracker.fit.queries import Scope
from tracker.fit.services import assess
from tracker.fit.services.policies import policy_on

pytestmark = pytest.mark.django_db

CRITERIA = {criterion.code: criterion for criterion in all_criteria()}
MARCH, JULY, OCTOBER = date(2026, 3, 1), date(2026, 7, 1), date(2026, 10, 1)


def read(code: str, engagement: Engagement, day: date) -> Observation | None:
    scope = Scope(Engagement.objects.filter(pk=engagement.pk), day, 12)
    return CRITERIA[code].gather(scope).get(engagement.pk)


def months_needed(engagement: Engagement, day: date) -> int:
    seen = read("permanence", engagement, day)
    assert seen is not None
    return round(seen.value)


def on(day: str, do: Callable[[], object]) -> None:
    with time_machine.travel(f"{day}T12:00Z", tick=False):
        do()


def hired(entered: str, **fields: object) -> Engagement:
    """Since January 2026, agreed to the end of the year."""
    with time_machine.travel(f"{entered}T12:00Z", tick=False):
        return running_assignment(
            service=make_service("Claims"),
            starts_on=date(2026, 1, 1),
            **{"ends_on": date(2026, 12, 31)} | fields,
        )


def test_need_is_told_by_the_term_known_then() -> None:
    engagement = hired("2026-01-01")
    on(
        "2026-06-01",
        lambda: extend_engagement(
            engagement=engagement, ends_on=date(2027, 12, 31), actor=None
        ),
    )

    assert [months_needed(engagement, day) for day in (MARCH, JULY)] == [12, 24]


def test_need_knows_nothing_of_a_later_end() -> None:
    engagement = hired("2026-01-01")
    on(
        "2026-09-30",
        lambda: end_engagement(
            engagement=engagement,
            ended_on=date(2026, 9, 30),
            reason=EndReason.COMPLETED,
            actor=None,
        ),
    )

    assert [months_needed(engagement, day) for day in (MARCH, JULY, OCTOBER)] == [
        12,
        12,
        9,
    ]


def test_need_of_what_was_entered_later_is_the_time_that_had_passed() -> None:
    engagement = hired("2026-09-30")
    on(
        "2026-09-30",
        lambda: end_engagement(
            engagement=engagement,
            ended_on=date(2026, 9, 30),
            reason=EndReason.COMPLETED,
            actor=None,
        ),
    )

    assert [months_needed(engagement, day) for day in (MARCH, JULY, OCTOBER)] == [
        2,
        6,
        9,
    ]


def test_need_of_what_was_entered_later_and_runs_is_told_by_its_term() -> None:
    assert months_needed(hired("2026-09-30"), MARCH) == 12


def declare(service: Service, grade: int | None, day: date | None) -> None:
    service.in_house_maturity, service.maturity_declared_on = grade, day
    change_record(record=service, actor=None)


def test_maturity_is_that_declared_for_the_day() -> None:
    service = make_service("Claims")
    engagement = running_assignment(service=service)
    on("2026-01-10", lambda: declare(service, 2, date(2026, 1, 10)))
    on("2026-06-10", lambda: declare(service, 4, date(2026, 6, 1)))
    on("2026-08-10", lambda: declare(service, None, None))

    days = (date(2026, 1, 9), MARCH, date(2026, 6, 5), JULY)
    seen = [read("in_house_team", engagement, day) for day in days]

    assert [one and one.value for one in seen] == [None, 2, 4, 4]


def policy(version: int, day: str, **fields: object) -> Policy:
    at = datetime.fromisoformat(day).replace(tzinfo=UTC)
    return Policy.objects.create(version=version, adopted_at=at, **fields)


def test_policy_of_a_day_is_the_latest_adopted_by_its_end() -> None:
    for version, day in ((1, "2026-01-01"), (2, "2026-05-05 18:00"), (3, "2026-08-01")):
        policy(version, day)
    days = (date(2025, 1, 1), MARCH, date(2026, 5, 4), date(2026, 5, 5), OCTOBER)
    assert [policy_on(day).version for day in days] == [1, 1, 1, 2, 3]


def test_past_day_is_judged_by_its_policy_and_today_by_its_own() -> None:
    policy(1, "2024-01-01")
    policy(2, "2026-08-01", importances={"direction": 9.0})
    team_bought_by_the_hour()

    assess(as_of=JULY, actor=None)
    assess(as_of=OCTOBER, actor=None)

    rows = Assessment.objects.order_by("as_of").values_list("as_of", "policy__version")
    assert set(rows) == {
        (date(2026, 6, 1), 1),
        (JULY, 1),
        (date(2026, 9, 1), 2),
        (OCTOBER, 2),
    }
