"""Reports of today beside what was kept of them at the last month end."""

from django.utils.translation import gettext as _

from engagements.values.periods import add_months
from tracker.dashboards.scope import Scope
from tracker.spend.foreseen import fiscal_year
from tracker.spend.kept import last_kept_month


def as_of_choices(scope: Scope, today: str, kept: str) -> list[tuple[str, str, bool]]:
    """Return a report of today beside that of what was kept at the last month end.

    What is kept is asked for from the month after that end on, where it looks ahead.
    """
    month = last_kept_month(scope.user)
    if month is None:
        return []
    year_ends_on = fiscal_year(month)[1]
    asked = (
        {"from": f"{add_months(month, 1):%Y-%m}", "to": f"{year_ends_on:%Y-%m}"}
        if kept == "forecast-then"
        else {"from": f"{month:%Y-%m}", "to": f"{month:%Y-%m}"}
    )
    then = _("End of %(month)s") % {"month": scope.notation.month(month)}
    return [
        (_("As of today"), scope.report_url(today), True),
        (then, scope.report_url(kept, period="", **asked), False),
    ]
