"""The id of the request being served; events and logs carry it."""

from contextvars import ContextVar

_current: ContextVar[str] = ContextVar("request_id", default="")


def current() -> str:
    """Return the id of the request being served, or an empty text outside one."""
    return _current.get()


def set_current(request_id: str) -> None:
    _current.set(request_id)
