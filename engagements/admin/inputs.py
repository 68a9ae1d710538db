"""Inputs for exact numbers, without idle zeros and with thousands separators."""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.db import models

from engagements.models.fields import FactorField, HoursField, MoneyField, PercentField

if TYPE_CHECKING:
    from django.contrib.admin.widgets import AdminTextareaWidget as _TextArea
    from django.contrib.admin.widgets import AdminTextInputWidget as _TextInput
else:
    from unfold.widgets import UnfoldAdminTextareaWidget as _TextArea
    from unfold.widgets import UnfoldAdminTextInputWidget as _TextInput

_GROUPED = re.compile(r"^[-+]?\d{1,3}(,\d{3})+(\.\d+)?$")
_BLANKS = re.compile(r"[\s\u00a0\u2009\u202f]+")


class ExactNumberInput(_TextInput):
    """A text input, so that what was typed survives an error; 12,500.00 is read."""

    def __init__(self, attrs: dict[str, Any] | None = None, places: int = 0) -> None:
        super().__init__({"inputmode": "decimal", "class": "figure", **(attrs or {})})
        self.places = places

    def format_value(self, value: Any) -> str | None:
        if isinstance(value, Decimal | int):
            return plain_number(Decimal(value), self.places)
        return value or None

    def value_from_datadict(
        self, data: Mapping[str, Any], files: Any, name: str
    ) -> str | None:
        value = data.get(name)
        if not isinstance(value, str):
            return value
        text = _BLANKS.sub("", value)
        return text.replace(",", "") if _GROUPED.match(text) else text


class MoneyInput(ExactNumberInput):
    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__(attrs, places=2)


def plain_number(value: Decimal, places: int = 0) -> str:
    """Return the number without exponent and idle zeros, with at least `places`."""
    text = f"{value:f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    decimals = len(text.partition(".")[2])
    return text if decimals >= places else f"{Decimal(text):.{places}f}"


class ShortTextArea(_TextArea):
    """As high as most texts need; it grows by hand."""

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__({"rows": 3, **(attrs or {})})


INPUTS: dict[type[Any], dict[str, Any]] = {
    MoneyField: {"widget": MoneyInput},
    HoursField: {"widget": ExactNumberInput},
    PercentField: {"widget": ExactNumberInput},
    FactorField: {"widget": ExactNumberInput},
    models.TextField: {"widget": ShortTextArea},
}
