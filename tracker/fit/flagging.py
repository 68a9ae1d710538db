"""When two monthly evaluations agree enough to raise a flag, or to clear one."""

from dataclasses import dataclass

from tracker.fit.verdict import Thresholds, Verdict


@dataclass(frozen=True)
class Standing:
    """What one monthly evaluation found of the other model."""

    opposition: float
    verdict: str

    @property
    def opposes(self) -> bool:
        return self.verdict == Verdict.OTHER_MODEL_FITS


def calls_for_flag(now: Standing, before: Standing) -> bool:
    return now.opposes and before.opposes


def calls_for_clearing(now: Standing, before: Standing, thresholds: Thresholds) -> bool:
    return max(now.opposition, before.opposition) < thresholds.clear
