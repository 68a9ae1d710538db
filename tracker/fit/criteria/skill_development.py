from django.db.models import Q

from engagements.values.language import gettext as _
from tracker.fit.criterion import registry
from tracker.fit.evidence import Breakpoints, Share
from tracker.fit.hours_share import HoursShare
from tracker.spend.models import Activity


@registry.add
class SkillDevelopment(HoursShare):
    code = "skill_development"
    label = "Training of our own people"
    question = "Do our own people learn from the work?"
    dimension = "skill development"
    importance = 0.8
    breakpoints = Breakpoints(
        points=((0.05, 0.0), (0.25, -1.0)), source="our judgement"
    )
    quantity = "the hours of pairing and training"
    how_to_record = "In work logs, choose the activity: pairing or training."
    part = Q(activity__in=(Activity.PAIRING, Activity.TRAINING))

    def sentence(self, observation: Share) -> str:
        return _("%(hours)s train our own people") % {
            "hours": self.figures(observation)
        }
