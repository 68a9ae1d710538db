"""Every conformance check by its name; one module per standard registers its own."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol


class Live(Protocol):
    """A product that is running somewhere, on which checks may write."""

    address: str

    def key(self, *scopes: str) -> str:
        """Return a new API key of an administrator's."""


@dataclass(frozen=True)
class Verdict:
    """What a tool said: how much it tried, and what failed in its words."""

    tool: str
    tried: int
    failures: Sequence[str]

    def __str__(self) -> str:
        head = f"{self.tool}: {self.tried} tried, {len(self.failures)} failed"
        return "\n  ".join([head, *self.failures])


# `is_full` asks for as many cases as an issue names; otherwise what CI has time for.
Check = Callable[[Live, bool], list[Verdict]]

_CHECKS: dict[str, Check] = {}


def conformance(name: str) -> Callable[[Check], Check]:
    """Register a check; each name is taken once."""

    def register(check: Check) -> Check:
        if name in _CHECKS:
            raise ValueError(f"Two checks are called {name}.")
        _CHECKS[name] = check
        return check

    return register


def names() -> list[str]:
    return sorted(_CHECKS)


def check_called(name: str) -> Check:
    return _CHECKS[name]
