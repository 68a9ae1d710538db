import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from engagements.choices import Role
from engagements.models import Vendor
from tests.api.callers import client_for, codes
from tests.api.test_schema import check
from tests.factories import make_user
from tracker.api.scopes import SCOPES
from tracker.imports.models import ImportProblem, ImportRun
from tracker.imports.services import work_on

pytestmark = pytest.mark.django_db

PATH = "/api/v1/imports"
GOOD = "legal name,currency,country\nAcme Ltd,GBP,GB\n"
BAD = GOOD + "Beta Ltd,POUNDS,GB\nGamma Ltd,GBP,GB\n"


def send(client, text, query="kind=vendors", content_type="text/csv"):
    content = text if isinstance(text, bytes) else text.encode()
    return client.generic("POST", f"{PATH}?{query}", content, content_type)


def carried_out(api, response):
    """Let a worker do what was handed over; return what reading tells then."""
    run = ImportRun.objects.get(public_id=response.json()["id"])
    work_on(run_id=run.pk, step=run.step)
    return api.get(response["Location"]).json()


def test_file_is_accepted_at_once_and_applied_by_a_worker(api):
    accepted = send(api, GOOD, "kind=vendors&file_name=vendors.csv")
    before = Vendor.objects.count()
    done = carried_out(api, accepted)

    assert (accepted.status_code, before) == (202, 0)
    assert accepted.json()["state"] == "applying"
    check("ImportRecord", done)
    told = {name: done[name] for name in ("state", "read", "added", "refused", "error")}
    assert told == {
        "state": "applied",
        "read": 1,
        "added": 1,
        "refused": 0,
        "error": None,
    }
    assert Vendor.objects.get().legal_name == "Acme Ltd"
    assert carried_out(api, send(api, GOOD))["added"] == 0


def test_dry_run_stores_nothing_and_tells_each_problem(api):
    accepted = send(api, BAD, "kind=vendors&dry_run=true")
    done = carried_out(api, accepted)

    problems = api.get(f"{accepted['Location']}/problems").json()

    assert (done["state"], done["accepted"], done["refused"]) == ("checked", 2, 1)
    assert [(row["line"], row["field"]) for row in problems["results"]] == [
        (3, "currency")
    ]
    check("ProblemPage", problems)
    assert Vendor.objects.count() == 0


@pytest.mark.parametrize(
    ("query", "state", "names"),
    [
        ("kind=vendors", "refused", []),
        (
            "kind=vendors&accepted_lines_only=true",
            "applied",
            ["Acme Ltd", "Gamma Ltd"],
        ),
    ],
)
def test_refused_line_stops_all_unless_told_otherwise(api, query, state, names):
    done = carried_out(api, send(api, BAD, query))

    assert done["state"] == state
    found = Vendor.objects.order_by("legal_name").values_list("legal_name", flat=True)
    assert list(found) == names


def test_request_or_file_that_cannot_be_read_is_refused(api):
    asked = [
        send(api, GOOD, ""),
        send(api, GOOD, "kind=planets"),
        send(api, GOOD, "kind=vendors&dry_run=yes"),
        send(api, GOOD, "kind=vendors&columns=x"),
        send(api, "", content_type=""),
        send(api, GOOD, content_type="image/png"),
        send(api, "", content_type="image/png"),
        send(api, b"%PDF-1.7", content_type="application/octet-stream"),
        send(api, "colour,taste\nred,sweet\n"),
        send(api, ""),
    ]

    statuses = [response.status_code for response in asked]
    assert statuses == [400, 400, 400, 400, 400, 415, 415, 422, 422, 422]
    assert codes(asked[7]) == codes(asked[9]) == [("", "unreadable")]
    assert ImportRun.objects.count() == 0


def test_only_who_may_import_does():
    finance = client_for(make_user(Role.FINANCE), *SCOPES)
    auditor = client_for(make_user(Role.AUDITOR), *SCOPES)

    sent = [
        send(finance, GOOD),
        send(finance, "full name\nAda\n", "kind=contractors"),
        send(auditor, GOOD),
    ]
    read = [auditor.get(PATH), client_for(make_user(Role.MANAGER), *SCOPES).get(PATH)]

    assert [r.status_code for r in sent] == [202, 403, 403]
    assert [r.status_code for r in read] == [200, 403]


@pytest.mark.parametrize("count", [1, 3, 300])
def test_lists_take_the_same_queries_for_any_number(api, count):
    runs = ImportRun.objects.bulk_create(
        ImportRun(kind="vendors", file_name="f", sha256="0" * 64) for _ in range(count)
    )
    ImportProblem.objects.bulk_create(
        ImportProblem(run=runs[0], line=number, field="f", reason="r", advice="a")
        for number in range(1, count + 1)
    )

    with CaptureQueriesContext(connection) as captured:
        page = api.get(f"{PATH}?page_size=200").json()
    path = f"{PATH}/{runs[0].public_id}/problems"
    with CaptureQueriesContext(connection) as problems_captured:
        problems = api.get(f"{path}?page_size=200").json()

    assert len(page["results"]) == len(problems["results"]) == min(count, 200)
    # The key, its use (the first time), permissions and roles; the run; the rows.
    assert (len(captured), len(problems_captured)) == (4, 4)


def test_problems_are_walked_by_cursor(api):
    run = ImportRun.objects.create(kind="vendors", file_name="f", sha256="0" * 64)
    ImportProblem.objects.bulk_create(
        ImportProblem(run=run, line=number, field="f", reason="r", advice="a")
        for number in range(1, 6)
    )
    path = f"{PATH}/{run.public_id}/problems?page_size=2"
    lines, cursor = [], ""

    while cursor is not None:
        page = api.get(f"{path}{cursor and '&cursor='}{cursor}").json()
        lines += [row["line"] for row in page["results"]]
        cursor = page["next_cursor"]

    assert lines == [1, 2, 3, 4, 5]
