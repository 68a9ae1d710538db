"""Credits that vendors granted and have not given yet.

Spend knows nothing of service levels; what does registers here.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal


@dataclass(frozen=True)
class AgreedCredit:
    """An amount in the engagement's currency, granted on a day."""

    engagement: int
    amount: Decimal
    agreed_on: date


# Returns the credits of some engagements, in one query.
CreditSource = Callable[[Collection[int]], Iterable[AgreedCredit]]

_SOURCES: list[CreditSource] = []


def agreed_credits_from(source: CreditSource) -> CreditSource:
    """Register where agreed credits are found; once however often it is said."""
    if source not in _SOURCES:
        _SOURCES.append(source)
    return source


def agreed_credits(engagement_ids: Collection[int]) -> list[AgreedCredit]:
    return [credit for source in _SOURCES for credit in source(engagement_ids)]
