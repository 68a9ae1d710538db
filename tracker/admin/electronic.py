"""The page that turns an electronic invoice into a draft."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.widgets import AutocompleteSelect
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from engagements.admin.record_admin import actor_of
from engagements.admin.scope import visible
from engagements.admin.unfold_types import UnfoldModelAdmin, action
from engagements.errors import TrackerError
from engagements.models import Engagement, User, Vendor
from engagements.permissions import engagement_scope
from tracker.admin.invoice_steps import RECORD
from tracker.imports.electronic.services import (
    ElectronicDraft,
    Reach,
    draft_electronic,
)
from tracker.imports.electronic.xml_tree import LARGEST_BYTES
from tracker.imports.problems import ImportRefusedError
from tracker.spend.models import Invoice, InvoiceLine

if TYPE_CHECKING:
    from django.forms import ClearableFileInput as FileInput
else:
    from unfold.widgets import UnfoldAdminFileFieldWidget as FileInput


def reach_of(user: User) -> Reach:
    money = engagement_scope(user, with_money=True)
    return Reach(
        vendors=visible(Vendor, user),
        engagements=visible(Engagement, user).filter(money),
        invoices=visible(Invoice, user),
    )


class ElectronicForm(forms.Form):
    file = forms.FileField(
        label=gettext_lazy("File"),
        widget=FileInput(attrs={"accept": ".xml,.pdf"}),
        help_text=gettext_lazy(
            "UBL 2.1 (Peppol BIS), CII, Factur-X or ZUGFeRD: XML, or a PDF that holds"
            " it. At most 20 MB."
        ),
    )
    vendor = forms.ModelChoiceField(
        label=gettext_lazy("Vendor"),
        queryset=Vendor.objects.none(),
        required=False,
        help_text=gettext_lazy(
            "Left blank, found by the tax id, another id or the name in the document."
        ),
    )
    engagement = forms.ModelChoiceField(
        label=gettext_lazy("Engagement"),
        queryset=Engagement.objects.none(),
        required=False,
        help_text=gettext_lazy(
            "For lines that name none: neither a reference, nor an order of ours."
        ),
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.reach = reach_of(user)
        choices = {
            "vendor": self.reach.vendors,
            "engagement": self.reach.engagements,
        }
        for name, rows in choices.items():
            field: Any = self.fields[name]
            field.queryset = rows
            model = Invoice if name == "vendor" else InvoiceLine
            relation = model._meta.get_field(name)
            field.widget = AutocompleteSelect(relation, admin.site)
            field.widget.choices = field.choices

    def clean_file(self) -> "UploadedFile[bytes]":
        upload: UploadedFile[bytes] = self.cleaned_data["file"]
        if (upload.size or 0) > LARGEST_BYTES:
            raise ValidationError(_("The file is too large: 20 MB at most."))
        return upload


class ElectronicInvoices(UnfoldModelAdmin):
    """What the list of invoices adds: a page for electronic ones."""

    actions_list = ("add_electronic",)

    @action(
        description=gettext_lazy("New from e-invoice"),
        icon="upload_file",
        url_path="add-electronic",
        permissions=["add_electronic"],
    )
    def add_electronic(self, request: HttpRequest) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:tracker_invoice_electronic"))

    def has_add_electronic_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(RECORD)

    def get_urls(self) -> list[URLPattern]:
        page = self.admin_site.admin_view(self.electronic_view)
        own = [path("electronic/", page, name="tracker_invoice_electronic")]
        inherited: list[URLPattern] = super().get_urls()
        return own + inherited

    def electronic_view(self, request: HttpRequest) -> HttpResponse:
        """Take the document, and lead to its draft or say what could not be matched."""
        if not self.has_add_electronic_permission(request):
            raise PermissionDenied
        user = actor_of(request)
        form = ElectronicForm(request.POST or None, request.FILES or None, user=user)
        if request.method == "POST" and form.is_valid():
            draft = _drafted(form, user)
            if draft is not None:
                return _to_the_draft(request, draft)
        return TemplateResponse(
            request,
            "tracker/admin/electronic_invoice.html",
            {
                **self.admin_site.each_context(request),
                "title": _("New from e-invoice"),
                "opts": self.opts,
                "form": form,
                "media": self.media + form.media,
            },
        )


def _drafted(form: ElectronicForm, user: User) -> ElectronicDraft | None:
    """Return the draft; what speaks against it stands beside the field it is about."""
    given = form.cleaned_data
    upload = given["file"]
    try:
        return draft_electronic(
            content=upload.read(),
            file_name=upload.name or "",
            vendor=given["vendor"],
            engagement=given["engagement"],
            reach=form.reach,
            actor=user,
        )
    except ValidationError as refusal:
        errors: dict[str, list[ValidationError]] = refusal.update_error_dict({})
        for name, found in errors.items():
            place = name if name in ("vendor", "engagement") else "file"
            form.add_error(place, found)
    except (ImportRefusedError, TrackerError) as error:
        form.add_error("file", str(error))
    return None


def _to_the_draft(request: HttpRequest, draft: ElectronicDraft) -> HttpResponse:
    messages.success(
        request, _("The draft is ready: look at its lines, then receive it.")
    )
    for note in draft.notes:
        messages.warning(request, note)
    page = reverse("admin:tracker_invoice_change", args=[draft.invoice.pk])
    return HttpResponseRedirect(page)
