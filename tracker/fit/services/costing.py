"""What each engagement costs by its records, and would in the other model."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from statistics import median
from typing import Any

from django.conf import settings
from django.db.models import QuerySet

from engagements.choices import Kind
from engagements.models import Engagement
from engagements.values.money import round_money
from engagements.values.periods import count_months
from tracker.fit.market import hourly_rates
from tracker.fit.models import Policy
from tracker.fit.money import (
    SWITCHING,
    WEEKS_PER_MONTH,
    Assumption,
    Range,
    Triangle,
)
from tracker.fit.queries import Scope
from tracker.fit.services.own_records import (
    Books,
    Spent,
    Subject,
    assumptions_by,
    books_of,
)
from tracker.fit.services.policies import WINDOW_MONTHS
from tracker.fit.switching import Recorded, Switch, switch


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
        """As `Assessment.money` holds it; amounts as text, rounded to the currency.

        `inputs` are the recorded figures unrounded: from them and from `assumed` all
        other amounts follow, to the digit.
        """
        found = self.found
        return {
            "currency": self.currency,
            "first_month": self.first_month.isoformat(),
            "last_month": self.last_month.isoformat(),
            "months": found.recorded.months,
            "spent": str(self.spent),
            "reporting_currency": settings.REPORTING_CURRENCY,
            "reporting_spent": str(self.reporting_spent),
            "remaining_months": found.recorded.remaining_months,
            **figures_of(found, self.currency),
            "recorded": self._recorded(),
            "assumed": [assumed(one) for one in found.assumptions],
            "inputs": inputs_of(found.recorded),
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


def figures_of(found: Switch, currency: str) -> dict[str, Any]:
    """All that follows from what is recorded and assumed."""
    in_term = found.value_in_term
    return {
        "present": amounts(found.present, currency),
        "other": amounts(found.other, currency),
        "saving": amounts(found.saving, currency),
        "transition": amounts(found.transition, currency),
        "break_even_months": list(found.break_even),
        "value_in_term": in_term and amounts(in_term, currency),
        "value_in_two_years": amounts(found.value_in_two_years, currency),
        "chance_to_save": round(found.chance_to_save, 4),
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


def inputs_of(recorded: Recorded) -> dict[str, Any]:
    """What is not None of it; amounts and hours as text."""
    told = {name: getattr(recorded, name) for name in Recorded.__dataclass_fields__}
    return {
        name: str(value) if isinstance(value, Decimal) else value
        for name, value in told.items()
        if value is not None
    }


def figures_again(money: Mapping[str, Any]) -> dict[str, Any] | None:
    """The figures of a stored switch from its own inputs and assumptions.

    None where nothing would be told of such inputs.
    """
    told = {row["code"]: row for row in money["assumed"]}
    assumptions = tuple(
        replace(
            one,
            triangle=Triangle(*told[one.code]["triangle"]),
            is_own=told[one.code]["is_own"],
        )
        if one.code in told
        else one
        for one in SWITCHING
    )
    found = switch(_recorded_in(money["inputs"]), assumptions)
    return figures_of(found, money["currency"]) if found else None


def _recorded_in(inputs: Mapping[str, Any]) -> Recorded:
    told: dict[str, Any] = {
        name: Decimal(value) if isinstance(value, str) else value
        for name, value in inputs.items()
    }
    return Recorded(**told)


def amounts(found: Range, currency: str) -> dict[str, str]:
    return {
        "p10": str(round_money(found.p10, currency)),
        "p50": str(round_money(found.p50, currency)),
        "p90": str(round_money(found.p90, currency)),
    }


def assumed(assumption: Assumption) -> dict[str, Any]:
    """An assumption as it is stored beside what followed from it."""
    triangle = assumption.triangle
    return {
        "code": assumption.code,
        "meaning": assumption.meaning,
        "figure": str(assumption),
        "triangle": [triangle.least, triangle.likely, triangle.most],
        "source": assumption.source,
        "dated_on": assumption.dated_on,
        "owner": assumption.owner,
        "is_own": assumption.is_own,
        "own_count": assumption.own_count,
        "own_of": assumption.own_of,
    }


def costs_of(
    *, engagements: QuerySet[Engagement], as_of: date, policy: Policy
) -> dict[int, Costed]:
    """The switch of each engagement that has three whole months of spend.

    By id; a number of queries that does not depend on how many there are.
    """
    scope = Scope(engagements, as_of, WINDOW_MONTHS)
    books, prices = books_of(scope), _prices(scope)
    assumptions = assumptions_by(policy, books, scope)
    found = {}
    for subject in books.subjects:
        costed = _costed(subject, books, prices, assumptions, as_of)
        if costed is not None:
            found[subject.pk] = costed
    return found


@dataclass(frozen=True)
class _Prices:
    """What else a switch is made of, by engagement or currency."""

    exit_charges: Mapping[int, Decimal]
    planned: Mapping[int, Decimal]
    rates: Mapping[str, Decimal]


def _prices(scope: Scope) -> _Prices:
    return _Prices(
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
    )


def _planned(scope: Scope) -> dict[int, Decimal]:
    rows = scope.engagements.filter(kind=Kind.AUGMENTED).order_by()
    return {
        pk: weekly * WEEKS_PER_MONTH
        for pk, weekly in rows.values_list("pk", "assignment__planned_weekly_hours")
        if weekly
    }


def _costed(
    subject: Subject,
    books: Books,
    prices: _Prices,
    assumptions: tuple[Assumption, ...],
    as_of: date,
) -> Costed | None:
    spent = books.spent.get(subject.pk)
    if spent is None:
        return None
    # From the first month that was paid: before it nothing was recorded.
    recorded = _recorded(subject, books, prices, spent, as_of)
    found = switch(recorded, assumptions)
    if found is None:
        return None
    return Costed(
        currency=subject.currency,
        first_month=spent.first,
        last_month=books.last,
        spent=spent.amount,
        reporting_spent=spent.reporting,
        hours_are_planned=subject.pk not in books.hours,
        found=found,
    )


def _recorded(
    subject: Subject, books: Books, prices: _Prices, spent: Spent, as_of: date
) -> Recorded:
    hours = books.hours.get(subject.pk)
    oversight = books.oversight.get(subject.pk)
    months = books.months_paid(subject.pk)
    monthly = hours[0] / months if hours else prices.planned.get(subject.pk)
    is_managed = subject.kind == Kind.MANAGED
    return Recorded(
        is_managed=is_managed,
        months=months,
        price=spent.amount / months,
        hours=monthly,
        people=None if is_managed else Decimal(1),
        manager_hours=oversight[0] / oversight[1] if oversight else None,
        manager_hour_cost=_hour_cost(subject, spent),
        market_rate=prices.rates.get(subject.currency) if is_managed else None,
        exit_charge=prices.exit_charges.get(subject.pk, Decimal(0)),
        remaining_months=_remaining(subject.until, as_of),
    )


def _hour_cost(subject: Subject, spent: Spent) -> Decimal | None:
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
