from django.db.models import Q

from engagements.choices import Breadth
from engagements.values.language import gettext as _
from tracker.fit.criterion import registry
from tracker.fit.evidence import Breakpoints, Share
from tracker.fit.hours_share import HoursShare


@registry.add
class SkillsDepth(HoursShare):
    code = "skills_depth"
    label = "Depth of skills"
    question = "Is the work one deep niche?"
    dimension = "skills"
    importance = 0.9
    breakpoints = Breakpoints(
        points=((0.1, 0.5), (0.3, 0.0), (0.8, -1.0)), source="our judgement"
    )
    quantity = "the hours in specialist skills"
    how_to_record = "In work logs, name the skill used; mark niche skills specialist."
    part = Q(skill__breadth=Breadth.SPECIALIST)
    recorded = Q(skill__isnull=False)

    def sentence(self, observation: Share) -> str:
        return _("%(hours)s in specialist skills") % {
            "hours": self.figures(observation)
        }
