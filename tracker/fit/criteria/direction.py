from django.db.models import Q

from engagements.values.language import gettext as _
from tracker.fit.criterion import registry
from tracker.fit.evidence import Breakpoints, Share
from tracker.fit.hours_share import HoursShare
from tracker.spend.models import AssignedBy


@registry.add
class Direction(HoursShare):
    code = "direction"
    label = "Who assigns the work"
    question = "Do our own managers say what is to be done next?"
    dimension = "oversight"
    importance = 1.5
    breakpoints = Breakpoints(
        points=((0.1, 1.0), (0.5, 0.0), (0.9, -1.0)), source="our judgement"
    )
    quantity = "the hours that our managers assign"
    how_to_record = "In work logs, say who assigned the work: we or the vendor."
    part = Q(assigned_by=AssignedBy.CLIENT)
    recorded = ~Q(assigned_by="")

    def sentence(self, observation: Share) -> str:
        return _("our managers assigned %(hours)s") % {
            "hours": self.figures(observation)
        }
