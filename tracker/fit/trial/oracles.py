"""What the acceptability must be, from sources that know nothing of the engine."""

from dataclasses import dataclass
from fractions import Fraction
from math import prod

import numpy as np

from tracker.fit.acceptability import acceptability
from tracker.fit.evidence import Floats

SAMPLES = 200_000
BOARDS = 8
CRITERIA = 16
ATOMS = 8
# Levels of each drug's own distribution; all pairs of them are the difference's atoms.
LEVELS = (np.arange(64) + 0.5) / 64
CLOSED_FORM = 0.8
CLOSED_FORM_LEANS = (0.6, -0.3, 0.2)
CLOSED_FORMS = 200
RAISED = 12_000


@dataclass(frozen=True)
class Event:
    """A criterion of the published example: Beta parameters of a rate for each drug.

    The value falls linearly from 1 at `best` to 0 at `worst`.
    """

    name: str
    heparin: tuple[float, float]
    enoxaparin: tuple[float, float]
    best: float
    worst: float


# Thrombolytics, a single study of heparin against enoxaparin: figures from
# examples/thrombolytics.json of github.com/drugis/mcda-elicitation-web.
EVENTS = (
    Event("proximal DVT", (20, 116), (8, 121), 0.0, 0.25),
    Event("distal DVT", (40, 96), (32, 97), 0.15, 0.40),
    Event("major bleeding", (1, 135), (5, 124), 0.0, 0.10),
)
# First rank acceptability of enoxaparin without preferences, from 10,000 samples:
# the documented example of the R package smaa (van Valkenhoef), CRAN.
PUBLISHED = 0.6496
PUBLISHED_SAMPLES = 10_000


def closed_form_error() -> float:
    leans = np.array(CLOSED_FORM_LEANS).reshape(1, -1, 1)
    return abs(float(acceptability(leans, 1)[0]) - CLOSED_FORM)


def quadrature_error() -> float:
    """The largest error against closed forms in exact fractions."""
    rng = np.random.default_rng(21)
    errors = []
    for _ in range(CLOSED_FORMS):
        thousandths = rng.choice(np.arange(1, 1001), rng.integers(2, 13), replace=False)
        leans = thousandths * rng.choice([-1, 1], len(thousandths)) / 1000
        found = float(acceptability(leans.reshape(1, -1, 1), 1)[0])
        errors.append(abs(found - _on_the_simplex(leans.tolist())))
    return max(errors)


def monotonicity_violations() -> int:
    """Of 12,000 boards with one criterion raised, those that sink."""
    rng = np.random.default_rng(22)
    boards = rng.uniform(-1, 1, (RAISED, CRITERIA, ATOMS))
    raised = boards.copy()
    columns = rng.integers(0, CRITERIA, RAISED)
    raised[np.arange(RAISED), columns] += rng.uniform(0.001, 0.5, (RAISED, ATOMS))
    change = acceptability(raised, 2) - acceptability(boards, 2)
    return int(np.sum(change < -1e-9))


def sampling_deviation() -> float:
    """The largest deviation from 200,000 samples, in their own standard errors."""
    rng = np.random.default_rng(20)
    centres = rng.uniform(-1, 1, (BOARDS, CRITERIA, 1))
    boards = np.clip(centres + rng.normal(0, 0.2, (BOARDS, CRITERIA, ATOMS)), -1, 1)
    exact = acceptability(boards, 2)
    deviations = [
        abs(_sampled(board, rng) - share) / _standard_error(share, SAMPLES)
        for board, share in zip(boards, exact.tolist(), strict=True)
    ]
    return float(max(deviations))


def published_example() -> float:
    """The acceptability of enoxaparin, by the engine's integral."""
    return float(acceptability(_differences()[None], 1)[0])


def published_deviation() -> float:
    """How far the published share lies from ours, in its own standard errors."""
    error = _standard_error(PUBLISHED, PUBLISHED_SAMPLES)
    return abs(published_example() - PUBLISHED) / error


def _on_the_simplex(leans: list[float]) -> float:
    exact = [Fraction(lean) for lean in leans]
    return float(
        sum(
            prod(own / (own - other) for other in exact if other != own)
            for own in exact
            if own > 0
        )
    )


def _differences() -> Floats:
    from scipy.special import betaincinv

    def rates(parameters: tuple[float, float]) -> Floats:
        return np.asarray(betaincinv(*parameters, LEVELS))

    return np.array(
        [
            np.subtract.outer(rates(event.heparin), rates(event.enoxaparin)).ravel()
            / (event.worst - event.best)
            for event in EVENTS
        ]
    )


def _sampled(board: Floats, rng: np.random.Generator) -> float:
    weights = rng.gamma(2, 0.5, (SAMPLES, CRITERIA))
    drawn = rng.integers(0, ATOMS, (CRITERIA, SAMPLES))
    leans = np.take_along_axis(board, drawn, axis=1).T
    return float(np.mean(np.sum(weights * leans, axis=1) > 0))


def _standard_error(share: float, samples: int) -> float:
    return float(np.sqrt(max(share * (1 - share), 1e-6) / samples))
