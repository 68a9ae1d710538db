"""Hold a live product to the standards it claims; `make conformance` calls it.

    python -m tests.conformance [--full] [name …]

Starts a product of its own on a free port, and stops it at the end.
"""

import argparse
import sys

from tests.conformance import scim  # noqa: F401 - registers its check
from tests.conformance.live import live_product
from tests.conformance.registry import check_called, names


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=", ".join(names()))
    parser.add_argument(
        "--full", action="store_true", help="as many cases as asked for"
    )
    chosen = parser.parse_args()
    if unknown := set(chosen.names) - set(names()):
        parser.error(f"no such check: {', '.join(sorted(unknown))}")
    failures = 0
    with live_product() as live:
        for name in chosen.names or names():
            for verdict in check_called(name)(live, chosen.full):
                sys.stdout.write(f"{verdict}\n")
                sys.stdout.flush()
                failures += len(verdict.failures) + (verdict.tried == 0)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
