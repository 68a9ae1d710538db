from collections.abc import Mapping

from engagements.values.language import gettext as _
from engagements.values.written import format_number
from tracker.fit.criterion import PERCENT
from tracker.fit.market import Used, used_fees
from tracker.fit.pattern import Finding, Pattern, Words, registry
from tracker.fit.queries import Scope, logged

USED = 0.7
SURE = 0.9


@registry.add
class IdleCapacity(Pattern[Used]):
    """A fee of which the hours used would buy only a part elsewhere."""

    code = "idle_capacity"
    label = "Capacity paid for and not used"
    rule = (
        "managed; at our own contractors' rates the hours used are worth less than"
        " 70 % of what was paid, at least 90 % sure"
    )
    advice = "Ask for a smaller package, or for a price by use."
    rows = "worklog"

    def find(self, scope: Scope) -> Mapping[int, Finding]:
        logs, found = logged(scope), {}
        for engagement, used in used_fees(scope).items():
            if used.chance_below(USED) < SURE:
                continue
            found[engagement] = self.finding(
                used, records=logs.get(engagement, 0), engagements=(engagement,)
            )
        return found

    def words(self, seen: Used) -> Words:
        share = PERCENT.show(seen.share)
        sentence = _(
            "%(hours)s hours in 12 months are worth %(share)s of what was paid, at our"
            " own contractors' rates"
        )
        value = _("%(share)s, %(chance)s sure to be below 70 %%")
        chance = PERCENT.show(seen.chance_below(USED))
        return Words(
            sentence=sentence % {"hours": format_number(seen.hours), "share": share},
            value=value % {"share": share, "chance": chance},
            threshold=_("below 70 %, at least 90 % sure"),
        )
