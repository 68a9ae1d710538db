from tracker.fit.services.adopting import (
    Preview,
    Proposal,
    adopt_policy,
    preview_policy,
    propose_policy,
    reject_proposal,
    reviewed_decisions,
)
from tracker.fit.services.agreeing import Agreed, agreement_on
from tracker.fit.services.assessing import AssessmentRun, assess
from tracker.fit.services.evaluation import repeat
from tracker.fit.services.finding import patterns_of_portfolio, patterns_seen
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
from tracker.fit.services.thinning import thin_assessments
from tracker.fit.services.trying import try_engine
from tracker.fit.services.verifying import Verified, verify_assessments
from tracker.fit.services.wondering import (
    Basis,
    RefusedFactsError,
    UnknownEngagementError,
    Wondered,
    basis_of,
    blank_basis,
    wonder,
)

__all__ = [
    "Agreed",
    "AssessmentRun",
    "Basis",
    "Planned",
    "Preview",
    "Proposal",
    "RefusedFactsError",
    "UnknownEngagementError",
    "Verified",
    "Wondered",
    "accept_flag",
    "acknowledge_flag",
    "adopt_policy",
    "agreement_on",
    "assess",
    "basis_of",
    "blank_basis",
    "current_policy",
    "dismiss_flag",
    "give_advice",
    "keep_advice",
    "note_conversion",
    "patterns_of_portfolio",
    "patterns_seen",
    "preview_policy",
    "propose_policy",
    "reject_proposal",
    "repeat",
    "reviewed_decisions",
    "scales",
    "snooze_flag",
    "suppose",
    "thin_assessments",
    "try_engine",
    "verify_assessments",
    "wonder",
]
