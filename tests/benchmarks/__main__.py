"""Figures of speed, measured side by side in one run; `make bench` calls it.

    python -m tests.benchmarks [--full] [name …]

Each runs in a process and on a PostgreSQL of its own. A wrong count or sum ends the
run. Read ratios rather than seconds, which are this machine's.
"""

import argparse
import importlib
import os
import platform
import subprocess
import sys
import tempfile

from tests.benchmarks.figures import Figure, told
from tests.postgresql import embedded_postgresql

NAMES = (
    "workbooks",
    "fit_scoring",
    "payments_import",
    "invoices_import",
    "nightly",
    "webhooks",
    "api_records",
    "finance_pages",
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=", ".join(NAMES))
    parser.add_argument("--full", action="store_true", help="at the size of the goals")
    chosen = parser.parse_args()
    unknown = set(chosen.names) - set(NAMES)
    if unknown:
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))}")
    if len(chosen.names) == 1:
        return show(chosen.names[0], is_full=chosen.full)
    say(f"Python {platform.python_version()}, {os.cpu_count()} processors")
    size = ["--full"] if chosen.full else []
    statuses = [
        subprocess.run(
            [sys.executable, "-m", "tests.benchmarks", *size, name], check=False
        ).returncode
        for name in chosen.names or NAMES
    ]
    return max(statuses)


def show(name: str, *, is_full: bool) -> int:
    say(f"\n{name}")
    with (
        tempfile.TemporaryDirectory() as folder,
        embedded_postgresql(is_for_tests=False) as url,
    ):
        os.environ |= {"DATABASE_URL": url, "DATA_DIR": folder}
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
        prepare()
        for figure in measured(name, is_full=is_full):
            say(told(figure))
    return 0


def prepare() -> None:
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)


def measured(name: str, *, is_full: bool) -> list[Figure]:
    from django.db import connections

    figures: list[Figure] = importlib.import_module(f"tests.benchmarks.{name}").run(
        is_full=is_full
    )
    connections.close_all()
    return figures


def say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - its purpose


if __name__ == "__main__":
    sys.exit(main())
