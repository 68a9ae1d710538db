"""Reads of the roll-up for pages and files: amounts in the reporting currency.

Tax is recorded but is no spend: every read here leaves it out. Periods are of booked
months, so that what a closed month says stays as it was.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self, cast
from uuid import UUID

from django.db.models import (
    Case,
    CharField,
    Count,
    Exists,
    IntegerField,
    Max,
    Min,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Sum,
    Value,
    When,
)

from engagements.choices import LIVE_STATUSES as LIVE
from engagements.choices import ChargeKind, Kind
from engagements.models import CostCentre, Engagement, Service, Vendor
from engagements.permissions import engagement_scope, sees_money
from engagements.queries import with_price
from tracker.spend.models import (
    Basis,
    InvoiceLine,
    LedgerEntry,
    MonthlySpend,
    Payment,
    SourceType,
)
from tracker.spend.overview import Amounts, Asked, Sums, spend_sums

if TYPE_CHECKING:
    from engagements.models import User

READ_AT_A_TIME = 2000
NOTHING = Decimal(0)
BASES = tuple(Basis.values)


@dataclass(frozen=True)
class SpendWhere:
    """Which part of the spend is asked for; None and "" mean no limit."""

    first_month: date | None = None
    last_month: date | None = None
    department_ids: frozenset[int] | None = None
    vendor_id: int | None = None
    cost_centre_id: int | None = None
    engagement_id: int | None = None
    kind: str = ""
    service_id: int | None = None
    basis: str = ""

    def condition(self) -> Q:
        """Return the filter, for the roll-up and the ledger alike."""
        limits: dict[str, Any] = {
            "booked_month__gte": self.first_month,
            "booked_month__lte": self.last_month,
            "vendor_id": self.vendor_id,
            "cost_centre_id": self.cost_centre_id,
            "engagement_id": self.engagement_id,
            "kind": self.kind or None,
            "engagement__service_id": self.service_id,
            "basis": self.basis or None,
        }
        if self.department_ids is not None:
            limits["engagement__department_id__in"] = sorted(self.department_ids)
        asked = {name: value for name, value in limits.items() if value is not None}
        return Q(**asked) & ~Q(charge_kind=ChargeKind.TAX)

    @property
    def is_narrower_than_budgets(self) -> bool:
        """Tell whether it asks for less than any budget is of."""
        records = (self.vendor_id, self.engagement_id, self.service_id)
        return any(one is not None for one in records) or bool(self.kind or self.basis)

    @property
    def is_of_all(self) -> bool:
        """Tell whether nothing but months and the model narrows it."""
        drills = (
            self.vendor_id,
            self.cost_centre_id,
            self.engagement_id,
            self.service_id,
            self.basis or None,
        )
        return self.department_ids is None and not any(
            each is not None for each in drills
        )


@dataclass(frozen=True)
class SpendParts:
    """Spend of one month, vendor, … by model, and by whether it is invoiced yet."""

    managed_actual: Decimal = NOTHING
    managed_accrued: Decimal = NOTHING
    augmented_actual: Decimal = NOTHING
    augmented_accrued: Decimal = NOTHING

    @property
    def managed(self) -> Decimal:
        return self.managed_actual + self.managed_accrued

    @property
    def augmented(self) -> Decimal:
        return self.augmented_actual + self.augmented_accrued

    @property
    def accrued(self) -> Decimal:
        return self.managed_accrued + self.augmented_accrued

    @property
    def total(self) -> Decimal:
        return self.managed + self.augmented

    def __add__(self, other: SpendParts) -> SpendParts:
        return SpendParts(
            self.managed_actual + other.managed_actual,
            self.managed_accrued + other.managed_accrued,
            self.augmented_actual + other.augmented_actual,
            self.augmented_accrued + other.augmented_accrued,
        )

    @classmethod
    def of(cls, row: dict[str, Any]) -> Self:
        return cls(**{name: row[name] or NOTHING for name in PARTS})

    @classmethod
    def of_sums(cls, amounts: Amounts) -> Self:
        return cls(
            **{f"{kind}_{basis}": sum_ for (kind, basis), sum_ in amounts.items()}
        )


def _part(kind: Kind, basis: Basis) -> Sum:
    return Sum("reporting_amount", filter=Q(kind=kind, basis=basis))


PARTS = {
    "managed_actual": _part(Kind.MANAGED, Basis.ACTUAL),
    "managed_accrued": _part(Kind.MANAGED, Basis.ACCRUED),
    "augmented_actual": _part(Kind.AUGMENTED, Basis.ACTUAL),
    "augmented_accrued": _part(Kind.AUGMENTED, Basis.ACCRUED),
}


@dataclass(frozen=True)
class MonthSpend:
    month: date
    parts: SpendParts


@dataclass(frozen=True)
class VendorSpend:
    public_id: UUID
    name: str
    parts: SpendParts


@dataclass(frozen=True)
class CostCentreSpend:
    code: str
    name: str
    parts: SpendParts


@dataclass(frozen=True)
class PlaceSpend:
    """Spend of a department itself, or of a service; None is of no such record."""

    place_id: int | None
    parts: SpendParts


@dataclass(frozen=True)
class ServiceSpend:
    """Spend of one service; `public_id` is None for what runs for none."""

    public_id: UUID | None
    name: str
    parts: SpendParts


@dataclass(frozen=True)
class EngagementSpend:
    public_id: UUID
    reference: str
    title: str
    kind: str
    vendor: str
    parts: SpendParts


@dataclass(frozen=True)
class AwaitedEngagement:
    """A live engagement that nothing was spent on yet.

    `price` is in `currency`, per `unit`: month, day or hour; None where none is set.
    """

    public_id: UUID
    reference: str
    title: str
    kind: str
    vendor: str
    status: str
    starts_on: date
    price: Decimal | None
    unit: str
    currency: str


@dataclass(frozen=True)
class SpendTotal:
    parts: SpendParts
    engagements: int


@dataclass(frozen=True)
class SpendLine:
    """One row of the roll-up, in the engagement's currency and the reporting one."""

    reference: str
    title: str
    vendor: str
    kind: str
    department: str
    cost_centre: str
    booked_month: date
    month: date
    charge_kind: str
    basis: str
    currency: str
    amount: Decimal
    reporting_amount: Decimal


@dataclass(frozen=True)
class EntryPlace:
    """Where a ledger entry stands in the order of pages: newest booked first."""

    booked_month: date
    day: date
    id: int


@dataclass(frozen=True)
class EntryRow:
    """One posting and what it came from: a file's line, an invoice's line, work."""

    place: EntryPlace
    month: date
    is_reversal: bool
    reference: str
    title: str
    vendor: str
    cost_centre: str
    charge_kind: str
    basis: str
    currency: str
    amount: Decimal
    reporting_amount: Decimal
    source_type: str
    document: str
    source_file: str
    source_line: int | None
    posted_at: datetime


@dataclass(frozen=True)
class Extent:
    """The months that have spend at all, for one reader."""

    first: date | None
    last: date | None


class SpendOverview:
    """Spend by month, by vendor and by cost centre, of one moment."""

    def __init__(self, sums: Sums) -> None:
        self._sums = sums

    @cached_property
    def months(self) -> list[MonthSpend]:
        return [
            MonthSpend(month, SpendParts.of_sums(amounts))
            for month, amounts in sorted(self._sums.months.items())
        ]

    @cached_property
    def vendors(self) -> list[VendorSpend]:
        """The vendors, the largest spend first."""
        found = self._sums.vendors
        rows = Vendor.objects.filter(pk__in=found).order_by("legal_name", "pk")
        spends = [
            VendorSpend(public_id, name, SpendParts.of_sums(found[pk]))
            for pk, public_id, name in rows.values_list("pk", "public_id", "legal_name")
        ]
        return sorted(spends, key=_largest_first)

    @cached_property
    def cost_centres(self) -> list[CostCentreSpend]:
        """The cost centres, the largest spend first."""
        found = self._sums.cost_centres
        rows = CostCentre.objects.filter(pk__in=found).order_by("code")
        spends = [
            CostCentreSpend(code, name, SpendParts.of_sums(found[pk]))
            for pk, code, name in rows.values_list("pk", "code", "name")
        ]
        return sorted(spends, key=_largest_first)


def _largest_first(spend: VendorSpend | CostCentreSpend) -> Decimal:
    return -spend.parts.total


def spend_overview(
    user: User, where: SpendWhere, *, since: date | None = None
) -> SpendOverview:
    """Return the spend asked for; its months begin with `since` where that is given.

    Whoever sees all reads the totals of months; others the roll-up of their rows.
    """
    if not sees_money(user):
        return SpendOverview(Sums())
    since = since or where.first_month
    rows = _spend(user, replace(where, first_month=since))
    sees_all = not engagement_scope(user, with_money=True)
    asked = Asked(since, where.first_month, where.last_month, where.kind)
    return SpendOverview(
        spend_sums(rows, asked, with_totals=sees_all and where.is_of_all)
    )


def spend_by_month(user: User, where: SpendWhere) -> list[MonthSpend]:
    return spend_overview(user, where).months


def spend_by_vendor(user: User, where: SpendWhere) -> list[VendorSpend]:
    """Return the vendors, the largest spend first."""
    return spend_overview(user, where).vendors


def spend_by_cost_centre(user: User, where: SpendWhere) -> list[CostCentreSpend]:
    """Return the cost centres, the largest spend first."""
    return spend_overview(user, where).cost_centres


def spend_by_department(user: User, where: SpendWhere) -> list[PlaceSpend]:
    """Return what each department itself spent, without those below it."""
    return _by_place(user, where, "engagement__department_id")


def spend_by_service(user: User, where: SpendWhere) -> list[ServiceSpend]:
    """Return the services, the largest spend first."""
    found = {
        spend.place_id: spend.parts
        for spend in _by_place(user, where, "engagement__service_id")
    }
    named = Service.objects.filter(pk__in=[pk for pk in found if pk is not None])
    rows = [
        ServiceSpend(public_id, name, found[pk])
        for pk, public_id, name in named.order_by("name").values_list(
            "pk", "public_id", "name"
        )
    ]
    if None in found:
        rows.append(ServiceSpend(None, "", found[None]))
    return sorted(rows, key=lambda spend: -spend.parts.total)


def spend_by_engagement(
    user: User, where: SpendWhere, *, start: int = 0, limit: int | None = None
) -> Iterator[EngagementSpend]:
    """Yield the engagements, the largest spend first; `limit` None yields all."""
    names = (
        "engagement_id",
        "engagement__public_id",
        "engagement__reference",
        "engagement__title",
        "engagement__kind",
        "engagement__vendor__legal_name",
    )
    rows = _grouped(user, where, names, order=("-total", names[2], names[0]))
    window = rows[start:] if limit is None else rows[start : start + limit]
    for row in window.iterator(READ_AT_A_TIME):
        yield EngagementSpend(
            row["engagement__public_id"],
            row["engagement__reference"],
            row["engagement__title"],
            row["engagement__kind"],
            row["engagement__vendor__legal_name"],
            SpendParts.of(row),
        )


def spend_total(user: User, where: SpendWhere) -> SpendTotal:
    found = _spend(user, where).aggregate(
        **PARTS, engagements=Count("engagement_id", distinct=True)
    )
    return SpendTotal(SpendParts.of(found), found["engagements"])


def count_engagements_with_spend(user: User, where: SpendWhere) -> int:
    found = _spend(user, where).aggregate(n=Count("engagement_id", distinct=True))
    return int(found["n"])


def spend_lines(user: User, where: SpendWhere) -> Iterator[SpendLine]:
    """Yield the roll-up's rows by month, engagement and cost centre, streamed."""
    rows = (
        _spend(user, where)
        .order_by(
            "booked_month", "engagement__reference", "cost_centre__code", "month", "id"
        )
        .values_list(
            "engagement__reference",
            "engagement__title",
            "vendor__legal_name",
            "kind",
            "engagement__department__name",
            "cost_centre__code",
            "booked_month",
            "month",
            "charge_kind",
            "basis",
            "engagement__currency",
            "amount",
            "reporting_amount",
        )
    )
    for row in rows.iterator(READ_AT_A_TIME):
        reference, title, vendor, kind, department, *rest = row
        yield SpendLine(reference, title, vendor, kind, department or "", *rest)


def ledger_entries(
    user: User,
    where: SpendWhere,
    *,
    after: EntryPlace | None = None,
    limit: int | None = None,
) -> Iterator[EntryRow]:
    """Yield postings, the newest booked month first; `limit` None yields all."""
    entries = entries_where(user, where).order_by("-booked_month", "-day", "-id")
    if after is not None:
        entries = entries.filter(_beyond(after))
    rows = entries.annotate(**_SOURCES).values_list(*_ENTRY_COLUMNS)
    window = rows if limit is None else rows[:limit]
    for booked, day, pk, month, reversal_of, *facts in window.iterator(READ_AT_A_TIME):
        place = EntryPlace(booked, day, pk)
        yield EntryRow(place, month, reversal_of is not None, *facts)


def ledger_total(user: User, where: SpendWhere) -> tuple[int, Decimal]:
    """Return how many postings there are, and their sum in the reporting currency."""
    found = entries_where(user, where).aggregate(
        count=Count("id"), total=Sum("reporting_amount")
    )
    return found["count"], found["total"] or NOTHING


def source_label(source_type: str) -> str:
    return str(SourceType(source_type).label)


def source_labels() -> dict[str, str]:
    return {source.value: str(source.label) for source in SourceType}


def basis_label(basis: str) -> str:
    return str(Basis(basis).label)


def extent_of_spend(user: User) -> Extent:
    found = _spend(user, SpendWhere()).aggregate(
        first=Min("booked_month"), last=Max("booked_month")
    )
    return Extent(found["first"], found["last"])


def engagements_where(user: User, where: SpendWhere) -> QuerySet[Engagement]:
    """Return the engagements that the filter's records leave, with spend or without."""
    limits: dict[str, Any] = {
        "vendor_id": where.vendor_id,
        "id": where.engagement_id,
        "kind": where.kind or None,
        "service_id": where.service_id,
    }
    if where.department_ids is not None:
        limits["department_id__in"] = sorted(where.department_ids)
    asked = {name: value for name, value in limits.items() if value is not None}
    return Engagement.objects.visible_to(user).filter(**asked)


def engagements_awaiting_spend(
    user: User, where: SpendWhere, *, today: date
) -> list[AwaitedEngagement]:
    """Return live engagements without any spend, the newest first."""
    if not sees_money(user):
        return []
    spent = MonthlySpend.objects.filter(engagement=OuterRef("pk"))
    rows = engagements_where(user, where).filter(~Exists(spent), status__in=LIVE)
    rows = rows.select_related("vendor").order_by("-starts_on", "-id")
    return [_awaited(row) for row in with_price(rows, today)]


def _awaited(row: Any) -> AwaitedEngagement:
    unit = "month" if row.fee is not None else row.unit
    return AwaitedEngagement(
        row.public_id,
        row.reference,
        row.title,
        row.kind,
        row.vendor.legal_name,
        row.status,
        row.starts_on,
        row.fee if row.fee is not None else row.rate,
        unit or "",
        row.currency,
    )


def last_posted_at() -> datetime | None:
    """Return when the newest entry was posted; entries are posted in id's order."""
    return (
        LedgerEntry.objects.order_by("-id").values_list("posted_at", flat=True).first()
    )


def vendors_with_spend(user: User) -> QuerySet[Vendor]:
    """Return the vendors in whose spend the user has a part to see."""
    return Vendor.objects.filter(id__in=_spend(user, SpendWhere()).values("vendor_id"))


def cost_centres_with_spend(user: User) -> QuerySet[CostCentre]:
    return CostCentre.objects.filter(
        id__in=_spend(user, SpendWhere()).values("cost_centre_id")
    )


def _spend(user: User, where: SpendWhere) -> QuerySet[MonthlySpend]:
    if not sees_money(user):
        return MonthlySpend.objects.none()
    return MonthlySpend.objects.visible_to(user).filter(where.condition())


def entries_where(user: User, where: SpendWhere) -> QuerySet[LedgerEntry]:
    if not sees_money(user):
        return LedgerEntry.objects.none()
    return LedgerEntry.objects.visible_to(user).filter(where.condition())


def _beyond(place: EntryPlace) -> Q:
    # The bare month lets the database walk its index from there.
    month = place.booked_month
    return Q(booked_month__lte=month) & (
        Q(booked_month__lt=month)
        | Q(booked_month=month, day__lt=place.day)
        | Q(booked_month=month, day=place.day, id__lt=place.id)
    )


_ENTRY_COLUMNS = (
    "booked_month",
    "day",
    "id",
    "month",
    "reversal_of_id",
    "engagement__reference",
    "engagement__title",
    "vendor__legal_name",
    "cost_centre__code",
    "charge_kind",
    "basis",
    "currency",
    "amount",
    "reporting_amount",
    "source_type",
    "document",
    "source_file",
    "source_line",
    "posted_at",
)


def _from_source(source_type: SourceType, rows: QuerySet[Any], field: str) -> When:
    found = rows.filter(id=OuterRef("source_id")).values(field)
    return When(source_type=source_type, then=Subquery(found))


_SOURCES = {
    "document": Case(
        _from_source(SourceType.PAYMENT, Payment.objects.all(), "transaction_number"),
        _from_source(
            SourceType.INVOICE_LINE, InvoiceLine.objects.all(), "invoice__number"
        ),
        default=Value(""),
        output_field=CharField(),
    ),
    "source_file": Case(
        _from_source(SourceType.PAYMENT, Payment.objects.all(), "source_file"),
        default=Value(""),
        output_field=CharField(),
    ),
    "source_line": Case(
        _from_source(SourceType.PAYMENT, Payment.objects.all(), "source_line"),
        _from_source(SourceType.INVOICE_LINE, InvoiceLine.objects.all(), "number"),
        default=None,
        output_field=IntegerField(null=True),
    ),
}


def _by_place(user: User, where: SpendWhere, field: str) -> list[PlaceSpend]:
    rows = _grouped(user, where, [field], order=[field])
    return [PlaceSpend(row[field], SpendParts.of(row)) for row in rows]


def _grouped(
    user: User, where: SpendWhere, fields: Sequence[str], *, order: Sequence[str]
) -> QuerySet[MonthlySpend, dict[str, Any]]:
    groups = _spend(user, where).values(*fields)
    found = groups.annotate(**PARTS, total=Sum("reporting_amount")).order_by(*order)
    return cast("QuerySet[MonthlySpend, dict[str, Any]]", found)
