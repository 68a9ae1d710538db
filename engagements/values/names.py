"""Names of organisations, brought to one form so that spellings can be matched."""

import re
import unicodedata

_WORDS = {
    "limited": "ltd",
    "incorporated": "inc",
    "corporation": "corp",
    "company": "co",
    "and": "&",
}
_APOSTROPHES = re.compile("['\u2018\u2019]")
_PUNCTUATION = re.compile(r"[^\w&]+", re.UNICODE)


def normalise_name(name: str) -> str:
    """Return the name without case, padding, punctuation and spelled-out legal forms.

    “ACME Services LIMITED   ” and “Acme Services Ltd.” give the same text. The legal
    form stays, since Acme Ltd and Acme GmbH are two companies.
    """
    text = unicodedata.normalize("NFKC", name).casefold()
    text = _APOSTROPHES.sub("", text).replace("&", " & ")
    text = text.replace("public limited company", "plc")
    words = _PUNCTUATION.sub(" ", text).split()
    return " ".join(_WORDS.get(word, word) for word in words)
