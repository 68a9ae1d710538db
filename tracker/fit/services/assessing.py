"""The nightly judgement: what is stored of it, and which flags rise or fall."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from time import perf_counter

from django.db import transaction
from django.db.models import Q, QuerySet

from engagements.models import User
from engagements.values.periods import add_months, month_of
from tracker.fit.flagging import Standing
from tracker.fit.models import Assessment, Policy, Verdict
from tracker.fit.queries import judged_on
from tracker.fit.services.costing import costs_of
from tracker.fit.services.evaluation import ENGINE_VERSION, Evaluated, evaluate
from tracker.fit.services.finding import patterns_seen
from tracker.fit.services.grouping import store_groups
from tracker.fit.services.hysteresis import move_flags
from tracker.fit.services.policies import current_policy, policy_on
from tracker.fit.services.seeing import store_patterns
from tracker.fit.services.wording import in_other_languages, other_locales
from tracker.fit.verdict import Thresholds

BATCH = 200


@dataclass(frozen=True)
class AssessmentRun:
    """What a run found; `seconds` is its duration, the rest are engagements."""

    judged: int
    not_enough_evidence: int
    flags_raised: int
    flags_cleared: int
    seconds: float


def assess(*, as_of: date, actor: User | None) -> AssessmentRun:
    """Judge every running engagement from the records up to `as_of`.

    By the policy in force on that day, also what is evaluated of the month before.
    A flag is raised when the other model fits better at two monthly evaluations in
    a row, and cleared when its opposition is below the lower threshold at both; a
    month never evaluated is evaluated now.  Running again changes nothing, and a
    day before an engagement's latest assessment leaves its flag as it is.
    """
    started = perf_counter()
    policy = policy_on(as_of)
    current = evaluate(engagements=judged_on(as_of), as_of=as_of, policy=policy)
    _add_money(current, as_of, policy)
    a_month_ago = add_months(as_of, -1)
    unknown = judged_on(a_month_ago).exclude(
        pk__in=_evaluated_by(a_month_ago, policy).values("engagement")
    )
    earlier = evaluate(engagements=unknown, as_of=a_month_ago, policy=policy)
    seen = patterns_seen(engagements=judged_on(as_of), as_of=as_of)
    with transaction.atomic():
        # One run at a time: the other waits here and then finds all done.
        Policy.objects.select_for_update().get(pk=current_policy().pk)
        _store(earlier, a_month_ago, policy)
        _store(current, as_of, policy)
        moves = move_flags(
            current=current,
            earlier=_standings(a_month_ago, policy),
            seen=seen,
            as_of=as_of,
            thresholds=Thresholds(**policy.thresholds),
            actor=actor,
        )
        store_patterns(seen=seen, as_of=as_of)
        store_groups(evaluated=current, as_of=as_of, policy=policy)
    return AssessmentRun(
        judged=len(current),
        not_enough_evidence=sum(
            e.assessment.verdict == Verdict.NOT_ENOUGH_EVIDENCE for e in current
        ),
        flags_raised=moves.raised,
        flags_cleared=moves.cleared,
        seconds=round(perf_counter() - started, 3),
    )


def _add_money(evaluated: Sequence[Evaluated], day: date, policy: Policy) -> None:
    costs = costs_of(engagements=judged_on(day), as_of=day, policy=policy)
    for one in evaluated:
        costed = costs.get(one.engagement_id)
        one.assessment.money = costed.as_json() if costed else None


def _evaluated_by(day: date, policy: Policy) -> QuerySet[Assessment]:
    """What was assessed in the day's month, up to the day."""
    return Assessment.objects.filter(
        policy=policy, as_of__range=(month_of(day), day)
    ).order_by("as_of")


def _standings(day: date, policy: Policy) -> dict[int, Standing]:
    """Each engagement's latest evaluation of the day's month, up to the day."""
    rows = _evaluated_by(day, policy).values_list(
        "engagement_id", "opposition", "verdict"
    )
    return {engagement: Standing(o, verdict) for engagement, o, verdict in rows}


def _store(evaluated: Sequence[Evaluated], day: date, policy: Policy) -> None:
    """Keep what the month has not told yet: the same evidence again is no news.

    A day judged again after more was recorded about it keeps the later judgement;
    what is not stored in every language is told anew.
    """
    if not evaluated:
        return
    known = {
        engagement: told
        for engagement, *told in _evaluated_by(day, policy)
        .annotate(is_worded=Q(wordings__has_keys=other_locales()))
        .values_list(
            "engagement_id",
            "evidence",
            "parts",
            "money",
            "engine_version",
            "is_worded",
        )
    }
    news = [
        e
        for e in evaluated
        if known.get(e.engagement_id)
        != [
            e.assessment.evidence,
            e.assessment.parts,
            e.assessment.money,
            ENGINE_VERSION,
            True,
        ]
    ]
    of_the_day = Assessment.objects.filter(policy=policy, as_of=day)
    for start in range(0, len(news), BATCH):
        batch = news[start : start + BATCH]
        renewed = [one.engagement_id for one in batch]
        of_the_day.filter(engagement__in=renewed).delete()
        _word(batch)
        Assessment.objects.bulk_create([one.assessment for one in batch])
        # Stored: a night holds all its assessments, and need not hold these words.
        for one in batch:
            one.assessment.wordings = None


def _word(batch: Sequence[Evaluated]) -> None:
    """Say in the other languages what is about to be stored: most nights, little."""
    said = in_other_languages(lambda: [one.texts() for one in batch])
    for place, one in enumerate(batch):
        one.assessment.wordings = {name: told[place] for name, told in said.items()}
