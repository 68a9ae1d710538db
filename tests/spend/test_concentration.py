from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tracker.spend.concentration import (
    Concentration,
    concentration_of,
    herfindahl_index,
    shares,
)

AMOUNTS = st.lists(st.integers(1, 10**9).map(Decimal), min_size=1, max_size=30)


@pytest.mark.parametrize(
    ("amounts", "index", "word"),
    [
        ([], "0", Concentration.LOW),
        (["7"], "10000", Concentration.HIGH),
        # 50² + 30² + 20²
        (["50", "30", "20"], "3800", Concentration.HIGH),
        (["10"] * 10, "1000", Concentration.MODERATE),
        (["10"] * 20, "500", Concentration.LOW),
        # What was paid back on balance takes no part.
        (["50", "50", "-30"], "5000", Concentration.HIGH),
    ],
)
def test_the_index_adds_up_the_squares_of_shares_in_per_cent(amounts, index, word):
    found = herfindahl_index([Decimal(each) for each in amounts])

    assert found == Decimal(index)
    assert concentration_of(found) is word


@settings(max_examples=200, deadline=None)
@given(AMOUNTS)
def test_shares_sum_to_one_and_the_index_lies_between_even_and_single(amounts):
    tiny = Decimal("1e-20")

    assert abs(sum(shares(amounts)) - 1) < tiny
    even = Decimal(10_000) / len(amounts)
    assert even - tiny * 10**6 <= herfindahl_index(amounts) <= 10_000 + tiny * 10**6
