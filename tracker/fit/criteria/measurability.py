from collections.abc import Mapping

from engagements.values.language import gettext as _
from tracker.fit.criterion import PERCENT, Criterion, registry
from tracker.fit.evidence import HOURS_OVERDISPERSION, Breakpoints, Share
from tracker.fit.measured import measured_shares
from tracker.fit.queries import Scope
from tracker.fit.stated import Scale


@registry.add
class Measurability(Criterion[Share]):
    """Hours under a measured service level or an accepted deliverable."""

    code = "measurability"
    label = "Measured outcome"
    question = "Can the outcome be measured, so that somebody else can own it?"
    dimension = "risk"
    importance = 1.4
    breakpoints = Breakpoints(
        points=((0.1, -1.0), (0.4, 0.0), (0.8, 1.0)), source="our judgement"
    )
    unit = PERCENT
    quantity = "the work with a measured outcome"
    how_to_record = "Measure service levels, and accept deliverables by date."
    rows = "levelresult"
    scale = Scale(kind="share", most=1.0, overdispersion=HOURS_OVERDISPERSION)

    def gather(self, scope: Scope) -> Mapping[int, Share]:
        """Hours of the months in which an outcome was measured, of all whole months.

        Engagements without any measured outcome are left out: a promise that nobody
        measures says nothing of whether it could be.
        """
        return measured_shares(scope)

    def sentence(self, observation: Share) -> str:
        return _("%(share)s of the work has a measured outcome") % {
            "share": PERCENT.show(observation.value)
        }
