from django.urls import reverse
from django.utils.translation import gettext as _

from engagements.admin.scope import visible
from engagements.choices import Role
from engagements.permissions import sees_money
from tracker.admin.exception_words import Names, sides
from tracker.admin.home.sections import (
    SHOWN,
    Asked,
    Cell,
    Column,
    Section,
    home_section,
)
from tracker.spend.models import ExceptionState, MatchException


@home_section(118, Role.FINANCE)
def exceptions(asked: Asked) -> Section | None:
    """What doesn't fit on invoices, the most money first."""
    may_read = asked.user.has_perm("tracker.view_matchexception")
    if not (may_read and sees_money(asked.user)):
        return None
    waiting = visible(MatchException, asked.user).filter(state=ExceptionState.OPEN)
    rows = waiting.select_related("invoice__vendor").order_by("-amount", "id")
    found = list(rows[:SHOWN])
    names = Names.of(found, asked.user)
    return Section(
        title=_("Exceptions on invoices"),
        columns=(
            Column(_("What is wrong")),
            Column(_("Invoice")),
            Column(_("Expected"), is_figure=True, is_extra=True),
            Column(_("Found"), is_figure=True, is_extra=True),
            Column(_("At stake"), is_figure=True),
        ),
        rows=[
            (
                Cell(
                    row.get_code_display(),
                    reverse("admin:tracker_matchexception_change", args=[row.pk]),
                ),
                Cell(row.invoice.number, note=row.invoice.vendor),
                told.expected,
                told.found,
                told.stake,
            )
            for row, told in ((row, sides(row, names)) for row in found)
        ],
        count=waiting.count() if len(found) == SHOWN else len(found),
        empty=_("Every invoice fits, or somebody has said why not."),
        link=reverse("admin:tracker_matchexception_changelist"),
        link_text=_("All exceptions"),
    )
