"""Oracles for the share of plausible weights, none of which samples the engine."""

from fractions import Fraction
from math import prod

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tracker.fit import acceptability as module
from tracker.fit.acceptability import acceptability, at_extremes, without

FIRMNESSES = st.sampled_from([1, 2, 4])
leans = st.integers(-1000, 1000).filter(bool).map(lambda n: n / 1000)


def points(*figures: float) -> np.ndarray:
    """One engagement with one atom for each criterion."""
    return np.array(figures, dtype=float).reshape(1, -1, 1)


def on_the_simplex(figures: list[float]) -> float:
    """The closed form for distinct leans and uniform weights, in exact fractions."""
    exact = [Fraction(figure) for figure in figures]
    return float(
        sum(
            prod(own / (own - other) for other in exact if other != own)
            for own in exact
            if own > 0
        )
    )


def random_board(
    generator: np.random.Generator, rows: int, criteria: int
) -> np.ndarray:
    centres = generator.uniform(-1, 1, (rows, criteria, 1))
    atoms = centres + generator.normal(0, 0.2, (rows, criteria, 8))
    return np.sort(np.clip(atoms, -1, 1)) * generator.uniform(
        0.5, 1.5, (1, criteria, 1)
    )


def test_acceptability_of_the_published_example_is_four_fifths() -> None:
    assert acceptability(points(0.6, -0.3, 0.2), 1)[0] == pytest.approx(0.8, abs=1e-14)


@settings(max_examples=300, deadline=None)
@given(st.lists(leans, min_size=2, max_size=12, unique=True))
def test_acceptability_equals_the_closed_form(figures: list[float]) -> None:
    expected = on_the_simplex(figures)
    assert acceptability(points(*figures), 1)[0] == pytest.approx(expected, abs=1e-8)


@pytest.mark.parametrize("ratio", [1e-1, 1e-3, 1e-6, 1e-12])
def test_acceptability_is_exact_however_far_leans_lie_apart(ratio: float) -> None:
    expected = on_the_simplex([1.0, -ratio])
    assert acceptability(points(1.0, -ratio), 1)[0] == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(
    ("figures", "expected"),
    [
        ((0.0, 0.0), 0.5),
        ((0.4, 0.0), 1.0),
        ((0.4, 0.2), 1.0),
        ((-0.4, 0.0), 0.0),
        ((-1e-300,), 0.0),
        ((1.0, -1.0), 0.5),
    ],
)
def test_acceptability_without_a_conflict_is_exact(
    figures: tuple[float, ...], expected: float
) -> None:
    assert acceptability(points(*figures), 2)[0] == expected


def test_acceptability_counts_a_tie_as_half() -> None:
    q = np.array([[[0.0, 0.5]]])
    assert acceptability(q, 2)[0] == 0.75


def test_acceptability_of_no_engagement_is_empty() -> None:
    assert acceptability(np.empty((0, 3, 8)), 2).tolist() == []


@pytest.mark.parametrize("firmness", [1, 2, 4])
def test_acceptability_agrees_with_sampling(firmness: int) -> None:
    generator = np.random.default_rng(7)
    q = random_board(generator, 6, 16)
    samples = 200_000
    exact = acceptability(q, firmness)
    for row in range(len(q)):
        weights = generator.gamma(firmness, 1 / firmness, (samples, 16))
        drawn = generator.integers(0, 8, (samples, 16))
        values = np.take_along_axis(q[row], drawn.T, axis=1).T
        sampled = float(np.mean(np.sum(weights * values, axis=1) > 0))
        error = np.sqrt(max(exact[row] * (1 - exact[row]), 1e-6) / samples)
        assert abs(sampled - exact[row]) < 4.5 * error


@pytest.mark.parametrize("firmness", [1, 2, 4])
def test_quadrature_agrees_with_the_rule_in_log_time(firmness: int) -> None:
    q = random_board(np.random.default_rng(3), 60, 16)
    exact = [module._inverted_in_log_time(row, firmness) for row in q]
    assert np.max(np.abs(acceptability(q, firmness) - exact)) < 1e-8


@pytest.mark.parametrize("firmness", [1, 2, 4])
def test_acceptability_is_exact_for_atoms_of_every_size(firmness: int) -> None:
    generator = np.random.default_rng(11)
    sizes = np.exp(-np.abs(generator.normal(0, 3, (40, 4, 8))))
    q = sizes * generator.choice([-1, 1], sizes.shape)
    exact = [module._inverted_in_log_time(row, firmness) for row in q]
    assert np.max(np.abs(acceptability(q, firmness) - exact)) < 1e-8


def boards(count: int) -> np.ndarray:
    """Many boards of the engine's own shape, seeded."""
    return random_board(np.random.default_rng(count), count, 14)


@pytest.mark.parametrize("firmness", [1, 2, 4])
def test_flipped_leans_give_the_complement(firmness: int) -> None:
    q = boards(4000)
    flipped = acceptability(-q, firmness)
    assert np.max(np.abs(acceptability(q, firmness) + flipped - 1)) < 1e-9


@pytest.mark.parametrize("firmness", [1, 2, 4])
def test_acceptability_rises_with_every_lean(firmness: int) -> None:
    q = boards(4000)
    generator = np.random.default_rng(5)
    raised = q.copy()
    column = generator.integers(0, 14, len(q))
    raised[np.arange(len(q)), column] += generator.uniform(0.001, 0.5, (len(q), 8))
    assert np.min(acceptability(raised, firmness) - acceptability(q, firmness)) > -1e-9


def test_acceptability_does_not_depend_on_order_or_scale() -> None:
    q = boards(10_000)
    generator = np.random.default_rng(9)
    moved = 37.5 * q[:, generator.permutation(14)][:, :, ::-1]
    assert np.max(np.abs(acceptability(moved, 2) - acceptability(q, 2))) < 1e-9


def test_acceptability_of_a_row_does_not_depend_on_other_rows() -> None:
    q = boards(600)
    alone = np.concatenate([acceptability(row[None], 2) for row in q[:50]])
    assert acceptability(q, 2)[:50].tolist() == alone.tolist()


@settings(max_examples=60, deadline=None)
@given(st.lists(leans, min_size=2, max_size=8), FIRMNESSES)
def test_a_criterion_without_lean_changes_nothing(
    figures: list[float], firmness: int
) -> None:
    plain, padded = points(*figures), points(*figures, 0.0)
    expected = acceptability(plain, firmness)[0]
    assert acceptability(padded, firmness)[0] == pytest.approx(expected, abs=1e-9)


def test_extremes_equal_the_board_with_the_criterion_replaced() -> None:
    q = boards(20)
    low, high = np.full(14, -0.8), np.full(14, 0.6)
    lowest, highest = at_extremes(q, low, high, 2)
    for column in range(14):
        for bound, found in ((-0.8, lowest), (0.6, highest)):
            replaced = q.copy()
            replaced[:, column] = bound
            expected = acceptability(replaced, 2)
            assert np.max(np.abs(found[:, column] - expected)) < 1e-8


def test_without_one_criterion_any_lean_can_be_tried() -> None:
    q = boards(30)
    columns = np.arange(30) % 14
    tried = np.linspace(-1, 1, 8) * np.ones((30, 1))
    replaced = q.copy()
    replaced[np.arange(30), columns] = tried
    found = without(q, columns, 2).acceptability(tried)
    assert np.max(np.abs(found - acceptability(replaced, 2))) < 1e-8
