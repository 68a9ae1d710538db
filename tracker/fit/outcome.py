"""What became of advice: whether it was followed, and what the records say since."""

from enum import StrEnum

from tracker.fit.verdict import Answer, Verdict

# The model that each advice names; the others leave the choice open.
NAMED = {Answer.MANAGED_FITS: "managed", Answer.AUGMENTED_FITS: "augmented"}
OTHER = {"managed": "augmented", "augmented": "managed"}


class Followed(StrEnum):
    FOLLOWED = "followed"
    NOT_FOLLOWED = "not_followed"
    LEFT_OPEN = "left_open"
    NO_DRAFT = "no_draft"


class Borne(StrEnum):
    """Whether the latest assessment bears the advice out."""

    OUT = "out"
    NOT_OUT = "not_out"
    UNKNOWN = "unknown"


def followed(verdict: str, chosen: str | None) -> Followed:
    """What was done with advice, by the model of the engagement that followed."""
    if chosen is None:
        return Followed.NO_DRAFT
    advised = NAMED.get(Answer(verdict))
    if advised is None:
        return Followed.LEFT_OPEN
    return Followed.FOLLOWED if advised == chosen else Followed.NOT_FOLLOWED


def borne(verdict: str, chosen: str, found: str | None) -> Borne:
    """Whether an assessment of the `chosen` model, of verdict `found`, agrees."""
    advised = NAMED.get(Answer(verdict))
    fitting = {
        Verdict.CURRENT_MODEL_FITS.value: chosen,
        Verdict.OTHER_MODEL_FITS.value: OTHER[chosen],
    }.get(found or "")
    if advised is None or fitting is None:
        return Borne.UNKNOWN
    return Borne.OUT if advised == fitting else Borne.NOT_OUT
