"""Planted work: what it is like, which model would serve it better, what is recorded.

The causal model is apart from the engine's.  Work has hidden traits; each model loses
part of the work's price to them, through products, squares and thresholds that no
additive value knows of; the model that loses less is the better one.  Records are
drawn from the traits month by month, with noise, and from nothing else: no importance
and no breakpoint of the engine has a part in it.

Arrays are (engagement, month) unless said otherwise.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tracker.fit.evidence import Floats, Mean, Observation, Share, Variation, rounded

Flags = NDArray[np.bool_]
Traits = Mapping[str, Floats]

WINDOW = 12
# How much each trait follows how bespoke, and how turbulent, the work is.
LOADINGS: Mapping[str, tuple[float, float]] = {
    "steering": (0.5, 0.0),
    "vagueness": (0.5, 0.2),
    "scope": (0.0, 0.6),
    "swing": (0.0, 0.6),
    "niche": (0.5, 0.0),
    "horizon": (-0.2, -0.4),
    "span": (0.0, 0.0),
    "core": (0.6, 0.0),
    "nights": (-0.4, 0.0),
    "in_house": (0.2, 0.0),
    "teaching": (0.3, 0.0),
    "advice": (-0.2, 0.0),
    "resizing": (0.0, 0.4),
}
# Of the difference in losses, the part that no trait explains.
UNEXPLAINED = 0.5
MISFIT_SHARE = 0.3
# How traits wander: from one month to the next, and how far in all.
PERSISTENCE = 0.97
WANDERING = 0.25


@dataclass(frozen=True)
class Portfolio:
    """Engagements over months.

    `advantage` is by what part of the price managed loses less, unexplained part
    included; `explained` the same without it; `is_managed` (n,) the model in force.
    `months_before` (n,) is how long the need had lasted at the first month.
    """

    traits: Traits
    advantage: Floats
    explained: Floats
    is_managed: Flags
    months_before: Floats
    records: "Records"

    @property
    def is_misfit(self) -> Flags:
        return np.asarray((self.advantage > 0) != self.is_managed[:, None])


@dataclass(frozen=True)
class Records:
    """What was written down, by criterion: parts of wholes, readings, last words."""

    shares: Mapping[str, tuple[Floats, Floats, float]]
    use: Floats
    readings: Mapping[str, tuple[Floats, Floats]]


def plant(seed: int, engagements: int, months: int, *, turns_at: int = 0) -> Portfolio:
    """A portfolio of so many engagements and months; the same seed gives the same.

    With `turns_at` the nature of all work is reversed in that month for good.
    """
    rng = np.random.default_rng(seed)
    traits = _traits(rng, engagements, months, turns_at)
    explained = _loss_augmented(traits) - _loss_managed(traits)
    # Half of all work suits each model; else a rule that looks at nothing would do.
    explained = explained - np.median(explained[:, 0])
    unexplained = rng.normal(0, UNEXPLAINED * np.std(explained[:, 0]), engagements)
    advantage = explained + unexplained[:, None]
    fits = rng.random(engagements) >= MISFIT_SHARE
    is_managed = (advantage[:, 0] > 0) == fits
    before = np.exp(2.2 + 0.6 * traits["horizon"][:, 0])
    return Portfolio(
        traits=traits,
        advantage=advantage,
        explained=explained,
        is_managed=is_managed,
        months_before=before,
        records=_records(rng, traits, explained, is_managed, before),
    )


def facts(
    portfolio: Portfolio, engagement: int, month: int, *, months: int = WINDOW
) -> dict[str, Observation]:
    """What the months up to and with `month` recorded of one engagement.

    Shares and use are those of the last `months`; the other readings of a year.
    """
    window = slice(month + 1 - months, month + 1)
    records = portfolio.records
    found: dict[str, Observation] = {}
    for code, (part, whole, overdispersion) in records.shares.items():
        total = rounded(whole[engagement, window].sum())
        found[code] = Share(
            part=min(rounded(part[engagement, window].sum()), total),
            whole=total,
            overdispersion=overdispersion,
            records=months,
        )
    for code, (reading, count) in records.readings.items():
        found[code] = Mean(
            mean=rounded(reading[engagement, month]),
            count=rounded(count[engagement, month]),
            records=WINDOW,
        )
    use = records.use[engagement, window].tolist()
    return found | {"steadiness": Variation.of(use, records=months)}


def _traits(
    rng: np.random.Generator, engagements: int, months: int, turns_at: int
) -> dict[str, Floats]:
    bespoke, turbulent = rng.normal(size=(2, engagements, 1))
    sign = np.ones(months)
    if turns_at:
        sign[turns_at:] = -1.0
    traits = {}
    for name, (follows_bespoke, follows_turbulent) in LOADINGS.items():
        own = np.sqrt(1 - follows_bespoke**2 - follows_turbulent**2)
        lasting = (
            follows_bespoke * bespoke
            + follows_turbulent * turbulent
            + own * rng.normal(size=(engagements, 1))
        )
        traits[name] = lasting * sign + _wandering(rng, engagements, months)
    return traits


def _wandering(rng: np.random.Generator, engagements: int, months: int) -> Floats:
    steps = rng.normal(size=(engagements, months))
    wandering = np.empty((engagements, months))
    wandering[:, 0] = steps[:, 0]
    for month in range(1, months):
        kept = PERSISTENCE * wandering[:, month - 1]
        wandering[:, month] = kept + np.sqrt(1 - PERSISTENCE**2) * steps[:, month]
    return WANDERING * wandering


def _loss_managed(traits: Traits) -> Floats:
    """What a provider costs beyond the work itself, as part of its price."""
    relayed = 0.40 * _part(traits["steering"]) * _part(traits["vagueness"])
    change_orders = 0.30 * _part(traits["scope"]) ** 2
    unused = 0.20 * _part(traits["swing"])
    knowledge = 0.25 * _part(traits["core"]) * (0.5 + 0.5 * _part(traits["niche"]))
    not_learnt = 0.10 * _part(traits["teaching"])
    transition = 1.5 / _need(traits)
    return np.asarray(
        relayed + change_orders + unused + knowledge + not_learnt + transition
    )


def _loss_augmented(traits: Traits) -> Floats:
    """What directing people ourselves costs beyond the work, as part of its price."""
    overload = 0.9 * np.maximum(_load(traits) - 0.8, 0.0)
    idle_specialists = 0.30 * (1 - 1 / _skills(traits))
    shifts = 0.30 * _part(traits["nights"]) ** 2
    hiring = 0.20 * _part(traits["resizing"])
    leaderless = 0.15 * (1 - _part(traits["in_house"]))
    unadvised = 0.08 * _part(traits["advice"])
    forgotten = 0.10 * np.minimum(_need(traits) / 24, 1.0)
    return np.asarray(
        overload
        + idle_specialists
        + shifts
        + hiring
        + leaderless
        + unadvised
        + forgotten
    )


def _part(trait: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-1.5 * trait)))


def _need(traits: Traits) -> Floats:
    return np.asarray(np.exp(2.6 + 0.6 * traits["horizon"]))


def _load(traits: Traits) -> Floats:
    return np.asarray(np.maximum(0.75 + 0.25 * traits["span"], 0.05))


def _skills(traits: Traits) -> Floats:
    return np.asarray(1 + np.exp(0.6 - 0.6 * traits["niche"]))


def _records(
    rng: np.random.Generator,
    traits: Traits,
    explained: Floats,
    is_managed: Flags,
    before: Floats,
) -> Records:
    shape = explained.shape
    use = _use(rng, traits["swing"])
    hours = {
        "direction": _habit(rng, 0.1 + 1.1 * traits["steering"]),
        "skills_depth": _habit(rng, -0.6 + 1.1 * traits["niche"]),
        "measurability": _habit(rng, -0.1 - 1.1 * traits["vagueness"]),
        "core_work": _habit(rng, -0.2 + 1.1 * traits["core"]),
        "coverage": 0.6 * _habit(rng, -1.0 + 1.1 * traits["nights"]),
        "skill_development": 0.4 * _habit(rng, -1.2 + 1.1 * traits["teaching"]),
    }
    months = np.ones(shape)
    shares = {
        code: (use * _worked(rng, habit, use / 2.2), use, 2.2)
        for code, habit in hours.items()
    }
    changed = 0.4 * _habit(rng, -1.0 + 1.1 * traits["scope"])
    shares["scope_change"] = (_worked(rng, changed, 4 * months), months, 1.0)
    # What runs in the wrong model falls short a little more often.
    wrong = np.where(is_managed[:, None], -explained, explained)
    short = np.clip(0.08 + 0.4 * np.maximum(wrong, 0.0), 0.01, 0.9)
    shares["performance"] = (rng.binomial(1, short).astype(float), months, 1.0)
    return Records(shares=shares, use=use, readings=_readings(rng, traits, use, before))


def _readings(
    rng: np.random.Generator, traits: Traits, use: Floats, before: Floats
) -> dict[str, tuple[Floats, Floats]]:
    shape = use.shape
    year = np.full(shape, float(WINDOW))
    noise = rng.normal(0, 0.15, (shape[0], 1))
    elapsed = before[:, None] + np.arange(shape[1])
    together = np.minimum(elapsed, np.exp(1.9 - 0.5 * traits["resizing"] + 2 * noise))
    declared = np.clip(np.round(3 + 1.2 * traits["in_house"]), 1, 5)
    steps = _over_a_year(rng.poisson(0.25 * _part(traits["resizing"]) * 1.2))
    outputs = _over_a_year(rng.poisson(0.7 * _part(traits["advice"])))
    return {
        "skills_breadth": (
            np.maximum(_smoothed(_skills(traits)) * np.exp(noise), 1.0),
            _over_a_year(use) / 2.2,
        ),
        "manager_load": (_smoothed(_load(traits)) * np.exp(noise / 2), year),
        "permanence": (
            np.maximum(elapsed, _need(traits)),
            np.maximum(elapsed, 1.0),
        ),
        "team_integrity": (together, np.full(shape, 6.0)),
        "strategic_guidance": (outputs / 4, year),
        "scaling_friction": (steps, year),
        "in_house_team": (declared, np.full(shape, 4.0)),
    }


def _use(rng: np.random.Generator, swing: Floats) -> Floats:
    typical = np.exp(rng.normal(4.9, 0.5, (len(swing), 1)))
    spread = 0.06 + 0.40 * _part(swing)
    return np.asarray(typical * np.exp(spread * rng.normal(size=swing.shape)))


def _habit(rng: np.random.Generator, tendency: Floats) -> Floats:
    """A share that follows a tendency, as people see and write it down."""
    seen = tendency + rng.normal(0, 0.4, (len(tendency), 1))
    return np.asarray(1 / (1 + np.exp(-seen)))


def _worked(rng: np.random.Generator, share: Floats, size: Floats) -> Floats:
    """What part a month really shows, of so many independent observations."""
    return np.asarray(rng.beta(share * size + 1e-6, (1 - share) * size + 1e-6))


def _over_a_year(monthly: NDArray[np.generic]) -> Floats:
    """Sums of twelve months; the first eleven of a portfolio are never asked for."""
    total = np.cumsum(monthly.astype(np.float64), axis=1)
    total[:, WINDOW:] = total[:, WINDOW:] - total[:, :-WINDOW]
    return np.asarray(total)


def _smoothed(reading: Floats) -> Floats:
    return _over_a_year(reading) / WINDOW
