"""Credits that vendors agreed to and haven't given yet.

Spend knows nothing of service levels; what does registers here.
"""

from collections.abc import Callable, Collection, Mapping, Sequence

from tracker.spend.accrual import AgreedCredit

# Returns them by engagement id, in one query however many are asked for.
CreditsAgreed = Callable[[Collection[int]], Mapping[int, Sequence[AgreedCredit]]]

_SOURCES: list[CreditsAgreed] = []


def credits_agreed_from(read: CreditsAgreed) -> CreditsAgreed:
    """Register where credits come from."""
    if read not in _SOURCES:
        _SOURCES.append(read)
    return read


def credits_agreed(engagements: Collection[int]) -> dict[int, list[AgreedCredit]]:
    found: dict[int, list[AgreedCredit]] = {}
    for read in _SOURCES:
        for engagement, rows in read(engagements).items():
            found.setdefault(engagement, []).extend(rows)
    return found
