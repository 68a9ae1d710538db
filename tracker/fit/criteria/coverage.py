from django.db.models import Q

from engagements.values.language import gettext as _
from tracker.fit.criterion import registry
from tracker.fit.evidence import Breakpoints, Share
from tracker.fit.hours_share import HoursShare


@registry.add
class Coverage(HoursShare):
    code = "coverage"
    label = "Work out of hours"
    question = "Must somebody be there at night and at weekends?"
    dimension = "scope of responsibility"
    importance = 0.9
    breakpoints = Breakpoints(points=((0.05, 0.0), (0.30, 1.0)), source="our judgement")
    quantity = "the hours worked out of hours"
    how_to_record = "In work logs, say whether the work was out of hours."
    part = Q(is_out_of_hours=True)
    recorded = Q(is_out_of_hours__isnull=False)

    def sentence(self, observation: Share) -> str:
        return _("%(hours)s out of hours") % {"hours": self.figures(observation)}
