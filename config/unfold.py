"""How the admin looks: read by django-unfold as settings.UNFOLD."""

from typing import Any

from django.templatetags.static import static

FAVICON = "tracker/favicon.svg"

UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "Engagement tracker",
    "SITE_HEADER": "Engagement tracker",
    "SITE_FAVICONS": [
        {
            "rel": "icon",
            "sizes": "any",
            "type": "image/svg+xml",
            "href": lambda _request: static(FAVICON),
        }
    ],
}
