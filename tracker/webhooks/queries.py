"""Who may hear of which events, and how endpoints are doing."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Count, Exists, Max, Min, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce, Greatest

from engagements.models import Assignment, Contractor, Engagement, User
from engagements.permissions import departments_under, engagement_scope, sees_all
from tracker.spend.models import Budget, InvoiceLine
from tracker.webhooks.models import (
    DeliveryState,
    PublishedEvent,
    WebhookAttempt,
    WebhookDelivery,
    WebhookEndpoint,
    WhyDisabled,
)
from tracker.webhooks.public_types import PUBLIC_TYPES, Reach


def published_to(user: User) -> QuerySet[PublishedEvent]:
    """Return the events that the user may hear of today, by role and by row."""
    found = Q(pk__in=[])
    for reach, names in _permitted(user).items():
        found |= Q(event_type__in=names) & _REACHES[reach](user)
    return PublishedEvent.objects.filter(found)


def place_of_latest() -> int:
    """Return the id of the last event that has its place in the stream."""
    last: int | None = PublishedEvent.objects.aggregate(last=Max("pk"))["last"]
    return last or 0


def owners_of_endpoints(endpoint_ids: Collection[int]) -> QuerySet[User]:
    return User.objects.filter(webhook_endpoints__in=endpoint_ids).distinct()


def names_of_endpoints(endpoint_ids: Collection[int]) -> dict[int, str]:
    rows = WebhookEndpoint.objects.filter(pk__in=endpoint_ids)
    return dict(rows.values_list("pk", "name"))


def why_disabled(word: str) -> str:
    """Return the reason in words; nothing where it is none of ours."""
    return str(WhyDisabled(word).label) if word in WhyDisabled.values else ""


def seconds_until_due(*, now: datetime) -> float | None:
    """Return how long until a message that waits is due; None where none waits."""
    first: datetime | None = (
        WebhookDelivery.objects.filter(
            state=DeliveryState.WAITING, endpoint__owner__is_active=True
        )
        .annotate(at=Greatest("due_at", Coalesce("endpoint__paused_until", "due_at")))
        .aggregate(first=Min("at"))["first"]
    )
    return None if first is None else max((first - now).total_seconds(), 0)


def deliveries_in_state(endpoint: WebhookEndpoint) -> Mapping[str, int]:
    """Return how many deliveries of the endpoint are in each state."""
    rows = endpoint.deliveries.order_by().values_list("state").annotate(Count("pk"))
    return dict.fromkeys(DeliveryState.values, 0) | dict(rows)


def latest_deliveries(endpoint: WebhookEndpoint, count: int) -> list[WebhookDelivery]:
    return list(endpoint.deliveries.order_by("-id")[:count])


def attempts_of(delivery: WebhookDelivery) -> list[WebhookAttempt]:
    """Return every post of the delivery, the latest first."""
    return list(delivery.log.order_by("-id"))


def endpoints_to_disable(now: datetime) -> QuerySet[WebhookEndpoint]:
    """Keep those at which nothing has arrived for days, though it was tried."""
    since = now - timedelta(days=settings.WEBHOOK_DISABLE_AFTER_DAYS)
    return WebhookEndpoint.objects.filter(is_enabled=True, failing_since__lt=since)


def deliveries_to_forget(now: datetime) -> QuerySet[WebhookDelivery]:
    """Keep those whose log is older than it is kept; what waits is not of them."""
    before = now - timedelta(days=settings.WEBHOOK_LOG_DAYS)
    return WebhookDelivery.objects.filter(created_at__lt=before).exclude(
        state=DeliveryState.WAITING
    )


def _permitted(user: User) -> dict[Reach, list[str]]:
    found: dict[Reach, list[str]] = {}
    for each in PUBLIC_TYPES.values():
        if user.has_perm(each.permission):
            found.setdefault(each.reach, []).append(each.name)
    return found


def _tombstones() -> list[str]:
    return [each.name for each in PUBLIC_TYPES.values() if each.is_tombstone]


def _by_engagement(user: User) -> Q:
    """Those of engagements in scope; of one that is gone, by what it was."""
    if sees_all(user):
        return Q()
    was_seen = Q(manager_id=user.pk) | Q(department_id__in=departments_under(user))
    is_gone = ~Exists(Engagement.objects.filter(pk=OuterRef("engagement_id")))
    seen = Engagement.objects.all().visible_to(user).values("pk")
    return Q(engagement_id__in=seen) | (is_gone & was_seen)


def _by_money(user: User) -> Q:
    scope = engagement_scope(user, with_money=True)
    if not scope:
        return Q()
    return Q(engagement_id__in=Engagement.objects.filter(scope).values("pk"))


def _by_contractor(user: User) -> Q:
    """Those at work within one's scope, those nobody has placed, and those gone."""
    if sees_all(user):
        return Q()
    placed = Assignment._default_manager.filter(contractor=OuterRef("pk"))
    seen = placed.filter(engagement_scope(user))
    rows = Contractor.objects.filter(~Exists(placed) | Exists(seen))
    return Q(subject_id__in=rows.values("pk")) | Q(event_type__in=_tombstones())


def _by_invoice(user: User) -> Q:
    if sees_all(user):
        return Q()
    lines = InvoiceLine.objects.all().visible_to(user)
    return Q(subject_id__in=lines.values("invoice"))


def _by_budget(user: User) -> Q:
    return Q(subject_id__in=Budget.objects.all().visible_to(user).values("pk"))


def _by_person(user: User) -> Q:
    if sees_all(user):
        return Q()
    near = Q(manager=user) | Q(department__in=departments_under(user))
    return Q(subject_id__in=User.objects.filter(near).values("pk"))


def _everybody(user: User) -> Q:
    return Q()


_REACHES: Mapping[Reach, Callable[[User], Q]] = {
    Reach.ENGAGEMENT: _by_engagement,
    Reach.MONEY: _by_money,
    Reach.CONTRACTOR: _by_contractor,
    Reach.INVOICE: _by_invoice,
    Reach.BUDGET: _by_budget,
    Reach.PERSON: _by_person,
    Reach.EVERYBODY: _everybody,
}
