from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from django.db import models
from django.db.models import CheckConstraint, Q


class Conditioned(models.Model):
    """A model that asks the database once whether all its conditions hold.

    Django asks for each of them, and tells it every field each time: a third of what
    saving an engagement took.
    """

    _conditions_hold = False

    class Meta:
        abstract = True

    def validate_constraints(self, exclude: Iterable[str] | None = None) -> None:
        excluded = frozenset(exclude or ())
        self._conditions_hold = all(
            holds(self, model, excluded) for model, _ in super().get_constraints()
        )
        try:
            super().validate_constraints(excluded)
        finally:
            self._conditions_hold = False

    def get_constraints(self) -> list[tuple[type[models.Model], Any]]:
        """Return those still to ask one by one: all, where a condition is broken."""
        found = super().get_constraints()
        if not self._conditions_hold:
            return found
        return [
            (model, [one for one in those if not isinstance(one, CheckConstraint)])
            for model, those in found
        ]


def holds(
    instance: models.Model, model: type[models.Model], excluded: frozenset[str]
) -> bool:
    condition = joint_condition(model, excluded)
    if condition is None:
        return True
    unread = {field.name for field in model._meta.local_concrete_fields} | {"pk"}
    unread -= condition.referenced_base_fields
    # Private, and what Django's own constraints ask.
    values = instance._get_field_expression_map(  # type: ignore[attr-defined]
        meta=model._meta, exclude=excluded | unread
    )
    return bool(condition.check(values))


@lru_cache(maxsize=1024)
def joint_condition(model: type[models.Model], excluded: frozenset[str]) -> Q | None:
    """Return a model's conditions as one, without those that read what is excluded."""
    conditions = [
        Q(one.condition)
        for one in model._meta.constraints
        if isinstance(one, CheckConstraint)
    ]
    asked = [one for one in conditions if not one.referenced_base_fields & excluded]
    return Q(*asked) if asked else None
