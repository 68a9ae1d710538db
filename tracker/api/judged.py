"""What the fit engine says by itself, without a flag: of one, of groups, of records."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django.db.models import Prefetch
from rest_framework import serializers
from rest_framework.request import Request

from engagements.choices import Kind
from engagements.models import Engagement
from engagements.permissions import open_money
from engagements.values.periods import ONE_DAY, add_months
from tracker.api import fields
from tracker.api.model_flags import MONEY, SwitchMoney
from tracker.api.pagination import Position
from tracker.api.permissions import caller, has_scope, is_hr_key
from tracker.api.records import ReadResource, Rows, Shapes, described
from tracker.api.resource import PageQuery, Row
from tracker.api.shapes import NamedRecord, Page, PageWithDeleted
from tracker.api.what_if import Change, Missing, Point
from tracker.api.work_parts import WorkSplit, splits_of
from tracker.fit.models import (
    Assessment,
    GroupAnswer,
    GroupBasis,
    GroupVerdict,
    SeenPattern,
    Verdict,
)
from tracker.fit.queries import latest_assessments, told_assessments
from tracker.fit.reading import changes_of, headline_of, missing_of, points_of
from tracker.fit.seen import ToldPattern, patterns_told


class JudgedEngagement(NamedRecord):
    reference = serializers.CharField()


class Evidence(serializers.Serializer[Any]):
    """What a criterion was judged by; null where nothing was recorded or expected."""

    prior = serializers.DictField(
        allow_null=True, help_text="What was expected before the records were read."
    )
    window = serializers.DictField(
        allow_null=True, help_text="The figure of the whole window."
    )
    recent = serializers.DictField(
        allow_null=True, help_text="That of its last 6 months."
    )


class AssessmentRecord(serializers.Serializer[Any]):
    """What the engine said of one engagement, from the records up to a day."""

    id = serializers.UUIDField()
    engagement = JudgedEngagement()
    current_model = fields.Word(Kind.values, help_text="On that day.")
    as_of = serializers.DateField()
    window_from = serializers.DateField(
        help_text="First day read; some criteria look further back."
    )
    window_months = serializers.IntegerField()
    verdict = fields.Word(Verdict.values)
    is_strong = serializers.BooleanField()
    leaning = fields.Word(
        Kind.values, allow_null=True, help_text="Null without enough evidence."
    )
    acceptability = serializers.FloatField(
        help_text="Share of plausible priorities and readings under which managed fits."
    )
    opposition = serializers.FloatField(help_text="The same, for the other model.")
    coverage = serializers.FloatField()
    margin = serializers.FloatField(help_text="What the points sum to.")
    headline = serializers.CharField()
    points = Point(many=True)
    missing = Missing(many=True)
    counterfactuals = Change(many=True)
    splits = WorkSplit(
        many=True, help_text="Its parts, where the work is mixed; else empty."
    )
    evidence = serializers.DictField(
        child=Evidence(), help_text="By criterion; the verdict follows from it."
    )
    engine_version = serializers.CharField()
    policy_version = serializers.IntegerField()
    money = SwitchMoney(
        allow_null=True,
        required=False,
        help_text="Absent without rates:read; null where nothing tells.",
    )
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class AssessmentPage(Page):
    results = AssessmentRecord(many=True)


class AssessmentQuery(PageQuery):
    engagement = fields.Identifier(required=False, help_text="The engagement's id.")
    verdict = fields.Word(Verdict.values, required=False)
    leaning = fields.Word(Kind.values, required=False)
    current_model = fields.Word(Kind.values, required=False)


class RecommendedBlend(serializers.Serializer[Any]):
    """Ids of the members that fit each model by their own evidence."""

    managed = serializers.ListField(child=serializers.UUIDField())
    augmented = serializers.ListField(child=serializers.UUIDField())


class EngagementGroupRecord(serializers.Serializer[Any]):
    """Engagements with something in common, judged on what they recorded together.

    Groups are written anew every night: their ids hold until the next one.
    """

    id = serializers.UUIDField()
    basis = fields.Word(GroupBasis.values, help_text="What the members have in common.")
    name = serializers.CharField()
    as_of = serializers.DateField()
    service = NamedRecord(allow_null=True, help_text="Of a group of one service.")
    current_model = fields.Word(
        Kind.values,
        allow_null=True,
        help_text="Null where both are among the members.",
    )
    members = JudgedEngagement(many=True)
    verdict = fields.Word(GroupAnswer.values)
    acceptability = serializers.FloatField(
        help_text="Share of plausible priorities and readings under which managed fits."
    )
    coverage = serializers.FloatField()
    headline = serializers.CharField()
    is_reported = serializers.BooleanField(
        help_text="False where a group of nearly the same members says it more clearly."
    )
    blend = RecommendedBlend(
        allow_null=True,
        help_text="Of a service: which members to run in which model; null for none.",
    )
    policy_version = serializers.IntegerField()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class EngagementGroupPage(Page):
    results = EngagementGroupRecord(many=True)


class EngagementGroupQuery(PageQuery):
    basis = fields.Word(GroupBasis.values, required=False)
    verdict = fields.Word(GroupAnswer.values, required=False)
    service = fields.Identifier(required=False, help_text="The service's id.")


class PatternRecord(serializers.Serializer[Any]):
    """What the records of an engagement show beside fit; it moves no verdict."""

    id = serializers.UUIDField()
    engagement = JudgedEngagement()
    code = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment] # DRF's own attribute
    sentence = serializers.CharField()
    value = serializers.CharField(help_text="The figure, with its unit.")
    threshold = serializers.CharField(help_text="From where on it is told.")
    advice = serializers.CharField(help_text="What to look into first.")
    records = serializers.IntegerField(help_text="How many it is told from.")
    also_behind = JudgedEngagement(
        many=True, help_text="Other engagements whose records it is told from."
    )
    hidden_behind = serializers.IntegerField(
        help_text="How many of those the key's owner may not see."
    )
    seen_since = serializers.DateField()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class PatternPage(PageWithDeleted):
    results = PatternRecord(many=True)


class PatternQuery(PageQuery):
    engagement = fields.Identifier(required=False, help_text="The engagement's id.")
    code = fields.Line(max_length=40, required=False)


class _Judged(ReadResource):
    """One scope opens all three; each has a place of its own in cursors."""

    noun = "assessments"
    read_permissions = ("tracker.view_assessment",)
    write_permissions: ClassVar[tuple[str, ...]] = ()
    names: ClassVar[dict[str, str]] = {}
    opens_to_hr_keys = True


ASSESSMENTS = Shapes(AssessmentRecord, AssessmentPage, AssessmentQuery)


@described("assessment", "assessments", ASSESSMENTS)
class AssessmentViewSet(_Judged):
    """The list has the newest of each engagement; by its id, each that is kept."""

    shapes = ASSESSMENTS
    filters: ClassVar[Mapping[str, str]] = {
        "engagement": "engagement__public_id",
        "verdict": "verdict",
        "leaning": "leaning",
        "current_model": "kind",
    }

    def rows(self, request: Request) -> Rows:
        if self.action == "list":
            return latest_assessments(caller(request))
        return Assessment.objects.visible_to(caller(request))

    def represent(self, request: Request, rows: Rows) -> list[tuple[Position, Row]]:
        has_money = has_scope(request, "rates:read")
        if has_money and is_hr_key(request):
            open_money(caller(request))
        return [
            (Position(row.updated_at, row.pk), _assessment(row, money, has_money))
            for row, money in told_assessments(caller(request), rows)
        ]


def _assessment(row: Assessment, money: Row | None, has_money: bool) -> Row:
    told: Row = {
        "id": row.public_id,
        "engagement": _engagement(row.engagement),
        "current_model": row.kind,
        "as_of": row.as_of,
        "window_from": add_months(row.as_of, -row.window_months) + ONE_DAY,
        "window_months": row.window_months,
        "verdict": row.verdict,
        "is_strong": row.is_strong,
        "leaning": row.leaning or None,
        "acceptability": row.acceptability,
        "opposition": row.opposition,
        "coverage": row.coverage,
        "margin": row.margin,
        "headline": headline_of(row),
        "points": points_of(row),
        "missing": missing_of(row),
        "counterfactuals": changes_of(row),
        "splits": splits_of(row),
        "evidence": {
            code: _evidence(found, str(row.window_months))
            for code, found in row.evidence.items()
        },
        "engine_version": row.engine_version,
        "policy_version": row.policy.version,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
    }
    if has_money:
        told["money"] = money and {name: money[name] for name in MONEY}
    return told


def _evidence(found: Mapping[str, Any], window: str) -> Row:
    recent = next((name for name in found if name not in ("prior", window)), "")
    return {
        "prior": found["prior"],
        "window": found[window],
        "recent": found.get(recent),
    }


GROUPS = Shapes(EngagementGroupRecord, EngagementGroupPage, EngagementGroupQuery)


@described("engagement_group", "engagement_groups", GROUPS)
class EngagementGroupViewSet(_Judged):
    place = "engagement-groups"
    shapes = GROUPS
    filters: ClassVar[Mapping[str, str]] = {
        "basis": "basis",
        "verdict": "verdict",
        "service": "service__public_id",
    }

    def rows(self, request: Request) -> Rows:
        return GroupVerdict.objects.visible_to(caller(request))

    def represent(self, request: Request, rows: Rows) -> list[tuple[Position, Row]]:
        members = Engagement.objects.only(
            "public_id", "external_id", "reference", "title"
        )
        found = rows.select_related("service", "policy").prefetch_related(
            Prefetch("members", members.order_by("reference"))
        )
        return [(Position(row.updated_at, row.pk), _group(row)) for row in found]


def _group(row: GroupVerdict) -> Row:
    members = {member.pk: member for member in row.members.all()}
    service = row.service
    return {
        "id": row.public_id,
        "basis": row.basis,
        "name": row.name,
        "as_of": row.as_of,
        "service": service
        and {
            "id": service.public_id,
            "external_id": service.external_id,
            "name": service.name,
        },
        "current_model": row.kind or None,
        "members": [_engagement(member) for member in members.values()],
        "verdict": row.verdict,
        "acceptability": row.acceptability,
        "coverage": row.coverage,
        "headline": headline_of(row),
        "is_reported": row.is_reported,
        "blend": row.blend
        and {
            model: [members[pk].public_id for pk in ids if pk in members]
            for model, ids in row.blend.items()
        },
        "policy_version": row.policy.version,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
    }


PATTERNS = Shapes(PatternRecord, PatternPage, PatternQuery)


@described("pattern", "patterns", PATTERNS)
class PatternViewSet(_Judged):
    place = "patterns"
    shapes = PATTERNS
    is_buried_as = "seenpattern"
    filters: ClassVar[Mapping[str, str]] = {
        "engagement": "engagement__public_id",
        "code": "code",
    }

    def rows(self, request: Request) -> Rows:
        return SeenPattern.objects.visible_to(caller(request))

    def represent(self, request: Request, rows: Rows) -> list[tuple[Position, Row]]:
        return [
            (Position(told.row.updated_at, told.row.pk), _pattern(told))
            for told in patterns_told(caller(request), rows)
        ]


def _pattern(told: ToldPattern) -> Row:
    row = told.row
    return {
        "id": row.public_id,
        "engagement": _engagement(row.engagement),
        "code": row.code,
        "label": told.label,
        "sentence": told.sentence,
        "value": told.value,
        "threshold": told.threshold,
        "advice": told.advice,
        "records": row.records,
        "also_behind": [_engagement(one) for one in told.behind],
        "hidden_behind": told.hidden,
        "seen_since": row.seen_since,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
    }


def _engagement(engagement: Engagement) -> Row:
    return {
        "id": engagement.public_id,
        "external_id": engagement.external_id,
        "name": engagement.title,
        "reference": engagement.reference,
    }
