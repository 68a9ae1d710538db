"""What the logs of mixed engagements tell of each part of their work."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from itertools import islice
from typing import Any

from django.db.models import Sum

from engagements.models import Engagement
from tracker.fit.criteria import recordable_criteria
from tracker.fit.criterion import AnyCriterion
from tracker.fit.evidence import Observation
from tracker.fit.judgement import Case, Rulebook
from tracker.fit.queries import Scope
from tracker.fit.splits import FIELDS, Cell, Cut, Part, SplitBy, cuts_of, judged_splits
from tracker.fit.tallies import Key, Tallied

# So many engagements are read at once: each is a parameter of the queries.
AT_ONCE = 10_000

Told = tuple[Tallied[Any, Any], Mapping[Key, Any]]


def splits_of(
    *, mixed: Mapping[int, Case], as_of: date, months: int, rulebook: Rulebook
) -> dict[int, list[dict[str, Any]]]:
    """Split each mixed engagement, and judge the parts; as an assessment stores them.

    In a fixed number of queries for every `AT_ONCE` engagements, and none for none.
    """
    found: dict[int, list[dict[str, Any]]] = {}
    ids = iter(mixed)
    while batch := list(islice(ids, AT_ONCE)):
        scope = Scope(Engagement.objects.filter(pk__in=batch), as_of, months)
        parts = _parts(scope, mixed)
        found |= judged_splits(parts, mixed, rulebook)
    return found


def _parts(scope: Scope, wholes: Mapping[int, Case]) -> dict[int, list[Part]]:
    told: list[Told] = []
    common: list[AnyCriterion] = []
    for criterion in recordable_criteria():
        if isinstance(criterion, Tallied):
            told.append((criterion, criterion.tallies(scope, *FIELDS.values())))
        else:
            common.append(criterion)
    parts: dict[int, list[Part]] = {}
    for engagement, cells in _cells(scope).items():
        facts = wholes[engagement].facts
        shared = tuple(c.code for c in common if c.code in facts)
        cuts = (cut for by in SplitBy for cut in cuts_of(cells, by))
        parts[engagement] = [
            Part(
                by=cut.by.value,
                key=cut.key,
                name=cut.name,
                hours=cut.hours,
                own=_own(scope, engagement, cut, told),
                shared=shared,
            )
            for cut in cuts
        ]
    return parts


def _cells(scope: Scope) -> dict[int, list[Cell]]:
    rows = (
        scope.work_logs()
        .values_list("engagement_id", *FIELDS.values(), "skill__name")
        .annotate(worked=Sum("hours"))
    )
    found: dict[int, list[Cell]] = {}
    for engagement, skill, is_core, assigned_by, name, worked in rows:
        cell = Cell(skill, is_core, assigned_by, name or "", float(worked))
        found.setdefault(engagement, []).append(cell)
    return found


def _own(
    scope: Scope, engagement: int, cut: Cut, told: Iterable[Told]
) -> dict[str, Observation]:
    keys = [
        (engagement, cell.skill, cell.is_core, cell.assigned_by) for cell in cut.cells
    ]
    found = {}
    for criterion, tallies in told:
        own: Sequence[Any] = [tallies[key] for key in keys if key in tallies]
        if not own or criterion.settled_by == FIELDS[cut.by]:
            continue
        seen = criterion.told(scope, own)
        if seen is not None:
            found[criterion.code] = seen
    return found
