"""Strong ETags (RFC 9110): a digest of just the bytes that are answered."""

import hashlib

from rest_framework.request import Request

from tracker.api.errors import PreconditionFailed, PreconditionRequired


def etag_of(body: bytes) -> str:
    return f'"{hashlib.sha256(body).hexdigest()[:32]}"'


def is_unchanged(request: Request, etag: str) -> bool:
    """Tell whether If-None-Match names what would be answered."""
    given = request.headers.get("If-None-Match")
    return given is not None and _names(given, etag, is_weak_equal=True)


def check_unchanged(
    request: Request, current: bytes | None, *, is_required: bool
) -> None:
    """Raise unless the caller's If-Match and If-None-Match hold for what is stored.

    `current` is what reading would answer now; None where nothing is stored.
    """
    match = request.headers.get("If-Match")
    none_match = request.headers.get("If-None-Match")
    if match is None and none_match is None and is_required:
        raise PreconditionRequired
    etag = "" if current is None else etag_of(current)
    if match is not None and not (etag and _names(match, etag)):
        raise PreconditionFailed
    if none_match is not None and etag and _names(none_match, etag, is_weak_equal=True):
        raise PreconditionFailed("There is such a record already.", "exists")


def _names(header: str, etag: str, *, is_weak_equal: bool = False) -> bool:
    if header.strip() == "*":
        return True
    given = {part.strip() for part in header.split(",")}
    if is_weak_equal:
        given = {part.removeprefix("W/") for part in given}
    return etag in given
