from collections.abc import Mapping
from datetime import timedelta

from engagements.choices import Kind
from engagements.models import Contractor
from engagements.services.tenure import tenure_clocks
from tracker.fit.pattern import Finding, Pattern, registry
from tracker.fit.queries import Scope

NEAR = timedelta(days=90)


@registry.add
class TenureNear(Pattern):
    """A contractor who nears the limit of a dated, sourced policy."""

    code = "tenure_near"
    label = "Limit of tenure near"
    rule = "90 days or less to the limit of a tenure policy, or past it"
    advice = "Plan the end, a handover or another form before the limit."
    is_dated = True

    def find(self, scope: Scope) -> Mapping[int, Finding]:
        augmented = scope.engagements.filter(kind=Kind.AUGMENTED)
        rows = augmented.order_by().values_list("pk", "assignment__contractor_id")
        people = {pk: contractor for pk, contractor in rows if contractor}
        contractors = Contractor.objects.filter(pk__in=set(people.values()))
        clocks = tenure_clocks(contractors=contractors, today=scope.as_of)
        found = {}
        for engagement, contractor in people.items():
            # The nearest limit comes first.
            for one in clocks.get(contractor, [])[:1]:
                if one.clock.limit_on > scope.as_of + NEAR:
                    continue
                found[engagement] = self.finding(
                    sentence=str(one),
                    value=f"limit on {one.clock.limit_on}",
                    threshold=f"90 days from {scope.as_of}",
                    records=1,
                    engagements=(engagement,),
                )
        return found
