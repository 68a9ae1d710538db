"""An admin whose every write goes through the services, within the user's rows."""

from collections.abc import Iterable, Sequence
from copy import copy
from typing import Any, ClassVar, TypeVar

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.views.main import ERROR_FLAG
from django.core.exceptions import ValidationError
from django.db import IntegrityError, models
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _

from engagements.admin.conflict import (
    STALE,
    conflict_on,
    form_is_stale,
    latest_event_id,
)
from engagements.admin.constraint_errors import (
    ConstraintErrorsBesideFields,
    LineFormset,
)
from engagements.admin.history import history_page
from engagements.admin.inputs import INPUTS
from engagements.admin.money_warnings import warn_of_what_was_heard
from engagements.admin.scope import condition, visible
from engagements.admin.unfold_types import UnfoldModelAdmin, UnfoldTabularInline
from engagements.errors import ConflictError, TrackerError
from engagements.models import Engagement, User
from engagements.services import records
from engagements.services.spending import hearing_of_money

M = TypeVar("M", bound=models.Model)
# Digits that a 64-bit integer holds for certain.
LONGEST_ID = 18
# Beyond any event's number.
LARGEST_EVENT = 2**63 - 1

Refusal = ValidationError | TrackerError | IntegrityError


def actor_of(request: HttpRequest) -> User:
    """Return who asks; the admin is closed to anybody not logged in."""
    if not isinstance(request.user, User):
        raise TypeError("The admin serves people who are logged in.")
    return request.user


class RecordForm(ConstraintErrorsBesideFields):
    """Knows the version it was opened with, and why a service refused it."""

    # Set on the class made for a request, see RecordAdmin.get_form.
    request: ClassVar[HttpRequest]

    expected_version = forms.IntegerField(required=False, widget=forms.HiddenInput)
    # The latest event when the page was opened: later ones tell what it doesn't show.
    seen_event = forms.IntegerField(
        required=False, widget=forms.HiddenInput, min_value=0, max_value=LARGEST_EVENT
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # As the database has it; what was typed is written on the instance itself.
        self.stored = copy(self.instance)
        version = getattr(self.instance, "version", None)
        if self.instance._state.adding or version is None:
            self.fields.pop("expected_version", None)
            self.fields.pop("seen_event", None)
        else:
            self.initial["expected_version"] = version
            self.initial["seen_event"] = getattr(self.request, "seen_event", None)
            self.fields["expected_version"].required = True
        for name, field in self.fields.items():
            self._keep_present_choice(name, field)

    def _keep_present_choice(self, name: str, field: forms.Field) -> None:
        """Let a record keep what it points to, though the user may not choose it."""
        present = getattr(self.instance, f"{name}_id", None)
        if present and isinstance(field, forms.ModelChoiceField):
            rows = field.queryset
            if rows is not None:
                field.queryset = rows | rows.model._default_manager.filter(pk=present)

    def _post_clean(self) -> None:
        super()._post_clean()
        refusal = getattr(self.request, "refusal", None) or self._conflict()
        if refusal is not None:
            self._tell(refusal)

    def _conflict(self) -> ConflictError | None:
        """Say it even where a line is wrong, such as one that is there no more.

        The services look once more, with the record locked.
        """
        try:
            records.check_version(
                stored=self.stored,
                expected_version=self.cleaned_data.get("expected_version"),
            )
        except ConflictError as conflict:
            return conflict
        return None

    def _tell(self, refusal: Refusal) -> None:
        if not isinstance(refusal, ValidationError):
            code = STALE if isinstance(refusal, ConflictError) else None
            words = _words(refusal, self.request)
            self.add_error(None, ValidationError(words, code=code))
            return
        errors: dict[str, list[ValidationError]] = refusal.update_error_dict({})
        for name, found in errors.items():
            self.add_error(name if name in self.fields else None, found)


def _words(refusal: TrackerError | IntegrityError, request: HttpRequest) -> str:
    if isinstance(refusal, ConflictError):
        return format_html(
            '{} {} <a href="{}" class="underline" target="_blank">{}</a>',
            refusal,
            _("Nothing was saved; what you typed is below."),
            request.path,
            _("Open it anew"),
        )
    if isinstance(refusal, IntegrityError):
        return _(
            "Somebody else has just stored the same. Check the list and try again."
        )
    return str(refusal)


class ScopedAdmin(UnfoldModelAdmin):
    """Shows the user's rows only: on lists, pages, dropdowns and delete pages."""

    list_per_page = 50
    list_max_show_all = 200
    list_filter_submit = True
    list_fullwidth = True
    show_facets: ClassVar[Any] = admin.ShowFacets.NEVER
    compressed_fields = True
    formfield_overrides: ClassVar[Any] = INPUTS
    # Rows that autocomplete no longer offers.
    not_choosable: ClassVar[models.Q | None] = None

    def get_queryset(self, request: HttpRequest) -> Any:
        rows = super().get_queryset(request)
        return rows.filter(condition(self.model, actor_of(request)))

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> Any:
        if any(map(is_beyond_any_id, request.GET.values())):
            # Django so refuses other nonsense, but asks the database for such ids.
            return HttpResponseRedirect(f"{request.path}?{ERROR_FLAG}=1")
        return super().changelist_view(request, extra_context)

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> Any:
        if is_beyond_any_id(object_id):
            return None
        return super().get_object(request, object_id, from_field)

    def get_search_results(
        self, request: HttpRequest, queryset: models.QuerySet[Any], search_term: str
    ) -> tuple[models.QuerySet[Any], bool]:
        rows, has_duplicates = super().get_search_results(
            request, queryset, search_term
        )
        if self.not_choosable is not None and request.path.endswith("/autocomplete/"):
            rows = rows.exclude(self.not_choosable)
        return rows, has_duplicates

    def get_field_queryset(
        self, db: str | None, db_field: Any, request: HttpRequest
    ) -> models.QuerySet[Any]:
        return visible(db_field.remote_field.model, actor_of(request))

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Without deletion in bulk: each record says by itself what holds it."""
        actions: dict[str, Any] = super().get_actions(request)
        actions.pop("delete_selected", None)
        return actions

    def get_deleted_objects(
        self, objs: Sequence[Any] | models.QuerySet[Any], request: HttpRequest
    ) -> tuple[list[Any], dict[Any, Any], set[Any], list[Any]]:
        """Count what goes along, and name none of it: it may be out of scope."""
        _names, counts, lacking, protected = super().get_deleted_objects(objs, request)
        held = [_("%(count)d other records") % {"count": len(protected)}]
        return (
            [f"{count} {name}" for name, count in counts.items()],
            counts,
            lacking,
            held if protected else [],
        )

    def in_words(self, refusal: Refusal) -> Refusal:
        """Return what is told of a refusal; pages know more of the database's own."""
        return refusal

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> Any:
        context["show_history"] = request.user.has_perm("engagements.view_event")
        return super().render_change_form(request, context, *args, **kwargs)

    def history_link(self, request: HttpRequest, record: models.Model) -> str:
        """Return the address of a record's history; empty for whom it isn't."""
        if not request.user.has_perm("engagements.view_event"):
            return ""
        name = f"admin:{self.opts.app_label}_{self.opts.model_name}_history"
        return reverse(name, args=[record.pk])

    def history_view(
        self,
        request: HttpRequest,
        object_id: str,
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        return history_page(self, request, object_id)


def is_beyond_any_id(value: object) -> bool:
    text = str(value).strip().lstrip("-")
    return text.isdecimal() and len(text) > LONGEST_ID


class ReadOnlyAdmin(ScopedAdmin):
    """Shows what only services write."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class RecordAdmin(ScopedAdmin):
    """Writes through the services, so that every write tells an event who did what."""

    form = RecordForm
    change_form_template: Any = "engagements/admin/record_form.html"
    change_form_before_template = "engagements/admin/expected_version.html"
    warn_unsaved_form = True

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> type[Any]:
        form = super().get_form(request, obj, change=change, **kwargs)
        return type(form.__name__, (form,), {"request": request})

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        """Show the form again, with the reasons, where a service refuses it.

        What the first attempt wrote was rolled back with its transaction; the form of
        the second one carries the refusal and so never gets as far as saving.
        """
        if object_id is not None and request.method == "GET":
            # Read before the record, so that no change falls between the two.
            setattr(request, "seen_event", latest_event_id())  # noqa: B010 - no field of requests
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except (ValidationError, TrackerError, IntegrityError) as refusal:
            if request.method != "POST" or hasattr(request, "refusal"):
                raise
            told = self.in_words(refusal)
            setattr(request, "refusal", told)  # noqa: B010 - likewise
            return super().changeform_view(request, object_id, form_url, extra_context)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> Any:
        form = context["adminform"].form
        if form.is_bound and form_is_stale(form):
            context["conflict"] = conflict_on(
                form,
                [inline.formset for inline in context["inline_admin_formsets"]],
                since=form.cleaned_data.get("seen_event"),
                user=actor_of(request),
            )
        return super().render_change_form(request, context, *args, **kwargs)

    def save_model(
        self, request: HttpRequest, obj: Any, form: Any, change: bool
    ) -> None:
        """Nothing yet: `save_related` stores the record together with its lines."""

    def save_related(
        self, request: HttpRequest, form: Any, formsets: Any, change: bool
    ) -> None:
        actor = actor_of(request)
        pages = [Lines(formset) for formset in formsets]
        with hearing_of_money() as heard:
            if change:
                self.change(form, pages, actor)
            else:
                self.create(form, pages, actor)
            for lines in pages:
                lines.store(form.instance, actor)
            self._store_links(form, actor)
        warn_of_what_was_heard(request, heard)

    def create(self, form: Any, pages: "Sequence[Lines]", actor: User) -> None:
        records.create_record(record=form.instance, actor=actor)

    def change(self, form: Any, pages: "Sequence[Lines]", actor: User) -> None:
        expected = form.cleaned_data.get("expected_version")
        before = getattr(form.instance, "version", None)
        self.change_record(form.instance, expected, actor)
        is_same = before == getattr(form.instance, "version", None)
        if before is not None and is_same and _parts_changed(form, pages):
            records.raise_version(record=form.instance)

    def change_record(self, record: Any, expected: int | None, actor: User) -> None:
        records.change_record(record=record, expected_version=expected, actor=actor)

    def _store_links(self, form: Any, actor: User) -> None:
        for field in form.instance._meta.many_to_many:
            if field.name in form.cleaned_data:
                records.set_links(
                    record=form.instance,
                    field_name=field.name,
                    links=form.cleaned_data[field.name],
                    actor=actor,
                )

    def delete_view(
        self,
        request: HttpRequest,
        object_id: str,
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        try:
            return super().delete_view(request, object_id, extra_context)
        except (ValidationError, TrackerError) as refusal:
            if request.method != "POST":
                raise
            for text in _texts(refusal):
                messages.error(request, text)
            return HttpResponseRedirect(request.path.replace("/delete/", "/change/"))

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        records.delete_record(record=obj, actor=actor_of(request))

    # Events tell what was done; Django's own log would only tell it a second time.
    def construct_change_message(
        self, request: HttpRequest, form: Any, formsets: Any, add: bool = False
    ) -> Any:
        return []

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        return None

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        return None

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        return None


def _parts_changed(form: Any, pages: "Iterable[Lines]") -> bool:
    """Whether lines or links changed, which the record's own row does not show."""
    links = {field.name for field in form.instance._meta.many_to_many}
    return any(lines.has_changed() for lines in pages) or bool(
        links.intersection(form.changed_data)
    )


def _texts(refusal: ValidationError | TrackerError) -> Iterable[str]:
    if isinstance(refusal, ValidationError):
        return refusal.messages
    return [str(refusal)]


class LineInline(UnfoldTabularInline):
    """Lines of a record, each stored by a service together with it."""

    extra = 0
    form = ConstraintErrorsBesideFields
    formset = LineFormset
    formfield_overrides = INPUTS
    show_change_link = False
    hide_title = True

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        formset = super().get_formset(request, obj, **kwargs)
        # So that the page, which is given formsets only, finds the way to store them.
        formset.inline = self
        return formset

    def get_field_queryset(
        self, db: str | None, db_field: Any, request: HttpRequest
    ) -> models.QuerySet[Any]:
        return visible(db_field.remote_field.model, actor_of(request))

    def store(self, lines: "Lines", parent: Any, actor: User) -> None:
        about = parent if isinstance(parent, Engagement) else None
        for line in lines.removed:
            records.delete_record(record=line, engagement=about, actor=actor)
        for line in lines.changed:
            records.change_record(record=line, engagement=about, actor=actor)
        for line in lines.added:
            self.add(line, parent, actor)

    def add(self, line: Any, parent: Any, actor: User) -> None:
        about = parent if isinstance(parent, Engagement) else None
        records.create_record(record=line, engagement=about, actor=actor)


class Lines:
    """What a person did to the lines on one part of a page."""

    def __init__(self, formset: Any) -> None:
        self.formset = formset
        self.inline: LineInline = formset.inline
        self.added: list[Any] = []
        self.changed: list[Any] = []
        self.removed: list[Any] = []
        if isinstance(formset, forms.BaseInlineFormSet):
            formset.save(commit=False)
            self.added = list(formset.new_objects)
            self.changed = [line for line, _fields in formset.changed_objects]
            self.removed = list(formset.deleted_objects)

    def has_changed(self) -> bool:
        return bool(self.formset.has_changed())

    def take_added(self) -> list[Any]:
        """Hand over the new lines to a service that stores them with the record."""
        taken, self.added = self.added, []
        return taken

    def store(self, parent: Any, actor: User) -> None:
        self.inline.store(self, parent, actor)


def lines_of(pages: Iterable[Lines], model: type[models.Model]) -> Lines | None:
    """Return the lines of the model, where the user was shown them."""
    return next((lines for lines in pages if lines.formset.model is model), None)


__all__ = [
    "LineInline",
    "Lines",
    "ReadOnlyAdmin",
    "RecordAdmin",
    "RecordForm",
    "ScopedAdmin",
    "actor_of",
    "lines_of",
]
