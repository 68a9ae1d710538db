"""Upsert a vendor and two contractors, then list everybody who works for us.

    pip install openapi-python-client==0.29.1
    openapi-python-client generate --meta none --output-path tracker_client \
        --config client.yml --url "$TRACKER_URL/api/v1/openapi"
    TRACKER_URL=http://127.0.0.1:8000 TRACKER_KEY=etk_test_… \
        python people_of_a_vendor.py

The key needs contractors:write and vendors:write. Run again, it changes nothing.
"""

import os
import sys
from collections.abc import Iterator
from typing import Any

from tracker_client import AuthenticatedClient
from tracker_client.api.contractors import list_contractors, upsert_contractor
from tracker_client.api.vendors import upsert_vendor
from tracker_client.models import (
    ContractorPage,
    ContractorRecord,
    ContractorUpsertRequest,
    Problem,
    ReferenceByExternalIdRequest,
    VendorUpsertRequest,
)
from tracker_client.types import UNSET, Unset

VENDOR = "example-vendor"
PEOPLE = {"example-1": "Ada Byron", "example-2": "Max Muster"}


class RefusedError(Exception):
    """The API refused; the text says which field, and why."""


def answered(answer: Any) -> Any:
    """Return the answer; raises RefusedError where it is a problem."""
    if isinstance(answer, Problem):
        pointed = [f"{error.pointer}: {error.detail}" for error in answer.errors]
        raise RefusedError(f"{answer.status} {answer.detail} {'; '.join(pointed)}")
    return answer


def upsert(client: AuthenticatedClient) -> None:
    """Write what our own system knows, by its own ids."""
    answered(
        upsert_vendor.sync(
            VENDOR,
            client=client,
            body=VendorUpsertRequest(legal_name="Example Vendor Ltd", currency="GBP"),
        )
    )
    for external_id, name in PEOPLE.items():
        body = ContractorUpsertRequest(
            full_name=name, vendor=ReferenceByExternalIdRequest(external_id=VENDOR)
        )
        answered(upsert_contractor.sync(external_id, client=client, body=body))


def contractors(client: AuthenticatedClient) -> Iterator[ContractorRecord]:
    """Walk all pages; whatever is changed meanwhile, each comes once."""
    cursor: str | Unset = UNSET
    while True:
        page: ContractorPage = answered(
            list_contractors.sync(client=client, page_size=200, cursor=cursor)
        )
        yield from page.results
        if page.next_cursor is None:
            return
        cursor = page.next_cursor


def main() -> None:
    client = AuthenticatedClient(
        base_url=os.environ["TRACKER_URL"],
        token=os.environ["TRACKER_KEY"],
        raise_on_unexpected_status=True,
    )
    with client:
        upsert(client)
        for contractor in contractors(client):
            known_as = contractor.external_id or contractor.id
            status = contractor.employment_status.value
            sys.stdout.write(f"{known_as}\t{contractor.full_name}\t{status}\n")


if __name__ == "__main__":
    main()
