"""The commonest criterion: what part of the hours in work logs is of some kind."""

from collections.abc import Mapping
from typing import ClassVar

from django.db.models import Count, Q, Sum

from engagements.values.language import gettext as _
from engagements.values.written import format_number
from tracker.fit.criterion import PERCENT, Criterion
from tracker.fit.evidence import HOURS_OVERDISPERSION, Share
from tracker.fit.queries import Scope
from tracker.fit.stated import Scale


class HoursShare(Criterion[Share]):
    """Hours of work logs that meet `part`, of those that recorded it at all."""

    unit = PERCENT
    rows = "worklog"
    scale = Scale(kind="share", most=1.0, overdispersion=HOURS_OVERDISPERSION)
    part: ClassVar[Q]
    recorded: ClassVar[Q] = Q()

    def gather(self, scope: Scope) -> Mapping[int, Share]:
        rows = (
            scope.work_logs()
            .filter(self.recorded)
            .values_list("engagement_id")
            .annotate(
                part=Sum("hours", filter=self.part),
                whole=Sum("hours"),
                logs=Count("id"),
            )
        )
        return {
            engagement: Share(part=float(part or 0), whole=float(whole), records=logs)
            for engagement, part, whole, logs in rows
        }

    def figures(self, share: Share) -> str:
        """Such as "86 % of 1,912 hours"."""
        return _("%(share)s of %(hours)s hours") % {
            "share": PERCENT.show(share.value),
            "hours": format_number(share.whole),
        }
