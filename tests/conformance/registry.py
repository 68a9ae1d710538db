"""Every conformance check by its name; one module per standard registers its own."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from engagements.choices import Role


class Live(Protocol):
    """A product that is running somewhere, on which checks may write."""

    address: str

    def key(self, *scopes: str, role: Role = Role.ADMINISTRATOR) -> str:
        """Return a new API key of somebody who has the role."""


@dataclass(frozen=True)
class Verdict:
    """What a tool said: how much it tried, and what failed in its words."""

    tool: str
    tried: int
    failures: Sequence[str]
    left_out: str = ""  # why, where it could not be tried

    @property
    def is_good(self) -> bool:
        return not self.failures and (self.tried > 0 or bool(self.left_out))

    def __str__(self) -> str:
        if self.left_out:
            return f"{self.tool}: left out, {self.left_out}"
        head = f"{self.tool}: {self.tried} tried, {len(self.failures)} failed"
        return "\n  ".join([head, *self.failures])


# `is_full` asks for as many cases as an issue names; otherwise what CI has time for.
# One verdict after the other, so that each tool's time can be told.
Verdicts = Iterator[Verdict]
Check = Callable[[Live, bool], Verdicts]

_CHECKS: dict[str, Check] = {}
_WRITES_MUCH: set[str] = set()


def conformance(name: str, *, writes_much: bool = False) -> Callable[[Check], Check]:
    """Register a check; each name is taken once. What writes much comes last."""

    def register(check: Check) -> Check:
        if name in _CHECKS:
            raise ValueError(f"Two checks are called {name}.")
        _CHECKS[name] = check
        if writes_much:
            _WRITES_MUCH.add(name)
        return check

    return register


def names() -> list[str]:
    return sorted(_CHECKS, key=lambda name: (name in _WRITES_MUCH, name))


def check_called(name: str) -> Check:
    return _CHECKS[name]
