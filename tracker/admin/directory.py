"""The feed of people: how it stands, what it changed, and what it could not."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import (
    FieldDoesNotExist,
    PermissionDenied,
    ValidationError,
)
from django.db.models import Max, Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from unfold.contrib.filters.admin import ChoicesDropdownFilter

from engagements.admin.record_admin import (
    Lines,
    ReadOnlyAdmin,
    RecordAdmin,
    actor_of,
)
from engagements.admin.scope import visible
from engagements.admin.step_back import step_back
from engagements.admin.unfold_types import action, display
from engagements.errors import TrackerError
from engagements.models import Departure, User
from tracker.api.models import ApiKey
from tracker.directory.choices import (
    CHANGES,
    CONFLICTS,
    UNMATCHED,
    WHAT_TO_DO,
    SyncKind,
)
from tracker.directory.models import (
    DirectoryPerson,
    SyncEntry,
    SyncEntryQuerySet,
    Team,
)
from tracker.directory.queries import sync_standing
from tracker.directory.services import (
    can_link,
    link_account,
    map_team,
    match_again,
    settle_entry,
)

if TYPE_CHECKING:
    from django.contrib.admin import SimpleListFilter as _Dropdown

    _Dialog = forms.Form
else:
    from unfold.contrib.filters.admin import DropdownFilter as _Dropdown
    from unfold.forms import BaseDialogForm as _Dialog

CHANGE = "tracker.change_syncentry"
COLOURS = (
    dict.fromkeys((kind.value for kind in CHANGES), "success")
    | {SyncKind.DEACTIVATED.value: "default", SyncKind.REMOVED.value: "default"}
    | dict.fromkeys((kind.value for kind in CONFLICTS), "danger")
    | dict.fromkeys((kind.value for kind in UNMATCHED), "warning")
    | {SyncKind.PATH_MATCHED_NOTHING.value: "info"}
)
SHOWN: Mapping[str, Callable[[SyncEntryQuerySet], SyncEntryQuerySet]] = {
    "problems": lambda rows: rows.problems(),
    "conflicts": lambda rows: rows.problems().filter(kind__in=CONFLICTS),
    "unmatched": lambda rows: rows.problems().filter(kind__in=UNMATCHED),
    "changes": lambda rows: rows.changes(),
    "all": lambda rows: rows,
}


class ShownFilter(_Dropdown):
    """Shows all but what is settled, unless something else is asked for."""

    title = gettext_lazy("show")
    parameter_name = "show"
    all_option = None

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [
            ("current", _("Changes and open problems")),
            ("problems", _("Open problems")),
            ("conflicts", _("Open conflicts")),
            ("unmatched", _("Not matched")),
            ("changes", _("Changes")),
            ("all", _("Everything, settled too")),
        ]

    def value(self) -> str:
        return super().value() or "current"

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[Any]
    ) -> QuerySet[Any] | None:
        show = SHOWN.get(self.value())
        if show is not None:
            return show(SyncEntryQuerySet(SyncEntry)) & queryset
        return queryset.filter(settled_at=None)


class SureDialog(_Dialog):
    """Only asks for a yes."""


@admin.register(SyncEntry)
class SyncEntryAdmin(ReadOnlyAdmin):
    """The sync page."""

    list_before_template = "tracker/admin/sync_standing.html"
    list_display = ("told", "who", "when")
    list_display_links = ("told",)
    list_filter = (ShownFilter, ("kind", ChoicesDropdownFilter))
    list_select_related = ("person", "team", "account", "settled_by")
    search_fields = ("name", "detail")
    search_help_text = gettext_lazy("Person, team or detail")
    ordering = ("-last_at", "-id")
    actions = ("link_chosen", "match_chosen", "settle_chosen")
    actions_detail = ("link", "match", "settle")
    readonly_fields = (
        "subject",
        "particulars",
        "what_to_do",
        "when",
        "first",
        "times",
        "source",
        "settled",
    )
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("kind", "subject", "particulars"),
                    "what_to_do",
                    ("when", "first", "times"),
                    ("source", "settled"),
                )
            },
        ),
    )

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> Any:
        page = reverse("admin:tracker_syncentry_changelist")
        standing = sync_standing()
        context = {
            "standing": standing,
            "recent": [
                (SyncKind(kind).label, count) for kind, count in standing.recent.items()
            ],
            "last_heard_at": _last_heard_at(),
            "departures": _open_departures(actor_of(request)).count(),
            "address": request.build_absolute_uri(reverse("scim")),
            "page": page,
            "has_key": _keys().exists(),
        }
        return super().changelist_view(request, context | (extra_context or {}))

    @action(
        description=gettext_lazy("Link the accounts"), permissions=["settle_chosen"]
    )
    def link_chosen(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Each for itself: what can't be linked says why and stays open."""
        linked = self._each(
            request,
            queryset.select_related("account"),
            lambda entry: link_account(entry=entry, actor=actor_of(request)),
        )
        told = ngettext("%(n)d account linked.", "%(n)d accounts linked.", linked)
        messages.success(request, told % {"n": linked})

    @action(description=gettext_lazy("Match again"), permissions=["settle_chosen"])
    def match_chosen(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        people = queryset.filter(kind__in=UNMATCHED).exclude(person=None)
        matched = self._each(
            request,
            people.select_related("person"),
            lambda entry: match_again(person=entry.person, actor=actor_of(request)),
        )
        told = ngettext("%(n)d looked up again.", "%(n)d looked up again.", matched)
        messages.success(request, told % {"n": matched})

    @action(description=gettext_lazy("Mark as settled"), permissions=["settle_chosen"])
    def settle_chosen(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        settled = self._each(
            request,
            SyncEntry.objects.problems() & queryset,
            lambda entry: settle_entry(entry=entry, actor=actor_of(request)),
        )
        told = ngettext("%(n)d settled.", "%(n)d settled.", settled)
        messages.success(request, told % {"n": settled})

    def has_settle_chosen_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(CHANGE)

    @action(
        description=gettext_lazy("Link the account…"),
        url_path="link",
        icon="link",
        permissions=["link"],
        dialog={
            "title": gettext_lazy("Is it the same person?"),
            "description": gettext_lazy(
                "From then on your identity tool keeps the account's names, e-mail and"
                " whether it is active. Its roles and history stay."
            ),
            "form_class": SureDialog,
            "form_submit_text": gettext_lazy("Link"),
        },
    )
    def link(
        self, request: HttpRequest, form: forms.Form, object_id: str
    ) -> HttpResponse:
        return self._step(request, object_id, link_account, _("Linked."))

    @action(
        description=gettext_lazy("Match again"),
        url_path="match",
        icon="sync",
        permissions=["match"],
        dialog={
            "title": gettext_lazy("Look for it again?"),
            "description": gettext_lazy(
                "Looks for the department, cost centre and manager that were sent."
            ),
            "form_class": SureDialog,
            "form_submit_text": gettext_lazy("Match again"),
        },
    )
    def match(
        self, request: HttpRequest, form: forms.Form, object_id: str
    ) -> HttpResponse:
        return self._step(request, object_id, _match, _("Looked up again."))

    @action(
        description=gettext_lazy("Settle…"),
        url_path="settle",
        icon="task_alt",
        permissions=["settle"],
        dialog={
            "title": gettext_lazy("Settle this?"),
            "description": gettext_lazy("Should it happen again, it is told anew."),
            "form_class": SureDialog,
            "form_submit_text": gettext_lazy("Settle"),
        },
    )
    def settle(
        self, request: HttpRequest, form: forms.Form, object_id: str
    ) -> HttpResponse:
        return self._step(request, object_id, settle_entry, _("Settled."))

    def has_link_permission(
        self, request: HttpRequest, object_id: str | None = None
    ) -> bool:
        entry = self._problem(request, object_id)
        return entry is not None and can_link(entry)

    def has_match_permission(
        self, request: HttpRequest, object_id: str | None = None
    ) -> bool:
        entry = self._problem(request, object_id)
        return entry is not None and entry.kind in UNMATCHED and bool(entry.person_id)

    def has_settle_permission(
        self, request: HttpRequest, object_id: str | None = None
    ) -> bool:
        return self._problem(request, object_id) is not None

    def _problem(self, request: HttpRequest, object_id: str | None) -> SyncEntry | None:
        if object_id is None or not request.user.has_perm(CHANGE):
            return None
        entry: SyncEntry | None = self.get_object(request, object_id)
        return entry if entry is not None and entry.is_problem else None

    def _step(
        self, request: HttpRequest, object_id: str, step: Any, told: str
    ) -> HttpResponse:
        entry: SyncEntry | None = self.get_object(request, object_id)
        if entry is None:
            raise Http404
        if not request.user.has_perm(CHANGE):
            raise PermissionDenied
        page = reverse("admin:tracker_syncentry_change", args=[entry.pk])
        try:
            step(entry=entry, actor=actor_of(request))
        except (TrackerError, ValidationError) as refusal:
            return step_back(request, page, refusal=refusal)
        return step_back(request, page, told=told)

    def _each(self, request: HttpRequest, entries: Any, step: Any) -> int:
        done = 0
        for entry in entries:
            try:
                step(entry)
            except (TrackerError, ValidationError) as refusal:
                messages.error(request, f"{entry}: {_words(refusal)}")
            else:
                done += 1
        return done

    @display(description=gettext_lazy("what"), label=COLOURS, ordering="kind")
    def told(self, row: SyncEntry) -> tuple[str, str]:
        return row.kind, row.get_kind_display()

    @display(description=gettext_lazy("who"), ordering="name")
    def who(self, row: SyncEntry) -> SafeString:
        """Whom it is about, and what to do where somebody must."""
        advice = self.what_to_do(row) or ""
        if advice:
            page = reverse("admin:tracker_syncentry_change", args=[row.pk])
            advice = format_html(
                '{} <a class="text-link" href="{}">{}</a>', advice, page, _("Open this")
            )
        return format_html(
            '<div class="sync-who">{}<span class="row-note">{}</span>'
            '<span class="sync-advice">{}</span></div>',
            self.subject(row),
            self.particulars(row) or "",
            advice,
        )

    @display(description=gettext_lazy("detail"))
    def particulars(self, row: SyncEntry) -> str | None:
        """Name the fields that changed as people know them."""
        if row.kind not in CHANGES:
            return row.detail or None
        model = Team if row.team_id else DirectoryPerson
        # The label says already whether somebody is active.
        names = [name for name in row.detail.split(", ") if name != "active"]
        return ", ".join(_called(model, name) for name in names) or None

    @display(description=gettext_lazy("who"))
    def subject(self, row: SyncEntry) -> SafeString | str:
        address = _address_of(row)
        if not address:
            return row.name
        return format_html('<a class="text-link" href="{}">{}</a>', address, row.name)

    @display(
        description=gettext_lazy("what to do"), empty_value=gettext_lazy("nothing")
    )
    def what_to_do(self, row: SyncEntry) -> str | None:
        return str(WHAT_TO_DO[row.kind]) if row.is_problem else None

    @display(description=gettext_lazy("when"), ordering="last_at")
    def when(self, row: SyncEntry) -> SafeString:
        times = (
            ngettext("%(n)d time", "%(n)d times", row.times) % {"n": row.times}
            if row.times > 1
            else ""
        )
        return format_html(
            '{}<span class="row-note">{}</span>',
            _moment(row.last_at),
            " · ".join(filter(None, [row.source, times])),
        )

    @display(description=gettext_lazy("first"))
    def first(self, row: SyncEntry) -> str:
        return _moment(row.first_at)

    @display(description=gettext_lazy("settled"), empty_value=gettext_lazy("not yet"))
    def settled(self, row: SyncEntry) -> str | None:
        if row.settled_at is None:
            return None
        return " · ".join(
            filter(None, [_moment(row.settled_at), str(row.settled_by or "")])
        )


@admin.register(DirectoryPerson)
class DirectoryPersonAdmin(ReadOnlyAdmin):
    """People as they were sent, beside the accounts that follow."""

    list_display = (
        "account",
        "user_name",
        "active",
        "department_name",
        "cost_centre",
        "manager",
        "team_names",
    )
    list_filter = ("active",)
    list_select_related = ("user", "cost_centre", "manager")
    search_fields = (
        "user_name",
        "display_name",
        "given_name",
        "family_name",
        "employee_number",
        "external_id",
    )
    fieldsets = (
        (None, {"fields": ("account", ("user_name", "active"), "display_name")}),
        (
            gettext_lazy("As sent"),
            {
                "fields": (
                    ("given_name", "family_name"),
                    "addresses",
                    ("department_name", "cost_centre_name", "manager_value"),
                    ("employee_number", "external_id"),
                )
            },
        ),
        (
            gettext_lazy("Matched"),
            {"fields": (("cost_centre", "manager"), "team_names")},
        ),
    )
    readonly_fields = ("account", "team_names", "addresses")

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).prefetch_related("teams")

    @display(description=gettext_lazy("account"), ordering="user__last_name")
    def account(self, row: DirectoryPerson) -> SafeString:
        return format_html(
            '<a class="text-link" href="{}">{}</a>',
            reverse("admin:engagements_user_change", args=[row.user_id]),
            row.user,
        )

    @display(description=gettext_lazy("teams"))
    def team_names(self, row: DirectoryPerson) -> str | None:
        return ", ".join(team.name for team in row.teams.all()) or None

    @display(description=gettext_lazy("e-mail addresses"))
    def addresses(self, row: DirectoryPerson) -> str | None:
        sent = (str(email.get("value", "")) for email in row.emails)
        return ", ".join(filter(None, sent)) or None


@admin.register(Team)
class TeamAdmin(RecordAdmin):
    """Teams come from the identity tool; what role they give is said here."""

    list_display = ("name", "role_name", "member_count", "external_id")
    list_filter = (("role", ChoicesDropdownFilter),)
    search_fields = ("name", "external_id")
    fieldsets = (
        (
            None,
            {
                "fields": ("name", "role", "people"),
                "description": gettext_lazy(
                    "Name and members come from your identity tool."
                ),
            },
        ),
    )
    readonly_fields = ("name", "people")

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).prefetch_related("members")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Never here: the next push would bring it back, without its role."""
        return False

    def change(self, form: Any, pages: Sequence[Lines], actor: User) -> None:
        map_team(
            team=form.instance,
            expected_version=form.cleaned_data.get("expected_version"),
            actor=actor,
        )

    @display(
        description=gettext_lazy("role of its members"),
        ordering="role",
        empty_value=gettext_lazy("none"),
    )
    def role_name(self, row: Team) -> str | None:
        return row.get_role_display() or None

    @display(description=gettext_lazy("members"))
    def member_count(self, row: Team) -> int:
        return len(row.members.all())

    @display(description=gettext_lazy("members"), empty_value=gettext_lazy("nobody"))
    def people(self, row: Team) -> str | None:
        return ", ".join(str(person) for person in row.members.all()) or None


def _called(model: type[Model], name: str) -> str:
    """Return what people call the field; one that is no more keeps its name."""
    try:
        return str(getattr(model._meta.get_field(name), "verbose_name", name))
    except FieldDoesNotExist:
        return name


def _match(*, entry: SyncEntry, actor: User) -> None:
    if entry.person is not None:
        match_again(person=entry.person, actor=actor)


def _address_of(row: SyncEntry) -> str:
    if row.team_id:
        return reverse("admin:tracker_team_change", args=[row.team_id])
    if row.account_id:
        return reverse("admin:engagements_user_change", args=[row.account_id])
    return ""


def _keys() -> QuerySet[ApiKey]:
    """Return the keys by which people can be pushed now."""
    usable = ApiKey.objects.all().usable_at(timezone.now())
    chosen = [key.pk for key in usable if "people:write" in key.scopes]
    return ApiKey.objects.filter(pk__in=chosen)


def _open_departures(user: User) -> QuerySet[Departure]:
    return visible(Departure, user).filter(settled_at=None)


def _last_heard_at() -> Any:
    return _keys().aggregate(last=Max("last_used_at"))["last"]


def _moment(moment: Any) -> str:
    return date_format(timezone.localtime(moment), "j M Y, H:i")


def _words(refusal: TrackerError | ValidationError) -> str:
    if isinstance(refusal, ValidationError):
        return " ".join(refusal.messages)
    return str(refusal)
