from tracker.fit.services.assessing import AssessmentRun, assess
from tracker.fit.services.evaluation import repeat
from tracker.fit.services.flags import (
    accept_flag,
    acknowledge_flag,
    dismiss_flag,
    note_conversion,
    snooze_flag,
)
from tracker.fit.services.intake import Planned, give_advice, keep_advice
from tracker.fit.services.policies import current_policy
from tracker.fit.services.supposing import scales, suppose
from tracker.fit.services.trying import try_engine

__all__ = [
    "AssessmentRun",
    "Planned",
    "accept_flag",
    "acknowledge_flag",
    "assess",
    "current_policy",
    "dismiss_flag",
    "give_advice",
    "keep_advice",
    "note_conversion",
    "repeat",
    "scales",
    "snooze_flag",
    "suppose",
    "try_engine",
]
