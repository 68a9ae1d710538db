from typing import Any, cast

from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from engagements.choices import Role
from engagements.models import User
from engagements.permissions import holds, roles_of, sees_money
from tracker.api.models import ApiKey
from tracker.api.scopes import allows


def caller(request: Request) -> User:
    """Return whom the request acts as; nobody else comes past HasScope."""
    return cast(User, request.user)


def caller_name(request: Request) -> str:
    """Return a short name of the key or person that asks, unique among callers."""
    if isinstance(request.auth, ApiKey):
        return f"key-{request.auth.pk}"
    return f"user-{request.user.pk}"


def has_scope(request: Request, scope: str) -> bool:
    """Tell whether the request's key covers the scope; a session covers reading.

    Amounts in a session are for the roles that see money.
    """
    if isinstance(request.auth, ApiKey):
        return allows(request.auth.scopes, scope)
    if scope == "rates:read":
        return sees_money(request.user)
    return scope.endswith(":read")


def is_hr_key(request: Request) -> bool:
    """Tell whether a key of the HR integration asks.

    What its role keeps from it as a person, some scopes of a key open.
    """
    is_key = isinstance(request.auth, ApiKey)
    return is_key and Role.HR_INTEGRATION in roles_of(request.user)


class HasScope(BasePermission):
    """The key has the resource's scope, and its owner the permission behind it."""

    def has_permission(self, request: Request, view: Any) -> bool:
        is_reading = request.method in SAFE_METHODS or view.is_question
        verb = "read" if is_reading else "write"
        scope = f"{view.noun}:{verb}"
        if not request.user.is_authenticated:
            return False
        if not has_scope(request, scope):
            self.message = f"This key lacks the scope {scope}."
            return False
        if is_reading and view.opens_to_hr_keys and is_hr_key(request):
            return True
        if not holds(request.user, view.permissions_for(verb)):
            self.message = f"The key's owner may not {verb} {view.noun}."
            return False
        return True
