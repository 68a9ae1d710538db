from collections.abc import Mapping

from engagements.choices import Kind
from engagements.values.language import gettext as _
from engagements.values.language import ngettext
from engagements.values.written import format_number
from tracker.fit.criterion import PERCENT, Criterion, registry
from tracker.fit.evidence import Breakpoints, Share
from tracker.fit.queries import Scope
from tracker.fit.stated import Scale
from tracker.performance.queries import judged_windows, review_deficits


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
    how_to_record = "Measure the contract's service levels, or review the contractor."
    rows = "levelresult"
    scale = Scale(kind="share", most=1.0)

    def gather(self, scope: Scope) -> Mapping[int, Share]:
        """Missed windows of those with data; of contractors, how reviews fall short.

        A review counts as one observation: its marks are one person's on one day.
        """
        return {**self._windows(scope), **self._reviews(scope)}

    def _windows(self, scope: Scope) -> dict[int, Share]:
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

    def _reviews(self, scope: Scope) -> dict[int, Share]:
        augmented = scope.ids.filter(kind=Kind.AUGMENTED)
        found = review_deficits(augmented, scope.starts_on, scope.as_of)
        return {
            engagement: Share(
                part=sum(deficits),
                whole=len(deficits),
                records=len(deficits),
                overdispersion=1.0,
                figures={"reviews": len(deficits)},
            )
            for engagement, deficits in found.items()
        }

    def sentence(self, observation: Share) -> str:
        if "windows" in observation.figures:
            return _("missed %(missed)s of %(windows)s service-level windows") % {
                "missed": format_number(observation.part),
                "windows": format_number(observation.whole),
            }
        if "reviews" in observation.figures:
            reviews = observation.figures["reviews"]
            words = ngettext(
                "%(reviews)s review gives %(mean)s of 5",
                "%(reviews)s reviews give %(mean)s of 5 on average",
                int(reviews),
            )
            return words % {
                "reviews": format_number(reviews),
                "mean": format_number(5 - 4 * observation.value, 1),
            }
        return _("performance fell short in %(share)s") % {
            "share": PERCENT.show(observation.value)
        }
