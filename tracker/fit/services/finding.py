"""Which patterns show in engagements, from the records up to a day."""

from collections.abc import Mapping, Sequence
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


def first_dated(seen: Mapping[int, Sequence[Finding]]) -> dict[int, Finding]:
    """By engagement id, the first dated pattern that it shows."""
    dated = {
        engagement: [one for one in found if one.pattern.is_dated]
        for engagement, found in seen.items()
    }
    return {engagement: found[0] for engagement, found in dated.items() if found}


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
