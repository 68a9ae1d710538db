"""Keeps a few programs running until it is told to stop."""

import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

from tracker.management.serving.children import Child, Program

TICK_SECONDS = 0.2
LONGEST_DELAY_SECONDS = 30.0
STEADY_SECONDS = 60.0


def restart_delay(failures: int) -> float:
    """Return the seconds to wait after the nth failure in a row: 1, 2, 4 … 30."""
    return float(min(2.0 ** (failures - 1), LONGEST_DELAY_SECONDS))


class Post:
    """The place of one program: the child that fills it, or when the next starts."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.child: Child | None = None
        self.failures = 0
        self.starts_at = 0.0
        self.started_at = 0.0

    def start_when_due(self) -> None:
        if self.child is None and time.monotonic() >= self.starts_at:
            self.child = Child(self.program)
            self.started_at = time.monotonic()

    def vacate_when_ended(self) -> str | None:
        """Return a sentence for the operator when the child has ended."""
        if self.child is None or (status := self.child.exit_status()) is None:
            return None
        self.child.kill_group()
        self.child = None
        now = time.monotonic()
        was_steady = now - self.started_at >= STEADY_SECONDS
        self.failures = 1 if was_steady else self.failures + 1
        delay = restart_delay(self.failures)
        self.starts_at = now + delay
        return (
            f"The {self.program.name} ended ({told(status)}); starting it again in "
            f"{delay:.0f} s. Its log: {self.program.log_path}"
        )


def told(exit_status: int) -> str:
    if exit_status < 0:
        return f"killed by {signal.Signals(-exit_status).name}"
    return f"exit status {exit_status}"


class Supervisor:
    """Starts each program, restarts what ends, stops all on SIGINT or SIGTERM.

    `on_tick` is called between looks and must return quickly.
    """

    def __init__(
        self,
        programs: Sequence[Program],
        *,
        say: Callable[[str], None],
        on_tick: Callable[[], None],
    ) -> None:
        self.posts = [Post(program) for program in programs]
        self.say = say
        self.on_tick = on_tick
        self.stop_requests = 0

    def run(self) -> None:
        with self._signals_counted():
            try:
                while not self.stop_requests:
                    self._look()
                    self.on_tick()
                    time.sleep(TICK_SECONDS)
            finally:
                self._stop_all()

    def _look(self) -> None:
        for post in self.posts:
            if sentence := post.vacate_when_ended():
                self.say(sentence)
            post.start_when_due()

    def _stop_all(self) -> None:
        children = [post.child for post in self.posts if post.child]
        running = [child for child in children if child.exit_status() is None]
        self.say("Stopping …")
        for child in running:
            child.ask_to_stop()
        give_up_at = time.monotonic() + max(
            (child.program.stop_seconds for child in running), default=0
        )
        while self._may_wait(give_up_at) and any(
            child.exit_status() is None for child in running
        ):
            time.sleep(TICK_SECONDS / 2)
        for child in children:
            child.kill_group()

    def _may_wait(self, give_up_at: float) -> bool:
        # A second Ctrl-C means: at once.
        return self.stop_requests < 2 and time.monotonic() < give_up_at

    @contextmanager
    def _signals_counted(self) -> Iterator[None]:
        def count(_number: int, _frame: FrameType | None) -> None:
            self.stop_requests += 1

        wanted = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        earlier = {number: signal.signal(number, count) for number in wanted}
        try:
            yield
        finally:
            for number, handler in earlier.items():
                signal.signal(number, handler)
