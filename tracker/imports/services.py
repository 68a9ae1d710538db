"""From a file to records: look, check, apply.

The file is read and judged before the transaction that stores it, so that progress can
be told meanwhile; comparing with what is stored and storing happen inside it, so that
a run is applied whole or not at all, and a second run finds what the first one stored.
"""

import hashlib
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from itertools import islice
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from celery import current_app
from django.core.exceptions import ValidationError
from django.core.files import File
from django.db import DatabaseError, IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from kombu.exceptions import OperationalError

from engagements import events
from engagements.errors import (
    ConflictError,
    NotAllowedError,
    TrackerError,
    WrongStateError,
)
from engagements.models import User
from engagements.permissions import sees_money
from engagements.services.spending import hearing_of_money
from tracker.imports.files import open_table
from tracker.imports.kinds import (
    Batch,
    Kind,
    Progress,
    Source,
    kind_named,
    may_import,
)
from tracker.imports.mapping import (
    Suggestion,
    map_columns,
    recognised_fields,
    suggest_columns,
)
from tracker.imports.models import ImportProblem, ImportRun, RunState
from tracker.imports.problems import ImportRefusedError, Note, Problem
from tracker.imports.report import Report
from tracker.imports.tables import check_size
from tracker.jobs.services import run_job
from tracker.spend.insertion import insert_all

logger = logging.getLogger(__name__)

TASK = "tracker.tasks.run_import"
_ATTEMPTS = 3
# After this long a worker that tells no more is taken for dead. Two at once would
# still store each payment once.
_LEASE = timedelta(minutes=15)
_SAMPLE_LINES = 5
_PROBLEMS_AT_ONCE = 5000
_MOST_WARNINGS = 10
# PostgreSQL's states for a lock not granted in time, a deadlock, a failed ordering.
_LOST_RACES = frozenset({"55P03", "40P01", "40001"})


@dataclass(frozen=True)
class Preview:
    """How a file would be read: for a person to look at and correct."""

    source: Source
    suggestions: list[Suggestion]
    sample: list[tuple[str, ...]]


def open_source(
    *, path: Path, file_name: str, kind: Kind, corrections: Mapping[str, str]
) -> Source:
    """Open the file and map its columns. Raises ImportRefusedError with what to do."""
    check_size(path)
    table = open_table(path, partial(recognised_fields, fields=kind.fields))
    return Source(
        file_name=file_name,
        sha256=sha256_of(path),
        table=table,
        mapping=map_columns(table.columns, kind.fields, corrections),
    )


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def look_at(
    *, path: Path, file_name: str, kind_name: str, corrections: Mapping[str, str]
) -> Preview:
    """Return the suggested mapping and the first lines. Raises ImportRefusedError."""
    kind = kind_named(kind_name)
    source = open_source(
        path=path, file_name=file_name, kind=kind, corrections=corrections
    )
    lines = (line for line in source.table.lines() if not line.is_blank)
    width = len(source.table.columns)
    return Preview(
        source=source,
        suggestions=suggest_columns(source.table.columns, kind.fields),
        sample=[
            (*line.cells[:width], *[""] * (width - len(line.cells)))
            for line in islice(lines, _SAMPLE_LINES)
        ],
    )


def new_run(
    *,
    kind_name: str,
    file_name: str,
    corrections: Mapping[str, str],
    options: Mapping[str, Any],
    is_per_line: bool,
) -> ImportRun:
    """Return a run that isn't stored yet, for a file at hand."""
    return ImportRun(
        kind=kind_name,
        file_name=file_name[:200],
        corrections=dict(corrections),
        options=dict(options),
        is_per_line=is_per_line,
    )


def check_file(*, run: ImportRun, path: Path) -> Report:
    """Return what applying the file would do; nothing is stored."""
    report, batch = _read(run, path, is_dry_run=True, on_progress=lambda _count: None)
    batch.plan(report)
    report.notes += _told_of_money(run, report, heard=())
    return report


def apply_file(*, run: ImportRun, path: Path, actor: User | None) -> Report:
    """Apply a file and store the run with its account; the run is new, or waiting.

    With a refused line nothing but the account is stored, unless the run is per line.
    Raises ImportRefusedError, and ConflictError where other imports keep interfering.
    """
    run.started_by = actor
    return _carry_out(run, path, is_dry_run=False, on_progress=lambda _count: None)


def _read(
    run: ImportRun, path: Path, *, is_dry_run: bool, on_progress: Progress
) -> tuple[Report, Batch]:
    kind = kind_named(run.kind)
    source = open_source(
        path=path, file_name=run.file_name, kind=kind, corrections=run.corrections
    )
    kind.check_columns(source.mapping, run.options)
    run.sha256 = source.sha256
    report = kind.report_type(
        kind=kind.name,
        file_name=source.file_name,
        sha256=source.sha256,
        file_format=source.table.file_format,
        reading=source.table.reading,
        columns=list(source.table.columns),
        mapping=source.mapping.by_field,
        header_line=source.table.header_line,
        is_dry_run=is_dry_run,
        is_per_line=run.is_per_line,
    )
    return report, kind.read(source, run.options, report, on_progress)


def _carry_out(
    run: ImportRun, path: Path, *, is_dry_run: bool, on_progress: Progress
) -> Report:
    report, batch = _read(run, path, is_dry_run=is_dry_run, on_progress=on_progress)
    for attempt in range(1, _ATTEMPTS + 1):
        report.is_applied = False
        try:
            with transaction.atomic():
                batch.plan(report)
                heard: Sequence[str] = ()
                if not is_dry_run and report.may_be_applied:
                    with hearing_of_money() as heard:
                        batch.apply(run_id=run.public_id, actor=run.started_by)
                    report.is_applied = True
                report.notes += _told_of_money(run, report, heard)
                _store(run, report)
        except DatabaseError as error:
            # Another import stored the same payment, vendor or engagement since the
            # plan was made, or is just about to; a new plan finds it.
            if not _is_interference(error):
                raise
            logger.info("import %s interfered with: %s", run.public_id, error)
            if attempt == _ATTEMPTS:
                raise ConflictError(
                    _("Other imports keep storing the same records. Try again later.")
                ) from error
        else:
            break
    return report


def _told_of_money(
    run: ImportRun, report: Report, heard: Sequence[str]
) -> Sequence[Note]:
    """Return what budgets warn of: by line where that is known, else as heard."""
    if run.started_by is not None and not sees_money(run.started_by):
        return []
    if report.money_notes is not None:
        return report.money_notes
    # A long file is stored in parts: the last ones tell where it ended.
    return [Note(0, sentence) for sentence in heard[-_MOST_WARNINGS:]]


def _is_interference(error: DatabaseError) -> bool:
    if isinstance(error, IntegrityError):
        return True
    state = getattr(error.__cause__, "sqlstate", None)
    return state in _LOST_RACES or "database is locked" in str(error)


def _store(run: ImportRun, report: Report) -> None:
    run.state = _state_after(report)
    run.report = report.figures()
    run.read, run.accepted = report.read, report.accepted
    run.added, run.refused = report.added, report.refused
    run.error = ""
    run.finished_at = timezone.now()
    run.save()
    run.problems.all().delete()
    _store_problems(run, report.problems)
    events.record(
        event_type=f"import.{run.state}",
        subject=run,
        changes={
            name: [None, run.report[name]]
            for name in ("file", "sha256", "read", "accepted", "added", "refused")
        },
        actor=run.started_by,
    )


def _store_problems(run: ImportRun, problems: Iterable[Problem]) -> None:
    """Store every one; so many at a time that a file of nothing else is borne."""
    rows = (
        ImportProblem(
            run=run,
            line=problem.line,
            field=problem.field[:40],
            reason=problem.reason[:400],
            advice=problem.advice[:400],
            raw=problem.raw[:200],
        )
        for problem in problems
    )
    while part := list(islice(rows, _PROBLEMS_AT_ONCE)):
        insert_all(part)


def _state_after(report: Report) -> RunState:
    if report.is_applied:
        return RunState.APPLIED
    return RunState.CHECKED if report.is_dry_run else RunState.REFUSED


# --- uploads: the same steps, handed to a worker -------------------------------------


def accept_upload(*, upload: "File[bytes]", kind_name: str, actor: User) -> ImportRun:
    """Keep an uploaded file for import, if it can be read at all.

    What counts is its content, not its name or declared type. Raises
    ImportRefusedError.
    """
    name = Path(upload.name or "upload").name[:200]
    with NamedTemporaryFile(suffix=".import") as kept:
        for chunk in upload.chunks():
            kept.write(chunk)
        kept.flush()
        path = Path(kept.name)
        preview = look_at(
            path=path, file_name=name, kind_name=kind_name, corrections={}
        )
        run = ImportRun(
            kind=kind_name,
            file_name=name,
            sha256=preview.source.sha256,
            started_by=actor,
        )
        kept.seek(0)
        with transaction.atomic():
            extension = preview.source.table.file_format
            run.file.save(f"{run.public_id}.{extension}", File(kept), save=False)
            run.save()
            events.record(
                event_type="import.uploaded",
                subject=run,
                changes={"file": [None, name], "sha256": [None, run.sha256]},
                actor=actor,
            )
    return run


def preview_run(run: ImportRun) -> Preview:
    return look_at(
        path=Path(run.file.path),
        file_name=run.file_name,
        kind_name=run.kind,
        corrections=run.corrections,
    )


@transaction.atomic
def request_check(
    *,
    run: ImportRun,
    corrections: Mapping[str, str],
    options: Mapping[str, Any],
    actor: User,
) -> ImportRun:
    """Have a worker check the file as the person has mapped it.

    Raises ImportRefusedError where it can't be read so, and WrongStateError.
    """
    stored = _mapped(run, corrections, options)
    return _hand_over(stored, RunState.CHECKING, actor)


@transaction.atomic
def request_import(
    *,
    run: ImportRun,
    corrections: Mapping[str, str],
    options: Mapping[str, Any],
    is_per_line: bool,
    actor: User,
) -> ImportRun:
    """Have a worker check and apply the file at once, as another system asks for it.

    With a refused line nothing is stored, unless it is per line. Raises what
    `request_check` raises.
    """
    stored = _mapped(run, corrections, options)
    stored.is_per_line = is_per_line
    return _hand_over(stored, RunState.APPLYING, actor)


@transaction.atomic
def request_apply(*, run: ImportRun, is_per_line: bool, actor: User) -> ImportRun:
    """Have a worker apply the file as it was checked. Raises WrongStateError."""
    stored = _waiting(run)
    if stored.state not in (RunState.CHECKED, RunState.REFUSED):
        raise WrongStateError(_("Check the file before you import it."))
    if stored.refused and not is_per_line:
        raise WrongStateError(
            _(
                "%(count)d lines are refused: correct them and upload the file again,"
                " or import the accepted lines only."
            )
            % {"count": stored.refused}
        )
    stored.is_per_line = is_per_line
    return _hand_over(stored, RunState.APPLYING, actor)


def _mapped(
    run: ImportRun, corrections: Mapping[str, str], options: Mapping[str, Any]
) -> ImportRun:
    stored = _waiting(run)
    kind = kind_named(stored.kind)
    source = open_source(
        path=Path(stored.file.path),
        file_name=stored.file_name,
        kind=kind,
        corrections=corrections,
    )
    kind.check_columns(source.mapping, options)
    stored.corrections, stored.options = dict(corrections), dict(options)
    return stored


def _waiting(run: ImportRun) -> ImportRun:
    stored = ImportRun.objects.select_for_update().get(pk=run.pk)
    if stored.is_working:
        raise WrongStateError(_("A worker is busy with this file. Wait for it."))
    if stored.state == RunState.APPLIED:
        raise WrongStateError(_("This file is imported. Upload it to import it again."))
    return stored


def _hand_over(run: ImportRun, state: RunState, actor: User) -> ImportRun:
    run.state = state
    run.step += 1
    run.lines_done = 0
    run.error = ""
    run.started_by = actor
    run.save()
    transaction.on_commit(partial(_send, run.pk, run.step))
    return run


def _send(run_id: int, step: int) -> None:
    try:
        current_app.send_task(TASK, args=[run_id, step])
    except OperationalError:
        # The row says what is to be done: the sweep sends it again.
        logger.warning("no broker for import run %s; left to the sweep", run_id)


def resend_waiting(*, older_than_seconds: int = 60) -> int:
    """Send again what no worker has taken up; returns how many."""
    since = timezone.now() - timedelta(seconds=older_than_seconds)
    waiting = ImportRun.objects.filter(
        state__in=[RunState.CHECKING, RunState.APPLYING], updated_at__lt=since
    )
    for run_id, step in waiting.values_list("pk", "step"):
        _send(run_id, step)
    return len(waiting)


def work_on(*, run_id: int, step: int) -> None:
    """Do the step that a worker was sent for; an outdated message does nothing.

    The right to import is looked at again: it may be gone since the upload.
    """
    run_job(
        name="import",
        key=f"{run_id}:{step}",
        work=partial(_work_on, run_id, step),
        lease=_LEASE,
    )


def _work_on(run_id: int, step: int) -> dict[str, Any]:
    run = ImportRun.objects.select_related("started_by").get(pk=run_id)
    if run.step != step or not run.is_working:
        return {"skipped": True}

    def tell(count: int) -> None:
        run.lines_done = count
        ImportRun.objects.filter(pk=run_id).update(
            lines_done=count, updated_at=timezone.now()
        )

    try:
        if run.started_by is None or not may_import(
            run.started_by, kind_named(run.kind)
        ):
            raise NotAllowedError(_("The right to import was taken back."))
        _carry_out(
            run,
            Path(run.file.path),
            is_dry_run=run.state == RunState.CHECKING,
            on_progress=tell,
        )
    except (ImportRefusedError, TrackerError) as error:
        # Something else has changed since the check: the sentence says what.
        _fail(run_id, str(error))
    except ValidationError as error:
        _fail(run_id, " ".join(error.messages))
    except Exception:
        _fail(
            run_id, _("Something went wrong on our side. Try again, or ask for help.")
        )
        raise
    return {"file": run.file_name, "state": run.state, "added": run.added}


def _fail(run_id: int, message: str) -> None:
    ImportRun.objects.filter(pk=run_id).update(
        state=RunState.FAILED,
        error=message,
        finished_at=timezone.now(),
        updated_at=timezone.now(),
    )
