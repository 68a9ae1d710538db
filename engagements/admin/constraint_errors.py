"""Errors of the database's named constraints, beside the field they speak of."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import models
from django.db.models import CheckConstraint, UniqueConstraint
from django.utils.translation import gettext as _
from unfold.forms import PaginationInlineFormSet as _Formset

if TYPE_CHECKING:
    _ModelForm = forms.ModelForm[Any]
else:
    _ModelForm = forms.ModelForm


class ConstraintErrorsBesideFields(_ModelForm):
    """Moves what a constraint says to the last of its fields on the form.

    A rule is written once, in the model, and yet shown where it can be mended.
    """

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc] # Django's own, left out of stubs
        general = self.errors.get(NON_FIELD_ERRORS)
        if general is None:
            return
        for error in general.as_data():
            name = self._field_of(error)
            if name is not None:
                general.data.remove(error)
                self.add_error(name, error)
        if not general:
            del self.errors[NON_FIELD_ERRORS]

    def _field_of(self, error: ValidationError) -> str | None:
        for model in (self._meta.model, *self._meta.model._meta.all_parents):
            for constraint in model._meta.constraints:
                if constraint.get_violation_error_message() == error.message:
                    named = fields_named_by(constraint)
                    return next((f for f in reversed(self.fields) if f in named), None)
        return None


class LineFormset(_Formset):  # type: ignore[misc] # untyped, as of unfold 0.91
    """Says of lines that repeat one another what their constraint says."""

    def add_fields(self, form: forms.BaseForm, index: int | None) -> None:
        super().add_fields(form, index)
        name_fields(form, index)

    def get_unique_error_message(self, unique_check: Any) -> str:
        repeated = {name for name in unique_check if name != self.fk.name}
        for constraint in self.model._meta.constraints:
            if fields_named_by(constraint) - {self.fk.name} == repeated:
                return str(constraint.get_violation_error_message())
        return str(super().get_unique_error_message(unique_check))

    def get_form_error(self) -> str:
        return _("This line repeats another one.")


def name_fields(form: forms.BaseForm, index: int | None) -> None:
    """Name each input of a line for those who don't see its column's heading."""
    for field in form.fields.values():
        label = str(field.label or "")
        if index is not None:
            label = _("%(field)s, line %(n)d") % {"field": label, "n": index + 1}
        # What wraps a choice with links to its records hands no attributes on.
        for widget in (field.widget, getattr(field.widget, "widget", None)):
            if widget is not None and not field.widget.is_hidden:
                widget.attrs["aria-label"] = label


def fields_named_by(constraint: models.BaseConstraint) -> set[str]:
    if isinstance(constraint, CheckConstraint):
        condition: Any = constraint.condition
        return set(getattr(condition, "referenced_base_fields", ()))
    if isinstance(constraint, UniqueConstraint):
        return set(constraint.fields)
    return set()
