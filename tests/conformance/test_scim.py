"""The tools of `make conformance`, over the suite's own server."""

import pytest
from django.core.cache import cache

from engagements.choices import Role
from tests.conformance.scim import scim2_test, scim_sanity
from tests.factories import make_user
from tracker.api.services import create_api_key


class LiveTest:
    """The suite's server in place of a product of one's own."""

    def __init__(self, address):
        self.address = address
        self.owner = make_user(Role.ADMINISTRATOR)

    def key(self, *scopes):
        return create_api_key(
            name="Conformance", scopes=scopes, owner=self.owner, actor=self.owner
        )[1]


@pytest.fixture
def live(live_server, settings):
    cache.clear()
    settings.API_REQUESTS_PER_MINUTE = 1_000_000
    return LiveTest(live_server.url)


def test_scim_tools_find_nothing(live):
    root, key = f"{live.address}/scim/v2", live.key("people:write")

    verdicts = [scim2_test(root, key), scim_sanity(root, key)]

    assert [str(verdict) for verdict in verdicts if verdict.failures] == []
    assert all(verdict.tried > 20 for verdict in verdicts)
