from django.urls import reverse
from django.utils.translation import gettext as _

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


@home_section(120, Role.FINANCE)
def invoices(asked: Asked) -> Section | None:
    """Invoices received and not paid, the oldest first."""
    may_read = asked.user.has_perm("tracker.view_invoice")
    if not (may_read and sees_money(asked.user)):
        return None
    unsettled = visible(Invoice, asked.user).filter(status__in=UNSETTLED)
    found = list(unsettled.select_related("vendor").order_by("issued_on", "id")[:SHOWN])
    return Section(
        title=_("Invoices received and not settled"),
        columns=(
            Column(_("Invoice")),
            Column(_("Total"), is_figure=True),
            Column(_("Status"), is_extra=True),
            Column(_("Issued")),
        ),
        rows=[
            (
                Cell(
                    row.number,
                    reverse("admin:tracker_invoice_change", args=[row.pk]),
                    row.vendor,
                ),
                money(row.total, row.currency),
                row.get_status_display(),
                short_date(row.issued_on),
            )
            for row in found
        ],
        count=unsettled.count() if len(found) == SHOWN else len(found),
        empty=_("Every invoice is settled."),
        link=reverse("admin:tracker_invoice_changelist"),
        link_text=_("All invoices"),
        is_narrow=True,
    )
