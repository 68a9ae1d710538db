"""Where each role starts after logging in, and that a page asked for goes first."""

import pytest

from engagements.choices import Role
from tests.factories import make_user
from tracker.dashboards.landing import landing_page

pytestmark = pytest.mark.django_db

PASSWORD = "a long enough one"


def landed(client, *roles, after="/admin/login/", **fields):
    """Log in as somebody of the roles; return where that leads."""
    make_user(*roles, username="ada", password=PASSWORD, **fields)
    answer = client.post(after, {"username": "ada", "password": PASSWORD})
    assert answer.status_code == 302
    return answer["Location"]


@pytest.mark.parametrize(
    ("roles", "start"),
    [
        ([Role.MANAGER], "/my/"),
        ([Role.FINANCE], "/"),
        ([Role.AUDITOR], "/"),
        ([Role.HR_INTEGRATION], "/admin/"),
        ([Role.ADMINISTRATOR], "/admin/"),
        ([], "/"),
        ([Role.MANAGER, Role.FINANCE], "/"),
        ([Role.MANAGER, Role.AUDITOR], "/my/"),
        ([Role.MANAGER, Role.HR_INTEGRATION], "/my/"),
        ([Role.MANAGER, Role.ADMINISTRATOR], "/admin/"),
    ],
)
def test_each_role_starts_where_its_work_is(client, roles, start):
    assert landed(client, *roles) == start

    if roles:
        assert client.get(start).status_code == 200


def test_who_may_not_open_the_admin_is_not_led_there():
    account = make_user(Role.HR_INTEGRATION)
    account.is_staff = False

    assert landing_page(account) == "/my/"


@pytest.mark.parametrize("wish", ["/vendors/", "/", "/?period=all", "/admin/"])
def test_a_page_that_was_asked_for_goes_first(client, wish):
    login = f"/admin/login/?next={wish}"

    assert landed(client, Role.MANAGER, after=login) == wish


def test_a_page_of_somewhere_else_is_not_led_to(client):
    login = "/admin/login/?next=https://elsewhere.example/"

    assert landed(client, Role.MANAGER, after=login) == "/my/"


def test_a_bare_address_is_no_wish_but_one_with_filters_is(client):
    assert client.get("/")["Location"] == "/admin/login/"
    asked = client.get("/?period=all")["Location"]

    assert asked == "/admin/login/?next=/%3Fperiod%3Dall"
    assert client.get("/vendors/")["Location"] == "/admin/login/?next=/vendors/"


def test_the_name_of_the_product_leads_home_and_nothing_leads_to_a_closed_page(client):
    client.force_login(make_user(Role.HR_INTEGRATION))

    body = client.get("/my/").content.decode()

    assert '<a class="brand" href="/admin/">' in body
    assert 'href="/"' not in body
