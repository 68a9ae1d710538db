from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db.models import Count

from engagements.choices import Status
from engagements.models import Engagement
from engagements.values.language import gettext as _
from engagements.values.periods import ONE_DAY
from tracker.fit.criterion import MONTHS, Criterion, registry
from tracker.fit.evidence import Breakpoints, Mean, rounded
from tracker.fit.history import ENGAGEMENT, end_of, values_on
from tracker.fit.queries import DAYS_PER_MONTH, HAPPENED, Scope
from tracker.fit.stated import Scale

# A pause between two engagements that does not interrupt the need.
TOLERATED_GAP = timedelta(days=31)
TERM_FIELDS = ("ends_on", "term_ends_on", "status")
Span = tuple[date, date]


@registry.add
class Permanence(Criterion[Mean]):
    """For how long the service has needed outside work, and is committed to.

    Without a service, the months in which the engagement itself was paid.
    """

    code = "permanence"
    label = "Permanence of the need"
    question = "Is the need here to stay?"
    dimension = "scope of responsibility"
    importance = 1.3
    breakpoints = Breakpoints(
        points=((3.0, -1.0), (9.0, 0.0), (18.0, 1.0)), source="our judgement"
    )
    unit = MONTHS
    quantity = "the length of the need"
    how_to_record = "Name the service that the engagement keeps running or builds."
    rows = "service"
    only_rises = True
    scale = Scale(kind="mean", most=1200.0)

    def gather(self, scope: Scope) -> Mapping[int, Mean]:
        needs = _needs_by_service(scope)
        on_services = scope.engagements.filter(service__isnull=False)
        by_service = {
            engagement: needs[service]
            for engagement, service in on_services.values_list("pk", "service_id")
            if service in needs
        }
        return _paid_months(scope) | by_service

    def sentence(self, observation: Mean) -> str:
        if "gaps" not in observation.figures:
            words = _("paid in %(months)s")
        elif observation.figures["gaps"]:
            words = _("needed for %(months)s")
        else:
            words = _("needed for %(months)s without a gap")
        return words % {"months": MONTHS.show(observation.value)}


def _needs_by_service(scope: Scope) -> dict[int | None, Mean]:
    services = scope.engagements.filter(service__isnull=False).order_by()
    spans: dict[int | None, list[Span]] = defaultdict(list)
    engagements = Engagement.objects.filter(
        service__in=services.values("service_id"),
        status__in=HAPPENED,
        starts_on__lte=scope.as_of,
    ).order_by()
    then = values_on(
        scope.as_of,
        subject_types=ENGAGEMENT,
        ids=engagements.values("pk"),
        fields=TERM_FIELDS,
    )
    recorded_by = end_of(scope.as_of)
    rows = engagements.values_list(
        "pk", "service_id", "starts_on", "created_at", "term_starts_on", *TERM_FIELDS
    )
    for pk, service, starts_on, created_at, term_starts_on, *stands in rows:
        term = _Term(*stands)
        if created_at < recorded_by:
            term = term.before(then.get(pk, {}))
        elif not term.was_known(scope.as_of, term_starts_on):
            term = _Term(None, None, Status.ACTIVE)
        spans[service].append((starts_on, term.needed_until(scope.as_of)))
    return {service: _need(found) for service, found in spans.items()}


@dataclass(frozen=True)
class _Term:
    """Until when an engagement was agreed, in the order of `TERM_FIELDS`."""

    ends_on: date | None
    term_ends_on: date | None
    status: str

    def before(self, changed: Mapping[str, Any]) -> "_Term":
        """As it stood where these values have changed since."""

        def day(name: str, stands: date | None) -> date | None:
            if name not in changed:
                return stands
            then = changed[name]
            return None if then is None else date.fromisoformat(then)

        return _Term(
            day("ends_on", self.ends_on),
            day("term_ends_on", self.term_ends_on),
            changed.get("status") or self.status,
        )

    def was_known(self, day: date, term_starts_on: date) -> bool:
        """Of what was entered later: whether its dates may be taken as known then.

        An end that came later, or a later term, may not have been agreed by the day.
        """
        if self.status == Status.ACTIVE:
            return term_starts_on <= day
        return self.ends_on is not None and self.ends_on <= day

    def needed_until(self, day: date) -> date:
        end = self.ends_on or self.term_ends_on or day
        return max(end, day) if self.status == Status.ACTIVE else end


def _need(spans: list[Span]) -> Mean:
    merged = list(_merged(spans))
    days = sum((last - first + ONE_DAY).days for first, last in merged)
    months = rounded(days / DAYS_PER_MONTH)
    return Mean(
        mean=months,
        count=max(months, 1.0),
        records=len(spans),
        figures={"gaps": len(merged) - 1},
    )


def _merged(spans: Iterable[Span]) -> Iterable[Span]:
    """The time covered, as spans further apart than a tolerated gap."""
    current: Span | None = None
    for first, last in sorted(spans):
        if current and first <= current[1] + TOLERATED_GAP:
            current = (current[0], max(current[1], last))
            continue
        if current:
            yield current
        current = (first, last)
    if current:
        yield current


def _paid_months(scope: Scope) -> dict[int, Mean]:
    rows = (
        scope.monthly_spend()
        .filter(engagement__service__isnull=True, amount__gt=0)
        .values_list("engagement_id")
        .annotate(months=Count("month", distinct=True), records=Count("id"))
    )
    return {
        engagement: Mean(mean=months, count=months, records=records)
        for engagement, months, records in rows
    }
