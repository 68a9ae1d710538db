"""Converting to the other model: a page that shows what it means before it writes."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from engagements.admin.conversion_form import (
    ConversionForm,
    ToAugmentedForm,
    ToManagedForm,
)
from engagements.admin.lifecycle_page import LifecyclePage
from engagements.admin.record_admin import actor_of
from engagements.admin.unfold_types import action
from engagements.choices import Kind
from engagements.errors import TrackerError
from engagements.models import Assignment, Contractor, Engagement, User
from engagements.permissions import engagement_scope
from engagements.services.conversion import (
    CONVERTIBLE,
    Successor,
    check_convertible,
    convert_engagement,
    draft_successor,
)
from engagements.services.records import create_record
from engagements.services.tenure import tenure_warnings


class ConversionSteps(LifecyclePage):
    @action(
        description=gettext_lazy("Convert…"),
        url_path="convert-to-managed",
        icon="swap_horiz",
        permissions=["convert_to_managed"],
    )
    def convert_to_managed(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._conversion(request, object_id, ToManagedForm)

    @action(
        description=gettext_lazy("Convert…"),
        url_path="convert-to-augmented",
        icon="swap_horiz",
        permissions=["convert_to_augmented"],
    )
    def convert_to_augmented(
        self, request: HttpRequest, object_id: str
    ) -> HttpResponse:
        return self._conversion(request, object_id, ToAugmentedForm)

    def has_convert_to_managed_permission(
        self, request: HttpRequest, object_id: str | None = None
    ) -> bool:
        return self._may_convert(request, object_id, Kind.AUGMENTED, "managedcontract")

    def has_convert_to_augmented_permission(
        self, request: HttpRequest, object_id: str | None = None
    ) -> bool:
        return self._may_convert(request, object_id, Kind.MANAGED, "assignment")

    def _may_convert(
        self, request: HttpRequest, object_id: str | None, kind: Kind, other: str
    ) -> bool:
        found = self._changeable(request, object_id)
        return (
            found is not None
            and found.kind == kind
            and found.status in CONVERTIBLE
            and request.user.has_perm(f"engagements.add_{other}")
        )

    def _conversion(
        self, request: HttpRequest, object_id: str, form_class: type[ConversionForm]
    ) -> HttpResponse:
        engagement = self._engagement(request, object_id)
        user = actor_of(request)
        if not _sees_its_money(engagement, user):
            raise PermissionDenied
        try:
            check_convertible(engagement=engagement)
        except TrackerError as refusal:
            messages.error(request, str(refusal))
            return HttpResponseRedirect(_page_of(engagement))
        form = form_class(request.POST or None, engagement=engagement, user=user)
        note = ""
        if request.method == "POST" and form.is_valid():
            if form.is_confirmed:
                successor = _converted(request, form)
                if successor is not None:
                    return HttpResponseRedirect(_page_of(successor))
            else:
                note = _("This is what it means. Press again to confirm.")
        return self._conversion_page(request, form, note)

    def _conversion_page(
        self, request: HttpRequest, form: ConversionForm, note: str
    ) -> HttpResponse:
        facts = form.facts()
        if form.is_bound and not form.errors:
            typed: Any = form.data
            form.data = changed = typed.copy()
            changed["shown_for"] = form.key
        else:
            form.initial["shown_for"] = form.key
        context = {
            **self.admin_site.each_context(request),
            "title": form.title,
            "subtitle": str(form.engagement),
            "opts": self.opts,
            "original": form.engagement,
            "page": _page_of(form.engagement),
            "form": form,
            "media": self.media + form.media,
            "facts": facts,
            "warnings": form.warnings(),
            "note": note,
        }
        return TemplateResponse(request, "engagements/admin/conversion.html", context)


def conversion_page(engagement: Engagement) -> str:
    """Return the address at which the engagement is converted."""
    pages = {
        Kind.MANAGED.value: "managedcontract_convert_to_augmented",
        Kind.AUGMENTED.value: "assignment_convert_to_managed",
    }
    return reverse(f"admin:engagements_{pages[engagement.kind]}", args=[engagement.pk])


def _converted(request: HttpRequest, form: ConversionForm) -> Successor | None:
    """Store it; where a service refuses, say so beside the field it names."""
    successor = draft_successor(engagement=form.engagement)
    form.fill(successor)
    try:
        with transaction.atomic():
            _record_new_contractor(form, successor, actor_of(request))
            convert_engagement(
                engagement=form.engagement,
                successor=successor,
                price=form.price(),
                expected_version=form.engagement.version,
                actor=actor_of(request),
            )
    except ValidationError as refusal:
        for name, errors in refusal.update_error_dict({}).items():
            form.add_error(name if name in form.fields else None, errors)
        return None
    except TrackerError as refusal:
        form.add_error(None, str(refusal))
        return None
    messages.success(
        request,
        _("%(new)s is drafted. %(old)s runs on until you end it, as converted.")
        % {"new": successor.reference, "old": form.engagement.reference},
    )
    for warning in tenure_warnings(engagement=successor):
        messages.warning(request, warning)
    return successor


def _record_new_contractor(
    form: ConversionForm, successor: Successor, actor: User
) -> None:
    name = form.cleaned_data.get("new_contractor_name")
    if not name or not isinstance(successor, Assignment):
        return
    contractor = Contractor(
        full_name=name,
        work_email=form.cleaned_data.get("new_contractor_email") or "",
        vendor=successor.vendor,
        jurisdiction=successor.country,
    )
    try:
        successor.contractor = create_record(record=contractor, actor=actor)
    except ValidationError as error:
        raise ValidationError({"new_contractor_name": error.messages}) from error


def _sees_its_money(engagement: Engagement, user: User) -> bool:
    seen = Engagement.objects.filter(engagement_scope(user, with_money=True))
    return seen.filter(pk=engagement.pk).exists()


def _page_of(engagement: Engagement) -> str:
    return reverse("admin:engagements_engagement_change", args=[engagement.pk])
