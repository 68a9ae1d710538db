from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import flatten_fieldsets
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.db import transaction
from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy
from unfold.contrib.filters.admin import AutocompleteSelectFilter, ChoicesDropdownFilter
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from engagements import events
from engagements.admin.bulk import BulkActions
from engagements.admin.bulk_changes import CONTRACTOR_CHANGES
from engagements.admin.exports import ExportableList
from engagements.admin.filters import ScopedDropdownFilter
from engagements.admin.record_admin import RecordAdmin, RecordForm, actor_of
from engagements.admin.unfold_types import display
from engagements.models import Contractor, User
from engagements.services.people import change_person
from engagements.services.tenure import TenureClock, tenure_clocks

# What only a superuser may give, lest somebody make themselves one.
POWERS = ("is_superuser", "user_permissions")
FROM_TOOL = gettext_lazy(
    "From your identity tool: what can't be typed here is changed there."
)

admin.site.unregister(Group)


class PersonForm(UserChangeForm, RecordForm):  # type: ignore[misc] # untyped
    class Meta:
        model = User
        fields = "__all__"


class NewPersonForm(UserCreationForm, RecordForm):  # type: ignore[misc] # untyped
    class Meta:
        model = User
        fields = ("username",)


@admin.register(User)
class UserAdmin(RecordAdmin, DjangoUserAdmin):  # type: ignore[type-arg]
    form = PersonForm
    add_form = NewPersonForm
    change_password_form = AdminPasswordChangeForm
    list_display = (
        "full_name",
        "username",
        "department",
        "manager",
        "roles",
        "is_active",
    )
    list_filter = (
        ("department", ScopedDropdownFilter),
        ("groups", ScopedDropdownFilter),
        "is_active",
        "is_staff",
    )
    list_select_related = ("department", "manager")
    search_fields = ("first_name", "last_name", "username", "email", "employee_number")
    ordering = ("last_name", "first_name", "username")
    autocomplete_fields = ("department", "manager")
    filter_horizontal = ()
    not_choosable = Q(is_active=False)
    fieldsets = (
        (
            gettext_lazy("Who"),
            {"fields": (("first_name", "last_name"), "email", "username", "password")},
        ),
        (gettext_lazy("Where"), {"fields": (("department", "manager"),)}),
        (gettext_lazy("May"), {"fields": ("groups", ("is_active", "is_staff"))}),
        (
            gettext_lazy("Time and cost"),
            {"fields": (("weekly_capacity_hours", "loaded_hourly_cost"),)},
        ),
        (
            gettext_lazy("Numbers and codes"),
            {
                "classes": ("collapse",),
                "fields": ("employee_number", "external_id", "last_login"),
            },
        ),
        (
            gettext_lazy("Powers beyond roles"),
            {"classes": ("collapse",), "fields": POWERS},
        ),
    )
    add_fieldsets = (
        (
            gettext_lazy("Who"),
            {
                "fields": (
                    ("first_name", "last_name"),
                    "email",
                    "username",
                    "usable_password",
                    ("password1", "password2"),
                )
            },
        ),
        (gettext_lazy("Where"), {"fields": (("department", "manager"),)}),
        (gettext_lazy("May"), {"fields": ("groups", "is_staff")}),
    )

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).prefetch_related("groups")

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        fieldsets = super().get_fieldsets(request, obj)
        if obj is None:
            return fieldsets
        hidden: set[str] = set()
        if not is_superuser(request):
            hidden.update(POWERS)
        # What colleagues cost is for those who keep their records.
        if not request.user.has_perm("engagements.change_user"):
            hidden.add("loaded_hourly_cost")
        shown = [
            part for part in fieldsets if not hidden & set(flatten_fieldsets([part]))
        ]
        return [_told_from(part, obj) for part in shown]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        # What an identity tool keeps would only be overwritten by its next push.
        kept = obj.provisioned_fields if isinstance(obj, User) else ()
        return (*super().get_readonly_fields(request, obj), "last_login", *kept)

    def change_record(self, record: Any, expected: int | None, actor: User) -> None:
        change_person(person=record, expected_version=expected, actor=actor)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        if isinstance(obj, User) and obj.is_superuser and not is_superuser(request):
            return False
        return super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Never: what a person did stays theirs. Inactive people can't log in."""
        return False

    @transaction.atomic
    def user_change_password(
        self, request: HttpRequest, id: str, form_url: str = ""
    ) -> Any:
        person = self.get_object(request, id)
        before = person.password if person else None
        response = super().user_change_password(request, id, form_url)
        if person is not None:
            person.refresh_from_db(fields=["password"])
            if person.password != before:
                events.record(
                    event_type="user.password_set",
                    subject=person,
                    actor=actor_of(request),
                )
        return response

    @display(description=gettext_lazy("name"), ordering="last_name")
    def full_name(self, row: User) -> str:
        return row.get_full_name() or row.username

    @display(description=gettext_lazy("roles"))
    def roles(self, row: User) -> str:
        return ", ".join(sorted(group.name for group in row.groups.all()))


def _told_from(part: Any, person: User) -> Any:
    """Return the part of a page, saying whence fields come that a tool keeps."""
    title, options = part
    names = set(flatten_fieldsets([part]))
    if not names & set(person.provisioned_fields):
        return part
    return title, options | {"description": FROM_TOOL}


def is_superuser(request: HttpRequest) -> bool:
    return actor_of(request).is_superuser


class GroupForm(RecordForm):
    class Meta:
        model = Group
        fields = ("name", "permissions")


@admin.register(Group)
class GroupAdmin(RecordAdmin, DjangoGroupAdmin):
    form = GroupForm
    fieldsets = ((None, {"fields": ("name", "permissions")}),)
    warn_unsaved_form = False


@admin.register(Contractor)
class ContractorAdmin(BulkActions, ExportableList, RecordAdmin):
    bulk_changes = CONTRACTOR_CHANGES
    list_display = (
        "full_name",
        "vendor",
        "employment_type",
        "jurisdiction",
        "tenure",
    )
    list_filter = (
        ("vendor", AutocompleteSelectFilter),
        ("employment_type", ChoicesDropdownFilter),
        ("skills", ScopedDropdownFilter),
    )
    list_select_related = ("vendor",)
    readonly_fields = ("tenure_clocks",)
    TENURE = (
        gettext_lazy("Time served"),
        {
            "fields": ("tenure_clocks",),
            "description": gettext_lazy(
                "Of all departments' engagements of this person that aren't cancelled,"
                " by the tenure policies of their country. Not legal advice."
            ),
        },
    )
    search_fields = ("full_name", "work_email", "worker_number", "external_id")
    autocomplete_fields = ("vendor", "skills")
    fieldsets = (
        (None, {"fields": ("full_name", "work_email", "vendor", "skills")}),
        (
            gettext_lazy("Employment"),
            {"fields": (("employment_type", "jurisdiction"),)},
        ),
        TENURE,
        (
            gettext_lazy("Numbers and codes"),
            {"classes": ("collapse",), "fields": ("worker_number", "external_id")},
        ),
    )

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        fieldsets = super().get_fieldsets(request, obj)
        if obj is None:
            return [part for part in fieldsets if part is not self.TENURE]
        return fieldsets

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """Read the clocks of all rows shown at once."""
        page = super().get_changelist_instance(request)
        clocks = tenure_clocks(contractors=page.result_list, today=timezone.localdate())
        for row in page.result_list:
            row.clocks = clocks[row.pk]
        return page

    @display(description=gettext_lazy("time served"))
    def tenure(self, row: Any) -> str | None:
        """The clock whose limit is nearest."""
        nearest: TenureClock | None = next(iter(row.clocks), None)
        return None if nearest is None else nearest.figures

    @display(description=gettext_lazy("time served"))
    def tenure_clocks(self, row: Contractor) -> SafeString | None:
        clocks = tenure_clocks(contractors=[row], today=timezone.localdate())[row.pk]
        # An empty text is shown as a dash, like any other value not given.
        return format_html_join("", "<p>{}</p>", ([str(one)] for one in clocks)) or None
