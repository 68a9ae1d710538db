"""The OpenAPI file: as drf-spectacular makes it, and as it is answered."""

import subprocess
import sys
import tempfile

from openapi_spec_validator import OpenAPIV31SpecValidator

from config.env import BASE_DIR
from tests.conformance.feed import Schema, published_schema
from tests.conformance.registry import Live, Verdict, Verdicts, conformance
from tests.processes import users_environment

SECONDS = 300


@conformance("documents")
def documents(live: Live, is_full: bool) -> Verdicts:
    schema = published_schema(live.address)
    yield spectacular(operations=count_operations(schema))
    errors = OpenAPIV31SpecValidator(schema).iter_errors()
    found = [f"{list(error.absolute_path)}: {error.message}" for error in errors]
    yield Verdict("openapi-spec-validator", count_operations(schema), found)


def count_operations(schema: Schema) -> int:
    return sum(len(methods) for methods in schema["paths"].values())


def spectacular(*, operations: int) -> Verdict:
    """Generate the file anew; a warning is a failure."""
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [
                *(sys.executable, "manage.py", "spectacular", "--validate"),
                *("--fail-on-warn", "--file", f"{folder}/openapi.yml"),
            ],
            cwd=BASE_DIR,
            env=users_environment(DATA_DIR=folder),
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS,
        )
    failures = [done.stdout + done.stderr] if done.returncode else []
    return Verdict("spectacular --validate --fail-on-warn", operations, failures)
