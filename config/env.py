"""Typed readers of the environment: a wrong value stops the start, by name."""

from pathlib import Path

import environ

BASE_DIR = Path(__file__).resolve().parent.parent

env = environ.Env()

ENVIRONMENTS = ("development", "test", "production")


def environment() -> str:
    """Return the kind of deployment; raises SystemExit naming a wrong one."""
    name: str = env.str("TRACKER_ENV", default="development")
    if name not in ENVIRONMENTS:
        raise SystemExit(
            f"TRACKER_ENV is {name!r}; it must be one of {', '.join(ENVIRONMENTS)}."
        )
    return name


def data_dir() -> Path:
    """Return the folder that holds the embedded database, queue and uploads."""
    path = Path(env.str("DATA_DIR", default=str(BASE_DIR / "var"))).resolve()
    path.mkdir(parents=True, exist_ok=True)
    return path
