"""What somebody else changed while a page was open, beside what was typed there."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.db import models
from django.utils import formats, timezone
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from engagements import events
from engagements.admin.history import Entry, events_about, in_words
from engagements.models import Engagement, Event, User
from engagements.permissions import event_scope

# More changes than these are read on the history page.
MOST_TOLD = 20


@dataclass(frozen=True)
class Difference:
    """One field whose stored value isn't the one typed."""

    field: str
    theirs: str
    yours: str
    note: str = ""


@dataclass(frozen=True)
class Conflict:
    """What to tell a person whose page was opened before somebody else's change."""

    changes: list[Entry]
    has_more: bool
    differences: list[Difference]


def latest_event_id() -> int:
    """Return up to which event a page that is opened now knows what happened."""
    found = Event.objects.order_by("-id").values_list("id", flat=True).first()
    return found or 0


def conflict_on(
    form: Any, formsets: Iterable[Any], *, since: int | None, user: User
) -> Conflict:
    """Return what happened to the form's record since the event, and what differs.

    Without the right to see events only the differences are told.
    """
    told = events_since(form.instance, since=since, user=user)
    return Conflict(
        changes=in_words(told[:MOST_TOLD], user),
        has_more=len(told) > MOST_TOLD,
        differences=_differences(form, formsets, told, user),
    )


def events_since(record: Any, *, since: int | None, user: User) -> list[Event]:
    """Return what happened to the record, the newest first; one more than is told.

    The newest alone where none came after: it was written while the page was read.
    """
    if not user.has_perm("engagements.view_event"):
        return []
    rows = Event.objects.filter(events_about(record), event_scope(user))
    rows = rows.select_related("actor")
    newer = list(rows.filter(id__gt=since)[: MOST_TOLD + 1]) if since else []
    return newer or list(rows[:1])


def told_since(record: Any, *, since: int | None, user: User) -> list[str]:
    """Return the changes as sentences, for where there is room for no more."""
    told = events_since(record, since=since, user=user)[:MOST_TOLD]
    return [sentence(entry) for entry in in_words(told, user)]


def sentence(entry: Entry) -> str:
    when = timezone.localtime(entry.occurred_at)
    changes = "; ".join(map(str, entry.changes))
    what = f"{entry.what} ({entry.about})" if entry.about else entry.what
    return _("%(who)s, %(when)s: %(what)s.") % {
        "who": entry.actor or _("The product itself"),
        "when": formats.date_format(when, "j M, H:i"),
        "what": f"{what}: {changes}" if changes else what,
    }


@dataclass(frozen=True)
class _Part:
    """The record itself or one of its lines, as a form holds it."""

    form: Any
    label: str = ""


def _differences(
    form: Any, formsets: Iterable[Any], told: Sequence[Event], user: User
) -> list[Difference]:
    found: list[Difference] = []
    for part in [_Part(form), *_lines(formsets)]:
        found.extend(_of_part(part, form.instance, told, user))
    return found


def _lines(formsets: Iterable[Any]) -> Iterable[_Part]:
    for formset in formsets:
        noun = capfirst(str(formset.model._meta.verbose_name))
        for number, line in enumerate(getattr(formset, "forms", ()), start=1):
            if line.initial:
                yield _Part(line, _("%(line)s %(n)d") % {"line": noun, "n": number})


def _of_part(
    part: _Part, record: models.Model, told: Sequence[Event], user: User
) -> list[Difference]:
    pairs = {name: _theirs_and_yours(part.form, name) for name in _changed(part.form)}
    if not pairs:
        return []
    instance: models.Model = part.form.instance
    draft = events.draft(
        event_type="differs",
        subject=instance,
        changes={name: list(pair) for name, pair in pairs.items()},
        engagement=record if isinstance(record, Engagement) else None,
        actor=None,
    )
    (entry,) = in_words([draft], user)
    before = _values_before(instance, told)
    return [
        Difference(
            field=f"{part.label}: {change.field}" if part.label else change.field,
            theirs=change.before,
            yours=change.after,
            # A share is no record that was changed, but part of a split set anew.
            note=_note(before, name, pairs[name]) if told and instance.pk else "",
        )
        for (name, change) in zip(pairs, entry.changes, strict=True)
    ]


def _changed(form: Any) -> list[str]:
    """Return the record's fields whose stored value isn't the one typed."""
    names = {
        field.name
        for field in (
            *form.instance._meta.concrete_fields,
            *form.instance._meta.many_to_many,
        )
    }
    return [
        name
        for name in form.changed_data
        if name in names and not form.instance._meta.get_field(name).primary_key
    ]


def _theirs_and_yours(form: Any, name: str) -> tuple[Any, Any]:
    cleaned = getattr(form, "cleaned_data", {})
    typed = cleaned.get(name, form[name].value())
    return _as_stored(form.initial.get(name)), _as_stored(typed)


def _as_stored(value: Any) -> Any:
    """Return the value as events keep it."""
    if isinstance(value, models.Model):
        return value.pk
    if isinstance(value, models.QuerySet | list | tuple):
        return [_as_stored(one) for one in value]
    return events.plain(value)


def _values_before(instance: models.Model, told: Sequence[Event]) -> dict[str, Any]:
    """Return what fields held before they were changed, by the oldest event of each."""
    before: dict[str, Any] = {}
    for event in told:
        if _is_about(event, instance):
            before |= {name: pair[0] for name, pair in event.changes.items() if pair}
    return before


def _is_about(event: Event, instance: models.Model) -> bool:
    if isinstance(instance, Engagement):
        types = {"engagement", str(instance._meta.model_name)}
    else:
        types = {str(instance._meta.model_name)}
    return event.subject_type in types and event.subject_id == instance.pk


def _note(before: dict[str, Any], name: str, pair: tuple[Any, Any]) -> str:
    if name not in before:
        return _("only you changed it")
    if before[name] == events.HIDDEN:
        return ""
    if (before[name] or None) == (pair[1] or None):
        return _("you left it as it was")
    return _("both of you changed it")


def form_is_stale(form: forms.BaseForm) -> bool:
    return any(
        error.code == STALE
        for errors in form.errors.as_data().values()
        for error in errors
    )


# The code of the error that somebody else's change puts on a form.
STALE = "stale"
