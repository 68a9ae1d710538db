"""Reviews in the admin: a form for managers, and not a word for finance."""

from datetime import date

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from engagements.choices import Role
from engagements.models import Event
from engagements.services.lifecycle import start_engagement
from tests.admin.conftest import logged_in
from tests.admin.forms import fields_on
from tests.admin.test_home import sections_of, texts
from tests.factories import make_assignment, make_user
from tests.performance.test_reviews import reviewed
from tracker.notify.alert_text import alerts_of, in_words
from tracker.notify.services import tell_events
from tracker.performance.models import Review
from tracker.performance.review import CRITERIA
from tracker.performance.services import ask_for_reviews

pytestmark = pytest.mark.django_db

CANARY = "Zanzibar"
LIST = "/admin/tracker/review/"
ADD = "/admin/tracker/review/add/"


@pytest.fixture(autouse=True)
def _today(settings):
    settings.REVIEW_EVERY_MONTHS = 3
    with time_machine.travel("2026-11-22T12:00Z", tick=False):
        yield


@pytest.fixture
def assignment(manager, department):
    return running(manager, department=department)


def running(manager, **fields):
    found = make_assignment(
        manager=manager,
        **{"title": "Data engineer", "ends_on": date(2026, 12, 31)} | fields,
    )
    start_engagement(engagement=found, actor=None)
    return found


def page_of(engagement):
    return reverse("admin:engagements_assignment_change", args=[engagement.pk])


def test_form_comes_filled_in_and_stores_five_marks(client, manager, assignment):
    fields = fields_on(client, f"{ADD}?engagement={assignment.pk}")

    assert (fields["engagement"], fields["period_from"], fields["period_to"]) == (
        str(assignment.pk),
        "22/08/2026",
        "22/11/2026",
    )
    answer = client.post(
        ADD, fields | dict.fromkeys(CRITERIA, "4") | {"comment": "Good work."}
    )

    assert answer.headers["Location"] == reverse(
        "admin:engagements_engagement_change", args=[assignment.pk]
    )
    review = Review.objects.get()
    assert (review.reviewer, review.quality, review.comment) == (
        manager,
        4,
        "Good work.",
    )


def test_next_form_begins_the_day_after_the_last_review(client, manager, assignment):
    reviewed(assignment, manager, until="2026-11-01")

    fields = fields_on(client, f"{ADD}?engagement={assignment.pk}")

    assert fields["period_from"] == "02/11/2026"


def test_a_mark_left_out_is_named(client, assignment):
    fields = fields_on(client, f"{ADD}?engagement={assignment.pk}")

    answer = client.post(ADD, fields | dict.fromkeys(CRITERIA[1:], "4"))

    assert answer.context["adminform"].form.errors.keys() == {"quality"}
    assert not Review.objects.exists()


@pytest.mark.parametrize("asked", ["9" * 30, "0", "x", "-1"])
def test_an_engagement_that_isnt_there_is_none(client, asked):
    assert client.get(f"{ADD}?engagement={asked}").status_code == 200


def test_foreign_engagement_is_refused_by_the_form(client):
    other = running(make_user(Role.MANAGER))
    fields = fields_on(client, ADD)

    answer = client.post(
        ADD, fields | dict.fromkeys(CRITERIA, "4") | {"engagement": str(other.pk)}
    )

    assert answer.context["adminform"].form.errors.keys() == {"engagement"}


def test_after_two_weeks_the_page_only_shows_it(client, manager, assignment):
    review = reviewed(assignment, manager)
    change = reverse("admin:tracker_review_change", args=[review.pk])
    assert "quality" in fields_on(client, change)

    with time_machine.travel("2026-12-06T12:00Z", tick=False):
        client.force_login(manager)
        assert "quality" not in fields_on(client, change)


@pytest.mark.parametrize("count", [1, 3])
def test_list_takes_as_many_queries_however_many_rows(client, manager, count):
    for _n in range(count):
        reviewed(running(manager), manager)
    client.get(LIST)

    with CaptureQueriesContext(connection) as queries:
        response = client.get(LIST)

    assert len(response.context["cl"].result_list) == count
    assert len(queries) == LIST_QUERIES


LIST_QUERIES = 14


def test_engagement_page_shows_mean_trend_and_history(client, manager, assignment):
    reviewed(
        assignment, manager, period_from=date(2026, 2, 1), until="2026-05-01", mark=3
    )
    reviewed(assignment, manager, until="2026-11-01", mark=4)

    body = client.get(page_of(assignment)).content.decode()

    assert '<span class="panel-figure">4.0</span>' in body
    assert "rising" in body
    assert 'class="panel-spark"' in body


def test_home_lists_what_is_due_and_then_no_more(client, manager, assignment):
    section = sections_of(client)["reviews"]
    assert texts(section) == [["Data engineer", "never", "1 Apr 2026"]]

    reviewed(assignment, manager)

    assert "reviews" not in sections_of(client)


def test_manager_is_told_once_that_a_review_is_due(manager, assignment):
    ask_for_reviews(today=timezone.localdate())
    ask_for_reviews(today=timezone.localdate())
    tell_events()

    assert [one.subject for one in in_words(alerts_of(manager), manager)] == [
        "Review due: Data engineer"
    ]


def test_who_loses_the_role_loses_the_alert(manager, assignment):
    ask_for_reviews(today=timezone.localdate())
    tell_events()

    manager.groups.clear()
    manager.groups.add(make_user(Role.FINANCE).groups.get())
    finance = type(manager).objects.get(pk=manager.pk)

    assert list(alerts_of(finance)) == []


@pytest.mark.parametrize("role", [Role.FINANCE, Role.HR_INTEGRATION])
def test_nothing_tells_finance_or_hr_of_a_review(role, manager, assignment):
    review = reviewed(assignment, manager, comment=CANARY)
    ask_for_reviews(today=timezone.localdate())
    browser = logged_in(role)

    for path in (LIST, ADD, f"{LIST}{review.pk}/change/"):
        assert browser.get(path).status_code == 403
    assert browser.get(f"{LIST}{review.pk}/history/").status_code == 404
    engagement = f"/admin/engagements/engagement/{assignment.pk}"
    assignment_page = f"/admin/engagements/assignment/{assignment.pk}"
    for path in (
        "/admin/",
        f"{engagement}/change/",
        f"{assignment_page}/change/",
        f"{assignment_page}/history/",
        f"{assignment_page}/timeline/",
        "/admin/engagements/event/",
        "/admin/engagements/event/?q=review",
        "/admin/search/?s=Zanzibar",
    ):
        body = browser.get(path, follow=True).content.decode()
        assert CANARY not in body, path
        assert "review." not in body, path
        assert "Review" not in body, path
    told = Event.objects.filter(event_type__startswith="review.")
    for event in told:
        path = f"/admin/engagements/event/{event.pk}/change/"
        response = browser.get(path)
        assert response.status_code in (302, 403)


def test_the_managers_history_and_timeline_tell_of_it(client, manager, assignment):
    """The other way round, so that the test above could fail."""
    reviewed(assignment, manager)
    page = f"/admin/engagements/assignment/{assignment.pk}"

    assert "Review written" in client.get(f"{page}/history/").content.decode()
    assert "Review written" in client.get(f"{page}/timeline/").content.decode()


def test_finance_who_also_manages_reads_only_what_they_manage(manager, assignment):
    reviewed(assignment, manager, comment=CANARY)
    browser = logged_in(Role.FINANCE, Role.MANAGER)

    assert CANARY not in browser.get(LIST).content.decode()
    body = browser.get(f"/admin/engagements/assignment/{assignment.pk}/history/")
    assert "Review written" not in body.content.decode()


def test_extension_dialog_asks_and_goes_on_by_a_ground(client, assignment):
    url = f"/admin/engagements/assignment/{assignment.pk}/extend/"
    shown = client.get(url).content.decode()
    assert "nobody has reviewed it yet" in shown
    assert f"{ADD}?engagement={assignment.pk}" in shown

    fields = {"_form_submitted": "on", "ends_on": "2027-06-30"}
    refused = client.post(url, fields)
    assert refused.context["form"].errors.keys() >= {"ground"}
    key = refused.context["form"]["shown_for"].value()
    client.post(url, fields | {"shown_for": key, "ground": "no_time"})

    assignment.refresh_from_db()
    assert assignment.term_ends_on == date(2027, 6, 30)
