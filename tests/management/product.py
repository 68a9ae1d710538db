"""The product as a user runs it: a process tree of its own, seen from outside."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

import psutil

from config.env import BASE_DIR
from tests.processes import users_environment


class Product:
    def __init__(self, *arguments: str, port: int, data_dir: Path, **more: str) -> None:
        self.address = f"http://127.0.0.1:{port}"
        self.environment = users_environment(
            PORT=str(port), DATA_DIR=str(data_dir), **more
        )
        self.data_dir = data_dir
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", "serve", *arguments],
            cwd=BASE_DIR,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.said: list[str] = []

    def wait_until_it_says(self, words: str) -> None:
        """Read its output up to a line with `words`; fail if it ends before."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said.append(line)
            if words in line:
                return
        raise AssertionError(f"it ended without saying {words!r}: {''.join(self.said)}")

    def rest_of_output(self) -> str:
        output, _ = self.process.communicate(timeout=60)
        return output

    def descendants(self) -> list[psutil.Process]:
        found: list[psutil.Process] = psutil.Process(self.process.pid).children(
            recursive=True
        )
        return found

    def child(self, words: str) -> psutil.Process:
        """Return the one direct child whose command line has `words`."""
        (found,) = (
            child
            for child in psutil.Process(self.process.pid).children()
            if words in " ".join(child.cmdline())
        )
        return found

    def page(self, path: str) -> tuple[int, str]:
        with urlopen(self.address + path, timeout=10) as response:
            return response.status, response.read().decode()

    def python(self, program: str, *, seconds: float = 60) -> str:
        """Run a program with the product's settings and data, return its output."""
        done = subprocess.run(
            [sys.executable, "manage.py", "shell", "--no-imports", "-c", program],
            cwd=BASE_DIR,
            env=self.environment,
            capture_output=True,
            text=True,
            check=True,
            timeout=seconds,
        )
        return done.stdout.strip()

    def log(self, name: str) -> str:
        return (self.data_dir / "logs" / f"{name}.log").read_text()

    def __str__(self) -> str:
        logs = [f"{path.name}:\n{path.read_text()}" for path in self._logs()]
        return "\n".join(["".join(self.said), *logs])

    def _logs(self) -> list[Path]:
        return sorted((self.data_dir / "logs").glob("*.log"))


@contextmanager
def running(
    *arguments: str, port: int, data_dir: Path, **environment: str
) -> Iterator[Product]:
    product = Product(*arguments, port=port, data_dir=data_dir, **environment)
    try:
        product.wait_until_it_says("Ctrl-C stops")
        yield product
    finally:
        everyone = family(product)
        product.process.terminate()
        try:
            product.process.communicate(timeout=30)
        except subprocess.TimeoutExpired:
            product.process.kill()
            product.process.communicate()
        for process in everyone:
            if process.is_running():
                process.kill()


def family(product: Product) -> list[psutil.Process]:
    try:
        return product.descendants()
    except psutil.NoSuchProcess:
        return []


def eventually(condition: Callable[[], bool], *, seconds: float) -> bool:
    give_up_at = time.monotonic() + seconds
    while time.monotonic() < give_up_at:
        if condition():
            return True
        time.sleep(0.1)
    return condition()


def are_gone(processes: list[psutil.Process]) -> bool:
    return not any(
        process.is_running() and process.status() != psutil.STATUS_ZOMBIE
        for process in processes
    )
