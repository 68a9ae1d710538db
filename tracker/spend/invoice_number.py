"""When two ways of writing an invoice's number name the same invoice."""

import re
import unicodedata


def normalise_number(number: str) -> str:
    """Return the invoice number without case, blanks, punctuation, leading zeros."""
    text = unicodedata.normalize("NFKC", number).casefold()
    return re.sub(r"[\W_]+", "", text).lstrip("0")
