"""Changing many rows of a list: choose, see what would change, then confirm."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, ClassVar

from django import forms
from django.contrib import messages
from django.contrib.admin.options import IS_POPUP_VAR
from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from engagements.admin.conflict import latest_event_id, told_since
from engagements.admin.money_warnings import for_eyes_of
from engagements.admin.record_admin import actor_of
from engagements.admin.scope import visible
from engagements.admin.unfold_types import UnfoldModelAdmin
from engagements.models import User
from engagements.services.bulk import Attempt, Mode, Outcome, change_each
from engagements.services.records import check_version
from engagements.services.spending import hearing_of_money

# So many rows are changed at once; more are filtered first.
MOST_ROWS = 250


class BulkChange:
    """One change that many records can be given; `value` is what the person chose."""

    name: str
    label: Any
    # The models whose rows it changes, and what else is read with them.
    of_models: Mapping[type[models.Model], Sequence[str]]

    def asked(self, request: HttpRequest, admin_site: Any) -> forms.Field | None:
        """Return what to ask for, or nothing where a yes is enough."""
        return None

    def before_and_after(self, record: Any, value: Any) -> tuple[str, str]:
        raise NotImplementedError

    def apply(self, record: Any, value: Any, actor: User) -> Sequence[str]:
        """Change one record by its service and return what to warn of.

        Raises why it can't.
        """
        raise NotImplementedError

    def lock_order(self, record: Any) -> tuple[int, ...]:
        """Return by what its locks are taken in order; its id unless told otherwise."""
        return (record.pk,)

    def records(self, user: User, ids: Iterable[int]) -> list[Any]:
        wanted = list(ids)
        return [
            record
            for model, related in self.of_models.items()
            for record in visible(model, user)
            .filter(pk__in=wanted)
            .select_related(*related)
        ]

    def is_allowed(self, user: User) -> bool:
        return any(_may_change(model, user) for model in self.of_models)


def _may_change(model: type[models.Model], user: User) -> bool:
    return user.has_perm(f"{model._meta.app_label}.change_{model._meta.model_name}")


@dataclass(frozen=True)
class Row:
    """One record on the preview; `version` is the one whose values are shown."""

    record_id: int
    version: int
    name: str
    note: str
    before: str
    after: str
    refusal: str = ""
    warnings: Sequence[str] = ()
    told: Sequence[str] = ()

    @property
    def key(self) -> str:
        return f"{self.record_id}:{self.version}"

    @property
    def stays(self) -> bool:
        return not self.refusal and self.before == self.after


@dataclass(frozen=True)
class Preview:
    rows: list[Row]
    # Rows asked for that the person doesn't see, or that are there no more.
    missing: int = 0

    @property
    def refused(self) -> int:
        return self.missing + sum(bool(row.refusal) for row in self.rows)

    @property
    def changed(self) -> int:
        return sum(not row.refusal and not row.stays for row in self.rows)


@dataclass
class Selection:
    """The rows a person chose, with the versions they were shown; from the page."""

    versions: dict[int, int] = field(default_factory=dict)

    @classmethod
    def read(cls, keys: Iterable[str]) -> Selection:
        """Raises Http404 on what no page of ours sends."""
        versions: dict[int, int] = {}
        for key in keys:
            record_id, _colon, version = key.partition(":")
            if not (record_id.isdecimal() and version.isdecimal() and len(key) < 30):
                raise Http404
            versions[int(record_id)] = int(version)
        if not versions or len(versions) > MOST_ROWS:
            raise Http404
        return cls(versions)


class BulkActions(UnfoldModelAdmin):
    """Offers the changes among the list's actions; each has a page of its own."""

    bulk_changes: ClassVar[Sequence[BulkChange]] = ()

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        actions: dict[str, Any] = super().get_actions(request)
        if IS_POPUP_VAR in request.GET:
            return actions
        user = actor_of(request)
        for change in self.bulk_changes:
            if change.is_allowed(user):
                chosen = partial(_choose, change)
                actions[change.name] = (chosen, change.name, str(change.label))
        return actions

    def get_urls(self) -> list[Any]:
        page = self.admin_site.admin_view(self.bulk_view)
        name = f"{self.opts.app_label}_{self.opts.model_name}_bulk"
        return [path("bulk/<slug:change_name>/", page, name=name), *super().get_urls()]

    def bulk_view(self, request: HttpRequest, change_name: str) -> HttpResponse:
        """Ask for the value, show what it would change, or change it."""
        change = next((c for c in self.bulk_changes if c.name == change_name), None)
        if change is None:
            raise Http404
        if not change.is_allowed(actor_of(request)):
            raise PermissionDenied
        if request.method != "POST":
            return HttpResponseRedirect(self._list_url())
        return BulkPage(self, request, change).answer()

    def _list_url(self) -> str:
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist")


def _choose(
    change: BulkChange, model_admin: Any, request: HttpRequest, rows: Any
) -> HttpResponse | None:
    ids = list(rows.order_by().values_list("pk", flat=True)[: MOST_ROWS + 1])
    if len(ids) > MOST_ROWS:
        messages.error(
            request,
            _("At most %(most)d rows can be changed at once: filter the list first.")
            % {"most": MOST_ROWS},
        )
        return None
    return BulkPage(model_admin, request, change).opened(ids)


class BulkPage:
    """The two pages of one change: what to ask for, and what it would do."""

    def __init__(
        self, model_admin: BulkActions, request: HttpRequest, change: BulkChange
    ) -> None:
        self.admin = model_admin
        self.request = request
        self.change = change
        self.user = actor_of(request)
        self.back = self._back()

    def opened(self, ids: Sequence[int]) -> HttpResponse:
        """Answer the list's action: ask for the value, or show what a yes would do."""
        selection = Selection(dict.fromkeys(ids, 0))
        form = self._form(None)
        if form is None:
            return self._preview(selection, None, None, Mode.TRY)
        return self._ask(selection, form)

    def answer(self) -> HttpResponse:
        selection = Selection.read(self.request.POST.getlist("row"))
        form = self._form(self.request.POST)
        if form is not None and (self._asks_anew() or not form.is_valid()):
            return self._ask(selection, form)
        value = form.cleaned_data["value"] if form else None
        return self._preview(selection, form, value, self._mode())

    def _asks_anew(self) -> bool:
        return self.request.POST.get("mode") == "ask"

    def _mode(self) -> Mode:
        asked = self.request.POST.get("mode", Mode.TRY.value)
        if asked not in {mode.value for mode in Mode}:
            raise Http404
        return Mode(asked)

    def _back(self) -> str:
        """Return the list as the person had filtered it."""
        listed = self.admin._list_url()
        given = self.request.POST.get("back", "")
        if given.partition("?")[0] == listed:
            return given
        is_list = self.request.path == listed
        return self.request.get_full_path() if is_list else listed

    def _form(self, data: Any) -> forms.Form | None:
        asked = self.change.asked(self.request, self.admin.admin_site)
        if asked is None:
            return None
        form: type[forms.Form] = type("ValueForm", (forms.Form,), {"value": asked})
        return form(data)

    def _ask(self, selection: Selection, form: forms.Form) -> HttpResponse:
        keys = [f"{pk}:{version}" for pk, version in selection.versions.items()]
        return self._render("bulk_ask", {"form": form, "keys": keys})

    def _preview(
        self, selection: Selection, form: forms.Form | None, value: Any, mode: Mode
    ) -> HttpResponse:
        seen = self._seen_event()
        latest = latest_event_id()
        records = self.change.records(self.user, selection.versions)
        told = {record.pk: self._told(record, value) for record in records}
        expected = {} if mode is Mode.TRY else selection.versions
        outcomes = self._run(records, value, expected, mode)
        preview = Preview(
            sorted(
                (
                    self._row(record, told[record.pk], outcomes[record.pk], seen)
                    for record in records
                ),
                key=lambda row: (not row.refusal, row.name, row.record_id),
            ),
            missing=len(selection.versions) - len(records),
        )
        is_done = mode is Mode.THOSE_THAT_CAN or (
            mode is Mode.ALL_OR_NOTHING and not preview.refused
        )
        if is_done:
            messages.success(self.request, _summary(preview))
            _warn(self.request, preview)
            return HttpResponseRedirect(self.back)
        if mode is Mode.ALL_OR_NOTHING:
            messages.error(self.request, _("Nothing was changed: see below."))
        return self._render(
            "bulk_preview",
            {
                "preview": preview,
                "form": form,
                "value": self.request.POST.get("value", ""),
                "seen_event": latest if mode is Mode.TRY else seen or latest,
                "is_tried": mode is Mode.TRY,
                "keys": self._keys(preview, selection, mode),
            },
        )

    def _keys(self, preview: Preview, selection: Selection, mode: Mode) -> list[str]:
        """Keep the versions that were shown: what moved since stays refused."""
        if mode is Mode.TRY:
            return [row.key for row in preview.rows]
        return [f"{pk}:{version}" for pk, version in selection.versions.items()]

    def _seen_event(self) -> int | None:
        given = self.request.POST.get("seen_event", "")
        return int(given) if given.isdecimal() and len(given) < 19 else None

    def _told(self, record: Any, value: Any) -> Row:
        before, after = self.change.before_and_after(record, value)
        name, note = _names(record)
        return Row(record.pk, record.version, name, note, before, after)

    def _run(
        self, records: list[Any], value: Any, expected: Mapping[int, int], mode: Mode
    ) -> dict[int, Outcome]:
        refused = {
            record.pk: Outcome(record.pk, _("You may not change it."))
            for record in records
            if not _may_change(type(record), self.user)
        }
        attempts = [
            Attempt(
                record.pk,
                partial(self._apply, record, value, expected),
                self.change.lock_order(record),
            )
            for record in records
            if record.pk not in refused
        ]
        is_short = len(expected) > len(records) or bool(refused)
        if mode is Mode.ALL_OR_NOTHING and is_short:
            mode = Mode.TRY
        outcomes = change_each(attempts=attempts, mode=mode)
        return refused | {outcome.record_id: outcome for outcome in outcomes}

    def _apply(
        self, record: Any, value: Any, expected: Mapping[int, int]
    ) -> Sequence[str]:
        if record.pk in expected:
            rows = type(record)._default_manager.select_for_update()
            stored = rows.get(pk=record.pk)
            check_version(stored=stored, expected_version=expected[record.pk])
        with hearing_of_money() as heard:
            warnings = self.change.apply(record, value, self.user)
        return [*warnings, *for_eyes_of(self.user, heard)]

    def _row(self, record: Any, told: Row, outcome: Outcome, seen: int | None) -> Row:
        if not outcome.refusal:
            return replace(told, warnings=outcome.warnings)
        changes = (
            told_since(record, since=seen, user=self.user)
            if outcome.is_conflict
            else []
        )
        return replace(told, refusal=outcome.refusal, told=changes)

    def _render(self, template: str, context: dict[str, Any]) -> HttpResponse:
        return TemplateResponse(
            self.request,
            f"engagements/admin/{template}.html",
            {
                **self.admin.admin_site.each_context(self.request),
                "title": self.change.label,
                "opts": self.admin.opts,
                "change": self.change,
                "back": self.back,
                "action": reverse(
                    f"admin:{self.admin.opts.app_label}_{self.admin.opts.model_name}"
                    "_bulk",
                    args=[self.change.name],
                ),
                **context,
            },
        )


def _warn(request: HttpRequest, preview: Preview) -> None:
    for row in preview.rows:
        for warning in row.warnings:
            messages.warning(request, f"{row.note or row.name}: {warning}")


def _names(record: Any) -> tuple[str, str]:
    title, reference = getattr(record, "title", ""), getattr(record, "reference", "")
    return (title, reference) if title else (str(record), "")


def _summary(preview: Preview) -> str:
    parts = [
        ngettext("%(n)d row changed", "%(n)d rows changed", preview.changed)
        % {"n": preview.changed}
    ]
    stayed = sum(row.stays for row in preview.rows)
    if stayed:
        parts.append(_("%(n)d stayed as they were") % {"n": stayed})
    if preview.refused:
        parts.append(_("%(n)d left out") % {"n": preview.refused})
    return ", ".join(parts) + "."
