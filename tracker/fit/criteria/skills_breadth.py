from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from django.db.models import Count, Sum

from engagements.values.language import gettext as _
from tracker.fit.criterion import SKILLS, registry
from tracker.fit.evidence import HOURS_OVERDISPERSION, Breakpoints, Mean, rounded
from tracker.fit.queries import Scope
from tracker.fit.stated import Scale
from tracker.fit.tallies import Key, Tallied

# Hours and logs, by skill.
Skills = Mapping[int, tuple[Decimal, int]]


@registry.add
class SkillsBreadth(Tallied[Mean, Skills]):
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

    # A part by one skill has that skill: a fact of how it was cut, not of the work.
    settled_by = "skill_id"

    def tallies(self, scope: Scope, *by: str) -> Mapping[Key, Skills]:
        rows = (
            scope.work_logs()
            .filter(skill__isnull=False)
            .values("engagement_id", *{*by, "skill_id"})
            .annotate(worked=Sum("hours"), logs=Count("id"))
        )
        found: dict[Key, dict[int, tuple[Decimal, int]]] = defaultdict(dict)
        for row in rows:
            key = (row["engagement_id"], *(row[name] for name in by))
            found[key][row["skill_id"]] = (row["worked"], row["logs"])
        return found

    def told(self, scope: Scope, tallies: Sequence[Skills]) -> Mean:
        hours: dict[int, Decimal] = defaultdict(Decimal)
        records = 0
        for skills in tallies:
            for skill, (worked, logs) in skills.items():
                hours[skill] += worked
                records += logs
        return Mean(
            mean=rounded(_effective_number(hours.values())),
            count=max(rounded(float(sum(hours.values())) / HOURS_OVERDISPERSION), 1.0),
            records=records,
        )

    def sentence(self, observation: Mean) -> str:
        return _("work spread over %(skills)s") % {
            "skills": SKILLS.show(observation.value)
        }


def _effective_number(parts: Iterable[Decimal]) -> float:
    sizes = list(parts)
    return float(sum(sizes) ** 2 / sum(size**2 for size in sizes))
