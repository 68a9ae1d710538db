"""The pages of a flag and an assessment: history, ranges, money to the cent."""

import html
import re
from datetime import date
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from engagements.choices import Role
from engagements.values.periods import add_months
from tests.dashboards.spending import bill
from tests.factories import make_department, make_user
from tests.fit.records import (
    TODAY,
    body_shop_under_a_fee,
    make_service,
    plant_spend,
    running_assignment,
    running_contract,
    team_bought_by_the_hour,
)
from tracker.admin.fit_reading import history_of
from tracker.fit.models import Assessment, Flag
from tracker.fit.reconciling import Reconciled, Source, reconciled
from tracker.fit.services import assess
from tracker.fit.services.evaluation import ENGINE_VERSION
from tracker.fit.verdict import Thresholds
from tracker.performance.models import Review
from tracker.performance.review import CRITERIA

pytestmark = pytest.mark.django_db


@pytest.fixture
def administrator(client):
    user = make_user(Role.ADMINISTRATOR)
    client.force_login(user)
    return user


def text_of(response):
    body = re.sub(r"<(script|style).*?</\1>", "", response.content.decode(), flags=re.S)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", body))


def page_of(assessment):
    return reverse("admin:tracker_assessment_change", args=[assessment.pk])


def assessed(engagement):
    assess(as_of=TODAY, actor=None)
    return Assessment.objects.get(engagement=engagement, as_of=TODAY)


def paid(**fields):
    engagement = team_bought_by_the_hour(**fields)
    plant_spend(
        engagement, amount=Decimal("9000.37"), months=12, until=date(2026, 10, 15)
    )
    return engagement


def test_page_tells_money_with_what_is_recorded_and_assumed(client, administrator):
    text = text_of(client.get(page_of(assessed(paid()))))

    assert "What going over would cost and save" in text
    assert "Price a month, by the ledger £9,000.37" in text
    assert "Hours worked a month 150.0" in text
    assert "What a provider adds to the price of the hours" in text
    assert "vendors&#x27; published claims" in text


def test_money_is_hidden_where_the_role_sees_the_row_without_it(client):
    own = make_department()
    client.force_login(make_user(Role.MANAGER, Role.HR_INTEGRATION, department=own))
    elsewhere = assessed(paid(department=make_department()))

    text = text_of(client.get(page_of(elsewhere)))

    assert "How sure each fact is" in text
    assert "What going over would cost" not in text
    assert "9,000" not in text


def plant_review(engagement, until):
    Review.objects.create(
        engagement=engagement,
        reviewer=make_user(Role.MANAGER),
        period_from=add_months(until, -3),
        period_to=until,
        **dict.fromkeys(CRITERIA, 4),
    )


def links_of(client, assessment):
    """The list behind each fact, by its label, as it opens."""
    body = client.get(page_of(assessment)).content.decode()
    found = re.findall(r'href="([^"]+)" aria-label="\d+ records behind: ([^"]+)"', body)
    return {label: html.unescape(href) for href, label in found}


def listed(client, href):
    response = client.get(href, follow=True)
    assert response.status_code == 200, href
    return response.context["cl"].queryset if "cl" in response.context else None


def test_ranges_lead_to_the_records_behind_them(client, administrator):
    service = make_service("Payroll platform")
    engagement = team_bought_by_the_hour(service=service)
    beside = running_assignment(vendor=engagement.vendor, service=service)
    plant_review(engagement, date(2026, 6, 30))
    plant_review(engagement, date(2025, 6, 30))

    links = links_of(client, assessed(engagement))

    # Of fourteen months planted, those of the window.
    logs = listed(client, links["Who assigns the work"])
    first, last = date(2025, 11, 16), TODAY
    assert logs.count() == len(logs.filter(worked_on__range=(first, last))) > 100
    assert set(logs.values_list("engagement", flat=True)) == {engagement.pk}
    (review,) = listed(client, links["Performance so far"])
    assert review.period_to == date(2026, 6, 30)
    team = listed(client, links["Integrity of the team"])
    assert {one.pk for one in team} == {engagement.pk, beside.pk}
    assert links["Permanence of the need"] == (
        f"/admin/engagements/service/{service.pk}/change/"
    )
    assert listed(client, links["Permanence of the need"]) is None


def test_facts_of_spend_lead_to_the_ledger_of_their_months(client, administrator):
    contract = running_contract(starts_on=date(2024, 3, 1))
    plant_spend(contract, amount=Decimal(9_000), months=20, until=date(2026, 10, 15))

    links = links_of(client, assessed(contract))

    assert len(listed(client, links["Permanence of the need"])) == 20
    assert len(listed(client, links["Steadiness of use"])) == 12
    assert links["Change of scope"].endswith(f"/{contract.pk}/change/")
    assert listed(client, links["Change of scope"]) is None


def test_pattern_tells_how_many_records_it_is_told_from_and_where(
    client, administrator
):
    engagement = team_bought_by_the_hour()

    body = client.get(page_of(assessed(engagement))).content.decode()

    told = re.search(
        r'href="([^"]+)"[^>]*>(\d+)</a></dd>', body[body.index("Patterns</h2>") :]
    )
    assert told is not None
    assert len(listed(client, html.unescape(told[1]))) == 120


def test_page_says_what_was_read_and_by_which_versions(client, administrator):
    text = text_of(client.get(page_of(assessed(team_bought_by_the_hour()))))

    assert (
        "Read from 16 Nov 2025 to 15 Nov 2026, 12 months; some facts look further"
        f" back. Engine {ENGINE_VERSION}, policy 1."
    ) in text


def test_history_stands_between_its_thresholds(administrator):
    engagement = team_bought_by_the_hour()
    assess(as_of=TODAY, actor=None)

    line = history_of(engagement, Thresholds())

    assert line is not None
    assert [dot.text[:11] for dot in line.dots] == ["15 Oct 2026", "15 Nov 2026"]
    assert [bound.text for bound in line.bounds] == [
        "a flag rises at 70 %",
        "and is cleared below 60 %",
    ]
    # 122 at nothing, 10 at all of it
    assert [bound.y for bound in line.bounds] == [43.6, 54.8]
    assert [dot.x for dot in line.dots] == [40, 588]


def test_one_assessment_is_no_history():
    engagement = team_bought_by_the_hour(starts_on=add_months(TODAY, 0))
    assess(as_of=TODAY, actor=None)

    assert history_of(engagement, Thresholds()) is None


def test_flag_page_has_what_the_assessment_has(client, administrator):
    contract = body_shop_under_a_fee()
    plant_spend(contract, amount=Decimal(20_000), months=4, until=date(2026, 10, 15))
    assess(as_of=TODAY, actor=None)
    flag = Flag.objects.get()

    text = text_of(client.get(reverse("admin:tracker_flag_change", args=[flag.pk])))

    for part in (
        "month by month",
        "How sure each fact is",
        "What going over would cost",
    ):
        assert part in text


def test_ledger_is_reconciled_with_invoices_to_the_cent():
    contract = running_contract(starts_on=date(2026, 1, 1))
    for month in (8, 9, 10):
        bill(contract, date(2026, month, 28), [("recurring", "10000.33")])
    money = assessed(contract).money

    found = reconciled(contract, money)

    assert found == Reconciled(
        sources=[Source("Invoiced", Decimal("30000.99"))],
        total=Decimal("30000.99"),
        stored=Decimal("30000.99"),
        billed=Decimal("30000.99"),
        posted=Decimal("30000.99"),
        credits_due=Decimal(0),
        credits_received=Decimal(0),
    )
    assert (found.changed_since, found.unposted) == (0, 0)


def test_what_is_posted_afterwards_is_told():
    contract = running_contract(starts_on=date(2026, 1, 1))
    for month in (7, 8, 9):
        bill(contract, date(2026, month, 28), [("recurring", "10000")])
    money = assessed(contract).money
    bill(contract, date(2026, 10, 28), [("recurring", "0.01")])

    assert reconciled(contract, money).changed_since == Decimal("0.01")


@pytest.mark.parametrize("months", [1, 3])
def test_number_of_queries_does_not_grow(client, administrator, months):
    engagement = paid()
    for back in reversed(range(months)):
        assess(as_of=add_months(TODAY, -back), actor=None)
    page = page_of(Assessment.objects.get(engagement=engagement, as_of=TODAY))
    client.get(page)

    with CaptureQueriesContext(connection) as captured:
        client.get(page)

    assert len(captured) == 47
