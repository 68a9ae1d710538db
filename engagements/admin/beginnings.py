"""What a new engagement may begin from, besides a blank page.

The records of what was agreed know nothing of where an idea came from; those who do
register here, under the parameter of the add page's address that names their record.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest
from django.utils.safestring import SafeString

from engagements.models import Engagement, User


@dataclass(frozen=True)
class Beginning:
    """Fields of the add page filled in, and what to say of it: HTML, escaped."""

    note: SafeString
    initial: Mapping[str, Any] = field(default_factory=dict)


class DraftSource(ABC):
    """Where engagements may begin from. `key` is as posted: anybody's guess."""

    @abstractmethod
    def begin(self, key: str, model: type[Engagement], user: User) -> Beginning | None:
        """What the page begins with, or None for what the user may not use."""

    @abstractmethod
    def keep(self, key: str, engagement: Engagement, user: User) -> str:
        """Link the stored engagement to its source; return what to warn of."""


_SOURCES: dict[str, DraftSource] = {}


def begins_from(parameter: str, source: DraftSource) -> None:
    """Register a source; each parameter names one."""
    if parameter in _SOURCES:
        raise ImproperlyConfigured(f"“{parameter}” names a source already.")
    _SOURCES[parameter] = source


def beginnings(
    request: HttpRequest, model: type[Engagement], user: User
) -> Iterator[Beginning]:
    for key, source in _named(request):
        beginning = source.begin(key, model, user)
        if beginning is not None:
            yield beginning


def keep_sources(
    request: HttpRequest, engagement: Engagement, user: User
) -> Iterator[str]:
    """Link the engagement to all that it began from; yield warnings."""
    for key, source in _named(request):
        warning = source.keep(key, engagement, user)
        if warning:
            yield warning


def _named(request: HttpRequest) -> Iterator[tuple[str, DraftSource]]:
    for parameter, source in _SOURCES.items():
        key = request.GET.get(parameter)
        if key:
            yield key, source
