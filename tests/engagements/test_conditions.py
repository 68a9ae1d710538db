"""Conditions are asked all at once, and told apart only where one is broken."""

from datetime import date

import pytest
from django.apps import apps
from django.core.exceptions import ValidationError
from django.db import models

from engagements.models import ManagedContract
from engagements.models.conditions import Conditioned, holds, joint_condition
from tests.factories import make_contract

pytestmark = pytest.mark.django_db

MODELS = [
    model
    for model in apps.get_models()
    if issubclass(model, Conditioned) and joint_condition(model, frozenset())
]


def broken() -> ManagedContract:
    contract = make_contract()
    contract.ends_on = date(1999, 1, 1)
    contract.currency = "EU"
    return contract


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_all_conditions_of_a_model_can_be_asked_at_once(model):
    assert len(MODELS) > 40
    assert holds(model(), model, frozenset()) in {True, False}


def test_valid_record_is_asked_once_per_table(django_assert_num_queries):
    contract = make_contract()

    # ManagedContract's and Engagement's, each within a savepoint.
    with django_assert_num_queries(6):
        contract.validate_constraints(exclude={"reference", "external_id"})


def test_broken_conditions_are_told_as_django_tells_them():
    contract = broken()

    with pytest.raises(ValidationError) as ours:
        contract.validate_constraints()
    with pytest.raises(ValidationError) as djangos:
        models.Model.validate_constraints(contract)

    assert ours.value.message_dict == djangos.value.message_dict
    assert len(ours.value.messages) > 1


def test_condition_that_reads_an_excluded_field_is_not_asked():
    contract = broken()

    contract.validate_constraints(exclude={"ends_on", "currency"})

    assert contract.get_constraints() == models.Model.get_constraints(contract)
