from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from django.db.models import Q, QuerySet

from engagements.choices import Kind
from engagements.models import Engagement
from engagements.values.language import gettext as _
from engagements.values.language import listed
from engagements.values.periods import add_months
from engagements.values.written import format_month
from tracker.fit.criterion import PERCENT
from tracker.fit.pattern import Finding, Pattern, Words, registry
from tracker.fit.queries import HAPPENED, Scope
from tracker.fit.shares import (
    Directed,
    Months,
    directed_hours,
    monthly_hours,
    variation,
)

MANAGER, SERVICE = "manager", "service"
PEOPLE = 3
MONTHS_TOGETHER = 6
DIRECTED = 0.5
STEADY = 0.25
LEAST_MONTHS = 3


@dataclass(frozen=True)
class _Shadow:
    """A team with what tells of it: the share we assign, how much its hours vary."""

    team: "_Team"
    directed: float | None
    variation: float | None


@registry.add
class ShadowManagedService(Pattern[_Shadow]):
    """A team bought person by person that works as a service would."""

    code = "shadow_managed_service"
    label = "A managed service in all but name"
    rule = (
        "three or more contractors of one vendor at once, for one manager or one"
        " service, 6 months together; we assign less than half of the hours, or"
        " they vary by 25 % at most"
    )
    advice = "Ask the vendor for an offer as a managed service, with service levels."
    rows = "worklog"

    def find(self, scope: Scope) -> Mapping[int, Finding]:
        teams = _teams(scope)
        whole = Scope(_of_the_vendors(scope), scope.as_of, 12)
        directed, hours = directed_hours(whole), monthly_hours(whole)
        asked = set(scope.ids)
        found: dict[int, Finding] = {}
        for team in sorted(teams, key=lambda team: (team.people, team.engagements)):
            finding = self._seen(team, directed, hours)
            if finding:
                found |= {pk: finding for pk in team.engagements if pk in asked}
        return found

    def _seen(
        self,
        team: "_Team",
        directed: Mapping[int, Directed],
        hours: Mapping[int, Months],
    ) -> Finding | None:
        pooled = sum(
            (directed.get(pk, Directed()) for pk in team.engagements), Directed()
        )
        share = pooled.share
        ours = share if share is not None and share < DIRECTED else None
        steady = variation(
            (hours[pk] for pk in team.engagements if pk in hours),
            least_months=LEAST_MONTHS,
        )
        varies = steady.value if steady and steady.value <= STEADY else None
        if ours is None and varies is None:
            return None
        return self.finding(
            _Shadow(team, ours, varies),
            records=pooled.records,
            engagements=team.engagements,
        )

    def words(self, seen: _Shadow) -> Words:
        team, signs = seen.team, list(_signs(seen))
        if team.place == MANAGER:
            sentence = _(
                "%(people)d contractors of one vendor work for one manager since"
                " %(month)s; %(signs)s"
            )
        else:
            sentence = _(
                "%(people)d contractors of one vendor work for one service since"
                " %(month)s; %(signs)s"
            )
        return Words(
            sentence=sentence
            % {
                "people": team.people,
                "month": format_month(team.together_since),
                "signs": listed(signs),
            },
            value=_("%(people)d contractors, %(signs)s")
            % {"people": team.people, "signs": ", ".join(signs)},
            threshold=_("3 contractors for 6 months; less than 50 %, or at most 25 %"),
        )


def _signs(seen: _Shadow) -> Iterator[str]:
    if seen.directed is not None:
        share = PERCENT.show(seen.directed)
        yield _("we assign %(share)s of the hours") % {"share": share}
    if seen.variation is not None:
        yield _("monthly hours vary by %(share)s") % {
            "share": PERCENT.show(seen.variation)
        }


@dataclass(frozen=True)
class _Team:
    place: str
    engagements: tuple[int, ...]
    people: int
    together_since: date


# Engagement, person, and since when they have been there.
Member = tuple[int, int | str, date]


def _teams(scope: Scope) -> list[_Team]:
    """Who works at once for one vendor and manager, or one vendor and service."""
    rows = _of_the_vendors(scope).values_list(
        "pk",
        "vendor_id",
        "manager_id",
        "service_id",
        "assignment__contractor_id",
        "starts_on",
    )
    places: dict[tuple[str, int, int], list[Member]] = defaultdict(list)
    for pk, vendor, manager, service, contractor, starts_on in rows.order_by("pk"):
        member = (pk, contractor or f"engagement {pk}", starts_on)
        if manager:
            places[MANAGER, vendor, manager].append(member)
        if service:
            places[SERVICE, vendor, service].append(member)
    found = (_team(place, members) for (place, *_), members in places.items())
    longest = add_months(scope.as_of, -MONTHS_TOGETHER)
    return [team for team in found if team and team.together_since <= longest]


def _of_the_vendors(scope: Scope) -> QuerySet[Engagement]:
    """All that may be in a team with an engagement of the scope."""
    return Engagement.objects.filter(
        Q(ends_on__isnull=True) | Q(ends_on__gte=scope.as_of),
        kind=Kind.AUGMENTED,
        status__in=HAPPENED,
        starts_on__lte=scope.as_of,
        vendor__in=scope.engagements.order_by().values("vendor_id"),
    )


def _team(place: str, members: Iterable[Member]) -> _Team | None:
    since: dict[int | str, date] = {}
    engagements = []
    for pk, person, starts_on in members:
        since[person] = min(starts_on, since.get(person, starts_on))
        engagements.append(pk)
    if len(since) < PEOPLE:
        return None
    # From the day on which the third had come.
    together = sorted(since.values())[PEOPLE - 1]
    return _Team(place, tuple(engagements), len(since), together)
