"""Takes out what a list shows: its filters, its search, the user's rows alone.

The records of what was agreed know nothing of files; those who write them register
here, as panels do.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import IO, Any, Protocol

from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ERROR_FLAG
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import (
    FileResponse,
    Http404,
    HttpRequest,
    HttpResponseBase,
    HttpResponseRedirect,
)
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.functional import Promise

from engagements.admin.record_admin import ScopedAdmin, actor_of, is_beyond_any_id
from engagements.models import User
from engagements.permissions import sees_money

FORMATS = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
# What turns pages and orders rows, and so narrows nothing.
_LAYOUT = frozenset({"p", "o", "all", "_popup", "_to_field", ERROR_FLAG})


class WriteRows(Protocol):
    def __call__(
        self,
        *,
        ids: Sequence[int],
        file_format: str,
        narrowed_by: Iterable[str],
        actor: User,
    ) -> IO[bytes]:
        """Return the rows as a file; who took them is recorded."""


@dataclass(frozen=True)
class ListExport:
    """One kind of file that a list can be taken out as."""

    name: str
    label: str | Promise
    write: WriteRows
    is_of_money: bool = False


_EXPORTS: dict[type[Model], list[ListExport]] = {}


def exported_as(export: ListExport, *models: type[Model]) -> None:
    """Offer the file on the lists of the models, in the order of registration."""
    for model in models:
        known = _EXPORTS.setdefault(model, [])
        if export.name not in [one.name for one in known]:
            known.append(export)


class ExportableList(ScopedAdmin):
    """A list with files of what it shows."""

    list_before_template: str | None = "engagements/admin/list_exports.html"

    def get_urls(self) -> list[URLPattern]:
        options = self.model._meta
        own = [
            path(
                "export/<slug:export_name>.<slug:file_format>",
                self.admin_site.admin_view(self.export_view),
                name=f"{options.app_label}_{options.model_name}_export",
            )
        ]
        inherited: list[URLPattern] = super().get_urls()
        return own + inherited

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> Any:
        response = super().changelist_view(request, extra_context)
        if isinstance(response, TemplateResponse) and response.context_data:
            response.context_data["exports"] = self._offers(request)
        return response

    def export_view(
        self, request: HttpRequest, export_name: str, file_format: str
    ) -> HttpResponseBase:
        if not self.has_view_permission(request):
            raise PermissionDenied
        offered = {one.name: one for one in self._offered(request)}
        if export_name not in offered or file_format not in FORMATS:
            raise Http404
        nonsense = HttpResponseRedirect(f"{self._list_url()}?{ERROR_FLAG}=1")
        if any(map(is_beyond_any_id, request.GET.values())):
            return nonsense
        try:
            page = self.get_changelist_instance(request)
        except IncorrectLookupParameters:
            return nonsense
        file = offered[export_name].write(
            ids=list(page.queryset.values_list("pk", flat=True)),
            file_format=file_format,
            narrowed_by=sorted(request.GET.keys() - _LAYOUT),
            actor=actor_of(request),
        )
        today = timezone.localdate().isoformat()
        return FileResponse(
            file,
            as_attachment=True,
            filename=f"{export_name}-{today}.{file_format}",
            content_type=FORMATS[file_format],
        )

    def _offered(self, request: HttpRequest) -> list[ListExport]:
        return [
            export
            for export in _EXPORTS.get(self.model, [])
            if sees_money(request.user) or not export.is_of_money
        ]

    def _offers(self, request: HttpRequest) -> list[dict[str, Any]]:
        options = self.model._meta
        name = f"admin:{options.app_label}_{options.model_name}_export"
        query = request.GET.urlencode()
        return [
            {
                "label": export.label,
                "links": [
                    (form.upper(), reverse(name, args=[export.name, form]), query)
                    for form in FORMATS
                ],
            }
            for export in self._offered(request)
        ]

    def _list_url(self) -> str:
        options = self.model._meta
        return reverse(f"admin:{options.app_label}_{options.model_name}_changelist")
