from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from engagements.values.language import gettext as _
from tracker.fit.criterion import PERCENT
from tracker.fit.evidence import Mean
from tracker.fit.oversight import loads
from tracker.fit.pattern import Finding, Pattern, Words, registry
from tracker.fit.queries import Scope

FULL = 1.0
SURE = 0.8


@dataclass(frozen=True)
class Overload:
    """The load as a share of the time there is, and how surely it is above all."""

    load: float
    chance: float


@registry.add
class ManagerOverload(Pattern[Overload]):
    """A manager whose span takes more than the whole available time."""

    code = "manager_overload"
    label = "Manager over capacity"
    rule = "oversight takes more than all of the manager's time, at least 80 % sure"
    advice = "Relieve the manager before deciding on a model: share or hand over."
    rows = "oversightlog"

    def find(self, scope: Scope) -> Mapping[int, Finding]:
        over = {
            manager: (load, chance)
            for manager, load in loads(scope).items()
            if (chance := _chance_above(load, FULL)) >= SURE
        }
        under = scope.engagements.filter(manager__in=[m for m in over if m])
        spans: dict[int | None, list[int]] = defaultdict(list)
        for engagement, manager in under.order_by("pk").values_list("pk", "manager_id"):
            spans[manager].append(engagement)
        found: dict[int, Finding] = {}
        for of, span in spans.items():
            load, chance = over[of]
            finding = self.finding(
                Overload(load.value, chance),
                records=load.records,
                engagements=tuple(span),
            )
            found |= dict.fromkeys(span, finding)
        return found

    def words(self, seen: Overload) -> Words:
        load = PERCENT.show(seen.load)
        value = _("%(load)s, %(chance)s sure to be above 100 %%")
        return Words(
            sentence=_("oversight takes %(share)s of the manager's time")
            % {"share": load},
            value=value % {"load": load, "chance": PERCENT.show(seen.chance)},
            threshold=_("above 100 %, at least 80 % sure"),
        )


def _chance_above(load: Mean, most: float) -> float:
    """By the normal posterior that the criterion has of the same figure."""
    from scipy.special import ndtr

    return float(ndtr((load.value - most) / load.error)) if load.value else 0.0
