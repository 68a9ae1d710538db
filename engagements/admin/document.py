"""Documents: the list of all of them, adding one, its page, and taking it away."""

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import QuerySet
from django.http import (
    FileResponse,
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseNotAllowed,
    HttpResponseRedirect,
)
from django.template.defaultfilters import filesizeformat
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.contrib.filters.admin import AutocompleteSelectFilter, ChoicesDropdownFilter

from engagements.admin.columns import short_date
from engagements.admin.documents_tab import NEAR_DAYS, expiry
from engagements.admin.record_admin import Lines, RecordAdmin, RecordForm, actor_of
from engagements.admin.unfold_types import action, display
from engagements.errors import TrackerError
from engagements.models import Document, User
from engagements.permissions import engagement_scope
from engagements.services.documents import (
    attach_document,
    change_document,
    record_download,
    remove_document,
)
from engagements.values.file_contents import FORMATS, clean_file_name

if TYPE_CHECKING:
    from django.contrib.admin import SimpleListFilter as _Dropdown
    from django.forms import ClearableFileInput as FileInput
    from django.forms import Textarea as TextArea

    class _Dialog(forms.Form):
        request: HttpRequest
        object_id: str

else:
    from unfold.contrib.filters.admin import DropdownFilter as _Dropdown
    from unfold.forms import BaseDialogForm as _Dialog
    from unfold.widgets import UnfoldAdminFileFieldWidget as FileInput
    from unfold.widgets import UnfoldAdminTextareaWidget as TextArea


class DocumentForm(RecordForm):
    """Takes a new document, perhaps as the newer version of another."""

    upload = forms.FileField(
        label=gettext_lazy("File"),
        widget=FileInput(attrs={"accept": ",".join(FORMATS)}),
        help_text=gettext_lazy(
            "PDF, DOCX, XLSX, ODT, PNG, JPEG, plain text or e-mail (.eml), without"
            " macros and passwords."
        ),
        # What it may be called is for the service to say, by its content.
        max_length=None,
    )
    replaces = forms.ModelChoiceField(
        queryset=Document.objects.none(), required=False, widget=forms.HiddenInput
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.instance._state.adding:
            self.fields.pop("upload", None)
            self.fields.pop("replaces", None)
            return
        if "title" not in self.fields:
            return
        self.fields["title"].required = False
        self.fields["title"].help_text = _("Left blank, the file's name.")
        replaces = self.fields["replaces"]
        if isinstance(replaces, forms.ModelChoiceField):
            replaces.queryset = Document.objects.visible_to(actor_of(self.request))

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        upload = cleaned.get("upload")
        if upload is not None and not cleaned.get("title"):
            name = clean_file_name(upload.name).rpartition(".")[0]
            cleaned["title"] = name
        return cleaned

    def _get_validation_exclusions(self) -> set[str]:
        # The file is looked at by the service that stores it.
        return super()._get_validation_exclusions() | {"file"}  # type: ignore[misc,no-any-return]

    def _tell(self, refusal: Any) -> None:
        """Say what speaks against the file beside the field that took it."""
        if isinstance(refusal, ValidationError):
            errors = refusal.update_error_dict({})
            if "file" in errors:
                errors["upload"] = errors.pop("file")
            refusal = ValidationError(errors)
        super()._tell(refusal)


class RemoveDialog(_Dialog):
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        widget=TextArea(attrs={"rows": 3}),
        help_text=gettext_lazy("Kept, with your name and the day."),
    )


class StateFilter(_Dropdown):
    """Shows what counts today, unless the past is asked for."""

    title = gettext_lazy("state")
    parameter_name = "state"
    all_option = None

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [
            ("current", gettext_lazy("Current")),
            ("removed", gettext_lazy("Removed")),
            ("all", gettext_lazy("All, with earlier versions")),
        ]

    def value(self) -> str:
        return super().value() or "current"

    def queryset(self, request: HttpRequest, queryset: Any) -> QuerySet[Any] | None:
        if self.value() == "removed":
            return queryset.exclude(removed_at=None)  # type: ignore[no-any-return]
        if self.value() == "all":
            return queryset  # type: ignore[no-any-return]
        return queryset.current()  # type: ignore[no-any-return]


class ExpiryFilter(_Dropdown):
    title = gettext_lazy("expiry")
    parameter_name = "expiry"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [
            ("expired", gettext_lazy("Expired")),
            ("near", gettext_lazy("Within 90 days")),
            ("later", gettext_lazy("Later")),
            ("none", gettext_lazy("Doesn't expire")),
        ]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[Any]
    ) -> QuerySet[Any] | None:
        today = timezone.localdate()
        near = today + timedelta(days=NEAR_DAYS)
        conditions: dict[str | None, dict[str, Any]] = {
            "expired": {"expires_on__lt": today},
            "near": {"expires_on__range": (today, near)},
            "later": {"expires_on__gt": near},
            "none": {"expires_on": None},
        }
        return queryset.filter(**conditions.get(self.value(), {}))


@admin.register(Document)
class DocumentAdmin(RecordAdmin):
    form = DocumentForm
    autocomplete_fields = ("engagement",)
    list_display = (
        "name",
        "document_type",
        "engagement_name",
        "expiry",
        "added",
        "download_link",
    )
    list_filter = (
        StateFilter,
        ("document_type", ChoicesDropdownFilter),
        ExpiryFilter,
        ("engagement", AutocompleteSelectFilter),
        ("engagement__vendor", AutocompleteSelectFilter),
    )
    list_select_related = ("engagement__vendor", "uploaded_by")
    search_fields = (
        "title",
        "file_name",
        "engagement__reference",
        "engagement__title",
        "engagement__vendor__legal_name",
    )
    search_help_text = gettext_lazy("Title, file, engagement or vendor")
    ordering = ("-created_at", "-id")
    actions_detail = ("download", "new_version", "remove")
    add_fieldsets: Sequence[Any] = (
        (
            None,
            {
                "fields": (
                    "engagement",
                    "upload",
                    "document_type",
                    "title",
                    "expires_on",
                    "replaces",
                )
            },
        ),
    )
    fieldsets = (
        (None, {"fields": ("of_engagement", "document_type", "title", "expires_on")}),
        (
            gettext_lazy("The file"),
            {"fields": ("file_link", "file_size", "checksum", "added", "earlier")},
        ),
        (gettext_lazy("Removal"), {"fields": ("removal",)}),
    )
    readonly_fields = (
        "of_engagement",
        "file_link",
        "file_size",
        "checksum",
        "added",
        "earlier",
        "removal",
    )

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return self.add_fieldsets
        return self.fieldsets if obj.removed_at else self.fieldsets[:2]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return () if obj is None else self.readonly_fields

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> type[Any]:
        # The two fields that no model has: Django would look for them there.
        kwargs["fields"] = (
            ("engagement", "document_type", "title", "expires_on")
            if obj is None
            else ("document_type", "title", "expires_on")
        )
        return super().get_form(request, obj, change=change, **kwargs)

    def get_field_queryset(
        self, db: str | None, db_field: Any, request: HttpRequest
    ) -> QuerySet[Any]:
        rows = super().get_field_queryset(db, db_field, request)
        if db_field.name != "engagement":
            return rows
        return rows.filter(engagement_scope(actor_of(request), with_money=True))

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Start from the document to be replaced, or from the engagement named."""
        initial: dict[str, Any] = super().get_changeform_initial_data(request)
        asked = request.GET.get("replaces", "")
        seen = Document.objects.visible_to(actor_of(request))
        earlier = seen.filter(pk=asked).first() if asked.isdecimal() else None
        if earlier is not None:
            initial |= {
                "replaces": earlier.pk,
                "engagement": earlier.engagement_id,
                "document_type": earlier.document_type,
                "title": earlier.title,
            }
        return initial

    def get_urls(self) -> list[URLPattern]:
        own = [
            path(
                "<int:object_id>/file/",
                self.admin_site.admin_view(self.file_view),
                name="engagements_document_file",
            )
        ]
        inherited: list[URLPattern] = super().get_urls()
        return own + inherited

    def file_view(self, request: HttpRequest, object_id: int) -> Any:
        """Serve the file as an attachment, and tell who took it."""
        if request.method != "GET":
            return HttpResponseNotAllowed(["GET"])
        user = actor_of(request)
        if not user.has_perm("engagements.view_document"):
            raise Http404
        seen = Document.objects.visible_to(user).select_related("engagement")
        document = seen.filter(pk=object_id, removed_at=None).first()
        if document is None:
            raise Http404
        try:
            content = document.file.open("rb")
        except FileNotFoundError:
            raise Http404 from None
        record_download(document=document, actor=user)
        response = FileResponse(
            content,
            as_attachment=True,
            filename=document.file_name,
            content_type=document.content_type,
        )
        response["X-Content-Type-Options"] = "nosniff"
        response["Cache-Control"] = "private, no-store"
        response["Content-Security-Policy"] = "default-src 'none'; sandbox"
        return response

    def create(self, form: Any, pages: Sequence[Lines], actor: User) -> None:
        attach_document(
            document=form.instance,
            upload=form.cleaned_data["upload"],
            replaces=form.cleaned_data.get("replaces"),
            actor=actor,
        )

    def change_record(self, record: Any, expected: int | None, actor: User) -> None:
        change_document(document=record, expected_version=expected, actor=actor)

    def response_add(
        self, request: HttpRequest, obj: Any, post_url_continue: str | None = None
    ) -> HttpResponse:
        messages.success(request, _("%(title)s was attached.") % {"title": obj})
        return HttpResponseRedirect(f"{_page_of(obj.engagement_id)}#documents")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        is_there = obj is None or obj.removed_at is None
        return is_there and bool(super().has_change_permission(request, obj))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A document is removed, for a reason, and its row stays."""
        return False

    @action(
        description=gettext_lazy("Download"),
        url_path="download",
        icon="download",
        permissions=["download"],
    )
    def download(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return HttpResponseRedirect(
            reverse("admin:engagements_document_file", args=[object_id])
        )

    @action(
        description=gettext_lazy("New version…"),
        url_path="new-version",
        icon="upload_file",
        permissions=["new_version"],
    )
    def new_version(self, request: HttpRequest, object_id: str) -> HttpResponse:
        add = reverse("admin:engagements_document_add")
        return HttpResponseRedirect(f"{add}?replaces={object_id}")

    @action(
        description=gettext_lazy("Remove…"),
        url_path="remove",
        icon="delete",
        permissions=["remove"],
        dialog={
            "title": gettext_lazy("Remove this document"),
            "description": gettext_lazy(
                "The file is deleted. That it was here, and why it went, stays."
            ),
            "form_class": RemoveDialog,
            "form_submit_text": gettext_lazy("Remove"),
        },
    )
    def remove(
        self, request: HttpRequest, form: forms.Form, object_id: str
    ) -> HttpResponse:
        document = self.get_object(request, object_id)
        if document is None:
            raise Http404
        if not self.has_change_permission(request, document):
            raise PermissionDenied
        try:
            remove_document(
                document=document,
                reason=form.cleaned_data["reason"],
                actor=actor_of(request),
            )
        except ValidationError as refusal:
            messages.error(request, " ".join(refusal.messages))
        except TrackerError as refusal:
            messages.error(request, str(refusal))
        else:
            told = _("%(title)s was removed.") % {"title": document}
            messages.success(request, told)
        page = f"{_page_of(document.engagement_id)}#documents"
        return HttpResponse(headers={"HX-Redirect": page})

    def has_download_permission(
        self, request: HttpRequest, object_id: str | None = None
    ) -> bool:
        return self._present(request, object_id) is not None

    def has_new_version_permission(
        self, request: HttpRequest, object_id: str | None = None
    ) -> bool:
        found = self._present(request, object_id)
        if found is None or not self.has_add_permission(request):
            return False
        return not Document.objects.filter(replaces=found).exists()

    def has_remove_permission(
        self, request: HttpRequest, object_id: str | None = None
    ) -> bool:
        found = self._present(request, object_id)
        return found is not None and self.has_change_permission(request, found)

    def _present(self, request: HttpRequest, object_id: str | None) -> Document | None:
        if object_id is None or not self.has_view_permission(request):
            return None
        read: dict[str, Document | None]
        read = request.__dict__.setdefault("documents_read", {})
        if object_id not in read:
            read[object_id] = self.get_object(request, object_id)
        found = read[object_id]
        return found if found is not None and found.removed_at is None else None

    @display(description=gettext_lazy("document"), ordering="title")
    def name(self, row: Document) -> SafeString:
        return format_html(
            '<span class="row-title">{}</span><span class="row-note">{}</span>',
            row.title,
            row.file_name,
        )

    @display(description=gettext_lazy("engagement"), ordering="engagement__title")
    def engagement_name(self, row: Document) -> SafeString:
        return format_html(
            '<div>{}<span class="row-note">{} · {}</span></div>',
            row.engagement.title,
            row.engagement.reference,
            row.engagement.vendor,
        )

    @display(description=gettext_lazy("expires"), ordering="expires_on")
    def expiry(self, row: Document) -> SafeString | str | None:
        return expiry(row.expires_on)

    @display(description=gettext_lazy("added"), ordering="created_at")
    def added(self, row: Document) -> SafeString:
        return format_html(
            '<div>{}<span class="row-note">{}</span></div>',
            short_date(timezone.localtime(row.created_at)),
            _name(row.uploaded_by),
        )

    @display(description=gettext_lazy("file"))
    def download_link(self, row: Document) -> SafeString | str:
        if row.removed_at is not None:
            return _("removed")
        return format_html(
            '<a class="text-link" href="{}" aria-label="{}">{}</a>',
            reverse("admin:engagements_document_file", args=[row.pk]),
            _("Download %(title)s") % {"title": row.title},
            _("Download"),
        )

    @display(description=gettext_lazy("engagement"))
    def of_engagement(self, row: Document) -> SafeString:
        return format_html(
            '<a class="text-link" href="{}#documents">{}</a>',
            _page_of(row.engagement_id),
            row.engagement,
        )

    @display(description=gettext_lazy("file"))
    def file_link(self, row: Document) -> SafeString | str:
        if row.removed_at is not None:
            return row.file_name
        return format_html(
            '<a class="text-link" href="{}">{}</a>',
            reverse("admin:engagements_document_file", args=[row.pk]),
            row.file_name,
        )

    @display(description=gettext_lazy("size"))
    def file_size(self, row: Document) -> str:
        return filesizeformat(row.size)

    @display(description=gettext_lazy("checksum (SHA-256)"))
    def checksum(self, row: Document) -> str:
        return row.sha256

    @display(description=gettext_lazy("earlier version"))
    def earlier(self, row: Document) -> SafeString | None:
        return _link_to(row.replaces) if row.replaces else None

    @display(description=gettext_lazy("removed"))
    def removal(self, row: Document) -> str:
        if row.removed_at is None or row.removed_by is None:
            return ""
        return _("%(day)s by %(who)s: %(reason)s") % {
            "day": short_date(timezone.localtime(row.removed_at)),
            "who": _name(row.removed_by),
            "reason": row.removal_reason,
        }


def _page_of(engagement_id: int) -> str:
    return reverse("admin:engagements_engagement_change", args=[engagement_id])


def _link_to(document: Document) -> SafeString:
    return format_html(
        '<a class="text-link" href="{}">{}, {}</a>',
        reverse("admin:engagements_document_change", args=[document.pk]),
        document.title,
        short_date(timezone.localtime(document.created_at)),
    )


def _name(user: User) -> str:
    return user.get_full_name() or user.username
