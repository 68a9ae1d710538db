"""The letter that claims a service credit, as a Word document to sign and send."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from io import BytesIO
from typing import Any

from django.utils import formats
from django.utils.translation import gettext as _
from docx import Document

from engagements.choices import CreditScheme, Direction
from engagements.values.money import format_money
from tracker.performance.models import Credit
from tracker.performance.service_levels import minutes_of, shown

CONTENT_TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


def claim_letter(credit: Credit, *, today: date) -> bytes:
    """Return the claim with the figures that its amount was worked out from."""
    contract = credit.engagement
    document = Document()
    document.core_properties.title = _("Service credit claim")
    document.core_properties.author = ""
    document.add_paragraph(contract.vendor.legal_name)
    document.add_paragraph(_day(today))
    document.add_heading(_("Service credit claim"), level=1)
    for name, text in _heading(credit):
        line = document.add_paragraph()
        line.add_run(f"{name}: ").bold = True
        line.add_run(text)
    document.add_paragraph(
        _(
            "Under the contract named above, the service levels below were not reached"
            " in the period named above. We claim the service credit that follows."
        )
    )
    _add_table(document, credit.figures.get("missed", []))
    for text in _reckoning(credit):
        document.add_paragraph(text)
    total = document.add_paragraph()
    total.add_run(
        _("Service credit claimed: %(amount)s") % {"amount": _money(credit)}
    ).bold = True
    document.add_paragraph(
        _("Please confirm it, and take it off your next invoice as a line of its own.")
    )
    document.add_paragraph(_("Yours faithfully,"))
    manager = contract.manager
    if manager is not None:
        document.add_paragraph(manager.get_full_name() or manager.username)
    written = BytesIO()
    document.save(written)
    return written.getvalue()


def _heading(credit: Credit) -> list[tuple[str, str]]:
    contract = credit.engagement
    period = _("%(first)s to %(last)s") % {
        "first": _day(credit.window_from),
        "last": _day(credit.window_to),
    }
    rows = [
        (_("Contract"), f"{contract.title} ({contract.reference})"),
        (_("Period"), period),
    ]
    if contract.purchase_order_number:
        rows.append((_("Purchase order"), contract.purchase_order_number))
    if credit.claim_by_on is not None:
        rows.append((_("To be claimed by"), _day(credit.claim_by_on)))
    return rows


def _add_table(document: Any, missed: Sequence[Mapping[str, Any]]) -> None:
    names = (_("Service level"), _("Promised"), _("Measured"), _("Counted from"))
    table = document.add_table(rows=1, cols=len(names))
    table.style = "Table Grid"
    for cell, name in zip(table.rows[0].cells, names, strict=True):
        cell.text = name
    for one in missed:
        texts = (
            str(one["level"]),
            f"{Direction(one['direction']).label} {one['bound']} {one['unit']}",
            f"{shown(Decimal(one['value']))} {one['unit']}",
            counted_from(one),
        )
        for cell, text in zip(table.add_row().cells, texts, strict=True):
            cell.text = text


def counted_from(missed: Mapping[str, Any]) -> str:
    """Return in words what the figure of a missed level was counted from."""
    parts = []
    if missed.get("good") is not None:
        parts.append(
            _("%(good)s of %(total)s")
            % {"good": f"{missed['good']:,}", "total": f"{missed['total']:,}"}
        )
    elif missed.get("service_seconds"):
        parts.append(
            _("%(down)s of %(service)s minutes of service down")
            % {
                "down": f"{minutes_of(missed['down_seconds'] or 0):,}",
                "service": f"{minutes_of(missed['service_seconds']):,}",
            }
        )
    if missed.get("incidents"):
        parts.append(
            _("incidents %(numbers)s") % {"numbers": ", ".join(missed["incidents"])}
        )
    return "; ".join(parts)


def _reckoning(credit: Credit) -> list[str]:
    figures = credit.figures
    scheme = CreditScheme(credit.scheme).label
    told = _("Scheme: %(scheme)s. %(percent)s %% of the fee") % {
        "scheme": scheme,
        "percent": figures.get("percent", ""),
    }
    if credit.scheme == CreditScheme.POINTS:
        told += _(", for %(points)d points") % {"points": figures.get("points", 0)}
    lines = [f"{told}."]
    uncapped = Decimal(figures.get("uncapped", credit.amount))
    if uncapped != credit.amount:
        lines.append(
            _("Without the cap of %(risk)s %% of the fee it would be %(amount)s.")
            % {
                "risk": figures.get("at_risk_percent", ""),
                "amount": format_money(uncapped, credit.engagement.currency),
            }
        )
    return lines


def _money(credit: Credit) -> str:
    return format_money(credit.amount, credit.engagement.currency)


def _day(day: date) -> str:
    return formats.date_format(day, "j F Y")
