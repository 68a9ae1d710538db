from types import SimpleNamespace

import pytest

from engagements.choices import Role
from engagements.models import Contractor
from engagements.services.records import create_record
from tests.factories import make_user, make_vendor
from tracker.demo.webhooks import OUTCOMES, send_some
from tracker.webhooks.models import WebhookEndpoint


@pytest.mark.django_db
def test_sample_endpoint_is_off_and_says_how_that_came_about():
    cast = SimpleNamespace(
        people={"hr": make_user(Role.HR_INTEGRATION), "admin": make_user()}
    )
    vendor = make_vendor()
    for number in range(len(OUTCOMES) + 1):
        contractor = Contractor(full_name=f"Contractor {number}", vendor=vendor)
        create_record(record=contractor, actor=None)

    send_some(cast)

    endpoint = WebhookEndpoint.objects.get()
    told = endpoint.deliveries.order_by("id").values_list(
        "state", "attempts", "last_status"
    )
    assert (endpoint.is_enabled, endpoint.disabled_because) == (False, "gone")
    assert list(told) == [
        ("delivered", 1, 200),
        ("delivered", 1, 200),
        ("delivered", 2, 200),
        ("delivered", 1, 200),
        ("dead", 2, 410),
    ]
