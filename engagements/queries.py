"""Reads of the records that several surfaces need alike."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.db import connection
from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from engagements.choices import LIVE_STATUSES, ApprovalOutcome, ChargeKind, Role
from engagements.models import (
    Approval,
    ApprovalRule,
    Charge,
    ChecklistTask,
    CostCentre,
    Department,
    Departure,
    Engagement,
    FeeTerm,
    RateTerm,
    User,
)
from engagements.permissions import deciders, engagement_scope, may_decide


def administrators() -> QuerySet[User]:
    """Return the active administrators, the longest known first."""
    is_administrator = Q(is_superuser=True) | Q(groups__name=Role.ADMINISTRATOR)
    return (
        User.objects.filter(is_administrator, is_active=True).distinct().order_by("id")
    )


def people_of_finance() -> QuerySet[User]:
    """Return the active people of finance, the longest known first."""
    return User.objects.filter(groups__name=Role.FINANCE, is_active=True).order_by("id")


def waiting_for(user: User) -> QuerySet[Approval]:
    """Return the approvals that the user can give or refuse now, the oldest first.

    Members of the rule's group who see the engagement and its money, and never who
    asked; administrators are no exception.
    """
    rows = Approval.objects.filter(outcome=ApprovalOutcome.WAITING).order_by("id")
    if not may_decide(user):
        return rows.none()
    return rows.filter(
        engagement_scope(user, prefix="engagement__", with_money=True),
        rule__approver_group__user=user,
    ).exclude(asked_by=user)


def approvers_of(approval: Approval) -> QuerySet[User]:
    """Return the active people for whom the approval waits; two queries in all."""
    return approvers(
        rule=approval.rule,
        engagement=approval.engagement,
        asked_by=approval.asked_by_id,
    )


def approvers(
    *, rule: ApprovalRule, engagement: Engagement, asked_by: int
) -> QuerySet[User]:
    """Return who could approve by the rule what the person asks for."""
    return (
        User.objects.filter(
            deciders(engagement), groups=rule.approver_group_id, is_active=True
        )
        .exclude(pk=asked_by)
        .distinct()
        .order_by("id")
    )


def open_task_count(user: User | AnonymousUser) -> int:
    """Return how many tasks the user has to do."""
    if user.is_anonymous:
        return 0
    return (
        ChecklistTask.objects.visible_to(user).still_open().filter(owner=user).count()
    )


def with_units(rows: QuerySet[Approval]) -> QuerySet[Approval]:
    """Annotate whether units were priced when it was asked for: `has_units`.

    Nobody knows how many will be bought, so that no amount holds them.
    """
    units = Charge.objects.filter(
        engagement=OuterRef("engagement"),
        charge_kind=ChargeKind.UNIT,
        created_at__lte=OuterRef("created_at"),
    )
    return rows.annotate(has_units=Exists(units))


def default_shares(department: Department | None) -> dict[CostCentre, Decimal]:
    """Return all of it for the department's one open cost centre, else nothing."""
    if department is None:
        return {}
    centres = list(department.cost_centres.filter(is_open=True)[:2])
    return {centres[0]: Decimal(100)} if len(centres) == 1 else {}


def with_price(rows: QuerySet[Any], today: date) -> QuerySet[Any]:
    """Annotate what is paid today, or first will be: `fee`, or `rate` and `unit`."""
    fees = FeeTerm.objects.filter(contract=OuterRef("pk"))
    rates = RateTerm.objects.filter(assignment=OuterRef("pk"))
    priced: QuerySet[Any] = rows.annotate(
        fee=Coalesce(
            _latest(fees, today, "monthly_fee"), _first(fees, today, "monthly_fee")
        ),
        rate=Coalesce(_latest(rates, today, "rate"), _first(rates, today, "rate")),
        unit=Coalesce(_latest(rates, today, "unit"), _first(rates, today, "unit")),
    )
    return priced


def _latest(terms: QuerySet[Any], today: date, name: str) -> Subquery:
    in_force = terms.filter(starts_on__lte=today).order_by("-starts_on")
    return Subquery(in_force.values(name)[:1])


def _first(terms: QuerySet[Any], today: date, name: str) -> Subquery:
    to_come = terms.filter(starts_on__gt=today).order_by("starts_on")
    return Subquery(to_come.values(name)[:1])


@dataclass(frozen=True)
class Link:
    """One engagement of a lineage; None where the user may not see it."""

    engagement: Engagement | None
    is_asked_for: bool = False


def with_left_behind(
    rows: QuerySet[Departure], user: User | AnonymousUser
) -> QuerySet[Departure]:
    """Return the departures with `left_behind`: how many live engagements wait.

    Of those that the user may see.
    """
    seen = Engagement.objects.visible_to(user).filter(status__in=LIVE_STATUSES)
    managed = seen.filter(manager=OuterRef("person"))
    worked = seen.filter(assignment__contractor=OuterRef("contractor"))
    return rows.annotate(
        left_behind=Coalesce(
            _count_by(managed, "manager"),
            _count_by(worked, "assignment__contractor"),
            0,
        )
    )


def _count_by(rows: QuerySet[Engagement], name: str) -> Subquery:
    counted = rows.order_by().values(name).annotate(count=Count("pk"))
    return Subquery(counted.values("count"))


def lineage(engagement: Engagement, user: User | AnonymousUser) -> list[Link]:
    """Return what came before the engagement, itself, and what followed, in order.

    Two queries however long the line is.
    """
    before, after = lineage_ids(engagement.pk)
    ids = [*reversed(before), engagement.pk, *after]
    if len(ids) == 1:
        return [Link(engagement, is_asked_for=True)]
    seen: Mapping[int, Engagement] = Engagement.objects.visible_to(user).in_bulk(ids)
    return [Link(seen.get(pk), is_asked_for=pk == engagement.pk) for pk in ids]


def lineage_ids(pk: int) -> tuple[list[int], list[int]]:
    """Return the ids of the predecessors, nearest first, and those of the successors.

    Ends where a circle, which only raw SQL can make, comes back to where it was.
    """
    with connection.cursor() as cursor:
        cursor.execute(_LINEAGE, {"pk": pk})
        pairs = cursor.fetchall()
    before_of = {row[0]: row[1] for row in pairs}
    after_of = {before: row for row, before in before_of.items() if before is not None}
    before = _followed(pk, before_of)
    return before, [row for row in _followed(pk, after_of) if row not in before]


# UNION, not UNION ALL: a row met again isn't followed again, so that it ends.
_LINEAGE = """
    WITH RECURSIVE earlier(id, predecessor_id) AS (
        SELECT id, predecessor_id FROM engagements_engagement WHERE id = %(pk)s
        UNION
        SELECT e.id, e.predecessor_id FROM engagements_engagement e
            JOIN earlier ON e.id = earlier.predecessor_id
    ), later(id, predecessor_id) AS (
        SELECT id, predecessor_id FROM engagements_engagement WHERE id = %(pk)s
        UNION
        SELECT e.id, e.predecessor_id FROM engagements_engagement e
            JOIN later ON e.predecessor_id = later.id
    )
    SELECT id, predecessor_id FROM earlier
    UNION
    SELECT id, predecessor_id FROM later
"""


def _followed(start: int, steps: Mapping[int, int | None]) -> list[int]:
    found: list[int] = []
    step = steps.get(start)
    while step is not None and step != start and step not in found:
        found.append(step)
        step = steps.get(step)
    return found
