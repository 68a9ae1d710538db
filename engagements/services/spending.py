"""Whether there is money for what is asked for or agreed.

The records of what was agreed know nothing of budgets; what does registers here.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import Enum

from engagements.choices import Status
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


# Set while somebody listens; services between need not hand the sentences through.
_heard: ContextVar[list[str] | None] = ContextVar("heard_of_money", default=None)


@contextmanager
def hearing_of_money() -> Iterator[list[str]]:
    """Gather what budgets warn of within the block, each sentence once.

    Of two that listen, one within the other, the inner one hears it. A step that is
    undone has warned all the same: the caller knows how it ended.
    """
    heard: list[str] = []
    token = _heard.set(heard)
    try:
        yield heard
    finally:
        _heard.reset(token)


def warn_of_money(warnings: Iterable[str]) -> None:
    """Tell whoever listens what the budgets let pass."""
    heard = _heard.get()
    if heard is not None:
        heard.extend(one for one in warnings if one not in heard)


def heard_of_money() -> list[str]:
    """Return what has been heard so far; nothing where nobody listens."""
    return list(_heard.get() or ())


def check_may_spend(
    engagement: Engagement, moment: Moment, before: Cost | None = None
) -> None:
    """Raise OverBudgetError, with the figures, where the money stops it.

    What only warns is told to whoever listens (`hearing_of_money`). Called within the
    transaction of the step, which it undoes. `before` is what the engagement came to
    before the step, where it did already.
    """
    for purse in _PURSES:
        warn_of_money(purse.check(Spending(engagement, moment, before)))


# What takes effect as soon as it is asked for is held against the money as both.
AT_ONCE = (Moment.REQUEST, Moment.ORDER)


@contextmanager
def holding_money(
    engagement: Engagement, *, agreed_by: ChangeOrder | None = None
) -> Iterator[None]:
    """Hold what the block adds to an active engagement against the money.

    Raises what `check_may_spend` raises. What a change order agreed to was held
    against it with the order.
    """
    if agreed_by is not None or engagement.status != Status.ACTIVE:
        yield
        return
    before = cost_of(engagement)
    yield
    changed = Engagement.objects.get(pk=engagement.pk)
    for moment in AT_ONCE:
        check_may_spend(changed, moment, before)


def money_warnings(
    engagement: Engagement, *moments: Moment, before: Cost | None = None
) -> list[str]:
    """Return what the step would be told of the money, refusals among it."""
    found = (
        sentence
        for moment in moments
        for sentence in _looked(Spending(engagement, moment, before, is_look=True))
    )
    return list(dict.fromkeys(found))


def _looked(spending: Spending) -> Iterable[str]:
    for purse in _PURSES:
        yield from purse.check(spending)
