"""Which rows a filter can match at all, asked of the database.

Whether a row matches is decided by the filter itself; this only keeps it from being
asked of everybody where a tool looks for one, by the comparisons that tools send.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import reduce
from operator import and_, or_
from typing import Any
from uuid import UUID

from django.db.models import Q
from scim2_models import ScimFilter
from scim2_models.path import (
    AttrPath,
    CompareOperator,
    Comparison,
    FilterVisitor,
    LogicalExpr,
    LogicalOperator,
    Not,
    Present,
    ValuePath,
)

from tracker.directory.matching import email_keys, key_of

Narrow = Callable[[str], Q]
NOTHING = Q(pk__in=[])


def _id(value: str) -> Q:
    try:
        return Q(public_id=UUID(value))
    except ValueError:
        return NOTHING


def _member(value: str) -> Q:
    try:
        return Q(members__public_id=UUID(value))
    except ValueError:
        return NOTHING


PEOPLE: Mapping[str, Narrow] = {
    "id": _id,
    "externalid": lambda value: Q(external_id=value),
    "username": lambda value: Q(user_name_key=key_of(value)),
    "emails": lambda value: Q(email_keys__contains=email_keys([value])),
    "emails.value": lambda value: Q(email_keys__contains=email_keys([value])),
}
TEAMS: Mapping[str, Narrow] = {
    "id": _id,
    "externalid": lambda value: Q(external_id=value),
    "displayname": lambda value: Q(name_key=key_of(value)),
    "members": _member,
    "members.value": _member,
}


def narrowed(scim_filter: ScimFilter[Any] | None, by: Mapping[str, Narrow]) -> Q:
    """Return a condition that every row keeps which the filter may match."""
    return Q() if scim_filter is None else _Narrowing(by).visit(scim_filter.ast)


class _Narrowing(FilterVisitor[Q]):
    def __init__(self, by: Mapping[str, Narrow], within: str = "") -> None:
        self._by = by
        self._within = within

    def visit_comparison(self, node: Comparison) -> Q:
        name = ".".join(filter(None, (self._within, _name(node.attr_path))))
        narrow = self._by.get(name)
        if narrow is None or node.op != CompareOperator.eq:
            return Q()
        return narrow(node.value) if isinstance(node.value, str) else Q()

    def visit_logical_expr(self, node: LogicalExpr) -> Q:
        parts = [self.visit(term) for term in node.terms]
        if node.op == LogicalOperator.and_:
            return reduce(and_, parts, Q())
        # Where one of them bounds nothing, anybody may match.
        return reduce(or_, parts) if all(parts) else Q()

    def visit_value_path(self, node: ValuePath) -> Q:
        return _Narrowing(self._by, _name(node.attr_path)).visit(node.val_filter)

    def visit_not(self, node: Not) -> Q:
        return Q()

    def visit_present(self, node: Present) -> Q:
        return Q()


def _name(path: AttrPath) -> str:
    return ".".join(filter(None, (path.attr, path.sub_attr))).lower()
