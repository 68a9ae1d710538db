"""What keeps an engagement from being closed.

The records of what was agreed know nothing of invoices; what does registers here.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from django.db import models
from django.utils.translation import gettext as _

from engagements.errors import WrongStateError
from engagements.models import Engagement, User


@dataclass(frozen=True)
class Closing:
    """An engagement about to be closed.

    `reader` is told of the obstacles: a check names no person and no invoice that the
    reader may not see. Nobody (the product itself) is told the least.
    """

    engagement: Engagement
    last_day: date
    reader: User | None


@dataclass(frozen=True)
class Obstacle:
    """One thing still open: what, and what to do.

    `record` is what is open; `remedy` the model of a record that would settle it.
    Surfaces lead there.
    """

    sentence: str
    record: models.Model | None = None
    remedy: type[models.Model] | None = None


ClosingCheck = Callable[[Closing], list[Obstacle]]

_CHECKS: list[ClosingCheck] = []


def before_closing(check: ClosingCheck) -> ClosingCheck:
    """Register what must be settled first; told in the order of registration."""
    if check not in _CHECKS:
        _CHECKS.append(check)
    return check


def closing_obstacles(closing: Closing) -> list[Obstacle]:
    return [obstacle for check in _CHECKS for obstacle in check(closing)]


def check_can_close(closing: Closing) -> None:
    """Raise WrongStateError that tells everything still open."""
    obstacles = closing_obstacles(closing)
    if obstacles:
        raise WrongStateError(
            _("%(reference)s can't be closed yet. %(obstacles)s")
            % {
                "reference": closing.engagement.reference,
                "obstacles": " ".join(obstacle.sentence for obstacle in obstacles),
            }
        )
