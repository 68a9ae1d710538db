"""A product of the checks' own, started as a user does, on a free port."""

import socket
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from engagements.choices import Role
from tests.management.product import Product, running
from tracker.demo.credentials import LOGINS

# The demo company has a person in each role.
PEOPLE = {role: username for username, _password, role in LOGINS}
PREPARE = "from tests.conformance.records import complete; complete()"
KEY = """
from engagements.models import User
from tracker.api.services import create_api_key
owner = User.objects.get(username=%r)
print(create_api_key(name="Conformance", scopes=%r, owner=owner, actor=owner)[1])
"""


def free_port() -> int:
    """Return a port that nobody listens on; the suite's own needs a test."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


class LiveProduct:
    def __init__(self, product: Product) -> None:
        self.address = product.address
        self._product = product

    def key(self, *scopes: str, role: Role = Role.ADMINISTRATOR) -> str:
        return self._product.python(KEY % (PEOPLE[role], list(scopes)))


@contextmanager
def live_product() -> Iterator[LiveProduct]:
    """Run the demo company, without a limit of requests; webhooks may come here."""
    with (
        tempfile.TemporaryDirectory(prefix="conformance-") as folder,
        running(
            port=free_port(),
            data_dir=Path(folder),
            API_REQUESTS_PER_MINUTE="1000000",
            WEBHOOK_ALLOW_LOOPBACK="1",
        ) as product,
    ):
        product.python(PREPARE)
        yield LiveProduct(product)
