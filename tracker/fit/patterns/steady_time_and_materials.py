from collections.abc import Mapping

from engagements.choices import Kind
from engagements.values.language import gettext as _
from engagements.values.periods import add_months
from tracker.fit.criterion import PERCENT
from tracker.fit.evidence import Variation
from tracker.fit.pattern import Finding, Pattern, Words, registry
from tracker.fit.queries import Scope, logged
from tracker.fit.shares import monthly_hours, variation

STEADY = 0.10
NOTED = 0.15
LEAST_MONTHS = 9
NEED_MONTHS = 12


@registry.add
class SteadyTimeAndMaterials(Pattern[Variation]):
    """Hours that hardly vary, paid by the hour all the same."""

    code = "steady_time_and_materials"
    label = "Steady work paid by the hour"
    rule = (
        "augmented for 12 months or more; over 9 whole months or more the hours vary"
        " by 10 % at most; up to 15 % it is noted"
    )
    advice = "Ask for a fixed price, or for a discount on the committed hours."
    rows = "worklog"

    def find(self, scope: Scope) -> Mapping[int, Finding]:
        since = add_months(scope.as_of, -NEED_MONTHS)
        lasting = scope.engagements.filter(kind=Kind.AUGMENTED, starts_on__lte=since)
        narrowed = Scope(lasting, scope.as_of, scope.months)
        logs = logged(narrowed)
        found = {}
        for engagement, months in monthly_hours(narrowed).items():
            seen = variation([months], least_months=LEAST_MONTHS)
            if seen is None or seen.value > NOTED:
                continue
            found[engagement] = self.finding(
                seen, records=logs[engagement], engagements=(engagement,)
            )
        return found

    def words(self, seen: Variation) -> Words:
        figures = {"months": seen.months, "share": PERCENT.show(seen.value)}
        if seen.value <= STEADY:
            sentence = _("over %(months)d months the hours vary by %(share)s")
        else:
            sentence = _(
                "over %(months)d months the hours vary by %(share)s, enough for a note"
            )
        return Words(
            sentence=sentence % figures,
            value=_("%(share)s over %(months)d months") % figures,
            threshold=_("10 % (note: 15 %) over 9 months"),
        )
