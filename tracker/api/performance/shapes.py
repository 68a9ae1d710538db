from typing import Any

from rest_framework import serializers

from engagements.choices import CreditScheme, Direction, MeasuredBy, Metric, Window
from tracker.api import fields
from tracker.api.resource import PageQuery
from tracker.api.shapes import Page

FIGURE = r"^-?(0|[1-9][0-9]{0,8})(\.[0-9]{1,8})?$"
MINUTES = r"^(0|[1-9][0-9]{0,6})(\.[0-9]{1,8})?$"
OUTCOMES = ("met", "missed", "no_data", "excused")
CREDIT_STATES = ("due", "claimed", "agreed", "applied", "waived", "expired")
# So many lines of one kind are taken at once.
LARGEST_BATCH = 1000
LARGEST_COUNT = 2**31 - 1


class Figure(fields.Exact):
    def __init__(self, **options: Any) -> None:
        super().__init__(pattern=FIGURE, **options)


class Minutes(fields.Exact):
    def __init__(self, **options: Any) -> None:
        super().__init__(pattern=MINUTES, **options)


class SourceId(fields.Line):
    def __init__(self, **options: Any) -> None:
        super().__init__(
            max_length=100,
            help_text="The record's id in the system that sends it: sent again, it is "
            "the same record.",
            **options,
        )


# --- what is sent ---


class MeasurementBody(fields.StrictShape):
    """What was measured in a period: a figure, or counts, or minutes of downtime."""

    source_id = SourceId()
    service_level = fields.Identifier(help_text="Its id, from service-levels.")
    period_from = fields.Day()
    period_to = fields.Day()
    value = Figure(required=False)
    good = fields.Whole(smallest=0, largest=LARGEST_COUNT, required=False)
    total = fields.Whole(smallest=0, largest=LARGEST_COUNT, required=False)
    downtime_minutes = Minutes(required=False)
    incident = fields.Line(max_length=100, required=False)


class DowntimeBody(fields.StrictShape):
    """An outage from when until when; of no length, it reports that there was none."""

    source_id = SourceId()
    service_level = fields.Identifier(help_text="Its id, from service-levels.")
    began_at = fields.Moment()
    ended_at = fields.Moment()
    incident = fields.Line(max_length=100, required=False)


class TicketBody(fields.StrictShape):
    """A ticket of a service desk; nothing of the people, nor what it was about."""

    source_id = SourceId()
    priority = fields.Line(max_length=40, required=False)
    group = fields.Line(max_length=100, required=False)
    opened_at = fields.Moment()
    responded_at = fields.Moment(required=False)
    resolved_at = fields.Moment(required=False)
    response_met = fields.Truth(
        required=False, help_text="Where the source says itself whether it was in time."
    )
    resolution_met = fields.Truth(required=False)


class MeasurementBatch(fields.StrictShape):
    measurements = fields.Several(
        child=MeasurementBody(), smallest=1, largest=LARGEST_BATCH
    )


class DowntimeBatch(fields.StrictShape):
    downtime = fields.Several(child=DowntimeBody(), smallest=1, largest=LARGEST_BATCH)


class TicketBatch(fields.StrictShape):
    tickets = fields.Several(child=TicketBody(), smallest=1, largest=LARGEST_BATCH)


# --- what is answered ---


class BatchStored(serializers.Serializer[Any]):
    """What became of a batch: all of it is stored, or nothing."""

    stored = serializers.IntegerField(help_text="Lines, those known already included.")
    windows_changed = serializers.IntegerField(
        help_text="Results of service levels that came out otherwise than known."
    )


class ServiceLevelRecord(serializers.Serializer[Any]):
    """What a provider promises, and how the windows judged last came out."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    metric = fields.Word(Metric.values)
    direction = fields.Word(Direction.values)
    target = fields.Exact(pattern=FIGURE)
    minimum = fields.Exact(pattern=FIGURE, allow_null=True)
    unit = serializers.CharField()
    window = fields.Word(Window.values)
    measured_by = fields.Word(MeasuredBy.values)
    last_window_from = serializers.DateField(allow_null=True)
    last_outcome = serializers.ChoiceField(OUTCOMES, allow_null=True)
    updated_at = serializers.DateTimeField()


class ServiceLevelPage(Page):
    results = ServiceLevelRecord(many=True)


class MeasurementRecord(serializers.Serializer[Any]):
    """What was measured in a period."""

    id = serializers.UUIDField()
    service_level = serializers.UUIDField()
    period_from = serializers.DateField()
    period_to = serializers.DateField()
    value = serializers.CharField(allow_null=True)
    good = serializers.IntegerField(allow_null=True)
    total = serializers.IntegerField(allow_null=True)
    downtime_minutes = serializers.CharField(allow_null=True)
    incident = serializers.CharField()
    updated_at = serializers.DateTimeField()


class MeasurementPage(Page):
    results = MeasurementRecord(many=True)


class CreditRecord(serializers.Serializer[Any]):
    """Money that a provider owes for a missed window, in the engagement's currency."""

    id = serializers.UUIDField()
    service_level = serializers.UUIDField(
        allow_null=True, help_text="None where points of several levels add up."
    )
    window_from = serializers.DateField()
    window_to = serializers.DateField()
    scheme = fields.Word(CreditScheme.values)
    amount = serializers.CharField()
    agreed_amount = serializers.CharField(allow_null=True)
    currency = serializers.CharField()
    state = fields.Word(CREDIT_STATES)
    claim_by = serializers.DateField(allow_null=True)
    updated_at = serializers.DateTimeField()


class CreditPage(Page):
    results = CreditRecord(many=True)


class ReviewRecord(serializers.Serializer[Any]):
    """What a manager thinks of the work in a period: marks from 1 to 5."""

    id = serializers.UUIDField()
    reviewer = serializers.UUIDField()
    period_from = serializers.DateField()
    period_to = serializers.DateField()
    quality = serializers.IntegerField()
    delivery = serializers.IntegerField()
    communication = serializers.IntegerField()
    knowledge_transfer = serializers.IntegerField()
    initiative = serializers.IntegerField()
    comment = serializers.CharField()
    is_corrected = serializers.BooleanField(
        help_text="A later one stands in its place."
    )
    updated_at = serializers.DateTimeField()


class ReviewPage(Page):
    results = ReviewRecord(many=True)


class PartQuery(PageQuery):
    """Parameters that every list of an engagement's records takes."""
