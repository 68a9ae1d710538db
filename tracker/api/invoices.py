"""Invoices as other systems send and read them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from typing import Any, ClassVar
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404
from django.urls import reverse
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from engagements.choices import ChargeKind
from engagements.models import Engagement, User
from engagements.permissions import engagement_scope, sees_money
from tracker.api import fields
from tracker.api.errors import Conflict
from tracker.api.formats import encode
from tracker.api.pagination import Position
from tracker.api.permissions import caller
from tracker.api.preconditions import check_unchanged
from tracker.api.resource import (
    EXTERNAL_ID_PATH,
    PageQuery,
    Resource,
    Row,
    once_more,
    read_body,
    read_external_id,
    read_query,
    respond,
)
from tracker.api.schema import EXTERNAL_ID, IF_NONE_MATCH, one
from tracker.api.shapes import NamedRecord, PageWithDeleted, Stamped, Warned
from tracker.api.visibility import contractors, engagements, find, vendors
from tracker.spend.models import (
    BILLED_CHARGES,
    Invoice,
    InvoiceKind,
    InvoiceLine,
    InvoiceSource,
    InvoiceStatus,
    LineUnit,
)
from tracker.spend.services import change_draft, draft_invoice, receive_invoice

QUANTITY = r"^(0|[1-9][0-9]{0,7})(\.[0-9]{1,4})?$"
SIGNED = r"^-?(0|[1-9][0-9]{0,10})(\.[0-9]{1,4})?$"
MOST_LINES = 500


class LineFacts(fields.StrictShape):
    """One charge for one engagement and service period."""

    engagement = fields.Reference()
    charge = fields.Word([charge.value for charge in BILLED_CHARGES])
    description = fields.Line(max_length=300, required=False)
    service_from = fields.Day()
    service_to = fields.Day()
    contractor = fields.Reference(
        required=False, help_text="Whose work is billed, where the invoice says so."
    )
    hours = fields.Exact(pattern=fields.HOURS, required=False)
    quantity = fields.Exact(
        pattern=QUANTITY, required=False, help_text="How many units, days or pieces."
    )
    unit = fields.Word(
        LineUnit.values, required=False, help_text="Of what the quantity is."
    )
    unit_price = fields.Exact(pattern=fields.AMOUNT, required=False)
    is_overtime = fields.Truth(required=False)
    amount = fields.Exact(pattern=SIGNED, help_text="Negative for a credit.")


class InvoiceUpsert(fields.StrictShape):
    """An invoice whole: its lines sum to the total exactly."""

    vendor = fields.Reference()
    number = fields.Line(max_length=60)
    kind = fields.Word(InvoiceKind.values, required=False)
    credits = fields.Reference(
        required=False, help_text="The invoice that a credit note corrects."
    )
    issued_on = fields.Day()
    due_on = fields.Day(required=False, allow_null=True)
    currency = fields.Patterned(
        pattern=fields.CURRENCY, wanted="an ISO 4217 code such as GBP"
    )
    total = fields.Exact(pattern=SIGNED)
    status = fields.Word(
        [InvoiceStatus.DRAFT, InvoiceStatus.RECEIVED],
        required=False,
        help_text="“received” posts it: from then on it stays as it is. Left out, a"
        " new one is a draft.",
    )
    lines = fields.Several(child=LineFacts(), smallest=1, largest=MOST_LINES)


class LineRecord(serializers.Serializer[Any]):
    number = serializers.IntegerField()
    engagement = NamedRecord(help_text="Its name is its reference.")
    charge = fields.Word(ChargeKind.values)
    description = serializers.CharField()
    service_from = serializers.DateField()
    service_to = serializers.DateField()
    contractor = NamedRecord(
        allow_null=True, help_text="Null also where the caller may not see them."
    )
    hours = serializers.CharField(allow_null=True)
    quantity = serializers.CharField(allow_null=True)
    unit = fields.Word(["", *LineUnit.values], help_text="Empty where none is told.")
    unit_price = serializers.CharField(allow_null=True)
    is_overtime = fields.Truth()
    amount = serializers.CharField()


class InvoiceRecord(Stamped, Warned):
    """What a vendor billed; only the lines within the caller's sight are told."""

    vendor = NamedRecord()
    number = serializers.CharField()
    kind = fields.Word(InvoiceKind.values)
    credits = serializers.UUIDField(allow_null=True)
    issued_on = serializers.DateField()
    received_on = serializers.DateField(allow_null=True)
    due_on = serializers.DateField(allow_null=True)
    paid_on = serializers.DateField(allow_null=True)
    currency = serializers.CharField()
    total = serializers.CharField(
        allow_null=True, help_text="Null where some lines are out of sight."
    )
    status = fields.Word(InvoiceStatus.values)
    dispute = serializers.CharField(help_text="Why it is disputed; else empty.")
    lines = LineRecord(many=True)


class InvoicePage(PageWithDeleted):
    results = InvoiceRecord(many=True)


class InvoiceQuery(PageQuery):
    status = fields.Word(InvoiceStatus.values, required=False)


def invoices(user: User) -> QuerySet[Invoice]:
    if not (user.has_perm("tracker.view_invoice") and sees_money(user)):
        return Invoice.objects.none()
    rows: QuerySet[Invoice] = Invoice.objects.all().visible_to(user)
    return rows


def _exact(number: Decimal | None) -> str | None:
    return None if number is None else f"{number:f}"


def _named(record: Any, name: str) -> Row:
    return {
        "id": record.public_id,
        "external_id": record.external_id,
        "name": name,
    }


def invoice_rows(user: User, rows: QuerySet[Invoice]) -> list[tuple[Position, Row]]:
    found = list(rows.select_related("vendor", "credits"))
    seen: dict[int, list[InvoiceLine]] = defaultdict(list)
    ids = [invoice.pk for invoice in found]
    lines = InvoiceLine.objects.filter(invoice__in=ids)
    told = lines.visible_to(user).select_related("engagement", "contractor")
    for line in told.order_by("number"):
        seen[line.invoice_id].append(line)
    people = _people_seen(user, seen)
    counts: dict[int, int] = defaultdict(int)
    for pk in lines.order_by().values_list("invoice_id", flat=True):
        counts[pk] += 1
    return [
        (
            Position(invoice.updated_at, invoice.pk),
            _row(invoice, seen[invoice.pk], counts[invoice.pk], people),
        )
        for invoice in found
    ]


def _people_seen(user: User, seen: Mapping[int, Sequence[InvoiceLine]]) -> set[int]:
    """Return the contractors on the lines whom the caller may be told of."""
    named = {
        line.contractor_id
        for lines in seen.values()
        for line in lines
        if line.contractor_id is not None
    }
    if not named:
        return set()
    return set(contractors(user).filter(pk__in=named).values_list("pk", flat=True))


def _row(
    invoice: Invoice, lines: Sequence[InvoiceLine], count: int, people: Collection[int]
) -> Row:
    return {
        "id": invoice.public_id,
        "external_id": invoice.external_id,
        "vendor": _named(invoice.vendor, invoice.vendor.legal_name),
        "number": invoice.number,
        "kind": invoice.kind,
        "credits": invoice.credits.public_id if invoice.credits else None,
        "issued_on": invoice.issued_on,
        "received_on": invoice.received_on,
        "due_on": invoice.due_on,
        "paid_on": invoice.paid_on,
        "currency": invoice.currency,
        "total": _exact(invoice.total) if len(lines) == count else None,
        "status": invoice.status,
        "dispute": invoice.dispute,
        "lines": [_line_row(line, people) for line in lines],
        "created_at": invoice.created_at,
        "updated_at": invoice.updated_at,
    }


def _line_row(line: InvoiceLine, people: Collection[int]) -> Row:
    person = line.contractor if line.contractor_id in people else None
    return {
        "number": line.number,
        "engagement": _named(line.engagement, line.engagement.reference),
        "charge": line.charge_kind,
        "description": line.description,
        "service_from": line.period_from,
        "service_to": line.period_to,
        "contractor": person and _named(person, person.full_name),
        "hours": _exact(line.hours),
        "quantity": _exact(line.quantity),
        "unit": line.unit,
        "unit_price": _exact(line.unit_price),
        "is_overtime": line.is_overtime,
        "amount": _exact(line.amount),
    }


class InvoiceViewSet(Resource):
    noun = "invoices"
    is_buried_as = "invoice"
    read_permissions = ("tracker.view_invoice",)
    write_permissions = ("tracker.add_invoice",)
    names: ClassVar[dict[str, str]] = {
        "normalised_number": "number",
        "charge_kind": "charge",
        "period_from": "service_from",
        "period_to": "service_to",
    }

    @extend_schema(
        operation_id="list_invoices",
        parameters=[InvoiceQuery, IF_NONE_MATCH],
        responses=one(InvoicePage),
    )
    def list(self, request: Request) -> Response:
        """List invoices in the order of their last change."""
        query = read_query(request, InvoiceQuery)
        user = caller(request)
        wanted = {"status": query["status"]} if "status" in query else {}
        return self.page(
            request,
            query=query,
            rows=invoices(user).filter(**wanted),
            represent=lambda rows: invoice_rows(user, rows),
        )

    @extend_schema(
        operation_id="read_invoice", parameters=[IF_NONE_MATCH], responses=InvoiceRecord
    )
    def retrieve(self, request: Request, id: UUID) -> Response:
        """Read an invoice with its lines."""
        return respond(request, _read(caller(request), public_id=id))

    @extend_schema(
        methods=["GET"],
        operation_id="read_invoice_by_external_id",
        parameters=[EXTERNAL_ID, IF_NONE_MATCH],
        responses=InvoiceRecord,
    )
    @extend_schema(
        methods=["PUT"],
        operation_id="upsert_invoice",
        parameters=[EXTERNAL_ID],
        request=InvoiceUpsert,
        responses={200: InvoiceRecord, 201: InvoiceRecord},
    )
    @action(detail=False, methods=["get", "put"], url_path=EXTERNAL_ID_PATH)
    def by_external_id(self, request: Request, external_id: str) -> Response:
        """Read, or create or change, the invoice with an id of the other system's.

        A draft is replaced whole. Once received it stays as it is: the same body
        changes nothing, another one is a conflict.
        """
        known_as = read_external_id(external_id)
        if request.method != "PUT":
            return respond(request, _read(caller(request), external_id=known_as))
        facts = read_body(request, InvoiceUpsert)
        return once_more(lambda: _upsert(request, known_as, facts))


def _read(user: User, **key: Any) -> Row:
    for _position, row in invoice_rows(user, invoices(user).filter(**key)):
        return row
    raise Http404


@transaction.atomic
def _upsert(request: Request, external_id: str, facts: dict[str, Any]) -> Response:
    user = caller(request)
    stored = invoices(user).select_for_update().filter(external_id=external_id).first()
    current = None if stored is None else encode(_read(user, pk=stored.pk))
    check_unchanged(request, current, is_required=False)
    lines = [_line(facts, place, user) for place in range(len(facts["lines"]))]
    if stored is None:
        invoice = _apply(
            Invoice(external_id=external_id, source=InvoiceSource.API), facts, user
        )
        draft_invoice(invoice=invoice, lines=lines, actor=user)
        _receive(invoice, facts, user)
    else:
        _replace(stored, facts, lines, user)
    row = _read(user, external_id=external_id)
    if stored is not None:
        return respond(request, row)
    location = reverse("api:invoice-detail", args=[row["id"]])
    return respond(request, row, is_new=True, location=location)


def _replace(
    stored: Invoice, facts: dict[str, Any], lines: Sequence[InvoiceLine], user: User
) -> None:
    _check_sees_whole(stored, user)
    before = _comparable(stored, list(stored.lines.order_by("number")))
    status = stored.status
    invoice = _apply(stored, facts, user)
    is_same = before == _comparable(invoice, lines)
    if status != InvoiceStatus.DRAFT:
        if is_same and facts.get("status") != InvoiceStatus.DRAFT:
            return
        raise Conflict(
            _("Invoice %(number)s is %(status)s and stays as it is.")
            % {"number": stored.number, "status": status},
            "status",
        )
    if not is_same:
        removed = list(stored.lines.all())
        change_draft(invoice=invoice, lines=lines, removed=removed, actor=user)
    _receive(invoice, facts, user)


def _check_sees_whole(stored: Invoice, user: User) -> None:
    """Refuse to replace lines that the caller is not shown."""
    seen = InvoiceLine.objects.filter(invoice=stored).visible_to(user)
    if stored.lines.exclude(pk__in=seen.values("pk")).exists():
        raise Conflict(_("Some of its lines are out of your sight."), "lines")


_HEADER = (
    "vendor_id",
    "number",
    "kind",
    "credits_id",
    "issued_on",
    "due_on",
    "currency",
    "total",
)
_LINE = (
    "engagement_id",
    "charge_kind",
    "description",
    "period_from",
    "period_to",
    "contractor_id",
    "hours",
    "quantity",
    "unit",
    "unit_price",
    "is_overtime",
    "amount",
)


def _comparable(invoice: Invoice, lines: Sequence[InvoiceLine]) -> tuple[Any, ...]:
    return (
        tuple(getattr(invoice, name) for name in _HEADER),
        [tuple(getattr(line, name) for name in _LINE) for line in lines],
    )


def _receive(invoice: Invoice, facts: dict[str, Any], user: User) -> None:
    if facts.get("status") == InvoiceStatus.RECEIVED:
        receive_invoice(invoice=invoice, actor=user)


def _apply(invoice: Invoice, facts: dict[str, Any], user: User) -> Invoice:
    invoice.vendor = find(vendors(user), facts["vendor"], at="vendor")  # type: ignore[assignment] # a row of vendors
    invoice.kind = facts.get("kind", InvoiceKind.INVOICE)
    credited = facts.get("credits")
    invoice.credits = (
        find(invoices(user), credited, at="credits") if credited else None  # type: ignore[assignment] # a row of invoices
    )
    for name in ("number", "issued_on", "currency", "total"):
        setattr(invoice, name, facts[name])
    invoice.due_on = facts.get("due_on")
    return invoice


def _line(facts: dict[str, Any], place: int, user: User) -> InvoiceLine:
    line = facts["lines"][place]
    rows: QuerySet[Engagement] = engagements(user).filter(
        engagement_scope(user, with_money=True)
    )
    engagement: Any = find(rows, line["engagement"], at=f"lines/{place}/engagement")
    return InvoiceLine(
        engagement=engagement,
        charge_kind=line["charge"],
        description=line.get("description", ""),
        period_from=line["service_from"],
        period_to=line["service_to"],
        contractor=_contractor(line, place, user),
        hours=line.get("hours"),
        quantity=line.get("quantity"),
        unit=line.get("unit", ""),
        unit_price=line.get("unit_price"),
        is_overtime=line.get("is_overtime", False),
        amount=line["amount"],
    )


def _contractor(line: dict[str, Any], place: int, user: User) -> Any:
    if "contractor" not in line:
        return None
    return find(contractors(user), line["contractor"], at=f"lines/{place}/contractor")
