"""Bringing in a file, page by page: upload, columns, check, import."""

from collections.abc import Iterator
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import (
    FileResponse,
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseRedirect,
    StreamingHttpResponse,
)
from django.template.response import TemplateResponse
from django.urls import NoReverseMatch, URLPattern, path, reverse
from django.utils.formats import date_format
from django.utils.safestring import SafeString
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.decorators import display

from engagements.admin.columns import figure
from engagements.admin.unfold_types import UnfoldModelAdmin
from engagements.errors import WrongStateError
from engagements.models import User
from engagements.values.language import translated
from tracker.admin.import_forms import ColumnsForm, UploadForm, options_as_initial
from tracker.imports.exports import template_of
from tracker.imports.kinds import Templated, kind_named, kind_names, may_import
from tracker.imports.models import ImportRun, RunState
from tracker.imports.problems import ImportRefusedError, shown
from tracker.imports.queries import commonest_reasons
from tracker.imports.record_files import CONTENT_TYPES
from tracker.imports.refusals import Refusal, refusals_as_csv
from tracker.imports.services import (
    Preview,
    accept_upload,
    preview_run,
    request_apply,
    request_check,
)

_TEMPLATE = "admin:tracker_importrun_template"
_PROBLEMS_ON_A_PAGE = 50
_STATE_COLOURS = {
    RunState.UPLOADED.value: "info",
    RunState.CHECKING.value: "warning",
    RunState.CHECKED.value: "info",
    RunState.APPLYING.value: "warning",
    RunState.APPLIED.value: "success",
    RunState.REFUSED.value: "danger",
    RunState.FAILED.value: "danger",
}
_STEPS = (
    gettext_lazy("Upload"),
    gettext_lazy("Columns"),
    gettext_lazy("Check"),
    gettext_lazy("Import"),
)
_STEP_OF_STATE = {
    RunState.UPLOADED.value: 2,
    RunState.FAILED.value: 2,
    RunState.CHECKING.value: 3,
    RunState.CHECKED.value: 3,
    RunState.REFUSED.value: 3,
    RunState.APPLYING.value: 4,
    RunState.APPLIED.value: 5,
}


def _state_label(_page: object, run: ImportRun) -> tuple[str, str]:
    return run.state, run.get_state_display()


@admin.register(ImportRun)
class ImportRunAdmin(UnfoldModelAdmin):
    list_display = [
        "file_name",
        "holds",
        "state_label",
        "read_lines",
        "accepted_lines",
        "refused_lines",
        "added_records",
        "started_by",
        "created",
    ]
    list_display_links = ["file_name"]
    list_filter = ["state", "kind"]
    list_select_related = ["started_by"]
    list_per_page = 50
    search_fields = ["file_name"]
    show_full_result_count = False

    state_label = display(description=gettext_lazy("state"), label=_STATE_COLOURS)(
        _state_label
    )

    @admin.display(description=gettext_lazy("what it holds"), ordering="kind")
    def holds(self, run: ImportRun) -> str:
        return run.kind.capitalize()

    @admin.display(description=gettext_lazy("read"), ordering="read")
    def read_lines(self, run: ImportRun) -> SafeString:
        return figure(f"{run.read:,}")

    @admin.display(description=gettext_lazy("accepted"), ordering="accepted")
    def accepted_lines(self, run: ImportRun) -> SafeString:
        return figure(f"{run.accepted:,}")

    @admin.display(description=gettext_lazy("refused"), ordering="refused")
    def refused_lines(self, run: ImportRun) -> SafeString:
        return figure(f"{run.refused:,}")

    @admin.display(description=gettext_lazy("added"), ordering="added")
    def added_records(self, run: ImportRun) -> SafeString:
        return figure(f"{run.added:,}")

    @admin.display(description=gettext_lazy("uploaded"), ordering="created_at")
    def created(self, run: ImportRun) -> str:
        return date_format(localtime(run.created_at), "j M Y, H:i")

    def has_change_permission(
        self, request: HttpRequest, obj: ImportRun | None = None
    ) -> bool:
        return False

    def has_delete_permission(
        self, request: HttpRequest, obj: ImportRun | None = None
    ) -> bool:
        return False

    def get_urls(self) -> list[URLPattern]:
        own = [
            path(
                "<int:run_id>/refused.csv",
                self.admin_site.admin_view(self.refused_csv),
                name="tracker_importrun_refused",
            ),
            path(
                "templates/<slug:kind>.<slug:file_format>",
                self.admin_site.admin_view(self.template_file),
                name="tracker_importrun_template",
            ),
        ]
        inherited: list[URLPattern] = super().get_urls()
        return own + inherited

    def add_view(
        self,
        request: HttpRequest,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Take a file and say at once whether it can be read."""
        self._check_may_import(request)
        kinds = kinds_for(_actor(request))
        form = UploadForm(request.POST or None, request.FILES or None, kinds=kinds)
        if request.method == "POST" and form.is_valid():
            try:
                run = accept_upload(
                    upload=form.cleaned_data["file"],
                    kind_name=form.cleaned_data["kind"],
                    actor=_actor(request),
                )
            except ImportRefusedError as error:
                form.add_error("file", str(error))
            else:
                return HttpResponseRedirect(_url(run))
        context = self._context(request, title=_("Import a file"), step=1)
        context |= {"form": form, "templates": list(_templates(kinds))}
        return TemplateResponse(request, "tracker/imports/upload.html", context)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show where the import stands and take the next step."""
        run = self._run(request, object_id)
        if request.method == "POST":
            self._check_may_import_run(request, run)
            if "apply" in request.POST:
                return self._apply(request, run)
            return self._columns(request, run)
        if run.is_working:
            return self._page(request, run, "progress.html", {"refresh_seconds": 2})
        wants_columns = "columns" in request.GET and self._may_import(request, run)
        if wants_columns or run.state in (RunState.UPLOADED, RunState.FAILED):
            return self._columns(request, run)
        return self._result(request, run)

    def refused_csv(self, request: HttpRequest, run_id: int) -> StreamingHttpResponse:
        run = self._run(request, str(run_id))
        response = StreamingHttpResponse(
            refusals_as_csv(_refusals(run)), content_type="text/csv; charset=utf-8"
        )
        response["Content-Disposition"] = (
            f'attachment; filename="refused-{run.public_id}.csv"'
        )
        return response

    def template_file(
        self, request: HttpRequest, kind: str, file_format: str
    ) -> FileResponse:
        """Serve an empty file of a kind of records, with one example."""
        self._check_may_import(request)
        if kind not in kinds_for(_actor(request)) or file_format not in CONTENT_TYPES:
            raise Http404
        try:
            file = template_of(kind, file_format)
        except KeyError as error:
            raise Http404 from error
        return FileResponse(
            file,
            as_attachment=True,
            filename=f"{kind}-template.{file_format}",
            content_type=CONTENT_TYPES[file_format],
        )

    # Pages

    def _columns(self, request: HttpRequest, run: ImportRun) -> HttpResponse:
        try:
            preview = preview_run(run)
        except (ImportRefusedError, FileNotFoundError):
            message = _("The file can't be read any more. Upload it again.")
            return self._page(request, run, "gone.html", {"message": message})
        form = ColumnsForm(
            request.POST or None,
            preview=preview,
            kind_name=run.kind,
            initial=options_as_initial(run.options),
        )
        if request.method == "POST" and form.is_valid():
            try:
                request_check(
                    run=run,
                    corrections=form.corrections(),
                    options=form.options(),
                    actor=_actor(request),
                )
            except ImportRefusedError as error:
                form.add_error(None, str(error))
            except WrongStateError as error:
                messages.warning(request, str(error))
                return HttpResponseRedirect(_url(run))
            else:
                return HttpResponseRedirect(_url(run))
        extra = {"form": form, "preview": preview, "rows": list(_rows(form, preview))}
        return self._page(request, run, "columns.html", extra)

    def _apply(self, request: HttpRequest, run: ImportRun) -> HttpResponse:
        is_per_line = request.POST["apply"] == "per_line"
        try:
            request_apply(run=run, is_per_line=is_per_line, actor=_actor(request))
        except WrongStateError as error:
            messages.warning(request, str(error))
        return HttpResponseRedirect(_url(run))

    def _result(self, request: HttpRequest, run: ImportRun) -> HttpResponse:
        problems = Paginator(run.problems.order_by("line", "id"), _PROBLEMS_ON_A_PAGE)
        fields = kind_named(run.kind).fields
        labels = {field.name: translated(field.label) for field in fields}
        page = problems.get_page(request.GET.get("page"))
        extra = {
            "problems": page,
            "columns": [
                (labels.get(name, name), column)
                for name, column in run.report.get("mapping", {}).items()
            ],
            "lines": [(labels.get(item.field, item.field), item) for item in page],
            "reasons": [
                (labels.get(field, field), reason, count)
                for field, reason, count in commonest_reasons(run)
            ],
            "records_url": _records_url(run),
            "is_of_payments": run.kind == "payments",
            "may_import": self._may_import(request, run),
        }
        return self._page(request, run, "result.html", extra)

    def _page(
        self, request: HttpRequest, run: ImportRun, name: str, extra: dict[str, Any]
    ) -> HttpResponse:
        title = shown(run.file_name)
        context = self._context(request, title=title, step=_STEP_OF_STATE[run.state])
        context |= {"run": run, "report": run.report, "run_url": _url(run)}
        return TemplateResponse(request, f"tracker/imports/{name}", context | extra)

    def _context(
        self, request: HttpRequest, *, title: str, step: int
    ) -> dict[str, Any]:
        return {
            **self.admin_site.each_context(request),
            "title": title,
            "opts": self.opts,
            "steps": [
                {"name": name, "is_done": number < step, "is_current": number == step}
                for number, name in enumerate(_STEPS, start=1)
            ],
        }

    # Rights

    def _check_may_import(self, request: HttpRequest) -> None:
        if not self.has_add_permission(request):
            raise PermissionDenied

    def _may_import(self, request: HttpRequest, run: ImportRun) -> bool:
        return may_import(_actor(request), kind_named(run.kind))

    def _check_may_import_run(self, request: HttpRequest, run: ImportRun) -> None:
        if not self._may_import(request, run):
            raise PermissionDenied

    def _run(self, request: HttpRequest, object_id: str) -> ImportRun:
        if not self.has_view_permission(request):
            raise PermissionDenied
        run = self.get_object(request, object_id)
        if not isinstance(run, ImportRun):
            raise Http404
        return run


def _actor(request: HttpRequest) -> User:
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user


def _url(run: ImportRun) -> str:
    return reverse("admin:tracker_importrun_change", args=[run.pk])


_LISTS = {
    "benchmarks": "tracker_benchmarkset",
    "budgets": "tracker_budget",
    "contractors": "engagements_contractor",
    "downtime": "tracker_downtime",
    "engagements": "engagements_engagement",
    "measurements": "tracker_measurement",
    "payments": "tracker_payment",
    "terms": "engagements_engagement",
    "tickets": "tracker_ticket",
    "time": "tracker_worklog",
    "vendors": "engagements_vendor",
}


def _records_url(run: ImportRun) -> str:
    """Return the list on which the imported records stand."""
    try:
        url = reverse(f"admin:{_LISTS[run.kind]}_changelist")
    except NoReverseMatch:
        return ""
    return f"{url}?source_run={run.public_id}" if run.kind == "payments" else url


def kinds_for(user: User) -> list[str]:
    """Return the kinds of file that the person may bring in."""
    return [name for name in kind_names() if may_import(user, kind_named(name))]


def _templates(kinds: list[str]) -> Iterator[dict[str, Any]]:
    for name in kinds:
        if isinstance(kind := kind_named(name), Templated):
            links = [
                (form.upper(), reverse(_TEMPLATE, args=[name, form]))
                for form in CONTENT_TYPES
            ]
            yield {"label": translated(kind.label), "links": links}


def _refusals(run: ImportRun) -> Iterator[Refusal]:
    rows = run.problems.order_by("line", "id").values_list(
        "line", "field", "reason", "advice", "raw"
    )
    return (Refusal(*row) for row in rows.iterator())


def _rows(form: ColumnsForm, preview: Preview) -> Iterator[dict[str, Any]]:
    """Yield each field with its select, how sure the suggestion is, and a sample."""
    suggestions = {item.field: item for item in preview.suggestions}
    places = preview.source.mapping.positions()
    for field in form.kind_fields:
        suggestion = suggestions.get(field.name)
        place = places.get(field.name)
        samples = [] if place is None else [line[place] for line in preview.sample]
        yield {
            "field": field,
            "select": form[f"column_{field.name}"],
            "is_like": suggestion is not None and suggestion.likeness < 1,
            "samples": [shown(text.strip()) for text in samples if text.strip()][:3],
        }
