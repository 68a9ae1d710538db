"""Which part of a topic a page is asked for, and how its links ask for others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Self

from django import forms
from django.core.exceptions import ValidationError
from django.urls import reverse
from django.utils.translation import gettext

from engagements.values.language import translated
from tracker.dashboards.filters import PARAMETERS, SPEND, Asking, FilterForm
from tracker.dashboards.scope import Drill, Scope

if TYPE_CHECKING:
    from engagements.models import User
    from tracker.dashboards.scope import DepartmentChoice


@dataclass(frozen=True)
class TopicScope(Scope):
    """Reports of the topic open in it, all others on the finance pages."""

    topic: str = ""
    slugs: frozenset[str] = frozenset()
    # Filters that the finance pages don't have.
    own: frozenset[str] = frozenset()

    @classmethod
    def of(cls, scope: Scope, **told: Any) -> Self:
        known = {each.name: getattr(scope, each.name) for each in fields(Scope)}
        return cls(**known, **told)

    def page_url(self, **changes: str) -> str:
        """Return the topic's page for these filters with changes; "" drops one."""
        return reverse(f"tracker:{self.topic}") + self._query(changes)

    def finance_url(self, **changes: str) -> str:
        return super().finance_url(**{**dict.fromkeys(self.own, ""), **changes})

    def report_url(self, slug: str, **changes: str) -> str:
        if slug not in self.slugs:
            elsewhere = {**dict.fromkeys(self.own, ""), **changes}
            return super().report_url(slug, **elsewhere)
        address = reverse(f"tracker:{self.topic}-report", args=[slug])
        return address + self._query(changes)

    def file_url(self, slug: str, extension: str) -> str:
        if slug not in self.slugs:
            return super().file_url(slug, extension)
        address = reverse(f"tracker:{self.topic}-file", args=[slug, extension])
        return address + self._query({"sort": self.sort})

    def paper_url(self) -> str:
        return reverse(f"tracker:{self.topic}-paper") + self._query({})

    @property
    def department_code(self) -> str:
        return self.parameters.get("department", "")


@dataclass(frozen=True)
class Choice:
    """One more filter of a topic; `values` are words to be translated, by code."""

    parameter: str
    noun: str
    values: Mapping[str, str]


def asking(
    topic: str,
    slugs: frozenset[str],
    more: Sequence[Choice] = (),
    takes: Sequence[str] = PARAMETERS,
) -> Asking:
    """Return what a topic takes of the finance pages' filters, and its own.

    The scope has the code of each choice among its parameters.
    """

    def scope(
        user: User,
        asked: Mapping[str, Any],
        parameters: Mapping[str, str],
        departments: tuple[DepartmentChoice, ...],
    ) -> TopicScope:
        found = SPEND.scope(user, asked, parameters, departments)
        chosen = [(one, asked[one.parameter]) for one in more if asked[one.parameter]]
        drills = [
            Drill(one.parameter, translated(one.noun), translated(one.values[code]))
            for one, code in chosen
        ]
        found = replace(found, drills=(*found.drills, *drills))
        return TopicScope.of(found, topic=topic, slugs=slugs, own=frozenset(own))

    own: dict[str, forms.Field] = {one.parameter: _ChoiceField(one) for one in more}
    # The form's class takes its fields out of what it is given.
    form: type[FilterForm] = type("TopicFilterForm", (SPEND.form,), {**own})
    return Asking((*takes, *own), form, scope)


class _ChoiceField(forms.CharField):
    def __init__(self, choice: Choice) -> None:
        super().__init__(required=False)
        self.choice = choice

    def clean(self, value: Any) -> str:
        code = str(super().clean(value))
        if code and code not in self.choice.values:
            raise ValidationError(gettext("This is not known here; open one below."))
        return code
