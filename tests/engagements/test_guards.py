from datetime import date

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from engagements.models import CostSplit, Event
from engagements.models.guards import guarded_tables, lifted
from tests.factories import make_vendor

pytestmark = pytest.mark.django_db


def test_guards_stand_on_what_is_written_once() -> None:
    assert guarded_tables(connection) == [
        "engagements_changeorder",
        "engagements_event",
        "tracker_accrual",
        "tracker_cappedposting",
        "tracker_ledgerentry",
        "tracker_monthoutlook",
        "tracker_orderchange",
        "tracker_publishedevent",
        "tracker_savingrealisation",
        "tracker_settlement",
    ]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE engagements_event SET event_type = 'other'",
        "DELETE FROM engagements_event",
    ],
)
def test_guarded_table_refuses_raw_sql(statement: str) -> None:
    make_vendor()
    with (
        pytest.raises(DatabaseError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)
    assert Event.objects.get().event_type == "vendor.registered"


def test_guarded_table_refuses_the_orm() -> None:
    make_vendor()
    event = Event.objects.get()
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        Event.objects.update(request_id="other")
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        event.save()
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        # Deleted as such, it first meets what refers to it.
        Event.objects.all()._raw_delete(using="default")


def test_lifted_guards_come_back() -> None:
    make_vendor()
    with lifted(connection):
        Event.objects.update(request_id="lifted")
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        Event.objects.update(request_id="again")
    assert Event.objects.get().request_id == "lifted"


@pytest.mark.sqlite
@pytest.mark.django_db(transaction=True)
def test_sqlite_refuses_at_commit_what_links_to_nothing() -> None:
    """Links are looked at when a transaction ends, and most tests undo theirs."""
    with pytest.raises(IntegrityError, match="FOREIGN KEY"), transaction.atomic():
        CostSplit.objects.create(engagement_id=1, starts_on=date(2026, 1, 1))
    assert not CostSplit.objects.exists()
