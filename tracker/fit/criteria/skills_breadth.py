from collections import defaultdict
from collections.abc import Mapping

from django.db.models import Count, Sum

from engagements.values.language import gettext as _
from tracker.fit.criterion import SKILLS, Criterion, registry
from tracker.fit.evidence import HOURS_OVERDISPERSION, Breakpoints, Mean, rounded
from tracker.fit.queries import Scope
from tracker.fit.stated import Scale


@registry.add
class SkillsBreadth(Criterion[Mean]):
    """1 / Σ share² of the hours by skill: how many skills the work really needs."""

    code = "skills_breadth"
    label = "Breadth of skills"
    question = "Does the work need a whole team's skills or one person's?"
    dimension = "skills"
    importance = 1.4
    breakpoints = Breakpoints(
        points=((1.0, -1.0), (2.5, 0.0), (5.0, 1.0)), source="our judgement"
    )
    unit = SKILLS
    quantity = "the spread of the work"
    how_to_record = "In work logs, name the skill used."
    rows = "worklog"
    scale = Scale(kind="mean", least=1.0, most=100.0)

    def gather(self, scope: Scope) -> Mapping[int, Mean]:
        rows = (
            scope.work_logs()
            .filter(skill__isnull=False)
            .values_list("engagement_id", "skill_id")
            .annotate(worked=Sum("hours"), logs=Count("id"))
            .order_by("engagement_id", "skill_id")
        )
        hours: dict[int, list[float]] = defaultdict(list)
        records: dict[int, int] = defaultdict(int)
        for engagement, _skill, worked, logs in rows:
            hours[engagement].append(float(worked))
            records[engagement] += logs
        return {
            engagement: Mean(
                mean=rounded(_effective_number(by_skill)),
                count=max(rounded(sum(by_skill) / HOURS_OVERDISPERSION), 1.0),
                records=records[engagement],
            )
            for engagement, by_skill in hours.items()
        }

    def sentence(self, observation: Mean) -> str:
        return _("work spread over %(skills)s") % {
            "skills": SKILLS.show(observation.value)
        }


def _effective_number(parts: list[float]) -> float:
    return float(sum(parts) ** 2 / sum(part**2 for part in parts))
