"""The parts of mixed work, as an assessment tells them."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from tracker.api import fields
from tracker.api.resource import Row
from tracker.fit.criteria import all_criteria
from tracker.fit.models import Assessment
from tracker.fit.split_reading import SplitReading, splits_read
from tracker.fit.splits import SplitBy
from tracker.fit.verdict import Answer

VERDICTS = (
    Answer.NOT_ENOUGH_EVIDENCE,
    Answer.MANAGED_FITS,
    Answer.AUGMENTED_FITS,
    Answer.MIXED,
    Answer.EITHER_FITS,
)


class WorkPart(serializers.Serializer[Any]):
    """A part, judged by its own logs and by what it has in common with the whole."""

    name = serializers.CharField()
    hours = serializers.FloatField()
    verdict = fields.Word([answer.value for answer in VERDICTS])
    acceptability = serializers.FloatField(
        help_text="Share of plausible priorities and readings under which managed fits."
    )
    coverage = serializers.FloatField()
    reasons = serializers.ListField(child=serializers.CharField())


class PartsBlend(serializers.Serializer[Any]):
    """The parts, by name, that fit each model."""

    managed = serializers.ListField(child=serializers.CharField())
    augmented = serializers.ListField(child=serializers.CharField())


class WorkSplit(serializers.Serializer[Any]):
    """Mixed work split one way; `blend` is null where none is confirmed."""

    by = fields.Word([by.value for by in SplitBy])
    parts = WorkPart(many=True)
    blend = PartsBlend(allow_null=True)


def splits_of(assessment: Assessment) -> list[Row]:
    """As `WorkSplit`; none where the work is not mixed."""
    wordings = {criterion.code: criterion for criterion in all_criteria()}
    return [_split(split) for split in splits_read(assessment.parts, wordings)]


def _split(split: SplitReading) -> Row:
    blend = split.blend
    return {
        "by": split.by,
        "parts": [vars(part) for part in split.parts],
        "blend": blend and {"managed": blend.managed, "augmented": blend.augmented},
    }
