"""What an engagement looks like, read and written."""

from typing import Any

from rest_framework import serializers

from engagements.choices import Kind, NoticeUnit, Phase, Renewal, Status
from tracker.api import fields
from tracker.api.resource import PageQuery
from tracker.api.shapes import (
    CodedRecord,
    NamedRecord,
    PageWithDeleted,
    Stamped,
    Warned,
)

HOUR, DAY, MONTH = "HOUR", "DAY", "MONTH"
LONGEST_TERM_MONTHS = 600


def currency(**options: Any) -> fields.Patterned:
    return fields.Patterned(
        pattern=fields.CURRENCY, wanted="an ISO 4217 code such as GBP", **options
    )


class CostShareBody(fields.StrictShape):
    cost_center = fields.CodedReference()
    percent = fields.Exact(
        pattern=fields.PERCENT, help_text="Of the whole; the shares sum to 100."
    )


class CostSplitBody(fields.StrictShape):
    """Which cost centers pay from a day on. Earlier splits stay."""

    effective_date = fields.Day(
        required=False, help_text="The engagement's start where left out."
    )
    shares = fields.Several(child=CostShareBody(), smallest=1, largest=50)


class MonthlyFeeBody(fields.StrictShape):
    """The monthly fee of a managed contract from a day on. Earlier fees stay."""

    amount = fields.Exact(pattern=fields.AMOUNT)
    currency = currency(
        required=False, help_text="The engagement's; given, it must be the same."
    )
    effective_date = fields.Day(
        required=False, help_text="The engagement's start where left out."
    )


class RateBody(fields.StrictShape):
    """The rate of an augmented contractor from a day on. Earlier rates stay."""

    pay_rate = fields.Exact(pattern=fields.AMOUNT)
    pay_period = fields.Word([HOUR, DAY])
    pay_currency = currency(
        required=False, help_text="The engagement's; given, it must be the same."
    )
    effective_date = fields.Day(
        required=False, help_text="The engagement's start where left out."
    )
    hours_per_day = fields.Exact(
        pattern=fields.HOURS,
        required=False,
        help_text="How many hours a day rate buys; 7.5 where left out.",
    )
    overtime_multiplier = fields.Exact(
        pattern=fields.FACTOR, required=False, help_text="1 where left out."
    )


class EngagementFacts(fields.StrictShape):
    """What can be told of an engagement; what is left out stays as it is."""

    title = fields.Line(max_length=200, required=False)
    vendor = fields.Reference(required=False)
    owner = fields.Reference(
        source="manager",
        required=False,
        allow_null=True,
        help_text="The manager who answers for it; on creation, the key's owner.",
    )
    department = fields.CodedReference(required=False, allow_null=True)
    service = fields.Reference(required=False, allow_null=True)
    currency = currency(
        required=False, help_text="Every amount is in it; the vendor's where left out."
    )
    country = fields.Patterned(
        pattern=fields.COUNTRY,
        wanted="an ISO 3166 code such as GB",
        required=False,
        help_text="Whose working days count, as ISO 3166 code.",
    )
    start_date = fields.Day(source="starts_on", required=False)
    end_date = fields.Day(
        source="ends_on",
        required=False,
        allow_null=True,
        help_text="The last day, included; null for an open end.",
    )
    renewal = fields.Word(Renewal.values, required=False)
    initial_term_months = fields.Whole(
        smallest=1, largest=LONGEST_TERM_MONTHS, required=False, allow_null=True
    )
    renewal_term_months = fields.Whole(
        smallest=1, largest=LONGEST_TERM_MONTHS, required=False, allow_null=True
    )
    notice_period = fields.Whole(
        smallest=0,
        largest=LONGEST_TERM_MONTHS,
        required=False,
        allow_null=True,
        help_text="How long before the term's end, in notice_unit.",
    )
    notice_unit = fields.Word(NoticeUnit.values, required=False)
    po_number = fields.Line(
        max_length=40, source="purchase_order_number", required=False, allow_null=True
    )
    status = fields.Word(
        [Status.DRAFT, Status.ACTIVE],
        required=False,
        help_text=(
            "Drafted, or in force. Where an approval rule applies, `active` sends it"
            " for approval, and the answer says `pending_approval`. Ending one is a"
            " person's act."
        ),
    )
    cost_split = CostSplitBody(required=False)
    monthly_fee = MonthlyFeeBody(
        required=False, help_text="Managed contracts only; needs rates:write."
    )
    rate = RateBody(
        required=False, help_text="Augmented contractors only; needs rates:write."
    )


class EngagementUpsert(EngagementFacts):
    title = fields.Line(max_length=200)
    kind = fields.Word(Kind.values, help_text="The model; it never changes.")
    vendor = fields.Reference()
    start_date = fields.Day(source="starts_on")


class EngagementCreation(EngagementUpsert):
    external_id = fields.Line(max_length=200, required=False, allow_null=True)


class EngagementChange(EngagementFacts):
    external_id = fields.Line(max_length=200, required=False, allow_null=True)


class CostShareRecord(serializers.Serializer[Any]):
    cost_center = CodedRecord()
    percent = serializers.CharField(help_text="Of the whole, as text.")


class CostSplitRecord(serializers.Serializer[Any]):
    effective_date = serializers.DateField()
    shares = CostShareRecord(many=True)


class MonthlyFeeRecord(serializers.Serializer[Any]):
    amount = serializers.CharField(help_text="An exact number, as text.")
    currency = currency()
    effective_date = serializers.DateField()


class RateRecord(serializers.Serializer[Any]):
    pay_rate = serializers.CharField(help_text="An exact number, as text.")
    # A month is what readers of HR systems expect in this list; no rate is by it yet.
    pay_period = fields.Word([HOUR, DAY, MONTH])
    pay_currency = currency()
    effective_date = serializers.DateField()
    hours_per_day = serializers.CharField()
    overtime_multiplier = serializers.CharField()


class EngagementRecord(Stamped, Warned):
    """What was agreed with a vendor, in either model.

    `cost_split`, `monthly_fee` and `rate` are those in force today, or the first to
    come. The last two are there only with the scope rates:read.
    """

    reference = serializers.CharField()
    title = serializers.CharField()
    kind = fields.Word(Kind.values)
    vendor = NamedRecord()
    owner = NamedRecord(allow_null=True)
    department = CodedRecord(allow_null=True)
    service = NamedRecord(allow_null=True)
    currency = currency()
    country = fields.Patterned(pattern=fields.COUNTRY)
    start_date = serializers.DateField()
    end_date = serializers.DateField(allow_null=True)
    term_end_date = serializers.DateField(
        allow_null=True, help_text="When the term now running ends."
    )
    renewal = fields.Word(Renewal.values)
    initial_term_months = serializers.IntegerField(allow_null=True)
    renewal_term_months = serializers.IntegerField(allow_null=True)
    notice_period = serializers.IntegerField(allow_null=True)
    notice_unit = fields.Word(NoticeUnit.values)
    notice_deadline = serializers.DateField(
        allow_null=True, help_text="The last day to give notice."
    )
    status = fields.Word(Status.values)
    phase = fields.Word(
        Phase.values,
        help_text="What the dates mean today; it moves without an update.",
    )
    po_number = serializers.CharField(allow_null=True)
    cost_split = CostSplitRecord(allow_null=True)
    monthly_fee = MonthlyFeeRecord(
        required=False, allow_null=True, help_text="Only with rates:read."
    )
    rate = RateRecord(
        required=False, allow_null=True, help_text="Only with rates:read."
    )


class EngagementPage(PageWithDeleted):
    results = EngagementRecord(many=True)


class EngagementQuery(PageQuery):
    kind = fields.Word(Kind.values, required=False)
    status = fields.Word(Status.values, required=False)
    phase = fields.Word(Phase.values, required=False)
    vendor = fields.Identifier(required=False, help_text="The vendor's id.")
    owner = fields.Identifier(required=False, help_text="The manager's id.")
    department = fields.Identifier(required=False, help_text="The department's id.")
