"""In which language pure modules speak: English, unless somebody sets another."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol


class Language(Protocol):
    def gettext(self, message: str, /) -> str: ...
    def ngettext(self, singular: str, plural: str, number: int, /) -> str: ...
    def locale(self) -> str: ...


class English:
    def gettext(self, message: str, /) -> str:
        return message

    def ngettext(self, singular: str, plural: str, number: int, /) -> str:
        return singular if number == 1 else plural

    def locale(self) -> str:
        return "en_GB"


_spoken: list[Language] = [English()]
_held: ContextVar[Language | None] = ContextVar("held language", default=None)


def speak(language: Language) -> None:
    """Let `language` be asked from now on; it may answer differently per thread."""
    _spoken[0] = language


@contextmanager
def held(language: Language) -> Iterator[None]:
    """Let this thread speak `language` within, whatever the reader's is.

    For those who say very much in one language: none is asked for at every word.
    """
    token = _held.set(language)
    try:
        yield
    finally:
        _held.reset(token)


def _speaking() -> Language:
    return _held.get() or _spoken[0]


def gettext(message: str) -> str:
    return _speaking().gettext(message)


def ngettext(singular: str, plural: str, number: int) -> str:
    return _speaking().ngettext(singular, plural, number)


def locale() -> str:
    """Return the reader's locale as Babel spells it, such as de or en_GB."""
    return _speaking().locale()


def gettext_noop(message: str) -> str:
    """Mark a text that is translated where it is shown."""
    return message


def translated(message: str) -> str:
    """Return, where it is shown, a text that was marked where it is written.

    Marked are texts in gettext_noop() and those of declarations: of reports and their
    columns, criteria, patterns, questions and assumptions (config/messages.py).
    """
    return gettext(message)


def listed(names: Sequence[str]) -> str:
    """Return one or more names as a sentence tells them, such as "a, b and c"."""
    *first, last = names
    if not first:
        return last
    return gettext("%(some)s and %(last)s") % {"some": ", ".join(first), "last": last}


def within_sentence(heading: str) -> str:
    """Return a translated heading as it reads inside a sentence: in small letters.

    German keeps its capitals: there they are those of nouns.
    """
    return heading if locale().startswith("de") else heading.lower()
