from django.db.models import Q

from engagements.values.language import gettext as _
from tracker.fit.criterion import registry
from tracker.fit.evidence import Breakpoints, Share
from tracker.fit.hours_share import HoursShare


@registry.add
class CoreWork(HoursShare):
    code = "core_work"
    label = "Work on core systems"
    question = "Does the work change what the organisation lives by?"
    dimension = "place in the estate"
    importance = 1.2
    breakpoints = Breakpoints(
        points=((0.1, 1.0), (0.4, 0.0), (0.8, -1.0)), source="our judgement"
    )
    quantity = "the hours on core systems"
    how_to_record = "In work logs, say whether the work was on a core system."
    part = Q(is_core=True)
    recorded = Q(is_core__isnull=False)

    def sentence(self, observation: Share) -> str:
        return _("%(hours)s on core systems") % {"hours": self.figures(observation)}
