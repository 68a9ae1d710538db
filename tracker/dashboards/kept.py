"""Parts of pages and answers as they were last made, for whoever would get the same.

Each is kept under everything that it is made of, the version of the data among it, so
that nothing a commit has changed is ever found again; decision 0083. What is the
reader's own, such as their name or token, is no part of it.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.core.cache import caches
from django.http import HttpRequest
from django.middleware.csrf import get_token
from django.template.loader import render_to_string
from django.utils.safestring import SafeString, mark_safe

STORE = "pages"
# What is larger is made anew each time, so that the store's size has a bound.
LONGEST = 512 * 1024


@dataclass(frozen=True)
class Content:
    """A part of a page; between the pieces goes the reader's own token."""

    title: str
    pieces: tuple[str, ...]

    def html(self, request: HttpRequest) -> SafeString:
        token = get_token(request) if len(self.pieces) > 1 else ""
        return mark_safe(token.join(self.pieces))  # noqa: S308 - templates made it


def rendered(
    request: HttpRequest, template: str, context: Mapping[str, Any], title: str = ""
) -> Content:
    """Return what the template makes of the context, parted where the token stood."""
    # Nobody can guess it, so that no name of a record can hold it.
    place = secrets.token_hex(32)
    text = render_to_string(template, {**context, "csrf_token": place}, request)
    return Content(title, tuple(text.split(place)))


def kept_content(name: str) -> Content | None:
    found: Content | None = caches[STORE].get(name)
    return found


def keep_content(name: str, content: Content) -> Content:
    if sum(map(len, content.pieces)) <= LONGEST:
        caches[STORE].set(name, content)
    return content


def kept_answer(name: str) -> bytes | None:
    found: bytes | None = caches[STORE].get(name)
    return found


def keep_answer(name: str, answer: bytes) -> bytes:
    if len(answer) <= LONGEST:
        caches[STORE].set(name, answer)
    return answer
