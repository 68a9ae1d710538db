import pytest
from django.core.cache import cache

from engagements.choices import Role

# What the table of roles asks for, schemathesis and the client ask for too.
from tests.api.test_matrix import contract as contract
from tests.api.test_matrix import records as records
from tests.factories import make_user
from tracker.api.services import create_api_key


class LiveTest:
    """The suite's server in place of a product of one's own."""

    def __init__(self, address):
        self.address = address

    def key(self, *scopes, role=Role.ADMINISTRATOR):
        owner = make_user(role)
        return create_api_key(
            name="Conformance", scopes=scopes, owner=owner, actor=owner
        )[1]


@pytest.fixture
def live(live_server, settings):
    cache.clear()
    settings.API_REQUESTS_PER_MINUTE = 1_000_000
    return LiveTest(live_server.url)
