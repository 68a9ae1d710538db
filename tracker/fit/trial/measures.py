"""How good a score or a decision is, against what is true."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tracker.fit.evidence import Floats

Flags = NDArray[np.bool_]
BINS = 10


def auc(score: Floats, truth: Flags) -> float:
    """The chance that a true one scores above a false one; ties count as half."""
    from scipy.stats import rankdata

    ranks = rankdata(score)
    positives, negatives = int(truth.sum()), int((~truth).sum())
    surplus = ranks[truth].sum() - positives * (positives + 1) / 2
    return float(surplus / (positives * negatives))


def calibration_error(share: Floats, truth: Flags) -> float:
    """The mean gap between share and frequency, over ten groups of equal size."""
    groups = np.array_split(np.argsort(share, kind="stable"), BINS)
    gaps = [abs(share[group].mean() - truth[group].mean()) for group in groups]
    sizes = [len(group) for group in groups]
    return float(np.average(gaps, weights=sizes))


@dataclass(frozen=True)
class Hits:
    """Of what was flagged how much is true, and of what is true how much flagged.

    `precision` is NaN where nothing was flagged.
    """

    precision: float
    recall: float


NO_HITS = Hits(math.nan, math.nan)


def hits(flagged: Flags, truth: Flags) -> Hits:
    found = int((flagged & truth).sum())
    raised = int(flagged.sum())
    return Hits(
        precision=found / raised if raised else math.nan,
        recall=found / int(truth.sum()),
    )
