"""Where people start: the page that suits their roles best."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse

from engagements.choices import Role
from engagements.models import User
from engagements.permissions import roles_of

View = Callable[..., HttpResponseBase]
ADMIN, FINANCE, MY = "admin:index", "tracker:finance", "tracker:my"
# Of several roles the first counts.
LANDINGS = (
    (Role.FINANCE, FINANCE),
    # What waits for them, what failed, and the records they look after.
    (Role.ADMINISTRATOR, ADMIN),
    (Role.MANAGER, MY),
    # Reads all that happened, beginning with the money.
    (Role.AUDITOR, FINANCE),
    # People and teams pushed, and what of it is disputed.
    (Role.HR_INTEGRATION, ADMIN),
)


def landing_page(user: User | AnonymousUser) -> str:
    """Return the path that the user is led to who asked for no page of their own."""
    roles = roles_of(user)
    found = next((name for role, name in LANDINGS if role in roles), FINANCE)
    if found == ADMIN and not user.is_staff:
        # Only staff may open the admin.
        return reverse(MY)
    return reverse(found)


def front_door(view: View) -> View:
    """Let in who is logged in; others log in, and from there each to their own page.

    A bare address is no wish for this very page; one with filters is.
    """
    guarded = login_required(view)

    @wraps(view)
    def entered(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not request.user.is_authenticated and not request.GET:
            return redirect(settings.LOGIN_URL)
        return guarded(request, *args, **kwargs)

    return entered
