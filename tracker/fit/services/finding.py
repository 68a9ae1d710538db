"""Which patterns show in engagements, from the records up to a day."""

from datetime import date

from django.db.models import QuerySet

from engagements.models import Engagement
from tracker.fit.pattern import Finding
from tracker.fit.patterns import all_patterns
from tracker.fit.queries import Scope, judged_on
from tracker.fit.services.policies import WINDOW_MONTHS


def patterns_seen(
    *, engagements: QuerySet[Engagement], as_of: date
) -> dict[int, list[Finding]]:
    """By engagement id, in order of code; the number of queries never grows."""
    scope = Scope(engagements, as_of, WINDOW_MONTHS)
    seen: dict[int, list[Finding]] = {}
    for pattern in all_patterns():
        for engagement, finding in pattern.find(scope).items():
            seen.setdefault(engagement, []).append(finding)
    return seen


def dated_patterns(
    *, engagements: QuerySet[Engagement], as_of: date
) -> dict[int, Finding]:
    """By engagement id, the first dated pattern that it shows."""
    scope = Scope(engagements, as_of, WINDOW_MONTHS)
    seen: dict[int, Finding] = {}
    for pattern in all_patterns():
        if pattern.is_dated:
            seen = {**pattern.find(scope), **seen}
    return seen


def patterns_of_portfolio(*, as_of: date) -> list[tuple[str, str, Finding]]:
    """Of every running engagement: its id for outside, its reference, what is seen."""
    running = judged_on(as_of)
    seen = patterns_seen(engagements=running, as_of=as_of)
    rows = running.order_by("reference").values_list("pk", "public_id", "reference")
    return [
        (str(public_id), reference, finding)
        for pk, public_id, reference in rows
        for finding in seen.get(pk, [])
    ]
