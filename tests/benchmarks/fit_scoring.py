"""Judging 100,000 engagements by sixteen criteria: at once, and one by one."""

import resource

import numpy as np

from tests.benchmarks.figures import Figure, seconds_of
from tracker.fit.acceptability import acceptability

ENGAGEMENTS, CRITERIA, ATOMS = 100_000, 16, 8
ONE_BY_ONE = 200
FIRMNESS = 2


def run(*, is_full: bool) -> list[Figure]:
    leans = np.random.default_rng(1).uniform(-1, 1, (ENGAGEMENTS, CRITERIA, ATOMS))
    q = leans * np.linspace(0.65, 1.5, CRITERIA)[:, None]
    at_once = seconds_of(lambda: acceptability(q, FIRMNESS))
    largest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    alone = seconds_of(
        lambda: [acceptability(row[None], FIRMNESS) for row in q[:ONE_BY_ONE]]
    )
    times = (alone / ONE_BY_ONE) / (at_once / ENGAGEMENTS)
    return [
        Figure("100,000 engagements scored", at_once, "s", goal=5, wanted="at most"),
        Figure("the whole process", largest, "MB", goal=500, wanted="at most"),
        Figure("as fast as one by one", times, "times", goal=40),
    ]
