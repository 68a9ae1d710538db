import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Literal

from config.env import BASE_DIR


@dataclass(frozen=True)
class Figure:
    """One measured figure, with its goal where it has one."""

    name: str
    value: float
    unit: str
    goal: float | None = None
    wanted: Literal["at least", "at most"] = "at least"

    @property
    def is_reached(self) -> bool | None:
        if self.goal is None:
            return None
        if self.wanted == "at least":
            return self.value >= self.goal
        return self.value <= self.goal


def told(figure: Figure) -> str:
    value = f"{figure.value:,.2f}" if figure.value < 100 else f"{figure.value:,.0f}"
    line = f"  {figure.name:<58}{value:>12} {figure.unit}"
    if figure.goal is None:
        return line
    verdict = "reached" if figure.is_reached else "MISSED"
    return f"{line}  ({figure.wanted} {figure.goal:g}: {verdict})"


def seconds_of(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def interleaved(*works: Callable[[], object], rounds: int = 3) -> tuple[float, ...]:
    """Return the median seconds of each, run in turn so that noise meets all alike."""
    taken = [[seconds_of(work) for work in works] for _round in range(rounds)]
    return tuple(median(each) for each in zip(*taken, strict=True))


@dataclass(frozen=True)
class Finished:
    """How a command went: `megabytes` is its largest resident memory."""

    output: str
    seconds: float
    megabytes: float


def command(*arguments: str, ends_with: int = 0) -> Finished:
    """Run a command of the product in a process of its own.

    Raises RuntimeError where it ends with another status.
    """
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "manage.py", *arguments],
        cwd=BASE_DIR,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    output = process.stdout.read()
    _pid, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != ends_with:
        raise RuntimeError(f"{' '.join(arguments)} ended with {process.returncode}")
    return Finished(output, time.perf_counter() - started, usage.ru_maxrss / 1024)
