"""What an assessment says, from its acceptability and what its evidence covers."""

from dataclasses import dataclass
from enum import StrEnum

# The part of the weight that stands for what no criterion of ours knows of.  It is
# never recorded, which keeps the engine from claiming certainty.
UNRECORDED_PART = 0.15
# A policy may move neutral points no further than this: the facts shall still decide.
MOST_TENDENCY = 0.6
# One fact alone never yields a verdict, however much a policy makes of it ...
LEAST_FACTS = 2
# ... nor may a policy ask for less evidence than so.
LEAST_COVER = 0.20


class Verdict(StrEnum):
    NOT_ENOUGH_EVIDENCE = "not_enough_evidence"
    OTHER_MODEL_FITS = "other_model_fits"
    CURRENT_MODEL_FITS = "current_model_fits"
    MIXED = "mixed"
    EITHER_FITS = "either_fits"


class Answer(StrEnum):
    """A verdict on supposed work, which may be in neither model yet."""

    NOT_ENOUGH_EVIDENCE = "not_enough_evidence"
    OTHER_MODEL_FITS = "other_model_fits"
    CURRENT_MODEL_FITS = "current_model_fits"
    MANAGED_FITS = "managed_fits"
    AUGMENTED_FITS = "augmented_fits"
    MIXED = "mixed"
    BLEND = "blend"
    EITHER_FITS = "either_fits"


# What the two verdicts on a present model mean where there is none.
UNDECIDED = {
    Verdict.OTHER_MODEL_FITS: Answer.MANAGED_FITS,
    Verdict.CURRENT_MODEL_FITS: Answer.AUGMENTED_FITS,
}


def answer_to(verdict: Verdict, *, is_managed: bool | None) -> Answer:
    """The verdict in the words for supposed work."""
    if is_managed is None and verdict in UNDECIDED:
        return UNDECIDED[verdict]
    return Answer(verdict.value)


def fits_as(verdict: Verdict, *, is_managed: bool | None) -> Answer:
    """The verdict in words that name the model which fits, whatever runs now."""
    fits = {
        Verdict.OTHER_MODEL_FITS: not is_managed,
        Verdict.CURRENT_MODEL_FITS: bool(is_managed),
    }
    if verdict not in fits:
        return Answer(verdict.value)
    return Answer.MANAGED_FITS if fits[verdict] else Answer.AUGMENTED_FITS


@dataclass(frozen=True)
class Thresholds:
    """Where one verdict ends and the next begins; `oppose` raises a flag."""

    cover: float = 0.40
    oppose: float = 0.70
    oppose_strongly: float = 0.85
    support: float = 0.30
    clear: float = 0.60
    mixed_least: float = 0.12
    mixed_ratio: float = 0.60
    changing: float = 0.20
    return_after_dismissal: float = 0.10
    blend_managed: float = 0.65
    blend_augmented: float = 0.35


def opposition(acceptability: float, *, is_managed: bool | None) -> float:
    """How much speaks for the other model: 1 - a under managed, a otherwise.

    `acceptability` is the share of plausible priorities and readings of the evidence
    under which managed fits better; it is not the probability of being right.
    """
    return 1.0 - acceptability if is_managed else acceptability


def verdict(
    *,
    opposition: float,
    coverage: float,
    recorded: int,
    towards_managed: float,
    towards_augmented: float,
    thresholds: Thresholds,
) -> Verdict:
    """The first that applies; the two `towards` are Σ w̄·E[D±] over recorded facts.

    `recorded` is how many facts there are.
    """
    if recorded < LEAST_FACTS or coverage < thresholds.cover:
        return Verdict.NOT_ENOUGH_EVIDENCE
    if opposition >= thresholds.oppose:
        return Verdict.OTHER_MODEL_FITS
    if opposition <= thresholds.support:
        return Verdict.CURRENT_MODEL_FITS
    weaker = min(towards_managed, towards_augmented)
    stronger = max(towards_managed, towards_augmented)
    if weaker >= thresholds.mixed_least and weaker >= thresholds.mixed_ratio * stronger:
        return Verdict.MIXED
    return Verdict.EITHER_FITS
