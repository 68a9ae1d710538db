"""What is stored already, as far as an import of payments has to know it."""

from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple, TypeVar

from django.db.models import Count, Max, QuerySet

from engagements.choices import LIVE_STATUSES, Origin, Status
from engagements.models import Department, Engagement, Vendor
from engagements.values.names import normalise_name
from tracker.imports.models import CategoryCode, ImportRun
from tracker.imports.payment_categories import normalise_category
from tracker.imports.payment_lines import is_usable_name
from tracker.imports.payment_matching import Recorded
from tracker.spend.models import Payment, SourceType

T = TypeVar("T")
# Below the number of parameters that every SQLite takes in one statement.
_BATCH = 900


def _batches(values: Iterable[T]) -> Iterator[list[T]]:
    ordered = list(values)
    for start in range(0, len(ordered), _BATCH):
        yield ordered[start : start + _BATCH]


class RecordedPayments:
    """Looks up stored payments by their keys and by their numbers."""

    def by_key(self, keys: Collection[str]) -> Iterator[Recorded]:
        for batch in _batches(keys):
            yield from _recorded(Payment.objects.filter(source_key__in=batch))

    def by_number(self, numbers: Collection[str]) -> Iterator[Recorded]:
        for batch in _batches(numbers):
            yield from _recorded(Payment.objects.filter(transaction_number__in=batch))


def _recorded(payments: "QuerySet[Payment]") -> Iterator[Recorded]:
    rows = payments.order_by("id").values_list(
        "source_key",
        "transaction_number",
        "supplier_number",
        "supplier_name",
        "amount",
        "currency",
        "paid_on",
        "source_file",
        "source_line",
    )
    for row in rows.iterator():
        yield Recorded(*row[:-2], f"{row[-2]}, line {row[-1]}")


def supplier_name_of(supplier_number: str) -> str:
    """Return the latest usable name the number was paid under; empty if none."""
    names = (
        Payment.objects.filter(supplier_number=supplier_number)
        .order_by()
        .values_list("supplier_name")
        .annotate(last=Max("id"))
        .order_by("-last")
    )
    return next((name for name, _ in names if is_usable_name(name)), "")


def category_of(code: str) -> str:
    """Return what a file that named both gave for the code; empty if none did."""
    known = CategoryCode.objects.filter(code=code)
    return known.values_list("category", flat=True).first() or ""


def vendors_by_name(normalised_names: Iterable[str]) -> dict[str, Vendor]:
    return {
        vendor.normalised_name: vendor
        for names in _batches(normalised_names)
        for vendor in Vendor.objects.filter(normalised_name__in=names)
    }


def departments_by_name() -> dict[str, Department]:
    """Return departments by normalised name; of equal names the oldest."""
    departments: dict[str, Department] = {}
    for department in Department.objects.order_by("id"):
        departments.setdefault(normalise_name(department.name), department)
    return departments


class PayFor(NamedTuple):
    """What tells the engagements apart that payments are for."""

    vendor: int
    unit: str
    category: str
    currency: str


def pay_for(vendor: int, unit: str, category: str, currency: str) -> PayFor:
    return PayFor(vendor, normalise_name(unit), normalise_category(category), currency)


def engagements_paid(vendors: Iterable[int]) -> dict[PayFor, int]:
    """Return for what each vendor was paid before, and the engagement it went to."""
    found: dict[PayFor, tuple[int, int]] = {}
    for batch in _batches(vendors):
        rows = (
            Payment.objects.filter(vendor_id__in=batch, invoice=None)
            .exclude(engagement__status=Status.CANCELLED)
            .order_by()
            .values_list("vendor_id", "unit", "category", "currency", "engagement_id")
            .annotate(last=Max("id"))
        )
        for vendor, unit, category, currency, engagement, last in rows:
            key = pay_for(vendor, unit, category, currency)
            if key not in found or last > found[key][0]:
                found[key] = (last, engagement)
    return {key: engagement for key, (_, engagement) in found.items()}


def engagements_by_id(ids: Iterable[int]) -> dict[int, Engagement]:
    return {
        engagement.pk: engagement
        for batch in _batches(ids)
        for engagement in Engagement.objects.filter(pk__in=batch)
    }


def logged_engagements(vendors: Iterable[int]) -> list[Engagement]:
    """Return live engagements of the vendors, without drafts made of payments."""
    return [
        engagement
        for batch in _batches(vendors)
        for engagement in Engagement.objects.filter(
            vendor_id__in=batch, status__in=LIVE_STATUSES
        )
        .exclude(origin=Origin.IMPORTED, status=Status.DRAFT)
        .order_by("id")
    ]


def has_other_spend(engagement: Engagement) -> bool:
    """Whether invoices or work were posted for it, which payments then settle."""
    entries = engagement.ledger_entries.exclude(source_type=SourceType.PAYMENT)
    return entries.exists()


def commonest_reasons(run: ImportRun, most: int = 5) -> list[tuple[str, str, int]]:
    """Return field, reason and number of the commonest refusals of a run."""
    rows = run.problems.order_by().values_list("field", "reason")
    counted = rows.annotate(count=Count("id")).order_by("-count", "field", "reason")
    return list(counted[:most])
