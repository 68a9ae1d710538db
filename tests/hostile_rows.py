"""Rows that the database must refuse, found from the constraints themselves.

Foreign keys are checked at commit on both engines, and nothing here is committed: so
a row needs no other rows, only values that its own constraints allow.
"""

from __future__ import annotations

import itertools
import math
import random
import re
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from functools import cache
from typing import Any

from django.apps import apps
from django.db import DatabaseError, connection, models, transaction
from django.db.models import CheckConstraint, Field, Model, Q, UniqueConstraint, Value
from django.db.models.expressions import BaseExpression
from django.db.models.fields import PositiveIntegerRelDbTypeMixin
from django.db.models.lookups import Exact

from engagements.models.fields import ScaledField

APPS = ("engagements", "tracker")
Row = dict[str, Any]
_HELD: dict[tuple[Q, str], bool] = {}
_numbers = itertools.count(1_000_000)


@cache
def all_models() -> list[type[Model]]:
    """Return the models of every table of ours, those that link two others too."""
    return [
        model
        for name in APPS
        for model in apps.get_app_config(name).get_models(include_auto_created=True)
    ]


def columns(model: type[Model]) -> list[Field[Any, Any]]:
    """Return what the model's own table holds."""
    return list(model._meta.local_concrete_fields)


def links(model: type[Model]) -> list[Field[Any, Any]]:
    """Return the foreign keys of the model's own table."""
    return [f for f in columns(model) if isinstance(f, models.ForeignKey)]


def given_columns(model: type[Model]) -> list[Field[Any, Any]]:
    """Return what every row has to have; a number that counts up is given by itself."""
    return [
        field
        for field in columns(model)
        if not field.null and not isinstance(field, models.AutoField)
    ]


def checks(model: type[Model]) -> list[CheckConstraint]:
    return [c for c in model._meta.constraints if isinstance(c, CheckConstraint)]


def condition_of(constraint: CheckConstraint) -> Q:
    condition = constraint.condition
    return condition if isinstance(condition, Q) else Q(condition)


def uniques(model: type[Model]) -> list[UniqueConstraint]:
    return [c for c in model._meta.constraints if isinstance(c, UniqueConstraint)]


def insert(model: type[Model], row: Row) -> None:
    """Write the row by raw SQL; DatabaseError where refused."""
    fields = columns(model)
    values = [stored_value(field, row[field.name]) for field in fields]
    names = (connection.ops.quote_name(str(field.column)) for field in fields)
    sql = (
        f"INSERT INTO {model._meta.db_table} ({', '.join(names)})"
        f" VALUES ({', '.join(['%s'] * len(fields))})"
    )
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql, values)


def stored_value(field: Field[Any, Any], value: Any) -> Any:
    return None if value is None else field.get_db_prep_save(value, connection)


def refusal(model: type[Model], row: Row) -> str:
    """Return the name of the constraint that refuses the row, "" where none does.

    The row isn't kept. SQLite names a unique constraint by its columns.
    """
    with transaction.atomic():
        try:
            insert(model, row)
        except DatabaseError as error:
            return refused_by(error)
        transaction.set_rollback(True)
    return ""


def refused_by(error: DatabaseError) -> str:
    diagnosis = getattr(error.__cause__, "diag", None)
    if diagnosis is not None:
        return str(diagnosis.constraint_name or diagnosis.message_primary)
    return re.sub(r"^[\w ]+ constraint failed: ", "", str(error))


@dataclass(frozen=True)
class Wish:
    """What a row is to meet, or to break."""

    condition: Q
    is_met: bool = True

    def holds(self, row: Row) -> bool:
        return holds(self.condition, row) is self.is_met


def acceptable_row(model: type[Model], condition: Q | None = None) -> Row:
    """Return a row that the table takes and that meets the condition."""
    row = plain_row(model)
    if condition is not None:
        found = found_row(model, row, [*wishes_of(model), Wish(condition)])
        assert found is not None, f"{model._meta.label}: no row was found"
        row = found
    return dict(row)


@cache
def plain_row(model: type[Model]) -> Row:
    row = {field.name: first_value(field) for field in columns(model)}
    found = found_row(model, row, wishes_of(model))
    assert found is not None, f"{model._meta.label}: no row was found"
    return found


def forbidden_row(model: type[Model], constraint: CheckConstraint) -> Row | None:
    """Return a row that breaks the constraint and no other; None where none does."""
    broken = Wish(condition_of(constraint), is_met=False)
    others = wishes_of(model, apart_from=constraint)
    return found_row(model, plain_row(model), [broken, *others])


def wishes_of(
    model: type[Model], *, apart_from: CheckConstraint | None = None
) -> list[Wish]:
    counts = [Wish(Q((f"{field.name}__gte", 0))) for field in count_columns(model)]
    stated = [Wish(condition_of(c)) for c in checks(model) if c != apart_from]
    return [*counts, *stated]


def count_columns(model: type[Model]) -> list[Field[Any, Any]]:
    return [f for f in columns(model) if isinstance(f, PositiveIntegerRelDbTypeMixin)]


def found_row(model: type[Model], start: Row, wishes: list[Wish]) -> Row | None:
    row: Row | None = start
    seen = []
    # Values that grant one wish may deny another: go round until none is denied.
    for _round in range(40):
        if row is None:
            return None
        denied = [wish for wish in wishes if not wish.holds(row)]
        if not denied:
            return row
        seen.append(row)
        row = mended(model, row, denied[-1], wishes, seen)
    return None


def mended(
    model: type[Model], row: Row, denied: Wish, wishes: list[Wish], seen: list[Row]
) -> Row | None:
    """Return the row with values that grant `denied`, and deny the fewest others."""
    granted = [
        other
        for other in variants(model, row, denied.condition)
        if denied.holds(other) and other not in seen
    ]
    return min(
        granted,
        key=lambda other: sum(not wish.holds(other) for wish in wishes),
        default=None,
    )


def holds(condition: Q, row: Row) -> bool:
    """Return whether the database finds the condition true, or unknown, of the row."""
    known = {name: row[name] for name in condition.referenced_base_fields}
    # The database is asked, so once for the same values.
    asked = condition, repr(sorted(known.items()))
    if asked not in _HELD:
        given = {name: in_database(value) for name, value in known.items()}
        _HELD[asked] = condition.check(given)
    return _HELD[asked]


def in_database(value: Any) -> Any:
    # A bare None has no type that PostgreSQL could compare.
    return Value(None, output_field=models.CharField()) if value is None else value


def variants(model: type[Model], row: Row, condition: Q) -> Iterator[Row]:
    """Return the row with each combination of values that the condition tells apart."""
    fields = [
        field
        for field in columns(model)
        if field.name in condition.referenced_base_fields
    ]
    literals = list(literals_of(condition))
    pools = [list(candidates(field, literals)) for field in fields]
    for values in combinations(pools):
        yield row | {f.name: v for f, v in zip(fields, values, strict=True)}


def combinations(pools: list[list[Any]]) -> Iterator[tuple[Any, ...]]:
    """Return every combination, or a fixed choice of 1,000 where there are more."""
    if math.prod(map(len, pools)) <= 1_000:
        return itertools.product(*pools)
    chosen = random.Random(0)
    return (tuple(map(chosen.choice, pools)) for _ in range(1_000))


def literals_of(condition: Any) -> Iterator[Any]:
    """Return the plain values that a condition compares with."""
    if isinstance(condition, Q):
        for child in condition.children:
            yield from literals_of(child[1] if isinstance(child, tuple) else child)
    elif isinstance(condition, BaseExpression):
        for source in condition.get_source_expressions():
            yield from literals_of(source)
        if isinstance(condition, Value):
            yield condition.value
        right = getattr(condition, "rhs", None)
        if right is not None and not isinstance(right, BaseExpression):
            yield right
    elif isinstance(condition, list | tuple | set):
        yield from condition
    else:
        yield condition


DAYS = [date(2026, 3, 1), date(2026, 4, 1), date(2026, 2, 14), date(2026, 3, 31)]
MOMENTS = [datetime(2026, 3, day, 12, tzinfo=UTC) for day in (1, 2)]
TIMES = [time(9), time(17), time(8)]


def candidates(field: Field[Any, Any], literals: Iterable[Any]) -> Iterator[Any]:
    if field.null:
        yield None
    if isinstance(field, models.ForeignKey):
        yield from (1, 2)
    elif isinstance(field, models.BooleanField):
        yield from (False, True)
    elif isinstance(field, models.DateTimeField):
        yield from MOMENTS
    elif isinstance(field, models.DateField):
        yield from DAYS
    elif isinstance(field, models.TimeField):
        yield from TIMES
    elif isinstance(field, models.UUIDField):
        yield from (uuid.UUID(int=1), uuid.UUID(int=2))
    elif isinstance(field, models.JSONField):
        yield from ({}, {"a": 1}, [])
    elif isinstance(field, models.FloatField | models.IntegerField):
        yield from numbers(field, literals)
    else:
        yield from texts(field, literals)


def numbers(field: Field[Any, Any], literals: Iterable[Any]) -> Iterator[Any]:
    step = field.step if isinstance(field, ScaledField) else 1
    plain = [each for each in literals if isinstance(each, int | float | Decimal)]
    near = {Decimal(each) + gap for each in [*plain, 0, 1, 100] for gap in (0, 1, -1)}
    near |= {Decimal(each) + step for each in plain}
    kind = field_type(field)
    for value in sorted(near, key=lambda each: (each < 0, each)):
        yield kind(value)


def field_type(field: Field[Any, Any]) -> Callable[[Decimal], Any]:
    if isinstance(field, ScaledField):
        return Decimal
    return float if isinstance(field, models.FloatField) else int


def texts(field: Field[Any, Any], literals: Iterable[Any]) -> Iterator[str]:
    plain = [each for each in literals if isinstance(each, str)]
    known = [str(value) for value, _label in field.flatchoices]
    other = ["", "GBP", "EUR", "GB", "x", "nonsense"]
    # Of the lengths that a condition asks for.
    whole = ["a" * each for each in literals if type(each) is int and 0 < each < 999]
    limit = field.max_length or 1000
    found = dict.fromkeys([*known, *plain, *other, *whole])
    yield from (value for value in found if len(value) <= limit)


def first_value(field: Field[Any, Any]) -> Any:
    if field.unique:
        return unlike_any_other(field)
    if field.has_default():
        return field.get_default()
    return next(iter(candidates(field, [])))


def unlike_any_other(field: Field[Any, Any], like: Any = None) -> Any:
    """Return a value that no other row has; a text as long as the one it is like."""
    number = next(_numbers)
    if isinstance(field, models.AutoField):
        return number
    if isinstance(field, models.UUIDField):
        return uuid.uuid4()
    if isinstance(field, models.ForeignKey | models.IntegerField):
        return number
    if isinstance(field, models.DateField):
        return date.fromordinal(700_000 + number % 30_000)
    return str(number).rjust(len(like or ""), "0")


def twin(model: type[Model], row: Row, keeping: Iterable[str]) -> Row:
    """Return a row that the table takes beside `row`, but for the columns kept."""
    kept = set(keeping)
    fresh = {
        field.name: unlike_any_other(field, row[field.name])
        for field in columns(model)
        if field.name not in kept
        and row[field.name] is not None
        and (field.unique or isinstance(field, models.ForeignKey))
    }
    other = row | fresh
    for constraint in uniques(model):
        names = unique_names(constraint)
        # Nothing in a column is unlike anything else, nothing itself included.
        is_apart = any(other[name] is None for name in constraint.fields)
        if not is_apart and not names & (kept | set(fresh)):
            other |= told_apart(model, other, names)
    return other


def unique_names(constraint: UniqueConstraint) -> set[str]:
    expressions = [Q(Exact(each, 1)) for each in constraint.expressions]
    named = (expression.referenced_base_fields for expression in expressions)
    return {*constraint.fields}.union(*named)


def told_apart(model: type[Model], row: Row, names: set[str]) -> Row:
    """Return another value for one of the columns, such that no check refuses it."""
    for name in sorted(names):
        (field,) = (field for field in columns(model) if field.name == name)
        value = unlike_any_other(field, row[name])
        if all(wish.holds(row | {name: value}) for wish in wishes_of(model)):
            return {name: value}
    raise AssertionError(f"{model._meta.label}: {names} can't be told apart")


@contextmanager
def undone() -> Iterator[None]:
    """Take back what the block writes: nobody looks for its foreign keys then."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def emptied() -> None:
    """Take out what migrations wrote: a row of theirs may be the only one allowed."""
    for model in all_models():
        if model._base_manager.exists():
            model._base_manager.all()._raw_delete(connection.alias)
