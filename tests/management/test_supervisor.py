import os
import signal
import sys
import threading
import time

import pytest

from tracker.management.serving.children import Program
from tracker.management.serving.supervisor import Supervisor, restart_delay, told

IGNORES_SIGTERM = (
    "import signal, time;"
    "signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    "print('ready', flush=True);"
    "time.sleep(60)"
)


@pytest.mark.parametrize(
    ("failures", "seconds"), [(1, 1), (2, 2), (3, 4), (5, 16), (6, 30), (1000, 30)]
)
def test_restart_delay_doubles_up_to_half_a_minute(failures, seconds):
    assert restart_delay(failures) == seconds


def test_told_names_signals():
    assert (told(-9), told(3)) == ("killed by SIGKILL", "exit status 3")


def program(text, log_path, *, stop_seconds=5.0):
    return Program(
        name="worker",
        command=(sys.executable, "-c", text),
        log_path=log_path,
        stop_seconds=stop_seconds,
    )


def supervise(one, *, until):
    """Run a supervisor over one program, ask it to stop when `until` holds."""
    said: list[str] = []

    def stop_when_done():
        if until(said):
            os.kill(os.getpid(), signal.SIGTERM)

    Supervisor([one], say=said.append, on_tick=stop_when_done).run()
    return said


def test_supervisor_starts_again_what_ends_and_says_so(tmp_path):
    log_path = tmp_path / "worker.log"
    one = program("print('started'); raise SystemExit(3)", log_path)

    said = supervise(one, until=lambda said: len(said) == 2)

    assert said[:-1] == [
        f"The worker ended (exit status 3); starting it again in {seconds} s. "
        f"Its log: {log_path}"
        for seconds in (1, 2)
    ]
    assert log_path.read_text() == "started\n" * 2


def test_supervisor_kills_what_will_not_stop(tmp_path):
    log_path = tmp_path / "worker.log"
    one = program(IGNORES_SIGTERM, log_path, stop_seconds=0.5)
    started = time.monotonic()

    said = supervise(one, until=lambda _: log_path.read_text() == "ready\n")

    assert said == ["Stopping …"]
    assert 0.5 < time.monotonic() - started < 30


def test_supervisor_asked_twice_waits_no_longer(tmp_path):
    log_path = tmp_path / "worker.log"
    one = program(IGNORES_SIGTERM, log_path, stop_seconds=60)
    second = threading.Timer(2.0, os.kill, (os.getpid(), signal.SIGTERM))
    second.start()
    started = time.monotonic()

    supervise(one, until=lambda _: log_path.read_text() == "ready\n")

    second.join()
    assert time.monotonic() - started < 30


def test_supervisor_gives_signals_back_to_whom_they_belonged(tmp_path):
    earlier = signal.getsignal(signal.SIGTERM)

    supervise(program("pass", tmp_path / "worker.log"), until=lambda _: True)

    assert signal.getsignal(signal.SIGTERM) == earlier
