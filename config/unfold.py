"""How the admin looks: read by django-unfold as settings.UNFOLD."""

from typing import Any

UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "Engagement tracker",
    "SITE_HEADER": "Engagement tracker",
}
