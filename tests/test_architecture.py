"""What import-linter cannot see: foreign keys named by text, and names of modules."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.db.models import Field, Model

from config.env import BASE_DIR

# Lowest first: a record may point at its own layer or below.
APPS = ["engagements", "tracker"]
SLICES = [
    f"tracker.{name}" for name in ("jobs", "spend", "performance", "fit", "webhooks")
]

NAMES_THAT_SAY_NOTHING = {
    *("base", "common", "handler", "handlers", "helper", "helpers", "manager"),
    *("managers", "misc", "util", "utils"),
}


def foreign_keys(label: str) -> Iterator[tuple[Field[Any, Any], type[Model]]]:
    for model in apps.get_app_config(label).get_models(include_auto_created=True):
        for field in model._meta.get_fields():
            # What points here from elsewhere is listed too, but is not a column.
            if isinstance(field, Field) and field.is_relation and field.related_model:
                yield field, field.related_model


def is_above(target: type[Model], source: type[Model], order: list[str]) -> bool:
    """Tell whether `target` stands higher in `order`, by the module it is in."""
    ranks = [
        next((rank for rank, name in enumerate(order) if is_in(model, name)), -1)
        for model in (target, source)
    ]
    return ranks[0] > ranks[1]


def is_in(model: type[Model], package: str) -> bool:
    return f"{model.__module__}.".startswith(f"{package}.")


@pytest.mark.parametrize("order", [APPS, SLICES], ids=["apps", "slices"])
def test_foreign_key_never_points_up(order):
    upward = [
        f"{field} -> {target._meta.label}"
        for label in APPS
        for field, target in foreign_keys(label)
        if is_above(target, field.model, order)
    ]

    assert upward == []


@pytest.mark.parametrize(
    ("target", "source", "expected"),
    [
        ("tracker.spend.models", "engagements.models.vendor", True),
        ("engagements.models.vendor", "tracker.spend.models", False),
        ("django.contrib.auth.models", "engagements.models.people", False),
    ],
)
def test_is_above_compares_apps(target, source, expected):
    models: list[Any] = [
        type("Model", (), {"__module__": name}) for name in (target, source)
    ]

    assert is_above(models[0], models[1], APPS) is expected


def test_foreign_keys_of_engagements_are_found():
    found = {str(field) for field, _ in foreign_keys("engagements")}

    assert "engagements.Engagement.vendor" in found


def python_files() -> list[Path]:
    return [
        path
        for folder in ("config", "engagements", "tracker", "tests")
        for path in (BASE_DIR / folder).rglob("*.py")
    ]


def test_module_names_say_what_is_inside():
    vague = [
        str(path.relative_to(BASE_DIR))
        for path in python_files()
        if {path.stem, path.parent.name} & NAMES_THAT_SAY_NOTHING
    ]

    assert vague == []
