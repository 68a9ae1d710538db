"""Files of records for tests: written, checked and applied as a person does it."""

import csv
import io
from pathlib import Path

import pytest

from tracker.imports.exports import export_records
from tracker.imports.services import apply_file, check_file, new_run


@pytest.fixture
def bring_in(tmp_path):
    """Import rows, given as dicts or as the text of a file; return the report."""

    def bring(
        kind,
        rows,
        *,
        actor=None,
        is_dry_run=False,
        is_per_line=False,
        file_format="csv",
        options=None,
    ):
        path = tmp_path / f"{kind}.{file_format}"
        content = rows if isinstance(rows, bytes) else as_csv(rows).encode()
        path.write_bytes(content)
        run = new_run(
            kind_name=kind,
            file_name=path.name,
            corrections={},
            options=options or {},
            is_per_line=is_per_line,
        )
        if is_dry_run:
            return check_file(run=run, path=Path(path))
        return apply_file(run=run, path=Path(path), actor=actor)

    return bring


def as_csv(rows):
    if isinstance(rows, str):
        return rows
    headers = list(dict.fromkeys(name for row in rows for name in row))
    out = io.StringIO()
    writer = csv.DictWriter(out, headers, restval="")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def export(kind, records, actor, file_format="csv"):
    file = export_records(
        kind_name=kind,
        ids=[record.pk for record in records],
        file_format=file_format,
        actor=actor,
    )
    return file.read()


def exported_rows(content):
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))


def counts(report):
    return (report.new, report.changed, report.already_recorded, report.refused)


def told(report):
    return [(p.line, p.field, p.reason) for p in report.problems]
