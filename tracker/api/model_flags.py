from __future__ import annotations

from functools import partial
from typing import Any
from uuid import UUID

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from engagements.choices import Kind
from engagements.permissions import open_money
from tracker.api import fields
from tracker.api.pagination import Position
from tracker.api.permissions import caller, has_scope, is_hr_key
from tracker.api.resource import PageQuery, Resource, Row, read_query, respond
from tracker.api.schema import IF_NONE_MATCH, one
from tracker.api.shapes import NamedRecord, Page
from tracker.api.what_if import Change, Missing, Point
from tracker.api.work_parts import WorkSplit, splits_of
from tracker.fit.models import Flag, FlagAction, FlagState, Verdict
from tracker.fit.queries import Told, flags_told
from tracker.fit.reading import changes_of, headline_of, missing_of, points_of


class Amounts(serializers.Serializer[Any]):
    """The 10th, 50th and 90th of a hundred plausible amounts, as text."""

    p10 = serializers.CharField()
    p50 = serializers.CharField()
    p90 = serializers.CharField()


class SwitchMoney(serializers.Serializer[Any]):
    """What both models cost a month, and what going over would; in `currency`."""

    currency = fields.Patterned(pattern=fields.CURRENCY)
    first_month = serializers.DateField()
    last_month = serializers.DateField()
    spent = serializers.CharField(help_text="By the ledger, in these months.")
    present = Amounts()
    other = Amounts()
    saving = Amounts(help_text="Present less other.")
    transition = Amounts()
    value_in_two_years = Amounts(help_text="Net present value of going over.")
    break_even_months = serializers.ListField(
        child=serializers.FloatField(allow_null=True),
        help_text="10th, 50th and 90th of a hundred; null is never.",
    )
    chance_to_save = serializers.FloatField(
        help_text="That 24 months' saving exceeds the transition."
    )


class FlagEvidence(serializers.Serializer[Any]):
    """The engagement's latest assessment."""

    as_of = serializers.DateField()
    window_months = serializers.IntegerField()
    verdict = fields.Word(Verdict.values)
    headline = serializers.CharField()
    acceptability = serializers.FloatField(
        help_text="Share of plausible priorities and readings under which managed fits."
    )
    opposition = serializers.FloatField(help_text="The same, for the other model.")
    coverage = serializers.FloatField()
    points = Point(many=True)
    missing = Missing(many=True)
    counterfactuals = Change(many=True)
    splits = WorkSplit(
        many=True, help_text="Its parts, where the work is mixed; else empty."
    )
    engine_version = serializers.CharField()
    policy_version = serializers.IntegerField()


class FlagDecision(serializers.Serializer[Any]):
    action = fields.Word(FlagAction.values)
    reason = serializers.CharField(allow_blank=True)
    at = serializers.DateTimeField()


class FlaggedEngagement(NamedRecord):
    reference = serializers.CharField()


class ModelFlagRecord(serializers.Serializer[Any]):
    """A question to a person: would the other model fit this engagement better?"""

    id = serializers.UUIDField()
    engagement = FlaggedEngagement()
    current_model = fields.Word(Kind.values)
    leaning = fields.Word(
        Kind.values,
        allow_null=True,
        help_text="The model that fits better; null where only a date asks.",
    )
    state = fields.Word(FlagState.values)
    reason = serializers.CharField(help_text="The strongest, when it was raised.")
    pattern = serializers.CharField(
        allow_null=True, help_text="The dated pattern that raised it, if one did."
    )
    opposition_when_raised = serializers.FloatField()
    raised_on = serializers.DateField()
    notice_deadline = serializers.DateField(allow_null=True)
    snoozed_until = serializers.DateField(allow_null=True)
    cleared_on = serializers.DateField(allow_null=True)
    assessment = FlagEvidence(allow_null=True)
    decision = FlagDecision(allow_null=True, help_text="The latest.")
    money = SwitchMoney(
        allow_null=True,
        required=False,
        help_text="Absent without rates:read; null where nothing tells.",
    )
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class ModelFlagPage(Page):
    results = ModelFlagRecord(many=True)


class ModelFlagQuery(PageQuery):
    state = fields.Word(FlagState.values, required=False)
    leaning = fields.Word(Kind.values, required=False)


MONEY = tuple(SwitchMoney().fields)


class ModelFlagViewSet(Resource):
    noun = "model-flags"
    read_permissions = ("tracker.view_flag",)
    write_permissions = ("tracker.change_flag",)
    opens_to_hr_keys = True
    http_method_names = ("get", "head")

    @extend_schema(
        operation_id="list_model_flags",
        parameters=[ModelFlagQuery, IF_NONE_MATCH],
        responses=one(ModelFlagPage),
    )
    def list(self, request: Request) -> Response:
        """List the fit engine's flags in the order of their last change."""
        query = read_query(request, ModelFlagQuery)
        wanted = {name: query[name] for name in ("state", "leaning") if name in query}
        return self.page(
            request,
            query=query,
            rows=Flag.objects.visible_to(caller(request)).filter(**wanted),
            represent=partial(_represent, request),
        )

    @extend_schema(
        operation_id="read_model_flag",
        parameters=[IF_NONE_MATCH],
        responses=ModelFlagRecord,
    )
    def retrieve(self, request: Request, id: UUID) -> Response:
        """Read a flag with the evidence, the money and the latest decision."""
        rows = Flag.objects.visible_to(caller(request)).filter(public_id=id)
        for _position, row in _represent(request, rows):
            return respond(request, row)
        raise Http404


def _represent(request: Request, rows: Any) -> list[tuple[Position, Row]]:
    has_money = has_scope(request, "rates:read")
    if has_money and is_hr_key(request):
        open_money(caller(request))
    return [
        (Position(told.flag.updated_at, told.flag.pk), _row(told, has_money=has_money))
        for told in flags_told(caller(request), rows)
    ]


def _row(told: Told, *, has_money: bool) -> Row:
    flag, engagement = told.flag, told.flag.engagement
    row: Row = {
        "id": flag.public_id,
        "engagement": {
            "id": engagement.public_id,
            "external_id": engagement.external_id,
            "name": engagement.title,
            "reference": engagement.reference,
        },
        "current_model": engagement.kind,
        "leaning": flag.leaning or None,
        "state": flag.state,
        "reason": flag.strongest_reason,
        "pattern": flag.pattern or None,
        "opposition_when_raised": flag.opposition,
        "raised_on": flag.raised_on,
        "notice_deadline": flag.notice_deadline_on,
        "snoozed_until": flag.snoozed_until,
        "cleared_on": flag.cleared_on,
        "assessment": _evidence(told),
        "decision": _decision(told),
        "created_at": flag.created_at,
        "updated_at": flag.updated_at,
    }
    if has_money:
        money = told.money
        row["money"] = money and {name: money[name] for name in MONEY}
    return row


def _evidence(told: Told) -> Row | None:
    found = told.assessment
    if found is None:
        return None
    return {
        "as_of": found.as_of,
        "window_months": found.window_months,
        "verdict": found.verdict,
        "headline": headline_of(found),
        "acceptability": found.acceptability,
        "opposition": found.opposition,
        "coverage": found.coverage,
        "points": points_of(found),
        "missing": missing_of(found),
        "counterfactuals": changes_of(found),
        "splits": splits_of(found),
        "engine_version": found.engine_version,
        "policy_version": found.policy.version,
    }


def _decision(told: Told) -> Row | None:
    latest = told.decision
    if latest is None:
        return None
    return {"action": latest.action, "reason": latest.reason, "at": latest.at}
