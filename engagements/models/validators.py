from zoneinfo import available_timezones

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.utils.translation import gettext_lazy as _

from engagements.values.money import UnknownCurrencyError, currency_exponent

country_code = RegexValidator(
    r"^[A-Z]{2}\Z", _("Use a two-letter country code such as GB.")
)
plain_text = RegexValidator(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]",
    _("Remove the control characters."),
    inverse_match=True,
)


def currency_code(value: str) -> None:
    try:
        currency_exponent(value)
    except UnknownCurrencyError as error:
        raise ValidationError(
            _("“%(code)s” is not a currency code; use one such as GBP or EUR."),
            code="invalid",
            params={"code": value},
        ) from error


def time_zone_name(value: str) -> None:
    if value not in available_timezones():
        raise ValidationError(
            _("“%(name)s” is no time zone; use a name such as Europe/London."),
            code="invalid",
            params={"name": value[:40]},
        )
