"""The portfolio on two axes, flags by deadline, blends, and what to record next."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import cached_property
from typing import ClassVar

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop as marked
from django.utils.translation import ngettext

from engagements.models import User
from engagements.permissions import sees_money
from tracker.dashboards.filters import Asking, whole_of
from tracker.dashboards.fit.reports import (
    ANSWERS,
    MISSING,
    VERDICT,
    Blends,
    Conversions,
    FactsToRecord,
    Groups,
    Patterns,
    Verdicts,
    WaitingFlags,
    spend_of,
)
from tracker.dashboards.pages import Figure, Link, Section
from tracker.dashboards.report import Report
from tracker.dashboards.topics.page import Topic, TopicPage, section
from tracker.dashboards.topics.scope import Choice, TopicScope, asking
from tracker.fit.criteria import recordable_criteria
from tracker.fit.portfolio import Placed
from tracker.fit.verdict import Verdict

SEES_VERDICTS = "tracker.view_assessment"
ROWS_SHOWN = 25
FACTS_SHOWN = 6
GROUPS_SHOWN = 12
PATTERNS_SHOWN = 12


class Fit(Topic):
    name = "fit"
    title = marked("Fit")
    # What was judged last, whatever the months.
    has_period = False
    no_access = "tracker/no_verdicts.html"
    takes: ClassVar[Sequence[str]] = (
        "department",
        "vendor",
        "engagement",
        "model",
        "service",
        "sort",
    )
    reports: ClassVar[Sequence[type[Report]]] = (
        Verdicts,
        WaitingFlags,
        Blends,
        Groups,
        Patterns,
        Conversions,
        FactsToRecord,
    )

    @cached_property
    def asking(self) -> Asking:
        """Asked late: criteria are read once Django has loaded its models."""
        verdicts = {one.value: ANSWERS[one.value] for one in Verdict}
        choices = (
            Choice(VERDICT, marked("Verdict"), verdicts),
            Choice(MISSING, marked("Not recorded"), _facts()),
        )
        return asking(self.name, frozenset(self.by_slug), choices, self.takes)

    def may_open(self, user: User) -> bool:
        return user.has_perm(SEES_VERDICTS)

    def page(self, scope: TopicScope) -> TopicPage:
        return _Builder(self, scope).page()

    def eyebrow(self, scope: TopicScope) -> str:
        return f"{_('Which model fits')} · {scope.department or whole_of(scope.user)}"

    def as_of(self, scope: TopicScope) -> str:
        return _("As last judged, whatever the months · %(currency)s, without tax") % {
            "currency": scope.notation.currency
        }


def _facts() -> Mapping[str, str]:
    return {one.code: one.label for one in recordable_criteria()}


class _Builder:
    def __init__(self, topic: Fit, scope: TopicScope) -> None:
        self.topic, self.scope = topic, scope
        self.verdicts = Verdicts(scope)
        self.portfolio = self.verdicts.portfolio
        self.blends = Blends(scope, self.portfolio)

    def page(self) -> TopicPage:
        is_empty = not self.portfolio.placed
        what_if = Link(_("Ask what if"), reverse("tracker:what-if"))
        return TopicPage(
            eyebrow=self.topic.eyebrow(self.scope),
            title=self._title(),
            as_of=self._as_of(),
            figures=[] if is_empty else self._figures(),
            sections=[] if is_empty else self._sections(),
            more=self._files() if is_empty else [what_if, *self._files()],
            advice=_advice() if is_empty else (),
            actions=[what_if] if is_empty else (),
        )

    def _sections(self) -> list[Section]:
        scope, portfolio = self.scope, self.portfolio
        groups = Groups(scope, portfolio, self.blends.groups)
        converted = Conversions(scope, portfolio)
        return [
            section(self.verdicts, most=ROWS_SHOWN),
            section(WaitingFlags(scope, portfolio), most=ROWS_SHOWN),
            section(self.blends, is_full=False),
            section(groups, most=GROUPS_SHOWN, is_full=False),
            section(Patterns(scope, portfolio), most=PATTERNS_SHOWN),
            *([section(converted)] if converted.found else []),
            section(FactsToRecord(scope, portfolio), most=FACTS_SHOWN),
        ]

    def _title(self) -> str:
        asking = len(self.portfolio.asking)
        if not self.portfolio.placed:
            return _("Nothing has been judged yet")
        if not asking:
            return _("No engagement asks for another model")
        return ngettext(
            "%(n)s engagement asks whether another model fits better",
            "%(n)s engagements ask whether another model fits better",
            asking,
        ) % {"n": self.scope.notation.count(asking)}

    def _as_of(self) -> str:
        days = [one.as_of for one in self.portfolio.placed]
        if not days:
            return _("The engine judges running engagements every night.")
        return _("As of %(day)s · amounts in %(currency)s, without tax") % {
            "day": self.scope.notation.day(max(days)),
            "currency": self.scope.notation.currency,
        }

    def _files(self) -> list[Link]:
        if not sees_money(self.scope.user):
            return []
        return [Link(_("All amounts"), self.scope.report_url("switches"))]

    def _judged(self, verdict: Verdict) -> Sequence[Placed]:
        return [one for one in self.portfolio.placed if one.verdict == verdict]

    def _figures(self) -> list[Figure]:
        count, short = self.scope.notation.count, self.scope.notation.short
        other = self._judged(Verdict.OTHER_MODEL_FITS)
        thin = self._judged(Verdict.NOT_ENOUGH_EVIDENCE)
        spend = sum((spend_of(one) for one in other), Decimal(0))
        savings = [one.worth.p50 for one in other if one.worth and one.worth.p50 > 0]
        return [
            Figure(
                _("Other model fits better"),
                count(len(other)),
                _("of %(n)s judged") % {"n": count(len(self.portfolio.placed))},
                self._of(Verdict.OTHER_MODEL_FITS),
            ),
            Figure(
                _("Their spend a year"),
                short(spend),
                _("by the ledger"),
                self._of(Verdict.OTHER_MODEL_FITS),
            ),
            Figure(
                _("Where going over saves"),
                short(sum(savings, Decimal(0))),
                _("a month in the middle, before the transition"),
            ),
            Figure(
                _("Wait for a decision"),
                count(len(self.portfolio.asking)),
                _("flags, by deadline below"),
                self.scope.report_url(WaitingFlags.slug),
            ),
            Figure(
                _("Not enough evidence"),
                count(len(thin)),
                _("what to record stands below"),
                self._of(Verdict.NOT_ENOUGH_EVIDENCE),
            ),
        ]

    def _of(self, verdict: Verdict) -> str:
        return self.scope.report_url(Verdicts.slug, **{VERDICT: verdict.value})


def _advice() -> list[tuple[str, str]]:
    return [
        (
            _("Record what happens."),
            _(
                "Running engagements are judged every night from work logs, spend and"
                " service levels."
            ),
        ),
        (
            _("Or ask what if."),
            _("Until then you can ask what would fit from facts you know."),
        ),
    ]
