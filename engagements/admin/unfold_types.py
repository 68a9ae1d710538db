"""django-unfold's classes, as the type checker knows them: it ships no annotations."""

from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from django.contrib import admin

    UnfoldModelAdmin: TypeAlias = admin.ModelAdmin[Any]
    UnfoldTabularInline: TypeAlias = admin.TabularInline[Any, Any]
    UnfoldStackedInline: TypeAlias = admin.StackedInline[Any, Any]
else:
    from unfold.admin import ModelAdmin as UnfoldModelAdmin
    from unfold.admin import StackedInline as UnfoldStackedInline
    from unfold.admin import TabularInline as UnfoldTabularInline

__all__ = ["UnfoldModelAdmin", "UnfoldStackedInline", "UnfoldTabularInline"]
