import json

import pytest
from django.core.management import CommandError, call_command

from engagements.models import Vendor
from tracker.spend.models import Payment

pytestmark = pytest.mark.django_db

GOOD = "Day,Betrag,Supplier\n2016-10-04,5.00,PENNA PLC\n2016-10-05,6.00,REED\n"
MAP = ["--map", "paid_on=Day", "--map", "amount=Betrag"]


@pytest.fixture
def command(tmp_path, capsys):
    def run(content, *arguments):
        path = tmp_path / "spend.csv"
        path.write_text(content)
        call_command("import_file", "payments", str(path), *arguments)
        return capsys.readouterr().out

    return run


def test_column_can_be_named_by_hand(command):
    out = command(GOOD, *MAP)

    assert "Read 2 = accepted 2 + refused 0." in out
    assert "they sum to 11.00 GBP" in out
    assert Payment.objects.count() == 2


def test_missing_column_is_named_with_the_columns_found(command):
    with pytest.raises(CommandError) as refused:
        command(GOOD)

    assert refused.value.returncode == 2
    assert str(refused.value).startswith(
        "No column for date paid (paid_on), amount (amount). Columns found: Day,"
        " Betrag, Supplier."
    )


def test_dry_run_stores_nothing(command):
    out = command(GOOD, *MAP, "--dry-run")

    assert "Dry run: nothing was applied." in out
    assert Payment.objects.count() == 0


def test_refused_line_is_told_by_number_with_exit_code_1(command, capsys):
    with pytest.raises(SystemExit) as ended:
        command(GOOD + "2016-10-06,much,REED\n", *MAP)

    assert ended.value.code == 1
    out = capsys.readouterr().out
    assert (
        "line 4, amount: is no amount that can be read (found “much”). Write it with"
        " digits and a point, such as 1234.50." in out
    )
    assert "Nothing was applied" in out
    assert Payment.objects.count() == 0


def test_per_line_applies_the_others(command):
    out = command(GOOD + "2016-10-06,much,REED\n", *MAP, "--per-line")

    assert "Read 3 = accepted 2 + refused 1." in out
    assert "Added 2 payments" in out


def test_json_holds_the_whole_account(command):
    report = json.loads(command(GOOD, *MAP, "--json"))

    assert (report["read"], report["accepted"], report["refused"]) == (2, 2, 0)
    assert (report["added"], report["already_recorded"]) == (2, 0)
    assert (report["accepted_total"], report["totals"]) == ("11.00", {"GBP": "11.00"})
    assert (report["vendors_created"], report["engagements_created"]) == (2, 2)
    assert (report["applied"], report["problems"]) == (True, [])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--map", "amount"], "--map “amount”: write NAME=VALUE."),
        (["--map", "colour=Day"], "There is no field “colour”."),
        ([*MAP, "--undated-on", "then"], "undated-on: “then” is no date"),
        ([*MAP, "--category-model", "X=both"], "category-model: “both” is no model"),
    ],
)
def test_argument_that_means_nothing_is_refused(command, arguments, message):
    with pytest.raises(CommandError) as refused:
        command(GOOD, *arguments)

    assert str(refused.value).startswith(message)


def test_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(CommandError) as refused:
        call_command("import_file", "payments", str(tmp_path / "none.csv"))

    assert refused.value.returncode == 2


def test_records_are_imported_by_their_kind(tmp_path, capsys):
    path = tmp_path / "vendors.csv"
    path.write_text("Legal name,Country\nNorthwind IT Ltd,DE\n")

    call_command("import_file", "vendors", str(path), "--dry-run")
    assert Vendor.objects.count() == 0
    call_command("import_file", "vendors", str(path))

    out = capsys.readouterr().out
    assert "Accepted: 1 new, 0 changed, 0 unchanged." in out
    assert "Added 1 vendors; changed 0." in out
    assert Vendor.objects.get().country == "DE"


def test_account_of_records_can_be_had_as_json(tmp_path, capsys):
    path = tmp_path / "terms.csv"
    path.write_text("Engagement,Term,From,Amount\nC-9,fee,2026-01-01,1\n")

    with pytest.raises(SystemExit):
        call_command("import_file", "terms", str(path), "--json")

    report = json.loads(capsys.readouterr().out)
    assert (report["read"], report["changed"], report["refused"]) == (1, 0, 1)
    assert report["problems"] == [
        {
            "line": 2,
            "field": "engagement",
            "reason": "is no recorded engagement",
            "advice": "Give its reference or external id; record it first where it is"
            " new.",
            "raw": "C-9",
        }
    ]


@pytest.mark.parametrize(
    ("content", "arguments", "message"),
    [
        ("Country,Tier\nGB,approved\n", [], "No column says which vendors the lines"),
        ("Legal name,Tier\nA,x\n", ["--currency", "GBP"], "currency: not for vendors."),
    ],
)
def test_file_or_option_of_no_use_is_told(tmp_path, content, arguments, message):
    path = tmp_path / "vendors.csv"
    path.write_text(content)

    with pytest.raises(CommandError) as refused:
        call_command("import_file", "vendors", str(path), *arguments)

    assert str(refused.value).startswith(message)
    assert refused.value.returncode == 2
