"""What a page tells is made once for each version of the data, and for nobody else."""

import re
from datetime import UTC, date, datetime

import pytest
import time_machine
from django.contrib.auth.models import Permission
from django.core.cache import caches
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from engagements.choices import Role
from engagements.models import ManagedContract, User
from engagements.services.vendors import change_vendor
from tests.dashboards.spending import make_paid_contract, pay
from tests.factories import make_department, make_user, make_vendor
from tracker.dashboards.kept import LONGEST, STORE, Content, keep_content, kept_content
from tracker.jobs.models import JobRun
from tracker.spend.overview import SILENT_JOBS
from tracker.spend.services import refresh_totals

pytestmark = pytest.mark.django_db

OCTOBER = date(2026, 10, 5)
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
API = "/api/v1/spend?group_by=vendor"
CARD = "/spend/departments/card/"
# Session, user, the version of the data, roles, permissions of both kinds; and, where
# nothing is kept, what is told.
COLD = {"/": 16, API: 10, CARD: 8}
WARM = {"/": 6, API: 6, CARD: 6}
FIGURE = re.compile(r'class="value">(?:<a[^>]*>)?([^<]*)')


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel(NOON, tick=False) as travelling:
        yield travelling


@pytest.fixture
def contract() -> ManagedContract:
    return make_paid_contract(
        "10.00",
        OCTOBER,
        vendor=make_vendor(legal_name="Calder"),
        department=make_department(),
    )


def reader(role: Role = Role.FINANCE, **fields) -> Client:
    client = Client()
    client.force_login(make_user(role, **fields))
    return client


def shown(client: Client, address: str = "/") -> str:
    response = client.get(address)
    assert response.status_code == 200
    text: str = response.content.decode()
    return text


def spend_shown(client: Client, address: str = "/") -> str:
    figures: list[str] = FIGURE.findall(shown(client, address))
    return figures[0]


def count_queries(client: Client, address: str) -> int:
    with CaptureQueriesContext(connection) as asked:
        shown(client, address)
    return len(asked)


@pytest.mark.parametrize("rows", [1, 3])
@pytest.mark.parametrize("address", WARM)
def test_what_is_kept_is_found_by_whoever_sees_the_same(contract, address, rows):
    for _more in range(rows - 1):
        make_paid_contract("1.00", OCTOBER, department=make_department())
    client, other = reader(), reader()

    assert count_queries(client, address) == COLD[address]
    assert count_queries(client, address) == WARM[address]
    assert count_queries(other, address) == WARM[address]


def test_a_kept_page_bears_the_readers_own_name_and_token(contract):
    first, second = reader(username="first"), reader(username="second")
    cold, warm = shown(first), shown(second)

    token = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')
    assert "Logged in as second" in warm
    assert "first" not in re.findall(r"Logged in as (\w+)", warm)
    # Language, log-out and the form that saves the page.
    assert len(token.findall(cold)) == len(token.findall(warm)) == 3
    assert not {*token.findall(cold)} & {*token.findall(warm)}
    saved = second.post(
        "/saved/save/",
        {
            "name": "Mine",
            "shared": "nobody",
            "csrfmiddlewaretoken": token.findall(warm)[1],
        },
    )
    assert saved.status_code == 302


def test_every_write_is_shown_by_the_next_answer(contract):
    client = reader()
    assert spend_shown(client) == "£10.00"

    pay(contract, "1.00", OCTOBER)
    assert spend_shown(client) == "£11.00"
    refresh_totals()
    assert spend_shown(client) == "£11.00"
    contract.vendor.legal_name = "Another name"
    change_vendor(vendor=contract.vendor, expected_version=None, actor=None)
    assert "Another name" in shown(client)
    assert "Another name" in shown(client, API)


def test_scopes_and_languages_have_contents_of_their_own(contract):
    other = make_paid_contract("5.00", OCTOBER, department=make_department())
    finance = reader()
    head = reader(Role.MANAGER, department=contract.department)
    heads_own = reader(Role.MANAGER, department=other.department)

    assert [spend_shown(one) for one in (finance, head, heads_own)] == [
        "£15.00",
        "£10.00",
        "£5.00",
    ]
    assert "£15.00" not in shown(finance, "/?model=augmented")
    german = reader(language="de")
    assert "Ausgaben" in shown(german)
    assert "Ausgaben" not in shown(finance)


def test_a_manager_who_moves_sees_the_new_departments_spend(contract):
    elsewhere = make_department()
    make_paid_contract("5.00", OCTOBER, department=elsewhere)
    client = reader(Role.MANAGER, department=contract.department, username="mover")
    assert spend_shown(client) == "£10.00"

    User.objects.filter(username="mover").update(department=elsewhere)

    assert spend_shown(client) == "£5.00"


def test_rights_given_and_taken_count_at_once(contract):
    client, other = reader(username="one"), reader()
    link = 'href="/admin/tracker/flag/"'
    user = User.objects.get(username="one")
    permission = Permission.objects.get(codename="view_flag")
    user.groups.get().permissions.remove(permission)
    assert link not in shown(client)

    user.user_permissions.add(permission)

    assert link in shown(client)
    assert link not in shown(other)
    user.groups.clear()
    assert client.get("/").status_code == 403
    assert client.get(API).status_code == 403


@pytest.mark.parametrize("job", SILENT_JOBS)
def test_jobs_that_no_event_tells_of_make_the_content_anew(contract, job):
    client = reader()
    assert count_queries(client, "/") == COLD["/"]

    run = JobRun.objects.create(
        name=job, key="2026-11-22", started_at=NOON, leased_until=NOON
    )
    # While it runs nothing is kept that could be found again.
    assert count_queries(client, "/") == COLD["/"]
    assert count_queries(client, "/") == COLD["/"]
    JobRun.objects.filter(pk=run.pk).update(status="done", finished_at=NOON)

    assert count_queries(client, "/") == COLD["/"]
    assert count_queries(client, "/") == WARM["/"]


def test_the_next_day_is_told_anew(contract, clock):
    client = reader()
    shown(client)

    clock.move_to(datetime(2026, 11, 23, 12, tzinfo=UTC))

    assert count_queries(client, "/") == COLD["/"]


def test_names_of_records_are_never_taken_for_the_place_of_a_token(contract):
    contract.vendor.legal_name = "csrf_token </form>"
    change_vendor(vendor=contract.vendor, expected_version=None, actor=None)
    client = reader()

    assert shown(client).count("csrfmiddlewaretoken") == 3
    assert shown(client).count("csrf_token &lt;/form&gt;") > 0


def test_what_is_kept_has_a_bound():
    limit = caches[STORE]._max_entries
    for number in range(limit * 2):
        keep_content(f"name{number}", Content("", ("text",)))
    keep_content("long", Content("", ("x" * (LONGEST + 1),)))

    found = [kept_content(f"name{number}") for number in range(limit * 2)]

    assert 0 < sum(one is not None for one in found) <= limit
    assert kept_content("long") is None
    assert limit * LONGEST <= 32 * 2**20
