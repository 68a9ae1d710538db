"""Published rates, and which labour category a role of ours is compared with."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.db import transaction

from engagements import events
from engagements.models import User
from engagements.services.records import create_record, raise_version
from tracker.spend.models import BenchmarkRate, BenchmarkSet, RoleBenchmark

RateKey = tuple[str, str, str]


@dataclass(frozen=True)
class PublishedRate:
    """What a set says of one labour category; prices of one `unit`."""

    category: str
    place: str
    unit: str
    count: int
    p25: Decimal
    p50: Decimal
    p75: Decimal
    p90: Decimal | None = None

    @property
    def key(self) -> RateKey:
        return self.category, self.place, self.unit


@transaction.atomic
def store_benchmarks(
    *, benchmark_set: BenchmarkSet, rates: Sequence[PublishedRate], actor: User | None
) -> BenchmarkSet:
    """Store new and changed rates of a set, which is stored first where it is new.

    A rate that the roles are compared with stays the same record. Raises
    ValidationError.
    """
    if benchmark_set.pk is None:
        create_record(
            record=benchmark_set, event_type="benchmark_set.imported", actor=actor
        )
    known = rates_of(benchmark_set)
    changed = 0
    for rate in rates:
        record = known.get(rate.key) or BenchmarkRate(
            benchmark_set=benchmark_set,
            category=rate.category,
            place=rate.place,
            unit=rate.unit,
        )
        if record.pk and as_published(record) == rate:
            continue
        record.count, record.p90 = rate.count, rate.p90
        record.p25, record.p50, record.p75 = rate.p25, rate.p50, rate.p75
        record.full_clean(exclude=["benchmark_set"])
        record.save()
        changed += 1
    if changed:
        raise_version(record=benchmark_set)
        events.record(
            event_type="benchmark_set.imported",
            subject=benchmark_set,
            changes={"rates": [None, changed]},
            actor=actor,
        )
    return benchmark_set


def rates_of(benchmark_set: BenchmarkSet) -> dict[RateKey, BenchmarkRate]:
    return {
        (rate.category, rate.place, rate.unit): rate
        for rate in BenchmarkRate.objects.filter(benchmark_set=benchmark_set)
    }


def as_published(rate: BenchmarkRate) -> PublishedRate:
    return PublishedRate(
        rate.category,
        rate.place,
        rate.unit,
        rate.count,
        rate.p25,
        rate.p50,
        rate.p75,
        rate.p90,
    )


@transaction.atomic
def choose_benchmark(*, choice: RoleBenchmark, actor: User | None) -> RoleBenchmark:
    """Store a person's word that a role is a labour category of a set."""
    choice.role = " ".join(choice.role.split())
    return create_record(record=choice, event_type="role_benchmark.chosen", actor=actor)


@transaction.atomic
def drop_benchmark(*, choice: RoleBenchmark, actor: User | None) -> None:
    """Compare the role with that labour category no longer."""
    pk = choice.pk
    choice.delete()
    choice.pk = pk
    events.record(event_type="role_benchmark.dropped", subject=choice, actor=actor)
