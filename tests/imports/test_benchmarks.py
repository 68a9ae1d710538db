from decimal import Decimal

import pytest

from engagements.choices import Role
from tests.factories import make_user
from tests.imports.records import bring_in, counts, told
from tracker.imports.problems import OptionError
from tracker.imports.services import apply_file, new_run
from tracker.spend.models import BenchmarkRate, BenchmarkSet

__all__ = ["bring_in"]

pytestmark = pytest.mark.django_db

OF_SET = {
    "benchmark_set": "Published",
    "year": "2016",
    "source": "A publisher",
    "licence": "CC0 1.0",
    "currency": "USD",
}


def prices(*amounts, title="Developer"):
    return [{"Job title": title, "Unit": "Hour", "Price": amount} for amount in amounts]


def stored():
    return list(
        BenchmarkRate.objects.order_by("category", "place", "unit").values_list(
            "category", "place", "unit", "count", "p25", "p50", "p75", "p90"
        )
    )


def test_percentiles_are_worked_out_of_all_prices(bring_in):
    report = bring_in(
        "benchmarks", prices("$10", "$20", "$30", "$40", "$50"), options=OF_SET
    )

    assert counts(report) == (5, 0, 0, 0)
    assert stored() == [
        ("Developer", "", "hour", 5, *map(Decimal, (20, 30, 40, 46))),
    ]
    of = BenchmarkSet.objects.get()
    assert (of.year, of.source, of.licence) == (2016, "A publisher", "CC0 1.0")


def test_the_same_file_again_changes_nothing(bring_in):
    bring_in("benchmarks", prices("$10", "$20"), options=OF_SET)

    report = bring_in(
        "benchmarks", prices("$10", "$20"), options={"benchmark_set": "Published"}
    )

    assert counts(report) == (0, 0, 2, 0)


def test_a_new_price_changes_the_rate_that_roles_point_to(bring_in):
    bring_in("benchmarks", prices("$10"), options=OF_SET)
    rate = BenchmarkRate.objects.get()

    report = bring_in(
        "benchmarks", prices("$10", "$30"), options={"benchmark_set": "Published"}
    )

    assert counts(report) == (0, 2, 0, 0)
    assert BenchmarkRate.objects.get().pk == rate.pk
    assert stored()[0][5] == Decimal(20)


@pytest.mark.parametrize("word", ["year", "source", "licence"])
def test_a_new_set_says_year_source_and_licence(bring_in, word):
    with pytest.raises(OptionError, match=word):
        bring_in("benchmarks", prices("1"), options={**OF_SET, word: ""})

    assert not BenchmarkSet.objects.exists()


def test_a_set_keeps_the_year_it_was_recorded_with(bring_in):
    bring_in("benchmarks", prices("1"), options=OF_SET)

    with pytest.raises(OptionError, match="recorded with year"):
        bring_in("benchmarks", prices("1"), options={**OF_SET, "year": "2017"})


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ({"Unit": "Task"}, ("unit", "is neither hour nor day")),
        ({"Price": ""}, ("price", "is blank")),
        ({"Price": "-1"}, ("price", "is negative")),
        ({"Job title": ""}, ("category", "is blank")),
        ({"Currency": "EUR"}, ("currency", "is not USD, the set's")),
    ],
)
def test_what_is_wrong_is_told_by_line_and_column(bring_in, line, problem):
    report = bring_in("benchmarks", [{**prices("5")[0], **line}], options=OF_SET)

    assert told(report) == [(2, *problem)]
    assert not BenchmarkSet.objects.exists()


@pytest.mark.parametrize(
    "title",
    ["Senior \nEngineer", "Senior \nEngineer" * 22, "  Senior\n\n Engineer "],
)
def test_a_title_over_several_lines_is_one_title(bring_in, title):
    report = bring_in("benchmarks", prices("5", title=title), options=OF_SET)

    assert counts(report) == (1, 0, 0, 0)
    assert stored()[0][0] == "Senior Engineer"


def bring_in_real(shared_data, name, **options):
    run = new_run(
        kind_name="benchmarks",
        file_name=name.rpartition("/")[2],
        corrections={},
        options=options,
        is_per_line=True,
    )
    return apply_file(
        run=run, path=shared_data / name, actor=make_user(Role.ADMINISTRATOR)
    )


def test_the_gsa_s_own_file_is_taken_but_for_its_lines_without_a_title(shared_data):
    # Eleven titles run over several lines, the longest over 220; fifteen are blank.
    given = {
        "benchmark_set": "GSA CALC, Schedule 70",
        "year": "2016",
        "source": "GSA CALC, github toolness/calc",
        "licence": "CC0 1.0",
        "currency": "USD",
    }

    first = bring_in_real(shared_data, "gsa-calc/s70_data_2016-02.csv", **given)
    again = bring_in_real(shared_data, "gsa-calc/s70_data_2016-02.csv", **given)

    assert counts(first) == (3712, 0, 0, 15)
    assert counts(again) == (0, 0, 3712, 15)
    assert {unit for _c, _p, unit, *_rest in stored()} == {"hour", "day"}
    assert sum(row[3] for row in stored()) == 3712
    assert [row[0] for row in stored() if "ExchangeActive" in row[0]] == []


def test_the_british_day_rates_are_read_by_place(shared_data):
    report = bring_in_real(
        shared_data,
        "uk-day-rates/sfia_day_rate_quantiles.csv",
        benchmark_set="SFIA day rates",
        year="2024",
        source="Rate cards",
        licence="as the publisher says",
        currency="GBP",
    )

    assert counts(report) == (14, 0, 0, 0)
    assert stored()[0] == (
        "Apply (3)",
        "offshore",
        "day",
        17,
        Decimal(180),
        Decimal(202),
        Decimal(230),
        None,
    )
