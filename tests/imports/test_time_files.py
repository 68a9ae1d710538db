"""Files of time trackers on their way to work logs."""

import hashlib
import json
import re
from contextlib import suppress
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
import time_machine
from django.core.management import CommandError, call_command

from engagements.choices import Role
from engagements.models import Contractor
from tests.factories import begun, make_contract, make_user, make_vendor
from tests.spend.sheets import begin, make_running
from tracker.imports.models import TimeName
from tracker.imports.time_cells import layout_of, parse_duration
from tracker.imports.time_documents import flattened
from tracker.spend.models import LedgerEntry, WorkLog
from tracker.spend.services import log_work, withdraw_work

D = Decimal
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
FORMATS = "timesheet-formats"
KIMAI = (
    '"Date","From","To","Duration","Rate","User","Name","Customer","Project",'
    '"Activity","Description","Exported"'
)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def today():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def bring_in(capsys):
    def run(path, *options):
        # It ends the process with 1 where lines are refused; the report says which.
        with suppress(SystemExit):
            call_command("import_file", "time", str(path), "--json", *options)
        return json.loads(capsys.readouterr().out)

    return run


@pytest.fixture
def written(tmp_path):
    def write(text, name="time.csv"):
        path = tmp_path / name
        path.write_text(text)
        return path

    return write


def person(name="Ada Admin", **fields):
    vendor = make_vendor()
    return Contractor.objects.create(full_name=name, vendor=vendor, **fields)


def sample(shared_data: Path, name: str, fence: str = "```") -> str:
    """Return the last fenced block of a description of a format."""
    text = (shared_data / FORMATS / name).read_text()
    blocks = re.findall(rf"{fence}(?:json)?\n(.*?)\n?{fence}", text, re.DOTALL)
    longest: str = max(blocks, key=len)
    return longest


def problems(report):
    return [(p["line"], p["field"], p["reason"]) for p in report["problems"]]


def logged():
    rows = WorkLog.objects.order_by("worked_on", "hours")
    return list(rows.values_list("worked_on", "hours", "description"))


def figures(report):
    names = ("read", "new", "already_recorded", "refused", "applied")
    return tuple(report[name] for name in names)


# --- the shared files ---------------------------------------------------------------


@pytest.fixture
def admin_user():
    """The Kimai sample's only user, on one assignment that all its projects mean."""
    contractor = person(work_email="ada@example.com")
    assignment = make_running(contractor=contractor, starts_on=date(2022, 1, 1))
    TimeName.objects.create(name="admin", contractor=contractor)
    for project in ("Dolore sit", "Aut neque", "Cum quo"):
        TimeName.objects.create(name=project, engagement_id=assignment.pk)
    return contractor


OF_KIMAI = [
    (date(2022, 3, 28), D(2), "Amet iste"),
    (date(2022, 3, 29), D(20), "Amet iste"),
    (date(2022, 3, 30), D("0.05"), "Accusamus temporibus"),
    (date(2022, 3, 30), D("0.47"), "Ea illo: test"),
]


def test_kimai_csv_is_known_by_its_columns(bring_in, shared_data, written, admin_user):
    path = written(sample(shared_data, "kimai-CSV.md"))

    report = bring_in(path, "--per-line")

    assert report["reading"]["layout"] == "Kimai"
    assert figures(report) == (5, 4, 0, 1, True)
    assert problems(report) == [(4, "duration", "comes to 210 hours, more than a day")]
    assert logged() == OF_KIMAI
    assert report["hours"] == "22.52"


def test_kimai_xlsx_is_the_same_entries(bring_in, shared_data, written, admin_user):
    workbook = shared_data / FORMATS / "kimai-XLSX.xlsx"

    first = bring_in(workbook, "--per-line")
    second = bring_in(written(sample(shared_data, "kimai-CSV.md")), "--per-line")

    assert figures(first) == (5, 4, 0, 1, True)
    assert figures(second) == (5, 0, 4, 1, True)
    assert logged() == OF_KIMAI


def test_mite_entries_are_unwrapped_and_known_by_id(
    bring_in, shared_data, written, admin_user
):
    del admin_user
    noah = person("Noah Scott", external_id="211")
    make_running(contractor=noah, starts_on=date(2015, 1, 1), external_id="API Docs")
    text = sample(shared_data, "mite-JSON-GET.md")
    # Of the list, the first entry; the description leaves the others out.
    first, _end = json.JSONDecoder().raw_decode(text[text.index("{") :])
    path = written(json.dumps([first]), "mite.json")

    report = bring_in(path)
    again = bring_in(path)

    assert report["reading"]["layout"] == "Mite"
    assert figures(report)[1:] == (report["read"], 0, 0, True)
    assert figures(again)[1:] == (0, report["read"], 0, True)
    log = WorkLog.objects.get(source_key="time:mite:36159117")
    assert (log.worked_on, log.hours) == (date(2015, 10, 16), D("0.25"))
    assert log.description == ("Writing: Rework description of authentication process")


def test_tick_entries_carry_ids_of_users_and_tasks(bring_in, shared_data, written):
    rate = make_running(
        contractor=person(external_id="4"), starts_on=date(2014, 1, 1), external_id="24"
    )
    path = written(sample(shared_data, "tick-JSON-GET.md"), "tick.json")

    report = bring_in(path)

    assert report["reading"]["layout"] == "Tick"
    assert logged() == [
        (date(2014, 9, 17), D("2.88"), "Stocking up on Bacta."),
        (date(2014, 9, 17), D(12), "Making the Kessel run."),
    ]
    assert {log.engagement_id for log in WorkLog.objects.all()} == {rate.pk}


def test_timewarrior_sample_still_runs_and_is_refused(bring_in, shared_data, written):
    assignment = make_running(starts_on=date(2022, 1, 1))
    path = written(sample(shared_data, "timewarrior-JSON.md"), "tw.json")

    report = bring_in(path, "--engagement", assignment.reference)

    assert report["reading"]["layout"] == "Timewarrior"
    assert problems(report) == [(1, "end", "has no end: it is still running")]


def test_timewarrior_intervals_are_of_the_engagement_given(bring_in, written):
    assignment = make_running(starts_on=date(2022, 1, 1))
    text = json.dumps(
        [
            {
                "id": 1,
                "start": "20220328T220953Z",
                "end": "20220328T233953Z",
                "tags": ["Read chapter 12", "books"],
            }
        ]
    )

    report = bring_in(written(text, "tw.json"), "--engagement", assignment.reference)

    assert figures(report) == (1, 1, 0, 0, True)
    log = WorkLog.objects.get()
    # 22:09 UTC was 23:09 in London, whose day it is.
    assert (log.worked_on, log.hours) == (date(2022, 3, 28), D("1.5"))
    assert log.description == "Read chapter 12, books"
    assert log.contractor == assignment.contractor


def test_sage_hr_sample_without_times_is_refused(bring_in, shared_data, written):
    assignment = make_running()
    path = written(sample(shared_data, "sageHR-JSON.md"), "sage.json")

    report = bring_in(path, "--engagement", assignment.reference)

    assert report["reading"]["layout"] == "Sage HR"
    assert [problem[:2] for problem in problems(report)] == [(1, "day")]


def test_sage_hr_clockings_become_hours(bring_in, written):
    make_running(contractor=person(external_id="e-7"), starts_on=date(2026, 1, 1))
    clockings = {
        "2026/03/02": {
            "E-7": [
                {"clock_in": "09:00", "clock_out": "12:30"},
                {"clock_in": "22:00", "clock_out": "01:15"},
            ]
        }
    }
    text = json.dumps({"override": "", "clocked_time": clockings})

    report = bring_in(written(text, "sage.json"))

    assert figures(report) == (2, 2, 0, 0, True)
    assert [log[:2] for log in logged()] == [
        (date(2026, 3, 2), D("3.25")),
        (date(2026, 3, 2), D("3.5")),
    ]


# --- what is promised ----------------------------------------------------------------


def entry(*cells):
    return ",".join(f'"{cell}"' for cell in cells)


def table(*lines):
    return "\n".join(["Date,Hours,Person,Engagement,Overtime", *lines])


def test_one_refused_line_and_nothing_is_imported(bring_in, written):
    assignment = make_running(contractor=person())
    path = written(
        table(
            entry("2026-03-02", "8", "Ada Admin", assignment.reference, ""),
            entry("2026-03-03", "8", "Nobody", assignment.reference, ""),
        )
    )

    report = bring_in(path)

    assert figures(report) == (2, 1, 0, 1, False)
    assert problems(report) == [(3, "person", "is nobody we know")]
    assert WorkLog.objects.count() == 0


def test_a_dry_run_stores_nothing(bring_in, written):
    assignment = make_running(contractor=person())
    path = written(
        table(entry("2026-03-02", "7:30", "Ada Admin", assignment.reference, "yes"))
    )

    report = bring_in(path, "--dry-run")

    assert figures(report) == (1, 1, 0, 0, False)
    assert WorkLog.objects.count() == 0


def test_imported_hours_are_accrued(bring_in, written):
    assignment = make_running(contractor=person())
    assignment.rate_terms.update(overtime_multiplier=D("1.5"))
    path = written(
        table(entry("2026-03-02", "2", "Ada Admin", assignment.reference, "yes"))
    )

    bring_in(path)

    assert [one.amount for one in LedgerEntry.objects.all()] == [D(225)]


def test_equal_lines_without_ids_are_two_entries_and_stay_two(bring_in, written):
    assignment = make_running(contractor=person())
    one = entry("2026-03-02", "2", "Ada Admin", assignment.reference, "")
    path = written(table(one, one))

    first = bring_in(path)
    second = bring_in(path)

    assert figures(first) == (2, 2, 0, 0, True)
    assert figures(second) == (2, 0, 2, 0, True)
    assert WorkLog.objects.count() == 2


def test_the_person_alone_says_of_which_assignment(bring_in, written):
    assignment = make_running(contractor=person(work_email="ada@example.com"))

    report = bring_in(written("Date,Hours,Email\n2026-03-02,8,ADA@example.com"))

    assert figures(report) == (1, 1, 0, 0, True)
    assert WorkLog.objects.get().engagement_id == assignment.pk


def test_a_person_with_two_assignments_needs_the_engagement(bring_in, written):
    ada = person()
    make_running(contractor=ada)
    make_running(contractor=ada)

    report = bring_in(written("Date,Hours,Person\n2026-03-02,8,Ada Admin"))

    assert problems(report) == [(2, "person", "has several assignments on that day")]


def test_hours_of_a_managed_contract_need_no_person(bring_in, written):
    contract = begun(make_contract(external_id="DESK"))

    report = bring_in(written("Date,Hours,Project\n2026-03-02,120,desk"))
    other = bring_in(written("Date,Minutes,Project\n2026-03-02,90,desk"))

    assert problems(report) == [(2, "duration", "comes to 120 hours, more than a day")]
    assert figures(other) == (1, 1, 0, 0, True)
    log = WorkLog.objects.get()
    assert (log.engagement_id, log.contractor, log.hours) == (
        contract.pk,
        None,
        D("1.5"),
    )


@pytest.mark.parametrize(
    ("line", "column", "reason"),
    [
        (("2026-13-02", "8", "Ada Admin", "", ""), "day", "is no day of the calendar"),
        (("", "8", "Ada Admin", "", ""), "day", "names no day"),
        (
            ("2026-11-23", "8", "Ada Admin", "", ""),
            "day",
            "is 2026-11-23, which can't be right",
        ),
        (("2026-03-02", "0", "Ada Admin", "", ""), "duration", "comes to no time"),
        (
            ("2026-03-02", "lots", "Ada Admin", "", ""),
            "duration",
            "is no amount that can be read",
        ),
        (("2026-03-02", "8", "", "", ""), "person", "is blank, as is the engagement"),
        (("2026-03-02", "8", "Bob", "", ""), "person", "is nobody we know"),
        (("2026-03-02", "8", "Ada Admin", "X", ""), "engagement", "is unknown"),
        (
            ("2026-03-02", "8", "Ada Admin", "", "?"),
            "overtime",
            "is not yes or no",
        ),
        (
            ("2025-12-31", "8", "Ada Admin", "", ""),
            "person",
            "has no assignment on that day",
        ),
        (("2026-03-02", "-2", "Ada Admin", "", ""), "duration", "comes to no time"),
    ],
)
def test_a_wrong_line_is_told_with_line_and_column(
    bring_in, written, line, column, reason
):
    make_running(contractor=person())

    report = bring_in(written(table(entry(*line))))

    assert problems(report) == [(2, column, reason)]


def test_hours_beside_a_timesheet_are_refused(bring_in, written):
    assignment = make_running(contractor=person())
    begin(assignment, date(2026, 3, 2))

    report = bring_in(
        written(table(entry("2026-03-04", "8", "Ada Admin", assignment.reference, "")))
    )

    assert problems(report) == [
        (
            2,
            "day",
            "is in the timesheet from 2026-03-02 to 2026-03-08 of"
            f" {assignment.reference}",
        )
    ]


def test_an_entry_that_changed_in_the_tool_is_refused(bring_in, written):
    make_running(contractor=person())
    bring_in(written("Id,Date,Hours,Person\n7,2026-03-02,8,Ada Admin"))

    report = bring_in(written("Id,Date,Hours,Person\n7,2026-03-02,6,Ada Admin"))

    assert problems(report) == [
        (
            2,
            "number",
            "was imported before with another day, person, engagement, hours or"
            " overtime",
        )
    ]
    assert [log.hours for log in WorkLog.objects.all()] == [D(8)]


# What the same entry of Kimai is told as, once it was edited there.
EDITED = (
    ("first", 28800),
    ("first, corrected", 28800),
    ("first", 25200),
    ("overnight", 1800),
)


def kimai(assignment, *entries, start="09:00"):
    """Return a file of entries of 4 May that start at one moment."""
    lines = [
        f'"2026-05-04","{start}","17:00","{seconds}","0","Ada Admin","x","c",'
        f'"{assignment.reference}","Dev","{words}","No"'
        for words, seconds in entries
    ]
    return "\n".join([KIMAI, *lines])


def stored_as_before(assignment, hours, words):
    """Store what imports stored before they looked at when an entry started."""
    facts = ("", "ada admin", assignment.reference.casefold(), "2026-05-04")
    told = (*facts, "2026-05-04 09:00:00", hours, "dev", words, "0")
    key = hashlib.sha256("\x1f".join(told).encode()).hexdigest()
    log_work(
        line=WorkLog(
            engagement_id=assignment.pk,
            contractor=assignment.contractor,
            worked_on=date(2026, 5, 4),
            hours=D(hours),
            source_key=f"time:kimai:{key}",
        ),
        actor=None,
    )


def test_an_edited_entry_with_a_start_is_the_same_one(bring_in, written):
    assignment = make_running(contractor=person())

    reports = [bring_in(written(kimai(assignment, one))) for one in EDITED]

    assert [figures(one)[1:] for one in reports] == [
        (1, 0, 0, True),
        (0, 1, 0, True),
        (0, 0, 1, False),
        (0, 0, 1, False),
    ]
    assert problems(reports[2]) == [
        (
            2,
            "number",
            "was imported before with another day, person, engagement, hours or"
            " overtime",
        )
    ]
    assert [log.hours for log in WorkLog.objects.all()] == [D(8)]


def test_entries_that_start_together_are_told_apart_by_their_hours(bring_in, written):
    assignment = make_running(contractor=person())
    bring_in(written(kimai(assignment, ("a", 7200), ("b", 10800))))

    turned = bring_in(written(kimai(assignment, ("b", 10800), ("a", 7200))))
    part = bring_in(written(kimai(assignment, ("b", 10800))))
    more = bring_in(written(kimai(assignment, ("c", 3600), ("a", 7200), ("b", 10800))))
    edited = bring_in(written(kimai(assignment, ("b", 10801), ("a", 7500))))

    assert [figures(one)[1:4] for one in (turned, part, more, edited)] == [
        (0, 2, 0),
        (0, 1, 0),
        (1, 2, 0),
        (0, 1, 1),
    ]
    assert sorted(log.hours for log in WorkLog.objects.all()) == [D(1), D(2), D(3)]


def test_an_entry_stored_before_starts_were_looked_at_is_recognised(bring_in, written):
    assignment = make_running(contractor=person())
    stored_as_before(assignment, "8.00", "first")

    reports = [bring_in(written(kimai(assignment, one))) for one in EDITED[:3]]
    later = (
        kimai(assignment, EDITED[0])
        + "\n"
        + kimai(assignment, ("more", 3600), start="18:00").removeprefix(KIMAI + "\n")
    )
    whole_day = bring_in(written(later))

    # It is known by its whole line: a changed one is refused as what may be it.
    assert [figures(one)[1:4] for one in [*reports, whole_day]] == [
        (0, 1, 0),
        (0, 0, 1),
        (0, 0, 1),
        (1, 1, 0),
    ]
    assert problems(reports[1]) == [
        (
            2,
            "day",
            "has an entry of 8 hours, imported before, that the file doesn't tell of:"
            " this line may be it, changed since",
        )
    ]


def test_what_was_withdrawn_makes_room_for_the_corrected_entry(bring_in, written):
    assignment = make_running(contractor=person())
    first, edited = EDITED[0], EDITED[2]
    bring_in(written(kimai(assignment, first)))
    manager = make_user(Role.MANAGER)
    withdraw_work(line=WorkLog.objects.get(), reason="Wrong", actor=manager)

    told = (first, edited, edited, first)
    reports = [bring_in(written(kimai(assignment, one))) for one in told]

    assert [figures(one)[1:4] for one in reports] == [
        (0, 1, 0),
        (1, 0, 0),
        (0, 1, 0),
        (0, 1, 0),
    ]
    assert [log.hours for log in WorkLog.objects.counted()] == [D(7)]


def test_an_entry_of_before_makes_room_once_it_is_withdrawn(bring_in, written):
    assignment = make_running(contractor=person())
    stored_as_before(assignment, "8.00", "first")
    manager = make_user(Role.MANAGER)
    withdraw_work(line=WorkLog.objects.get(), reason="Wrong", actor=manager)

    reports = [
        bring_in(written(kimai(assignment, one))) for one in (EDITED[0], EDITED[2])
    ]

    assert [figures(one)[1:4] for one in reports] == [(0, 1, 0), (1, 0, 0)]


def test_days_outside_of_the_engagement_and_over_24_hours_are_refused(
    bring_in, written
):
    ada = person()
    assignment = make_running(contractor=ada, ends_on=date(2026, 3, 31))
    other = make_running(contractor=ada, starts_on=date(2026, 2, 1))
    text = table(
        entry("2026-04-01", "8", "Ada Admin", assignment.reference, ""),
        entry("2026-01-30", "8", "Ada Admin", other.reference, ""),
        entry("2026-03-02", "14", "Ada Admin", assignment.reference, ""),
        entry("2026-03-02", "10.5", "Ada Admin", other.reference, ""),
        entry("2026-03-02", "10", "Ada Admin", other.reference, ""),
    )

    report = bring_in(written(text))

    assert problems(report) == [
        (
            2,
            "day",
            f"is outside of {assignment.reference}, from 2026-01-01 to 2026-03-31",
        ),
        (3, "day", f"is outside of {other.reference}, which starts on 2026-02-01"),
        (5, "duration", "brings the person's day to 24.5 hours, more than 24"),
    ]


def test_an_edited_entry_without_id_and_start_is_refused(bring_in, written):
    assignment = make_running(contractor=person())
    cells = ("Ada Admin", assignment.reference, "")
    bring_in(written(table(entry("2026-03-02", "8", *cells))))

    edited = bring_in(written(table(entry("2026-03-02", "6", *cells))))
    grown = bring_in(
        written(
            table(
                entry("2026-03-02", "8", *cells),
                entry("2026-03-02", "1", *cells),
                entry("2026-03-03", "6", *cells),
            )
        )
    )

    assert figures(edited)[1:4] == (0, 0, 1)
    assert figures(grown)[1:4] == (2, 1, 0)


def test_a_long_id_is_an_id(bring_in, written):
    make_running(contractor=person())
    number = "7" * 61
    bring_in(written(f"Id,Date,Hours,Person\n{number},2026-03-02,8,Ada Admin"))

    report = bring_in(written(f"Id,Date,Hours,Person\n{number},2026-03-02,6,Ada Admin"))

    assert [found[1] for found in problems(report)] == ["number"]


def test_an_id_that_stands_twice_is_refused(bring_in, written):
    make_running(contractor=person())
    lines = "7,2026-03-02,8,Ada Admin\n7,2026-03-02,8,Ada Admin"

    report = bring_in(written(f"Id,Date,Hours,Person\n{lines}"))

    assert problems(report) == [(3, "number", "stands in the file twice")]


def test_a_draft_engagement_takes_no_hours(bring_in, written):
    contract = make_contract()

    report = bring_in(written(f"Date,Hours,Project\n2026-03-02,8,{contract.reference}"))

    assert problems(report) == [
        (2, "engagement", f"is {contract.reference}, which is draft")
    ]


def test_another_persons_assignment_is_refused(bring_in, written):
    assignment = make_running()
    person()

    report = bring_in(
        written(table(entry("2026-03-02", "8", "Ada Admin", assignment.reference, "")))
    )

    assert problems(report) == [
        (2, "person", f"is not the person of {assignment.reference}")
    ]


@pytest.mark.parametrize(
    ("header", "told"),
    [
        ("Person,Hours", "the day"),
        ("Date,Person", "the hours"),
        ("Date,Hours", "whose work it is"),
    ],
)
def test_what_no_column_tells_is_said_once(bring_in, written, header, told):
    with pytest.raises(CommandError, match=told):
        call_command("import_file", "time", str(written(f"{header}\na,b")))


def test_an_unknown_engagement_for_the_file_is_refused(written):
    path = written("Date,Hours\n2026-03-02,8")

    with pytest.raises(CommandError, match="is no engagement"):
        call_command("import_file", "time", str(path), "--engagement", "AUG-9")


@pytest.mark.parametrize(
    ("text", "unit", "hours"),
    [
        ("1680", "seconds", D(1680) / 3600),
        ("15", "minutes", D("0.25")),
        ("7.5", "", D("7.5")),
        ("00:28", "", D(28) / 60),
        ("0:28:30", "seconds", D(1710) / 3600),
        ("8 days, 18:00:00", "seconds", D(210)),
        ("210:00", "", D(210)),
    ],
)
def test_durations_are_read_in_the_units_of_the_tools(text, unit, hours):
    found = parse_duration(text, unit)

    assert abs(D(int(found.total_seconds())) / 3600 - hours) < D("0.0003")


def test_other_documents_are_left_as_they_are():
    for document in ([], {}, {"data": []}, [1], [{"start": "x"}], "text", None):
        assert flattened(document) == document
    assert layout_of(["Date", "Hours", "Person"]).name == "other"


def test_hostile_clockings_reach_the_reader_as_wrong_lines(bring_in, written):
    assignment = make_running()
    text = json.dumps(
        {"clocked_time": {"2026/03/02": {"7": "x"}, "2026/03/03": 4, "": {"": [[]]}}}
    )

    with pytest.raises(CommandError):
        call_command(
            "import_file",
            "time",
            str(written(text, "sage.json")),
            "--engagement",
            assignment.reference,
        )
