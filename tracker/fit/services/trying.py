"""The engine's defaults on trial: no policy in force, no records."""

from tracker.fit.criteria import all_criteria
from tracker.fit.models import Policy
from tracker.fit.services.policies import rulebook_of
from tracker.fit.trial.table import Table
from tracker.fit.trial.table import try_engine as tried


def try_engine() -> Table:
    """Measure all sixteen criteria as the product declares them."""
    return tried(rulebook_of(Policy(), codes=[c.code for c in all_criteria()]))
