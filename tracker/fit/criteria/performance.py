from collections.abc import Mapping

from tracker.fit.criterion import PERCENT, Criterion, registry
from tracker.fit.evidence import Breakpoints, Share
from tracker.fit.queries import Scope
from tracker.fit.stated import Scale


@registry.add
class Performance(Criterion[Share]):
    """How far what runs now falls short: missed service-level months, or reviews.

    A provider that misses its levels speaks against managed, a contractor whose
    reviews fall short against augmentation, so the figure has a reading for each.
    """

    code = "performance"
    label = "Performance so far"
    question = "Does what runs now deliver?"
    dimension = "risk"
    importance = 0.65
    breakpoints = Breakpoints(
        points=((0.05, 0.0), (0.30, -1.0)), source="our judgement"
    )
    augmented_breakpoints = Breakpoints(
        points=((0.1, 0.0), (0.5, 1.0)), source="our judgement"
    )
    unit = PERCENT
    quantity = "the shortfall of performance"
    how_to_record = "Measure service levels; review augmented contractors."
    scale = Scale(kind="share", most=1.0)
    waits_for = "measurements of service levels and reviews"

    def gather(self, scope: Scope) -> Mapping[int, Share]:
        """Nothing: neither measurements nor reviews are recorded yet."""
        return {}

    def sentence(self, observation: Share) -> str:
        return f"performance fell short in {PERCENT.show(observation.value)}"
