"""The share of plausible priorities and readings under which managed fits better.

Two alternatives, an additive value and unknown weights: X = Σ g_j D_j, where the
weight g_j is v_j·Gamma(c, 1/c) and the lean D_j takes one of K equiprobable atoms.
The acceptability is P(X > 0), counting a tie as half.  With c = 1, equal v and one
atom each this is the uniform weight simplex of SMAA-2 (Lahdelma & Salminen 2001).

The probability is found by inverting the characteristic function (Gil-Pelaez 1951):
nothing is sampled, so the same evidence gives the same digits.

Arrays named `q` hold importance times lean: (engagement, criterion, atom).
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Complexes = NDArray[np.complex128]

NODES = 32
CHECK_NODES = 24
CHUNK = 256
# The c that the product starts with, and most policies keep.
FAIRLY_FIRM = 2
AGREEMENT = 1e-9
DECAYED = 1e-8
RESOLVED_TIME = 50.0
RESOLVED_RATIO = 10.0
LOG_STEP = 0.05
LOG_REACH = 1e-13


def acceptability(q: Floats, firmness: int) -> Floats:
    """P(X > 0) + ½ P(X = 0) for each row of `q`, to within 1e-8.

    `q` has shape (n, criteria, atoms); `firmness` is the c of the weights: 1 for
    priorities about which nothing is known, 2 or 4 for firmer ones.  Rows without
    a single pair of opposite signs are answered exactly.
    """
    shares = _one_sided(q)
    for rows in _chunks(np.flatnonzero(np.isnan(shares))):
        shares[rows] = _inverted(q[rows], firmness)
    return shares


@dataclass(frozen=True)
class WithoutOne:
    """Everything but one criterion of each row, so that it can be tried at will.

    `rest` (n, nodes) is the product of the other criteria's characteristic
    functions and `scale` (n,) the unit in which they were taken.
    """

    rest: Complexes
    scale: Floats
    firmness: int

    def acceptability(self, q: Floats) -> Floats:
        """The acceptability of each row with the left-out criterion at `q` (n, K)."""
        tried = _factor(q / self.scale[:, None], _TIMES, self.firmness)
        return _clipped(0.5 + _integral(self.rest * tried, _WEIGHTS))


def without(q: Floats, criteria: NDArray[np.intp], firmness: int) -> WithoutOne:
    """Leave the criterion `criteria[i]` out of row i of `q`."""
    others = q.copy()
    others[np.arange(len(q)), criteria] = 0.0
    scale = _scale(q, firmness)
    rest = np.empty((len(q), NODES), dtype=np.complex128)
    for rows in _chunks(np.arange(len(q))):
        rest[rows] = _characteristic(
            others[rows] / scale[rows, None, None], _TIMES, firmness
        )
    return WithoutOne(rest=rest, scale=scale, firmness=firmness)


def at_extremes(
    q: Floats, low: Floats, high: Floats, firmness: int
) -> tuple[Floats, Floats]:
    """The acceptability with each criterion in turn known to be `low` or `high`.

    `low` and `high` (criteria,) are importance times lean; both answers are
    (n, criteria).
    """
    lowest, highest = np.empty(q.shape[:2]), np.empty(q.shape[:2])
    scale = _scale(q, firmness)
    for rows in _chunks(np.arange(len(q))):
        rests = _leave_one_out(q[rows] / scale[rows, None, None], firmness)
        for criterion, rest in enumerate(rests):
            one = WithoutOne(rest=rest, scale=scale[rows], firmness=firmness)
            for answer, bound in ((lowest, low), (highest, high)):
                point = np.full((len(rows), 1), bound[criterion])
                answer[rows, criterion] = one.acceptability(point)
    return lowest, highest


def _leave_one_out(q: Floats, firmness: int) -> list[Complexes]:
    """For each criterion the product of all other factors, without dividing."""
    factors = [
        _factor(q[:, criterion], _TIMES, firmness) for criterion in range(q.shape[1])
    ]
    one = np.ones_like(factors[0])
    before = list(accumulate(factors[:-1], np.multiply, initial=one))
    after = list(accumulate(factors[:0:-1], np.multiply, initial=one))
    return [left * right for left, right in zip(before, after[::-1], strict=True)]


def _one_sided(q: Floats) -> Floats:
    """The exact answer where X cannot change sign, NaN elsewhere."""
    tied = np.prod(np.mean(q == 0.0, axis=2), axis=1)
    shares = np.full(len(q), np.nan)
    never_negative = np.all(q >= 0.0, axis=(1, 2))
    never_positive = np.all(q <= 0.0, axis=(1, 2))
    shares[never_positive] = tied[never_positive] / 2
    shares[never_negative] = 1.0 - tied[never_negative] / 2
    return shares


def _inverted(q: Floats, firmness: int) -> Floats:
    scaled = q / _scale(q, firmness)[:, None, None]
    times = np.concatenate([_TIMES, _CHECK_TIMES])
    phi = _characteristic(scaled, times, firmness)
    shares = 0.5 + _integral(phi[:, :NODES], _WEIGHTS)
    check = 0.5 + _integral(phi[:, NODES:], _CHECK_WEIGHTS)
    late = int(np.searchsorted(_TIMES, RESOLVED_TIME))
    decayed = np.abs(phi[:, late]) < DECAYED
    even = _smallest(scaled) * RESOLVED_RATIO > 1.0
    trusted = (np.abs(shares - check) < AGREEMENT) & (decayed | even)
    for row in np.flatnonzero(~trusted):
        shares[row] = _inverted_in_log_time(scaled[row], firmness)
    return _clipped(shares)


def _inverted_in_log_time(q: Floats, firmness: int) -> float:
    """The same integral by the trapezoid rule in ln t.

    The integrand is analytic in a strip about the real axis, so the rule converges
    exponentially whatever the spread of |q|: it serves the few rows whose leans
    differ by orders of magnitude, where 32 nodes in t cannot see the smallest.
    """
    sizes = np.abs(q[q != 0.0])
    first = math.log(LOG_REACH / sizes.max())
    last = math.log(1.0 / (LOG_REACH * sizes.min()))
    times = np.exp(np.arange(first, last + LOG_STEP, LOG_STEP))
    phi = _characteristic(q[None], times, firmness)[0]
    return 0.5 + float(np.sum(phi.imag)) * LOG_STEP / math.pi


def _characteristic(q: Floats, times: Floats, firmness: int) -> Complexes:
    phi = np.ones((len(q), len(times)), dtype=np.complex128)
    for criterion in range(q.shape[1]):
        phi *= _factor(q[:, criterion], times, firmness)
    return phi


def _factor(q: Floats, times: Floats, firmness: int) -> Complexes:
    """Mean over the atoms of (1 - i·t·q/c)^-c, for q (n, K): (n, times)."""
    if firmness == FAIRLY_FIRM:
        return _factor_in_reals(q, times)
    total = np.zeros((len(q), len(times)), dtype=np.complex128)
    for atom in range(q.shape[1]):
        base = np.empty_like(total)
        base.real = 1.0
        base.imag = np.multiply.outer(q[:, atom] / -firmness, times)
        total += _inverse_power(base, firmness)
    total /= q.shape[1]
    return total


def _factor_in_reals(q: Floats, times: Floats) -> Complexes:
    """The same for c = 2, in half the time: no complex number is divided by.

    With s = t·q/2 and u = 1/(1 + s²), (1 - i·s)^-2 = 2u² - u + 2i·s·u².
    """
    atoms = q.shape[1]
    slopes = q / FAIRLY_FIRM
    shape = len(q), len(times)
    steps, inverse = np.empty(shape), np.empty(shape)
    inverses, squares, imaginary = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    for atom in range(atoms):
        np.multiply(slopes[:, atom, None], times, out=steps)
        np.multiply(steps, steps, out=inverse)
        inverse += 1.0
        np.divide(1.0, inverse, out=inverse)
        inverses += inverse
        np.multiply(inverse, inverse, out=inverse)
        squares += inverse
        steps *= inverse
        imaginary += steps
    total = np.empty(shape, dtype=np.complex128)
    total.real = (2 * squares - inverses) / atoms
    total.imag = imaginary * (2 / atoms)
    return total


def _inverse_power(base: Complexes, firmness: int) -> Complexes:
    # Squaring is several times faster than numpy's complex power.
    np.reciprocal(base, out=base)
    if firmness == 1:
        return base
    if firmness == 4:
        return np.square(np.square(base, out=base), out=base)
    return np.power(base, firmness)


def _integral(phi: Complexes, weights: Floats) -> Floats:
    # Not a matrix product: its last digit would depend on the rows beside.
    return np.asarray(np.sum(phi.imag * weights, axis=1), dtype=np.float64)


def _scale(q: Floats, firmness: int) -> Floats:
    """A quarter of the standard deviation of X: where 32 nodes see most."""
    second = np.mean(q**2, axis=2) * (1.0 + 1.0 / firmness)
    variance = np.sum(second - np.mean(q, axis=2) ** 2, axis=1)
    deviation = np.sqrt(variance) / 4
    return np.where(deviation > 0.0, deviation, 1.0)


def _smallest(q: Floats) -> Floats:
    sizes = np.where(q == 0.0, np.inf, np.abs(q))
    return np.asarray(np.min(sizes, axis=(1, 2)), dtype=np.float64)


def _clipped(shares: Floats) -> Floats:
    return np.clip(shares, 0.0, 1.0)


def _chunks(rows: NDArray[np.intp]) -> Iterator[NDArray[np.intp]]:
    for start in range(0, len(rows), CHUNK):
        yield rows[start : start + CHUNK]


def _quadrature(nodes: int) -> tuple[Floats, Floats]:
    """Times t = tan θ and weights, 1/π and the Jacobian included."""
    points, weights = np.polynomial.legendre.leggauss(nodes)
    theta = (points + 1.0) * math.pi / 4
    times = np.tan(theta)
    return times, weights / 4 / (times * np.cos(theta) ** 2)


_TIMES, _WEIGHTS = _quadrature(NODES)
_CHECK_TIMES, _CHECK_WEIGHTS = _quadrature(CHECK_NODES)
