"""When two monthly evaluations agree enough to raise a flag, or to clear one."""

from dataclasses import dataclass

from tracker.fit.verdict import Thresholds, Verdict

# No flag need be opposed more than so to come back, unless it was when dismissed.
NEARLY_ALL = 0.99


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


def least_after_dismissal(opposed: float, thresholds: Thresholds) -> float:
    """From where on a flag dismissed at `opposed` comes back; always within reach.

    Where it was above .98 already, half of what was left must be gone.
    """
    risen = opposed + thresholds.return_after_dismissal
    return min(risen, max(NEARLY_ALL, (1 + opposed) / 2))


def calls_for_clearing(now: Standing, before: Standing, thresholds: Thresholds) -> bool:
    return max(now.opposition, before.opposition) < thresholds.clear
