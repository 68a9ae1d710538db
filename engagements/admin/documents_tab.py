"""The documents on an engagement's page: a list, with what was replaced or removed."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy, ngettext

from engagements.admin.columns import short_date
from engagements.admin.constraint_errors import LineFormset
from engagements.admin.record_admin import LineInline, actor_of
from engagements.models import Document

# A document is shown as expiring this long before its last day, and as close to it.
NEAR_DAYS = 90
CLOSE_DAYS = 30


@dataclass(frozen=True)
class Row:
    document: Document
    expiry: SafeString | str | None


class DocumentFormset(LineFormset):
    """Only shows; adding, replacing and removing have pages of their own."""

    @cached_property
    def current(self) -> list[Row]:
        return [
            Row(document, expiry(document.expires_on))
            for document in self._documents
            if document.pk not in self._past
        ]

    @cached_property
    def past(self) -> list[Document]:
        return [one for one in self._documents if one.pk in self._past]

    @cached_property
    def _documents(self) -> list[Document]:
        return [form.instance for form in self.initial_forms]

    @cached_property
    def _past(self) -> set[int | None]:
        """Those removed, and those that one still there replaces."""
        replaced = {o.replaces_id for o in self._documents if o.removed_at is None}
        return replaced | {o.pk for o in self._documents if o.removed_at is not None}


class DocumentInline(LineInline):
    model = Document
    formset = DocumentFormset
    fields = ()
    template = "engagements/admin/documents.html"
    verbose_name_plural = gettext_lazy("documents")
    tab = True

    def get_queryset(self, request: HttpRequest) -> QuerySet[Document]:
        rows: QuerySet[Document] = super().get_queryset(request)
        seen = Document.objects.visible_to(actor_of(request)).values("pk")
        return rows.filter(pk__in=seen).select_related("uploaded_by", "removed_by")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def expiry(day: date | None) -> SafeString | str | None:
    """Return the last day of validity, in colour where it is near or past."""
    if day is None:
        return None
    left = (day - timezone.localdate()).days
    if left > NEAR_DAYS:
        return short_date(day)
    if left < 0:
        words = ngettext("expired %(n)d day ago", "expired %(n)d days ago", -left)
    else:
        words = ngettext("%(n)d day left", "%(n)d days left", left)
    css = "deadline-close" if left <= CLOSE_DAYS else "deadline-near"
    return format_html(
        '<div class="expiry">{} <span class="{}">{}</span></div>',
        short_date(day),
        css,
        words % {"n": abs(left)},
    )
