"""The publishers' own files, to the cent: Oxford City Council and HM Treasury.

Where they come from and under which licence is said in the SOURCE.md beside them.
"""

import json
from decimal import Decimal
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db.models import Sum

from tracker.imports import services
from tracker.imports.models import ImportRun
from tracker.spend.models import LedgerEntry, MonthlySpend, Payment

OXFORD = "uk-oxford-spend"
CLEANED = f"{OXFORD}/oxford_external_spend_2014-2018.csv"
UNDATED = {"undated_on": "2014-05-15"}


@pytest.fixture
def bring_in(shared_data):
    def run(name, *, per_line=False, dry=False, **options):
        path = Path(shared_data) / name
        new = services.new_run(
            kind_name="payments",
            file_name=path.name,
            corrections={},
            options=options,
            is_per_line=per_line,
        )
        if dry:
            return services.check_file(run=new, path=path)
        return services.apply_file(run=new, path=path, actor=None)

    return run


def told(report):
    return (report.read, report.accepted, report.added, report.refused)


def spent():
    return {
        model.objects.aggregate(sum=Sum("amount"))["sum"]
        for model in (Payment, LedgerEntry, MonthlySpend)
    }


@pytest.mark.django_db
def test_cleaned_file_is_accounted_for_to_the_cent(bring_in):
    strict = bring_in(CLEANED)
    assert told(strict) == (15252, 14525, 0, 727)
    assert {p.reason for p in strict.problems} == {"has no date"}
    assert Payment.objects.count() == 0

    dated = bring_in(CLEANED, **UNDATED)
    assert told(dated) == (15252, 15252, 15252, 0)
    assert dated.accepted_total == Decimal("56573794.91")
    assert spent() == {Decimal("56573794.91")}

    again = bring_in(CLEANED, **UNDATED)
    assert told(again) == (15252, 15252, 0, 0)
    assert again.accepted_total == Decimal("56573794.91")

    # The raw files tell of the same payments, but for the summer of 2017.
    autumn = bring_in(f"{OXFORD}/raw_oct-dec-2016.csv")
    assert told(autumn) == (1177, 1177, 0, 0)
    spring = bring_in(f"{OXFORD}/raw_apr-jun-2014.csv", **UNDATED)
    assert told(spring) == (727, 727, 0, 0)
    summer = bring_in(f"{OXFORD}/raw_jul-sep-2017.csv")
    assert told(summer) == (788, 788, 788, 0)
    assert spent() == {Decimal("59853365.62")}


@pytest.mark.django_db
def test_per_line_leaves_out_just_the_undated_lines(bring_in):
    report = bring_in(CLEANED, per_line=True)

    assert told(report) == (15252, 14525, 14525, 727)
    assert spent() == {Decimal("53596192.86")}
    assert ImportRun.objects.get().problems.count() == 727


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("name", "options", "lines", "total"),
    [
        ("raw_apr-jun-2014.csv", UNDATED, 727, "2977602.05"),
        ("raw_jul-sep-2017.csv", {}, 788, "3279570.71"),
        ("raw_oct-dec-2016.csv", {}, 1177, "9810330.61"),
    ],
)
def test_raw_file_is_accounted_for_to_the_cent(bring_in, name, options, lines, total):
    first = bring_in(f"{OXFORD}/{name}", **options)
    second = bring_in(f"{OXFORD}/{name}", **options)

    assert told(first) == (lines, lines, lines, 0)
    assert told(second) == (lines, lines, 0, 0)
    assert first.accepted_total == Decimal(total)
    assert spent() == {Decimal(total)}


@pytest.mark.django_db
def test_raw_file_without_dates_is_refused_line_by_line(bring_in):
    report = bring_in(f"{OXFORD}/raw_apr-jun-2014.csv")

    assert told(report) == (727, 0, 0, 727)
    assert [problem.line for problem in report.problems] == list(range(2, 729))


@pytest.mark.django_db
def test_file_with_codes_only_knows_both_models(bring_in):
    bring_in(f"{OXFORD}/raw_jul-sep-2017.csv")

    by_kind = LedgerEntry.objects.values_list("kind").annotate(sum=Sum("amount"))
    assert sum(dict(by_kind).values()) == Decimal("3279570.71")
    agency = Payment.objects.filter(category="Temporary Bureau Staffing")
    assert agency.count() == 198
    assert set(agency.values_list("engagement__kind", flat=True)) == {"augmented"}


@pytest.mark.django_db
def test_treasury_payments_are_accounted_for_to_the_cent(bring_in):
    for _ in range(2):
        reports = [bring_in(f"uk-hmt-spend/2025-0{month}.json") for month in (1, 2, 3)]

    assert [told(report) for report in reports] == [
        (79, 79, 0, 0),
        (67, 67, 0, 0),
        (126, 126, 0, 0),
    ]
    assert Payment.objects.count() == 272
    assert spent() == {Decimal("55689813.06")}


@pytest.mark.django_db
def test_command_reports_a_real_file_as_json(shared_data, capsys):
    path = str(shared_data / OXFORD / "raw_oct-dec-2016.csv")

    call_command("import_file", "payments", path, "--dry-run", "--json")

    report = json.loads(capsys.readouterr().out)
    assert report["mapping"]["category"] == "Expenditure Catergory"
    assert (report["read"], report["accepted_total"]) == (1177, "9810330.61")
