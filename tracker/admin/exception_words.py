"""What doesn't fit on an invoice, in sentences: expected beside found."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.utils.translation import gettext as _

from engagements.admin.columns import short_date
from engagements.admin.inputs import plain_number
from engagements.admin.scope import visible
from engagements.models import Contractor, Engagement, User
from engagements.permissions import sees_all
from engagements.values.money import format_money
from tracker.spend.matching import MEASURES, Code, Measure
from tracker.spend.models import Invoice, MatchException, OrderCoverage


@dataclass(frozen=True)
class Names:
    """Names of the people and invoices that some exceptions point to.

    Only those that the reader may see: of others it is said that there are some.
    """

    people: dict[str, str]
    invoices: dict[str, tuple[int, str]]
    # Engagements that draw on an order together with some that the reader can't see:
    # what it has left would tell of their bills.
    with_others: frozenset[int] = frozenset()

    @classmethod
    def of(cls, exceptions: Collection[MatchException], user: User) -> "Names":
        people: set[str] = set()
        invoices: set[str] = set()
        for one in exceptions:
            measure = MEASURES[Code(one.code)]
            if measure == Measure.PERSON:
                people |= {one.expected, one.found}
            elif measure == Measure.INVOICE:
                invoices.add(one.found.partition(":")[0])
        ordered = {
            one.engagement_id for one in exceptions if one.code == Code.OVER_ORDER
        }
        return cls(
            _people(people, user), _invoices(invoices, user), _shared(ordered, user)
        )

    def is_hidden(self, exception: MatchException) -> bool:
        return (
            exception.code == Code.OVER_ORDER
            and exception.engagement_id in self.with_others
        )

    def person(self, key: str) -> str:
        return self.people.get(key) or _("somebody whom you may not see")

    def invoice(self, key: str) -> str:
        found = self.invoices.get(key.partition(":")[0])
        return found[1] if found else _("an invoice that you may not see")


def _people(ids: set[str], user: User) -> dict[str, str]:
    if not ids:
        return {}
    rows = visible(Contractor, user).filter(pk__in=ids)
    return {str(pk): name for pk, name in rows.values_list("pk", "full_name")}


def _invoices(ids: set[str], user: User) -> dict[str, tuple[int, str]]:
    if not ids:
        return {}
    rows = visible(Invoice, user).filter(pk__in=ids)
    return {str(pk): (pk, number) for pk, number in rows.values_list("pk", "number")}


def _shared(engagements: set[int], user: User) -> frozenset[int]:
    if not engagements or sees_all(user):
        return frozenset()
    seen = visible(Engagement, user).values("pk")
    shared = OrderCoverage.objects.exclude(engagement__in=seen).values("order")
    rows = OrderCoverage.objects.filter(engagement__in=engagements, order__in=shared)
    return frozenset(rows.values_list("engagement_id", flat=True))


@dataclass(frozen=True)
class Sides:
    """What was expected, found and is at stake, as a person reads them."""

    expected: str
    found: str
    sentence: str
    stake: str


def sides(exception: MatchException, names: Names) -> Sides:
    code = Code(exception.code)
    expected, found = (
        _figure(exception, side, names)
        for side in (exception.expected, exception.found)
    )
    told = _SENTENCES[code]()
    if code == Code.OUTSIDE_TERM and exception.found < exception.expected:
        told = _(
            "The term begins on %(expected)s; the service billed begins on %(found)s."
        )
    stake = format_money(exception.amount, exception.currency)
    if names.is_hidden(exception):
        told = _("The purchase order has less left than the line draws: %(found)s.")
        expected = stake = _("not yours alone")
    sentence = told % {"expected": expected, "found": found, "amount": stake}
    if code == Code.DUPLICATE:
        expected = _("billed once")
    return Sides(expected, found, sentence, stake)


def _figure(exception: MatchException, text: str, names: Names) -> str:
    if not text:
        return _("not stated")
    match MEASURES[Code(exception.code)]:
        case Measure.MONEY:
            return format_money(Decimal(text), exception.currency)
        case Measure.HOURS:
            return _("%(hours)s h") % {"hours": plain_number(Decimal(text))}
        case Measure.DAY:
            return short_date(date.fromisoformat(text))
        case Measure.PERSON:
            return names.person(text)
        case Measure.INVOICE:
            return names.invoice(text)
        case Measure.CURRENCY:
            return text


# Called when shown: in the language of who reads.
_SENTENCES: dict[Code, Callable[[], str]] = {
    Code.RATE_ABOVE_CARD: lambda: _(
        "At the agreed rate the hours come to %(expected)s; %(found)s is billed."
    ),
    Code.HOURS_ABOVE_APPROVED: lambda: _(
        "%(expected)s are approved and not billed yet; the line bills: %(found)s."
    ),
    Code.WRONG_WORKER: lambda: _(
        "The agreement is for %(expected)s; the line bills %(found)s."
    ),
    Code.OUTSIDE_TERM: lambda: _(
        "The term ends on %(expected)s; the service billed runs to %(found)s."
    ),
    Code.AFTER_END: lambda: _(
        "It ended on %(expected)s; the service billed runs to %(found)s."
    ),
    Code.UNAPPROVED_OVERTIME: lambda: _(
        "%(expected)s of overtime are approved and not billed yet; the line bills:"
        " %(found)s."
    ),
    Code.FEE_MISMATCH: lambda: _(
        "For these days %(expected)s was agreed; %(found)s is billed."
    ),
    Code.DUPLICATE: lambda: _("Invoice %(found)s bills the same."),
    Code.PERIOD_GAP: lambda: _(
        "The next day to bill was %(expected)s; the line begins on %(found)s. The days"
        " between are to be paid and not billed."
    ),
    Code.PERIOD_OVERLAP: lambda: _(
        "The next day to bill was %(expected)s; the line begins on %(found)s."
    ),
    Code.OVER_ORDER: lambda: _(
        "The purchase order has %(expected)s left; the line draws %(found)s."
    ),
    Code.CREDIT_NOT_APPLIED: lambda: _(
        "The vendor agreed to credit %(expected)s; the invoice gives %(found)s."
    ),
    Code.WRONG_CURRENCY: lambda: _(
        "It was agreed in %(expected)s; the invoice is in %(found)s."
    ),
    Code.ARITHMETIC: lambda: _("It comes to %(expected)s; the invoice says %(found)s."),
}
