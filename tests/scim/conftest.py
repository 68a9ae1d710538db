import pytest
from django.core.cache import cache

from engagements.choices import Role
from tests.factories import make_user
from tests.scim.callers import Tool


@pytest.fixture(autouse=True)
def no_requests_counted():
    """Rolled-back tests use the same key ids again, and would share their limit."""
    cache.clear()


@pytest.fixture
def feed_account(db):
    """The account that the tool's key acts as: it sees people, and no money."""
    return make_user(Role.HR_INTEGRATION, username="people-feed")


@pytest.fixture
def tool(feed_account):
    return Tool(feed_account, "people:write")
