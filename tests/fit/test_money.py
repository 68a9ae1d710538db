from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest

from tracker.fit import money
from tracker.fit.money import (
    DEFAULTS,
    Estimate,
    Plan,
    Range,
    Triangle,
    cost_augmented,
    cost_managed,
    design,
    estimate,
)

FIVE_PEOPLE = Plan(
    monthly_hours=Decimal(800),
    hourly_rate=Decimal(75),
    manager_hour_cost=Decimal(75),
)


def estimated(plan: Plan) -> Estimate:
    found = estimate(plan)
    assert found is not None
    return found


def whole(found: Range) -> tuple[int, int, int]:
    return round(found.p10), round(found.p50), round(found.p90)


def point(value: float) -> Triangle:
    return Triangle(value, value, value)


def certain(**values: float) -> dict[str, np.ndarray]:
    return {code: np.array([value]) for code, value in values.items()}


@pytest.mark.parametrize("level", [0.0, 0.1, 0.25, 0.5, 0.9, 1.0])
def test_triangle_inverts_its_own_distribution(level: float) -> None:
    triangle = Triangle(0.1, 0.2, 0.4)
    value = float(triangle.at(np.array([level]))[0])
    # The distribution function of the triangle, in closed form.
    rising = (value - 0.1) ** 2 / (0.3 * 0.1)
    falling = 1 - (0.4 - value) ** 2 / (0.3 * 0.2)
    assert (rising if value <= 0.2 else falling) == pytest.approx(level)


def test_triangle_without_width_is_its_point() -> None:
    assert Triangle(0.2, 0.2, 0.2).at(np.array([0.0, 0.7])).tolist() == [0.2, 0.2]


def test_triangle_refuses_a_disorder() -> None:
    with pytest.raises(ValueError, match="least ≤ likely ≤ most"):
        Triangle(0.2, 0.1, 0.3)


def test_design_is_the_same_every_time_and_fills_the_cube() -> None:
    points = design(10)
    assert points.shape == (4096, 10)
    assert np.array_equal(points, design(10))
    assert ((points >= 0) & (points < 1)).all()
    assert np.abs(points.mean(axis=0) - 0.5).max() < 2e-3
    # Each tenth of each axis holds a tenth of the points, to within a few.
    for axis in points.T:
        counts = np.histogram(axis, bins=10, range=(0, 1))[0]
        assert np.abs(counts - 409.6).max() < 6
    # No two axes follow one another.
    assert np.abs(np.corrcoef(points.T) - np.eye(10)).max() < 0.05


def test_costs_follow_the_formulae() -> None:
    labour, fee = np.array([60_000.0]), np.array([64_000.0])
    draws = certain(
        churn=0.25,
        ramp=2.0,
        lost_output=0.5,
        tools=0.02,
        manager_share=0.2,
        governance=0.1,
        extras=0.05,
    )
    # 60,000 + 5 · .2 · 160 h · 75 + .25/12 · 2 · .5 · 60,000 + .02 · 60,000
    augmented = 60_000 + 12_000 + 1_250 + 1_200
    assert cost_augmented(FIVE_PEOPLE, labour, draws)[0] == pytest.approx(augmented)
    assert cost_managed(fee, draws)[0] == pytest.approx(64_000 * 1.15)


def test_estimate_of_certain_assumptions_is_a_point() -> None:
    values = {
        "risk_premium": 0.2,
        "efficiency": 0.12,
        "governance": 0.1,
        "manager_share": 0.2,
        "churn": 0.25,
        "ramp": 2.0,
        "lost_output": 0.5,
        "tools": 0.0,
        "extras": 0.0,
        "unforeseen": 0.0,
    }
    assumed = [replace(a, triangle=point(values.get(a.code, 1.0))) for a in DEFAULTS]
    found = estimate(FIVE_PEOPLE, assumed)
    assert found is not None
    # F' = 60,000 · .88 · 1.2 and a tenth of it for governance.
    assert whole(found.managed) == (69_696,) * 3
    assert whole(found.augmented) == (73_250,) * 3
    assert whole(found.difference) == (-3_554,) * 3


def test_estimate_is_a_range_around_the_published_example() -> None:
    found = estimated(FIVE_PEOPLE)
    assert whole(found.difference) == (-7_480, 1_445, 11_088)
    assert found.managed.p10 < found.managed.p50 < found.managed.p90


def test_estimate_agrees_with_blind_sampling(monkeypatch: pytest.MonkeyPatch) -> None:
    ours = estimated(FIVE_PEOPLE).difference
    draw = np.random.default_rng(7)
    monkeypatch.setattr(money, "POINTS", 400_000)
    monkeypatch.setattr(money, "design", lambda n, points: draw.random((points, n)))
    sampled = estimated(FIVE_PEOPLE).difference
    money._drawn.cache_clear()
    # Of 60,000 a month, to within two parts in a thousand.
    for name in ("p10", "p50", "p90"):
        assert abs(getattr(ours, name) - getattr(sampled, name)) < 120


def test_estimate_is_the_same_every_time() -> None:
    assert estimate(FIVE_PEOPLE) == estimate(FIVE_PEOPLE)


def test_amounts_scale_with_the_currency() -> None:
    factor = Decimal(1000)
    scaled = estimated(
        replace(
            FIVE_PEOPLE,
            hourly_rate=Decimal(75) * factor,
            manager_hour_cost=Decimal(75) * factor,
        )
    )
    ours = estimated(FIVE_PEOPLE)
    assert float(scaled.difference.p50) == pytest.approx(
        1000 * float(ours.difference.p50)
    )


def test_without_a_price_there_is_no_estimate() -> None:
    for plan in (
        Plan(),
        Plan(monthly_hours=Decimal(800)),
        Plan(hourly_rate=Decimal(9)),
    ):
        assert estimate(plan) is None


def test_a_fee_alone_tells_the_price_of_hours_as_a_range() -> None:
    found = estimated(Plan(monthly_fee=Decimal(60_000)))
    assert found.augmented.p10 < found.augmented.p50 < found.augmented.p90
    assert {a.code for a in found.assumptions} == {a.code for a in DEFAULTS}


def test_assumptions_that_had_no_part_are_not_named() -> None:
    both = replace(FIVE_PEOPLE, monthly_fee=Decimal(64_000))
    used = {assumption.code for assumption in estimated(both).assumptions}
    # The fee is known, and so is the manager's hour.
    assert used == {a.code for a in DEFAULTS} - {
        "risk_premium",
        "efficiency",
        "manager_price",
        "unforeseen",
    }


def test_each_assumption_names_its_source_and_figure() -> None:
    assert all(assumption.source for assumption in DEFAULTS)
    told = {assumption.code: str(assumption) for assumption in DEFAULTS}
    assert told["risk_premium"] == "10 to 40 %, mostly 20 %"
    assert told["ramp"] == "1 to 3 months, mostly 2"
