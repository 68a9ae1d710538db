"""Callers of the API, as other systems are: by key."""

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from django.db import connection
from rest_framework.test import APIClient

from engagements.models import User
from tracker.api.services import create_api_key

T = TypeVar("T")
R = TypeVar("R")


def at_once(call: Callable[[T], R], arguments: Iterable[T]) -> list[R]:
    """Call with each argument, each in a thread and connection of its own."""
    given = list(arguments)
    line = threading.Barrier(len(given))

    def start(argument: T) -> R:
        line.wait()
        try:
            return call(argument)
        finally:
            connection.close()

    with ThreadPoolExecutor(len(given)) as threads:
        return list(threads.map(start, given))


def client_for(owner: User, *scopes: str) -> APIClient:
    _key, text = create_api_key(
        name="Test", scopes=list(scopes), owner=owner, actor=owner
    )
    return client_with(text)


def client_with(key: str) -> APIClient:
    # Faults of ours are answered, as a server does, and not raised in the test.
    client = APIClient(raise_request_exception=False)
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {key}")
    return client


def put(client: APIClient, noun: str, external_id: str, body: Any) -> Any:
    return client.put(f"/api/v1/{noun}/by-external-id/{external_id}", body)


def codes(response: Any) -> list[tuple[str, str]]:
    """Return (pointer or parameter, code) of each error that a problem tells."""
    return [
        (error.get("pointer", error.get("parameter")), error["code"])
        for error in response.json()["errors"]
    ]
