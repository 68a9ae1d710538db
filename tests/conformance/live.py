"""A product of the checks' own, started as a user does, on a free port."""

import socket
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from tests.management.product import Product, running

# The first administrator of an empty product, whose keys the tools use.
ADMINISTRATOR = """
from engagements.models import User
User.objects.get_or_create(
    username="conformance",
    defaults={"is_superuser": True, "is_staff": True},
)
"""
KEY = """
from engagements.models import User
from tracker.api.services import create_api_key
owner = User.objects.get(username="conformance")
print(create_api_key(name="Conformance", scopes=%r, owner=owner, actor=owner)[1])
"""


def free_port() -> int:
    """Return a port that nobody listens on; the suite's own needs Django set up."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


class LiveProduct:
    def __init__(self, product: Product) -> None:
        self.address = product.address
        self._product = product

    def key(self, *scopes: str) -> str:
        return self._product.python(KEY % (list(scopes),))


@contextmanager
def live_product() -> Iterator[LiveProduct]:
    """Run the product without demo company and without a limit of requests."""
    with (
        tempfile.TemporaryDirectory(prefix="conformance-") as folder,
        running(
            "--no-demo",
            port=free_port(),
            data_dir=Path(folder),
            API_REQUESTS_PER_MINUTE="1000000",
        ) as product,
    ):
        product.python(ADMINISTRATOR)
        yield LiveProduct(product)
