import pytest
from django.test import Client

from engagements.choices import Role
from tests.factories import make_cost_centre, make_department, make_user, make_vendor


@pytest.fixture
def department(db):
    return make_department(name="Operations", code="OPS")


@pytest.fixture
def cost_centre(department):
    return make_cost_centre(code="4100", name="Run", department=department)


@pytest.fixture
def manager(department):
    return make_user(
        Role.MANAGER,
        username="maya",
        first_name="Maya",
        last_name="Osei",
        department=department,
    )


@pytest.fixture
def client(manager) -> Client:
    browser = Client()
    browser.force_login(manager)
    return browser


@pytest.fixture
def vendor(db):
    return make_vendor(legal_name="Northwind IT Ltd")


def logged_in(*roles: Role, **fields) -> Client:
    browser = Client()
    browser.force_login(make_user(*roles, **fields))
    return browser
