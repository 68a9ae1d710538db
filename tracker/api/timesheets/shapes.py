from typing import Any

from rest_framework import serializers

from tracker.api import fields
from tracker.api.resource import PageQuery
from tracker.api.shapes import NamedRecord, PageWithDeleted, Stamped
from tracker.spend.models import Activity, AssignedBy, TimesheetStatus

# From the word stored to the one that HR systems know.
APPROVAL_STATUSES = {word: word.upper() for word in TimesheetStatus.values}
LARGEST_BATCH = 1000


class TimeEntryBody(fields.StrictShape):
    """Work done on a day, as a time tracker tells it."""

    source_id = fields.Line(
        max_length=80,
        help_text="Its id in the system that sends it: sent again, it is the same.",
    )
    engagement = fields.Reference()
    contractor = fields.Reference(
        required=False,
        help_text="Whose work it is; of an augmented engagement, its contractor.",
    )
    worked_on = fields.Day()
    hours = fields.Exact(pattern=fields.HOURS)
    activity = fields.Word(Activity.values, required=False)
    is_overtime = fields.Truth(required=False)
    is_out_of_hours = fields.Truth(required=False, allow_null=True)
    is_core = fields.Truth(
        required=False, allow_null=True, help_text="Whether on a core system."
    )
    assigned_by = fields.Word(
        AssignedBy.values, required=False, help_text="Who said what to work on."
    )
    description = fields.Line(max_length=300, required=False)


class TimeEntryBatch(fields.StrictShape):
    entries = fields.Several(child=TimeEntryBody(), smallest=1, largest=LARGEST_BATCH)


class Withdrawal(fields.StrictShape):
    reason = fields.Line(max_length=300, help_text="Why; it is kept with the entry.")


class TimeEntriesStored(serializers.Serializer[Any]):
    """What became of a batch: all of it is stored, or nothing."""

    created = serializers.IntegerField()
    unchanged = serializers.IntegerField(help_text="Those known already.")


class TimeEngagement(NamedRecord):
    reference = serializers.CharField()


class TimeEntryRecord(Stamped):
    """Work done on a day."""

    external_id = serializers.CharField(
        allow_null=True,
        help_text="Its source_id as it was sent here; null for what came otherwise.",
    )
    engagement = TimeEngagement()
    contractor = NamedRecord(allow_null=True)
    worked_on = serializers.DateField()
    hours = serializers.CharField(help_text="An exact number, as text.")
    activity = fields.Word(Activity.values)
    is_overtime = fields.Truth()
    is_out_of_hours = serializers.BooleanField(allow_null=True)
    is_core = serializers.BooleanField(allow_null=True)
    assigned_by = serializers.CharField(allow_null=True)
    description = serializers.CharField(allow_null=True)
    approval_status = serializers.CharField(
        allow_null=True,
        help_text=(
            "Of the timesheet that it stands in: DRAFT, SUBMITTED, APPROVED, REJECTED"
            " or INVOICED; null where a time tracker told of it."
        ),
    )
    withdrawn_at = serializers.DateTimeField(
        allow_null=True,
        help_text=(
            "When it was taken back: since then it counts nowhere. Lists tell such"
            " entries with `updated_since` alone."
        ),
    )
    withdrawn_reason = serializers.CharField(allow_null=True)


class TimeEntryPage(PageWithDeleted):
    results = TimeEntryRecord(many=True)


class TimeEntryQuery(PageQuery):
    engagement = fields.Identifier(required=False, help_text="The engagement's id.")
    contractor = fields.Identifier(required=False, help_text="The contractor's id.")
    approval_status = fields.Word(list(APPROVAL_STATUSES.values()), required=False)
    worked_from = fields.Day(required=False)
    worked_to = fields.Day(required=False)
