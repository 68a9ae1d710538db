from datetime import timedelta
from decimal import Decimal

from django.conf import settings
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from engagements.admin.columns import figure
from engagements.choices import Role
from engagements.permissions import sees_money
from engagements.values.money import format_money
from engagements.values.periods import month_of
from tracker.admin.home.sections import Asked, Column, Section, home_section
from tracker.spend.queries import SpendParts, SpendWhere, spend_by_month


@home_section(110, Role.FINANCE)
def spend(asked: Asked) -> Section | None:
    """Spend of this month so far beside the whole month before."""
    if not sees_money(asked.user):
        return None
    this = month_of(asked.today)
    last = month_of(this - timedelta(days=1))
    months = spend_by_month(asked.user, SpendWhere(first_month=last, last_month=this))
    parts = {one.month: one.parts for one in months}
    now, then = parts.get(this, SpendParts()), parts.get(last, SpendParts())
    return Section(
        title=_("Spend"),
        columns=(
            Column(settings.REPORTING_CURRENCY),
            Column(
                _("%(month)s so far") % {"month": date_format(this, "F")},
                is_figure=True,
            ),
            Column(date_format(last, "F"), is_figure=True),
        ),
        rows=[
            (_("Managed services"), _money(now.managed), _money(then.managed)),
            (_("Augmented contractors"), _money(now.augmented), _money(then.augmented)),
            (_("Together"), _money(now.total), _money(then.total)),
            (_("Of it not invoiced"), _money(now.accrued), _money(then.accrued)),
        ],
        link=reverse("tracker:finance"),
        link_text=_("Finance page"),
        is_narrow=True,
    )


def _money(amount: Decimal) -> str:
    return figure(format_money(amount, settings.REPORTING_CURRENCY, whole=True))
