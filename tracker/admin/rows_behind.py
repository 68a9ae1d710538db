"""Where the records behind a figure are listed, narrowed to those it was told from."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from urllib.parse import urlencode

from django.urls import reverse

from engagements.choices import Kind
from engagements.models import Engagement, User
from engagements.values.periods import ONE_DAY, add_months, month_of
from tracker.fit.criterion import AnyCriterion
from tracker.fit.evidence import Observation

LIST = "admin:tracker_{}_changelist"
TEAMS = ("team_integrity", "scaling_friction")
# Records are read from the first to the last, by what they are dated with.
DATED = {
    "worklog": "worked_on",
    "levelresult": "window_to",
    "review": "period_to",
    "credit": "window_to",
}


@dataclass(frozen=True)
class Window:
    """Both days included; `first` is None where all before `last` was read."""

    first: date | None
    last: date

    @classmethod
    def of(cls, as_of: date, months: int) -> "Window":
        return cls(add_months(as_of, -months) + ONE_DAY, as_of)

    @property
    def unbounded(self) -> "Window":
        return Window(None, self.last)


def rows_of_fact(
    criterion: AnyCriterion,
    observation: Observation,
    engagement: Engagement,
    window: Window,
    user: User,
) -> str:
    """The records behind a criterion's figure; blank where there is no list of them."""
    rows = _kind_of(criterion, observation, engagement)
    looks_back = criterion.code in (*TEAMS, "permanence")
    asked = window.unbounded if looks_back else window
    return rows_behind(rows, [engagement], asked, user)


def _kind_of(
    criterion: AnyCriterion, observation: Observation, engagement: Engagement
) -> str:
    """Which records they are: some criteria read one kind or another."""
    figures = observation.figures
    if criterion.code == "performance" and "windows" not in figures:
        return "review" if "reviews" in figures else "team"
    if criterion.code in TEAMS and engagement.kind == Kind.AUGMENTED:
        return "team"
    if criterion.code == "permanence" and "gaps" not in figures:
        return "ledgerentry"
    if criterion.code == "steadiness" and not figures.get("is_hours", True):
        return "ledgerentry"
    if criterion.code == "scope_change":
        return "changeorder"
    return criterion.rows


def rows_behind(
    rows: str, engagements: Sequence[Engagement], window: Window, user: User
) -> str:
    """The list of the records, as far as the user may open it; blank otherwise.

    Several engagements have one list only of what is dated.
    """
    if rows in DATED:
        return _dated(rows, engagements, window, user)
    listed: Mapping[str, Callable[[Engagement, Window, User], str]] = {
        "ledgerentry": _ledger,
        "oversightlog": _oversight,
        "service": _service,
        "team": _team,
        "changeorder": _page,
    }
    if rows not in listed or len(engagements) != 1:
        return ""
    return listed[rows](engagements[0], window, user)


def _dated(
    rows: str, engagements: Sequence[Engagement], window: Window, user: User
) -> str:
    ids = ",".join(str(one.pk) for one in engagements)
    of = "engagement__id__exact" if len(engagements) == 1 else "engagement__id__in"
    return _list(rows, {of: ids, **_between(DATED[rows], window)}, user)


def _between(field: str, window: Window) -> dict[str, str]:
    last = {f"{field}__lte": window.last.isoformat()}
    if window.first is None:
        return last
    return {f"{field}__gte": window.first.isoformat()} | last


def _months(field: str, window: Window) -> dict[str, str]:
    """Records of whole months: from that of the first day to that of the last."""
    first = window.first and month_of(window.first)
    return _between(field, Window(first, month_of(window.last)))


def _ledger(engagement: Engagement, window: Window, user: User) -> str:
    asked = {"engagement__id__exact": str(engagement.pk), **_months("month", window)}
    return _list("ledgerentry", asked, user)


def _oversight(engagement: Engagement, window: Window, user: User) -> str:
    if engagement.manager_id is None:
        return ""
    asked = {
        "manager__id__exact": str(engagement.manager_id),
        **_months("month", window),
    }
    return _list("oversightlog", asked, user)


def _service(engagement: Engagement, window: Window, user: User) -> str:
    if engagement.service_id is None or not user.has_perm("engagements.view_service"):
        return ""
    return reverse("admin:engagements_service_change", args=[engagement.service_id])


def _team(engagement: Engagement, window: Window, user: User) -> str:
    """The engagements of the vendor's people on the service: who works together."""
    if engagement.service_id is None:
        return ""
    asked = {
        "vendor__id__exact": str(engagement.vendor_id),
        "service__id__exact": str(engagement.service_id),
        "kind__exact": Kind.AUGMENTED.value,
    }
    return f"{reverse('admin:engagements_engagement_changelist')}?{urlencode(asked)}"


def _page(engagement: Engagement, window: Window, user: User) -> str:
    """Its own page, where its change orders stand."""
    return reverse("admin:engagements_engagement_change", args=[engagement.pk])


def _list(rows: str, asked: Mapping[str, str], user: User) -> str:
    if not user.has_perm(f"tracker.view_{rows}"):
        return ""
    return f"{reverse(LIST.format(rows))}?{urlencode(asked, safe=',')}"
