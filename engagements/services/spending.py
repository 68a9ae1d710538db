"""Whether there is money for what is asked for or agreed.

The records of what was agreed know nothing of budgets; what does registers here.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import Enum

from engagements.models import ChangeOrder, Engagement


class Moment(Enum):
    """When money is looked at: asked for, agreed to, or billed."""

    REQUEST = "request"
    ORDER = "order"
    ACTUAL = "actual"


# What an engagement comes to, by the cost centre and month that pay, in the reporting
# currency.
Cost = Mapping[tuple[int, date], Decimal]


@dataclass(frozen=True)
class Spending:
    """An engagement that is to cost something, or more than `before`."""

    engagement: Engagement
    moment: Moment
    before: Cost | None = None
    # A look ahead refuses nothing and locks nothing.
    is_look: bool = False


@dataclass(frozen=True)
class Purse:
    """`cost` tells what an engagement comes to, all but a change order.

    `check` returns warnings, and raises OverBudgetError where the money stops.
    """

    cost: Callable[[Engagement, ChangeOrder | None], Cost]
    check: Callable[[Spending], list[str]]


_PURSES: list[Purse] = []


def money_from(purse: Purse) -> Purse:
    """Register who knows of the money there is; the last one registered counts."""
    _PURSES[:] = [purse]
    return purse


def cost_of(engagement: Engagement, *, without: ChangeOrder | None = None) -> Cost:
    """Return what it comes to by its records now; nothing where nobody knows.

    `without` is a change order whose change of value is left out.
    """
    return _PURSES[0].cost(engagement, without) if _PURSES else {}


def check_may_spend(
    engagement: Engagement, moment: Moment, before: Cost | None = None
) -> None:
    """Raise OverBudgetError, with the figures, where the money stops it.

    Called within the transaction of the step, which it undoes. `before` is what the
    engagement came to before the step, where it did already.
    """
    for purse in _PURSES:
        purse.check(Spending(engagement, moment, before))


def money_warnings(engagement: Engagement, moment: Moment) -> list[str]:
    """Return what the step would be told of the money, refusals among it."""
    return list(_looked(engagement, moment))


def _looked(engagement: Engagement, moment: Moment) -> Iterable[str]:
    for purse in _PURSES:
        yield from purse.check(Spending(engagement, moment, is_look=True))
