"""What others may add to the engagement's page and to the home page.

The records of what was agreed know nothing of spend or fit; those register here.
"""

from collections.abc import Callable
from dataclasses import dataclass

from django.utils.safestring import SafeString

from engagements.models import Engagement, User


@dataclass(frozen=True)
class Panel:
    """A card: its body is HTML, already escaped."""

    title: str
    body: SafeString
    link: str = ""
    link_text: str = ""


# Returns nothing where there is nothing to tell, or the user may not see it.
EngagementPanel = Callable[[Engagement, User], Panel | None]

_ENGAGEMENT_PANELS: list[EngagementPanel] = []


def on_engagement_page(build: EngagementPanel) -> EngagementPanel:
    """Register what builds a panel; shown in the order of registration."""
    if build not in _ENGAGEMENT_PANELS:
        _ENGAGEMENT_PANELS.append(build)
    return build


def engagement_panels(engagement: Engagement, user: User) -> list[Panel]:
    built = (build(engagement, user) for build in _ENGAGEMENT_PANELS)
    return [panel for panel in built if panel is not None]
