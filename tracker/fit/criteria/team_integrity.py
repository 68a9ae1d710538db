from collections.abc import Collection, Mapping, Sequence
from itertools import combinations
from statistics import fmean

from engagements.values.language import gettext as _
from engagements.values.periods import ONE_DAY
from engagements.values.written import format_number
from tracker.fit.criterion import MONTHS, Criterion, Pool, registry
from tracker.fit.evidence import Breakpoints, Mean, rounded
from tracker.fit.queries import DAYS_PER_MONTH, Scope, Stay, joined, teams
from tracker.fit.stated import Scale

LEAST_PEOPLE = 3
# A team's pairs are averaged over at most this many people, the longest there.
MOST_PEOPLE = 60


@registry.add
class TeamIntegrity(Criterion[Mean]):
    """For how many months pairs of people, on average, have worked together."""

    code = "team_integrity"
    label = "Integrity of the team"
    question = "Does a team stay together?"
    dimension = "team"
    importance = 0.9
    breakpoints = Breakpoints(points=((3.0, 0.0), (12.0, 1.0)), source="our judgement")
    unit = MONTHS
    quantity = "the time that people have worked together"
    how_to_record = "Name the person in work logs, or the service of each contractor."
    rows = "worklog"
    scale = Scale(kind="mean", most=1200.0)

    def gather(self, scope: Scope) -> Mapping[int, Mean]:
        found = {}
        for engagement, stays in teams(scope).items():
            seen = _togetherness(scope, stays)
            if seen is not None:
                found[engagement] = seen
        return found

    def pooling(self, scope: Scope) -> Pool[Mean]:
        """The members' people as one team: who came under another contract belongs."""
        by_engagement = teams(scope)

        def pool(members: Collection[int], _seen: Mapping[int, Mean]) -> Mean | None:
            return _togetherness(scope, joined(by_engagement, members))

        return pool

    def sentence(self, observation: Mean) -> str:
        people = observation.figures["people"]
        if people < LEAST_PEOPLE:
            return _("fewer than three people: no team to keep together")
        return _("%(people)s people, %(months)s together") % {
            "people": format_number(people),
            "months": MONTHS.show(observation.value),
        }


def _togetherness(scope: Scope, team: Sequence[Stay]) -> Mean | None:
    stays = [stay for stay in team if stay.last >= scope.starts_on]
    if not stays:
        return None
    people: dict[str, list[Stay]] = {}
    for stay in sorted(stays, key=lambda stay: (stay.first, stay.person)):
        people.setdefault(stay.person, []).append(stay)
    figures = {"people": len(people)}
    if len(people) < LEAST_PEOPLE:
        return Mean(mean=0.0, count=len(people), records=len(stays), figures=figures)
    longest = list(people.values())[:MOST_PEOPLE]
    months = [_months_together(one, other) for one, other in combinations(longest, 2)]
    return Mean(
        mean=rounded(fmean(months)),
        count=len(months),
        records=len(stays),
        figures=figures,
    )


def _months_together(one: Sequence[Stay], other: Sequence[Stay]) -> float:
    days = 0
    for mine in one:
        for theirs in other:
            first = max(mine.first, theirs.first)
            last = min(mine.last, theirs.last)
            days += max((last - first + ONE_DAY).days, 0)
    return days / DAYS_PER_MONTH
