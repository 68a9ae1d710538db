"""Figures put into words, down to the rows that they are made of."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from engagements.admin.columns import short_date
from engagements.admin.pages import page_of
from engagements.choices import ChargeKind
from engagements.models import Engagement
from engagements.values.money import format_money
from tracker.spend.explained import Part


@dataclass(frozen=True)
class Told:
    """One line of an explanation; `formula` says how, `link` leads to its rows."""

    label: str
    amount: str
    formula: str
    link: str
    parts: list["Told"]
    is_estimate: bool = False
    is_negative: bool = False


def told(part: Part, engagement: Engagement) -> Told:
    label, formula, link = _WORDS.get(part.code, _by_code)(part, engagement)
    return Told(
        label=label,
        amount=format_money(part.amount, engagement.currency),
        formula=formula,
        link=link,
        # What comes to nothing and says no more is left out.
        parts=[told(one, engagement) for one in part.parts if one.amount or one.parts],
        is_estimate=part.code == "estimate",
        is_negative=part.amount < 0,
    )


Line = tuple[str, str, str]
Facts = Mapping[str, str]


def _by_code(part: Part, engagement: Engagement) -> Line:
    names = {
        "net": _("Earned and not invoiced"),
        "earned": _("Earned to date"),
        "invoiced": _("Invoiced for service to date"),
        "credits": _("Credits agreed, not applied"),
        "settled": _("Settled: no invoice will come"),
        "ahead": _("Invoiced for service to come"),
        "committed": _("Committed"),
        "contract": _("To the contract's end"),
        "remaining": _("Planned"),
        "year": _("Expected of the fiscal year"),
        "beyond": _("Expected after the fiscal year"),
        "billed_ahead": _("Invoiced ahead already"),
    }
    return names.get(part.code, part.code), "", ""


def _month(part: Part, engagement: Engagement) -> Line:
    return date_format(_day(part.facts["month"]), "YEAR_MONTH_FORMAT"), "", ""


def _even(part: Part, engagement: Engagement) -> Line:
    count = int(part.facts["count"])
    label = ngettext(
        "%(count)d month invoiced to the cent",
        "%(count)d months invoiced to the cent",
        count,
    )
    first, last = (_day(part.facts[name]) for name in ("first", "last"))
    span = f"{date_format(first, 'M Y')}\u2013{date_format(last, 'M Y')}"
    return label % {"count": count}, span, _ledger(engagement)


def _fee(part: Part, engagement: Engagement) -> Line:
    facts = part.facts
    if facts["days"] == facts["of"]:
        formula = _("the month's fee")
    else:
        formula = _("%(price)s \N{MULTIPLICATION SIGN} %(days)s of %(of)s days") % {
            "price": _price(facts["price"], engagement),
            "days": facts["days"],
            "of": facts["of"],
        }
    return _("Fee, %(span)s") % {"span": _span(facts)}, formula, page_of(engagement)


def _hours(part: Part, engagement: Engagement) -> Line:
    facts = part.facts
    formula = _("%(hours)s h \N{MULTIPLICATION SIGN} %(price)s") % {
        "hours": facts["hours"],
        "price": _price(facts["price"], engagement),
    }
    if "overtime" in facts:
        formula += f" \N{MULTIPLICATION SIGN} {facts['overtime']}"
    label = _("Overtime, %(span)s") if "overtime" in facts else _("Hours, %(span)s")
    days = {"worked_on__gte": facts["first"], "worked_on__lte": facts["last"]}
    link = _list("worklog", engagement, days)
    return label % {"span": _span(facts)}, formula, link


def _planned(part: Part, engagement: Engagement) -> Line:
    facts = part.facts
    formula = _(
        "%(days)s working days \N{MULTIPLICATION SIGN} %(hours)s h"
        " \N{MULTIPLICATION SIGN} %(price)s"
    ) % {
        "days": facts["days"],
        "hours": facts["hours"],
        "price": _price(facts["price"], engagement),
    }
    label = (
        _("Estimate: no timesheet, %(span)s")
        if part.code == "estimate"
        else _("Planned hours, %(span)s")
    )
    return label % {"span": _span(facts)}, formula, page_of(engagement)


def _charge(part: Part, engagement: Engagement) -> Line:
    day = part.facts.get("on")
    return part.facts["name"], short_date(_day(day)) if day else "", page_of(engagement)


def _leaving(part: Part, engagement: Engagement) -> Line:
    day = short_date(_day(part.facts["until"]))
    return _("Exit charge"), _("leaving on %(day)s") % {"day": day}, page_of(engagement)


def _invoice(part: Part, engagement: Engagement) -> Line:
    number = part.facts["document"]
    link = f"{reverse('admin:tracker_invoice_changelist')}?{urlencode({'q': number})}"
    charge = str(ChargeKind(part.facts["charge"]).label)
    return _("Invoice %(number)s") % {"number": number}, charge, link


def _payment(part: Part, engagement: Engagement) -> Line:
    link = reverse("admin:tracker_payment_change", args=[part.facts["id"]])
    return _("Imported payment"), "", link


def _credit(part: Part, engagement: Engagement) -> Line:
    link = reverse("admin:tracker_credit_change", args=[part.facts["id"]])
    return _("Credit for %(window)s") % {"window": part.facts["name"]}, "", link


def _actual(part: Part, engagement: Engagement) -> Line:
    asked = {"month__exact": part.facts["month"], "basis__exact": "actual"}
    return _("Invoiced or paid"), "", _list("ledgerentry", engagement, asked)


def _accrued(part: Part, engagement: Engagement) -> Line:
    return _("Earned, not invoiced"), "", _list("accrual", engagement, {})


_WORDS: dict[str, Callable[[Part, Engagement], Line]] = {
    "month": _month,
    "settled_month": _month,
    "forecast": _month,
    "even_months": _even,
    "fee": _fee,
    "hours": _hours,
    "estimate": _planned,
    "planned": _planned,
    "charge": _charge,
    "exit_charge": _leaving,
    "invoice": _invoice,
    "payment": _payment,
    "credit": _credit,
    "actual": _actual,
    "accrued": _accrued,
}


def _list(model: str, engagement: Engagement, asked: Facts) -> str:
    query = urlencode({"engagement__id__exact": engagement.pk, **asked})
    return f"{reverse(f'admin:tracker_{model}_changelist')}?{query}"


def _ledger(engagement: Engagement) -> str:
    return _list("ledgerentry", engagement, {})


def _price(text: str, engagement: Engagement) -> str:
    return format_money(Decimal(text), engagement.currency)


def _span(facts: Facts) -> str:
    first, last = _day(facts["first"]), _day(facts["last"])
    if first == last:
        return short_date(first)
    if (first.year, first.month) == (last.year, last.month):
        return f"{first.day}\u2013{short_date(last)}"
    return f"{short_date(first)}\u2013{short_date(last)}"


def _day(text: str) -> date:
    return date.fromisoformat(text)
