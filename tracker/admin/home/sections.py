"""The home page is made of sections; each is a function in a file of its own.

A section says for whom it is, and tells nothing where there is nothing to tell. Who
has several roles sees each section once.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString

from engagements.admin.record_admin import actor_of
from engagements.choices import Role
from engagements.models import User
from engagements.permissions import roles_of

# So many rows of each kind stand on the page; a link leads to the others.
SHOWN = 10


@dataclass(frozen=True)
class Column:
    title: Any
    is_figure: bool = False
    # Left out on a phone, where what matters must be seen without scrolling sideways.
    is_extra: bool = False


@dataclass(frozen=True)
class Cell:
    text: Any = ""
    link: str = ""
    note: Any = ""
    # Of a label such as unfold's own: success, warning, danger, info.
    colour: str = ""
    # Whether the note says that it is late.
    is_pressing: bool = False


Row = Sequence[Cell | SafeString | str | None]


@dataclass(frozen=True)
class Section:
    title: Any
    columns: Sequence[Column]
    rows: Sequence[Row]
    # How many there are in all, where that says more than the rows.
    count: int | None = None
    # Said in place of rows; without it a section without rows isn't shown.
    empty: Any = ""
    link: str = ""
    link_text: Any = ""
    # Stands beside another one where there is room.
    is_narrow: bool = False
    # Its place on the page, for links to it; given when it is built.
    name: str = ""

    @property
    def has_more(self) -> bool:
        return self.count is not None and self.count > len(self.rows)

    @property
    def lines(self) -> list[list[tuple[Column, Cell]]]:
        return [
            [
                (column, cell if isinstance(cell, Cell) else Cell(cell))
                for column, cell in zip(self.columns, row, strict=True)
            ]
            for row in self.rows
        ]


@dataclass(frozen=True)
class Asked:
    request: HttpRequest
    user: User
    today: date


Build = Callable[[Asked], Section | None]


@dataclass(frozen=True)
class _Registered:
    order: int
    name: str
    roles: frozenset[str]
    build: Build


_SECTIONS: list[_Registered] = []


def home_section(order: int, *roles: Role) -> Callable[[Build], Build]:
    """Register a section for people of the roles; without roles, for everybody.

    `order` says where it stands and is taken once. Who asks is let in by what the
    section's own queries show, not by the role alone.
    """

    def register(build: Build) -> Build:
        if any(known.order == order for known in _SECTIONS):
            raise ImproperlyConfigured(f"Two sections of the home page at {order}.")
        _SECTIONS.append(_Registered(order, build.__name__, frozenset(roles), build))
        _SECTIONS.sort(key=lambda known: known.order)
        return build

    return register


def sections_for(request: HttpRequest) -> list[Section]:
    user = actor_of(request)
    asked = Asked(request, user, timezone.localdate())
    mine = roles_of(user)
    built = (
        _built(known, asked)
        for known in _SECTIONS
        if not known.roles or known.roles & mine
    )
    return [section for section in built if section is not None]


def _built(known: _Registered, asked: Asked) -> Section | None:
    section = known.build(asked)
    if section is None or not (section.rows or section.empty):
        return None
    return replace(section, name=known.name)
