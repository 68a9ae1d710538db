"""How one engagement of the demo company is told: dates count from today's month."""

from dataclasses import dataclass, field
from enum import StrEnum

from engagements.choices import (
    CreditScheme,
    EndReason,
    Level,
    Metric,
    NoticeUnit,
    Place,
    Renewal,
    ServiceHours,
)


class Planted(StrEnum):
    """What the records of an engagement are written to say about its model."""

    MISFIT_MANAGED = "misfit_managed"  # managed now, augmented would fit
    MISFIT_AUGMENTED = "misfit_augmented"  # augmented now, managed would fit
    GOOD_MANAGED = "good_managed"
    GOOD_AUGMENTED = "good_augmented"
    AMBIGUOUS = "ambiguous"
    THIN = "thin"  # too little is recorded to tell
    BACKGROUND = "background"  # closed, not begun, or a draft


class Shape(StrEnum):
    """How a month's use compares with the next."""

    ROTA = "rota"  # a shift plan over all seven days, holidays covered
    EVEN = "even"  # working days, leave spread over the year
    OFFICE = "office"  # working days, leave taken in blocks
    SWINGS = "swings"  # as needed: full months, then hardly any


Shares = tuple[tuple[str, int], ...]


@dataclass(frozen=True, kw_only=True)
class Work:
    """How the work goes. Shares are of hours, 0 to 1; None where nobody records it.

    `skills` weigh the skills that the work draws on, `people` are the provider's
    people who log by name, `hours` is one person's or, without names, the team's day.
    """

    skills: Shares = ()
    hours: float = 7.5
    shape: Shape = Shape.OFFICE
    client_directed: float | None = None
    core: float | None = None
    out_of_hours: float | None = None
    teaching: float = 0.0
    advice_per_quarter: int = 0
    people: tuple[str, ...] = ()


@dataclass(frozen=True)
class Change:
    """A signed change order, billed with its month."""

    months_ago: int
    amount: str
    reason: str


@dataclass(frozen=True)
class Price:
    """A monthly fee or a rate, from a month on."""

    months_ago: int
    amount: str


@dataclass(frozen=True)
class Promise:
    """A service level."""

    name: str
    metric: Metric
    target: str
    unit: str = "%"
    is_ceiling: bool = False
    weight: int = 100
    # Its share of the pool of service credits.
    credit_percent: int = 0


@dataclass(frozen=True, kw_only=True)
class Story:
    """What both models have in common; `starts` and others are months before today's.

    `ends_in_days` is an agreed last day counted from today; `ended` closes the
    engagement at the end of the month that lies so many months back.
    """

    title: str
    planted: Planted
    vendor: str
    manager: str
    unit: str
    service: str | None
    starts: int
    prices: tuple[Price, ...]
    shares: Shares
    shares_later: tuple[int, Shares] | None = None
    currency: str = "GBP"
    country: str = "GB"
    months: int | None = None
    renewal: Renewal = Renewal.NONE
    renewal_months: int | None = None
    notice: int | None = None
    notice_unit: NoticeUnit = NoticeUnit.DAYS
    ends_in_days: int | None = None
    ended: int | None = None
    end_reason: EndReason = EndReason.COMPLETED
    predecessor: str | None = None
    purchase_order: str = ""
    is_draft: bool = False
    is_billed: bool = True
    work: Work | None = None
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ContractStory(Story):
    """A managed-service contract."""

    scope: str
    promises: tuple[Promise, ...] = ()
    service_hours: ServiceHours = ServiceHours.BUSINESS
    at_risk: int = 0
    credit_scheme: CreditScheme = CreditScheme.NONE
    exit_charge: str = "0"
    headcount_cap: int | None = None
    # Credits that the vendor granted: months ago, amount.
    credits: tuple[tuple[int, str], ...] = ()
    # Whether anybody measures the promises, and which months missed which of them.
    is_measured: bool = False
    missed: tuple[tuple[int, str], ...] = ()
    is_client_directed: bool = False


@dataclass(frozen=True, kw_only=True)
class AssignmentStory(Story):
    """An augmented contractor; rates are per day unless `is_hourly`."""

    contractor: str
    role: str
    skill: str
    level: Level = Level.SENIOR
    place: Place = Place.HYBRID
    weekly_hours: str = "37.5"
    is_hourly: bool = False
    overtime: str = "1"
    jurisdiction: str = "GB"


@dataclass(frozen=True, kw_only=True)
class PaidStory:
    """An engagement known from imported payments only."""

    title: str
    planted: Planted = field(default=Planted.THIN)
    vendor: str
    unit: str
    category: str
    monthly: str
