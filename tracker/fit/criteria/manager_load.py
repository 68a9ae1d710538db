from collections.abc import Mapping

from engagements.values.language import gettext as _
from tracker.fit.criterion import PERCENT, Criterion, registry
from tracker.fit.evidence import Breakpoints, Mean
from tracker.fit.oversight import loads
from tracker.fit.queries import Scope
from tracker.fit.stated import Scale


@registry.add
class ManagerLoad(Criterion[Mean]):
    """Oversight hours of the manager's whole span, of the hours available."""

    code = "manager_load"
    label = "Load of the manager"
    question = "Has the manager time to direct more people?"
    dimension = "oversight"
    importance = 1.4
    breakpoints = Breakpoints(
        points=((0.5, -0.7), (0.8, 0.0), (1.1, 1.0)),
        source="vendors' claims of 15 to 25 % of a manager for each person",
    )
    unit = PERCENT
    quantity = "the manager's time spent on oversight"
    how_to_record = "Log the manager's monthly hours of oversight."
    rows = "oversightlog"
    scale = Scale(kind="mean", most=5.0)

    def gather(self, scope: Scope) -> Mapping[int, Mean]:
        known = loads(scope)
        managed = scope.engagements.filter(manager__isnull=False)
        return {
            engagement: known[manager]
            for engagement, manager in managed.values_list("pk", "manager_id")
            if manager in known
        }

    def sentence(self, observation: Mean) -> str:
        return _("oversight takes %(share)s of the manager's time") % {
            "share": PERCENT.show(observation.value)
        }
