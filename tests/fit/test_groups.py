"""Pooling and the choice of groups, by themselves."""

import math
from collections.abc import Collection, Mapping

import pytest

from tracker.fit.criterion import added_up
from tracker.fit.evidence import Mean, Share, Variation
from tracker.fit.groups import (
    Standing,
    jaccard,
    members_of,
    pooled,
    pooled_facts,
    reported,
)


def test_shares_add_up() -> None:
    shares = [
        Share(part=10, whole=100, records=3),
        Share(part=90, whole=100, records=5),
    ]
    assert pooled(shares) == Share(part=100, whole=200, records=8)


def test_means_are_weighed_and_worth_no_more_than_the_best() -> None:
    means = [Mean(mean=10, count=3, records=3), Mean(mean=20, count=9, records=9)]
    assert pooled(means) == Mean(mean=17.5, count=9, records=12)


def test_variations_are_weighed_by_their_length() -> None:
    series = [
        Variation(log_variance=0.1, months=3, records=3),
        Variation(log_variance=0.4, months=13, records=13),
    ]
    found = pooled(series)
    assert isinstance(found, Variation)
    assert math.isclose(found.log_variance, (2 * 0.1 + 12 * 0.4) / 14, abs_tol=1e-6)
    assert (found.months, found.records) == (13, 16)


def test_one_member_says_what_it_says_alone() -> None:
    mean = Mean(mean=10, count=3, records=3, figures={"gaps": 1})
    assert pooled([mean]) == mean


def test_facts_of_some_members_are_facts_of_the_group() -> None:
    facts = {1: {"a": Share(part=1, whole=2, records=1)}, 2: {}}
    pools = {"a": added_up, "b": added_up}
    assert pooled_facts(facts, pools) == {"a": Share(part=1, whole=2, records=1)}


def test_pool_knows_the_members_that_recorded_nothing() -> None:
    asked = {}

    def pool(members: Collection[int], seen: Mapping[int, Mean]) -> None:
        asked[tuple(members)] = seen

    assert pooled_facts({1: {}, 2: {}}, {"a": pool}) == {}
    assert asked == {(1, 2): {}}


def test_group_has_two_members_or_more() -> None:
    assert members_of({1: ["x", "y"], 2: ["x"], 3: ["z"]}) == {"x": (1, 2)}


@pytest.mark.parametrize(
    ("one", "other", "share"),
    [((1, 2), (1, 2), 1.0), ((1, 2), (2, 3), 1 / 3), ((1,), (2,), 0.0)],
)
def test_jaccard_is_what_is_shared_of_all(
    one: tuple[int, ...], other: tuple[int, ...], share: float
) -> None:
    assert jaccard(one, other) == pytest.approx(share)


def test_of_groups_that_share_four_fifths_the_strongest_is_reported() -> None:
    groups = {
        "weak": Standing((1, 2, 3, 4, 5), 0.2),
        "strong": Standing((1, 2, 3, 4), 0.4),
        "apart": Standing((1, 2, 3, 9), 0.1),
    }
    # 4 of 5 are shared: .8; 3 of 5: .6.
    assert reported(groups) == {"strong", "apart"}


def test_of_equally_strong_groups_the_smaller_is_reported() -> None:
    groups = {
        "wide": Standing((1, 2, 3, 4, 5), 0.3),
        "narrow": Standing((1, 2, 3, 4), 0.3),
    }
    assert reported(groups) == {"narrow"}
