from decimal import Decimal

import pytest
from django.urls import reverse

from engagements.choices import Role
from tests.admin.conftest import logged_in
from tests.factories import begun, make_assignment, make_department, make_user
from tracker.spend.models import BenchmarkRate, BenchmarkSet, RoleBenchmark
from tracker.spend.services import choose_benchmark, store_benchmarks
from tracker.spend.services.benchmarks import PublishedRate

pytestmark = pytest.mark.django_db

CHOOSE = reverse("admin:tracker_rolebenchmark_choose")


@pytest.fixture
def rate():
    store_benchmarks(
        benchmark_set=BenchmarkSet(
            name="Published",
            year=2016,
            source="A publisher",
            licence="CC0",
            currency="GBP",
        ),
        rates=[PublishedRate("Tester", "", "hour", 9, *map(Decimal, (40, 50, 60)))],
        actor=None,
    )
    return BenchmarkRate.objects.get()


def a_tester(**fields):
    return begun(make_assignment(role="Tester", rate=Decimal(600), **fields))


def test_a_person_chooses_and_drops_what_a_role_is_compared_with(rate):
    a_tester()
    finance = logged_in(Role.FINANCE)

    page = finance.get(CHOOSE)
    finance.post(CHOOSE, {"role": "Tester", "rate": rate.pk, "level": ""})
    chosen = RoleBenchmark.objects.get()
    finance.post(CHOOSE, {"drop": chosen.pk})

    assert [each["likest"] for each in page.context["roles"]] == [[rate]]
    assert (chosen.role, chosen.rate) == ("Tester", rate)
    assert not RoleBenchmark.objects.exists()


@pytest.mark.parametrize(
    "posted",
    [
        {"role": "Nobody's", "rate": "1"},
        {"role": "Tester", "rate": "999"},
        {"role": "Tester", "rate": "x"},
        {"drop": "999"},
    ],
)
def test_what_there_is_not_is_not_chosen(rate, posted):
    a_tester()

    response = logged_in(Role.FINANCE).post(CHOOSE, posted, follow=True)

    assert [message.level_tag for message in response.context["messages"]] == ["error"]
    assert not RoleBenchmark.objects.exists()


@pytest.mark.parametrize("role", [Role.MANAGER, Role.AUDITOR, Role.HR_INTEGRATION])
def test_choosing_is_for_finance_and_administrators(role):
    assert logged_in(role).get(CHOOSE).status_code == 403


def test_the_contractor_s_page_compares_with_year_source_and_licence(client, rate):
    department = make_department()
    manager = make_user(Role.MANAGER, department=department)
    assignment = a_tester(department=department)
    choose_benchmark(choice=RoleBenchmark(role="tester", rate=rate), actor=None)
    client.force_login(manager)

    page = client.get(
        reverse("admin:engagements_assignment_change", args=[assignment.pk])
    ).content.decode()

    assert "£80.00 an hour" in page
    assert "percentiles are shown from 5 on" in page
    assert "above the middle half" in page
    assert "Published, prices of 2016. Source: A publisher. Licence: CC0." in page


def test_the_report_says_role_rate_set_and_year(client, rate):
    a_tester(reference="R-1")
    choose_benchmark(choice=RoleBenchmark(role="Tester", rate=rate), actor=None)
    client.force_login(make_user(Role.FINANCE))

    (row,) = client.get("/spend/rates-against-benchmark/").context["page"].table.rows

    assert [cell.text for cell in row.cells] == [
        "R-1",
        *(cell.text for cell in row.cells[1:2]),
        "Tester",
        "80.00",
        "\N{EN DASH}",
        "not enough",
        "50.00",
        "above",
        "Tester: Published, prices of 2016 (A publisher; CC0)",
    ]
