"""One child process: started, watched, stopped, and never left behind."""

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class Program:
    """What to start; its output is appended to `log_path`."""

    name: str
    command: tuple[str, ...]
    log_path: Path
    stop_seconds: float
    environment: Mapping[str, str] = field(default_factory=dict)


class Child:
    """A running program, in a process group of its own.

    The group keeps Ctrl-C in the terminal from reaching it before the supervisor
    decides the order of stopping, and lets its own children be stopped with it.
    """

    def __init__(self, program: Program) -> None:
        self.program = program
        with program.log_path.open("ab") as log:
            self.process = subprocess.Popen(  # noqa: S603 - our own fixed commands
                program.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=os.environ | dict(program.environment),
                start_new_session=True,
                preexec_fn=stop_with_parent(os.getpid()),
            )

    @property
    def pid(self) -> int:
        return self.process.pid

    def exit_status(self) -> int | None:
        """Return None while it runs, minus the signal's number if one killed it."""
        return self.process.poll()

    def ask_to_stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)

    def kill_group(self) -> None:
        """Kill what is left of it and of its children."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self.process.wait()


def stop_with_parent(parent: int) -> Callable[[], None] | None:
    """Return what the child runs before its program, so that it ends with `parent`.

    Only Linux can promise that when the parent is killed outright.
    """
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None)

    def before_program() -> None:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # it died before the promise was made
            os._exit(1)

    return before_program
