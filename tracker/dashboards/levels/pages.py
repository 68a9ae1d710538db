"""What the pages of service levels show, built before any template is touched."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import ClassVar, cast

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop, ngettext

from engagements.models import User
from engagements.values.language import translated
from engagements.values.money import format_money
from tracker.dashboards.filters import Asking
from tracker.dashboards.levels.drawing import OUTCOMES, figure, window_name
from tracker.dashboards.levels.reports import (
    LEVELS_SHOWN,
    LevelReport,
    Levels,
    LevelsAtRisk,
    LostCredits,
    VendorLeague,
    VendorsByService,
    WindowsOfLevels,
)
from tracker.dashboards.levels.scope import NAME, LevelScope, level_asking
from tracker.dashboards.notation import Notation
from tracker.dashboards.pages import Figure, Link, Section, card_table, downloads
from tracker.dashboards.report import Report, Row
from tracker.dashboards.spend_series import Drawing
from tracker.dashboards.topics.page import Topic, TopicPage
from tracker.dashboards.topics.scope import TopicScope
from tracker.performance.level_queries import (
    MOST_SHOWN,
    Behind,
    LevelRow,
    records_behind,
    result_by_id,
)
from tracker.performance.queries import lost_credits
from tracker.performance.service_levels import Outcome, minutes_of, shown

SEES_LEVELS = "tracker.view_levelresult"
ROWS_SHOWN = 10


class ServiceLevels(Topic):
    name = NAME
    title = gettext_noop("Service levels")
    no_access = "tracker/no_access_levels.html"
    reports: ClassVar[Sequence[type[Report]]] = (
        Levels,
        WindowsOfLevels,
        LevelsAtRisk,
        VendorLeague,
        VendorsByService,
        LostCredits,
    )

    @cached_property
    def asking(self) -> Asking:
        return level_asking(frozenset(self.by_slug))

    def may_open(self, user: User) -> bool:
        return user.has_perm(SEES_LEVELS)

    def as_of(self, scope: TopicScope) -> str:
        return _("Windows are judged the night after they end")

    def page(self, scope: TopicScope) -> TopicPage:
        return levels_page(self, cast(LevelScope, scope))


SERVICE_LEVELS = ServiceLevels()


def levels_page(topic: ServiceLevels, scope: LevelScope) -> TopicPage:
    levels, risks, lost = Levels(scope), LevelsAtRisk(scope), LostCredits(scope)
    league, services = VendorLeague(scope), VendorsByService(scope)
    is_empty = not levels.found and not risks.found
    sections = [
        _at_risk(risks),
        _heat_map(levels),
        _lost(lost),
        _league(league),
        _services(services),
    ]
    return TopicPage(
        eyebrow=topic.eyebrow(scope),
        title=_finding(levels.found, len(risks.pressing)),
        as_of=topic.as_of(scope),
        figures=[] if is_empty else _figures(scope, levels, risks, league),
        sections=[] if is_empty else [one for one in sections if one is not None],
        advice=_advice() if is_empty else (),
        actions=_imports(scope.user) if is_empty else (),
    )


def _advice() -> list[tuple[str, str]]:
    return [
        (
            _("Agree on service levels."),
            _(
                "They stand on the page of a managed-service contract, with target,"
                " weight and how they are measured."
            ),
        ),
        (
            _("Record what happens."),
            _(
                "Measurements by hand, or files of tickets, measurements and downtime;"
                " each window is judged the night after it ends."
            ),
        ),
        (_("Or choose other months."), _("“All” shows every window there is.")),
    ]


def _imports(user: User) -> list[Link]:
    if not (user.is_staff and user.has_perm("tracker.add_importrun")):
        return []
    return [Link(_("Import a file"), reverse("admin:tracker_importrun_add"))]


def _finding(rows: Sequence[LevelRow], pressing: int) -> str:
    """Return the sentence on top: what was missed, and what is about to be."""
    missed = sum(row.counts[Outcome.MISSED.value] for row in rows)
    judged = missed + sum(row.counts[Outcome.MET.value] for row in rows)
    if not judged:
        said = _("No window with data ended in these months")
    elif missed:
        said = _("%(missed)d of %(judged)d windows missed") % {
            "missed": missed,
            "judged": judged,
        }
    elif judged == 1:
        said = _("The one window with data was met")
    else:
        said = _("All %(judged)d windows with data were met") % {"judged": judged}
    if not pressing:
        return _("%(said)s, and nothing is at risk now") % {"said": said}
    return ngettext(
        "%(said)s, and %(n)d service level at risk now",
        "%(said)s, and %(n)d service levels at risk now",
        pressing,
    ) % {"said": said, "n": pressing}


def _figures(
    scope: LevelScope, levels: Levels, risks: LevelsAtRisk, league: VendorLeague
) -> list[Figure]:
    count = scope.notation.count
    rows = levels.found
    windows = sum(len(row.results) for row in rows)
    judged = sum(
        row.counts[Outcome.MET.value] + row.counts[Outcome.MISSED.value] for row in rows
    )
    share = Decimal(judged) / windows if windows else None
    lost = lost_credits(scope.user, _engagements(levels, scope))
    sums = [format_money(total, currency) for currency, total in lost.sums.items()]
    return [
        Figure(
            _("Missed windows"),
            count(sum(row.counts[Outcome.MISSED.value] for row in rows)),
            _("of %(n)s with data") % {"n": count(judged)},
            scope.report_url("windows"),
        ),
        Figure(
            _("Coverage"),
            "–" if share is None else scope.notation.percent(share),  # noqa: RUF001 - a sign
            _("of all windows have data"),
        ),
        Figure(
            _("At risk now"), count(len(risks.pressing)), _("in the running windows")
        ),
        Figure(
            _("Lost to missed deadlines"),
            " + ".join(sums) or "0",
            _("%(n)s credits never claimed, all time") % {"n": count(lost.count)},
            scope.report_url("lost-credits", period="all"),
        ),
    ]


def _engagements(levels: Levels, scope: LevelScope) -> list[int] | None:
    """Return whose credits are meant: all in sight, unless something narrows them."""
    if scope.levels.engagements() == type(scope.levels)().engagements():
        return None
    return sorted({row.engagement.pk for row in levels.found})


def _section(
    report: LevelReport,
    rows: Sequence[Row],
    *,
    total: int,
    is_full: bool = True,
    drawing: Drawing | None = None,
    note: str = "",
) -> Section:
    more = None
    if total > len(rows):
        href = report.scope.report_url(report.slug)
        more = Link(
            _("Show all %(n)s") % {"n": report.scope.notation.count(total)}, href
        )
    return Section(
        report.slug,
        report.heading,
        card_table(report, rows),
        downloads(report, is_drawn=drawing is not None),
        drawing=drawing,
        is_full=is_full,
        more=more,
        note=f"{note} {report.unfollowed()}".strip(),
    )


def _at_risk(report: LevelsAtRisk) -> Section | None:
    rows = report.pressing_rows()
    if not rows:
        return None
    return _section(
        report,
        rows[: 2 * ROWS_SHOWN],
        total=len(rows),
        note=_(
            "Counted from the records so far, nothing is forecast. A level is near "
            "its bound when two more misses, or the last quarter of the downtime "
            "that it allows, would break it."
        ),
    )


def _lost(report: LostCredits) -> Section | None:
    rows = list(report.rows())
    return _section(report, rows[:ROWS_SHOWN], total=len(rows)) if rows else None


def _league(report: VendorLeague) -> Section | None:
    rows = list(report.rows())
    if not rows:
        return None
    return _section(
        report,
        rows[: 2 * ROWS_SHOWN],
        total=len(rows),
        note=_(
            "Scores are from 0 to 100 over 36 months, whatever months are chosen "
            "above: a window half a year old counts half, by the weight of its level. "
            "Each engagement's score is drawn to its vendor's mean as if three more "
            "months had come out like that one, so that a few windows make no star and "
            "no failure; vendors weigh their engagements by spend. Excellent from 95, "
            "good from 80, fair from 60, poor below. Windows without data, or excused, "
            "lower the coverage and nothing else."
        ),
    )


def _services(report: VendorsByService) -> Section | None:
    rows = list(report.rows())
    if not rows:
        return None
    return _section(report, rows[: 2 * ROWS_SHOWN], total=len(rows))


def _heat_map(report: Levels) -> Section | None:
    rows = report.found
    if not rows:
        return None
    return _section(
        report,
        list(report.rows())[:LEVELS_SHOWN],
        total=len(rows),
        drawing=report.picture(),
        note=_(
            "✓ met, ✗ missed, – excused, a dot: no data. A quarter is three months "  # noqa: RUF001 - the sign that cells show
            "wide. Each cell opens its window, with all that was recorded."
        ),
    )


@dataclass(frozen=True)
class Records:
    title: str
    heads: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""


@dataclass(frozen=True)
class WindowPage:
    eyebrow: str
    title: str
    as_of: str
    back: Link
    facts: Sequence[tuple[str, str]]
    outcome: str
    records: Sequence[Records]
    admin_href: str = ""


def window_page(scope: LevelScope, public_id: object) -> WindowPage | None:
    """Return one window with what its figure was counted from; None if not seen."""
    result = result_by_id(scope.user, public_id)  # type: ignore[arg-type]
    if result is None:
        return None
    notation, level = scope.notation, result.service_level
    behind = records_behind(result)
    facts = [
        (_("Outcome"), translated(OUTCOMES[result.outcome])),
        (_("Figure"), figure(result.value, level.unit) or _("none")),
        (_("Target"), f"{shown(level.target)} {level.unit}"),
    ]
    if level.minimum is not None:
        facts.append((_("Minimum"), f"{shown(level.minimum)} {level.unit}"))
    if result.total is not None and result.good is not None:
        good, total = notation.count(result.good), notation.count(result.total)
        facts.append(
            (_("Counted"), _("%(good)s of %(total)s") % {"good": good, "total": total})
        )
    if result.down_seconds is not None and result.service_seconds is not None:
        down = notation.number(minutes_of(result.down_seconds))
        service = notation.number(minutes_of(result.service_seconds))
        facts.append(
            (
                _("Minutes down"),
                _("%(down)s of %(service)s of service")
                % {"down": down, "service": service},
            )
        )
    if result.excuse:
        by = result.excused_by.get_username() if result.excused_by else ""
        facts.append((_("Excused"), f"{result.excuse} ({by})"))
    engagement = result.engagement
    may_open = scope.user.is_staff and scope.user.has_perm("tracker.view_levelresult")
    return WindowPage(
        eyebrow=f"{engagement.title} · {engagement.reference} · {engagement.vendor}",
        title=f"{level.name}, {window_name(result, notation)}",
        as_of=_("Recorded in this window; figures follow what is recorded late"),
        back=Link(
            _("Service levels"), scope.page_url(engagement=str(engagement.public_id))
        ),
        facts=facts,
        outcome=result.outcome,
        records=_records(behind, notation),
        admin_href=reverse("admin:tracker_levelresult_change", args=[result.pk])
        if may_open
        else "",
    )


def _records(behind: Behind, notation: Notation) -> list[Records]:
    found = []
    if behind.measurements:
        found.append(
            Records(
                _("Measurements"),
                (_("From"), _("To"), _("Measured"), _("Incident")),
                [
                    (
                        notation.day(one.period_from),
                        notation.day(one.period_to),
                        _measured(one, notation),
                        one.incident,
                    )
                    for one in behind.measurements
                ],
            )
        )
    if behind.downtimes:
        found.append(
            Records(
                _("Downtime"),
                (_("Began"), _("Ended"), _("Minutes"), _("Incident")),
                [
                    (
                        notation.moment(timezone.localtime(one.began_at)),
                        notation.moment(timezone.localtime(one.ended_at)),
                        notation.number(
                            minutes_of(
                                int((one.ended_at - one.began_at).total_seconds())
                            )
                        ),
                        one.incident,
                    )
                    for one in behind.downtimes
                ],
            )
        )
    if behind.tickets:
        found.append(_tickets(behind, notation))
    return found


def _measured(one: object, notation: Notation) -> str:
    value = getattr(one, "value", None)
    minutes = getattr(one, "downtime_minutes", None)
    if value is not None:
        return notation.number(value)
    if minutes is not None:
        return _("%(minutes)s min down") % {"minutes": notation.number(minutes)}
    good, total = getattr(one, "good", 0), getattr(one, "total", 0)
    return _("%(good)s of %(total)s") % {
        "good": notation.count(good),
        "total": notation.count(total),
    }


IN_TIME = {
    True: gettext_noop("in time"),
    False: gettext_noop("too late"),
    None: gettext_noop("not judged"),
}


def _tickets(behind: Behind, notation: Notation) -> Records:
    note = _(
        "%(late)s too late of %(counted)s that count; those too late come first."
    ) % {
        "late": notation.count(behind.late),
        "counted": notation.count(behind.counted),
    }
    if len(behind.tickets) == MOST_SHOWN:
        note += " " + _("The first %(n)d are shown.") % {"n": MOST_SHOWN}
    return Records(
        _("Tickets"),
        (
            _("Number"),
            _("Priority"),
            _("Group"),
            _("Opened"),
            _("Answered"),
            _("Solved"),
            _("In time"),
        ),
        [
            (
                seen.ticket.source_id,
                seen.ticket.priority,
                seen.ticket.ticket_group,
                *(
                    notation.moment(timezone.localtime(moment)) if moment else ""
                    for moment in (
                        seen.ticket.opened_at,
                        seen.ticket.responded_at,
                        seen.ticket.resolved_at,
                    )
                ),
                translated(IN_TIME[seen.in_time]),
            )
            for seen in behind.tickets
        ],
        note,
    )
