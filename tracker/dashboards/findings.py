"""The sentence on top of the finance page: what the newest month says."""

from collections.abc import Mapping
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from engagements.values.periods import add_months, month_of
from tracker.dashboards.notation import Notation
from tracker.dashboards.periods import Period

WHOLE_PERCENT = Decimal("0.01")
# Nearer than this, a month is on budget.
NEAR_BUDGET = Decimal("0.005")


def finding(
    totals: Mapping[date, Decimal],
    *,
    period: Period,
    today: date,
    subject: str,
    notation: Notation,
    budgets: Mapping[date, Decimal] | None = None,
) -> str:
    """Return the sentence; `totals` may reach a month before the period.

    A month with a budget is held against it, another against the month before.

    A month that still runs is named only when nothing older can be, since half a
    month against a whole one says nothing.
    """
    months = [month for month, total in totals.items() if total and period.holds(month)]
    complete = [month for month in months if month < month_of(today)]
    budgeted = [month for month in complete if (budgets or {}).get(month)]
    if budgets and budgeted and max(budgeted) == max(complete):
        month = max(budgeted)
        name = _name(month, today, notation)
        return _against_budget(totals[month], budgets[month], name, subject, notation)
    if complete:
        return _complete_month(max(complete), totals, today, subject, notation)
    if months:
        month = max(months)
        amount = notation.short(totals[month])
        name = _name(month, today, notation)
        return f"{subject} is {amount} so far in {name}"
    return f"No {_lower_first(subject)} is recorded{_within(period, notation)}"


def _complete_month(
    month: date,
    totals: Mapping[date, Decimal],
    today: date,
    subject: str,
    notation: Notation,
) -> str:
    amount = notation.short(totals[month])
    change = _change(
        totals[month],
        totals.get(add_months(month, -1), Decimal(0)),
        _name(add_months(month, -1), today, notation),
        notation,
    )
    return f"{subject} was {amount} in {_name(month, today, notation)}, {change}"


def _against_budget(
    spent: Decimal, budget: Decimal, name: str, subject: str, notation: Notation
) -> str:
    over = spent - budget
    amount = notation.short(spent)
    if abs(over) < budget * NEAR_BUDGET:
        return f"{subject} was on budget in {name}, at {amount}"
    word = "over" if over > 0 else "under"
    difference = notation.short(abs(over))
    return f"{subject} was {difference} {word} budget in {name}, at {amount}"


def _change(now: Decimal, before: Decimal, name: str, notation: Notation) -> str:
    if not before:
        return f"after none in {name}"
    if now == before:
        return f"the same as in {name}"
    word = "more" if now > before else "less"
    if now < 0 or before < 0:
        return f"{notation.short(abs(now - before))} {word} than in {name}"
    share = (abs(now - before) / before).quantize(WHOLE_PERCENT, ROUND_HALF_UP)
    if not share:
        return f"about the same as in {name}"
    return f"{notation.percent(share)} {word} than in {name}"


def _name(month: date, today: date, notation: Notation) -> str:
    return notation.month_name(month, with_year=month.year != today.year)


def _within(period: Period, notation: Notation) -> str:
    if period.first and period.last:
        return f" for {period_text(period, notation)}"
    return " yet"


def period_text(period: Period, notation: Notation) -> str:
    """Return the period in words, such as “Dec 2025 to Nov 2026”, with a dash."""
    if period.first and period.last:
        if period.first == period.last:
            return notation.month_name(period.first)
        first, last = notation.month(period.first), notation.month(period.last)
        return f"{first} \N{EN DASH} {last}"
    if period.first:
        return f"from {notation.month(period.first)}"
    if period.last:
        return f"until {notation.month(period.last)}"
    return "all months"


def _lower_first(text: str) -> str:
    return text[:1].lower() + text[1:]
