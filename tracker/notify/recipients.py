"""Who is told of an engagement's dates."""

from collections.abc import Iterable

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from engagements.models import Engagement, User
from tracker.notify.queries import visible_ids


class Recipients:
    """Finds who can be told: active, with an address, and allowed to see the record.

    Asks the database once per person, however many engagements there are.
    """

    def __init__(self, engagements: Iterable[Engagement]) -> None:
        self._ids = {engagement.pk for engagement in engagements}
        self._visible: dict[int, set[int]] = {}

    def told_of(
        self, engagement: Engagement, *, is_escalated: bool
    ) -> dict[User, bool]:
        """Return who is told today, and of each whether by escalation.

        The owner is the engagement's manager; else that person's manager; else the head
        of the department. Nobody is told as owner and as the owner's manager.
        """
        department = engagement.department
        above = engagement.manager.manager if engagement.manager else None
        candidates = [
            engagement.manager,
            above,
            department.head if department else None,
        ]
        able = [x for x in candidates if x and self._can_be_told(x, engagement)]
        people = dict.fromkeys(able[:1], False)
        if is_escalated and above and above in able[1:]:
            people.setdefault(above, True)
        return people

    def visible_to(self, person: User) -> set[int]:
        """Return the ids of the engagements that the person may see."""
        if person.pk not in self._visible:
            self._visible[person.pk] = visible_ids(person, self._ids)
        return self._visible[person.pk]

    def _can_be_told(self, person: User, engagement: Engagement) -> bool:
        if not person.is_active or not is_address(person.email):
            return False
        return engagement.pk in self.visible_to(person)


def is_address(text: str) -> bool:
    try:
        validate_email(text)
    except ValidationError:
        return False
    return True


def sees_contractors(person: User) -> bool:
    """Tell whether contractors may be named to the person, of what they may see."""
    return person.has_perm("engagements.view_contractor")
