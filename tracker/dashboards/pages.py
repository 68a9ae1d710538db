"""What the finance pages show, built before any template is touched."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from itertools import islice
from urllib.parse import urlencode

from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from engagements.choices import Kind
from engagements.models import User
from engagements.values.language import translated
from tracker.dashboards.charts.svg import shortened
from tracker.dashboards.filters import Filters, whole_of
from tracker.dashboards.findings import finding, period_text
from tracker.dashboards.paper.pages import ROWS_PRINTED, Paper, Sheet
from tracker.dashboards.periods import ALL, LAST_12_MONTHS, Period, preset_titles
from tracker.dashboards.report import Report, Row, all_reports, share
from tracker.dashboards.reports.at_stake import AtStake
from tracker.dashboards.reports.awaiting_spend import AwaitingSpend
from tracker.dashboards.reports.cost_centres import SpendByCostCentre
from tracker.dashboards.reports.departments import SpendByDepartment
from tracker.dashboards.reports.fiscal_year import FiscalYear
from tracker.dashboards.reports.months import SpendByMonth
from tracker.dashboards.reports.services import SpendByService
from tracker.dashboards.reports.variances import Variances
from tracker.dashboards.reports.vendors import SpendByVendor
from tracker.dashboards.scope import Scope
from tracker.dashboards.spend_series import Drawing
from tracker.dashboards.tables import Sorting, Table, table
from tracker.fit.queries import count_open_flags
from tracker.spend.fiscal_year import budget_by_month, year_meant
from tracker.spend.outlook import accrued_total, last_accrued_month
from tracker.spend.queries import (
    count_engagements_with_spend,
    engagements_where,
    extent_of_spend,
    last_posted_at,
)

MONTHS_SHOWN = 60
PARTS_SHOWN = 10
NAME_IN_TITLE = 60
MORE_REPORTS = {
    "budgets": gettext_noop("Budgets"),
    "variances": gettext_noop("Variances"),
    "rates-against-benchmark": gettext_noop("Rates against benchmark"),
}
SEE_FLAGS = "tracker.view_flag"
# Reports of the time to come, which the period doesn't limit.
ONWARD = {
    "accruals": gettext_noop("Accruals"),
    "commitments": gettext_noop("Commitments"),
    "committed-currencies": gettext_noop("Commitments by currency"),
    "forecast": gettext_noop("Forecast"),
    "kept-outlooks": gettext_noop("Outlook at the month's end"),
    "forecast-then": gettext_noop("Forecast then"),
}
SUBJECTS = {
    Kind.MANAGED.value: gettext_noop("Managed spend"),
    Kind.AUGMENTED.value: gettext_noop("Augmented spend"),
}
FLAG_LIST = "admin:tracker_flag_changelist"


@dataclass(frozen=True)
class Link:
    title: str
    href: str
    is_current: bool = False


@dataclass(frozen=True)
class Frame:
    """What stands around a part's report: where it is, until when, the way back."""

    eyebrow: str
    as_of: str
    back: Link


@dataclass(frozen=True)
class Figure:
    name: str
    value: str
    note: str = ""
    href: str = ""


@dataclass(frozen=True)
class Section:
    """One card: a chart where there is something to draw, a table, and its files."""

    anchor: str
    title: str
    table: Table
    downloads: Sequence[Link]
    drawing: Drawing | None = None
    is_full: bool = False
    more: Link | None = None
    # Said below the heading: how its figures are to be read.
    note: str = ""
    # Said where the table has no rows.
    nothing: str = ""


@dataclass(frozen=True)
class Deferred:
    """A card that the page asks for once it is shown: it takes more to reckon.

    Without a script its title leads to the report's page.
    """

    anchor: str
    title: str
    card_href: str
    page_href: str
    is_full: bool = False
    has_chart: bool = True


@dataclass(frozen=True)
class FinancePage:
    eyebrow: str
    title: str
    as_of: str
    figures: Sequence[Figure]
    sections: Sequence[Section]
    lines_href: str
    paper_href: str = ""
    more: Sequence[Link] = ()
    onward: Sequence[Link] = ()
    first: Sequence[Deferred] = ()
    later: Sequence[Deferred] = ()


@dataclass(frozen=True)
class EmptyPage:
    """No figures: `elsewhere` leads to those there are, none on a fresh database."""

    eyebrow: str
    title: str
    elsewhere: Link | None = None
    sections: Sequence[Section] = ()


@dataclass(frozen=True)
class ReportPage:
    eyebrow: str
    title: str
    as_of: str
    summary: str
    table: Table
    downloads: Sequence[Link]
    back: Link
    note: str = ""
    choices: Sequence[Link] = ()
    drawing: Drawing | None = None
    first: Link | None = None
    following: Link | None = None


def finance_page(scope: Scope) -> FinancePage | EmptyPage:
    months = SpendByMonth(scope)
    today = timezone.localdate()
    title = finding(
        months.totals_by_month,
        period=scope.period,
        today=today,
        subject=subject(scope),
        notation=scope.notation,
        budgets=_budgets(scope, today),
    )
    if not months.months or not any(month.parts.total for month in months.months):
        return _empty(scope, title)
    return FinancePage(
        eyebrow=eyebrow(scope),
        title=title,
        as_of=as_of(scope),
        figures=_figures(scope, months),
        sections=_sections(scope, months),
        lines_href=scope.file_url("monthly-spend", "csv"),
        paper_href=scope.paper_url(),
        more=[
            *(
                Link(translated(title), scope.report_url(slug))
                for slug, title in MORE_REPORTS.items()
            ),
            Link(_("All reports"), scope.index_url()),
        ],
        onward=[
            Link(translated(title), scope.report_url(slug, cost_centre=""))
            for slug, title in ONWARD.items()
        ],
        first=[_deferred(scope, FiscalYear)],
        later=[
            _deferred(scope, SpendByDepartment),
            _deferred(scope, SpendByService),
            _deferred(scope, AtStake, has_chart=False),
            *([_deferred(scope, Variances)] if scope.period.is_closed else []),
        ],
    )


def _budgets(scope: Scope, today: date) -> Mapping[date, Decimal]:
    """Return the budgets that the period's spend can be held against, by month."""
    year = year_meant(scope.period.last, today=today)
    return budget_by_month(scope.user, scope.where, year) or {}


def _deferred(
    scope: Scope, report: type[Report], *, has_chart: bool = True
) -> Deferred:
    return Deferred(
        anchor=report.slug,
        title=translated(report.title),
        card_href=scope.card_url(report.slug),
        page_href=scope.report_url(report.slug),
        is_full=report.is_wide,
        has_chart=has_chart,
    )


@dataclass(frozen=True)
class IndexPage:
    """Every report there is, with the filters of the address."""

    eyebrow: str
    title: str
    as_of: str
    back: Link
    reports: Sequence["Listed"]


@dataclass(frozen=True)
class Listed:
    title: str
    href: str
    downloads: Sequence[Link]


def index_page(scope: Scope) -> IndexPage:
    found = sorted(all_reports().values(), key=lambda report: translated(report.title))
    return IndexPage(
        eyebrow=eyebrow(scope),
        title=_("Reports"),
        as_of=as_of(scope),
        back=Link(_("Finance"), scope.finance_url()),
        reports=[
            Listed(
                title=translated(report.title),
                href=scope.report_url(report.slug) if report.has_page else "",
                downloads=downloads(report(scope)),
            )
            for report in found
        ],
    )


def report_card(report: Report) -> Section:
    """Return the report as a card of a page: its first rows and one of all others."""
    rows = report.card_rows(PARTS_SHOWN)
    drawing = report.card_picture(PARTS_SHOWN)
    more = None
    if report.row_count() > len(rows):
        count = report.scope.notation.count(report.row_count())
        more = Link(
            _("Show all %(count)s") % {"count": count},
            report.scope.report_url(report.slug),
        )
    return Section(
        report.slug,
        report.heading,
        card_table(report, rows),
        downloads(report, is_drawn=drawing is not None),
        drawing,
        is_full=report.is_wide,
        more=more or Link(_("Open this"), report.scope.report_url(report.slug)),
        note=said_of(report),
    )


def report_page(report: Report, after: str, frame: Frame) -> ReportPage:
    """Return one page of the report's table; raises BadPageError."""
    scope = report.scope
    page = report.ordered_page(after)
    drawing = report.picture()
    following = None
    if page.after:
        following = Link(
            _("Next page"),
            scope.report_url(report.slug, after=page.after, sort=scope.sort),
        )
    return ReportPage(
        eyebrow=frame.eyebrow,
        title=report.heading,
        as_of=frame.as_of,
        summary=summary_of(report, len(page.rows)),
        table=_table(report, page.all_rows),
        downloads=downloads(report, is_drawn=drawing is not None),
        back=frame.back,
        note=said_of(report),
        choices=[Link(*choice) for choice in report.choices()],
        drawing=drawing,
        first=Link(_("First page"), scope.report_url(report.slug, sort=scope.sort))
        if after
        else None,
        following=following,
    )


def summary_of(report: Report, shown: int) -> str:
    """Say how many of how many rows a page shows."""
    count = report.scope.notation.count
    known = report.row_count()
    things = translated(report.noun)
    if shown == known:
        return f"{count(known)} {things}"
    return _("%(shown)s of %(known)s %(things)s") % {
        "shown": count(shown),
        "known": count(known),
        "things": things,
    }


def presets(filters: Filters, path: str, fiscal_start: int) -> list[Link]:
    """Return the named periods as links that keep every other filter."""
    asked = dict(filters.form.data)
    is_custom = bool(asked.pop("from", "") or asked.pop("to", ""))
    asked.pop("to", None)
    current = "" if is_custom else asked.get("period") or LAST_12_MONTHS
    return [
        Link(title, _with_query(path, {**asked, "period": name}), name == current)
        for name, title in preset_titles(fiscal_start).items()
    ]


def chips(filters: Filters, path: str) -> list[Link]:
    """Return what was drilled into, each with the link that leaves it out."""
    if filters.scope is None:
        return []
    asked = dict(filters.form.data)
    return [
        Link(
            f"{drill.noun}: {drill.name}",
            _with_query(path, {k: v for k, v in asked.items() if k != drill.parameter}),
        )
        for drill in filters.scope.drills
    ]


def subject(scope: Scope) -> str:
    """Return what the figures are about, for the start of a sentence."""
    names = {drill.parameter: drill.name for drill in scope.drills}
    text = SUBJECTS.get(scope.where.kind, gettext_noop("External spend"))
    parts = (
        (_("%(spend)s with %(name)s"), names.get("vendor")),
        (_("%(spend)s on %(name)s"), names.get("engagement")),
        (_("%(spend)s for %(name)s"), names.get("cost_centre")),
        (_("%(spend)s in %(name)s"), scope.department),
    )
    text = translated(text)
    for words, name in parts:
        if name:
            text = words % {"spend": text, "name": shortened(name, NAME_IN_TITLE)}
    return text


def eyebrow(scope: Scope) -> str:
    months = period_text(scope.period, scope.notation)
    part = scope.department or whole_of(scope.user)
    return f"{months[:1].upper()}{months[1:]} · {part}"


def as_of(scope: Scope) -> str:
    posted = last_posted_at()
    currency = scope.notation.currency
    if posted is None:
        return _("%(currency)s, without tax · nothing posted yet") % {
            "currency": currency
        }
    moment = scope.notation.moment(_local(posted))
    return _("%(currency)s, without tax · as of the last posting, %(moment)s") % {
        "currency": currency,
        "moment": moment,
    }


def downloads(report: Report, *, is_drawn: bool = False) -> list[Link]:
    """Return the report's files; those of its chart where one is drawn."""
    extensions = ["csv", *(["xlsx"] if report.has_xlsx else []), "pdf"]
    if is_drawn:
        extensions += ["svg", "png"]
    return [
        Link(each.upper(), report.scope.file_url(report.slug, each))
        for each in extensions
    ]


def report_paper(report: Report, frame: Frame) -> Paper:
    """Return the report as it is printed: as on its page, but with all rows at once."""
    return paper(report.scope, report.heading, [_sheet(report)], frame)


def _sheet(report: Report) -> Sheet:
    rows = list(islice(report.ordered(), ROWS_PRINTED))
    left = report.row_count() - len(rows) if len(rows) == ROWS_PRINTED else 0
    if left:
        rows = [*rows, report.rest(rows)]
    said = _("%(count)s more are in the CSV and counted in the total.")
    return Sheet(
        "",
        _table(report, rows),
        said_of(report),
        chart_of(report),
        said % {"count": report.scope.notation.count(left)} if left else "",
    )


def said_of(report: Report) -> str:
    """Return what a reader must know of the figures, and what can't be shown."""
    said = dict.fromkeys((report.note(), report.uncompared(), report.unfollowed()))
    told = [text for text in said if text]
    if len(told) == 1:
        return told[0]
    return " ".join(text if text.endswith(".") else f"{text}." for text in told)


def chart_of(report: Report) -> Drawing | None:
    return report.picture() or report.card_picture(PARTS_SHOWN)


def finance_paper(scope: Scope) -> Paper:
    """Return the overview with all its cards."""
    page, frame = finance_page(scope), finance_frame(scope)
    if isinstance(page, EmptyPage):
        return paper(scope, page.title, sheets(page.sections), frame)
    deferred: list[type[Report]] = [
        SpendByDepartment,
        SpendByService,
        AtStake,
        *([Variances] if scope.period.is_closed else []),
    ]
    cards = [report_card(each(scope)) for each in deferred]
    sections = [report_card(FiscalYear(scope)), *page.sections, *cards]
    return paper(scope, page.title, sheets(sections), frame)


def finance_frame(scope: Scope) -> Frame:
    back = Link(_("Finance"), scope.finance_url())
    return Frame(eyebrow(scope), as_of(scope), back)


def sheets(sections: Sequence[Section]) -> list[Sheet]:
    """Return a page's cards as they are printed."""
    return [
        Sheet(one.title, one.table, one.note, one.drawing, nothing=one.nothing)
        for one in sections
    ]


def paper(scope: Scope, title: str, parts: Sequence[Sheet], frame: Frame) -> Paper:
    """Return what is printed under one title."""
    printed = scope.notation.moment(_local(timezone.now()))
    return Paper(
        title=title,
        eyebrow=frame.eyebrow,
        as_of=frame.as_of,
        foot=_("Engagement tracker, printed %(when)s by %(who)s")
        % {"when": printed, "who": scope.user.get_username()},
        sheets=parts,
        chips=[f"{drill.noun}: {drill.name}" for drill in scope.drills],
    )


def _local(moment: datetime) -> datetime:
    return timezone.localtime(moment)


def _with_query(path: str, asked: dict[str, str]) -> str:
    query = urlencode({name: value for name, value in asked.items() if value})
    return f"{path}?{query}" if query else path


def _empty(scope: Scope, title: str) -> EmptyPage:
    extent = extent_of_spend(scope.user)
    if extent.first is None or extent.last is None:
        return EmptyPage(eyebrow(scope), title, sections=_awaiting(scope))
    known = period_text(Period(extent.first, extent.last), scope.notation)
    href = f"{reverse('tracker:finance')}?period={ALL}"
    more = Link(_("Show %(months)s") % {"months": known}, href)
    return EmptyPage(eyebrow(scope), title, more, _awaiting(scope))


def _figures(scope: Scope, months: SpendByMonth) -> list[Figure]:
    notation, total = scope.notation, months.total
    engagements = count_engagements_with_spend(scope.user, scope.where)
    accrued = notation.money(total.accrued)
    return [
        Figure(
            _("Spend in the period"),
            notation.money(total.total),
            _("of which %(amount)s not yet invoiced") % {"amount": accrued}
            if total.accrued
            else "",
            scope.report_url("ledger-entries"),
        ),
        _share(scope, _("Managed share"), Kind.MANAGED, total.managed, total.total),
        _share(
            scope, _("Augmented share"), Kind.AUGMENTED, total.augmented, total.total
        ),
        Figure(
            _("Engagements with spend"),
            notation.count(engagements),
            _("open the list"),
            scope.report_url("engagements"),
        ),
        *_accrued(scope),
        Figure(
            _("Open fit flags"),
            notation.count(
                count_open_flags(scope.user, engagements_where(scope.user, scope.where))
            ),
            _("engagements that another model may fit better"),
            _flags_href(scope.user),
        ),
    ]


def _accrued(scope: Scope) -> list[Figure]:
    """Return what was owed at the last month end reckoned, where one was."""
    month = last_accrued_month(scope.user, by=scope.period.last)
    if month is None:
        return []
    return [
        Figure(
            _("Accrued, end of %(month)s") % {"month": scope.notation.month(month)},
            scope.notation.money(accrued_total(scope.user, scope.where, month)),
            _("earned and not invoiced; open the list"),
            scope.report_url("accruals", cost_centre=""),
        )
    ]


def _flags_href(user: User) -> str:
    if not (user.is_staff and user.has_perm(SEE_FLAGS)):
        return ""
    try:
        return reverse(FLAG_LIST)
    except NoReverseMatch:
        return ""


def _share(
    scope: Scope, name: str, kind: Kind, part: Decimal, whole: Decimal
) -> Figure:
    known = share(part, whole)
    return Figure(
        name,
        "\N{EN DASH}" if known is None else scope.notation.percent(known),
        scope.notation.money(part),
        scope.finance_url(model=kind.value),
    )


def _sections(scope: Scope, months: SpendByMonth) -> list[Section]:
    vendors, cost_centres = SpendByVendor(scope), SpendByCostCentre(scope)
    return [
        Section(
            "by-month",
            _("By month and model"),
            card_table(months, months.newest_rows(MONTHS_SHOWN)),
            downloads(months, is_drawn=True),
            months.drawing(MONTHS_SHOWN),
            is_full=True,
            note=said_of(months),
        ),
        Section(
            "by-vendor",
            _("By vendor"),
            card_table(vendors, vendors.top_rows(PARTS_SHOWN)),
            downloads(vendors, is_drawn=True),
            vendors.drawing(PARTS_SHOWN),
            note=said_of(vendors),
        ),
        Section(
            "by-cost-centre",
            _("By cost centre"),
            card_table(cost_centres, cost_centres.top_rows(PARTS_SHOWN)),
            downloads(cost_centres, is_drawn=True),
            cost_centres.drawing(PARTS_SHOWN),
            note=said_of(cost_centres),
        ),
        *_awaiting(scope),
    ]


def _awaiting(scope: Scope) -> list[Section]:
    """Return the card of what is logged and not spent yet, where there is any."""
    report = AwaitingSpend(scope)
    rows = list(report.rows())
    if not rows:
        return []
    more = None
    if len(rows) > PARTS_SHOWN:
        count = scope.notation.count(len(rows))
        more = Link(_("Show all %(n)s") % {"n": count}, scope.report_url(report.slug))
    return [
        Section(
            report.slug,
            report.heading,
            card_table(report, rows[:PARTS_SHOWN]),
            downloads(report),
            is_full=True,
            more=more,
            note=said_of(report),
        )
    ]


def card_table(report: Report, rows: Sequence[Row]) -> Table:
    """Return the table of a card; its headings lead to the report, sorted by them."""
    # A region of its own, so it can't be called what its card is called.
    caption = _("%(title)s, as a table") % {"title": report.heading}
    return _table(report, rows, caption, sorted_by="")


def _table(
    report: Report,
    rows: Sequence[Row],
    caption: str = "",
    *,
    sorted_by: str | None = None,
) -> Table:
    now = report.scope.sort if sorted_by is None else sorted_by
    return table(
        report.columns,
        rows,
        caption=caption or report.heading,
        notation=report.scope.notation,
        sorting=Sorting(now, report.slug, report.scope.report_url),
    )
