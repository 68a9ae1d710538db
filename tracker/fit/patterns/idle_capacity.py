from collections.abc import Mapping

from tracker.fit.criterion import PERCENT
from tracker.fit.market import used_fees
from tracker.fit.pattern import Finding, Pattern, registry
from tracker.fit.queries import Scope

USED = 0.7
SURE = 0.9


@registry.add
class IdleCapacity(Pattern):
    """A fee of which the hours used would buy only a part elsewhere."""

    code = "idle_capacity"
    label = "Capacity paid for and not used"
    rule = (
        "managed; at our own contractors' rates the hours used are worth less than"
        " 70 % of what was paid, at least 90 % sure"
    )
    advice = "Ask for a smaller package, or for a price by use."

    def find(self, scope: Scope) -> Mapping[int, Finding]:
        found = {}
        for engagement, used in used_fees(scope).items():
            chance = used.chance_below(USED)
            if chance < SURE:
                continue
            share = PERCENT.show(used.share)
            found[engagement] = self.finding(
                sentence=(
                    f"{used.hours:,.0f} hours in 12 months are worth {share} of what"
                    " was paid, at our own contractors' rates"
                ),
                value=f"{share}, {PERCENT.show(chance)} sure to be below 70 %",
                threshold="below 70 %, at least 90 % sure",
                records=len(used.rates),
                engagements=(engagement,),
            )
        return found
