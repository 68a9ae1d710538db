"""The guides of docs/ beside the API's description, drawn by the same script."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from tracker.api.formats import encode

_HEADING = re.compile(r"\A# (?P<title>.+)\n")
_LINK = re.compile(r"\[(?P<text>[^\]]+)\]\((?P<address>[^)\s]+)\)")


@dataclass(frozen=True)
class Guide:
    """One page: `path` is below docs/, where it reads as well."""

    title: str
    path: str


GUIDES: Mapping[str, Guide] = {
    "push-people": Guide(
        "Push your people from Okta, Entra, BambooHR", "guides/push-people.md"
    ),
    "pull-contingent-workers": Guide(
        "Pull contingent workers into Workday or HiBob",
        "guides/pull-contingent-workers.md",
    ),
    "receive-events": Guide("Receive events", "webhooks.md"),
    "api": Guide("The API", "api.md"),
    "people-from-your-identity-tool": Guide(
        "People from your identity tool", "scim.md"
    ),
}


def _address(slug: str) -> str:
    return reverse("api:guide", args=[slug])


@require_safe
def docs(request: HttpRequest) -> HttpResponse:
    return _page(request, "API", reverse("api:openapi"))


@require_safe
def guide(request: HttpRequest, slug: str) -> HttpResponse:
    if slug not in GUIDES:
        raise Http404
    text = reverse("api:guide-text", args=[slug])
    return _page(request, GUIDES[slug].title, text, slug)


@require_safe
@cache_control(public=True, max_age=300)
def guide_text(request: HttpRequest, slug: str) -> HttpResponse:
    if slug not in GUIDES:
        raise Http404
    return HttpResponse(_described(slug), content_type="application/json")


def _page(
    request: HttpRequest, title: str, document: str, slug: str = ""
) -> HttpResponse:
    links = [
        (reverse("api:docs"), "Description", not slug),
        *((_address(one), found.title, one == slug) for one, found in GUIDES.items()),
    ]
    told = {
        "title": title,
        "document": document,
        "is_guide": slug,
        "nav_label": "Guides",
        "guides": links,
    }
    return render(request, "tracker/api_docs.html", told)


@cache
def _described(slug: str) -> bytes:
    """Return the guide as a description of nothing else, which is what is drawn."""
    found = GUIDES[slug]
    text = (settings.BASE_DIR / "docs" / found.path).read_text(encoding="utf-8")
    info = {
        "title": found.title,
        "version": "1",
        "description": linked(_HEADING.sub("", text), below=found.path),
    }
    return encode({"openapi": "3.1.0", "info": info, "paths": {}})


def linked(text: str, *, below: str) -> str:
    """Return the text with links to guides led there; of other pages only the words."""
    folder = posixpath.dirname(below)
    pages = {found.path: slug for slug, found in GUIDES.items()}

    def led(match: re.Match[str]) -> str:
        words, address = match["text"], match["address"]
        if "://" in address:
            return match[0]
        page = posixpath.normpath(posixpath.join(folder, address.partition("#")[0]))
        return f"[{words}]({_address(pages[page])})" if page in pages else words

    return _LINK.sub(led, text)
