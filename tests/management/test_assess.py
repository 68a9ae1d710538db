import json
from datetime import date
from io import StringIO

import pytest
import time_machine
from django.core.management import CommandError, call_command

from tests.fit.records import (
    TODAY,
    body_shop_under_a_fee,
    imported,
    plant_work,
    running_assignment,
    running_contract,
)
from tracker.fit.models import Assessment
from tracker.jobs.models import JobRun
from tracker.tasks import assess_engagements

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("assess", *arguments, stdout=out)
    return out.getvalue()


def test_command_tells_what_was_judged_and_how_long_it_took() -> None:
    body_shop_under_a_fee()
    imported()
    told, *more = run("--as-of", TODAY.isoformat()).splitlines()
    assert told.startswith(
        "As of 2026-11-15: 2 judged, 1 with not enough evidence, 1 flags raised,"
        " 0 cleared, in "
    )
    assert told.endswith(" s.")
    assert more[:2] == ["", "Open flags: 1"]
    assert "augmented contractor would fit better" in more[2]
    assert more[3:5] == ["", "To learn most where evidence is missing, record:"]
    assert [line[-4:] for line in more[5:]] == [" (1)"] * 3


def test_command_tells_the_same_as_json() -> None:
    body_shop_under_a_fee()
    told = json.loads(run("--as-of", TODAY.isoformat(), "--json"))
    assert told.pop("seconds") >= 0
    (flag,) = told.pop("open_flags")
    assert (flag["kind"], flag["leaning"]) == ("managed", "augmented")
    assert told == {
        "as_of": "2026-11-15",
        "judged": 1,
        "not_enough_evidence": 0,
        "flags_raised": 1,
        "flags_cleared": 0,
        "to_record": [],
        "patterns": [],
    }


@pytest.mark.parametrize("given", ["2026-13-01", "yesterday", "", "15/11/2026"])
def test_command_refuses_what_is_no_date(given: str) -> None:
    with pytest.raises(CommandError, match=r"--as-of: .* is not a date\. Write year"):
        run("--as-of", given)


@time_machine.travel("2026-11-22 12:00")
@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("2026-11-23", "lies ahead. Choose a day up to today, 2026-11-22."),
        ("1969-12-31", "choose a day from 1970 on"),
        ("0001-01-01", "choose a day from 1970 on"),
    ],
)
def test_command_refuses_a_day_it_cannot_judge(given: str, message: str) -> None:
    with pytest.raises(CommandError, match=message):
        run("--as-of", given)


@time_machine.travel("2026-11-15 03:00", tick=False)
def test_task_judges_today_once_whoever_asks() -> None:
    body_shop_under_a_fee()
    assess_engagements()
    assess_engagements()
    job = JobRun.objects.get()
    assert (job.name, job.key, job.status) == (
        "assess engagements",
        "2026-11-15",
        "done",
    )
    assert (job.attempts, job.result["judged"], job.result["flags_raised"]) == (1, 1, 1)
    assert Assessment.objects.filter(as_of=date(2026, 11, 15)).count() == 1


def test_command_repeats_what_is_stored_to_the_digit() -> None:
    body_shop_under_a_fee()
    imported()
    run("--as-of", TODAY.isoformat())
    told = "As of 2026-11-15: 2 assessments repeated, 0 figures deviate,"
    assert run("--as-of", TODAY.isoformat(), "--verify") == (
        f"{told} 0 assessments made by another engine.\n"
    )
    assert Assessment.objects.filter(as_of=TODAY).count() == 2


def test_command_names_figures_that_do_not_follow() -> None:
    contract = body_shop_under_a_fee()
    run("--as-of", TODAY.isoformat())
    stored = Assessment.objects.filter(as_of=TODAY)
    stored.update(opposition=0.123456)
    out = StringIO()
    with pytest.raises(CommandError, match="don't follow from their evidence"):
        call_command("assess", "--as-of", TODAY.isoformat(), "--verify", stdout=out)
    reference = contract.reference
    assert f"  {reference}: opposition 0.123456 stored, " in out.getvalue()
    stored.update(engine_version="1.4")
    with pytest.raises(CommandError, match="don't follow from their evidence"):
        call_command("assess", "--as-of", TODAY.isoformat(), "--verify", stdout=out)
    stored.update(engine_version="0.1")
    (told,) = run("--as-of", TODAY.isoformat(), "--verify").splitlines()
    assert told.endswith("1 assessments made by another engine.")


def test_command_tells_patterns_without_keys_of_the_database() -> None:
    contract = running_contract()
    plant_work(contract, ours=0.9, person=running_assignment().contractor)
    told = json.loads(run("--as-of", TODAY.isoformat(), "--json"))
    pattern = next(p for p in told["patterns"] if p["code"] == "hidden_headcount")
    assert pattern["engagement_id"] == str(contract.public_id)
    assert (pattern["engagements_behind"], "engagements" in pattern) == (1, False)
    assert "Headcount under a managed contract" in run("--as-of", TODAY.isoformat())
