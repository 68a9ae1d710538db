"""django-unfold's classes and decorators, for a type checker that finds no types."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from unfold.admin import ModelAdmin, TabularInline

F = TypeVar("F", bound=Callable[..., Any])

if TYPE_CHECKING:

    def display(
        *,
        description: Any = None,
        ordering: Any = None,
        label: Any = None,
        boolean: bool | None = None,
        empty_value: Any = None,
    ) -> Callable[[F], F]: ...

    def action(
        *,
        description: Any = None,
        url_path: str | None = None,
        icon: str | None = None,
        permissions: Any = None,
        dialog: Any = None,
    ) -> Callable[[F], F]: ...

else:
    from unfold.decorators import action, display


class UnfoldModelAdmin(ModelAdmin):  # type: ignore[misc] # untyped, as of 0.91
    """A page of the admin."""


class UnfoldTabularInline(TabularInline):  # type: ignore[misc] # untyped, as of 0.91
    """Lines on a page of the admin."""


__all__ = ["UnfoldModelAdmin", "UnfoldTabularInline", "action", "display"]
