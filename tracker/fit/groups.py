"""Engagements judged together: pooled evidence, and which groups say something new."""

from collections.abc import (
    Callable,
    Collection,
    Hashable,
    Iterable,
    Mapping,
    Sequence,
)
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from tracker.fit.evidence import Mean, Observation, Share, Variation, rounded

LEAST_MEMBERS = 2
# Groups that share so much of their members are one and the same.
SAME = 0.8

Key = TypeVar("Key", bound=Hashable)
# As `criterion.Pool`, of whatever criterion.
Pool = Callable[[Collection[int], Mapping[int, Any]], Observation | None]


def pooled(observations: Sequence[Observation]) -> Observation:
    """One observation of all records together; all of one kind, at least one.

    Shares add up.  A mean is weighed by what it rests on, but is worth no more than
    the best founded of them: many are facts of the manager or the service, told of
    each engagement alike.  One observation stays what it is.
    """
    first, records = observations[0], sum(o.records for o in observations)
    if len(observations) == 1:
        return first
    if isinstance(first, Share):
        shares = [o for o in observations if isinstance(o, Share)]
        return replace(
            first,
            part=rounded(sum(o.part for o in shares)),
            whole=rounded(sum(o.whole for o in shares)),
            records=records,
            figures={},
        )
    if isinstance(first, Variation):
        series = [o for o in observations if isinstance(o, Variation)]
        logs = [o.log_variance for o in series]
        variance = _weighted(logs, [o.size for o in series])
        longest = max(o.months for o in series)
        return replace(
            first, log_variance=variance, months=longest, records=records, figures={}
        )
    means = [o for o in observations if isinstance(o, Mean)]
    mean = _weighted([o.mean for o in means], [o.count for o in means])
    most = max(o.count for o in means)
    return Mean(mean=mean, count=most, records=records)


def pooled_facts(
    facts: Mapping[int, Mapping[str, Observation]], pools: Mapping[str, Pool]
) -> dict[str, Observation]:
    """By code, what the members recorded together; `facts` by engagement, then code."""
    found = {}
    for code, pool in sorted(pools.items()):
        seen = {pk: own[code] for pk, own in facts.items() if code in own}
        together = pool(facts.keys(), seen)
        if together is not None:
            found[code] = together
    return found


def members_of(keys: Mapping[int, Iterable[Key]]) -> dict[Key, tuple[int, ...]]:
    """The groups of two or more, from the keys that each engagement belongs to."""
    found: dict[Key, list[int]] = {}
    for engagement, own in keys.items():
        for key in own:
            found.setdefault(key, []).append(engagement)
    return {
        key: tuple(sorted(members))
        for key, members in found.items()
        if len(members) >= LEAST_MEMBERS
    }


@dataclass(frozen=True)
class Standing:
    """A group's members, and how clearly its evidence speaks, from 0 on."""

    members: tuple[int, ...]
    strength: float


def reported(groups: Mapping[Key, Standing]) -> set[Key]:
    """Of groups that are nearly the same the strongest, and the smaller of equals."""
    kept: dict[Key, frozenset[int]] = {}
    by_member: dict[int, list[Key]] = {}
    ranked = sorted(
        groups.items(),
        key=lambda item: (-item[1].strength, len(item[1].members), str(item[0])),
    )
    for key, standing in ranked:
        own = frozenset(standing.members)
        rivals = {rival for member in own for rival in by_member.get(member, ())}
        if any(jaccard(own, kept[rival]) >= SAME for rival in rivals):
            continue
        kept[key] = own
        for member in own:
            by_member.setdefault(member, []).append(key)
    return set(kept)


def jaccard(one: Collection[int], other: Collection[int]) -> float:
    """What two groups share, of all that is in either."""
    first, second = set(one), set(other)
    return len(first & second) / len(first | second)


def _weighted(values: Sequence[float], weights: Sequence[float]) -> float:
    total = sum(weights)
    pairs = zip(values, weights, strict=True)
    return rounded(sum(value * weight for value, weight in pairs) / total)
