"""What a step would be told of budgets, before it is taken and after."""

from collections.abc import Iterable

from django.contrib import messages
from django.http import HttpRequest

from engagements.errors import TrackerError
from engagements.models import Engagement, User
from engagements.permissions import sees_money
from engagements.services.spending import Moment, money_warnings


def warnings_of_money(engagement: Engagement, moment: Moment) -> list[str]:
    """Return the sentences, or why they can't be told, such as a missing rate."""
    try:
        return money_warnings(engagement, moment)
    except TrackerError as refusal:
        return [str(refusal)]


def warn_of_what_was_heard(request: HttpRequest, heard: Iterable[str]) -> None:
    """Say above the page what budgets warned of, to who may see money."""
    if sees_money(request.user):
        for warning in dict.fromkeys(heard):
            messages.warning(request, warning)


def for_eyes_of(user: User, heard: Iterable[str]) -> list[str]:
    return list(heard) if sees_money(user) else []
