"""Where the admin shows an engagement: each model has its own page."""

from typing import Any

from django.urls import reverse

from engagements.choices import Kind

PAGES = {Kind.MANAGED.value: "managedcontract", Kind.AUGMENTED.value: "assignment"}


def page_of(engagement: Any) -> str:
    name = f"admin:engagements_{PAGES[engagement.kind]}_change"
    return reverse(name, args=[engagement.pk])
