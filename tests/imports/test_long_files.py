"""How much memory an import takes grows with the suppliers, not with the lines."""

import tracemalloc

import pytest

from tracker.imports import payment_matching, services
from tracker.imports.models import ImportProblem, ImportRun

HEADER = "Paid Date,Amount,Supplier Name,Trans No,Service Area,Category"
# A line of the tests has 60 characters; as an object it takes about 600 bytes.
MOST_BYTES_A_LINE = 150


@pytest.fixture
def checked(tmp_path):
    def check(lines, amount):
        path = tmp_path / f"{lines}.csv"
        rows = (
            f"2016-10-{n % 28 + 1:02},{amount}.{n % 90 + 10},VENDOR {n % 40} LTD,"
            f"T-{n},Unit {n % 5},Cleaning"
            for n in range(lines)
        )
        path.write_text("\n".join((HEADER, *rows)))
        return services.check_file(run=run_of(path), path=path)

    return check


def run_of(path):
    return services.new_run(
        kind_name="payments",
        file_name=path.name,
        corrections={},
        options={},
        is_per_line=False,
    )


def peak_of(work):
    tracemalloc.start()
    report = work()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return report, peak


@pytest.mark.django_db
@pytest.mark.parametrize(("amount", "refused"), [("5", 0), ("about 5", 8000)])
def test_memory_does_not_grow_with_the_lines(checked, monkeypatch, amount, refused):
    monkeypatch.setattr(payment_matching, "_AT_ONCE", 500)
    checked(500, amount)

    _, short = peak_of(lambda: checked(2000, amount))
    report, long = peak_of(lambda: checked(8000, amount))

    assert (report.read, report.refused) == (8000, refused)
    assert (long - short) / 6000 < MOST_BYTES_A_LINE


@pytest.mark.django_db
def test_every_problem_of_a_long_file_is_kept_by_its_number(tmp_path, monkeypatch):
    monkeypatch.setattr(services, "_PROBLEMS_AT_ONCE", 40)
    path = tmp_path / "bad.csv"
    path.write_text("\n".join((HEADER, *["soon,much,X,,,"] * 100)))

    report = services.apply_file(run=run_of(path), path=path, actor=None)

    assert (report.is_applied, report.refused) == (False, 100)
    assert [
        *ImportProblem.objects.order_by("line", "id").values_list("line", "field")
    ] == [(n, field) for n in range(2, 102) for field in ("amount", "paid_on")]
    assert ImportRun.objects.get().refused == 100
