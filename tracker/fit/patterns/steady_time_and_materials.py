from collections.abc import Mapping

from engagements.choices import Kind
from engagements.values.periods import add_months
from tracker.fit.criterion import PERCENT
from tracker.fit.pattern import Finding, Pattern, registry
from tracker.fit.queries import Scope
from tracker.fit.shares import monthly_hours, variation

STEADY = 0.10
NOTED = 0.15
LEAST_MONTHS = 9
NEED_MONTHS = 12


@registry.add
class SteadyTimeAndMaterials(Pattern):
    """Hours that hardly vary, paid by the hour all the same."""

    code = "steady_time_and_materials"
    label = "Steady work paid by the hour"
    rule = (
        "augmented for 12 months or more; over 9 whole months or more the hours vary"
        " by 10 % at most; up to 15 % it is noted"
    )
    advice = "Ask for a fixed price, or for a discount on the committed hours."

    def find(self, scope: Scope) -> Mapping[int, Finding]:
        since = add_months(scope.as_of, -NEED_MONTHS)
        lasting = scope.engagements.filter(kind=Kind.AUGMENTED, starts_on__lte=since)
        narrowed = Scope(lasting, scope.as_of, scope.months)
        found = {}
        for engagement, months in monthly_hours(narrowed).items():
            seen = variation([months], least_months=LEAST_MONTHS)
            if seen is None or seen.value > NOTED:
                continue
            shown = PERCENT.show(seen.value)
            degree = "" if seen.value <= STEADY else ", enough for a note"
            found[engagement] = self.finding(
                sentence=f"over {seen.months} months the hours vary by {shown}{degree}",
                value=f"{shown} over {seen.months} months",
                threshold="10 % (note: 15 %) over 9 months",
                records=seen.records,
                engagements=(engagement,),
            )
        return found
