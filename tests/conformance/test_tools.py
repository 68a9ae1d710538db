"""The tools of `make conformance`, over the suite's own server and at a small size."""

import pytest

from engagements.choices import Role
from tests.conformance.client import client
from tests.conformance.fuzzing import SMALL, fuzz
from tests.conformance.scim import scim2_test, scim_sanity

pytestmark = pytest.mark.django_db(transaction=True)


def test_scim_tools_find_nothing(live):
    root, key = f"{live.address}/scim/v2", live.key("people:write")

    verdicts = [scim2_test(root, key), scim_sanity(root, key)]

    assert [str(verdict) for verdict in verdicts if verdict.failures] == []
    assert all(verdict.tried > 20 for verdict in verdicts)


def test_schemathesis_finds_nothing(live, records):
    found = fuzz(live, Role.ADMINISTRATOR, SMALL)

    assert str(found).partition("\n")[2] == ""
    assert found.tried > 300


def test_generated_client_walks_all_lists_and_upserts(live, records):
    walked, example = client(live, False)

    assert str(walked) == "openapi-python-client: 36 tried, 0 failed"
    assert str(example) == "example in docs: 2 tried, 0 failed"
