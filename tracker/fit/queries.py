"""What the engine reads: records of many engagements at once, as known on a day."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.db.models import (
    Count,
    Exists,
    F,
    Max,
    Min,
    OuterRef,
    Prefetch,
    Q,
    QuerySet,
    Subquery,
)
from django.utils import timezone

from engagements.choices import Kind, Origin, Status
from engagements.models import Engagement, User
from engagements.permissions import engagement_scope
from engagements.values.periods import ONE_DAY, add_months, month_of
from tracker.fit.models import (
    ASKING_STATES,
    LIVE_STATES,
    Assessment,
    Decision,
    Flag,
    GroupVerdict,
)
from tracker.fit.reading import headline_of
from tracker.fit.verdict import Verdict
from tracker.spend.models import MonthlySpend, WorkLog

Viewer = User | AnonymousUser
# Mean days of a month in the Gregorian calendar.
DAYS_PER_MONTH = 365.2425 / 12
HAPPENED = (Status.ACTIVE, Status.ENDED, Status.TERMINATED)


@dataclass(frozen=True)
class Scope:
    """The engagements asked about, and the months up to a day that count.

    Only records dated on or before `as_of` are read, so that a past day is judged
    from what had happened by then.  The record's own date counts, not the day it was
    typed in: history that is entered late is still history.
    """

    engagements: QuerySet[Engagement]
    as_of: date
    months: int

    @property
    def starts_on(self) -> date:
        """The first day of the window."""
        return add_months(self.as_of, -self.months) + ONE_DAY

    @property
    def last_complete_month(self) -> date:
        """The latest month that had wholly passed by the end of `as_of`."""
        return add_months(month_of(self.as_of + ONE_DAY), -1)

    @property
    def ids(self) -> QuerySet[Engagement, int]:
        """For `engagement__in`: a subquery, however many engagements there are."""
        return self.engagements.order_by().values_list("pk", flat=True)

    def work_logs(self) -> QuerySet[WorkLog]:
        rows = WorkLog.objects.counted().filter(
            engagement__in=self.ids, worked_on__range=(self.starts_on, self.as_of)
        )
        return rows.order_by()

    def monthly_spend(self) -> QuerySet[MonthlySpend]:
        """All months up to the window's last; the caller narrows the first."""
        return (
            MonthlySpend.objects.filter(
                engagement__in=self.ids, month__lte=month_of(self.as_of)
            )
            .exclude(charge_kind="tax")
            .order_by()
        )


def logged(scope: Scope) -> Mapping[int, int]:
    """How many work logs of the window each engagement has, by id."""
    rows = scope.work_logs().values_list("engagement_id")
    return dict(rows.annotate(logs=Count("id")))


@dataclass(frozen=True)
class Stay:
    """From when until when a person worked in a team; both days included."""

    person: str
    first: date
    last: date


def judged_on(as_of: date) -> QuerySet[Engagement]:
    """The engagements that were running on the day.

    An imported one is a draft until somebody confirms it; its spend is real, so it
    is judged once there is some.
    """
    has_spend = Exists(
        MonthlySpend.objects.filter(
            engagement=OuterRef("pk"), month__lte=month_of(as_of)
        )
    )
    return Engagement.objects.filter(
        Q(status=Status.ACTIVE)
        | Q(status__in=(Status.ENDED, Status.TERMINATED), ends_on__gte=as_of)
        | (Q(status=Status.DRAFT, origin=Origin.IMPORTED) & Q(has_spend)),
        starts_on__lte=as_of,
    ).order_by("pk")


def known_before(day: date) -> QuerySet[Engagement]:
    """Every engagement that had begun by the day: the portfolio that priors come of."""
    return Engagement.objects.filter(
        Q(status__in=HAPPENED) | Q(status=Status.DRAFT, origin=Origin.IMPORTED),
        starts_on__lt=day,
    )


def teams(scope: Scope) -> Mapping[int, list[Stay]]:
    """Who works together, by engagement id.

    A managed engagement's team are the people in its work logs.  Augmented staff of
    one vendor on one service form a team, whatever number of engagements they come
    under; without a service nobody recorded whom they work with.
    """
    found: dict[int, list[Stay]] = {}
    for engagement, stay in _logged_stays(scope):
        found.setdefault(engagement, []).append(stay)
    by_place: dict[tuple[int, int], list[Stay]] = {}
    for place, stay in _assigned_stays(scope):
        by_place.setdefault(place, []).append(stay)
    augmented = scope.engagements.filter(
        kind=Kind.AUGMENTED, service__isnull=False
    ).values_list("pk", "vendor_id", "service_id")
    for pk, vendor, service in augmented:
        if service is not None and (vendor, service) in by_place:
            found[pk] = by_place[vendor, service]
    return found


def joined(
    by_engagement: Mapping[int, Sequence[Stay]], members: Iterable[int]
) -> list[Stay]:
    """The members' teams as one, in which a stay that several tell of counts once."""
    stays = {stay for pk in members for stay in by_engagement.get(pk, ())}
    return sorted(stays, key=lambda stay: (stay.first, stay.person, stay.last))


def _logged_stays(scope: Scope) -> list[tuple[int, Stay]]:
    rows = (
        WorkLog.objects.counted()
        .filter(
            engagement__in=scope.ids,
            engagement__kind=Kind.MANAGED,
            contractor__isnull=False,
            worked_on__lte=scope.as_of,
        )
        .order_by()
        .values_list("engagement_id", "contractor_id")
        .annotate(first=Min("worked_on"), last=Max("worked_on"))
    )
    return [
        (engagement, Stay(person=f"contractor {contractor}", first=first, last=last))
        for engagement, contractor, first, last in rows
    ]


def _assigned_stays(scope: Scope) -> list[tuple[tuple[int, int], Stay]]:
    rows = Engagement.objects.filter(
        kind=Kind.AUGMENTED,
        service__in=scope.engagements.order_by().values("service_id"),
        status__in=HAPPENED,
        starts_on__lte=scope.as_of,
    ).values_list(
        "pk",
        "vendor_id",
        "service_id",
        "assignment__contractor_id",
        "starts_on",
        "ends_on",
    )
    stays = []
    for pk, vendor, service, contractor, starts_on, ends_on in rows:
        person = f"contractor {contractor}" if contractor else f"engagement {pk}"
        last = min(ends_on or scope.as_of, scope.as_of)
        if service is not None:
            stays.append(((vendor, service), Stay(person, starts_on, last)))
    return stays


@dataclass(frozen=True)
class FlagRow:
    """A flag with what is needed to decide about it.

    `leaning` is None where only a dated pattern asks for a decision.
    """

    flag_id: UUID
    engagement_id: UUID
    reference: str
    title: str
    vendor: str
    kind: str
    leaning: str | None
    pattern: str | None
    state: str
    opposition: float
    sentence: str
    raised_on: date
    notice_deadline_on: date | None


def open_flags(user: Viewer) -> list[FlagRow]:
    """Live flags on engagements the user may see, most pressing deadline first."""
    return _flag_rows(Engagement.objects.visible_to(user))


def all_open_flags() -> list[FlagRow]:
    """Every live flag, for those who run the product itself."""
    return _flag_rows(Engagement.objects.all())


def _flag_rows(engagements: QuerySet[Engagement]) -> list[FlagRow]:
    flags = (
        Flag.objects.filter(engagement__in=engagements, state__in=LIVE_STATES)
        .select_related("engagement__vendor")
        .order_by(F("notice_deadline_on").asc(nulls_last=True), "-opposition", "id")
    )
    return [
        FlagRow(
            flag_id=flag.public_id,
            engagement_id=flag.engagement.public_id,
            reference=flag.engagement.reference,
            title=flag.engagement.title,
            vendor=flag.engagement.vendor.legal_name,
            kind=flag.engagement.kind,
            leaning=flag.leaning or None,
            pattern=flag.pattern or None,
            state=flag.state,
            opposition=flag.opposition,
            sentence=flag.strongest_reason,
            raised_on=flag.raised_on,
            notice_deadline_on=flag.notice_deadline_on,
        )
        for flag in flags
    ]


@dataclass(frozen=True)
class FactToRecord:
    """What to record, and for how many engagements it is among the most telling."""

    how_to_record: str
    engagements: int


def facts_to_record(*, most: int = 3) -> list[FactToRecord]:
    """What to record next where there is not enough evidence, most asked for first."""
    thin = _latest_of(judged_on(timezone.localdate())).filter(
        verdict=Verdict.NOT_ENOUGH_EVIDENCE
    )
    asked = Counter(
        fact["how_to_record"]
        for missing in thin.values_list("missing", flat=True).iterator()
        for fact in missing[:most]
    )
    ranked = sorted(asked.items(), key=lambda pair: (-pair[1], pair[0]))
    return [FactToRecord(how, count) for how, count in ranked[:most]]


def count_open_flags(user: Viewer, engagements: QuerySet[Engagement]) -> int:
    """Return how many live flags these engagements have that the user may see."""
    live = Flag.objects.visible_to(user).filter(state__in=LIVE_STATES)
    return live.filter(engagement__in=engagements).count()


def latest_assessments(user: Viewer) -> QuerySet[Assessment]:
    """The newest assessment of each engagement the user may see."""
    return _latest_of(Engagement.objects.visible_to(user))


def running_assessments(user: Viewer) -> QuerySet[Assessment]:
    """The newest of each engagement that the user may see and that still runs.

    What has ended asks for no decision; its assessments stay on its own page.
    """
    still_run = judged_on(timezone.localdate()).order_by().values("pk")
    return latest_assessments(user).filter(engagement__in=still_run)


def latest_assessment(engagement: Engagement, user: Viewer) -> Assessment | None:
    """The newest assessment of one engagement, or None where the user may not look."""
    visible = Engagement.objects.visible_to(user).filter(pk=engagement.pk)
    return _latest_of(visible).first()


def _latest_of(engagements: QuerySet[Engagement]) -> QuerySet[Assessment]:
    newest = Assessment.objects.filter(engagement=OuterRef("engagement")).order_by(
        "-as_of", "-policy__version"
    )
    return (
        Assessment.objects.filter(
            engagement__in=engagements, pk=Subquery(newest.values("pk")[:1])
        )
        .select_related("engagement", "policy")
        .order_by("engagement__reference")
    )


@dataclass(frozen=True)
class GroupRow:
    """A group with its blend by engagement: name by id, in the order of the ids."""

    basis: str
    name: str
    verdict: str
    kind: str
    acceptability: float
    coverage: float
    headline: str
    members: frozenset[int]
    is_reported: bool
    managed: tuple[tuple[UUID, str], ...]
    augmented: tuple[tuple[UUID, str], ...]


def visible_groups(user: Viewer) -> list[GroupRow]:
    """The latest groups of which the user sees every member; three queries."""
    groups = GroupVerdict.objects.visible_to(user).prefetch_related(
        Prefetch("members", Engagement.objects.only("public_id", "reference", "title"))
    )
    return [_group_row(group) for group in groups]


def _group_row(group: GroupVerdict) -> GroupRow:
    members = {member.pk: member for member in group.members.all()}
    blend = group.blend or {"managed": [], "augmented": []}

    def named(ids: list[int]) -> tuple[tuple[UUID, str], ...]:
        parts = (members[pk] for pk in ids if pk in members)
        return tuple(
            (part.public_id, f"{part.reference} {part.title}") for part in parts
        )

    return GroupRow(
        basis=group.get_basis_display(),
        name=group.name,
        verdict=group.verdict,
        kind=group.kind,
        acceptability=group.acceptability,
        coverage=group.coverage,
        headline=headline_of(group),
        members=frozenset(members),
        is_reported=group.is_reported,
        managed=named(blend["managed"]),
        augmented=named(blend["augmented"]),
    )


@dataclass(frozen=True)
class Told:
    """A flag with all that there is to tell; `money` only for who may see it."""

    flag: Flag
    assessment: Assessment | None
    decision: Decision | None
    money: dict[str, Any] | None


def told_assessments(
    user: Viewer, assessments: QuerySet[Assessment]
) -> list[tuple[Assessment, dict[str, Any] | None]]:
    """The assessments in their order, each with its money for who may see it.

    Two queries, however many there are.
    """
    rows = list(assessments.select_related("engagement", "policy"))
    with_money = _priced(user, {row.engagement_id for row in rows})
    return [(row, _money_of(row, with_money)) for row in rows]


def _priced(user: Viewer, engagements: Collection[int]) -> set[int]:
    """Those of the engagements whose money the user may see."""
    priced = Engagement.objects.filter(
        engagement_scope(user, with_money=True), pk__in=engagements
    )
    return set(priced.order_by().values_list("pk", flat=True))


def flags_told(user: Viewer, flags: QuerySet[Flag]) -> list[Told]:
    """The flags in their order; four queries, however many there are."""
    rows = list(flags.select_related("engagement"))
    engagements = Engagement.objects.filter(pk__in={row.engagement_id for row in rows})
    latest = {found.engagement_id: found for found in _latest_of(engagements)}
    with_money = _priced(user, {row.engagement_id for row in rows})
    decisions = Decision.objects.filter(flag__in=rows).order_by("at", "id")
    decided = {decision.flag_id: decision for decision in decisions}
    return [
        Told(
            flag=row,
            assessment=latest.get(row.engagement_id),
            decision=decided.get(row.pk),
            money=_money_of(latest.get(row.engagement_id), with_money),
        )
        for row in rows
    ]


def asking_flags(user: User, engagements: Collection[int]) -> list[Told]:
    """Flags that ask the user: of the engagements, and of those the user manages.

    The first due comes first. None for who sees no flags.
    """
    if not user.has_perm("tracker.view_flag"):
        return []
    flags = (
        Flag.objects.visible_to(user)
        .filter(state__in=ASKING_STATES)
        .filter(Q(engagement__in=engagements) | Q(engagement__manager=user))
        .select_related("engagement__vendor")
        .order_by(F("notice_deadline_on").asc(nulls_last=True), "-opposition", "id")
    )
    return flags_told(user, flags)


def _money_of(
    assessment: Assessment | None, with_money: Collection[int]
) -> dict[str, Any] | None:
    if assessment is None or assessment.engagement_id not in with_money:
        return None
    return assessment.money
