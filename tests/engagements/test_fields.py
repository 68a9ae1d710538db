from decimal import Decimal

import pytest
from django.apps import apps
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Sum

from engagements.models import FeeTerm
from engagements.models.fields import BIGGEST, HoursField, MoneyField
from tests.factories import make_contract


@pytest.mark.django_db
@pytest.mark.parametrize(
    "amount", ["0", "0.0001", "12345678901.8900", "922337203685.4775"]
)
def test_money_comes_back_as_it_was_stored(amount: str) -> None:
    contract = make_contract(fee=Decimal(amount))
    assert FeeTerm.objects.get(contract=contract).monthly_fee == Decimal(amount)


@pytest.mark.django_db
def test_money_sums_exactly() -> None:
    for _ in range(10):
        make_contract(fee=Decimal("0.1000"))
    total = FeeTerm.objects.aggregate(total=Sum("monthly_fee"))["total"]
    assert total == Decimal("1.0000")


@pytest.mark.django_db
def test_money_can_be_filtered_by_decimal() -> None:
    make_contract(fee=Decimal("99.99"))
    make_contract(fee=Decimal("100.01"))
    found = FeeTerm.objects.filter(monthly_fee__gt=Decimal(100))
    assert [term.monthly_fee for term in found] == [Decimal("100.01")]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("1.00001", "Give at most 4 decimals."),
        ("NaN", "Give a finite number."),
        ("Infinity", "Give a finite number."),
        ("1e400", "less than or equal to"),
        ("ten", "“ten” is not a number."),
    ],
)
def test_money_refuses_what_it_cannot_hold(value: str, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        MoneyField().clean(value, None)


def test_money_refuses_floating_point() -> None:
    with pytest.raises(ValidationError, match="exact number"):
        MoneyField().clean(0.1, None)


def test_sums_of_the_largest_amounts_fit_the_column() -> None:
    assert MoneyField().get_prep_value(MoneyField().limit) <= BIGGEST // 1000


def test_hours_keep_hundredths() -> None:
    assert HoursField().get_prep_value(Decimal("7.25")) == 725
    with pytest.raises(ValidationError, match="at most 2 decimals"):
        HoursField().clean("7.255", None)


def test_no_column_holds_money_as_float_or_decimal() -> None:
    inexact = [
        f"{model.__name__}.{field.name}"
        for app in ("engagements", "tracker")
        for model in apps.get_app_config(app).get_models()
        for field in model._meta.concrete_fields
        if isinstance(field, models.FloatField | models.DecimalField)
    ]
    # Shares and points of the fit engine: judgements, computed in floating point.
    assert inexact == [
        "Policy.tendency",
        "Assessment.acceptability",
        "Assessment.opposition",
        "Assessment.coverage",
        "Assessment.margin",
        "Flag.opposition",
        "Decision.opposition",
        "GroupVerdict.acceptability",
        "GroupVerdict.coverage",
        "Advice.acceptability",
        "Advice.coverage",
        "Advice.margin",
    ]
