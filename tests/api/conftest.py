import pytest
from django.core.cache import cache

from engagements.choices import Role
from tests.api.callers import client_for
from tests.factories import make_user
from tracker.api.scopes import SCOPES


@pytest.fixture(autouse=True)
def no_requests_counted():
    """Rolled-back tests use the same key ids again, and would share their limit."""
    cache.clear()


@pytest.fixture
def administrator(db):
    return make_user(Role.ADMINISTRATOR)


@pytest.fixture
def api(administrator):
    """A caller with every scope, who sees every record."""
    return client_for(administrator, *SCOPES)
