"""Whether stored assessments follow, to the digit, from what they were made of."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from tracker.fit.explanation import NOT_RECORDED
from tracker.fit.judgement import Judgement
from tracker.fit.models import Assessment
from tracker.fit.services.costing import figures_again
from tracker.fit.services.evaluation import (
    ENGINE_VERSION,
    REPEATED_VERSIONS,
    repeat,
    repeat_splits,
)


@dataclass(frozen=True)
class Deviation:
    """An assessment of which a figure comes out otherwise: (stored, repeated)."""

    reference: str
    figure: str
    stored: object
    repeated: object


@dataclass(frozen=True)
class Verified:
    """`other_engines` were made by a version that judged otherwise than this one."""

    repeated: int
    other_engines: int
    deviations: tuple[Deviation, ...]


def verify_assessments(*, as_of: date) -> Verified:
    """Judge the day's assessments again, from stored evidence and policy alone.

    Money is computed again from the inputs and assumptions stored beside it, where
    this engine reckoned it: an earlier one may have counted other costs.
    """
    stored = (
        Assessment.objects.filter(as_of=as_of)
        .select_related("policy", "engagement")
        .order_by("engagement__reference")
    )
    ours = stored.filter(engine_version__in=REPEATED_VERSIONS)
    repeated, deviations = 0, []
    for assessment in ours.iterator():
        repeated += 1
        deviations += _deviations(assessment)
    others = stored.exclude(engine_version__in=REPEATED_VERSIONS).count()
    return Verified(repeated, others, tuple(deviations))


def _deviations(assessment: Assessment) -> list[Deviation]:
    again = _figures(repeat(assessment)) | {"parts": repeat_splits(assessment)}
    stored = {
        "acceptability": assessment.acceptability,
        "opposition": assessment.opposition,
        "coverage": assessment.coverage,
        "margin": assessment.margin,
        "verdict": assessment.verdict,
        "is_strong": assessment.is_strong,
        "points": {
            row["code"]: row["points"]
            for row in assessment.points
            if row["code"] != NOT_RECORDED
        },
        "missing": {row["code"]: row["swing_points"] for row in assessment.missing},
        "parts": assessment.parts,
    }
    return [
        Deviation(assessment.engagement.reference, name, figure, again[name])
        for name, figure in stored.items()
        if figure != again[name]
    ] + _money_deviations(assessment)


def _money_deviations(assessment: Assessment) -> list[Deviation]:
    """Each stored figure about money that its own inputs don't give again."""
    money = assessment.money
    if money is None or assessment.engine_version != ENGINE_VERSION:
        return []
    again = figures_again(money) or {}
    found = [(f"money.{name}", money[name], figure) for name, figure in again.items()]
    price = Decimal(money["spent"]) / money["months"]
    found += [
        ("money", bool(again), True),
        ("money.inputs.price", money["inputs"]["price"], str(price)),
        ("money.months", money["months"], money["inputs"]["months"]),
    ]
    return [
        Deviation(assessment.engagement.reference, name, stored, figure)
        for name, stored, figure in found
        if stored != figure
    ]


def _figures(judgement: Judgement) -> dict[str, object]:
    return {
        "acceptability": judgement.acceptability,
        "opposition": judgement.opposition,
        "coverage": judgement.coverage,
        "margin": judgement.margin,
        "verdict": judgement.verdict.value,
        "is_strong": judgement.is_strong,
        "points": {point.code: point.points for point in judgement.points},
        "missing": {fact.code: fact.swing_points for fact in judgement.missing},
    }
