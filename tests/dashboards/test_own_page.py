"""A manager's page: what waits, until when, and what can still be done."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
import time_machine

from engagements.choices import (
    ChecklistStage,
    CreditScheme,
    NoticeUnit,
    Renewal,
    Role,
    TaskStatus,
)
from engagements.models import ChecklistTask, Contractor, TenurePolicy
from engagements.services.lifecycle import submit_engagement
from tests.dashboards.test_topics import body_of, rows_of
from tests.factories import (
    begun,
    make_assignment,
    make_contract,
    make_department,
    make_rule,
    make_user,
    make_vendor,
)
from tests.spend.sheets import begin, make_running, submitted
from tracker.fit.models import Flag
from tracker.performance.models import Credit

pytestmark = pytest.mark.django_db

MONDAY = date(2026, 11, 9)


@pytest.fixture(autouse=True)
def on_a_day_in_november():
    with time_machine.travel(datetime(2026, 11, 22, 12, tzinfo=UTC), tick=False):
        yield


@pytest.fixture
def department():
    return make_department()


@pytest.fixture
def manager(client, department):
    user = make_user(Role.MANAGER, department=department)
    client.force_login(user)
    return user


def deadlines(client, query=""):
    return [
        (row["What"], row["By"], row["Days left"])
        for row in rows_of(client, "my", "my-deadlines", query)
    ]


def test_every_kind_of_deadline_stands_in_one_list(client, manager):
    contract = begun(
        make_contract(
            manager=manager,
            starts_on=date(2026, 1, 1),
            initial_term_months=12,
            notice_period=1,
            notice_unit=NoticeUnit.MONTHS,
            renewal=Renewal.AUTO,
            renewal_term_months=12,
        )
    )
    begun(make_contract(manager=manager, ends_on=date(2026, 11, 1)))
    ChecklistTask.objects.create(
        engagement=contract,
        title="Take back the badge",
        stage=ChecklistStage.OFFBOARDING,
        owner=manager,
        due_on=date(2026, 11, 20),
        status=TaskStatus.TO_DO,
    )
    Credit.objects.create(
        engagement_id=contract.pk,
        window_from=date(2026, 10, 1),
        window_to=date(2026, 10, 31),
        scheme=CreditScheme.FLAT,
        amount=Decimal(50),
        claim_by_on=date(2026, 12, 5),
        state_since=date(2026, 11, 1),
    )
    TenurePolicy.objects.create(
        name="A year and a half",
        country="DE",
        maximum_months=18,
        basis="person",
        action="warn",
        source="a law",
        checked_on=date(2026, 1, 1),
    )
    vendor = make_vendor()
    person = Contractor.objects.create(
        full_name="Ada Low", vendor=vendor, jurisdiction="DE"
    )
    begun(
        make_assignment(
            manager=manager,
            vendor=vendor,
            contractor=person,
            starts_on=date(2025, 6, 1),
        )
    )

    assert deadlines(client) == [
        ("Term is over", "2026-11-01", "-21"),
        ("Task", "2026-11-20", "-2"),
        ("Last day for notice", "2026-11-30", "8"),
        ("Tenure limit", "2026-11-30", "8"),
        ("Claim a credit", "2026-12-05", "13"),
    ]
    body = body_of(client, "/my/")
    assert "Give notice by then, or it renews by itself." in body
    assert "Claim £50.00, or it is lost." in body


def test_approvals_and_sheets_wait_and_the_title_counts_them(
    client, manager, department
):
    colleague = make_user(Role.MANAGER, department=department)
    make_rule(manager)
    contract = make_contract(
        manager=colleague, department=department, ends_on=date(2027, 1, 1)
    )
    submit_engagement(engagement=contract, actor=colleague)
    assignment = make_running(department=department, manager=manager)
    submitted(assignment, colleague, MONDAY)

    body = body_of(client, "/my/")

    assert "2 decisions wait for you" in body
    [approval] = rows_of(client, "my", "my-approvals")
    assert (approval["Engagement"], approval["Asked by"]) == (
        contract.title,
        str(colleague),
    )
    [sheet] = rows_of(client, "my", "my-timesheets")
    assert (sheet["From"], sheet["To"]) == ("2026-11-09", "2026-11-15")
    assert Decimal(sheet["Hours"]) > 0


def test_sheets_not_started_are_counted_by_person(client, manager, department):
    assignment = make_running(
        department=department, manager=manager, starts_on=date(2026, 11, 2)
    )
    begin(assignment, MONDAY)

    [person] = rows_of(client, "my", "my-people")

    # Of the weeks that are over, only the first has no sheet.
    assert person["Sheets not started"] == "1"
    assert f'href="/contractors/?engagement={assignment.public_id}"' in body_of(
        client, "/my/"
    )


def test_a_flag_says_what_can_still_be_done_and_a_snoozed_one_waits_for_nobody(
    client, manager
):
    for state, until in (("open", None), ("snoozed", date(2027, 1, 1))):
        contract = begun(
            make_contract(
                manager=manager,
                initial_term_months=24,
                notice_period=3,
                notice_unit=NoticeUnit.MONTHS,
            )
        )
        Flag.objects.create(
            engagement=contract,
            raised_on=date(2026, 10, 1),
            opposition=0.9,
            leaning="augmented",
            sentence="our managers assign the work",
            state=state,
            snoozed_until=until,
        )

    flags = rows_of(client, "my", "my-flags")

    assert [row["Decision"] for row in flags] == ["Open", "Snoozed"]
    assert flags[0]["What can still be done"] == (
        "Give notice and convert to augmented contractors"
    )
    assert (flags[0]["Until"], flags[0]["Days left"]) == ("2027-09-30", "312")
    assert "1 decision waits for you" in body_of(client, "/my/")


def test_a_head_may_look_at_the_whole_department(client, manager, department):
    begun(make_contract(department=department, title="Of a colleague"))

    assert rows_of(client, "my", "my-engagements") == []
    [row] = rows_of(client, "my", "my-engagements", "?whose=all")
    assert row["Engagement"] == "Of a colleague"


def test_who_sees_no_money_is_told_no_price(client):
    client.force_login(make_user(Role.HR_INTEGRATION))
    begun(make_contract(fee=Decimal("98765.43")))

    [row] = rows_of(client, "my", "my-engagements", "?whose=all")

    assert (row["Price"], row["Spend of 12 months"]) == ("", "")
    assert "98,765" not in body_of(client, "/my/?whose=all")
