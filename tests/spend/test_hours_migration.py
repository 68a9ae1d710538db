"""Hours from before it was kept who entered them: the events of then tell."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.migrations.executor import MigrationExecutor

from tests.spend.sheets import MONDAY, begin, line, make_team
from tests.spend.test_ledger_migration import migrate
from tracker.spend.models import Timesheet, WorkLog
from tracker.spend.services import enter_hours, log_work, submit_timesheet

BEFORE = [("tracker", "0024_directory")]


@pytest.mark.django_db(transaction=True)
def test_who_entered_hours_is_taken_from_the_events() -> None:
    latest = MigrationExecutor(connection).loader.graph.leaf_nodes()
    assignment, manager, colleague = make_team()
    sheet = begin(assignment)
    enter_hours(timesheet=sheet, lines=[line(MONDAY, "8")], actor=manager)
    submit_timesheet(timesheet=sheet, actor=colleague)
    for weeks, actor in ((1, colleague), (2, None)):
        logged = line(MONDAY + timedelta(weeks=weeks), "8")
        logged.engagement_id, logged.contractor = assignment.pk, assignment.contractor
        log_work(line=logged, actor=actor)
    try:
        migrate(BEFORE)
    finally:
        migrate(latest)

    entered = WorkLog.objects.order_by("worked_on").values_list("logged_by", flat=True)
    assert list(entered) == [manager.pk, colleague.pk, None]
    with pytest.raises(IntegrityError, match="entered hours"), transaction.atomic():
        Timesheet.objects.update(status="approved", decided_by=manager)
