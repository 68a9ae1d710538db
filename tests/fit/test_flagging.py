import pytest

from tracker.fit.flagging import least_after_dismissal
from tracker.fit.verdict import Thresholds


@pytest.mark.parametrize(
    ("dismissed_at", "least"),
    [(0.70, 0.80), (0.85, 0.95), (0.90, 0.99), (0.98, 0.99), (0.986, 0.993)],
)
def test_dismissed_flag_can_always_come_back(dismissed_at: float, least: float) -> None:
    found = least_after_dismissal(dismissed_at, Thresholds())
    assert found == pytest.approx(least)
    assert dismissed_at < found < 1.0
