import pytest

from tracker.fit.outcome import Borne, Followed, borne, followed


@pytest.mark.parametrize(
    ("verdict", "chosen", "word"),
    [
        ("managed_fits", "managed", Followed.FOLLOWED),
        ("managed_fits", "augmented", Followed.NOT_FOLLOWED),
        ("augmented_fits", "augmented", Followed.FOLLOWED),
        ("augmented_fits", "managed", Followed.NOT_FOLLOWED),
        ("mixed", "managed", Followed.LEFT_OPEN),
        ("either_fits", "augmented", Followed.LEFT_OPEN),
        ("not_enough_evidence", "managed", Followed.LEFT_OPEN),
        ("managed_fits", None, Followed.NO_DRAFT),
        ("mixed", None, Followed.NO_DRAFT),
    ],
)
def test_followed_compares_advice_and_choice(
    verdict: str, chosen: str | None, word: Followed
) -> None:
    assert followed(verdict, chosen) is word


@pytest.mark.parametrize(
    ("verdict", "chosen", "found", "word"),
    [
        ("managed_fits", "managed", "current_model_fits", Borne.OUT),
        ("managed_fits", "managed", "other_model_fits", Borne.NOT_OUT),
        # Gone against, and the records say that the advice was right.
        ("managed_fits", "augmented", "other_model_fits", Borne.OUT),
        ("augmented_fits", "managed", "current_model_fits", Borne.NOT_OUT),
        ("managed_fits", "managed", "not_enough_evidence", Borne.UNKNOWN),
        ("managed_fits", "managed", "mixed", Borne.UNKNOWN),
        ("managed_fits", "managed", None, Borne.UNKNOWN),
        ("mixed", "managed", "current_model_fits", Borne.UNKNOWN),
    ],
)
def test_borne_compares_advice_and_assessment(
    verdict: str, chosen: str, found: str | None, word: Borne
) -> None:
    assert borne(verdict, chosen, found) is word
