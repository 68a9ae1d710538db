"""The same words in every language of the product."""

from collections.abc import Callable
from typing import TypeVar

from django.conf import settings
from django.utils import translation

from engagements.values.language import locale

Said = TypeVar("Said")


def in_english(say: Callable[[], Said]) -> Said:
    """Return what is said to a reader of the language that the code is written in."""
    with translation.override(settings.LANGUAGE_CODE):
        return say()


def in_other_languages(say: Callable[[], Said]) -> dict[str, Said]:
    """Return, by locale, what is said to readers of each language but English."""
    found = {}
    for code, _name in settings.LANGUAGES:
        if code != settings.LANGUAGE_CODE:
            with translation.override(code):
                found[locale()] = say()
    return found


def other_locales() -> list[str]:
    """The keys of what is said in every language but English."""
    return list(in_other_languages(locale))
