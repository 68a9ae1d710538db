"""The patterns, one file each: a new one is a new file and nothing else."""

from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from tracker.fit.pattern import AnyPattern, registry


@cache
def all_patterns() -> tuple[AnyPattern, ...]:
    """Every pattern of this folder, by code; imported once Django has its models."""
    for module in iter_modules(__path__):
        import_module(f"{__name__}.{module.name}")
    return registry.all()
