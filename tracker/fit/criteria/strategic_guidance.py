from collections.abc import Mapping

from django.db.models import Count, Max, Min, Q

from engagements.values.language import ngettext
from engagements.values.periods import count_months
from engagements.values.written import format_number
from tracker.fit.criterion import Criterion, Unit, registry
from tracker.fit.evidence import Breakpoints, Mean, rounded
from tracker.fit.queries import Scope
from tracker.fit.stated import Scale
from tracker.spend.models import Activity

MONTHS_PER_QUARTER = 3


@registry.add
class StrategicGuidance(Criterion[Mean]):
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

    def gather(self, scope: Scope) -> Mapping[int, Mean]:
        is_advice = Q(activity=Activity.ADVISORY)
        rows = (
            scope.work_logs()
            .values_list("engagement_id")
            .annotate(
                pieces=Count("description", filter=is_advice, distinct=True),
                first=Min("worked_on"),
                last=Max("worked_on"),
                logs=Count("id"),
            )
        )
        found = {}
        for engagement, pieces, first, last, logs in rows:
            # Twelve months from mid-month to mid-month touch thirteen.
            months = min(count_months(first, last), scope.months)
            quarters = max(months / MONTHS_PER_QUARTER, 1.0)
            found[engagement] = Mean(
                mean=rounded(pieces / quarters),
                count=rounded(quarters),
                records=logs,
                figures={"pieces": pieces, "months": months},
            )
        return found

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
