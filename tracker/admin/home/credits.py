from django.urls import reverse
from django.utils.translation import gettext as _

from engagements.admin.columns import money, short_date
from engagements.choices import Role
from engagements.models import Engagement
from engagements.permissions import engagement_scope
from tracker.admin.home.engagement_cells import ENGAGEMENT
from tracker.admin.home.sections import (
    SHOWN,
    Asked,
    Cell,
    Column,
    Row,
    Section,
    home_section,
)
from tracker.performance.models import Credit
from tracker.performance.queries import credits_missing_on_invoices, credits_to_claim


@home_section(46, Role.MANAGER, Role.FINANCE)
def credits_to_act_on(asked: Asked) -> Section | None:
    """Credits to claim before they are lost, and those that an invoice left out."""
    if not asked.user.has_perm("tracker.view_credit"):
        return None
    scope = Engagement.objects.filter(engagement_scope(asked.user, with_money=True))
    to_claim = credits_to_claim(scope, today=asked.today, along=["vendor"])
    left_out = credits_missing_on_invoices(asked.user).select_related(
        "engagement__vendor"
    )
    rows = [_row(one, _claim_by(one)) for one in to_claim[:SHOWN]]
    rows += [
        _row(one, _("Agreed, and not on the invoices since"))
        for one in left_out[: SHOWN - len(rows)]
    ]
    count = len(rows)
    if count == SHOWN:
        count = to_claim.count() + left_out.count()
    return Section(
        title=_("Service credits to act on"),
        columns=(
            ENGAGEMENT,
            Column(_("Amount"), is_figure=True),
            Column(_("What to do")),
        ),
        rows=rows,
        count=count,
        link=reverse("admin:tracker_credit_changelist"),
        link_text=_("All credits"),
    )


def _row(credit: Credit, what: str) -> Row:
    return (
        Cell(
            credit.engagement.title,
            reverse("admin:tracker_credit_change", args=[credit.pk]),
            f"{credit.engagement.reference} · {credit.engagement.vendor}",
        ),
        money(credit.agreed_amount or credit.amount, credit.engagement.currency),
        what,
    )


def _claim_by(credit: Credit) -> str:
    if credit.claim_by_on is None:
        return _("Claim it")
    return _("Claim it by %(day)s") % {"day": short_date(credit.claim_by_on)}
