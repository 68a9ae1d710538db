"""The same words in every language of the product."""

from collections.abc import Callable
from typing import TypeVar

from django.conf import settings
from django.utils import translation

from engagements.values import language

Said = TypeVar("Said")


class _Remembered:
    """The active language, which is asked once for each text.

    A night says the same few hundred texts a million times.  Django finds out at each
    which language is active, and looks for one that a catalogue lacks, as English
    lacks ours, in all that might stand in.
    """

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}
        self._locale = language.locale()

    def gettext(self, message: str, /) -> str:
        if message not in self._texts:
            self._texts[message] = translation.gettext(message)
        return self._texts[message]

    def ngettext(self, singular: str, plural: str, number: int, /) -> str:
        return translation.ngettext(singular, plural, number)

    def locale(self) -> str:
        return self._locale


def in_english(say: Callable[[], Said]) -> Said:
    """Return what is said to a reader of the language that the code is written in."""
    return _in(settings.LANGUAGE_CODE, say)


def in_other_languages(say: Callable[[], Said]) -> dict[str, Said]:
    """Return, by locale, what is said to readers of each language but English."""
    codes = [code for code, _name in settings.LANGUAGES]
    codes.remove(settings.LANGUAGE_CODE)
    return {translation.to_locale(code): _in(code, say) for code in codes}


def other_locales() -> list[str]:
    """The keys of what is said in every language but English."""
    return list(in_other_languages(lambda: None))


def _in(code: str, say: Callable[[], Said]) -> Said:
    with translation.override(code), language.held(_Remembered()):
        return say()
