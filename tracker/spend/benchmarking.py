"""What contractors cost beside others of their role, and beside published rates.

Every rate is told per hour in the reporting currency, at the exchange rate of one
named day. Percentiles of our own rates are of those that the reader may see anyway, and
only from five on.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

from django.conf import settings
from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.utils.translation import gettext as _

from engagements.choices import RateUnit, Status
from engagements.models import Assignment, RateTerm
from engagements.permissions import engagement_scope, sees_money
from engagements.values.money import round_money
from tracker.spend.fx import Rates
from tracker.spend.models import BenchmarkRate, BenchmarkSet, RoleBenchmark
from tracker.spend.percentiles import FEWEST, Percentiles, part_below, percentiles
from tracker.spend.uncounted import Uncounted, uncounted

if TYPE_CHECKING:
    from engagements.models import User

SUGGESTED = 5
# Below this likeness a suggestion only misleads.
LIKENESS = 0.6
EVERY = Q()


def folded(role: str) -> str:
    return " ".join(role.split()).casefold()


@dataclass(frozen=True)
class Peers:
    """Contractors of one role, level and place."""

    role: str
    level: str
    place: str


@dataclass(frozen=True)
class HourlyRate:
    """What an hour of one contractor costs, in the reporting currency."""

    assignment: Assignment
    amount: Decimal

    @property
    def peers(self) -> Peers:
        one = self.assignment
        return Peers(folded(one.role), one.level, one.place)


@dataclass(frozen=True)
class Published:
    """A labour category's rates per hour in the reporting currency, and whence."""

    rate: BenchmarkRate
    p25: Decimal
    p50: Decimal
    p75: Decimal

    def position(self, hourly: Decimal) -> str:
        """Say where an hourly rate lies to the middle half of the published ones."""
        if hourly < self.p25:
            return _("below")
        if hourly > self.p75:
            return _("above")
        return _("within")

    @property
    def benchmark_set(self) -> BenchmarkSet:
        return self.rate.benchmark_set


@dataclass(frozen=True)
class Comparison:
    """One contractor's rate beside others; None where there are too few of them."""

    hourly: HourlyRate
    own: Percentiles | None
    part_below: Decimal | None
    published: Sequence[Published]


@dataclass(frozen=True)
class Comparisons:
    """Contractors' rates beside others; `uncounted` has no exchange rate that day."""

    rows: Sequence[Comparison] = ()
    uncounted: Sequence[Uncounted] = ()


def comparisons(user: User, *, on: date, narrowed: Q | None = None) -> Comparisons:
    """Return contractors at work whose rates the reader may see, by four queries.

    `narrowed` keeps some of them; percentiles are of all.
    """
    if not sees_money(user):
        return Comparisons()
    rates = Rates()
    hourly, left_out = _hourly(user, on, rates)
    by_peers: dict[Peers, list[Decimal]] = defaultdict(list)
    for one in hourly:
        by_peers[one.peers].append(one.amount)
    chosen, sets_left_out = _chosen(rates, on)
    kept = _kept(user, narrowed) if narrowed is not None else None
    rows = [
        _comparison(one, by_peers[one.peers], chosen)
        for one in hourly
        if kept is None or one.assignment.pk in kept
    ]
    return Comparisons(rows, [*left_out, *sets_left_out])


def comparison_of(user: User, assignment: Assignment, *, on: date) -> Comparison | None:
    """Return how one contractor's rate compares; reads those of its role alone.

    Raises MissingRateError where none is known for its own currency.
    """
    if not sees_money(user):
        return None
    rates = Rates()
    rates.on(assignment.currency, on)
    peers, _left_out = _hourly(user, on, rates, Q(role__iexact=assignment.role))
    found = [one for one in peers if one.assignment.pk == assignment.pk]
    if not found:
        return None
    others = [one.amount for one in peers if one.peers == found[0].peers]
    chosen, _sets = _chosen(rates, on)
    return _comparison(found[0], others, chosen)


def _at_work(user: User) -> QuerySet[Assignment]:
    return QuerySet(Assignment).filter(
        engagement_scope(user, with_money=True), status=Status.ACTIVE
    )


def _kept(user: User, narrowed: Q) -> set[int]:
    return set(_at_work(user).filter(narrowed).values_list("pk", flat=True))


def _hourly(
    user: User, on: date, rates: Rates, of: Q = EVERY
) -> tuple[list[HourlyRate], list[Uncounted]]:
    """Return what hours cost, and beside it what no exchange rate is known for."""
    in_force = RateTerm.objects.filter(
        assignment=OuterRef("pk"), starts_on__lte=on
    ).order_by("-starts_on")
    rows = (
        _at_work(user)
        .annotate(term_id=Subquery(in_force.values("pk")[:1]))
        .filter(of, term_id__isnull=False)
        .exclude(role="")
        .select_related("contractor", "vendor")
        .order_by("role", "level", "reference")
    )
    found = list(rows)
    terms = RateTerm.objects.in_bulk([row.term_id for row in found])
    hourly = [
        HourlyRate(
            row,
            _converted(terms[row.term_id].hourly_rate, row.currency, rates, on),
        )
        for row in found
        if rates.has(row.currency, on)
    ]
    return hourly, [uncounted(row) for row in found if not rates.has(row.currency, on)]


def _converted(amount: Decimal, currency: str, rates: Rates, on: date) -> Decimal:
    factor = rates.on(currency, on).factor
    return round_money(amount * factor, settings.REPORTING_CURRENCY)


Chosen = Mapping[tuple[str, str], Sequence[Published]]


def _chosen(rates: Rates, on: date) -> tuple[Chosen, list[Uncounted]]:
    rows = RoleBenchmark.objects.select_related("rate__benchmark_set").order_by("pk")
    found: dict[tuple[str, str], list[Published]] = defaultdict(list)
    left_out: list[Uncounted] = []
    for row in rows:
        of = row.rate.benchmark_set
        if rates.has(of.currency, on):
            found[folded(row.role), row.level].append(published(row.rate, rates, on))
        else:
            left_out.append(Uncounted(str(of), of.currency))
    return found, left_out


def published(rate: BenchmarkRate, rates: Rates, on: date) -> Published:
    """Return a published rate per hour in the reporting currency."""
    of = rate.benchmark_set
    hours = of.hours_per_day if rate.unit == RateUnit.DAY else Decimal(1)
    p25, p50, p75 = (
        _converted(amount / hours, of.currency, rates, on)
        for amount in (rate.p25, rate.p50, rate.p75)
    )
    return Published(rate, p25, p50, p75)


def _comparison(
    hourly: HourlyRate, others: Sequence[Decimal], chosen: Chosen
) -> Comparison:
    peers = hourly.peers
    own = percentiles(others, fewest=FEWEST)
    sets = chosen.get((peers.role, peers.level)) or chosen.get((peers.role, ""), [])
    below = part_below(others, hourly.amount) if own else None
    return Comparison(hourly, own, below, sets)


def roles_at_work(user: User) -> list[str]:
    """Return the roles of contractors at work, each spelt as first met."""
    names = (row.role for row in _at_work(user).exclude(role="").order_by("role"))
    found: dict[str, str] = {}
    for name in names:
        found.setdefault(folded(name), name)
    return list(found.values())


def suggestions(role: str, rates: Iterable[BenchmarkRate]) -> list[BenchmarkRate]:
    """Return the labour categories whose names are likest the role's, best first.

    A person decides: likeness of names says nothing sure of the work.
    """
    wanted = folded(role)
    scored = [
        (likeness, rate)
        for rate in rates
        if (likeness := _likeness(wanted, folded(rate.category))) >= LIKENESS
    ]
    scored.sort(key=lambda pair: (-pair[0], -pair[1].count, pair[1].category))
    return [rate for _score, rate in scored[:SUGGESTED]]


def _likeness(wanted: str, name: str) -> float:
    """Compare the words in any order: “engineer, data” is “data engineer”."""
    ordered = " ".join(sorted(name.replace(",", " ").split()))
    return SequenceMatcher(None, " ".join(sorted(wanted.split())), ordered).ratio()
