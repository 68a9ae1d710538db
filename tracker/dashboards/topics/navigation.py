"""Which topics the header of the product's own pages leads to."""

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from engagements.models import User
from tracker.dashboards.topics.known import BY_NAME


def topics_open(request: HttpRequest) -> dict[str, Any]:
    """Tell templates by name which topics the reader may open; asked only on use."""
    return {"topics_open": SimpleLazyObject(lambda: _open_to(request))}


def _open_to(request: HttpRequest) -> dict[str, bool]:
    user = request.user
    if not isinstance(user, User):
        return {}
    return {
        name.replace("-", "_"): topic.may_open(user) for name, topic in BY_NAME.items()
    }
