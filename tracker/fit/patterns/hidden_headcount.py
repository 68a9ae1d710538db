from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import Count, Q

from engagements.choices import Kind
from engagements.values.language import gettext as _
from engagements.values.language import ngettext
from engagements.values.written import format_number
from tracker.fit.criterion import PERCENT
from tracker.fit.measured import measured_shares
from tracker.fit.pattern import Finding, Pattern, Words, registry
from tracker.fit.queries import Scope
from tracker.fit.shares import Directed, directed_hours
from tracker.spend.models import AssignedBy, InvoiceLine, InvoiceStatus

OURS = 0.5
SURE = 0.9
BILLED_BY_HOURS = 0.5
MEASURED = 0.3


@dataclass(frozen=True)
class _Billed:
    """How many of the invoices' lines bill hours."""

    timed: int
    lines: int

    def __str__(self) -> str:
        return _("%(timed)d of %(lines)d invoice lines bill hours") % vars(self)


@dataclass(frozen=True)
class _Named:
    """How many people with a name we direct."""

    people: int

    def __str__(self) -> str:
        words = ngettext(
            "one named person is directed by us",
            "%(people)d named people are directed by us",
            self.people,
        )
        return words % vars(self)


@dataclass(frozen=True)
class _Unmeasured:
    """The share of the work of which an outcome is measured."""

    share: float

    def __str__(self) -> str:
        words = _("the outcome of %(share)s of the work is measured")
        return words % {"share": PERCENT.show(self.share)}


Sign = _Billed | _Named | _Unmeasured


@dataclass(frozen=True)
class _Headcount:
    hours: Directed
    chance: float
    sign: Sign


@registry.add
class HiddenHeadcount(Pattern[_Headcount]):
    """A managed contract whose people we direct, billed or named as if hired."""

    code = "hidden_headcount"
    label = "Headcount under a managed contract"
    rule = (
        "managed; our managers assign more than half of the hours, at least 90 %"
        " sure; and invoices by hours, named people whom we direct, or an outcome that"
        " is measured of less than 30 % of the work"
    )
    advice = "Ask who carries the outcome: the fee pays for it, the direction is ours."
    rows = "worklog"

    def find(self, scope: Scope) -> Mapping[int, Finding]:
        managed = set(scope.engagements.filter(kind=Kind.MANAGED).values_list("pk"))
        signs: dict[int, Sign] = {
            **_hardly_measured(scope),
            **_named(scope),
            **_billed_by_hours(scope),
        }
        found = {}
        for engagement, hours in directed_hours(scope).items():
            sign = signs.get(engagement)
            chance = hours.chance_above(OURS)
            if (engagement,) not in managed or sign is None or chance < SURE:
                continue
            found[engagement] = self.finding(
                _Headcount(hours, chance, sign),
                records=hours.records,
                engagements=(engagement,),
            )
        return found

    def words(self, seen: _Headcount) -> Words:
        share = PERCENT.show(seen.hours.share or 0.0)
        sentence = _("our managers assigned %(share)s of %(hours)s hours, and %(sign)s")
        value = _("%(share)s of hours, %(chance)s sure")
        return Words(
            sentence=sentence
            % {
                "share": share,
                "hours": format_number(seen.hours.whole),
                "sign": seen.sign,
            },
            value=value % {"share": share, "chance": PERCENT.show(seen.chance)},
            threshold=_("more than 50 %, at least 90 % sure"),
        )


def _billed_by_hours(scope: Scope) -> dict[int, _Billed]:
    rows = (
        InvoiceLine.objects.filter(
            engagement__in=scope.ids,
            period_to__range=(scope.starts_on, scope.as_of),
        )
        .exclude(invoice__status=InvoiceStatus.DRAFT)
        .order_by()
        .values_list("engagement_id")
        .annotate(timed=Count("id", filter=Q(hours__gt=0)), lines=Count("id"))
    )
    return {
        engagement: _Billed(timed, lines)
        for engagement, timed, lines in rows
        if timed >= BILLED_BY_HOURS * lines
    }


def _hardly_measured(scope: Scope) -> dict[int, _Unmeasured]:
    """Where something is measured: a contract that says nothing of it is no sign."""
    return {
        engagement: _Unmeasured(measured.value)
        for engagement, measured in measured_shares(scope).items()
        if measured.value < MEASURED
    }


def _named(scope: Scope) -> dict[int, _Named]:
    rows = (
        scope.work_logs()
        .filter(contractor__isnull=False, assigned_by=AssignedBy.CLIENT)
        .values_list("engagement_id")
        .annotate(people=Count("contractor", distinct=True))
    )
    return {engagement: _Named(people) for engagement, people in rows}
