"""Rates and fees of an engagement: dated, added to, and never overwritten."""

from __future__ import annotations

import logging
from typing import Any, ClassVar, cast
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from engagements.choices import Kind
from engagements.models import (
    Assignment,
    Engagement,
    FeeTerm,
    ManagedContract,
    RateTerm,
)
from tracker.api import fields, naming
from tracker.api.engagements.rows import fee_row, rate_row
from tracker.api.engagements.shapes import (
    DAY,
    HOUR,
    MONTH,
    MonthlyFeeBody,
    MonthlyFeeRecord,
    RateBody,
    RateRecord,
)
from tracker.api.engagements.writing import append_fee, append_rate
from tracker.api.errors import Unprocessable
from tracker.api.pagination import Position
from tracker.api.parts import (
    READING,
    PartOfEngagement,
    bound_to,
    money_scope,
    reader,
)
from tracker.api.permissions import caller
from tracker.api.records import Rows
from tracker.api.resource import PageQuery, Row, read_body, read_query, respond
from tracker.api.schema import IF_NONE_MATCH, one
from tracker.api.shapes import NamedRecord, PageWithDeleted, Warned

log = logging.getLogger(__name__)
WORDS = {Kind.AUGMENTED: "rates", Kind.MANAGED: "fees"}


class RateTermBody(RateBody):
    """The rate of an augmented contractor from a day on. Earlier rates stay."""

    effective_date = fields.Day()
    contractor = fields.Reference(
        required=False, help_text="Given, it must be the engagement's contractor."
    )


class FeeTermBody(MonthlyFeeBody):
    """The fee of a managed contract from a day on. Earlier fees stay."""

    effective_date = fields.Day()
    pay_period = fields.Word([MONTH], required=False)


class RateTermRecord(RateRecord, Warned):
    """A rate from its effective date until the next one's."""

    id = serializers.UUIDField()
    contractor = NamedRecord(allow_null=True)
    pay_period = fields.Word([HOUR, DAY])
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class FeeTermRecord(MonthlyFeeRecord, Warned):
    """A fee from its effective date until the next one's."""

    id = serializers.UUIDField()
    pay_period = fields.Word([MONTH])
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class RateTermPage(PageWithDeleted):
    results = RateTermRecord(many=True)


class FeeTermPage(PageWithDeleted):
    results = FeeTermRecord(many=True)


class TermsOfEngagement(PartOfEngagement):
    noun = "rates"
    read_permissions = ("engagements.view_engagement",)
    http_method_names = (*READING, "post")
    kind: ClassVar[Kind]

    def scope(self, request: Request) -> Q:
        return money_scope(request)

    def listed(
        self, request: Request, engagement: Engagement, rows: Rows, represent: Any
    ) -> Response:
        query = read_query(request, PageQuery)
        words = WORDS[self.kind]
        log.info("%s read %s of %s", reader(request), words, engagement.reference)
        return self.page(
            request,
            query=bound_to(query, engagement),
            rows=rows,
            represent=lambda rows: represent(rows, engagement.currency),
        )

    def check_model(self, engagement: Engagement) -> None:
        if engagement.kind != self.kind:
            said = f"An engagement of this model has no {WORDS[self.kind]}."
            raise Unprocessable([said], "model")


class RateTermViewSet(TermsOfEngagement):
    kind = Kind.AUGMENTED
    write_permissions = ("engagements.add_rateterm",)
    names: ClassVar[dict[str, str]] = {
        "rate": "pay_rate",
        "starts_on": "effective_date",
    }
    is_buried_as = "rateterm"

    @extend_schema(
        operation_id="list_rate_terms",
        parameters=[PageQuery, IF_NONE_MATCH],
        responses=one(RateTermPage),
    )
    def list(self, request: Request, engagement_id: UUID) -> Response:
        """List all rates of an augmented contractor, past and to come."""
        engagement = self.engagement(request, engagement_id)
        rows = RateTerm.objects.filter(assignment=engagement.pk)
        return self.listed(request, engagement, rows, rate_term_rows)

    @extend_schema(
        operation_id="append_rate_term",
        request=RateTermBody,
        responses={200: RateTermRecord, 201: RateTermRecord},
    )
    def create(self, request: Request, engagement_id: UUID) -> Response:
        """Add a rate from a day on; earlier ones stay.

        The same rate from the same day is answered as it stands, another one is a
        conflict. So is more than was approved: record a change order instead.
        """
        facts = read_body(request, RateTermBody)
        engagement = self.engagement(request, engagement_id)
        self.check_model(engagement)
        with transaction.atomic():
            rows = Assignment._default_manager.select_related("contractor")
            assignment = cast("Assignment", rows.get(pk=engagement.pk))
            _check_contractor(assignment, facts.pop("contractor", None))
            term, is_new = append_rate(assignment, facts, caller(request))
            stored = RateTerm.objects.filter(pk=term.pk)
            ((_place, row),) = rate_term_rows(stored, engagement.currency)
        return respond(request, row, is_new=is_new)


class FeeTermViewSet(TermsOfEngagement):
    kind = Kind.MANAGED
    write_permissions = ("engagements.add_feeterm",)
    names: ClassVar[dict[str, str]] = {
        "monthly_fee": "amount",
        "starts_on": "effective_date",
    }
    is_buried_as = "feeterm"

    @extend_schema(
        operation_id="list_fee_terms",
        parameters=[PageQuery, IF_NONE_MATCH],
        responses=one(FeeTermPage),
    )
    def list(self, request: Request, engagement_id: UUID) -> Response:
        """List all monthly fees of a managed contract, past and to come."""
        engagement = self.engagement(request, engagement_id)
        rows = FeeTerm.objects.filter(contract=engagement.pk)
        return self.listed(request, engagement, rows, fee_term_rows)

    @extend_schema(
        operation_id="append_fee_term",
        request=FeeTermBody,
        responses={200: FeeTermRecord, 201: FeeTermRecord},
    )
    def create(self, request: Request, engagement_id: UUID) -> Response:
        """Add a monthly fee from a day on; earlier ones stay.

        The same fee from the same day is answered as it stands, another one is a
        conflict. So is more than was approved: record a change order instead.
        """
        facts = read_body(request, FeeTermBody)
        engagement = self.engagement(request, engagement_id)
        self.check_model(engagement)
        with transaction.atomic():
            contract = ManagedContract._default_manager.get(pk=engagement.pk)
            term, is_new = append_fee(contract, facts, caller(request))
            rows = FeeTerm.objects.filter(pk=term.pk)
            ((_place, row),) = fee_term_rows(rows, engagement.currency)
        return respond(request, row, is_new=is_new)


def rate_term_rows(rows: Rows, currency: str) -> list[tuple[Position, Row]]:
    found = rows.values_list(
        *("updated_at", "pk", "public_id", "created_at"),
        *("assignment__contractor__public_id", "assignment__contractor__external_id"),
        "assignment__contractor__full_name",
        *("starts_on", "rate", "unit", "hours_per_day", "overtime_multiplier"),
    )
    return [
        (
            Position(updated_at, pk),
            {
                "id": public_id,
                "contractor": naming.record(rest[:3]),
                **rate_row(rest[3:], currency),
                "created_at": created_at,
                "updated_at": updated_at,
            },
        )
        for updated_at, pk, public_id, created_at, *rest in found
    ]


def fee_term_rows(rows: Rows, currency: str) -> list[tuple[Position, Row]]:
    found = rows.values_list(
        *("updated_at", "pk", "public_id", "created_at", "starts_on", "monthly_fee")
    )
    return [
        (
            Position(updated_at, pk),
            {
                "id": public_id,
                **fee_row(term, currency),
                "pay_period": MONTH,
                "created_at": created_at,
                "updated_at": updated_at,
            },
        )
        for updated_at, pk, public_id, created_at, *term in found
    ]


def _check_contractor(assignment: Assignment, named: fields.Named | None) -> None:
    if named is None:
        return
    contractor = assignment.contractor
    keys = {"id": "public_id", "external_id": "external_id"}
    if contractor is None or getattr(contractor, keys[named.key]) != named.value:
        raise Unprocessable(
            {"contractor": ["This is not the contractor of the engagement."]},
            "not_found",
        )
