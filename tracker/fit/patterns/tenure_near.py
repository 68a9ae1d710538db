from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from engagements.choices import Kind
from engagements.models import Contractor
from engagements.services.tenure import TenureClock, tenure_clocks
from engagements.values.language import gettext as _
from engagements.values.written import format_day
from tracker.fit.pattern import Finding, Pattern, Words, registry
from tracker.fit.queries import Scope

NEAR = timedelta(days=90)


@dataclass(frozen=True)
class _Near:
    clock: TenureClock
    as_of: date


@registry.add
class TenureNear(Pattern[_Near]):
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
                    _Near(one, scope.as_of), records=1, engagements=(engagement,)
                )
        return found

    def words(self, seen: _Near) -> Words:
        limit_on = format_day(seen.clock.clock.limit_on)
        return Words(
            sentence=str(seen.clock),
            value=_("limit on %(day)s") % {"day": limit_on},
            threshold=_("90 days from %(day)s") % {"day": format_day(seen.as_of)},
        )
