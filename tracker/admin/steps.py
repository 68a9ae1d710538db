"""A step of a record's life, taken from a dialog on its page."""

from collections.abc import Callable, Iterable
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse

from engagements.admin.money_warnings import warn_of_what_was_heard
from engagements.errors import TrackerError
from engagements.services.spending import hearing_of_money

Step = Callable[..., Any]


def take_step(
    request: HttpRequest,
    record: Model | None,
    permission: str,
    step: Callable[[], Any],
    done: str,
    warnings: Callable[[], Iterable[str]] = list,
) -> HttpResponse:
    """Call the service, tell how it went, and leave the dialog for the record's page.

    `record` is None where the user may not see it. What budgets warn of is told after
    the step, and so are the `warnings`, asked for once it is done.
    """
    if record is None:
        raise Http404
    if not request.user.has_perm(permission):
        raise PermissionDenied
    try:
        with hearing_of_money() as heard:
            step()
    except ValidationError as refusal:
        messages.error(request, " ".join(refusal.messages))
    except TrackerError as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, done)
        warn_of_what_was_heard(request, [*heard, *warnings()])
    page = f"admin:tracker_{record._meta.model_name}_change"
    return HttpResponse(headers={"HX-Redirect": reverse(page, args=[record.pk])})
