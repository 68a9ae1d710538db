"""Hold a live product to the standards it claims; `make conformance` calls it.

    python -m tests.conformance [--small] [name …]

Starts a product of its own on a free port, and stops it at the end.
"""

import argparse
import logging
import os
import signal
import sys
import time
from collections.abc import Iterator

import django

from tests.conformance.live import live_product
from tests.conformance.registry import Verdict, Verdicts, check_called, names


def main() -> int:
    register_checks()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=", ".join(names()))
    parser.add_argument(
        "--small", action="store_true", help="as few cases as there is time for in CI"
    )
    chosen = parser.parse_args()
    if unknown := set(chosen.names) - set(names()):
        parser.error(f"no such check: {', '.join(sorted(unknown))}")
    # Asked to end, it still stops the product that it started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    are_good = True
    tell("Starting the demo company …")
    with live_product() as live:
        for name in chosen.names or names():
            verdicts = check_called(name)(live, not chosen.small)
            for verdict, seconds in timed(verdicts):
                head, *rest = str(verdict).splitlines()
                tell("\n".join([f"{head} ({seconds:.0f} s)", *rest]))
                are_good = are_good and verdict.is_good
    return 0 if are_good else 1


def register_checks() -> None:
    """Import the modules of the checks: some ask the suite's models and tables."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    django.setup()
    # A line for each request would drown the verdicts.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    from tests.conformance import (  # noqa: F401 - they register themselves
        client,
        documents,
        fuzzing,
        scim,
        signatures,
    )


def timed(verdicts: Verdicts) -> Iterator[tuple[Verdict, float]]:
    started = time.monotonic()
    for verdict in verdicts:
        yield verdict, time.monotonic() - started
        started = time.monotonic()


def tell(words: str) -> None:
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
