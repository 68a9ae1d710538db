from datetime import date
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given, settings
from hypothesis import strategies as st

from engagements.choices import Level, Place, Role
from engagements.models import Event
from tests.factories import begun, make_assignment, make_department, make_user
from tracker.spend.benchmarking import (
    comparison_of,
    comparisons,
    roles_at_work,
    suggestions,
)
from tracker.spend.models import BenchmarkRate, BenchmarkSet, RoleBenchmark
from tracker.spend.percentiles import part_below, percentile, percentiles
from tracker.spend.services import choose_benchmark, drop_benchmark, store_benchmarks
from tracker.spend.services.benchmarks import PublishedRate

DAY = date(2026, 3, 2)


def developer(rate, **fields):
    values = {"role": "Developer", "level": Level.SENIOR, "place": Place.REMOTE}
    return begun(make_assignment(rate=Decimal(rate), **(values | fields)))


def published_set(*rates, **fields):
    values = {
        "name": "Published",
        "year": 2016,
        "source": "A publisher",
        "licence": "CC0",
        "currency": "GBP",
    } | fields
    return store_benchmarks(
        benchmark_set=BenchmarkSet(**values),
        rates=rates
        or [PublishedRate("Developer", "", "day", 9, *map(Decimal, (400, 480, 560)))],
        actor=None,
    )


def test_percentiles_lie_on_straight_lines_between_the_figures():
    found = percentiles([Decimal(each) for each in (50, 10, 30, 20, 40)])

    assert (found.p25, found.p50, found.p75, found.p90) == (20, 30, 40, 46)
    assert percentile([Decimal(1), Decimal(2)], 25) == Decimal("1.25")


def test_percentiles_of_too_few_are_not_told():
    assert percentiles([Decimal(1)] * 4, fewest=5) is None
    assert percentiles([Decimal(1)] * 5, fewest=5).count == 5


@settings(max_examples=10_000, deadline=None)
@given(st.lists(st.integers(1, 10**6).map(Decimal), min_size=1, max_size=12))
def test_percentiles_rise_and_stay_within_the_figures(figures):
    found = percentiles(figures)

    assert min(figures) <= found.p25 <= found.p50 <= found.p75 <= found.p90
    assert found.p90 <= max(figures)


def test_part_below_counts_equal_ones_half():
    figures = [Decimal(each) for each in (1, 2, 2, 3)]

    assert part_below(figures, Decimal(2)) == Decimal("0.5")


@pytest.mark.django_db
def test_rates_are_per_hour_and_shown_from_five_on():
    user = make_user(Role.FINANCE)
    # 7.5 hours a day: 60, 70, 80 and 90 an hour.
    four = [developer(rate) for rate in (450, 525, 600, 675)]
    few = comparison_of(user, four[0], on=DAY)

    developer(750)
    found = comparison_of(user, four[0], on=DAY)

    assert (few.own, few.part_below) == (None, None)
    assert (found.hourly.amount, found.own.count) == (Decimal(60), 5)
    assert (found.own.p25, found.own.p50, found.own.p75) == (70, 80, 90)
    assert found.part_below == Decimal("0.1")


@pytest.mark.django_db
@pytest.mark.parametrize(
    "other",
    [
        {"level": Level.JUNIOR},
        {"place": Place.ON_SITE},
        {"role": "Tester"},
    ],
)
def test_other_roles_levels_and_places_are_no_peers(other):
    user = make_user(Role.FINANCE)
    four = [developer(450) for _number in range(4)]
    developer(450, **other)

    assert comparison_of(user, four[0], on=DAY).own is None


@pytest.mark.django_db
def test_percentiles_tell_a_manager_nothing_of_other_departments():
    head = make_user(Role.MANAGER)
    department = make_department(head=head)
    mine = [developer(450, department=department) for _number in range(4)]
    developer(9_999, department=make_department())

    found = comparisons(head, on=DAY).rows

    assert [one.hourly.assignment for one in found] == mine
    assert {one.own for one in found} == {None}


@pytest.mark.django_db
def test_rates_are_told_to_those_who_see_money_alone():
    one = developer(450)

    assert comparisons(make_user(Role.HR_INTEGRATION), on=DAY).rows == ()
    assert comparison_of(make_user(Role.HR_INTEGRATION), one, on=DAY) is None


@pytest.mark.django_db
def test_a_chosen_benchmark_is_told_per_hour_with_year_and_source():
    user = make_user(Role.FINANCE)
    rate = BenchmarkRate.objects.get(benchmark_set=published_set())
    one = developer(600)
    choice = choose_benchmark(
        choice=RoleBenchmark(role=" developer ", rate=rate), actor=user
    )

    (published,) = comparison_of(user, one, on=DAY).published

    # Eight hours a day in the set: 50, 60 and 70 an hour against our 80.
    assert (published.p25, published.p50, published.p75) == (50, 60, 70)
    assert published.position(Decimal(80)) == "above"
    assert published.position(Decimal(50)) == "within"
    assert published.position(Decimal(49)) == "below"
    of = published.benchmark_set
    assert (of.year, of.source, of.licence) == (2016, "A publisher", "CC0")

    drop_benchmark(choice=choice, actor=user)

    assert comparison_of(user, one, on=DAY).published == []
    told = Event.objects.filter(subject_type="rolebenchmark").order_by("pk")
    assert list(told.values_list("event_type", flat=True)) == [
        "role_benchmark.chosen",
        "role_benchmark.dropped",
    ]


@pytest.mark.django_db
def test_a_level_s_own_benchmark_goes_before_the_role_s():
    user = make_user(Role.FINANCE)
    of_all, of_level = [
        PublishedRate(name, "", "hour", 3, *[Decimal(price)] * 3)
        for name, price in (("Any", 10), ("Senior", 20))
    ]
    of = published_set(of_all, of_level)
    rates = {rate.category: rate for rate in of.rates.all()}
    one = developer(600)
    for level, name in (("", "Any"), (Level.SENIOR, "Senior")):
        choose_benchmark(
            choice=RoleBenchmark(role="Developer", level=level, rate=rates[name]),
            actor=user,
        )

    found = comparison_of(user, one, on=DAY).published

    assert [each.rate.category for each in found] == ["Senior"]


@pytest.mark.django_db
def test_a_role_is_compared_with_a_category_once():
    rate = BenchmarkRate.objects.get(benchmark_set=published_set())
    choose_benchmark(choice=RoleBenchmark(role="Developer", rate=rate), actor=None)

    with pytest.raises(ValidationError, match="compared with it already"):
        choose_benchmark(choice=RoleBenchmark(role="Developer", rate=rate), actor=None)


def test_suggestions_are_the_likest_names_in_any_order_of_words():
    rates = [
        BenchmarkRate(category=name, count=1)
        for name in ("Engineer, Data", "Data Engineer II", "Project Manager")
    ]

    found = suggestions("Data engineer", rates)

    assert [rate.category for rate in found] == ["Engineer, Data", "Data Engineer II"]


@pytest.mark.django_db
def test_roles_at_work_are_told_once_however_they_are_spelt():
    user = make_user(Role.FINANCE)
    for role in ("Tester", "tester", " Developer"):
        developer(450, role=role)

    assert roles_at_work(user) == [" Developer", "Tester"]


@pytest.mark.django_db
@pytest.mark.parametrize("count", [1, 3, 300])
def test_comparisons_read_by_three_queries(count):
    user = make_user(Role.FINANCE)
    for _number in range(count):
        developer(450)
    comparisons(user, on=DAY)

    with CaptureQueriesContext(connection) as queries:
        found = comparisons(user, on=DAY).rows

    assert (len(queries), len(found)) == (3, count)
