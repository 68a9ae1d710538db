from collections.abc import Collection, Mapping, Sequence
from datetime import date
from itertools import pairwise

from engagements.values.language import gettext as _
from engagements.values.periods import last_day_of_month, month_of, months_between
from engagements.values.written import format_number
from tracker.fit.criterion import Criterion, Pool, Unit, registry
from tracker.fit.evidence import Breakpoints, Mean, rounded
from tracker.fit.queries import Scope, Stay, joined, teams
from tracker.fit.stated import Scale

STEP = 0.20
LEAST_MONTHS = 6
MONTHS_PER_YEAR = 12


@registry.add
class ScalingFriction(Criterion[Mean]):
    """Steps in headcount above 20 %: on augmentation each is a hire or a goodbye."""

    code = "scaling_friction"
    label = "Steps in headcount"
    question = "How often must the team be resized?"
    dimension = "scaling"
    importance = 0.65
    breakpoints = Breakpoints(points=((1.0, 0.0), (4.0, 1.0)), source="our judgement")
    unit = Unit(digits=1, suffix=" times a year")
    quantity = "the steps in headcount"
    how_to_record = "Name the person in work logs, or the service of each contractor."
    rows = "worklog"
    scale = Scale(kind="mean", most=100.0)

    def gather(self, scope: Scope) -> Mapping[int, Mean]:
        found = {}
        for engagement, stays in teams(scope).items():
            steps = _steps(scope, stays)
            if steps is not None:
                found[engagement] = steps
        return found

    def pooling(self, scope: Scope) -> Pool[Mean]:
        """The members' people as one team: steps of the whole, not a mean of steps."""
        by_engagement = teams(scope)

        def pool(members: Collection[int], _seen: Mapping[int, Mean]) -> Mean | None:
            return _steps(scope, joined(by_engagement, members))

        return pool

    def sentence(self, observation: Mean) -> str:
        steps, months = observation.figures["steps"], observation.figures["months"]
        if not steps:
            words = _("the team was not resized in %(months)s months")
        elif steps == 1:
            words = _("the team was resized once in %(months)s months")
        else:
            words = _("the team was resized %(times)s times in %(months)s months")
        return words % {"times": format_number(steps), "months": format_number(months)}


def _headcounts(scope: Scope, stays: Sequence[Stay]) -> list[int]:
    """People present at the end of each complete month since the team began."""
    began = min(stay.first for stay in stays)
    ended = max(stay.last for stay in stays)
    first = max(month_of(scope.starts_on), month_of(began))
    last = min(scope.last_complete_month, month_of(ended))
    return [
        _present(stays, last_day_of_month(month))
        for month in months_between(first, last)
    ]


def _present(stays: Sequence[Stay], day: date) -> int:
    month = month_of(day)
    return len({s.person for s in stays if s.first <= day and s.last >= month})


def _steps(scope: Scope, stays: Sequence[Stay]) -> Mean | None:
    headcounts = _headcounts(scope, stays) if stays else []
    if len(headcounts) < LEAST_MONTHS:
        return None
    steps = sum(
        abs(after - before) > STEP * before for before, after in pairwise(headcounts)
    )
    months = len(headcounts)
    return Mean(
        mean=rounded(steps * MONTHS_PER_YEAR / months),
        count=months,
        records=len(stays),
        figures={"steps": steps, "months": months},
    )
