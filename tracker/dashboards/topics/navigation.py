"""Which topics the header of the product's own pages leads to."""

from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from engagements.models import User
from tracker.dashboards.landing import landing_page
from tracker.dashboards.overview import FINANCE
from tracker.dashboards.topics.known import BY_NAME


def topics_open(request: HttpRequest) -> dict[str, Any]:
    """Tell templates by name which pages the reader may open, and where they start.

    Asked only on use.
    """
    return {
        "topics_open": SimpleLazyObject(lambda: _open_to(request)),
        "start_page": SimpleLazyObject(lambda: landing_page(request.user)),
    }


def is_open_to(user: User | AnonymousUser, name: str) -> bool:
    return isinstance(user, User) and BY_NAME[name].may_open(user)


def _open_to(request: HttpRequest) -> dict[str, bool]:
    known = {name.replace("-", "_"): is_open_to(request.user, name) for name in BY_NAME}
    user = request.user
    return known | {"finance": isinstance(user, User) and FINANCE.may_open(user)}
