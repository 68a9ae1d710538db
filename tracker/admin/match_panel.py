"""What doesn't fit, on the invoice's own page."""

from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from engagements.admin.record_admin import actor_of
from engagements.admin.scope import visible
from engagements.admin.unfold_types import UnfoldModelAdmin
from tracker.admin.exception_words import Names, sides
from tracker.spend.models import ExceptionState, Invoice, MatchException

Row = dict[str, Any]


class MatchPanel(UnfoldModelAdmin):
    """Adds the exceptions of an invoice below its lines."""

    change_form_after_template = "tracker/admin/match_panel.html"

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> Any:
        invoice: Invoice | None = context.get("original")
        if invoice is not None and request.user.has_perm("tracker.view_matchexception"):
            context["exceptions"] = _rows(invoice, request)
            context["was_compared"] = invoice.status in COMPARED
        return super().render_change_form(request, context, *args, **kwargs)


COMPARED = ("matched", "disputed", "approved", "paid")


def _rows(invoice: Invoice, request: HttpRequest) -> list[Row]:
    user = actor_of(request)
    found = list(
        visible(MatchException, user)
        .filter(invoice=invoice)
        .exclude(resolution="cleared")
        .select_related("line", "resolved_by")
        .order_by("state", "-amount", "id")
    )
    names = Names.of(found, user)
    return [
        {
            "exception": one,
            "sides": sides(one, names),
            "is_open": one.state == ExceptionState.OPEN,
            "page": reverse("admin:tracker_matchexception_change", args=[one.pk]),
        }
        for one in found
    ]
