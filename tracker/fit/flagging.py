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


def calls_for_flag(
    now: Standing, before: Standing | None, *, is_pressing: bool = False
) -> bool:
    """Twice in a row; once where notice is due before it could be seen twice."""
    if is_pressing:
        return now.opposes
    return before is not None and now.opposes and before.opposes


def calls_for_clearing(now: Standing, before: Standing, thresholds: Thresholds) -> bool:
    return max(now.opposition, before.opposition) < thresholds.clear
