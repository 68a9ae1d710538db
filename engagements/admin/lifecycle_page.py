"""What every button on an engagement's page needs: who may, on what, and back."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse

from engagements.admin.conflict import told_since
from engagements.admin.opened_dialog import is_pressed, opened_with
from engagements.admin.record_admin import actor_of
from engagements.admin.unfold_types import UnfoldModelAdmin
from engagements.choices import Status
from engagements.errors import ConflictError, TrackerError
from engagements.models import Engagement
from engagements.services.tenure import tenure_warnings


class LifecyclePage(UnfoldModelAdmin):
    def _is_in(
        self, request: HttpRequest, object_id: str | None, *statuses: Status
    ) -> bool:
        """Whether the step can be taken; one that was pressed is told why it can't."""
        found = self._changeable(request, object_id)
        if found is None or is_pressed(request):
            return found is not None
        return found.status in statuses

    def _changeable(
        self, request: HttpRequest, object_id: str | None
    ) -> Engagement | None:
        """Return what the person sees and may change, read once for all buttons."""
        if object_id is None or not self.has_change_permission(request):
            return None
        return self._seen(request, object_id)

    def _seen(self, request: HttpRequest, object_id: str) -> Engagement | None:
        read: dict[str, Engagement | None]
        read = request.__dict__.setdefault("engagements_read", {})
        if object_id not in read:
            read[object_id] = self.get_object(request, object_id)
        return read[object_id]

    def _engagement(self, request: HttpRequest, object_id: str) -> Engagement:
        found: Engagement | None = self.get_object(request, object_id)
        if found is None:
            raise Http404
        if not self.has_change_permission(request, found):
            raise PermissionDenied
        return found

    def _warn_of_tenure(self, request: HttpRequest, engagement: Engagement) -> None:
        """Say, after a step by which more work is agreed, which limits it exceeds."""
        for warning in tenure_warnings(engagement=engagement):
            messages.warning(request, warning)

    def _warn_of_money(self, request: HttpRequest, warnings: list[str]) -> None:
        """Say, after a step, by how much it exceeds a budget that lets it pass."""
        for warning in warnings:
            messages.warning(request, warning)

    def _back(
        self,
        request: HttpRequest,
        engagement: Any,
        refusal: TrackerError | ValidationError | None = None,
        told: str = "",
    ) -> HttpResponse:
        """Leave the dialog for the engagement's page, with the outcome on it."""
        if refusal is None:
            messages.success(request, told)
        elif isinstance(refusal, ValidationError):
            messages.error(request, " ".join(refusal.messages))
        elif isinstance(refusal, ConflictError):
            _version, event = opened_with(request.POST.get("opened_with"))
            changes = told_since(engagement, since=event, user=actor_of(request))
            messages.error(request, " ".join([str(refusal), *changes]))
        else:
            messages.error(request, str(refusal))
        page = reverse(
            f"admin:engagements_{self.opts.model_name}_change", args=[engagement.pk]
        )
        return HttpResponse(headers={"HX-Redirect": page})
