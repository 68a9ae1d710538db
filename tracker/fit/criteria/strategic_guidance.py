from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from django.db.models import Case, Count, F, Max, Min, When

from engagements.values.language import ngettext
from engagements.values.periods import count_months
from engagements.values.written import format_number
from tracker.fit.criterion import Unit, registry
from tracker.fit.evidence import Breakpoints, Mean, rounded
from tracker.fit.queries import Scope
from tracker.fit.stated import Scale
from tracker.fit.tallies import Key, Tallied
from tracker.spend.models import Activity

MONTHS_PER_QUARTER = 3


@dataclass(frozen=True)
class Advised:
    """The pieces of advice in some logs, and from when until when these are."""

    pieces: frozenset[str]
    first: date
    last: date
    logs: int


@registry.add
class StrategicGuidance(Tallied[Mean, Advised]):
    """Pieces of advice a quarter; the advisory logs of one description are one."""

    code = "strategic_guidance"
    label = "Strategic guidance"
    question = "Does the vendor advise on roadmaps and improvement?"
    dimension = "strategic guidance"
    importance = 0.7
    breakpoints = Breakpoints(points=((0.0, 0.0), (2.0, 1.0)), source="our judgement")
    unit = Unit(digits=1, suffix=" a quarter")
    quantity = "the pieces of advice"
    how_to_record = "In work logs, choose the activity advisory and describe the piece."
    rows = "worklog"
    scale = Scale(kind="mean", most=100.0)

    def tallies(self, scope: Scope, *by: str) -> Mapping[Key, Advised]:
        rows = (
            scope.work_logs()
            .annotate(
                piece=Case(When(activity=Activity.ADVISORY, then=F("description")))
            )
            .values_list("engagement_id", *by, "piece")
            .annotate(first=Min("worked_on"), last=Max("worked_on"), logs=Count("id"))
        )
        found: dict[Key, list[Advised]] = defaultdict(list)
        for *key, piece, first, last, logs in rows:
            pieces = frozenset() if piece is None else frozenset({piece})
            found[tuple(key)].append(Advised(pieces, first, last, logs))
        return {key: _together(parts) for key, parts in found.items()}

    def told(self, scope: Scope, tallies: Sequence[Advised]) -> Mean:
        advised = _together(tallies)
        pieces = len(advised.pieces)
        # Twelve months from mid-month to mid-month touch thirteen.
        months = min(count_months(advised.first, advised.last), scope.months)
        quarters = max(months / MONTHS_PER_QUARTER, 1.0)
        return Mean(
            mean=rounded(pieces / quarters),
            count=rounded(quarters),
            records=advised.logs,
            figures={"pieces": pieces, "months": months},
        )

    def sentence(self, observation: Mean) -> str:
        pieces, months = observation.figures["pieces"], observation.figures["months"]
        words = ngettext(
            "%(pieces)s piece of advice in %(months)s months",
            "%(pieces)s pieces of advice in %(months)s months",
            int(pieces),
        )
        return words % {
            "pieces": format_number(pieces),
            "months": format_number(months),
        }


def _together(parts: Sequence[Advised]) -> Advised:
    return Advised(
        pieces=frozenset().union(*(part.pieces for part in parts)),
        first=min(part.first for part in parts),
        last=max(part.last for part in parts),
        logs=sum(part.logs for part in parts),
    )
