"""What was predicted of a conversion, and what came of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import F, Q

from engagements.models import Engagement, User
from engagements.permissions import engagement_scope
from tracker.fit.models import Assessment
from tracker.fit.queries import HAPPENED
from tracker.spend.queries import SpendWhere, engagements_where


@dataclass(frozen=True)
class Converted:
    """A conversion by its successor; amounts a month, in the successor's currency.

    `predicted` are the 10th, 50th and 90th of the saving, as last assessed before the
    successor began; `realised` is what both models cost by their own records, the one
    before less the one after.  None where too little is recorded yet, or where the
    currencies differ.  `fitted` is the share for each one's own model.
    """

    before: str
    after: str
    successor: int
    since: date
    currency: str
    predicted: tuple[Decimal, Decimal, Decimal] | None
    realised: Decimal | None
    fitted_before: float | None
    fitted_after: float | None

    @property
    def is_within(self) -> bool | None:
        """Whether the saving came to lie where it was predicted."""
        if self.predicted is None or self.realised is None:
            return None
        low, _middle, high = self.predicted
        return low <= self.realised <= high


def conversions(user: User, where: SpendWhere | None = None) -> list[Converted]:
    """Those of which the user may see both ends and their money; two queries.

    `where` keeps those with one end at least among its records.
    """
    asked = engagements_where(user, where or SpendWhere()).values("pk")
    scope = {
        "pk__in": Engagement.objects.filter(engagement_scope(user, with_money=True)),
        "predecessor__in": Engagement.objects.filter(
            engagement_scope(user, with_money=True)
        ),
    }
    successors = list(
        Engagement.objects.filter(status__in=HAPPENED, **scope)
        .filter(Q(pk__in=asked) | Q(predecessor__in=asked))
        .exclude(kind=F("predecessor__kind"))
        .select_related("predecessor")
        .order_by("-starts_on", "reference")
    )
    ends = {one.pk for one in successors} | {one.predecessor_id for one in successors}
    rows = (
        Assessment.objects.filter(engagement__in=ends)
        .order_by("-as_of", "-policy__version")
        .values_list("engagement_id", "as_of", "opposition", "money")
    )
    known: dict[int, list[_Known]] = {}
    for engagement, as_of, opposition, money in rows:
        known.setdefault(engagement, []).append(_Known(as_of, opposition, money))
    return [_converted(successor, known) for successor in successors]


@dataclass(frozen=True)
class _Known:
    as_of: date
    opposition: float
    money: Mapping[str, Any] | None


def _converted(
    successor: Engagement, known: Mapping[int, Sequence[_Known]]
) -> Converted:
    predecessor = successor.predecessor
    earlier = known.get(predecessor.pk, []) if predecessor else []
    before = next((k for k in earlier if k.as_of <= successor.starts_on), None)
    after = next(iter(known.get(successor.pk, [])), None)
    return Converted(
        before=str(predecessor),
        after=str(successor),
        successor=successor.pk,
        since=successor.starts_on,
        currency=successor.currency,
        predicted=_predicted(before, successor.currency),
        realised=_realised(before, after, successor.currency),
        fitted_before=None if before is None else 1 - before.opposition,
        fitted_after=None if after is None else 1 - after.opposition,
    )


def _predicted(
    before: _Known | None, currency: str
) -> tuple[Decimal, Decimal, Decimal] | None:
    if before is None or before.money is None or before.money["currency"] != currency:
        return None
    saving = before.money["saving"]
    return Decimal(saving["p10"]), Decimal(saving["p50"]), Decimal(saving["p90"])


def _realised(
    before: _Known | None, after: _Known | None, currency: str
) -> Decimal | None:
    moneys = [known.money for known in (before, after) if known is not None]
    if len(moneys) < 2:
        return None
    costs = [
        Decimal(money["present"]["p50"])
        for money in moneys
        if money is not None and money["currency"] == currency
    ]
    return costs[0] - costs[1] if len(costs) == 2 else None
