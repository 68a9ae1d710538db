"""The tree of errors that services raise and surfaces translate."""


class TrackerError(Exception):
    """What was asked can't be done; the message says why and what to do."""


class ConflictError(TrackerError):
    """Somebody else changed the record since it was read."""


class NotAllowedError(TrackerError):
    """The actor may not do this."""


class WrongStateError(TrackerError):
    """The record's status does not allow this step."""


class QuestionOpenError(WrongStateError):
    """Something should be there first; the message says what, and how to go on."""


class ApprovalNeededError(WrongStateError):
    """Somebody else must approve this first; the message names by which rules."""


class OverBudgetError(TrackerError):
    """The budget stops it; the message has the figures and who can raise it."""
