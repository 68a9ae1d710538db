"""What is not recorded of live engagements, and what hangs on not knowing it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import (
    BooleanField,
    Exists,
    ExpressionWrapper,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Sum,
)
from django.utils.translation import gettext_noop as marked

from engagements.choices import LIVE_STATUSES, ChargeKind, Kind, Status
from engagements.models import (
    CostCentre,
    CostSplit,
    CostSplitShare,
    Engagement,
    FeeTerm,
    RateTerm,
    ServiceLevel,
    User,
)
from engagements.permissions import engagement_scope, sees_money
from tracker.fit.portfolio import Worth, worth_of
from tracker.fit.queries import latest_assessments
from tracker.fit.verdict import Verdict
from tracker.performance.models import Credit, CreditState, LevelResult
from tracker.performance.service_levels import Outcome
from tracker.spend.budget_standing import fiscal_year_of
from tracker.spend.fx import MissingRateError, Rates
from tracker.spend.models import Budget, MonthlySpend, RoleBenchmark, WorkLog
from tracker.spend.outlook import accrual_rows, last_accrued_month
from tracker.spend.queries import SpendWhere, engagements_where, spend_by_engagement

NOTHING = Decimal(0)
# Work of the last weeks, and windows of the last months, are looked for.
WORK_WITHIN = timedelta(weeks=8)
MEASURED_WITHIN = timedelta(days=100)

AGREEMENT, TIMESHEET, MEASUREMENT, BUDGET, BENCHMARK = (
    "agreement",
    "timesheet",
    "measurement",
    "budget",
    "benchmark",
)

Applies = Callable[[Any, date], bool]


def _always(_row: Any, _today: date) -> bool:
    return True


def _augmented(row: Any, _today: date) -> bool:
    return bool(row.kind == Kind.AUGMENTED)


def _managed(row: Any, _today: date) -> bool:
    return bool(row.kind == Kind.MANAGED)


def _has_term(row: Any, _today: date) -> bool:
    return row.term_ends_on is not None


def _worked(row: Any, today: date) -> bool:
    is_running = row.status == Status.ACTIVE and row.starts_on <= today - WORK_WITHIN
    return _augmented(row, today) and is_running


def _measured(row: Any, today: date) -> bool:
    began = row.starts_on <= today - MEASURED_WITHIN
    is_running = bool(row.status == Status.ACTIVE) and began
    return _managed(row, today) and is_running and not row.lacks_levels


def _split(row: Any, _today: date) -> bool:
    return not row.lacks_split


def _compared(row: Any, _today: date) -> bool:
    return bool(row.kind == Kind.AUGMENTED) and not row.lacks_role


@dataclass(frozen=True)
class Fact:
    """One thing to know of an engagement; `form` is where it is filled in.

    `why` says what nobody can tell without it. Texts are marked for translation.
    """

    code: str
    label: str
    why: str
    applies: Applies
    form: str = AGREEMENT


FACTS: Sequence[Fact] = (
    Fact(
        "manager",
        marked("Who answers for it"),
        marked("Nobody is reminded of its deadlines."),
        _always,
    ),
    Fact(
        "department",
        marked("Department"),
        marked("It stands in nobody's tree, and approval rules pass it by."),
        _always,
    ),
    Fact(
        "service",
        marked("Service"),
        marked("What it keeps running isn't known, nor who else could do it."),
        _always,
    ),
    Fact(
        "split",
        marked("Who pays"),
        marked("Its spend stays unallocated, and burns no budget."),
        _always,
    ),
    Fact(
        "budget",
        marked("A budget that pays it"),
        marked("Nobody sees when it costs too much for the year."),
        _split,
        BUDGET,
    ),
    Fact(
        "price",
        marked("Fee or rate"),
        marked("Nothing can be accrued, forecast, or held against an invoice."),
        _always,
    ),
    Fact(
        "notice",
        marked("Notice period"),
        marked("The last day to give notice isn't known; it may pass unseen."),
        _has_term,
    ),
    Fact(
        "contractor",
        marked("Who the contractor is"),
        marked("No clock of tenure runs, and invoices can't be checked by person."),
        _augmented,
    ),
    Fact(
        "role",
        marked("Role"),
        marked("The rate can't be compared with that of others."),
        _augmented,
    ),
    Fact(
        "benchmark",
        marked("Published rate of the role"),
        marked("Whether the market pays as much isn't known."),
        _compared,
        BENCHMARK,
    ),
    Fact(
        "hours",
        marked("Hours of the last eight weeks"),
        marked("Accruals are estimates, and the fit engine judges by less."),
        _worked,
        TIMESHEET,
    ),
    Fact(
        "levels",
        marked("Service levels"),
        marked("What is owed isn't written down; no credit can fall due."),
        _managed,
    ),
    Fact(
        "measurement",
        marked("Measured service levels"),
        marked("Misses go unseen, and credits are never claimed."),
        _measured,
        MEASUREMENT,
    ),
)
BY_CODE = {fact.code: fact for fact in FACTS}


@dataclass(frozen=True)
class Recorded:
    """One live engagement; `spent` is of the months asked for, `gaps` and `asked`
    are codes of facts."""

    pk: int
    public_id: UUID
    reference: str
    title: str
    vendor: str
    kind: str
    spent: Decimal
    asked: frozenset[str]
    gaps: tuple[str, ...]


def recorded(user: User, where: SpendWhere, *, today: date) -> list[Recorded]:
    """Return the live engagements with what is missing, the largest spend first.

    Two queries.
    """
    if not sees_money(user):
        return []
    spent = {row.public_id: row.parts.total for row in spend_by_engagement(user, where)}
    found = []
    for row in _with_gaps(_live(user, where), today).select_related("vendor"):
        asked = [fact for fact in FACTS if fact.applies(row, today)]
        found.append(
            Recorded(
                pk=row.pk,
                public_id=row.public_id,
                reference=row.reference,
                title=row.title,
                vendor=row.vendor.legal_name,
                kind=row.kind,
                spent=spent.get(row.public_id, NOTHING),
                asked=frozenset(fact.code for fact in asked),
                gaps=tuple(
                    fact.code for fact in asked if getattr(row, f"lacks_{fact.code}")
                ),
            )
        )
    return sorted(found, key=lambda one: (-one.spent, one.reference))


def _live(user: User, where: SpendWhere) -> QuerySet[Engagement]:
    seen = engagements_where(user, where).order_by().values("pk")
    return Engagement.objects.filter(
        engagement_scope(user, with_money=True), pk__in=seen, status__in=LIVE_STATUSES
    )


def _with_gaps(rows: QuerySet[Engagement], today: date) -> QuerySet[Any]:
    """Annotate `lacks_<code>` for every fact."""
    splits = CostSplit.objects.filter(engagement=OuterRef("pk"))
    in_force = splits.filter(starts_on__lte=today).order_by("-starts_on")
    budgets = Budget.objects.filter(
        cost_centre=OuterRef("cost_centre"), year=fiscal_year_of(today)
    )
    unbudgeted = CostSplitShare.objects.filter(split=OuterRef("split_id")).exclude(
        Exists(budgets)
    )
    fees = FeeTerm.objects.filter(contract=OuterRef("pk"))
    rates = RateTerm.objects.filter(assignment=OuterRef("pk"))
    compared = RoleBenchmark.objects.filter(role__iexact=OuterRef("assignment__role"))
    work = WorkLog.objects.counted().filter(
        engagement=OuterRef("pk"), worked_on__gte=today - WORK_WITHIN
    )
    levels = ServiceLevel.objects.filter(contract=OuterRef("pk"))
    results = LevelResult.objects.filter(
        engagement=OuterRef("pk"),
        outcome__in=(Outcome.MET.value, Outcome.MISSED.value),
        window_to__gte=today - MEASURED_WITHIN,
    )
    lacks: dict[str, Any] = {
        "manager": Q(manager__isnull=True),
        "department": Q(department__isnull=True),
        "service": Q(service__isnull=True),
        "split": ~Exists(splits),
        "budget": Exists(unbudgeted),
        "price": ~Exists(fees) & ~Exists(rates),
        "notice": Q(notice_period__isnull=True),
        "contractor": Q(assignment__contractor__isnull=True),
        "role": Q(assignment__role=""),
        "benchmark": ~Exists(compared),
        "hours": ~Exists(work),
        "levels": ~Exists(levels),
        "measurement": ~Exists(results),
    }
    return rows.annotate(split_id=Subquery(in_force.values("pk")[:1])).annotate(
        **{
            f"lacks_{code}": ExpressionWrapper(Q(is_so), output_field=BooleanField())
            for code, is_so in lacks.items()
        }
    )


@dataclass(frozen=True)
class Undecided:
    """An engagement that the fit engine could not judge.

    `worth` is what going over would be worth if the other model did fit; None where
    there are fewer than three months of spend. `record` says what to record first.
    """

    assessment: int
    public_id: UUID
    reference: str
    title: str
    vendor: str
    coverage: Decimal
    worth: Worth | None
    record: tuple[str, ...]


TOLD_FIRST = 2


def undecided(user: User, where: SpendWhere) -> list[Undecided]:
    """Return what lacks evidence, the largest spend first; one query."""
    rows = (
        latest_assessments(user)
        .filter(
            engagement__in=_live(user, where).order_by().values("pk"),
            verdict=Verdict.NOT_ENOUGH_EVIDENCE,
        )
        .select_related("engagement__vendor")
    )
    found = [
        Undecided(
            assessment=row.pk,
            public_id=row.engagement.public_id,
            reference=row.engagement.reference,
            title=row.engagement.title,
            vendor=row.engagement.vendor.legal_name,
            coverage=Decimal(repr(row.coverage)),
            worth=worth_of(row.money),
            record=tuple(fact["how_to_record"] for fact in row.missing[:TOLD_FIRST]),
        )
        for row in rows
    ]
    return sorted(found, key=lambda one: (-_yearly(one), one.reference))


def _yearly(one: Undecided) -> Decimal:
    return one.worth.yearly_spend if one.worth else NOTHING


@dataclass(frozen=True)
class Loose:
    """Money that something unknown stands behind; `amount` None without a rate."""

    code: str
    cases: int
    amount: Decimal | None


UNALLOCATED, DRAFTS, UNKNOWN_CHARGE, ESTIMATES, LOST = (
    "unallocated",
    "drafts",
    "unknown-charge",
    "estimates",
    "lost-credits",
)


def loose_money(user: User, where: SpendWhere, *, today: date) -> list[Loose]:
    """Return what not knowing costs or hides, where there is any; fixed in queries.

    Spend is of the months asked for, estimates of the last month end reckoned, credits
    lost of all time.
    """
    if not sees_money(user):
        return []
    spend = MonthlySpend.objects.visible_to(user).filter(where.condition())
    found = [
        _spent(UNALLOCATED, spend.filter(cost_centre__code=CostCentre.UNALLOCATED)),
        _spent(DRAFTS, spend.filter(engagement__status=Status.DRAFT)),
        _spent(UNKNOWN_CHARGE, spend.filter(charge_kind=ChargeKind.PAYMENT)),
        _estimates(user, where),
        _lost(user, where, today),
    ]
    return [one for one in found if one.cases]


def _spent(code: str, rows: QuerySet[MonthlySpend]) -> Loose:
    sums = rows.aggregate(total=Sum("reporting_amount"))
    engagements = rows.order_by().values("engagement").distinct().count()
    return Loose(code, engagements, sums["total"] or NOTHING)


def _estimates(user: User, where: SpendWhere) -> Loose:
    """Return the hours that nobody told of, by the last month end's statements."""
    month = last_accrued_month(user, by=where.last_month)
    rows = [] if month is None else list(accrual_rows(user, where, month))
    guessed = [row for row in rows if row.estimated > 0]
    total = sum(
        (
            row.reporting_accrual * row.estimated / row.accrual
            for row in guessed
            if row.accrual
        ),
        NOTHING,
    )
    return Loose(ESTIMATES, len(guessed), total.quantize(Decimal("0.01")))


def _lost(user: User, where: SpendWhere, today: date) -> Loose:
    of = engagements_where(user, where).order_by().values("pk")
    rows = Credit.objects.visible_to(user).filter(
        engagement_scope(user, prefix="engagement__", with_money=True),
        engagement__in=of,
        state=CreditState.EXPIRED,
    )
    rates, total, cases = Rates(), NOTHING, 0
    amounts = list(rows.values_list("engagement__currency", "amount"))
    for currency, amount in amounts:
        cases += 1
        try:
            total += amount * rates.on(currency, today).factor
        except MissingRateError:
            return Loose(LOST, len(amounts), None)
    return Loose(LOST, cases, total.quantize(Decimal("0.01")))
