"""The pages of fit: the portfolio on two axes, and what if."""

import re
from datetime import date
from decimal import Decimal

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from engagements.choices import Role
from engagements.models import Engagement
from tests.factories import make_department, make_user
from tests.fit.records import (
    TODAY,
    body_shop_under_a_fee,
    good_managed,
    imported,
    make_service,
    plant_spend,
    running_contract,
    team_bought_by_the_hour,
)
from tests.fit.test_assessing import plant_portfolio
from tracker.dashboards.filters import read_filters
from tracker.dashboards.fit.page import Fit
from tracker.fit.models import Assessment, Policy, SeenPattern
from tracker.fit.services import assess
from tracker.spend.models import Saving, SavingKind
from tracker.spend.services import bring_savings_up

pytestmark = pytest.mark.django_db

LAST_MONTH = date(2026, 10, 15)


@pytest.fixture
def finance(client):
    user = make_user(Role.FINANCE)
    client.force_login(user)
    return user


def flagged(**fields):
    engagement = team_bought_by_the_hour(**fields)
    plant_spend(engagement, amount=Decimal(9_000), months=12, until=LAST_MONTH)
    return engagement


def table_of(user, slug, **asked):
    """Return the report's rows, by the name of each column."""
    topic = Fit()
    report = topic.by_slug[slug](read_filters(user, asked, topic.asking).scope)
    heads = [column.title for column in report.columns]
    return [dict(zip(heads, row.values, strict=True)) for row in report.rows()]


def text_of(response):
    body = re.sub(r"<script.*?</script>", "", response.content.decode(), flags=re.S)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", body))


def test_portfolio_draws_each_engagement_as_a_link_with_its_title(client, finance):
    engagement = flagged(title="Payroll engineer")
    assess(as_of=TODAY, actor=None)
    found = Assessment.objects.get(engagement=engagement, as_of=TODAY)

    response = client.get("/fit/")

    assert response.status_code == 200
    href = f"/admin/tracker/assessment/{found.pk}/change/"
    body = response.content.decode()
    # Wide, narrow, the table beside them, and the pattern that shows.
    assert body.count(f'href="{href}"') == 4
    assert re.search(
        r"<title>Payroll engineer, .*for the other model.*a year</title>", body
    )


def test_what_is_not_drawn_is_told(client, finance):
    flagged()
    imported()
    assess(as_of=TODAY, actor=None)

    text = text_of(client.get("/fit/"))

    assert "1 of 2 are drawn" in text
    assert "Not enough evidence" in text


def test_queue_stands_by_deadline_then_by_value(finance):
    late = flagged(notice_period=30, ends_on=date(2027, 12, 31), title="Late")
    dear = flagged(notice_period=30, ends_on=date(2027, 6, 30), title="Dear")
    cheap = flagged(notice_period=30, ends_on=date(2027, 6, 30), title="Cheap")
    flagged(title="Open end")
    assess(as_of=TODAY, actor=None)
    for engagement, saving in ((late, "9"), (dear, "700"), (cheap, "5")):
        found = Assessment.objects.get(engagement=engagement, as_of=TODAY)
        found.money["saving"]["p50"] = saving
        found.save()

    titles = [row["Engagement"] for row in table_of(finance, "waiting-flags")]

    assert titles == ["Dear", "Cheap", "Late", "Open end"]


def test_page_says_what_to_record_next_to_learn_most(finance):
    imported()
    imported()
    assess(as_of=TODAY, actor=None)

    lessons = table_of(finance, "facts-to-record")

    assert {row["Engagements"] for row in lessons} == {2}
    points = [row["Points it could move"] for row in lessons]
    assert points == sorted(points, reverse=True)
    lacking = table_of(finance, "verdicts", missing=lessons[0]["Code"])
    assert len(lacking) == 2


def test_blend_of_a_service_names_its_parts(finance):
    service = make_service("Claims")
    good_managed(service=service, title="Desk")
    body_shop_under_a_fee(service=service, title="Migration")
    assess(as_of=TODAY, actor=None)

    rows = table_of(finance, "blends")

    assert [
        (row["Service"], row["Engagement"].split(" ", 1)[1], row["To be run"])
        for row in rows
    ] == [("Claims", "Desk", "Managed"), ("Claims", "Migration", "Augmented")]


def test_patterns_stand_with_their_records_and_a_team_as_one_row(client, finance):
    service = make_service("Claims")
    lone = flagged(title="Alone")
    team = [flagged(title=name, service=service) for name in ("Ada", "Bo")]
    assess(as_of=TODAY, actor=None)
    SeenPattern.objects.filter(engagement__in=team).update(
        behind=[one.pk for one in team]
    )

    rows = table_of(finance, "patterns")

    assert [(row["Pattern"], row["Engagement"], row["Records"]) for row in rows] == [
        ("Steady work paid by the hour", "Alone", 120),
        ("Steady work paid by the hour", "Ada and one more", 120),
    ]
    found = Assessment.objects.get(engagement=lone, as_of=TODAY)
    assert f"/admin/tracker/assessment/{found.pk}/change/" in rows_of_page(client)
    # As what the filters narrow to.
    assert table_of(finance, "patterns", verdict="mixed") == []


def rows_of_page(client):
    body = client.get("/fit/").content.decode()
    return body[body.index("Patterns in the records") :]


def test_manager_sees_their_own_alone(client):
    own = make_department()
    client.force_login(make_user(Role.MANAGER, department=own))
    flagged(title="Own", department=own)
    flagged(title="Elsewhere", department=make_department())
    assess(as_of=TODAY, actor=None)

    text = text_of(client.get("/fit/"))

    assert " Own " in text
    assert "Elsewhere" not in text


def test_money_is_not_told_of_rows_seen_in_a_role_without_it():
    own = make_department()
    both = make_user(Role.MANAGER, Role.HR_INTEGRATION, department=own)
    flagged(title="Own", department=own)
    flagged(title="Elsewhere", department=make_department())
    assess(as_of=TODAY, actor=None)

    rows = {
        row["Engagement"]: row["Spend a year"] for row in table_of(both, "verdicts")
    }

    assert rows == {"Own": Decimal("108000.00"), "Elsewhere": None}


@pytest.mark.parametrize("path", ["/fit/", "/fit/what-if/"])
def test_who_sees_no_verdicts_is_told_so(client, path):
    client.force_login(make_user(Role.HR_INTEGRATION))

    assert client.get(path).status_code == 403


@pytest.mark.parametrize("path", ["/fit/", "/fit/what-if/"])
def test_visitors_are_asked_to_log_in(client, path):
    assert client.get(path).status_code == 302


def test_fresh_database_has_a_page(client, finance):
    response = client.get("/fit/")

    assert response.status_code == 200
    assert "Nothing has been judged yet" in text_of(response)


# One engagement is no group, and then there are no members to read.
@pytest.mark.parametrize(("engagements", "queries"), [(1, 12), (3, 13), (300, 13)])
def test_number_of_queries_does_not_grow(client, finance, engagements, queries):
    plant_portfolio(engagements)
    assess(as_of=TODAY, actor=None)
    client.get("/fit/")

    with CaptureQueriesContext(connection) as captured:
        client.get("/fit/")

    assert len(captured) == queries


def ask(client, **parameters):
    return client.get("/fit/what-if/", parameters)


def test_what_if_starts_from_what_is_recorded_and_says_the_same(client, finance):
    engagement = team_bought_by_the_hour()
    assess(as_of=TODAY, actor=None)
    stored = Assessment.objects.get(engagement=engagement, as_of=TODAY)

    response = ask(client, engagement=engagement.reference)

    outcome = response.context["page"].outcome
    assert outcome.headline == stored.sentences["headline"]
    assert not outcome.has_moved
    fields = {field.code: field for field in response.context["page"].fields}
    assert (fields["direction"].value, fields["direction"].suffix) == ("10", "%")
    assert fields["manager_load"].value == ""


def test_form_sent_back_as_it_is_moves_nothing(client, finance):
    engagement = team_bought_by_the_hour()
    assess(as_of=TODAY, actor=None)
    page = ask(client, engagement=engagement.reference).context["page"]

    typed = {field.code: field.value for field in page.fields}
    typed |= {f"v.{field.code}": field.importance for field in page.fields}
    again = ask(client, engagement=engagement.reference, **typed).context["page"]

    assert again.outcome == page.outcome


def test_another_figure_moves_the_verdict(client, finance):
    engagement = team_bought_by_the_hour()
    assess(as_of=TODAY, actor=None)

    page = ask(client, engagement=engagement.reference, direction="95").context["page"]

    assert page.outcome.has_moved
    assert page.outcome.cx < page.outcome.before_cx


def test_another_importance_moves_the_verdict(client, finance):
    engagement = team_bought_by_the_hour()
    assess(as_of=TODAY, actor=None)

    page = ask(client, engagement=engagement.reference, **{"v.direction": "9"}).context[
        "page"
    ]

    assert page.outcome.has_moved
    assert page.outcome.cx > page.outcome.before_cx


def test_fact_taken_away_is_not_recorded(client, finance):
    engagement = team_bought_by_the_hour()
    assess(as_of=TODAY, actor=None)

    page = ask(client, engagement=engagement.reference, direction="").context["page"]

    assert page.outcome.has_moved
    assert "Who assigns the work" not in [bar.label for bar in page.outcome.bars]


def test_work_that_need_not_exist_is_judged_in_any_model(client, finance):
    facts = {"direction": "5", "measurability": "90", "permanence": "30"}
    facts |= {"skills_breadth": "5", "core_work": "5", "steadiness": "5"}
    facts |= {"scope_change": "1", "manager_load": "120"}

    verdicts = [
        ask(client, model=model, **facts).context["page"].outcome.verdict
        for model in ("", "managed", "augmented")
    ]

    assert verdicts == [
        "Managed service fits",
        "Current model fits",
        "Other model fits better",
    ]


def test_part_answers_the_verdict_alone(client, finance):
    response = ask(client, part="outcome", direction="5")

    assert response.templates[0].name == "tracker/_what_if_outcome.html"
    assert "<html" not in response.content.decode()


@pytest.mark.parametrize(
    ("typed", "error"),
    [
        ({"direction": "140"}, "Give a figure from 0 % to 100 %."),
        ({"direction": "many"}, "Give a number."),
        ({"direction": "nan"}, "Give a figure from 0 % to 100 %."),
        ({"v.direction": "0"}, "Give an importance from 0.01 to 10."),
        ({"v.direction": "inf"}, "Give an importance from 0.01 to 10."),
    ],
)
def test_what_is_wrong_is_told_beside_its_field(client, finance, typed, error):
    response = ask(client, **typed)

    assert response.status_code == 400
    field = next(f for f in response.context["page"].fields if f.code == "direction")
    assert error in (field.error, field.importance_error)
    assert response.context["page"].outcome is None


def test_engagement_out_of_sight_is_as_one_that_is_not_there(client):
    client.force_login(make_user(Role.MANAGER, department=make_department()))
    hidden = team_bought_by_the_hour(department=make_department(), title="Hidden")
    assess(as_of=TODAY, actor=None)

    pages = [ask(client, engagement=name) for name in (hidden.reference, "NONE-1")]

    assert [page.status_code for page in pages] == [400, 400]
    assert len({page.context["page"].problem for page in pages}) == 1
    assert "Hidden" not in text_of(pages[0])


def test_hostile_text_is_escaped(client, finance):
    response = ask(client, engagement="<script>alert(1)</script>", direction="<b>")

    assert b"<script>alert" not in response.content
    assert b"<b>" not in response.content


def test_conversion_is_told_by_what_was_predicted_and_what_came_of_it(finance):
    # A provider that saves a third of the hours: then going over is worth it.
    saved = {"least": 0.3, "likely": 0.33, "most": 0.36, "source": "two tenders"}
    saved |= {"dated_on": "2026-09-01", "owner": "Ada Obi"}
    Policy.objects.create(
        version=1, adopted_at=timezone.now(), assumptions={"efficiency": saved}
    )
    before = flagged(title="By the hour")
    assess(as_of=TODAY, actor=None)
    after = running_contract(title="As a service", starts_on=date(2026, 11, 20))
    Engagement.objects.filter(pk=after.pk).update(predecessor=before)

    with time_machine.travel("2026-12-02T09:00Z", tick=False):
        (waiting,) = table_of(finance, "conversions")
    plant_spend(after, amount=Decimal(7_000), months=5, until=date(2027, 4, 15))
    assess(as_of=date(2027, 5, 10), actor=None)
    with time_machine.travel("2027-05-10T09:00Z", tick=False):
        bring_savings_up()
        (told,) = table_of(finance, "conversions")

    assert waiting["Predicted"] == told["Predicted"]
    assert (waiting["Realised"], waiting["Months told"]) == (None, None)
    assert waiting["Why nothing is told"] == (
        "Told once three whole months are billed or accrued."
    )
    then, now = (
        Assessment.objects.get(engagement=one, as_of=as_of).money["present"]["p50"]
        for one, as_of in ((before, TODAY), (after, date(2027, 5, 10)))
    )
    assert told["Realised"] == Decimal(then) - Decimal(now)
    assert told["Months told"] == 5
    saving = Saving.objects.with_realised().get(kind=SavingKind.CONVERSION)
    assert told["Realised by now"] == saving.realised == told["Realised"] * 5
    assert told["Claimed"] == saving.claimed_amount == told["Predicted"] * 12


def test_conversion_out_of_sight_is_not_told():
    own = make_department()
    before = flagged(department=make_department())
    after = running_contract(department=own, starts_on=date(2026, 11, 1))
    Engagement.objects.filter(pk=after.pk).update(predecessor=before)
    assess(as_of=TODAY, actor=None)

    head = make_user(Role.MANAGER, department=own)

    assert table_of(head, "conversions") == []
