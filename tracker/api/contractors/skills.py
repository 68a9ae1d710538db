from collections.abc import Iterable, Sequence

from engagements.models import Skill
from tracker.api.errors import Unprocessable


def skills_by_name(names: Iterable[str]) -> dict[str, Skill]:
    """Return those of the skills that are recorded, by name."""
    rows = Skill.objects.filter(name__in=set(names))
    return {skill.name: skill for skill in rows}


def skills_named(names: Sequence[str]) -> list[Skill]:
    """Return the skills; raises 422 that names those which aren't recorded."""
    known = skills_by_name(names)
    unknown = {
        str(place): ["There is no skill of this name."]
        for place, name in enumerate(names)
        if name not in known
    }
    if unknown:
        raise Unprocessable({"skills": unknown}, "not_found")
    return list(known.values())
