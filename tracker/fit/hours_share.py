"""The commonest criterion: what part of the hours in work logs is of some kind."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import ClassVar

from django.db.models import Count, Q, Sum

from engagements.values.language import gettext as _
from engagements.values.written import format_number
from tracker.fit.criterion import PERCENT, Pool, added_up
from tracker.fit.evidence import HOURS_OVERDISPERSION, Share
from tracker.fit.queries import Scope
from tracker.fit.stated import Scale
from tracker.fit.tallies import Key, Tallied

# Hours of the kind, hours that say whether they are, and their logs.
Hours = tuple[Decimal, Decimal, int]


class HoursShare(Tallied[Share, Hours]):
    """Hours of work logs that meet `part`, of those that recorded it at all."""

    unit = PERCENT
    rows = "worklog"
    scale = Scale(kind="share", most=1.0, overdispersion=HOURS_OVERDISPERSION)
    part: ClassVar[Q]
    recorded: ClassVar[Q] = Q()

    def tallies(self, scope: Scope, *by: str) -> Mapping[Key, Hours]:
        rows = (
            scope.work_logs()
            .filter(self.recorded)
            .values_list("engagement_id", *by)
            .annotate(
                part=Sum("hours", filter=self.part),
                whole=Sum("hours"),
                logs=Count("id"),
            )
        )
        return {
            tuple(key): (part or Decimal(0), whole, logs)
            for *key, part, whole, logs in rows
        }

    def told(self, scope: Scope, tallies: Sequence[Hours]) -> Share:
        return Share(
            part=float(sum(part for part, _whole, _logs in tallies)),
            whole=float(sum(whole for _part, whole, _logs in tallies)),
            records=sum(logs for _part, _whole, logs in tallies),
        )

    def pooling(self, scope: Scope) -> Pool[Share]:
        """Hours add up: the observations hold all that there is to know."""
        return added_up

    def figures(self, share: Share) -> str:
        """Such as "86 % of 1,912 hours"."""
        return _("%(share)s of %(hours)s hours") % {
            "share": PERCENT.show(share.value),
            "hours": format_number(share.whole),
        }
