from collections.abc import Mapping

from tracker.fit.criterion import PERCENT
from tracker.fit.evidence import Mean
from tracker.fit.oversight import loads
from tracker.fit.pattern import Finding, Pattern, registry
from tracker.fit.queries import Scope

FULL = 1.0
SURE = 0.8


@registry.add
class ManagerOverload(Pattern):
    """A manager whose span takes more than the whole available time."""

    code = "manager_overload"
    label = "Manager over capacity"
    rule = "oversight takes more than all of the manager's time, at least 80 % sure"
    advice = "Relieve the manager before deciding on a model: share or hand over."

    def find(self, scope: Scope) -> Mapping[int, Finding]:
        over = {
            manager: (load, chance)
            for manager, load in loads(scope).items()
            if (chance := _chance_above(load, FULL)) >= SURE
        }
        under = scope.engagements.filter(manager__in=[m for m in over if m])
        found = {}
        for engagement, manager in under.order_by().values_list("pk", "manager_id"):
            load, chance = over[manager]
            shown = PERCENT.show(load.value)
            found[engagement] = self.finding(
                sentence=f"oversight takes {shown} of the manager's time",
                value=f"{shown}, {PERCENT.show(chance)} sure to be above 100 %",
                threshold="above 100 %, at least 80 % sure",
                records=load.records,
                engagements=(engagement,),
            )
        return found


def _chance_above(load: Mean, most: float) -> float:
    """By the normal posterior that the criterion has of the same figure."""
    from scipy.special import ndtr

    return float(ndtr((load.value - most) / load.error)) if load.value else 0.0
