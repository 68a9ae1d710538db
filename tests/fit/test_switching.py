"""Whether going over to the other model pays: the published example and its edges."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from tracker.fit.money import SWITCHING, Assumption, Range, Triangle
from tracker.fit.switching import (
    OwnRecords,
    Recorded,
    Switch,
    own_triangle,
    switch,
    with_own_records,
)

# Five contractors at 60,000 a month, 30 manager hours each at 75, a quarter leaves.
FIVE = Recorded(
    is_managed=False,
    months=12,
    price=Decimal(60_000),
    people=Decimal(5),
    manager_hours=Decimal(150),
    manager_hour_cost=Decimal(75),
    churn=Decimal("0.25"),
    remaining_months=6,
)
FEE = Recorded(is_managed=True, months=12, price=Decimal(60_000))


def switched(recorded: Recorded, **points: float) -> Switch:
    """With the assumptions named held at a point."""
    held = [
        replace(a, triangle=Triangle(*(points[a.code],) * 3)) if a.code in points else a
        for a in SWITCHING
    ]
    found = switch(recorded, held)
    assert found is not None
    return found


def whole(found: Range | None) -> tuple[int, int, int] | None:
    if found is None:
        return None
    return round(found.p10), round(found.p50), round(found.p90)


CERTAIN = {
    "risk_premium": 0.2,
    "efficiency": 0.12,
    "governance": 0.1,
    "transition": 0.12,
    "manager_share": 0.2,
    "manager_price": 1.0,
    "churn": 0.25,
    "ramp": 2.0,
    "lost_output": 0.5,
    "discount": 0.08,
    "unforeseen": 0.0,
    "tools": 0.0,
    "extras": 0.0,
}


def test_published_example_is_reproduced_in_spirit() -> None:
    # Published: saving -6.9k, +0.7k, +7.7k; transition 82, 95, 111k; chance .28.
    # It leaves tools, overage, changes and re-work out of both models.
    found = switched(FIVE, tools=0.0, extras=0.0)
    assert whole(found.saving) == (-7661, 669, 8479)
    assert whole(found.transition) == (81693, 95434, 111843)
    assert round(found.chance_to_save, 2) == 0.31


def test_published_example_with_tools_and_what_comes_on_top_of_a_fee() -> None:
    found = switched(FIVE)
    assert whole(found.saving) == (-11537, -2278, 6519)
    assert whole(found.transition) == (81693, 95434, 111843)
    assert round(found.chance_to_save, 2) == 0.2


def test_defaults_do_not_sell_switching() -> None:
    assert switched(FIVE).chance_to_save < 0.5
    assert switched(FEE).chance_to_save < 0.5


def test_augmented_to_managed_follows_the_formula_to_the_unit() -> None:
    found = switched(FIVE, **CERTAIN)
    # 60,000 + 150 · 75 + .25/12 · 2 · .5 · 60,000
    assert whole(found.present) == (72_500,) * 3
    # F' = 60,000 · .88 · 1.2 = 63,360 and a tenth of it
    assert whole(found.other) == (69_696,) * 3
    assert whole(found.saving) == (2_804,) * 3
    # T = .12 · 12 · F'
    assert whole(found.transition) == (91_238,) * 3
    # 91,238.4 / 2,804
    assert found.break_even == (32.5, 32.5, 32.5)
    assert found.chance_to_save == 0.0


def test_managed_to_augmented_follows_the_formula_to_the_unit() -> None:
    recorded = replace(
        FEE,
        hours=Decimal(528),
        market_rate=Decimal(70),
        manager_hours=Decimal(20),
        manager_hour_cost=Decimal(75),
        exit_charge=Decimal(30_000),
    )
    found = switched(recorded, **CERTAIN)
    assert whole(found.present) == (61_500,) * 3
    # 528 / .88 = 600 hours: 600 · 70 + 600 · .2 · 75 + 42,000 · .25 · 2 · .5 / 12
    assert whole(found.other) == (51_875,) * 3
    # 30,000 + .12 · 12 · 42,000
    assert whole(found.transition) == (90_480,) * 3
    assert found.chance_to_save == 1.0


def test_tools_and_what_comes_on_top_of_a_fee_are_counted_on_their_side() -> None:
    beside = CERTAIN | {"tools": 0.02, "extras": 0.05}
    handed_over, without = switched(FIVE, **beside), switched(FIVE, **CERTAIN)
    # 60,000 · .02, and 63,360 · .05
    assert whole(handed_over.present) == (73_700,) * 3
    assert whole(handed_over.other) == (72_864,) * 3
    # What is paid to go over is a part of the fee alone.
    assert handed_over.transition == without.transition
    taken_over = switched(FEE, **beside)
    # 60,000 / 1.05 / 1.056 = 54,113, directed, tooled, and with those who leave
    assert whole(taken_over.other) == (67_145,) * 3


def test_tools_that_our_own_records_tell_of_stand_in_the_ledger_already() -> None:
    own = [replace(a, is_own=a.code == "tools") for a in SWITCHING]
    found = switch(FIVE, own)
    assert found is not None
    assert found.present == switched(FIVE, tools=0.0).present
    assert "tools" in {a.code for a in found.assumptions}


def test_unknown_used_hours_give_a_range_and_not_a_point() -> None:
    known = switched(replace(FEE, hours=Decimal(640), market_rate=Decimal(70)))
    unknown = switched(FEE)
    width = unknown.other.p90 - unknown.other.p10
    assert width > Decimal("1.2") * (known.other.p90 - known.other.p10)


def test_value_over_a_term_of_nothing_is_the_transition_lost() -> None:
    found = switched(replace(FIVE, remaining_months=0), **CERTAIN)
    assert whole(found.value_in_term) == (-91_238,) * 3
    assert switched(replace(FIVE, remaining_months=None)).value_in_term is None


def test_value_in_two_years_is_discounted() -> None:
    found = switched(FIVE, **(CERTAIN | {"discount": 1e-9}))
    assert whole(found.value_in_two_years) == (round(24 * 2_804 - 91_238.4),) * 3
    dearer = switched(FIVE, **CERTAIN)
    assert dearer.value_in_two_years.p50 < found.value_in_two_years.p50


def test_break_even_is_never_where_nothing_is_saved() -> None:
    found = switched(FIVE, **(CERTAIN | {"risk_premium": 0.6}))
    assert found.break_even == (None, None, None)


def test_what_matters_most_comes_first_and_says_which_way() -> None:
    first, second, *rest = switched(FIVE).matters
    assert (first.assumption.code, second.assumption.code) == (
        "efficiency",
        "risk_premium",
    )
    assert first.at_low < 0 < first.at_high
    assert second.at_low > 0 > second.at_high
    assert [one.share for one in (first, second)] == [0.378, 0.277]
    assert len(rest) <= 3


def test_only_what_is_not_recorded_is_assumed() -> None:
    assert {a.code for a in switched(FIVE).assumptions} == {
        "risk_premium",
        "efficiency",
        "governance",
        "ramp",
        "lost_output",
        "transition",
        "discount",
        "unforeseen",
        "tools",
        "extras",
    }


@pytest.mark.parametrize("recorded", [FIVE, FEE])
def test_currency_changes_nothing_but_the_unit(recorded: Recorded) -> None:
    tenfold = replace(
        recorded,
        price=recorded.price * 10,
        manager_hour_cost=recorded.manager_hour_cost
        and recorded.manager_hour_cost * 10,
    )
    one, ten = switched(recorded), switched(tenfold)
    assert float(ten.saving.p50) == pytest.approx(10 * float(one.saving.p50), rel=1e-9)
    assert ten.chance_to_save == one.chance_to_save


@pytest.mark.parametrize(
    "recorded", [replace(FIVE, months=2), replace(FIVE, price=Decimal(0))]
)
def test_too_little_spend_is_no_basis(recorded: Recorded) -> None:
    assert switch(recorded, SWITCHING) is None


def test_same_records_give_the_same_figures() -> None:
    assert switched(FIVE) == switched(FIVE)


def test_own_records_take_an_assumptions_place_once_there_are_three() -> None:
    figures = [Decimal("0.1"), Decimal("0.3"), Decimal("0.5")]

    def churn(of: list[Decimal]) -> Assumption:
        records = OwnRecords(of, "vendors", date(2026, 10, 31))
        found = with_own_records(SWITCHING, {"churn": records})
        return next(a for a in found if a.code == "churn")

    assert churn(figures[:2]) == next(a for a in SWITCHING if a.code == "churn")
    own = churn(figures)
    assert own.triangle == Triangle(0.14, 0.3, 0.46)
    assert own.is_own
    assert (own.source, own.dated_on) == ("our own records of 3 vendors", "2026-10-31")


def test_own_triangle_of_equal_figures_is_a_point() -> None:
    assert own_triangle([Decimal("0.2")] * 3) == Triangle(0.2, 0.2, 0.2)
