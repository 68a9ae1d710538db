import pytest

from tracker.fit.verdict import Thresholds, Verdict, opposition, verdict

DEFAULTS = Thresholds()


@pytest.mark.parametrize(("is_managed", "expected"), [(True, 0.2), (False, 0.8)])
def test_opposition_speaks_for_the_other_model(
    is_managed: bool, expected: float
) -> None:
    assert opposition(0.8, is_managed=is_managed) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("opposed", "coverage", "managed", "augmented", "expected"),
    [
        (0.99, 0.3999, 0.5, 0.0, Verdict.NOT_ENOUGH_EVIDENCE),
        (0.70, 0.40, 0.3, 0.3, Verdict.OTHER_MODEL_FITS),
        (0.699999, 0.40, 0.3, 0.1, Verdict.EITHER_FITS),
        (0.30, 0.40, 0.3, 0.3, Verdict.CURRENT_MODEL_FITS),
        (0.300001, 0.40, 0.3, 0.1, Verdict.EITHER_FITS),
        (0.5, 0.40, 0.20, 0.12, Verdict.MIXED),
        (0.5, 0.40, 0.12, 0.20, Verdict.MIXED),
        (0.5, 0.40, 0.20, 0.119, Verdict.EITHER_FITS),
        (0.5, 0.40, 0.21, 0.12, Verdict.EITHER_FITS),
        (0.5, 0.40, 0.0, 0.0, Verdict.EITHER_FITS),
    ],
)
def test_verdict_is_the_first_rule_that_applies(
    opposed: float,
    coverage: float,
    managed: float,
    augmented: float,
    expected: Verdict,
) -> None:
    found = verdict(
        opposition=opposed,
        coverage=coverage,
        recorded=2,
        towards_managed=managed,
        towards_augmented=augmented,
        thresholds=DEFAULTS,
    )
    assert found is expected


def test_thresholds_of_a_policy_take_the_place_of_defaults() -> None:
    found = verdict(
        opposition=0.72,
        coverage=0.5,
        recorded=2,
        towards_managed=0.3,
        towards_augmented=0.0,
        thresholds=Thresholds(oppose=0.75),
    )
    assert found is Verdict.EITHER_FITS


@pytest.mark.parametrize(
    ("recorded", "expected"),
    [
        (0, Verdict.NOT_ENOUGH_EVIDENCE),
        (1, Verdict.NOT_ENOUGH_EVIDENCE),
        (2, Verdict.OTHER_MODEL_FITS),
    ],
)
def test_one_fact_is_never_enough_whatever_it_covers(
    recorded: int, expected: Verdict
) -> None:
    found = verdict(
        opposition=0.99,
        coverage=0.84,
        recorded=recorded,
        towards_managed=0.5,
        towards_augmented=0.0,
        thresholds=DEFAULTS,
    )
    assert found is expected
