"""What each engagement costs by its records, and would in the other model."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from statistics import median
from typing import Any

from django.conf import settings
from django.db.models import Count, Min, QuerySet, Sum

from engagements.choices import Kind
from engagements.models import Assignment, Engagement
from engagements.values.money import round_money
from engagements.values.periods import ONE_DAY, add_months, count_months
from tracker.fit.market import hourly_rates
from tracker.fit.models import Policy
from tracker.fit.money import WEEKS_PER_MONTH, Assumption, Range
from tracker.fit.queries import HAPPENED, Scope
from tracker.fit.services.policies import WINDOW_MONTHS, assumptions_of
from tracker.fit.switching import Recorded, Switch, switch, with_own_records
from tracker.spend.models import MonthlySpend, OversightLog, WorkLog

# Person-years of a vendor from which its leavers tell a rate.
LEAST_PERSON_YEARS = Decimal(2)
LEAST_SHARED_MONTHS = 3
DAYS_PER_YEAR = Decimal("365.2425")


@dataclass(frozen=True)
class Costed:
    """One engagement's switch with what it rests on; amounts in `currency`.

    `spent` is the ledger's sum from `first_month` to `last_month`, to the cent, and
    `reporting_spent` the same in the reporting currency at the rates of its postings.
    `hours_are_planned` says that the hours are the agreed ones: none were logged.
    """

    currency: str
    first_month: date
    last_month: date
    spent: Decimal
    reporting_spent: Decimal
    hours_are_planned: bool
    found: Switch

    def as_json(self) -> dict[str, Any]:
        """As `Assessment.money` holds it; amounts as text, rounded to the currency."""
        found, currency = self.found, self.currency
        in_term = found.value_in_term
        return {
            "currency": currency,
            "first_month": self.first_month.isoformat(),
            "last_month": self.last_month.isoformat(),
            "months": found.recorded.months,
            "spent": str(self.spent),
            "reporting_currency": settings.REPORTING_CURRENCY,
            "reporting_spent": str(self.reporting_spent),
            "present": amounts(found.present, currency),
            "other": amounts(found.other, currency),
            "saving": amounts(found.saving, currency),
            "transition": amounts(found.transition, currency),
            "break_even_months": list(found.break_even),
            "remaining_months": found.recorded.remaining_months,
            "value_in_term": in_term and amounts(in_term, currency),
            "value_in_two_years": amounts(found.value_in_two_years, currency),
            "chance_to_save": round(found.chance_to_save, 4),
            "recorded": self._recorded(),
            "assumed": [assumed(one) for one in found.assumptions],
            "matters": [
                {
                    "code": matter.assumption.code,
                    "share": matter.share,
                    "at_low": str(round_money(matter.at_low, currency)),
                    "at_high": str(round_money(matter.at_high, currency)),
                }
                for matter in found.matters
            ],
        }

    def _recorded(self) -> list[dict[str, str]]:
        """The figures that took an assumption's place, or that none stands for."""
        known = self.found.recorded
        rows = [("price", str(round_money(known.price, self.currency)))]
        if known.hours is not None:
            code = "planned_hours" if self.hours_are_planned else "hours"
            rows.append((code, f"{known.hours:.1f}"))
        if known.manager_hours is not None:
            rows.append(("manager_hours", f"{known.manager_hours:.1f}"))
        if known.manager_hour_cost is not None:
            # The figure itself is a person's pay: it is used, and not told.
            rows.append(("manager_hour_cost", ""))
        if known.market_rate is not None:
            rate = round_money(known.market_rate, self.currency)
            rows.append(("market_rate", str(rate)))
        if known.exit_charge:
            exit_charge = round_money(known.exit_charge, self.currency)
            rows.append(("exit_charge", str(exit_charge)))
        return [{"code": code, "figure": figure} for code, figure in rows]


def amounts(found: Range, currency: str) -> dict[str, str]:
    return {
        "p10": str(round_money(found.p10, currency)),
        "p50": str(round_money(found.p50, currency)),
        "p90": str(round_money(found.p90, currency)),
    }


def assumed(assumption: Assumption) -> dict[str, Any]:
    """An assumption as it is stored beside what followed from it."""
    return {
        "code": assumption.code,
        "meaning": assumption.meaning,
        "figure": str(assumption),
        "source": assumption.source,
        "dated_on": assumption.dated_on,
        "owner": assumption.owner,
        "is_own": assumption.is_own,
    }


def costs_of(
    *, engagements: QuerySet[Engagement], as_of: date, policy: Policy
) -> dict[int, Costed]:
    """The switch of each engagement that has three whole months of spend.

    By id; a number of queries that does not depend on how many there are.
    """
    scope = Scope(engagements, as_of, WINDOW_MONTHS)
    books = _read(scope)
    assumptions = _assumptions(policy, books)
    found = {}
    for subject in books.subjects:
        costed = _costed(subject, books, assumptions, scope)
        if costed is not None:
            found[subject.pk] = costed
    return found


@dataclass(frozen=True)
class _Subject:
    pk: int
    kind: str
    currency: str
    until: date | None
    hour_cost: Decimal | None


@dataclass(frozen=True)
class _Spent:
    amount: Decimal
    reporting: Decimal
    first: date


@dataclass
class _Books:
    """Everything that is recorded of the engagements, each by engagement id."""

    subjects: list[_Subject]
    spent: Mapping[int, _Spent]
    hours: Mapping[int, tuple[Decimal, int]]
    oversight: Mapping[int, tuple[Decimal, int]]
    exit_charges: Mapping[int, Decimal]
    planned: Mapping[int, Decimal]
    rates: Mapping[str, Decimal]
    churn: Sequence[Decimal]
    own_manager_shares: Sequence[Decimal] = field(default_factory=list)


def _read(scope: Scope) -> _Books:
    first, last = _whole_months(scope)
    books = _Books(
        subjects=_subjects(scope),
        spent=_spent(scope, first, last),
        hours=_hours(scope, first, last),
        oversight=_oversight(scope, first, last),
        exit_charges=dict(
            scope.engagements.filter(managedcontract__exit_charge__gt=0)
            .order_by()
            .values_list("pk", "managedcontract__exit_charge")
        ),
        planned=_planned(scope),
        rates={
            currency: median(rates)
            for currency, rates in hourly_rates(scope.as_of).items()
        },
        churn=_churn(scope),
    )
    books.own_manager_shares = _manager_shares(books)
    return books


def _whole_months(scope: Scope) -> tuple[date, date]:
    last = scope.last_complete_month
    return add_months(last, 1 - scope.months), last


def _subjects(scope: Scope) -> list[_Subject]:
    rows = scope.engagements.order_by("pk").values_list(
        "pk",
        "kind",
        "currency",
        "committed_until_on",
        "term_ends_on",
        "manager__loaded_hourly_cost",
    )
    return [
        _Subject(pk, kind, currency, until or ends, cost)
        for pk, kind, currency, until, ends, cost in rows
    ]


def _spent(scope: Scope, first: date, last: date) -> dict[int, _Spent]:
    rows = (
        MonthlySpend.objects.filter(
            engagement__in=scope.ids, month__range=(first, last)
        )
        .exclude(charge_kind="tax")
        .order_by()
        .values_list("engagement_id")
        .annotate(
            amount=Sum("amount"),
            reporting=Sum("reporting_amount"),
            first=Min("month"),
        )
    )
    return {row[0]: _Spent(*row[1:]) for row in rows}


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


def _planned(scope: Scope) -> dict[int, Decimal]:
    rows = scope.engagements.filter(kind=Kind.AUGMENTED).order_by()
    return {
        pk: weekly * WEEKS_PER_MONTH
        for pk, weekly in rows.values_list("pk", "assignment__planned_weekly_hours")
        if weekly
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


def _manager_shares(books: _Books) -> list[Decimal]:
    """Our managers' hours for each hour of contractors, where both were recorded."""
    return [
        books.oversight[subject.pk][0] / books.hours[subject.pk][0]
        for subject in books.subjects
        if subject.kind == Kind.AUGMENTED
        and subject.pk in books.hours
        and books.oversight.get(subject.pk, (0, 0))[1] >= LEAST_SHARED_MONTHS
    ]


def _assumptions(policy: Policy, books: _Books) -> tuple[Assumption, ...]:
    """What a person set stands; defaults give way to records of our own."""
    set_by_hand = assumptions_of(policy)
    own = {"churn": books.churn, "manager_share": books.own_manager_shares}
    kept = {a.code for a in set_by_hand if a.owner}
    return with_own_records(
        set_by_hand, {code: rows for code, rows in own.items() if code not in kept}
    )


def _costed(
    subject: _Subject,
    books: _Books,
    assumptions: Iterable[Assumption],
    scope: Scope,
) -> Costed | None:
    spent = books.spent.get(subject.pk)
    if spent is None:
        return None
    _window, last = _whole_months(scope)
    # From the first month that was paid: before it nothing was recorded.
    first = spent.first
    months = count_months(first, last)
    recorded = _recorded(subject, books, spent, months, scope.as_of)
    found = switch(recorded, tuple(assumptions))
    if found is None:
        return None
    return Costed(
        currency=subject.currency,
        first_month=first,
        last_month=last,
        spent=spent.amount,
        reporting_spent=spent.reporting,
        hours_are_planned=subject.pk not in books.hours,
        found=found,
    )


def _recorded(
    subject: _Subject, books: _Books, spent: _Spent, months: int, as_of: date
) -> Recorded:
    hours = books.hours.get(subject.pk)
    oversight = books.oversight.get(subject.pk)
    monthly = hours[0] / months if hours else books.planned.get(subject.pk)
    is_managed = subject.kind == Kind.MANAGED
    return Recorded(
        is_managed=is_managed,
        months=months,
        price=spent.amount / months,
        hours=monthly,
        people=None if is_managed else Decimal(1),
        manager_hours=oversight[0] / oversight[1] if oversight else None,
        manager_hour_cost=_hour_cost(subject, spent),
        market_rate=books.rates.get(subject.currency) if is_managed else None,
        exit_charge=books.exit_charges.get(subject.pk, Decimal(0)),
        remaining_months=_remaining(subject.until, as_of),
    )


def _hour_cost(subject: _Subject, spent: _Spent) -> Decimal | None:
    """The manager's hour, kept in the reporting currency, in the engagement's."""
    if subject.hour_cost is None:
        return None
    if subject.currency == settings.REPORTING_CURRENCY:
        return subject.hour_cost
    if spent.reporting <= 0 or spent.amount <= 0:
        return None
    return subject.hour_cost * spent.amount / spent.reporting


def _remaining(until: date | None, as_of: date) -> int | None:
    """Whole months from the day on, 0 where the commitment has run out."""
    if until is None:
        return None
    return max(count_months(as_of, until) - 1, 0)
