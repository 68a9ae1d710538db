"""The engine's answers on planted portfolios, and those of simpler rules."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tracker.fit.evidence import Floats, Observation, Prior, prior_from
from tracker.fit.judgement import Case, Judgement, Rulebook, judge_by_model
from tracker.fit.learning import (
    Lessons,
    fitted_agreement,
    is_at_bound,
    learnt_from,
    with_importances,
)
from tracker.fit.trial.measures import (
    NO_HITS,
    Flags,
    Hits,
    auc,
    calibration_error,
    hits,
)
from tracker.fit.trial.planting import WINDOW, Portfolio, facts, plant
from tracker.fit.verdict import Verdict

ENGAGEMENTS = 3000
DECISIONS = (50, 200, 500)
TAUGHT = 200
# People are wrong at times, also when they decide about a flag.
WRONG_DECISIONS = 0.10
LONG_TENURE = 12.0
MONTH = WINDOW - 1
# Between the seed of a portfolio and of the one that its lessons are tried on.
APART = 500

Facts = Mapping[str, Observation]
Rows = NDArray[np.int_]


@dataclass(frozen=True)
class Scored:
    """How well one rule tells planted misfits; NaN where it gives no such figure.

    `managed` and `augmented` are the hits among what runs in that model now.
    """

    auc: float
    hits: Hits
    managed: Hits = NO_HITS
    augmented: Hits = NO_HITS
    calibration_error: float = float("nan")
    managed_share: float = float("nan")
    not_enough_evidence: float = 0.0


@dataclass(frozen=True)
class Learnt:
    """On a portfolio that nobody decided about, after decisions about flags of one.

    `disagreement` is the calibration error of the agreement rate learnt beside, which
    foretells what people decide, where the product tells it: within the shares that
    were reviewed, which is the part `told` of all; `disagreement_anywhere` is that of
    the same rate on all. `calibration_error` is that of the rate that is told, read as
    the chance of being right, which people are not always; `share_error` that of the
    acceptability itself.
    """

    auc: float
    hits: Hits
    disagreement: float
    disagreement_anywhere: float
    told: float
    calibration_error: float
    share_error: float
    tendency: float

    @property
    def is_at_bound(self) -> bool:
        return is_at_bound(self.tendency)


@dataclass(frozen=True)
class Trial:
    """All rules on one portfolio, once with all facts and once with a part missing.

    `flagged` is how many could be decided about; `taught` are the rules after `TAUGHT`
    decisions.
    """

    full: Scored
    thinned: Scored
    flagged: int
    learnt: Mapping[int, Learnt]
    taught: Rulebook
    ceiling: float
    baselines: Mapping[str, Scored]


def try_portfolios(
    rulebook: Rulebook, seeds: Sequence[int], missing: float
) -> list[Trial]:
    """A portfolio of its own for each seed."""
    return [try_portfolio(rulebook, seed, missing) for seed in seeds]


def try_portfolio(rulebook: Rulebook, seed: int, missing: float) -> Trial:
    rng = np.random.default_rng(seed + 1)
    world = _World.of(seed, rng, missing)
    portfolio, truth = world.portfolio, world.is_misfit
    judged = _judged(world.some, portfolio, rulebook)
    # Who knew the traits themselves would miss only what nothing explains.
    explained = portfolio.explained[:, MONTH]
    towards_other = np.where(portfolio.is_managed, -explained, explained)
    # Nobody is asked about what has no flag.
    flagged = rng.permutation(np.flatnonzero(_flags(judged)))
    other = _World.of(seed + APART, rng, missing)
    taught = {n: _learnt(world, other, rulebook, flagged[:n]) for n in DECISIONS}
    return Trial(
        full=_scored(_judged(world.every, portfolio, rulebook), portfolio),
        thinned=_scored(judged, portfolio),
        flagged=len(flagged),
        learnt={n: learnt for n, (learnt, _rules) in taught.items()},
        taught=taught[TAUGHT][1],
        ceiling=auc(towards_other, truth),
        baselines=_baselines(world.every, portfolio, rulebook, truth, rng),
    )


@dataclass(frozen=True)
class _World:
    """A portfolio with what is recorded of it, and what people would decide."""

    portfolio: Portfolio
    every: Sequence[Facts]
    some: Sequence[Facts]
    chosen: Flags

    @classmethod
    def of(cls, seed: int, rng: np.random.Generator, missing: float) -> "_World":
        portfolio = plant(seed, ENGAGEMENTS, WINDOW)
        every = [facts(portfolio, row, MONTH) for row in range(ENGAGEMENTS)]
        some = [_thinned(known, rng, missing) for known in every]
        fits = portfolio.advantage[:, MONTH] > 0
        chosen = fits ^ (rng.random(ENGAGEMENTS) < WRONG_DECISIONS)
        return cls(portfolio, every, some, chosen)

    @property
    def is_misfit(self) -> Flags:
        return self.portfolio.is_misfit[:, MONTH]

    @property
    def managed_fits(self) -> Flags:
        return np.asarray(self.portfolio.advantage[:, MONTH] > 0)


def judged_in_order(cases: Sequence[Case], rulebook: Rulebook) -> list[Judgement]:
    """Each by the rules as they read in its model."""
    found: dict[int, Judgement] = {}
    for rows, judged in judge_by_model(cases, rulebook):
        found |= zip(rows, judged.judgements, strict=True)
    return [found[row] for row in range(len(cases))]


def priors_of(known: Sequence[Facts], codes: Sequence[str]) -> dict[str, Prior]:
    """The portfolio's priors, as a quarter would freeze them."""
    found = {
        code: prior_from(facts[code] for facts in known if code in facts)
        for code in codes
    }
    return {code: prior for code, prior in found.items() if prior}


def _thinned(known: Facts, rng: np.random.Generator, missing: float) -> Facts:
    return {code: fact for code, fact in known.items() if rng.random() >= missing}


def _judged(
    known: Sequence[Facts], portfolio: Portfolio, rulebook: Rulebook
) -> list[Judgement]:
    return judged_in_order(_cases(known, portfolio, rulebook), rulebook)


def _cases(
    known: Sequence[Facts], portfolio: Portfolio, rulebook: Rulebook
) -> list[Case]:
    priors = priors_of(known, [rule.code for rule in rulebook.rules])
    return [
        Case(is_managed=bool(is_managed), facts=facts, priors=priors)
        for facts, is_managed in zip(known, portfolio.is_managed, strict=True)
    ]


def _scored(judgements: Sequence[Judgement], portfolio: Portfolio) -> Scored:
    truth = portfolio.is_misfit[:, MONTH]
    share = _shares(judgements)
    thin = [j.verdict is Verdict.NOT_ENOUGH_EVIDENCE for j in judgements]
    flagged, is_managed = _flags(judgements), portfolio.is_managed
    return Scored(
        auc=auc(np.array([j.opposition for j in judgements]), truth),
        hits=hits(flagged, truth),
        managed=hits(flagged[is_managed], truth[is_managed]),
        augmented=hits(flagged[~is_managed], truth[~is_managed]),
        calibration_error=calibration_error(share, portfolio.advantage[:, MONTH] > 0),
        managed_share=float(share.mean()),
        not_enough_evidence=float(np.mean(thin)),
    )


def _flags(judgements: Sequence[Judgement]) -> Flags:
    return np.array([j.verdict is Verdict.OTHER_MODEL_FITS for j in judgements])


def _learnt(
    decided: _World, other: _World, rulebook: Rulebook, rows: Rows
) -> tuple[Learnt, Rulebook]:
    """What decisions about these rows taught, tried on another portfolio."""
    cases = _cases(decided.some, decided.portfolio, rulebook)
    asked = [cases[row] for row in rows]
    labels = decided.chosen[rows].tolist()
    found = learnt_from(
        Lessons.of(list(judge_by_model(asked, rulebook)), labels), rulebook
    )
    taught = with_importances(rulebook.tilted(found.tendency), found.importances)
    reviewed = _shares(judged_in_order(asked, taught))
    judgements = _judged(other.some, other.portfolio, taught)
    share = _shares(judgements)
    rate = fitted_agreement(reviewed, labels).rate(share)
    told = _told(
        share,
        other.portfolio.is_managed,
        reviewed,
        decided.portfolio.is_managed[rows],
    )
    learnt = Learnt(
        auc=auc(np.array([j.opposition for j in judgements]), other.is_misfit),
        hits=hits(_flags(judgements), other.is_misfit),
        disagreement=calibration_error(rate[told], other.chosen[told]),
        disagreement_anywhere=calibration_error(rate, other.chosen),
        told=float(told.mean()),
        calibration_error=calibration_error(rate[told], other.managed_fits[told]),
        share_error=calibration_error(share, other.managed_fits),
        tendency=found.tendency,
    )
    return learnt, taught


def _shares(judgements: Sequence[Judgement]) -> Floats:
    return np.array([judgement.acceptability for judgement in judgements])


def _told(
    share: Floats, is_managed: Flags, reviewed: Floats, was_managed: Flags
) -> Flags:
    """Where the product tells the agreement rate: as `agreeing` does."""
    told = np.zeros(len(share), dtype=bool)
    for model in (True, False):
        of_model = reviewed[was_managed == model]
        if len(of_model):
            within = (share >= of_model.min()) & (share <= of_model.max())
            told |= (is_managed == model) & within
    return told


def _baselines(
    known: Sequence[Facts],
    portfolio: Portfolio,
    rulebook: Rulebook,
    truth: Flags,
    rng: np.random.Generator,
) -> dict[str, Scored]:
    """Rules that need no engine; each sees all facts."""
    is_managed = portfolio.is_managed
    need = np.array([facts["permanence"].value for facts in known])
    tenure = ~is_managed & (need > LONG_TENURE)
    mean = _equal_weight_mean(known, is_managed, rulebook)
    # A provider's price for the same hours: nothing in it knows of fit.
    dearer = rng.normal(0.06, 0.12, len(known))
    cheaper_other = np.where(is_managed, dearer, -dearer)
    return {
        "keep all": _by_score(np.zeros(len(known)), np.zeros_like(truth), truth),
        "tenure above 12 months": _by_score(tenure.astype(float), tenure, truth),
        "cheapest": _by_score(cheaper_other, cheaper_other > 0, truth),
        "equal-weight mean": _by_score(mean, mean > 0, truth),
    }


def _by_score(score: Floats, flagged: Flags, truth: Flags) -> Scored:
    return Scored(auc=auc(score, truth), hits=hits(flagged, truth))


def _equal_weight_mean(
    known: Sequence[Facts], is_managed: Flags, rulebook: Rulebook
) -> Floats:
    """The mean of what each figure alone would say, towards the other model."""
    means = np.zeros(len(known))
    for row, own in enumerate(known):
        rules = rulebook.where(is_managed=bool(is_managed[row])).rules
        leans = [
            rule.breakpoints.lean(np.array(own[rule.code].value)) for rule in rules
        ]
        means[row] = np.mean(leans)
    return np.asarray(np.where(is_managed, -means, means))
