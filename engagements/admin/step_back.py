"""Where a step leads once it is taken: back to the page it was taken on."""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.utils.http import url_has_allowed_host_and_scheme

from engagements.errors import TrackerError


def step_back(
    request: HttpRequest,
    page: str,
    *,
    told: str = "",
    refusal: TrackerError | ValidationError | None = None,
) -> HttpResponse:
    """Lead to the page that the request names as `next`, or to `page`, and say so."""
    if isinstance(refusal, ValidationError):
        messages.error(request, " ".join(refusal.messages))
    elif refusal is not None:
        messages.error(request, str(refusal))
    else:
        messages.success(request, told)
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    is_ours = url_has_allowed_host_and_scheme(wanted, allowed_hosts=None)
    return HttpResponse(headers={"HX-Redirect": wanted if is_ours else page})
