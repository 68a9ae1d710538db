"""The deadlines of engagements: their own, their documents', their contractors'."""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Any, NamedTuple

from django.db.models import QuerySet
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from engagements.choices import LIVE_STATUSES, Renewal, Status
from engagements.models import Assignment, Department, Document, Engagement, User
from engagements.permissions import engagement_scope
from engagements.services.tenure import TenureClock, tenure_clocks
from tracker.notify.due import DAYS_AHEAD, Deadline, DeadlineKind, deadlines_of
from tracker.performance.queries import credits_to_claim

_READ_ALONG = ("vendor", "manager__manager", "department__head")


class Dated(NamedTuple):
    engagement: Engagement
    deadline: Deadline


def near_dates(today: date) -> list[Dated]:
    """Return what is near enough for reminders, of everybody's engagements.

    Those that are closed ask for none, nor those not agreed yet but for their
    documents. Once notice is given the decision is taken: its own dates are silent.
    """
    until = today + timedelta(days=DAYS_AHEAD)
    everything = Engagement.objects.all()
    found = _dates(everything, today, with_money=everything)
    return [
        each
        for each in found
        if today <= each.deadline.falls_on <= until and not _is_decided(each)
    ]


def dates_seen_by(user: User, today: date) -> list[Dated]:
    """Return the dates of the live engagements that the user may see, in order."""
    with_money = Engagement.objects.filter(engagement_scope(user, with_money=True))
    seen = Engagement.objects.all().visible_to(user)
    found = _dates(seen, today, with_money=with_money)
    return sorted(found, key=lambda each: (each.deadline.falls_on, each.engagement.pk))


def _is_decided(dated: Dated) -> bool:
    own = (DeadlineKind.NOTICE, DeadlineKind.TERM_END)
    return dated.deadline.kind in own and bool(dated.engagement.notice_given_on)


def _dates(
    scope: QuerySet[Engagement], today: date, *, with_money: QuerySet[Engagement]
) -> list[Dated]:
    """Return all dates in scope, at most eight queries however many there are.

    Claims are of engagements whose amounts may be seen.
    """
    return [
        *_own_dates(scope),
        *_expiries(scope),
        *_tenure_limits(scope, today),
        *_claims(with_money, today),
    ]


def _month(day: date) -> str:
    return date_format(day, "YEAR_MONTH_FORMAT")


def _claims(scope: QuerySet[Engagement], today: date) -> Iterable[Dated]:
    for credit in credits_to_claim(scope, today=today, along=_READ_ALONG):
        if credit.claim_by_on is None:
            continue
        level = credit.service_level
        name = level.name if level else _("By points")
        deadline = Deadline(
            DeadlineKind.CLAIM,
            credit.claim_by_on,
            credit.pk,
            name=f"{name}, {_month(credit.window_from)}",
        )
        yield Dated(credit.engagement, deadline)


def _own_dates(scope: QuerySet[Engagement]) -> Iterable[Dated]:
    rows = scope.filter(status=Status.ACTIVE, term_ends_on__isnull=False)
    for row in rows.select_related(*_READ_ALONG).order_by("term_ends_on", "id"):
        for deadline in deadlines_of(
            notice_given_on=row.notice_given_on,
            notice_deadline_on=row.notice_deadline_on,
            term_ends_on=row.term_ends_on,
        ):
            yield Dated(row, deadline)


def _expiries(scope: QuerySet[Engagement]) -> Iterable[Dated]:
    live = scope.filter(status__in=LIVE_STATUSES)
    rows = Document.objects.current().filter(
        engagement__in=live, expires_on__isnull=False
    )
    along = [f"engagement__{name}" for name in _READ_ALONG]
    for row in rows.select_related(*along).order_by("expires_on", "id"):
        if row.expires_on:
            deadline = Deadline(
                DeadlineKind.DOCUMENT, row.expires_on, row.pk, name=row.title
            )
            yield Dated(row.engagement, deadline)


def _tenure_limits(scope: QuerySet[Engagement], today: date) -> Iterable[Dated]:
    active = scope.filter(status=Status.ACTIVE).values("pk")
    # The manager is Engagement's, and typed as such.
    rows: QuerySet[Any] = Assignment._default_manager.filter(
        pk__in=active, contractor__isnull=False
    )
    along = rows.select_related("contractor", *_READ_ALONG).order_by("id")
    assignments: list[Assignment] = list(along)
    people = {
        row.contractor.pk: row.contractor for row in assignments if row.contractor
    }
    if not people:
        return
    clocks = tenure_clocks(contractors=people.values(), today=today)
    parents = _parents([one for found in clocks.values() for one in found])
    for row in assignments:
        for clock in clocks[row.contractor_id] if row.contractor_id else ():
            if _covers(clock, row, parents) and _reaches(row, clock):
                deadline = Deadline(
                    DeadlineKind.TENURE,
                    clock.clock.limit_on,
                    clock.policy.pk,
                    name=clock.policy.name,
                    person=str(row.contractor),
                )
                yield Dated(row, deadline)


def _parents(clocks: Iterable[TenureClock]) -> dict[int, int | None]:
    """Return each department's parent, where a policy is some department's alone."""
    if not any(clock.policy.department_id for clock in clocks):
        return {}
    return dict(Department.objects.values_list("id", "parent_id"))


def _covers(
    clock: TenureClock, assignment: Assignment, parents: Mapping[int, int | None]
) -> bool:
    wanted, above = clock.policy.department_id, assignment.department_id
    seen: set[int] = set()
    while above is not None and above != wanted and above not in seen:
        seen.add(above)
        above = parents.get(above)
    return wanted is None or above == wanted


def _reaches(assignment: Assignment, clock: TenureClock) -> bool:
    """Tell whether the work agreed here goes on to the limit.

    What ends before is told of by its own end.
    """
    if clock.role and clock.role.casefold() != assignment.role.casefold():
        return False
    renews = assignment.renewal == Renewal.AUTO and not assignment.notice_given_on
    ends_on = assignment.ends_on if renews else assignment.term_ends_on
    return ends_on is None or ends_on >= clock.clock.limit_on
