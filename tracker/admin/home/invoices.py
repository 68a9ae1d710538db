from datetime import date

from django.db.models import Case, When
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from engagements.admin.columns import money, short_date
from engagements.admin.scope import visible
from engagements.choices import Role
from engagements.permissions import sees_money
from tracker.admin.home.sections import (
    SHOWN,
    Asked,
    Cell,
    Column,
    Section,
    home_section,
)
from tracker.spend.models import Invoice, InvoiceStatus

UNSETTLED = (
    InvoiceStatus.RECEIVED,
    InvoiceStatus.MATCHED,
    InvoiceStatus.DISPUTED,
    InvoiceStatus.APPROVED,
)
# What finance does about each status, the most pressing first.
_URGENCY = Case(
    When(status=InvoiceStatus.MATCHED, then=0),
    When(status=InvoiceStatus.APPROVED, then=1),
    default=2,
)
_NEXT = {
    InvoiceStatus.RECEIVED: gettext_lazy("To be matched"),
    InvoiceStatus.MATCHED: gettext_lazy("To approve"),
    InvoiceStatus.DISPUTED: gettext_lazy("Disputed"),
    InvoiceStatus.APPROVED: gettext_lazy("To pay"),
}


@home_section(120, Role.FINANCE)
def invoices(asked: Asked) -> Section | None:
    """Invoices not paid: overdue ones, then those to approve, then the rest."""
    may_read = asked.user.has_perm("tracker.view_invoice")
    if not (may_read and sees_money(asked.user)):
        return None
    unsettled = visible(Invoice, asked.user).filter(status__in=UNSETTLED)
    is_late = Case(When(due_on__lt=asked.today, then=0), default=1)
    found = list(
        unsettled.select_related("vendor").order_by(
            is_late, _URGENCY, "due_on", "issued_on", "id"
        )[:SHOWN]
    )
    return Section(
        title=_("Invoices to approve and to pay"),
        columns=(
            Column(_("Invoice")),
            Column(_("Total"), is_figure=True),
            Column(_("Next"), is_extra=True),
            Column(_("Due")),
        ),
        rows=[
            (
                Cell(
                    row.number,
                    reverse("admin:tracker_invoice_change", args=[row.pk]),
                    row.vendor,
                ),
                money(row.total, row.currency),
                str(_NEXT[InvoiceStatus(row.status)]),
                _due(row, asked.today),
            )
            for row in found
        ],
        count=unsettled.count() if len(found) == SHOWN else len(found),
        empty=_("Every invoice is settled."),
        link=reverse("admin:tracker_invoice_changelist"),
        link_text=_("All invoices"),
        is_narrow=True,
    )


def _due(row: Invoice, today: date) -> Cell:
    if row.due_on is None:
        return Cell(_("No day known"))
    is_late = row.due_on < today
    note = _("overdue") if is_late else ""
    return Cell(short_date(row.due_on), note=note, is_pressing=is_late)
