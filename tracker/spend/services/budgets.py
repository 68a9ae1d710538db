"""Budgets: set by a person, held against what is asked for, agreed and billed."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from engagements import events
from engagements.choices import ChargeKind, Role, Status
from engagements.errors import OverBudgetError
from engagements.models import ChangeOrder, Engagement, User
from engagements.queries import administrators
from engagements.services.records import (
    change_record,
    check_version,
    create_record,
    raise_version,
)
from engagements.services.spending import (
    Cost,
    Moment,
    Purse,
    Spending,
    check_may_spend,
    money_from,
    money_warnings,
)
from engagements.values.money import format_money
from engagements.values.periods import add_months, month_of
from tracker.spend.budget_standing import (
    Standing,
    Used,
    fiscal_months,
    fiscal_year_of,
    standings,
)
from tracker.spend.fx import MissingRateError
from tracker.spend.models import (
    Budget,
    BudgetAction,
    BudgetCrossing,
    BudgetMonth,
    BudgetPolicy,
    InvoiceLine,
    LedgerEntry,
    SourceType,
)
from tracker.spend.plan import plan_of
from tracker.spend.uncounted import Uncounted, in_words

HUNDRED = Decimal(100)
NOTHING = Decimal(0)
# Plans are looked at this far ahead: no budget is made for later.
_YEARS_AHEAD = 5
_NAMED = 3

Amounts = Mapping[date, Decimal]


@transaction.atomic
def set_budget(
    *,
    budget: Budget,
    amounts: Amounts,
    expected_version: int | None = None,
    actor: User | None,
) -> Budget:
    """Store a cost centre's budget of a year by month; months not given have none.

    Raises ValidationError on a month outside the fiscal year or a negative amount, and
    ConflictError where the stored version isn't the expected one. Without a change
    nothing is written. Alerts are looked at anew.
    """
    _check_months(budget, amounts)
    if budget.pk is None:
        create_record(record=budget, event_type="budget.created", actor=actor)
    stored = Budget.objects.select_for_update().get(pk=budget.pk)
    check_version(stored=stored, expected_version=expected_version)
    changes = _store_months(stored, amounts)
    if changes:
        raise_version(record=stored)
        events.record(
            event_type="budget.set", subject=stored, changes=changes, actor=actor
        )
        tell_crossings(standings([stored]))
    return stored


def _check_months(budget: Budget, amounts: Amounts) -> None:
    known = set(fiscal_months(budget.year))
    for month, amount in amounts.items():
        if month not in known:
            raise ValidationError(
                _("%(month)s is no month of the fiscal year %(year)d.")
                % {
                    "month": date_format(month, "YEAR_MONTH_FORMAT"),
                    "year": budget.year,
                }
            )
        if amount < 0:
            raise ValidationError(
                _("%(month)s: a budget is not negative.")
                % {"month": date_format(month, "YEAR_MONTH_FORMAT")}
            )


def _store_months(budget: Budget, amounts: Amounts) -> dict[str, list[str | None]]:
    stored = {row.month: row for row in budget.months.all()}
    changes: dict[str, list[str | None]] = {}
    for month in fiscal_months(budget.year):
        amount = amounts.get(month, NOTHING)
        row = stored.get(month)
        if amount == (row.amount if row else NOTHING):
            continue
        name = f"{month:%Y-%m}"
        changes[name] = [
            events.plain(row.amount) if row else None,
            events.plain(amount),
        ]
        row = row or BudgetMonth(budget=budget, month=month)
        row.amount = amount
        row.full_clean(exclude=["budget"])
        row.save()
    return changes


@transaction.atomic
def set_budget_policy(
    *,
    policy: BudgetPolicy,
    expected_version: int | None = None,
    actor: User | None,
) -> BudgetPolicy:
    """Store what happens where budgets would be exceeded."""
    if policy.pk is None:
        return create_record(
            record=policy, event_type="budget_policy.created", actor=actor
        )
    return change_record(
        record=policy,
        event_type="budget_policy.changed",
        expected_version=expected_version,
        actor=actor,
    )


# --- checks --------------------------------------------------------------------------


def planned_cost(engagement: Engagement, without: ChangeOrder | None = None) -> Cost:
    """Return what it is planned to cost from its start on, by cost centre and month.

    Nothing where there is no budget to hold it against.
    """
    if not Budget.objects.exists():
        return {}
    first = month_of(engagement.starts_on)
    last = add_months(month_of(timezone.localdate()), 12 * _YEARS_AHEAD)
    if first > last:
        return {}
    return plan_of(engagement, first=first, last=last, without=without)


def check_planned(spending: Spending) -> list[str]:
    """Return what the budgets warn of; raise OverBudgetError where one stops it.

    Locks the budgets that would pay, so that whoever comes next sees what this takes.
    Raises MissingRateError where none is known for the engagement's own currency; a
    look tells it.
    """
    engagement, before = spending.engagement, spending.before
    try:
        cost = planned_cost(engagement)
    except MissingRateError as missing:
        if spending.is_look:
            return [str(missing)]
        raise
    added = _more(cost, before or {})
    budgets = _budgets_of(added, is_locked=not spending.is_look)
    if not budgets:
        return []
    if before is None:
        found = _with(standings(budgets, but=[engagement.pk]), added)
    else:
        # It is active already, so that its plan is among what is committed.
        found = standings(budgets)
    outcome = _judge(found, added, spending.moment)
    if spending.is_look:
        return [*outcome.refusals, *outcome.warnings]
    _refuse(outcome)
    if spending.moment is Moment.ORDER:
        tell_crossings(found)
    return outcome.warnings


def check_posted(entries: Iterable[LedgerEntry]) -> list[str]:
    """Return what the budgets warn of once the entries are posted, in one transaction.

    Raises OverBudgetError where one stops what was billed; the posting is undone then.
    What takes the place of accrued time adds only what it costs beyond that.
    """
    more = _spent(entries)
    budgets = _budgets_of(more, is_locked=True)
    if not budgets:
        return []
    found = standings(budgets)
    outcome = _judge(found, more, Moment.ACTUAL)
    _refuse(outcome)
    tell_crossings(found)
    return outcome.warnings


def warnings_of_bill(lines: Iterable[InvoiceLine]) -> list[str]:
    """Return what the budgets say of lines that are posted, refusals among it.

    As things are now: what was posted since counts too.
    """
    entries = LedgerEntry.objects.filter(
        source_type=SourceType.INVOICE_LINE, source_id__in=[line.pk for line in lines]
    )
    more = _spent(entries)
    budgets = _budgets_of(more, is_locked=False)
    outcome = _judge(standings(budgets), more, Moment.ACTUAL) if budgets else None
    return [*outcome.refusals, *outcome.warnings] if outcome else []


def _spent(entries: Iterable[LedgerEntry]) -> dict[tuple[int, date], Decimal]:
    """Return what entries add, by cost centre and booked month, tax left out."""
    added: dict[tuple[int, date], Decimal] = defaultdict(Decimal)
    for entry in entries:
        if entry.charge_kind != ChargeKind.TAX:
            added[entry.cost_centre_id, entry.month] += entry.reporting_amount
    return {key: amount for key, amount in added.items() if amount > 0}


def check_ordered(engagements: Iterable[Engagement]) -> None:
    """Raise OverBudgetError where a budget stops what an order is for.

    An order adds nothing to what its engagements are planned to cost: it is the moment
    at which the whole of that is looked at.
    """
    for spending in _ordered(engagements):
        check_may_spend(spending.engagement, spending.moment, spending.before)


def warnings_of_order(engagements: Iterable[Engagement]) -> list[str]:
    """Return what the budgets say of an order for them, refusals among it."""
    found = (
        sentence
        for spending in _ordered(engagements)
        for sentence in money_warnings(
            spending.engagement, spending.moment, before=spending.before
        )
    )
    return list(dict.fromkeys(found))


def _ordered(engagements: Iterable[Engagement]) -> Iterator[Spending]:
    for engagement in engagements:
        if engagement.status == Status.ACTIVE:
            # Its plan is among what is committed.
            yield Spending(engagement, Moment.ORDER, before={})
        elif engagement.status in (Status.DRAFT, Status.PENDING_APPROVAL):
            yield Spending(engagement, Moment.ORDER)


money_from(Purse(cost=planned_cost, check=check_planned))


@dataclass(frozen=True)
class Excess:
    """A budget that would be exceeded: its cost centre, year, and which sum of it."""

    budget: tuple[int, int, str]
    sentence: str
    is_stop: bool


@dataclass(frozen=True)
class _Outcome:
    refusals: list[str]
    warnings: list[str]
    excesses: list[Excess]


def _more(cost: Cost, before: Cost) -> dict[tuple[int, date], Decimal]:
    keys = cost.keys() | before.keys()
    change = {key: cost.get(key, NOTHING) - before.get(key, NOTHING) for key in keys}
    return {key: amount for key, amount in change.items() if amount > 0}


def _budgets_of(added: Cost, *, is_locked: bool) -> list[Budget]:
    """Return the budgets that would pay, locked in the order of their ids."""
    keys = {(centre, fiscal_year_of(month)) for centre, month in added}
    if not keys:
        return []
    rows = Budget.objects.filter(
        cost_centre_id__in={centre for centre, _year in keys},
        year__in={year for _centre, year in keys},
    ).order_by("pk")
    if is_locked:
        # Only then are the figures read: what others took meanwhile is among them.
        list(rows.select_for_update())
    found = rows.select_related("cost_centre__department__head")
    return [budget for budget in found if (budget.cost_centre_id, budget.year) in keys]


def _with(found: list[Standing], added: Cost) -> list[Standing]:
    """Return the standings as if what is added were committed."""
    return [
        replace(
            standing,
            used={
                month: standing.used[month].committing(
                    added.get((standing.budget.cost_centre_id, month), NOTHING)
                )
                for month in standing.months
            },
        )
        for standing in found
    ]


def _judge(
    found: Collection[Standing],
    added: Cost,
    moment: Moment,
    policies: Mapping[int, BudgetPolicy] | None = None,
) -> _Outcome:
    if policies is None:
        policies = policies_of({one.budget.cost_centre_id for one in found})
    outcome = _Outcome([], [], [])
    for standing in found:
        policy = policies[standing.budget.cost_centre_id]
        outcome.warnings.extend(_left_out(standing, policy, moment))
        for name, until in _accumulations(standing, added):
            action = getattr(policy, f"{moment.value}_{name}")
            if action == BudgetAction.IGNORE:
                continue
            sentence = _excess(standing, added, moment, until)
            if sentence:
                is_stop = action == BudgetAction.STOP
                told = outcome.refusals if is_stop else outcome.warnings
                told.append(sentence)
                key = (standing.budget.cost_centre_id, standing.budget.year, name)
                outcome.excesses.append(Excess(key, sentence, is_stop))
                break
    return outcome


def _left_out(
    standing: Standing, policy: BudgetPolicy, moment: Moment
) -> Iterator[str]:
    """Say that a plan can't be reckoned; what is billed counts no plans.

    Whose it is stays untold: not everybody who is warned sees it.
    """
    actions = {getattr(policy, f"{moment.value}_{name}") for name in ("month", "year")}
    left_out = in_words(standing.uncounted, named=())
    if left_out and moment is not Moment.ACTUAL and actions != {BudgetAction.IGNORE}:
        yield f"{standing.budget.cost_centre}: {left_out}"


def _accumulations(
    standing: Standing, added: Cost
) -> Iterator[tuple[str, date | None]]:
    """Yield the year, then each month to date from the first that pays more."""
    centre = standing.budget.cost_centre_id
    paying = [month for month in standing.months if added.get((centre, month))]
    yield "year", None
    for month in standing.months[standing.months.index(paying[0]) : -1]:
        yield "month", month


def _excess(standing: Standing, added: Cost, moment: Moment, until: date | None) -> str:
    """Return the sentence that tells by how much the budget is exceeded, if it is."""
    centre = standing.budget.cost_centre
    more = sum(
        (
            added.get((centre.pk, month), NOTHING)
            for month in standing.months
            if until is None or month <= until
        ),
        NOTHING,
    )
    used, budgeted = standing.used_until(until), standing.budgeted(until)
    counted = {
        Moment.REQUEST: used.total + used.requested,
        Moment.ORDER: used.total,
        Moment.ACTUAL: used.spent,
    }[moment]
    if counted <= budgeted or more <= 0:
        return ""
    return _SENTENCES[moment] % {
        "centre": centre,
        "period": _period(standing, until),
        "budget": _money(budgeted),
        "used": _money(counted - more),
        "added": _money(more),
        "over": _money(counted - budgeted),
    }


_SENTENCES = {
    Moment.REQUEST: gettext_lazy(
        "%(centre)s has a budget of %(budget)s for %(period)s. %(used)s of it is spent,"
        " committed or asked for; this asks for %(added)s, which is %(over)s too much."
    ),
    Moment.ORDER: gettext_lazy(
        "%(centre)s has a budget of %(budget)s for %(period)s. %(used)s of it is spent"
        " or committed; this commits %(added)s, which is %(over)s too much."
    ),
    Moment.ACTUAL: gettext_lazy(
        "%(centre)s has a budget of %(budget)s for %(period)s. %(used)s of it is spent;"
        " this spends %(added)s, which is %(over)s too much."
    ),
}


def _period(standing: Standing, until: date | None) -> str:
    first, last = standing.months[0], until or standing.months[-1]
    if first == last:
        return date_format(first, "YEAR_MONTH_FORMAT")
    return _("%(first)s to %(last)s") % {
        "first": date_format(first, "YEAR_MONTH_FORMAT"),
        "last": date_format(last, "YEAR_MONTH_FORMAT"),
    }


def _money(amount: Decimal) -> str:
    return format_money(amount, settings.REPORTING_CURRENCY)


def _refuse(outcome: _Outcome) -> None:
    if outcome.refusals:
        raise OverBudgetError(_with_who(outcome.refusals))


def refusal_of(excesses: Iterable[Excess]) -> str:
    """Return why budgets stop it and who can raise them; blank where none does."""
    refusals = [one.sentence for one in excesses if one.is_stop]
    return _with_who(refusals) if refusals else ""


def _with_who(refusals: list[str]) -> str:
    who = _("%(names)s can raise the budget.") % {"names": _who_can_raise()}
    return " ".join([*refusals, who])


class BudgetLook:
    """What stops or warns of bills that aren't posted yet, one after the other.

    Each that passes counts for those after it, as if it were posted.
    """

    def __init__(self) -> None:
        self._standings: dict[tuple[int, int], Standing | None] = {}
        self._policies: dict[int, BudgetPolicy] = {}
        self._taken: dict[tuple[int, date], Decimal] = defaultdict(Decimal)

    @staticmethod
    def is_needed() -> bool:
        return Budget.objects.exists()

    def excesses(self, added: Cost) -> list[Excess]:
        """Return the budgets that it would exceed; `added` may be < 0."""
        more = {key: amount for key, amount in added.items() if amount > 0}
        found = [self._counting(one, added) for one in self._paying(more)]
        return _judge(found, more, Moment.ACTUAL, self._policies).excesses

    def take(self, added: Cost) -> None:
        for key, amount in added.items():
            self._taken[key] += amount

    def _paying(self, more: Cost) -> list[Standing]:
        keys = sorted({(centre, fiscal_year_of(month)) for centre, month in more})
        self._read([key for key in keys if key not in self._standings], more)
        return [one for key in keys if (one := self._standings[key])]

    def _read(self, unknown: list[tuple[int, int]], more: Cost) -> None:
        if not unknown:
            return
        self._standings.update(dict.fromkeys(unknown))
        budgets = _budgets_of(more, is_locked=False)
        # What is billed is held against what is posted: plans don't matter.
        for one in standings(budgets, with_plans=False):
            key = (one.budget.cost_centre_id, one.budget.year)
            self._standings[key] = one
        self._policies |= policies_of({centre for centre, _year in unknown})

    def _counting(self, one: Standing, added: Cost) -> Standing:
        centre = one.budget.cost_centre_id
        return replace(
            one,
            used={
                month: used
                + Used(
                    actual=self._taken.get((centre, month), NOTHING)
                    + added.get((centre, month), NOTHING)
                )
                for month, used in one.used.items()
            },
        )


def _who_can_raise() -> str:
    finance = User.objects.filter(
        groups__name=Role.FINANCE.value, is_active=True
    ).order_by("pk")
    people = [*finance[:_NAMED]] or [*administrators()[:_NAMED]]
    names = [person.get_full_name() or person.username for person in people]
    return ", ".join(names) or _("An administrator")


def policies_of(centres: Collection[int]) -> dict[int, BudgetPolicy]:
    """Return each cost centre's policy: its own, the organisation's, or warnings."""
    found = {
        policy.cost_centre_id: policy
        for policy in BudgetPolicy.objects.filter(cost_centre_id__in=centres)
    }
    whole = BudgetPolicy.objects.filter(cost_centre=None).first() or BudgetPolicy()
    return {centre: found.get(centre, whole) for centre in centres}


# --- alerts --------------------------------------------------------------------------


@dataclass(frozen=True)
class BudgetsLookedAt:
    """How many thresholds were told; which engagements no plan could be made of."""

    told: int
    uncounted: Sequence[Uncounted]


def refresh_crossings(*, today: date) -> BudgetsLookedAt:
    """Look at this fiscal year's budgets and the next one's, and tell."""
    year = fiscal_year_of(today)
    with transaction.atomic():
        rows = Budget.objects.filter(year__in=(year, year + 1)).order_by("pk")
        list(rows.select_for_update())
        found = standings(rows.select_related("cost_centre__department__head"))
        left_out = {one for standing in found for one in standing.uncounted}
        return BudgetsLookedAt(tell_crossings(found), sorted(left_out))


def tell_crossings(found: Iterable[Standing]) -> int:
    """Tell once of each threshold newly passed; the caller holds the budgets' locks.

    One that is no longer passed, since the budget was raised or less is committed, is
    told again when it next is.
    """
    rows = list(found)
    policies = policies_of({one.budget.cost_centre_id for one in rows})
    crossed: dict[int, dict[Decimal, BudgetCrossing]] = defaultdict(dict)
    for crossing in BudgetCrossing.objects.filter(
        budget_id__in=[one.budget.pk for one in rows]
    ):
        crossed[crossing.budget_id][crossing.threshold] = crossing
    told = 0
    for standing in rows:
        policy = policies[standing.budget.cost_centre_id]
        told += _tell_of(standing, policy, crossed[standing.budget.pk])
    return told


def _tell_of(
    standing: Standing,
    policy: BudgetPolicy,
    crossed: Mapping[Decimal, BudgetCrossing],
) -> int:
    budgeted, used = standing.budgeted(), standing.used_until().total
    passed = {
        threshold
        for threshold in (policy.near_at, policy.over_at)
        if used > 0 and used * HUNDRED >= budgeted * threshold
    }
    for threshold, crossing in crossed.items():
        if threshold not in passed:
            crossing.delete()
    new = sorted(passed - crossed.keys())
    for threshold in new:
        BudgetCrossing.objects.create(
            budget=standing.budget, threshold=threshold, crossed_at=timezone.now()
        )
        events.record(
            event_type="budget.threshold_crossed",
            subject=standing.budget,
            changes={
                "threshold": [None, events.plain(threshold)],
                "used": [None, events.plain(used)],
                "budget": [None, events.plain(budgeted)],
            },
            actor=None,
        )
    return len(new)
