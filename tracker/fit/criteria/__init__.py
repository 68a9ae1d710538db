"""The criteria, one file each: a new one is a new file and nothing else."""

from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from tracker.fit.criterion import AnyCriterion, registry


@cache
def all_criteria() -> tuple[AnyCriterion, ...]:
    """Every criterion of this folder, by code.

    They read the records, so they are imported when first asked for: by then
    Django has loaded its models.
    """
    for module in iter_modules(__path__):
        import_module(f"{__name__}.{module.name}")
    return registry.all()


def recordable_criteria() -> tuple[AnyCriterion, ...]:
    """Those that running engagements are judged by: something can record them."""
    return tuple(c for c in all_criteria() if not c.waits_for)
