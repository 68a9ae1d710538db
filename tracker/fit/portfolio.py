"""Every engagement on fit and on money, for those who may see either."""

from collections import defaultdict
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import F, QuerySet
from django.utils import timezone

from engagements.models import Engagement, User
from engagements.permissions import engagement_scope, sees_money
from tracker.fit.models import LIVE_STATES, Flag
from tracker.fit.queries import running_assessments
from tracker.spend.queries import SpendWhere, engagements_where


@dataclass(frozen=True)
class Worth:
    """What going over is worth, in the reporting currency.

    `spent` is the ledger's sum over `months`; the saving is a month's, as 10th, 50th
    and 90th of a hundred; `chance` that it pays within 24 months.
    """

    spent: Decimal
    months: int
    p10: Decimal
    p50: Decimal
    p90: Decimal
    chance: float

    @property
    def yearly_spend(self) -> Decimal:
        return self.spent * 12 / self.months


@dataclass(frozen=True)
class Placed:
    """One engagement; `worth` is None where nothing tells, or who asks may not see."""

    assessment: int
    engagement: int
    public_id: UUID
    reference: str
    title: str
    vendor: str
    kind: str
    verdict: str
    opposition: float
    coverage: float
    as_of: date
    # Codes of the facts that are not recorded.
    missing: frozenset[str]
    worth: Worth | None


# Of what is placed, where each fact is stored.
COLUMNS = {
    "assessment": "pk",
    "engagement": "engagement_id",
    "public_id": "engagement__public_id",
    "reference": "engagement__reference",
    "title": "engagement__title",
    "vendor": "engagement__vendor__legal_name",
    "kind": "kind",
    "verdict": "verdict",
    "opposition": "opposition",
    "coverage": "coverage",
    "as_of": "as_of",
}


@dataclass(frozen=True)
class Lesson:
    """What to record next: for how many engagements, and by how many points in all."""

    code: str
    label: str
    how_to_record: str
    engagements: int
    points: float


@dataclass(frozen=True)
class Asking:
    """A flag that waits, with what it is worth; `days` are left until the deadline."""

    flag: int
    engagement: int
    reference: str
    title: str
    vendor: str
    leaning: str
    state: str
    reason: str
    deadline: date | None
    days: int | None
    worth: Worth | None


@dataclass(frozen=True)
class Portfolio:
    placed: list[Placed]
    asking: list[Asking]
    lessons: list[Lesson]


def portfolio_of(
    user: User, where: SpendWhere | None = None, *, verdict: str = "", missing: str = ""
) -> Portfolio:
    """What the engine says of all that the user sees and that runs; three queries.

    `where` narrows by records, never by months; `verdict` and `missing` keep what was
    judged so, and what lacks the fact of the code.
    """
    seen = engagements_where(user, where or SpendWhere())
    found = running_assessments(user).filter(engagement__in=seen.values("pk"))
    if verdict:
        found = found.filter(verdict=verdict)
    priced = set(
        Engagement.objects.filter(engagement_scope(user, with_money=True))
        .order_by()
        .values_list("pk", flat=True)
    )
    placed, lacking = [], []
    for row in found.values_list(*COLUMNS.values(), "money", "missing").iterator():
        one = _placed(row, priced)
        if missing and missing not in one.missing:
            continue
        placed.append(one)
        lacking.append(row[-1])
    flags = Flag.objects.visible_to(user).filter(engagement__in=seen.values("pk"))
    asking = _asking(flags, {one.engagement: one.worth for one in placed})
    if verdict or missing:
        kept = {one.engagement for one in placed}
        asking = [one for one in asking if one.engagement in kept]
    return Portfolio(placed, asking, _lessons(lacking))


@dataclass(frozen=True)
class Switched:
    """What an engagement's latest assessment tells of going over.

    `money` is as an Assessment holds it; its `inputs` are shown to nobody.
    """

    assessment: int
    reference: str
    title: str
    public_id: UUID
    vendor: str
    kind: str
    as_of: date
    verdict: str
    opposition: float
    money: Mapping[str, Any]
    policy_version: int
    engine_version: str


def switches_of(user: User, where: SpendWhere) -> list[Switched]:
    """Those with money, for who may see it; what is opposed most comes first."""
    if not sees_money(user):
        return []
    seen = engagements_where(user, where).filter(
        engagement_scope(user, with_money=True)
    )
    rows = (
        running_assessments(user)
        .filter(engagement__in=seen.values("pk"), money__isnull=False)
        .select_related("engagement__vendor", "policy")
        .defer(
            "points", "missing", "counterfactuals", "sentences", "wordings", "evidence"
        )
        .order_by("-opposition", "engagement__reference")
    )
    return [
        Switched(
            assessment=row.pk,
            reference=row.engagement.reference,
            title=row.engagement.title,
            public_id=row.engagement.public_id,
            vendor=row.engagement.vendor.legal_name,
            kind=row.kind,
            as_of=row.as_of,
            verdict=row.get_verdict_display(),
            opposition=row.opposition,
            money=row.money,
            policy_version=row.policy.version,
            engine_version=row.engine_version,
        )
        for row in rows
        if row.money
    ]


def _placed(row: tuple[Any, ...], priced: Container[int]) -> Placed:
    """From the columns of the portfolio, in their order."""
    *values, money, missing = row
    told = dict(zip(COLUMNS, values, strict=True))
    worth = worth_of(money) if told["engagement"] in priced else None
    codes = frozenset(str(fact["code"]) for fact in missing)
    return Placed(**told, missing=codes, worth=worth)


def worth_of(money: Mapping[str, Any] | None) -> Worth | None:
    """A stored switch in the reporting currency, at the rates of its postings."""
    if money is None:
        return None
    spent, reporting = Decimal(money["spent"]), Decimal(money["reporting_spent"])
    if spent <= 0 or reporting <= 0:
        return None
    rate, saving = reporting / spent, money["saving"]
    return Worth(
        spent=reporting,
        months=money["months"],
        p10=Decimal(saving["p10"]) * rate,
        p50=Decimal(saving["p50"]) * rate,
        p90=Decimal(saving["p90"]) * rate,
        chance=money["chance_to_save"],
    )


def _asking(seen: QuerySet[Flag], worths: Mapping[int, Worth | None]) -> list[Asking]:
    """The earliest deadline first; of one day, and of none, what is worth most."""
    today = timezone.localdate()
    flags = (
        seen.filter(state__in=LIVE_STATES)
        .select_related("engagement__vendor")
        .order_by(F("notice_deadline_on").asc(nulls_last=True), "id")
    )
    asking = [
        Asking(
            flag=flag.pk,
            engagement=flag.engagement_id,
            reference=flag.engagement.reference,
            title=flag.engagement.title,
            vendor=flag.engagement.vendor.legal_name,
            leaning=flag.leaning,
            state=flag.get_state_display(),
            reason=flag.strongest_reason,
            deadline=flag.notice_deadline_on,
            days=_days_left(flag.notice_deadline_on, today),
            worth=worths.get(flag.engagement_id),
        )
        for flag in flags
    ]
    return sorted(asking, key=_urgency)


def _days_left(deadline: date | None, today: date) -> int | None:
    return None if deadline is None else (deadline - today).days


def _urgency(one: Asking) -> tuple[bool, date, Decimal]:
    value = one.worth.p50 if one.worth else Decimal(0)
    return one.deadline is None, one.deadline or date.max, -value


def _lessons(missing: Iterable[list[dict[str, Any]]]) -> list[Lesson]:
    """Facts by how far all verdicts together could still move, most telling first."""
    points: dict[str, float] = defaultdict(float)
    counts: dict[str, int] = defaultdict(int)
    words: dict[str, tuple[str, str]] = {}
    for facts in missing:
        for fact in facts:
            points[fact["code"]] += fact["swing_points"]
            counts[fact["code"]] += 1
            words[fact["code"]] = fact["label"], fact["how_to_record"]
    ranked = sorted(points, key=lambda code: (-points[code], code))
    return [
        Lesson(code, *words[code], counts[code], round(points[code], 1))
        for code in ranked
    ]
