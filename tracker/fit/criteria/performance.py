from collections.abc import Mapping

from tracker.fit.criterion import PERCENT, Criterion, registry
from tracker.fit.evidence import Breakpoints, Share
from tracker.fit.queries import Scope
from tracker.fit.stated import Scale
from tracker.performance.queries import judged_windows


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
    how_to_record = "Measure the contract's service levels."
    rows = "levelresult"
    scale = Scale(kind="share", most=1.0)

    def gather(self, scope: Scope) -> Mapping[int, Share]:
        """Windows of service levels that were missed, of those that have data.

        Nothing of augmented contractors: their reviews are not recorded yet.
        """
        judged = judged_windows(scope.ids, scope.starts_on, scope.as_of)
        return {
            engagement: Share(
                part=missed,
                whole=windows,
                records=windows,
                overdispersion=1.0,
                figures={"windows": windows},
            )
            for engagement, (missed, windows) in judged.items()
        }

    def sentence(self, observation: Share) -> str:
        if "windows" in observation.figures:
            return (
                f"missed {observation.part:,.0f} of {observation.whole:,.0f}"
                " service-level windows"
            )
        return f"performance fell short in {PERCENT.show(observation.value)}"
