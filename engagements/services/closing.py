"""What keeps an engagement from being closed.

The records of what was agreed know nothing of invoices; what does registers here.
"""

from collections.abc import Callable

from django.utils.translation import gettext as _

from engagements.errors import WrongStateError
from engagements.models import Engagement

# Returns one sentence for each thing that is still open: what, and what to do.
ClosingCheck = Callable[[Engagement], list[str]]

_CHECKS: list[ClosingCheck] = []


def before_closing(check: ClosingCheck) -> ClosingCheck:
    """Register what must be settled first; told in the order of registration."""
    if check not in _CHECKS:
        _CHECKS.append(check)
    return check


def closing_obstacles(engagement: Engagement) -> list[str]:
    return [sentence for check in _CHECKS for sentence in check(engagement)]


def check_can_close(engagement: Engagement) -> None:
    """Raise WrongStateError that tells everything still open."""
    obstacles = closing_obstacles(engagement)
    if obstacles:
        raise WrongStateError(
            _("%(reference)s can't be closed yet. %(obstacles)s")
            % {"reference": engagement.reference, "obstacles": " ".join(obstacles)}
        )
