"""What was predicted of conversions, and what came of them by the ledger.

A conversion is of a group: those before, in one model, and those after, in the other.
Linked as predecessor and successor is one pair of them. The vendor's others for the
same service go along where they ended as *converted*, or began beside the successor,
within three months; successors of one vendor and service so close are one group. So
each engagement is in one group at most, and nothing is counted twice.

What is predicted and what is realised are alike: all that a model costs a month, by the
ledger and with the time of our own managers as the assessments reckon it. The fit page
and the savings both tell what is found here.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any

from django.db.models import F, QuerySet, Sum
from django.utils import timezone

from engagements.choices import ChargeKind, EndReason, Status
from engagements.models import Engagement, User
from engagements.permissions import engagement_scope
from engagements.values.money import round_money
from engagements.values.periods import (
    add_months,
    last_day_of_month,
    month_of,
    months_between,
)
from tracker.fit.models import Assessment
from tracker.fit.queries import HAPPENED
from tracker.spend.models import MonthlySpend, Saving, SavingStatus
from tracker.spend.queries import SpendWhere, engagements_where

# So far from a successor's first day others count as converted with it.
NEAR_MONTHS = 3
# A conversion's saving is claimed, and followed, for so many whole months.
CLAIMED_MONTHS = 12
OVER = (Status.ENDED, Status.TERMINATED)
# Reasons that leave open whether the conversion was why.
UNTOLD = ("", EndReason.OTHER, EndReason.NOT_RENEWED)
NOTHING = Decimal(0)
Key = tuple[int, int | None, str, int]


class Hidden(StrEnum):
    """Why nothing is told of what came of a conversion."""

    NOT_ASSESSED = "not_assessed"
    CURRENCIES = "currencies"
    UNTOLD_ENDS = "untold_ends"
    TOO_EARLY = "too_early"


@dataclass
class Group:
    """Those before and after; the first after is the linked successor it is named by.

    `untold` are the vendor's others for the service that ended at the time for no
    reason that tells whether they were converted.
    """

    before: list[Engagement]
    after: list[Engagement]
    since: date
    untold: int = 0

    @property
    def successor(self) -> Engagement:
        return self.after[0]

    @property
    def members(self) -> list[Engagement]:
        return [*self.before, *self.after]

    def told_until(self, before: Engagement) -> date:
        """Return the day by which what one of those before cost was last assessed."""
        ended = before.ends_on if before.status in OVER else None
        return min(self.since, ended or self.since)

    @property
    def first_month(self) -> date:
        """The first whole month after the conversion."""
        first = month_of(self.since)
        return first if first == self.since else add_months(first, 1)

    @property
    def last_month(self) -> date:
        return add_months(self.first_month, CLAIMED_MONTHS - 1)


@dataclass(frozen=True)
class Outcome:
    """What came of a group; amounts in the successor's currency.

    `predicted` are the 10th, 50th and 90th of the saving a month, as last assessed
    before the successor began. `months` are the whole months since, each with what
    those before cost then, less what all cost in it: the ledger's sum, and what the
    assessments of those after add to it. None, or empty, where `hidden` says why.
    """

    currency: str
    predicted: tuple[Decimal, Decimal, Decimal] | None
    months: Mapping[date, Decimal] = field(default_factory=dict)
    hidden: Hidden | None = None

    @property
    def claimed(self) -> Decimal | None:
        """What is claimed of it, where it was to save anything."""
        if self.predicted is None or self.predicted[1] <= 0:
            return None
        return self.predicted[1] * CLAIMED_MONTHS

    @property
    def realised(self) -> Decimal | None:
        """What was saved a month, on average of the months told."""
        if not self.months:
            return None
        total = sum(self.months.values(), NOTHING)
        return round_money(total / len(self.months), self.currency)


@dataclass(frozen=True)
class Converted:
    """A conversion as a reader is told of it; amounts in the successor's currency.

    `claimed` and `saved` are those of its saving, None where none is claimed.
    `fitted` is the share for each one's own model, the mean where there are several.
    """

    before: Sequence[str]
    after: Sequence[str]
    successor: int
    since: date
    outcome: Outcome
    untold: int
    claimed: Decimal | None
    saved: Decimal | None
    fitted_before: float | None
    fitted_after: float | None

    @property
    def is_within(self) -> bool | None:
        """Whether the saving came to lie where it was predicted."""
        predicted, realised = self.outcome.predicted, self.outcome.realised
        if predicted is None or realised is None:
            return None
        low, _middle, high = predicted
        return low <= realised <= high


def saving_key(group: Group) -> str:
    """Return what names a conversion's saving: the decision that it came from."""
    return f"conversion:{group.successor.pk}"


def conversions(user: User, where: SpendWhere | None = None) -> list[Converted]:
    """Those of which the user may see all members and their money; fixed in queries.

    `where` keeps those with one member at least among its records.
    """
    found = groups_converted()
    members = [one.pk for group in found for one in group.members]
    if not members:
        return []
    asked = _ids(engagements_where(user, where or SpendWhere()), members)
    mine = engagement_scope(user, with_money=True)
    seen = _ids(Engagement.objects.filter(mine), members)
    groups = [
        group
        for group in found
        if _is_of(group, asked) and all(one.pk in seen for one in group.members)
    ]
    known = _known(groups)
    outcomes = outcomes_of(groups, known, today=timezone.localdate())
    savings = {
        saving.source_key: saving
        for saving in Saving.objects.filter(source_key__in=map(saving_key, groups))
        .exclude(status=SavingStatus.WITHDRAWN)
        .with_realised()
    }
    told = [
        _converted(group, outcome, known, savings.get(saving_key(group)))
        for group, outcome in zip(groups, outcomes, strict=True)
    ]
    return sorted(told, key=lambda one: (-one.since.toordinal(), one.after))


def _ids(engagements: QuerySet[Engagement], among: Collection[int]) -> set[int]:
    rows = engagements.filter(pk__in=among).order_by()
    return set(rows.values_list("pk", flat=True))


def _is_of(group: Group, ids: Collection[int]) -> bool:
    return any(one.pk in ids for one in group.members)


# --- groups ------------------------------------------------------------------------


def groups_converted() -> list[Group]:
    """Return all conversions, each engagement in one at most; two queries."""
    successors = list(
        Engagement.objects.filter(status__in=HAPPENED, predecessor__status__in=HAPPENED)
        .exclude(kind=F("predecessor__kind"))
        .select_related("predecessor")
        .order_by("starts_on", "pk")
    )
    by_key: dict[tuple[Key, Key], list[Group]] = defaultdict(list)
    for successor in successors:
        if successor.predecessor is not None:
            _place(by_key, successor.predecessor, successor)
    _gather(by_key, {one.pk for group in _all(by_key) for one in group.members})
    return list(_all(by_key))


def _all(by_key: Mapping[Any, Sequence[Group]]) -> Iterator[Group]:
    return (group for groups in by_key.values() for group in groups)


def _key(engagement: Engagement) -> Key:
    """Return what others of a group share; alone where no service is named."""
    alone = engagement.pk if engagement.service_id is None else 0
    return engagement.vendor_id, engagement.service_id, engagement.kind, alone


def _place(
    by_key: dict[tuple[Key, Key], list[Group]], before: Engagement, after: Engagement
) -> None:
    """Open a group, or join the one that began shortly before."""
    groups = by_key[_key(before), _key(after)]
    if groups and _is_near(after.starts_on, groups[-1].after[-1].starts_on):
        groups[-1].before.append(before)
        groups[-1].after.append(after)
    else:
        groups.append(Group([before], [after], after.starts_on))


def _is_near(day: date, other: date) -> bool:
    first, last = sorted((day, other))
    return last <= add_months(first, NEAR_MONTHS)


def _gather(
    by_key: Mapping[tuple[Key, Key], Sequence[Group]], linked: Collection[int]
) -> None:
    """Let the vendors' others for the same services go along."""
    ending: dict[Key, list[Group]] = defaultdict(list)
    beginning: dict[Key, list[Group]] = defaultdict(list)
    for (before, after), groups in by_key.items():
        ending[before] += groups
        beginning[after] += groups
    keys = [key for key in {*ending, *beginning} if key[1] is not None]
    others = (
        Engagement.objects.filter(
            status__in=HAPPENED,
            vendor__in={key[0] for key in keys},
            service__in={key[1] for key in keys},
        )
        .exclude(pk__in=linked)
        .order_by("starts_on", "pk")
    )
    for other in others:
        key = _key(other)
        if not _goes_with(other, ending[key]):
            _comes_with(other, beginning[key])


def _goes_with(other: Engagement, groups: Sequence[Group]) -> bool:
    """Tell whether it ended with one of the groups, and let it go along."""
    ended = other.ends_on or other.term_ends_on
    if other.status not in OVER or ended is None:
        return False
    near = [
        group
        for group in groups
        if other.starts_on < group.since and _is_near(ended, group.since)
    ]
    if not near:
        return False
    nearest = min(near, key=lambda group: abs((group.since - ended).days))
    if other.end_reason == EndReason.CONVERTED:
        nearest.before.append(other)
    elif other.end_reason in UNTOLD:
        nearest.untold += 1
    return other.end_reason == EndReason.CONVERTED


def _comes_with(other: Engagement, groups: Sequence[Group]) -> None:
    near = [group for group in groups if _is_near(other.starts_on, group.since)]
    if near and other.predecessor_id is None:
        nearest = min(near, key=lambda group: abs((group.since - other.starts_on).days))
        nearest.after.append(other)


# --- what came of them -------------------------------------------------------------


@dataclass(frozen=True)
class _Known:
    as_of: date
    opposition: float
    money: Mapping[str, Any] | None


Assessed = Mapping[int, Sequence[_Known]]


def outcomes_of(
    groups: Sequence[Group], known: Assessed | None = None, *, today: date
) -> list[Outcome]:
    """Return what was predicted of each group and what came of it, by the day."""
    known = _known(groups) if known is None else known
    spent = _spent(groups, today)
    return [_outcome(group, known, spent, today) for group in groups]


def _known(groups: Sequence[Group]) -> Assessed:
    """Return the assessments of all members, the latest first."""
    rows = (
        Assessment.objects.filter(
            engagement__in=[one.pk for group in groups for one in group.members]
        )
        .order_by("-as_of", "-policy__version")
        .values_list("engagement_id", "as_of", "opposition", "money")
    )
    known: dict[int, list[_Known]] = defaultdict(list)
    for engagement, as_of, opposition, money in rows:
        known[engagement].append(_Known(as_of, opposition, money))
    return known


def _spent(groups: Sequence[Group], today: date) -> Mapping[tuple[int, date], Decimal]:
    """Return what each member cost in months that are over, without tax."""
    first = min((group.first_month for group in groups), default=today)
    rows = (
        MonthlySpend.objects.filter(
            engagement__in=[one.pk for group in groups for one in group.members],
            month__gte=first,
            month__lt=month_of(today),
        )
        .exclude(charge_kind=ChargeKind.TAX)
        .order_by()
        .values_list("engagement_id", "month")
        .annotate(total=Sum("amount"))
    )
    return {(engagement, month): total for engagement, month, total in rows}


def _outcome(
    group: Group,
    known: Assessed,
    spent: Mapping[tuple[int, date], Decimal],
    today: date,
) -> Outcome:
    currency = group.successor.currency
    if any(one.currency != currency for one in group.members):
        return Outcome(currency, None, hidden=Hidden.CURRENCIES)
    moneys = [_money_before(one, group, known) for one in group.before]
    told = [m for m in moneys if m is not None and m["currency"] == currency]
    if len(told) < len(moneys):
        return Outcome(currency, None, hidden=Hidden.NOT_ASSESSED)
    predicted = _predicted(told)
    if group.untold:
        return Outcome(currency, predicted, hidden=Hidden.UNTOLD_ENDS)
    if not all(_assessed(one, known) for one in group.after):
        return Outcome(currency, predicted, hidden=Hidden.TOO_EARLY)
    cost = sum((Decimal(money["present"]["p50"]) for money in told), NOTHING)
    months = dict(_months(group, cost, known, spent, today))
    return Outcome(currency, predicted, months, None if months else Hidden.TOO_EARLY)


def _money_before(
    one: Engagement, group: Group, known: Assessed
) -> Mapping[str, Any] | None:
    """Return what it cost and was to cost, as last assessed while it ran."""
    until = group.told_until(one)
    return next((k.money for k in known.get(one.pk, []) if k.as_of <= until), None)


def _predicted(
    moneys: Sequence[Mapping[str, Any]],
) -> tuple[Decimal, Decimal, Decimal]:
    """Return the sums; all may turn out low together, or all high."""
    low, middle, high = (
        sum((Decimal(money["saving"][name]) for money in moneys), NOTHING)
        for name in ("p10", "p50", "p90")
    )
    return low, middle, high


def _months(
    group: Group,
    cost_before: Decimal,
    known: Assessed,
    spent: Mapping[tuple[int, date], Decimal],
    today: date,
) -> Iterator[tuple[date, Decimal]]:
    """Yield each whole month that is over and of which those after cost anything."""
    last = min(group.last_month, add_months(month_of(today), -1))
    if last < group.first_month:
        return
    for month in months_between(group.first_month, last_day_of_month(last)):
        running = [one for one in group.after if spent.get((one.pk, month))]
        if running:
            cost = sum(
                (spent.get((one.pk, month), NOTHING) for one in group.members), NOTHING
            )
            added = sum((_added(one, month, group, known) for one in running), NOTHING)
            saved = cost_before - cost - added
            yield month, round_money(saved, group.successor.currency)


def _assessed(one: Engagement, known: Assessed) -> list[tuple[date, Decimal]]:
    """Return by day, the latest first, what it costs a month beside its bills."""
    return [
        (each.as_of, _beside_bills(each.money))
        for each in known.get(one.pk, [])
        if each.money is not None and each.money["currency"] == one.currency
    ]


def _beside_bills(money: Mapping[str, Any]) -> Decimal:
    return Decimal(money["present"]["p50"]) - Decimal(money["inputs"]["price"])


def _added(one: Engagement, month: date, group: Group, known: Assessed) -> Decimal:
    """Return what a month cost beside its bills, as assessed in the month after it.

    The first months are assessed together, once there are three. The last word of a
    month is what is kept of its assessments, so it is the same whenever it is asked.
    """
    assessed = _assessed(one, known)
    told_in = max(add_months(month, 1), add_months(group.first_month, 3))
    until = last_day_of_month(told_in)
    found = next((added for as_of, added in assessed if as_of <= until), None)
    return assessed[-1][1] if found is None else found


def _converted(
    group: Group, outcome: Outcome, known: Assessed, saving: Saving | None
) -> Converted:
    before = [
        next((k for k in known.get(one.pk, []) if k.as_of <= group.since), None)
        for one in group.before
    ]
    after = [next(iter(known.get(one.pk, [])), None) for one in group.after]
    return Converted(
        before=[str(one) for one in group.before],
        after=[str(one) for one in group.after],
        successor=group.successor.pk,
        since=group.since,
        outcome=outcome,
        untold=group.untold,
        claimed=None if saving is None else saving.claimed_amount,
        saved=None if saving is None else saving.realised,
        fitted_before=_fitted(before),
        fitted_after=_fitted(after),
    )


def _fitted(found: Sequence[_Known | None]) -> float | None:
    shares = [1 - known.opposition for known in found if known is not None]
    return sum(shares) / len(shares) if shares else None
