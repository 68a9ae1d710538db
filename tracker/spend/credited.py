"""What credit notes take back of an invoice, by engagement and line: pure.

Amounts are in the invoice's currency. Tax is held apart, since it is no spend and is
often billed, and credited, in one line for all engagements.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import NamedTuple

NOTHING = Decimal(0)
# As `engagements.choices.ChargeKind` stores it.
TAX = "tax"


class Share(NamedTuple):
    """What one line bills or, below 0, takes back."""

    engagement: int
    charge: str
    first: date
    last: date
    amount: Decimal

    def is_within(self, other: "Share") -> bool:
        """Whether it is for the other's charge, in no other days."""
        return (
            (self.engagement, self.charge) == (other.engagement, other.charge)
            and other.first <= self.first
            and self.last <= other.last
        )


def are_credited(billed: Sequence[Share], taken: Sequence[Share]) -> list[bool]:
    """Return for each line of an invoice whether `taken` leaves nothing of it.

    A note's line doesn't say which one it takes back. Nothing is left where notes took
    back all that the invoice bills for the engagement, or for the line's charge in its
    period. The database holds the same (`invoice_guards.py`).
    """
    left = left_of_engagements(billed, taken)
    credited = {share.engagement for share in taken if share.charge != TAX}
    return [
        share.amount > 0
        and (
            (
                share.charge != TAX
                and share.engagement in credited
                and left[share.engagement] <= 0
            )
            or _is_taken_back_in_its_period(share, billed, taken)
        )
        for share in billed
    ]


def _is_taken_back_in_its_period(
    share: Share, billed: Iterable[Share], taken: Iterable[Share]
) -> bool:
    back = [one.amount for one in taken if one.is_within(share)]
    charged = [one.amount for one in billed if one.is_within(share)]
    return bool(back) and sum(charged, NOTHING) + sum(back, NOTHING) <= 0


def left_of_engagements(
    billed: Iterable[Share], taken: Iterable[Share]
) -> Mapping[int | None, Decimal]:
    """Return what is left to credit by engagement, and of tax under None."""
    left: dict[int | None, Decimal] = defaultdict(Decimal)
    for share in (*billed, *taken):
        left[None if share.charge == TAX else share.engagement] += share.amount
    return left
