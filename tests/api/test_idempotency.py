from collections import Counter
from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from engagements.choices import MeasuredBy, Role
from tests.api.callers import at_once, client_for, codes
from tests.factories import make_user
from tests.performance.contracts import contract_with
from tracker.api.idempotency import forget_keys
from tracker.api.models import IdempotencyKey
from tracker.imports.models import ImportRun
from tracker.performance.models import Ticket
from tracker.tasks import forget_idempotency_keys

pytestmark = pytest.mark.django_db

TICKET = {
    "source_id": "INC-1",
    "opened_at": "2026-03-02T09:00:00Z",
    "resolved_at": "2026-03-02T10:00:00Z",
}


@pytest.fixture
def path():
    contract, _levels = contract_with({"measured_by": MeasuredBy.TICKETS})
    return f"/api/v1/engagements/{contract.public_id}/tickets"


def push(client, path, *, key, tickets=(TICKET,)):
    return client.post(
        path, {"tickets": list(tickets)}, headers={"Idempotency-Key": key}
    )


def test_same_request_has_one_effect_and_one_answer(api, path):
    first = push(api, path, key="a")
    Ticket.objects.all().delete()
    again = push(api, path, key="a")

    assert [first.status_code, again.status_code] == [200, 200]
    assert (again.content, again["ETag"]) == (first.content, first["ETag"])
    assert "Idempotent-Replayed" not in first
    assert again["Idempotent-Replayed"] == "true"
    assert not Ticket.objects.exists()


def test_key_of_another_request_is_422(api, path):
    push(api, path, key="a")

    other = push(api, path, key="a", tickets=[TICKET | {"source_id": "INC-2"}])

    assert (other.status_code, codes(other)) == (422, [("", "idempotency_key_reused")])
    assert list(Ticket.objects.values_list("source_id", flat=True)) == ["INC-1"]


@pytest.mark.parametrize(
    "body",
    [
        {"tickets": [{"source_id": "INC-2", "opened_at": "yesterday"}]},
        {"tickets": [TICKET], "unknown": 1},
        {},
        "{",
    ],
    ids=["value", "field", "missing", "syntax"],
)
def test_broken_body_is_400_whatever_its_key_was_used_for(api, path, body):
    first = push(api, path, key="a")

    broken = api.post(path, body, headers={"Idempotency-Key": "a"})
    again = push(api, path, key="a")

    assert broken.status_code == 400
    assert list(Ticket.objects.values_list("source_id", flat=True)) == ["INC-1"]
    assert (again.content, again["Idempotent-Replayed"]) == (first.content, "true")


def test_key_of_another_file_is_422_and_of_a_wrong_query_400(api):
    def send(query, content):
        address = f"/api/v1/imports?kind=vendors{query}"
        return api.generic(
            "POST", address, content, "text/csv", headers={"Idempotency-Key": "a"}
        )

    answers = [
        send("&dry_run=true", b"legal name\nBeta Ltd\n"),
        send("&dry_run=true", b"legal name\nGamma Ltd\n"),
        send("&dry_run=perhaps", b"legal name\nBeta Ltd\n"),
    ]

    assert [answer.status_code for answer in answers] == [202, 422, 400]
    assert codes(answers[1]) == [("", "idempotency_key_reused")]
    assert ImportRun.objects.count() == 1


def test_refused_request_may_be_mended_and_sent_again(api, path):
    refused = push(api, path, key="a", tickets=[TICKET | {"resolved_at": "2026"}])
    mended = push(api, path, key="a")

    assert [refused.status_code, mended.status_code] == [400, 200]
    assert "Idempotent-Replayed" not in mended


def test_each_caller_has_keys_of_its_own(api, path):
    other = client_for(make_user(Role.ADMINISTRATOR), "measurements:write")

    answers = [push(client, path, key="a") for client in (api, other)]

    assert ["Idempotent-Replayed" in answer for answer in answers] == [False, False]
    assert IdempotencyKey.objects.count() == 2


@pytest.mark.parametrize("key", ["", " ", "a b", "ä", "x" * 256])
def test_malformed_key_is_400(api, path, key):
    response = push(api, path, key=key)

    assert (response.status_code, codes(response)) == (
        400,
        [("Idempotency-Key", "invalid")],
    )


def test_key_is_forgotten_after_a_day(api, path):
    push(api, path, key="a")
    push(api, path, key="b")

    with time_machine.travel(timezone.now() + timedelta(hours=24, seconds=1)):
        anew = push(api, path, key="a")
        forget_idempotency_keys()

        assert "Idempotent-Replayed" not in anew
        assert list(IdempotencyKey.objects.values_list("key", flat=True)) == ["a"]
        assert forget_keys() == 0


def test_question_needs_no_key_and_keeps_none(api):
    asked = api.post(
        "/api/v1/fit/what-if",
        {"id": "x", "current_model": None, "facts": {}},
        headers={"Idempotency-Key": "a"},
    )

    assert asked.status_code == 200
    assert not IdempotencyKey.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_fifty_at_once_have_one_effect():
    client = client_for(make_user(Role.ADMINISTRATOR), "measurements:write")
    contract, _levels = contract_with({"measured_by": MeasuredBy.TICKETS})
    path = f"/api/v1/engagements/{contract.public_id}/tickets"

    answers = at_once(lambda _number: push(client, path, key="a"), range(50))

    assert Counter(answer.status_code for answer in answers) == {200: 50}
    assert Counter("Idempotent-Replayed" in answer for answer in answers) == {
        True: 49,
        False: 1,
    }
    assert Ticket.objects.count() == 1
