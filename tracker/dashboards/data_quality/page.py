"""The page of what is not recorded, and of what not knowing it costs."""

from collections.abc import Sequence
from decimal import Decimal
from typing import ClassVar

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop as marked

from tracker.dashboards.data_quality.reports import (
    FACT,
    Gaps,
    GapsByEngagement,
    GapsByField,
    LooseMoney,
    NotJudged,
)
from tracker.dashboards.pages import Figure
from tracker.dashboards.report import Report, share
from tracker.dashboards.topics.page import Topic, TopicPage, section
from tracker.dashboards.topics.scope import Choice, TopicScope
from tracker.fit.data_gaps import FACTS

DASH = "\N{EN DASH}"


class DataQuality(Topic):
    name = "data-quality"
    title = marked("Data quality")
    more: ClassVar[Sequence[Choice]] = (
        Choice(FACT, marked("Missing"), {fact.code: fact.label for fact in FACTS}),
    )
    reports: ClassVar[Sequence[type[Report]]] = (
        GapsByField,
        GapsByEngagement,
        Gaps,
        LooseMoney,
        NotJudged,
    )

    def page(self, scope: TopicScope) -> TopicPage:
        return _Builder(self, scope).page()


class _Builder:
    def __init__(self, topic: DataQuality, scope: TopicScope) -> None:
        self.topic, self.scope = topic, scope
        self.fields = GapsByField(scope)
        self.engagements = GapsByEngagement(scope)
        # Read once for both.
        vars(self.engagements).update(recorded=self.fields.recorded)
        self.not_judged = NotJudged(scope)
        self.spent = sum((one.spent for one in self.fields.recorded), Decimal(0))
        rows = self.fields.incomplete
        self.resting = sum((one.spent for one in rows), Decimal(0))

    def page(self) -> TopicPage:
        scope, is_empty = self.scope, not self.fields.recorded
        sections = [
            section(self.fields),
            section(LooseMoney(scope)),
            section(self.engagements),
            section(self.not_judged),
        ]
        return TopicPage(
            eyebrow=self.topic.eyebrow(scope),
            title=self._title(),
            as_of=self.topic.as_of(scope),
            figures=[] if is_empty else self._figures(),
            sections=[] if is_empty else sections,
            advice=_advice() if is_empty else (),
        )

    def _title(self) -> str:
        notation = self.scope.notation
        if not self.fields.recorded:
            return _("No live engagement is recorded")
        if not self.fields.incomplete:
            return _("Nothing is missing of any live engagement")
        part = share(self.resting, self.spent)
        words = {
            "amount": notation.short(self.resting),
            "share": "" if part is None else notation.percent(part),
            "n": notation.count(len(self.fields.incomplete)),
        }
        if part is None:
            return _("Something is missing of %(n)s live engagements") % words
        return (
            _("%(amount)s, %(share)s of live spend, rests on incomplete records")
            % words
        )

    def _figures(self) -> list[Figure]:
        notation, scope = self.scope.notation, self.scope
        recorded, incomplete = self.fields.recorded, self.fields.incomplete
        missing = sum(len(self.fields.gaps(one)) for one in incomplete)
        asked = sum(
            sum(1 for fact in self.fields.facts if fact.code in one.asked)
            for one in recorded
        )
        known = share(Decimal(asked - missing), Decimal(asked))
        savings = [
            one.worth.p50
            for one in self.not_judged.undecided
            if one.worth and one.worth.p50 > 0
        ]
        return [
            Figure(
                _("Spend on incomplete records"),
                notation.money(self.resting),
                _("of %(amount)s on live engagements")
                % {"amount": notation.money(self.spent)},
                scope.report_url("by-engagement"),
            ),
            Figure(
                _("Known"),
                DASH if known is None else notation.percent(known),
                _("of all that is asked"),
            ),
            Figure(
                _("Things to record"),
                notation.count(missing),
                _("open the list"),
                scope.report_url("gaps"),
            ),
            Figure(
                _("Incomplete"),
                notation.count(len(incomplete)),
                _("of %(n)s live engagements") % {"n": notation.count(len(recorded))},
                scope.report_url("by-engagement"),
            ),
            Figure(
                _("Not judged on fit"),
                notation.count(len(self.not_judged.undecided)),
                _("%(amount)s a month might be saved")
                % {"amount": notation.short(sum(savings, Decimal(0)))}
                if savings
                else _("for want of evidence"),
                scope.report_url("not-judged"),
            ),
        ]


def _advice() -> list[tuple[str, str]]:
    return [
        (
            _("Log an engagement."),
            _("What is missing of it stands here from the same day."),
        ),
        (
            _("Or import payments."),
            _("Each vendor paid becomes a draft, with all that is to be found out."),
        ),
    ]
