"""The engine's answers on planted portfolios, and those of simpler rules."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tracker.fit.evidence import Floats, Observation, Prior, prior_from
from tracker.fit.judgement import Case, Judgement, Rulebook, judge_by_model
from tracker.fit.learning import (
    Lessons,
    fitted_agreement,
    learnt_from,
    with_importances,
)
from tracker.fit.trial.measures import Flags, Hits, auc, calibration_error, hits
from tracker.fit.trial.planting import WINDOW, Portfolio, facts, plant
from tracker.fit.verdict import Verdict

ENGAGEMENTS = 3000
DECISIONS = (50, 200, 500)
TAUGHT = 200
DRAWS = 3
# People are wrong at times, also when they decide about a flag.
WRONG_DECISIONS = 0.10
LONG_TENURE = 12.0

Facts = Mapping[str, Observation]


@dataclass(frozen=True)
class Scored:
    """How well one rule tells planted misfits; NaN where it gives no such figure."""

    auc: float
    hits: Hits
    calibration_error: float = float("nan")
    managed_share: float = float("nan")
    not_enough_evidence: float = 0.0


@dataclass(frozen=True)
class Learnt:
    """On what was not decided, after learning; the mean of a few draws of decisions.

    `disagreement` is the calibration error of the agreement rate learnt beside, which
    foretells what people decide; `calibration_error` that of the same rate read as
    the chance of being right, which people are not always; `share_error` that of the
    acceptability itself.
    """

    auc: float
    disagreement: float
    calibration_error: float
    share_error: float
    tendency: float


@dataclass(frozen=True)
class Portfolios:
    """All rules on one portfolio, once with all facts and once with 30 % missing.

    `taught` are the rules after `TAUGHT` decisions.
    """

    full: Scored
    thinned: Scored
    learnt: Mapping[int, Learnt]
    taught: Rulebook
    ceiling: float
    baselines: Mapping[str, Scored]


def try_portfolios(rulebook: Rulebook, seed: int, missing: float) -> Portfolios:
    portfolio = plant(seed, ENGAGEMENTS, WINDOW)
    month = WINDOW - 1
    every = [facts(portfolio, row, month) for row in range(ENGAGEMENTS)]
    rng = np.random.default_rng(seed + 1)
    some = [_thinned(known, rng, missing) for known in every]
    truth = portfolio.is_misfit[:, month]
    judged = _judged(some, portfolio, rulebook)
    # Who knew the traits themselves would miss only what nothing explains.
    explained = portfolio.explained[:, month]
    towards_other = np.where(portfolio.is_managed, -explained, explained)
    taught = {
        decisions: [_learnt(some, portfolio, rulebook, decisions, rng) for _ in draws]
        for decisions, draws in ((n, range(DRAWS)) for n in DECISIONS)
    }
    return Portfolios(
        full=_scored(_judged(every, portfolio, rulebook), portfolio),
        thinned=_scored(judged, portfolio),
        learnt={
            decisions: _mean([learnt for learnt, _rules in found])
            for decisions, found in taught.items()
        },
        taught=taught[TAUGHT][-1][1],
        ceiling=auc(towards_other, truth),
        baselines=_baselines(every, portfolio, rulebook, truth, rng),
    )


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
    month = WINDOW - 1
    truth = portfolio.is_misfit[:, month]
    share = np.array([judgement.acceptability for judgement in judgements])
    verdicts = [judgement.verdict for judgement in judgements]
    thin = [verdict is Verdict.NOT_ENOUGH_EVIDENCE for verdict in verdicts]
    flagged = [verdict is Verdict.OTHER_MODEL_FITS for verdict in verdicts]
    return Scored(
        auc=auc(np.array([j.opposition for j in judgements]), truth),
        hits=hits(np.array(flagged), truth),
        calibration_error=calibration_error(share, portfolio.advantage[:, month] > 0),
        managed_share=float(share.mean()),
        not_enough_evidence=float(np.mean(thin)),
    )


def _learnt(
    known: Sequence[Facts],
    portfolio: Portfolio,
    rulebook: Rulebook,
    decisions: int,
    rng: np.random.Generator,
) -> tuple[Learnt, Rulebook]:
    """Judged by what some decisions taught, on all other engagements."""
    month = WINDOW - 1
    managed_fits = portfolio.advantage[:, month] > 0
    order = rng.permutation(ENGAGEMENTS)
    decided, held_out = order[:decisions], np.sort(order[decisions:])
    chosen = managed_fits ^ (rng.random(ENGAGEMENTS) < WRONG_DECISIONS)
    labels = chosen[decided].tolist()
    cases = _cases(known, portfolio, rulebook)
    found = learnt_from(
        Lessons.of(
            list(judge_by_model([cases[row] for row in decided], rulebook)), labels
        ),
        rulebook,
    )
    taught = with_importances(rulebook.tilted(found.tendency), found.importances)
    judgements = judged_in_order(cases, taught)
    share = np.array([judgement.acceptability for judgement in judgements])
    opposed = np.array([judgement.opposition for judgement in judgements])
    rate = fitted_agreement(share[decided], labels).rate(share[held_out])
    told = Learnt(
        auc=auc(opposed[held_out], portfolio.is_misfit[held_out, month]),
        disagreement=calibration_error(rate, chosen[held_out]),
        calibration_error=calibration_error(rate, managed_fits[held_out]),
        share_error=calibration_error(share[held_out], managed_fits[held_out]),
        tendency=found.tendency,
    )
    return told, taught


def _mean(draws: Sequence[Learnt]) -> Learnt:
    means = {
        name: float(np.mean([getattr(draw, name) for draw in draws]))
        for name in Learnt.__dataclass_fields__
    }
    return Learnt(**means)


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
