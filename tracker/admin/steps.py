"""A step of a record's life, taken from a dialog on its page."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse

from engagements.errors import TrackerError

Step = Callable[..., Any]


def take_step(
    request: HttpRequest,
    record: Model | None,
    permission: str,
    step: Callable[[], Any],
    done: str,
) -> HttpResponse:
    """Call the service, tell how it went, and leave the dialog for the record's page.

    `record` is None where the user may not see it.
    """
    if record is None:
        raise Http404
    if not request.user.has_perm(permission):
        raise PermissionDenied
    try:
        step()
    except ValidationError as refusal:
        messages.error(request, " ".join(refusal.messages))
    except TrackerError as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, done)
    page = f"admin:tracker_{record._meta.model_name}_change"
    return HttpResponse(headers={"HX-Redirect": reverse(page, args=[record.pk])})
