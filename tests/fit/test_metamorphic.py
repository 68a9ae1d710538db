"""What must not change a judgement, and which way it may move: 10,000 cases each."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from engagements.choices import ChargeKind
from engagements.models import Engagement
from engagements.values.periods import add_months, months_between
from tests.factories import make_contract, make_cost_centre
from tests.fit.records import LONG_AGO, TODAY
from tracker.fit.acceptability import acceptability
from tracker.fit.criteria import all_criteria
from tracker.fit.criteria.direction import Direction
from tracker.fit.criteria.performance import Performance, shortfall_of
from tracker.fit.criteria.skills_breadth import SkillsBreadth
from tracker.fit.criteria.steadiness import Steadiness
from tracker.fit.evidence import (
    UNINFORMED,
    Observation,
    Share,
    Variation,
    posterior_leans,
)
from tracker.fit.judgement import Case, Rule, Rulebook, _coverage, judge, weighted
from tracker.fit.queries import Scope
from tracker.fit.trial.planting import facts, plant
from tracker.fit.turnover import Turnover
from tracker.spend.models import Basis, MonthlySpend

CASES = 10_000
RULEBOOK = Rulebook(
    rules=tuple(
        Rule(c.code, c.importance, c.breakpoints, c.augmented_breakpoints)
        for c in all_criteria()
    )
)
CODES = [rule.code for rule in RULEBOOK.rules]
TOLERANCE = 1e-9


@pytest.fixture(scope="module")
def planted() -> list[dict[str, Observation]]:
    """Facts of 2,500 engagements in four months each, some of them not recorded."""
    portfolio = plant(99, CASES // 4, 21)
    rng = np.random.default_rng(99)
    every = [
        facts(portfolio, row, month)
        for month in (11, 14, 17, 20)
        for row in range(CASES // 4)
    ]
    return [
        {code: fact for code, fact in known.items() if rng.random() > 0.2}
        for known in every
    ]


def leans_of(
    known: list[dict[str, Observation]], rulebook: Rulebook = RULEBOOK
) -> np.ndarray:
    columns = [
        posterior_leans(
            rule.breakpoints,
            [found.get(rule.code) for found in known],
            [UNINFORMED] * len(known),
        )
        for rule in rulebook.rules
    ]
    return np.stack(columns, axis=1)


def shares_of(
    known: list[dict[str, Observation]], rulebook: Rulebook = RULEBOOK
) -> np.ndarray:
    return acceptability(weighted(leans_of(known, rulebook), rulebook), 2)


@pytest.fixture(scope="module")
def plain(planted: list[dict[str, Observation]]) -> np.ndarray:
    """The planted shares, before anything is done to them."""
    return shares_of(planted)


def test_share_moves_one_way_with_every_fact(
    planted: list[dict[str, Observation]], plain: np.ndarray
) -> None:
    rng = np.random.default_rng(1)
    moved, directions = [], np.zeros(CASES)
    for row, known in enumerate(planted):
        code = sorted(known)[int(rng.integers(len(known)))]
        own = known[code]
        most = 1.0 if isinstance(own, Share) else 3 * own.value + 1
        figure = own.value + float(rng.uniform(0, 1)) * (most - own.value)
        moved.append(known | {code: own.with_value(figure)})
        points = RULEBOOK.rules[CODES.index(code)].breakpoints.points
        rises = all(after[1] >= before[1] for before, after in pairwise(points))
        directions[row] = 1 if rises else -1
    change = shares_of(moved) - plain
    assert np.min(change * directions) > -TOLERANCE
    assert np.max(np.abs(change)) > 0.1


def test_flipped_leans_give_the_complement(
    planted: list[dict[str, Observation]],
) -> None:
    q = weighted(leans_of(planted), RULEBOOK)
    assert np.max(np.abs(acceptability(-q, 2) + acceptability(q, 2) - 1)) < TOLERANCE


def test_names_and_order_of_criteria_change_nothing(
    planted: list[dict[str, Observation]], plain: np.ndarray
) -> None:
    rng = np.random.default_rng(2)
    renamed = dict(zip(CODES, rng.permutation(CODES).tolist(), strict=True))
    rules = tuple(replace(rule, code=renamed[rule.code]) for rule in RULEBOOK.rules)
    other = [{renamed[code]: fact for code, fact in k.items()} for k in planted]
    found = shares_of(other, replace(RULEBOOK, rules=rules))
    assert np.max(np.abs(found - plain)) < TOLERANCE


def test_other_engagements_and_their_order_change_nothing(
    planted: list[dict[str, Observation]], plain: np.ndarray
) -> None:
    order = np.random.default_rng(3).permutation(CASES)
    assert np.array_equal(shares_of([planted[i] for i in order[1:]]), plain[order[1:]])


def test_another_currency_changes_no_variation() -> None:
    rng = np.random.default_rng(4)
    series = np.exp(rng.normal(9, 0.4, (CASES, 12))) * (rng.random((CASES, 12)) > 0.1)
    factors = np.exp(rng.normal(0, 3, CASES))
    plain, other = (
        np.array([Variation.of(uses, records=12).log_variance for uses in each])
        for each in (series, series * factors[:, None])
    )
    assert np.max(np.abs(plain - other)) < TOLERANCE


def test_recording_a_fact_never_lowers_coverage(
    planted: list[dict[str, Observation]],
) -> None:
    portfolio = plant(99, CASES // 4, 21)
    rng = np.random.default_rng(5)
    for row, known in enumerate(planted):
        month = (11, 14, 17, 20)[row // (CASES // 4)]
        every = facts(portfolio, row % (CASES // 4), month)
        code = CODES[int(rng.integers(len(CODES)))]
        more = known | {code: every[code]}
        before = _coverage(Case(is_managed=True, facts=known), RULEBOOK)
        assert _coverage(Case(is_managed=True, facts=more), RULEBOOK) >= before


def test_one_recorded_fact_alone_is_never_enough(
    planted: list[dict[str, Observation]],
) -> None:
    alone = [
        Case(is_managed=bool(row % 2), facts={code: known[code]})
        for row, known in enumerate(planted[:700])
        for code in sorted(known)[:: max(len(known) - 1, 1)]
    ]
    verdicts = {judgement.verdict for judgement in judge(alone, RULEBOOK).judgements}
    assert verdicts == {"not_enough_evidence"}


def spend(engagement: Engagement, month: date, **fields: object) -> MonthlySpend:
    return MonthlySpend(
        engagement=engagement,
        vendor_id=engagement.vendor_id,
        kind=engagement.kind,
        month=month,
        booked_month=month,
        charge_kind=ChargeKind.RECURRING,
        basis=Basis.ACTUAL,
        **fields,
    )


@pytest.mark.roll_ups_differ
@pytest.mark.django_db
def test_splitting_spend_within_a_month_changes_no_variation() -> None:
    rng = np.random.default_rng(6)
    centres = [make_cost_centre(code=code) for code in ("A", "B")]
    one = make_contract(starts_on=LONG_AGO)
    fields = {
        field.attname: getattr(one, field.attname)
        for field in Engagement._meta.concrete_fields
        if field.attname not in {"id", "public_id", "reference"}
    }
    engagements = Engagement.objects.bulk_create(
        Engagement(reference=f"S-{number}", **fields) for number in range(2000)
    )
    months = list(months_between(add_months(TODAY, -10), add_months(TODAY, -1)))
    whole: list[MonthlySpend] = []
    split: list[MonthlySpend] = []
    for index, engagement in enumerate(engagements[:1000]):
        twin = engagements[1000 + index]
        for month in months:
            cents = int(rng.integers(1_000, 1_000_000))
            first = int(rng.integers(1, cents))
            for target, owner, parts in (
                (whole, engagement, [cents]),
                (split, twin, [first, cents - first]),
            ):
                target.extend(
                    spend(
                        owner,
                        month,
                        cost_centre=centre,
                        amount=Decimal(part) / 100,
                        reporting_amount=Decimal(part) / 100,
                    )
                    for centre, part in zip(centres, parts, strict=False)
                )
    assert len(whole) == CASES
    MonthlySpend.objects.bulk_create(whole + split, batch_size=2000)
    found = Steadiness().gather(Scope(Engagement.objects.all(), TODAY, 12))
    apart = [
        abs(found[e.pk].value - found[engagements[1000 + index].pk].value)
        for index, e in enumerate(engagements[:1000])
    ]
    assert max(apart) < TOLERANCE


def test_one_who_leaves_and_a_poorer_review_never_speak_for_augmentation() -> None:
    rng = np.random.default_rng(8)
    before, after = [], []
    for _ in range(CASES):
        deficits = [float(d) for d in rng.uniform(0, 1, int(rng.integers(1, 6)))]
        years, left = float(rng.uniform(2, 60)), int(rng.integers(0, 9))
        before.append(shortfall_of(deficits, Turnover(left, years, 9)))
        if rng.random() < 0.5:
            left += 1
        else:
            deficits[0] += float(rng.uniform(0, 1)) * (1 - deficits[0])
        after.append(shortfall_of(deficits, Turnover(left, years, 9)))
    breakpoints = Performance.augmented_breakpoints
    assert breakpoints is not None
    priors = [UNINFORMED] * CASES
    change = posterior_leans(breakpoints, after, priors) - posterior_leans(
        breakpoints, before, priors
    )
    # What is stored has six digits.
    assert np.min(change) > -1e-5
    assert np.max(change) > 0.1


@pytest.mark.parametrize("criterion", [Direction(), SkillsBreadth()])
def test_members_among_whom_records_are_divided_change_nothing(
    criterion: Direction | SkillsBreadth,
) -> None:
    rng = np.random.default_rng(9)
    scope = Scope(Engagement.objects.none(), TODAY, 12)
    for _ in range(CASES):
        logs = [
            (int(skill), Decimal(int(hours)) / 4, bool(ours))
            for skill, hours, ours in rng.integers((0, 1, 0), (6, 99, 2), (12, 3))
        ]
        owners = rng.integers(0, 4, len(logs))
        groups = [
            [logs],
            [
                [x for x, o in zip(logs, owners, strict=True) if o == n]
                for n in rng.permutation(4)
            ],
        ]
        one, many = (
            criterion.told(scope, [tally(criterion, own) for own in members if own])
            for members in groups
        )
        assert one == many


def tally(criterion: object, logs: list[tuple[int, Decimal, bool]]) -> Any:
    """The logs as the criterion tallies those of one member."""
    if isinstance(criterion, Direction):
        ours = sum((hours for _, hours, is_ours in logs if is_ours), Decimal(0))
        return ours, sum(hours for _, hours, _ in logs), len(logs)
    found: dict[int, tuple[Decimal, int]] = {}
    for skill, hours, _ in logs:
        worked, count = found.get(skill, (Decimal(0), 0))
        found[skill] = (worked + hours, count + 1)
    return found
