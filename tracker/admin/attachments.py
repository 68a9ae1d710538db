"""Files of invoices: attached on a page of their own, served as attachments only."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import (
    FileResponse,
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseNotAllowed,
    HttpResponseRedirect,
)
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from engagements.admin.record_admin import RecordAdmin, RecordForm, actor_of
from engagements.errors import TrackerError
from engagements.models import User
from engagements.values.file_contents import FORMATS
from tracker.admin.invoice_steps import sees_whole
from tracker.spend.models import Invoice, InvoiceAttachment
from tracker.spend.services import attach_file, record_download, remove_attachment

if TYPE_CHECKING:
    from django.forms import ClearableFileInput as FileInput
else:
    from unfold.widgets import UnfoldAdminFileFieldWidget as FileInput


class AttachmentForm(RecordForm):
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

    def clean_invoice(self) -> Invoice:
        invoice: Invoice = self.cleaned_data["invoice"]
        if not sees_whole(actor_of(self.request), invoice):
            raise ValidationError(_("Its lines of other departments aren't yours."))
        return invoice

    def _get_validation_exclusions(self) -> set[str]:
        # The file is looked at by the service that stores it.
        return super()._get_validation_exclusions() | {"file"}  # type: ignore[misc,no-any-return] # Django's own, left out of stubs

    def _tell(self, refusal: Any) -> None:
        """Say what speaks against the file beside the field that took it."""
        if isinstance(refusal, ValidationError):
            errors = refusal.update_error_dict({})
            if "file" in errors:
                errors["upload"] = errors.pop("file")
            refusal = ValidationError(errors)
        super()._tell(refusal)


@admin.register(InvoiceAttachment)
class InvoiceAttachmentAdmin(RecordAdmin):
    form = AttachmentForm
    autocomplete_fields = ("invoice",)
    list_display = ("file_name", "invoice", "size", "created_at")
    list_select_related = ("invoice",)
    search_fields = ("file_name", "invoice__number")
    fieldsets = ((None, {"fields": ("invoice", "upload")}),)

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> type[Any]:
        kwargs["fields"] = ("invoice",)
        return super().get_form(request, obj, change=change, **kwargs)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return self.fieldsets
        return [(None, {"fields": ("invoice", "file_name", "size", "uploaded_by")})]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return () if obj is None else ("file_name", "size", "uploaded_by")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        own = [
            path(
                "<int:object_id>/file/",
                view(self.file_view),
                name="tracker_invoiceattachment_file",
            ),
            path(
                "<int:object_id>/detach/",
                view(self.detach_view),
                name="tracker_invoiceattachment_detach",
            ),
        ]
        inherited: list[URLPattern] = super().get_urls()
        return own + inherited

    def file_view(self, request: HttpRequest, object_id: int) -> Any:
        """Serve the file as an attachment, and tell who took it."""
        if request.method != "GET":
            return HttpResponseNotAllowed(["GET"])
        attachment = self._seen(request, object_id)
        try:
            content = attachment.file.open("rb")
        except FileNotFoundError:
            raise Http404 from None
        record_download(attachment=attachment, actor=actor_of(request))
        response = FileResponse(
            content,
            as_attachment=True,
            filename=attachment.file_name,
            content_type=attachment.content_type,
        )
        response["X-Content-Type-Options"] = "nosniff"
        response["Cache-Control"] = "private, no-store"
        response["Content-Security-Policy"] = "default-src 'none'; sandbox"
        return response

    def detach_view(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Take the file off a draft."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        attachment = self._seen(request, object_id)
        if not request.user.has_perm("tracker.add_invoiceattachment"):
            raise Http404
        try:
            remove_attachment(attachment=attachment, actor=actor_of(request))
        except TrackerError as refusal:
            messages.error(request, str(refusal))
        else:
            messages.success(request, _("The file is taken off the invoice."))
        return HttpResponseRedirect(_page_of(attachment.invoice_id))

    def _seen(self, request: HttpRequest, object_id: int) -> InvoiceAttachment:
        user = actor_of(request)
        if not user.has_perm("tracker.view_invoiceattachment"):
            raise Http404
        rows: QuerySet[InvoiceAttachment] = InvoiceAttachment.objects.visible_to(user)
        attachment = rows.select_related("invoice").filter(pk=object_id).first()
        if attachment is None:
            raise Http404
        return attachment

    def create(self, form: Any, pages: Any, actor: User) -> None:
        form.instance = attach_file(
            invoice=form.cleaned_data["invoice"],
            upload=form.cleaned_data["upload"],
            actor=actor,
        )

    def response_add(
        self, request: HttpRequest, obj: Any, post_url_continue: str | None = None
    ) -> HttpResponse:
        messages.success(request, _("The file is attached."))
        return HttpResponseRedirect(_page_of(obj.invoice_id))


def _page_of(invoice_id: int) -> str:
    return reverse("admin:tracker_invoice_change", args=[invoice_id])
