from tracker.fit.services.assessing import AssessmentRun, assess
from tracker.fit.services.evaluation import repeat
from tracker.fit.services.flags import (
    accept_flag,
    acknowledge_flag,
    dismiss_flag,
    note_conversion,
    snooze_flag,
)
from tracker.fit.services.policies import current_policy

__all__ = [
    "AssessmentRun",
    "accept_flag",
    "acknowledge_flag",
    "assess",
    "current_policy",
    "dismiss_flag",
    "note_conversion",
    "repeat",
    "snooze_flag",
]
