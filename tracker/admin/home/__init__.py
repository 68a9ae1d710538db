"""The admin's first page: what each person has to look after now."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from tracker.admin.home import (
    approvals,
    credits,
    deadlines,
    decisions,
    departures,
    exceptions,
    failures,
    flags,
    health,
    hours,
    imports,
    invoices,
    jobs,
    latest,
    mine,
    people,
    reviews,
    service_levels,
    spend,
    tasks,
    tenure,
)
from tracker.admin.home.sections import sections_for

admin.site.index_template = "tracker/admin/home.html"


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Add what the home page shows; django-unfold calls this by its name."""
    return context | {"title": None, "sections": sections_for(request)}


__all__ = [
    "approvals",
    "credits",
    "dashboard",
    "deadlines",
    "decisions",
    "departures",
    "exceptions",
    "failures",
    "flags",
    "health",
    "hours",
    "imports",
    "invoices",
    "jobs",
    "latest",
    "mine",
    "people",
    "reviews",
    "service_levels",
    "spend",
    "tasks",
    "tenure",
]
