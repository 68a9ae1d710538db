from datetime import date

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import connection
from django.test.utils import CaptureQueriesContext

from engagements.choices import Role
from tests.factories import make_assignment, make_contract, make_department, make_user
from tests.fit.records import (
    LONG_AGO,
    TODAY,
    body_shop_under_a_fee,
    make_service,
    running_assignment,
)
from tests.fit.test_flags import flag_on
from tracker.fit.queries import (
    Scope,
    judged_on,
    latest_assessment,
    latest_assessments,
    open_flags,
    teams,
)
from tracker.fit.services import assess

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("as_of", "months", "starts_on", "last_complete_month"),
    [
        (date(2026, 11, 15), 12, date(2025, 11, 16), date(2026, 10, 1)),
        (date(2026, 11, 30), 6, date(2026, 5, 31), date(2026, 11, 1)),
        (date(2028, 2, 29), 12, date(2027, 3, 1), date(2028, 2, 1)),
        (date(2026, 1, 1), 12, date(2025, 1, 2), date(2025, 12, 1)),
    ],
)
def test_scope_reaches_back_whole_months(
    as_of: date, months: int, starts_on: date, last_complete_month: date
) -> None:
    scope = Scope(judged_on(as_of), as_of, months)
    assert (scope.starts_on, scope.last_complete_month) == (
        starts_on,
        last_complete_month,
    )


def test_open_flags_are_those_of_visible_engagements_alone() -> None:
    department = make_department()
    manager = make_user(Role.MANAGER, department=department)
    own = make_contract(manager=manager, title="Own")
    same_department = make_contract(department=department, title="Department's")
    elsewhere = make_contract(department=make_department(), title="Elsewhere")
    for contract in (own, same_department, elsewhere):
        flag_on(contract)
    assert [row.title for row in open_flags(manager)] == ["Own", "Department's"]
    finance = make_user(Role.FINANCE)
    assert len(open_flags(finance)) == 3
    assert open_flags(make_user()) == []
    assert open_flags(AnonymousUser()) == []


def test_open_flags_come_by_notice_deadline_then_opposition() -> None:
    auditor = make_user(Role.AUDITOR)
    for title, deadline, opposition in (
        ("none", None, 0.99),
        ("late", date(2027, 3, 1), 0.9),
        ("weak", date(2027, 1, 1), 0.75),
        ("soon", date(2027, 1, 1), 0.85),
    ):
        flag_on(
            make_contract(title=title),
            notice_deadline_on=deadline,
            opposition=opposition,
        )
    assert [row.title for row in open_flags(auditor)] == [
        "soon",
        "weak",
        "late",
        "none",
    ]


def test_closed_flags_are_not_open() -> None:
    flag_on(make_contract(), state="dismissed")
    flag_on(make_contract(), state="cleared", cleared_on=TODAY)
    flag_on(make_contract(), state="converted")
    assert open_flags(make_user(Role.FINANCE)) == []


def test_open_flags_are_read_with_one_number_of_queries() -> None:
    def queries() -> int:
        user = make_user(Role.FINANCE)
        with CaptureQueriesContext(connection) as captured:
            open_flags(user)
        return len(captured)

    flag_on(make_contract())
    assert queries() == 2
    for _ in range(2):
        flag_on(make_contract())
    assert queries() == 2


def test_latest_assessment_is_the_newest_that_the_user_may_see() -> None:
    contract = body_shop_under_a_fee()
    assess(as_of=TODAY, actor=None)
    finance = make_user(Role.FINANCE)
    found = latest_assessment(contract, finance)
    assert found is not None
    assert found.as_of == TODAY
    assert list(latest_assessments(finance)) == [found]
    stranger = make_user(Role.MANAGER)
    assert latest_assessment(contract, stranger) is None
    assert list(latest_assessments(stranger)) == []


def test_teams_leave_out_contractors_on_their_own() -> None:
    alone = running_assignment()
    team = running_assignment(service=make_service("Payroll"))
    scope = Scope(judged_on(TODAY), TODAY, 12)
    found = teams(scope)
    assert list(found) == [team.pk]
    assert alone.pk not in found
    (stay,) = found[team.pk]
    assert (stay.first, stay.last) == (LONG_AGO, TODAY)


def test_judged_engagements_are_those_running_on_the_day() -> None:
    running = running_assignment()
    make_assignment()
    running_assignment(starts_on=date(2026, 11, 16))
    assert [engagement.pk for engagement in judged_on(TODAY)] == [running.pk]
