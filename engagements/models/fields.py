"""Exact numbers as scaled 64-bit integers: the same sums on SQLite and PostgreSQL.

SQLite keeps decimals as floating point (12345678901234567.89 comes back as …568.00),
so no amount, hour or share is ever stored as a decimal column.
"""

from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper

BIGGEST = 2**63 - 1

if TYPE_CHECKING:
    # Read and written as Decimal, or None where null; the stubs can't say both.
    _Integer = models.BigIntegerField[Any, Any]
else:
    _Integer = models.BigIntegerField


class ScaledField(_Integer):
    """A Decimal with a fixed number of decimals, stored as an integer."""

    if TYPE_CHECKING:
        _pyi_private_set_type: Any
        _pyi_private_get_type: Any

    places: ClassVar[int]
    description = "Exact decimal"

    @property
    def step(self) -> Decimal:
        return Decimal(1).scaleb(-self.places)

    @property
    def limit(self) -> Decimal:
        """The largest magnitude held; a thousandth of the integer's, so sums fit."""
        return Decimal(BIGGEST // 1000).scaleb(-self.places)

    @property
    def validators(self) -> list[Any]:
        # The integer field's own validators speak of the stored number.
        return [
            *getattr(self, "_validators", []),
            MinValueValidator(-self.limit),
            MaxValueValidator(self.limit),
        ]

    def from_db_value(
        self, value: Any, expression: Any, connection: BaseDatabaseWrapper
    ) -> Decimal | None:
        return None if value is None else Decimal(int(value)).scaleb(-self.places)

    def to_python(self, value: Any) -> Decimal | None:
        if value is None or isinstance(value, Decimal):
            return value
        if isinstance(value, float):
            raise ValidationError(
                "Give an exact number, not a floating-point one.", code="float"
            )
        try:
            number = Decimal(str(value).strip())
        except InvalidOperation as error:
            raise ValidationError(
                "“%(value)s” is not a number.",
                code="invalid",
                params={"value": str(value)[:40]},
            ) from error
        return number

    def clean(self, value: Any, model_instance: models.Model | None) -> Any:
        cleaned = super().clean(value, model_instance)
        if cleaned is not None:
            self._scale(cleaned)
        return cleaned

    def run_validators(self, value: Any) -> None:
        if isinstance(value, Decimal) and not value.is_finite():
            raise ValidationError("Give a finite number.", code="invalid")
        super().run_validators(value)

    def _scale(self, value: Decimal) -> int:
        if not value.is_finite():
            raise ValidationError("Give a finite number.", code="invalid")
        if abs(value) > self.limit:
            raise ValidationError(
                "Give a number of at most %(limit)s.",
                code="max_value",
                params={"limit": self.limit},
            )
        scaled = value.scaleb(self.places)
        if scaled != scaled.to_integral_value():
            raise ValidationError(
                "Give at most %(places)d decimals.",
                code="max_decimal_places",
                params={"places": self.places},
            )
        return int(scaled)

    def get_prep_value(self, value: Any) -> Any:
        if value is None or hasattr(value, "resolve_expression"):
            return value
        number = self.to_python(value)
        return None if number is None else self._scale(number)

    def get_db_prep_value(
        self, value: Any, connection: BaseDatabaseWrapper, prepared: bool = False
    ) -> Any:
        return value if prepared else self.get_prep_value(value)

    def value_to_string(self, obj: models.Model) -> str:
        value = self.value_from_object(obj)
        return "" if value is None else str(value)

    def formfield(self, **kwargs: Any) -> forms.Field | None:
        defaults: dict[str, Any] = {
            "form_class": forms.DecimalField,
            "decimal_places": self.places,
            "max_digits": 18,
        }
        return models.Field.formfield(self, **(defaults | kwargs))


class MoneyField(ScaledField):
    """An amount in the currency that stands on the record owning it."""

    places = 4
    description = "Amount of money, in ten-thousandths"

    def formfield(self, **kwargs: Any) -> forms.Field | None:
        return super().formfield(**({"decimal_places": 4, "step_size": None} | kwargs))


class HoursField(ScaledField):
    """A number of hours, in hundredths."""

    places = 2
    description = "Hours, in hundredths"


class PercentField(ScaledField):
    """A percentage with up to four decimals: 33.3333 means 33.3333 %."""

    places = 4
    description = "Percentage, in ten-thousandths"


class FactorField(ScaledField):
    """A plain multiplier or rate with up to eight decimals, such as 1.5."""

    places = 8
    description = "Factor, in hundred-millionths"
