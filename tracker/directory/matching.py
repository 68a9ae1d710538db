"""When two names mean the same, and which user names our accounts can carry."""

import re
from unicodedata import normalize

# What Django lets a user name be made of; identity tools send more, such as quotes.
NOT_IN_USER_NAMES = re.compile(r"[^\w.@+-]")


def key_of(text: str) -> str:
    """Return what is compared of a name: without case, in one Unicode form."""
    return normalize("NFC", normalize("NFC", text).lower())


def account_name(user_name: str) -> str:
    """Return the user name as an account of ours carries it."""
    return NOT_IN_USER_NAMES.sub("-", user_name)


def email_keys(emails: list[str]) -> str:
    """Return the addresses as one text in which each can be found whole."""
    return "".join(f"\n{key_of(email)}\n" for email in emails)
