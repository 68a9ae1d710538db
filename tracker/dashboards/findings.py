"""The sentence on top of the finance page: what the newest month says."""

from collections.abc import Mapping
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from django.utils.translation import gettext as _

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
        return _("%(subject)s is %(amount)s so far in %(month)s") % {
            "subject": subject,
            "amount": amount,
            "month": name,
        }
    if period.first and period.last:
        return _("No %(subject)s is recorded for %(period)s") % {
            "subject": _within_sentence(subject, notation),
            "period": period_text(period, notation),
        }
    return _("No %(subject)s is recorded yet") % {
        "subject": _within_sentence(subject, notation)
    }


def _within_sentence(subject: str, notation: Notation) -> str:
    # In German a noun keeps its capital.
    if notation.locale.startswith("de"):
        return subject
    return subject[:1].lower() + subject[1:]


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
    return _("%(subject)s was %(amount)s in %(month)s, %(change)s") % {
        "subject": subject,
        "amount": amount,
        "month": _name(month, today, notation),
        "change": change,
    }


def _against_budget(
    spent: Decimal, budget: Decimal, name: str, subject: str, notation: Notation
) -> str:
    over = spent - budget
    said = {
        "subject": subject,
        "month": name,
        "amount": notation.short(spent),
        "difference": notation.short(abs(over)),
    }
    if abs(over) < budget * NEAR_BUDGET:
        return _("%(subject)s was on budget in %(month)s, at %(amount)s") % said
    if over > 0:
        return (
            _("%(subject)s was %(difference)s over budget in %(month)s, at %(amount)s")
            % said
        )
    return (
        _("%(subject)s was %(difference)s under budget in %(month)s, at %(amount)s")
        % said
    )


def _change(now: Decimal, before: Decimal, name: str, notation: Notation) -> str:
    if not before:
        return _("after none in %(month)s") % {"month": name}
    if now == before:
        return _("the same as in %(month)s") % {"month": name}
    if now < 0 or before < 0:
        return _more_or_less(now > before, notation.short(abs(now - before)), name)
    share = (abs(now - before) / before).quantize(WHOLE_PERCENT, ROUND_HALF_UP)
    if not share:
        return _("about the same as in %(month)s") % {"month": name}
    return _more_or_less(now > before, notation.percent(share), name)


def _more_or_less(is_more: bool, amount: str, name: str) -> str:
    words = (
        _("%(amount)s more than in %(month)s")
        if is_more
        else _("%(amount)s less than in %(month)s")
    )
    return words % {"amount": amount, "month": name}


def _name(month: date, today: date, notation: Notation) -> str:
    return notation.month_name(month, with_year=month.year != today.year)


def period_text(period: Period, notation: Notation) -> str:
    """Return the period in words, such as “Dec 2025 to Nov 2026”, with a dash."""
    if period.first and period.last:
        if period.first == period.last:
            return notation.month_name(period.first)
        first, last = notation.month(period.first), notation.month(period.last)
        return f"{first} \N{EN DASH} {last}"
    if period.first:
        return _("from %(month)s") % {"month": notation.month(period.first)}
    if period.last:
        return _("until %(month)s") % {"month": notation.month(period.last)}
    return _("all months")
