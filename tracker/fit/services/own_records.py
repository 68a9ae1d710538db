"""Our own figures of what would else be taken for granted about money."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db.models import Count, Min, Q, QuerySet, Sum

from engagements.choices import ChargeKind, Kind
from engagements.models import Assignment, Engagement
from engagements.values.periods import ONE_DAY, add_months, count_months
from tracker.fit.models import Policy
from tracker.fit.money import Assumption
from tracker.fit.queries import HAPPENED, Scope
from tracker.fit.services.policies import WINDOW_MONTHS, assumptions_of
from tracker.fit.switching import LEAST_MONTHS, OwnRecords, with_own_records
from tracker.spend.models import MonthlySpend, OversightLog, WorkLog

# Person-years of a vendor from which its leavers tell a rate.
LEAST_PERSON_YEARS = Decimal(2)
# An hour's cost is a person's pay: fewer managers together could be told apart.
LEAST_MANAGERS = 3
DAYS_PER_YEAR = Decimal("365.2425")
ON_TOP_OF_A_FEE = (ChargeKind.UNIT, ChargeKind.ONE_OFF)


@dataclass(frozen=True)
class Subject:
    """An engagement as far as its money is concerned."""

    pk: int
    kind: str
    currency: str
    until: date | None
    manager: int | None
    hour_cost: Decimal | None


@dataclass(frozen=True)
class Spent:
    """The ledger's sums without tax; `reporting` is in the reporting currency."""

    amount: Decimal
    reporting: Decimal
    first: date
    fee: Decimal
    on_top: Decimal
    time: Decimal
    expenses: Decimal


@dataclass(frozen=True)
class Books:
    """What is recorded of the whole months, each by engagement id.

    `hours` are (hours worked, people); `oversight` (hours, months logged).
    """

    subjects: Sequence[Subject]
    spent: Mapping[int, Spent]
    hours: Mapping[int, tuple[Decimal, int]]
    oversight: Mapping[int, tuple[Decimal, int]]
    last: date

    def months_paid(self, engagement: int) -> int:
        return count_months(self.spent[engagement].first, self.last)


def books_of(scope: Scope) -> Books:
    """Read them, in four queries."""
    first, last = whole_months(scope)
    return Books(
        subjects=_subjects(scope),
        spent=_spent(scope, first, last),
        hours=_hours(scope, first, last),
        oversight=_oversight(scope, first, last),
        last=last,
    )


def whole_months(scope: Scope) -> tuple[date, date]:
    """The first and the last month that count."""
    last = scope.last_complete_month
    return add_months(last, 1 - scope.months), last


def assumptions_in_force(
    *, engagements: QuerySet[Engagement], as_of: date, policy: Policy
) -> tuple[Assumption, ...]:
    """Those of the policy, or of our own records up to the day."""
    scope = Scope(engagements, as_of, WINDOW_MONTHS)
    return assumptions_by(policy, books_of(scope), scope)


def assumptions_by(
    policy: Policy, books: Books, scope: Scope
) -> tuple[Assumption, ...]:
    """What a person set stands; defaults give way to records of our own."""
    set_by_hand = assumptions_of(policy)
    kept = {assumption.code for assumption in set_by_hand if assumption.owner}
    until = add_months(books.last, 1) - ONE_DAY
    own = {
        code: OwnRecords(figures, of, until)
        for code, (figures, of) in _own(books, scope).items()
        if code not in kept
    }
    return with_own_records(set_by_hand, own)


def _own(books: Books, scope: Scope) -> dict[str, tuple[Sequence[Decimal], str]]:
    engagements = "engagements"
    return {
        "churn": (_churn(scope), "vendors"),
        "manager_share": (_manager_shares(books), engagements),
        "governance": (_governance(books), engagements),
        "extras": (_parts(books, Kind.MANAGED), engagements),
        "tools": (_parts(books, Kind.AUGMENTED), engagements),
    }


def _subjects(scope: Scope) -> list[Subject]:
    rows = scope.engagements.order_by("pk").values_list(
        "pk",
        "kind",
        "currency",
        "committed_until_on",
        "term_ends_on",
        "manager_id",
        "manager__loaded_hourly_cost",
    )
    return [
        Subject(pk, kind, currency, until or ends, manager, cost)
        for pk, kind, currency, until, ends, manager, cost in rows
    ]


def _spent(scope: Scope, first: date, last: date) -> dict[int, Spent]:
    def of(*kinds: ChargeKind) -> Sum:
        return Sum("amount", filter=Q(charge_kind__in=kinds), default=Decimal(0))

    rows = (
        MonthlySpend.objects.filter(
            engagement__in=scope.ids, month__range=(first, last)
        )
        .exclude(charge_kind=ChargeKind.TAX)
        .order_by()
        .values_list("engagement_id")
        .annotate(
            whole=Sum("amount"),
            reporting=Sum("reporting_amount"),
            first=Min("month"),
            fee=of(ChargeKind.RECURRING),
            on_top=of(*ON_TOP_OF_A_FEE),
            time=of(ChargeKind.TIME),
            expenses=of(ChargeKind.EXPENSE),
        )
    )
    return {row[0]: Spent(*row[1:]) for row in rows}


def _hours(scope: Scope, first: date, last: date) -> dict[int, tuple[Decimal, int]]:
    rows = (
        WorkLog.objects.counted()
        .filter(
            engagement__in=scope.ids,
            worked_on__gte=first,
            worked_on__lt=add_months(last, 1),
        )
        .order_by()
        .values_list("engagement_id")
        .annotate(worked=Sum("hours"), people=Count("contractor", distinct=True))
    )
    return {engagement: (worked, people) for engagement, worked, people in rows}


def _oversight(scope: Scope, first: date, last: date) -> dict[int, tuple[Decimal, int]]:
    rows = (
        OversightLog.objects.filter(
            engagement__in=scope.ids, month__range=(first, last)
        )
        .order_by()
        .values_list("engagement_id")
        .annotate(spent=Sum("hours"), months=Count("month", distinct=True))
    )
    return {
        engagement: (spent, months)
        for engagement, spent, months in rows
        if engagement is not None
    }


def _churn(scope: Scope) -> list[Decimal]:
    """Leavers a year for each person, by vendor with two person-years in the window."""
    people = (
        Assignment.objects.filter(
            status__in=HAPPENED,
            contractor__isnull=False,
            starts_on__lte=scope.as_of,
        )
        .exclude(ends_on__lt=scope.starts_on)
        .order_by()
    )
    years: dict[int, Decimal] = defaultdict(Decimal)
    left: dict[int, int] = defaultdict(int)
    rows = people.values_list("vendor_id", "status", "starts_on", "ends_on")
    for vendor, status, starts_on, ends_on in rows:
        has_left = status != "active" and ends_on and ends_on <= scope.as_of
        last = min(ends_on, scope.as_of) if has_left and ends_on else scope.as_of
        days = (last - max(starts_on, scope.starts_on) + ONE_DAY).days
        years[vendor] += Decimal(max(days, 0)) / DAYS_PER_YEAR
        left[vendor] += bool(has_left)
    return [
        left[vendor] / years[vendor]
        for vendor in sorted(years)
        if years[vendor] >= LEAST_PERSON_YEARS
    ]


def _manager_shares(books: Books) -> list[Decimal]:
    """Our managers' hours for each hour of contractors, where both were recorded."""
    return [
        books.oversight[subject.pk][0] / books.hours[subject.pk][0]
        for subject in books.subjects
        if subject.kind == Kind.AUGMENTED
        and subject.pk in books.hours
        and books.oversight.get(subject.pk, (0, 0))[1] >= LEAST_MONTHS
    ]


def _governance(books: Books) -> list[Decimal]:
    """What our managers' hours on a managed service cost, as part of its price.

    Both in the reporting currency, in which an hour's cost is kept; none where the
    hours are those of so few managers that one's pay could be worked out.
    """
    found: list[Decimal] = []
    managers = set()
    for subject in books.subjects:
        hours, months = books.oversight.get(subject.pk, (Decimal(0), 0))
        is_told = subject.kind == Kind.MANAGED and months >= LEAST_MONTHS
        if not is_told or subject.hour_cost is None or not _is_paid(books, subject):
            continue
        paid = books.spent[subject.pk].reporting / books.months_paid(subject.pk)
        if paid > 0:
            found.append(hours / months * subject.hour_cost / paid)
            managers.add(subject.manager)
    return found if len(managers) >= LEAST_MANAGERS else []


def _parts(books: Books, kind: Kind) -> list[Decimal]:
    """What was billed beside the fee, or beside time, as part of it."""
    found = []
    for subject in books.subjects:
        if subject.kind != kind or not _is_paid(books, subject):
            continue
        spent = books.spent[subject.pk]
        is_managed = kind == Kind.MANAGED
        whole = spent.fee if is_managed else spent.time
        part = spent.on_top if is_managed else spent.expenses
        if whole > 0:
            found.append(part / whole)
    return found


def _is_paid(books: Books, subject: Subject) -> bool:
    """Whether there are months enough of spend to tell a part of it."""
    if subject.pk not in books.spent:
        return False
    return books.months_paid(subject.pk) >= LEAST_MONTHS
