"""Filters of the lists; each offers only what the user may see."""

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from engagements.admin.scope import visible
from engagements.choices import Phase
from engagements.models import User

if TYPE_CHECKING:
    from django.contrib.admin import DateFieldListFilter as _DateRange
    from django.contrib.admin import RelatedFieldListFilter as _RelatedDropdown
    from django.contrib.admin import SimpleListFilter as _Dropdown
else:
    from unfold.contrib.filters.admin import DropdownFilter as _Dropdown
    from unfold.contrib.filters.admin import RangeDateFilter as _DateRange
    from unfold.contrib.filters.admin import RelatedDropdownFilter as _RelatedDropdown


class ScopedDropdownFilter(_RelatedDropdown):
    """Offers the related records that the user may see."""

    def field_choices(
        self, field: Any, request: HttpRequest, model_admin: Any
    ) -> list[tuple[Any, Any]]:
        if not isinstance(request.user, User):
            return []
        return [
            (row.pk, str(row)) for row in visible(field.related_model, request.user)
        ]


class PhaseFilter(_Dropdown):
    title = _("phase")
    parameter_name = "phase"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(phase.value, phase.label) for phase in Phase]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[Any]
    ) -> QuerySet[Any] | None:
        return queryset.filter(phase=self.value()) if self.value() else queryset


class NoticeDeadlineFilter(_Dropdown):
    """By how near the last day to give notice is."""

    title = _("notice deadline")
    parameter_name = "notice"
    WITHIN: ClassVar[dict[str, int]] = {"30": 30, "60": 60, "90": 90, "180": 180}

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [
            ("30", _("Within 30 days")),
            ("60", _("Within 60 days")),
            ("90", _("Within 90 days")),
            ("180", _("Within 180 days")),
            ("past", _("Passed, term still runs")),
            ("none", _("None")),
        ]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[Any]
    ) -> QuerySet[Any] | None:
        value = self.value()
        today = timezone.localdate()
        if value in self.WITHIN:
            last = today + timedelta(days=self.WITHIN[value])
            return queryset.filter(notice_deadline_on__range=(today, last))
        if value == "past":
            return queryset.filter(_passed(today))
        if value == "none":
            return queryset.filter(notice_deadline_on=None)
        return queryset


class NoticeBetweenFilter(_DateRange):
    """By any span of days."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.title = _("notice deadline between")


class CommittedBetweenFilter(_DateRange):
    """By the earliest lawful last day."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.title = _("committed until, between")


def _passed(today: date) -> Q:
    return Q(notice_deadline_on__lt=today, term_ends_on__gte=today)


class MineFilter(_Dropdown):
    title = _("responsibility")
    parameter_name = "whose"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("mine", _("Managed by me"))]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[Any]
    ) -> QuerySet[Any] | None:
        if self.value() == "mine":
            return queryset.filter(manager=request.user)
        return queryset
