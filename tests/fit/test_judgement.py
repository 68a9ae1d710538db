from dataclasses import replace
from math import fsum

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tracker.fit.criteria import recordable_criteria
from tracker.fit.evidence import (
    Breakpoints,
    Mean,
    Observation,
    Prior,
    Share,
    Variation,
)
from tracker.fit.judgement import Case, Judgement, Rule, Rulebook, judge
from tracker.fit.verdict import Verdict

RULEBOOK = Rulebook(
    rules=tuple(
        Rule(code=c.code, importance=c.importance, breakpoints=c.breakpoints)
        for c in recordable_criteria()
    )
)
# With what reads otherwise where augmentation runs.
WHOLE = Rulebook(
    rules=tuple(
        Rule(c.code, c.importance, c.breakpoints, c.augmented_breakpoints)
        for c in recordable_criteria()
    )
)
RULES = {rule.code: rule for rule in RULEBOOK.rules}
SHARES = (
    "direction",
    "skills_depth",
    "core_work",
    "coverage",
    "skill_development",
    "scope_change",
)
MEANS = tuple(sorted(set(RULES) - set(SHARES) - {"steadiness"}))


def verdict_on(case: Case, rulebook: Rulebook = RULEBOOK) -> Judgement:
    return judge([case], rulebook).judgements[0]


def share(value: float, whole: float = 1000.0) -> Share:
    return Share(part=value * whole, whole=whole, records=10)


def mean(value: float, count: float = 12.0) -> Mean:
    return Mean(mean=value, count=count, records=5)


def generated_facts(seed: int, chance: float = 0.6) -> dict[str, Observation]:
    generator = np.random.default_rng(seed)
    facts: dict[str, Observation] = {}
    for code, rule in RULES.items():
        if generator.random() > chance:
            continue
        first, last = rule.breakpoints.points[0][0], rule.breakpoints.points[-1][0]
        value = float(generator.uniform(0.5 * first, 1.2 * last))
        if code in SHARES:
            facts[code] = share(min(value, 1.0), float(generator.uniform(20, 2000)))
        elif code == "steadiness":
            facts[code] = Variation(
                log_variance=float(np.log1p(value**2)), months=12, records=12
            )
        else:
            facts[code] = mean(value, float(generator.integers(1, 40)))
    return facts


def cases(count: int, first_seed: int = 0) -> list[Case]:
    return [
        Case(is_managed=seed % 2 == 0, facts=generated_facts(seed))
        for seed in range(first_seed, first_seed + count)
    ]


@pytest.mark.parametrize("records", [1, 3, 12])
@pytest.mark.parametrize(
    ("code", "is_managed"),
    [("performance", True), ("performance", False), ("scope_change", True)],
)
def test_perfect_record_never_speaks_against_its_model(
    code: str, is_managed: bool, records: int
) -> None:
    perfect = Share(part=0, whole=records, records=records, overdispersion=1.0)
    case = Case(is_managed=is_managed, facts={code: perfect})
    rulebook = WHOLE.where(is_managed=is_managed)
    (point,) = judge([case], rulebook).judgements[0].points
    assert (point.points if is_managed else -point.points) >= 0.0


def test_payments_alone_are_not_enough_evidence() -> None:
    paid = {
        "permanence": mean(60.0, 60.0),
        "steadiness": Variation(log_variance=0.0, months=12, records=12),
    }
    judgement = verdict_on(Case(is_managed=False, facts=paid))
    assert judgement.verdict is Verdict.NOT_ENOUGH_EVIDENCE
    assert judgement.leans_managed is None
    assert judgement.missing[0].code == "direction"


@pytest.mark.parametrize("code", sorted(RULES))
def test_one_fact_alone_is_never_enough(code: str) -> None:
    last = RULES[code].breakpoints.last
    fact: Observation = mean(last, 1e6)
    if code in SHARES:
        fact = share(last, 1e9)
    if code == "steadiness":
        fact = Variation(log_variance=0.0, months=10**6, records=1)
    judgement = verdict_on(Case(is_managed=True, facts={code: fact}))
    assert judgement.verdict is Verdict.NOT_ENOUGH_EVIDENCE
    assert [fact.code for fact in judgement.missing].count(code) == 0


def test_nothing_recorded_leans_nowhere() -> None:
    judgement = verdict_on(Case(is_managed=True, facts={}))
    assert judgement.acceptability == pytest.approx(0.5, abs=1e-6)
    assert (judgement.coverage, judgement.margin) == (0.0, 0.0)
    assert judgement.verdict is Verdict.NOT_ENOUGH_EVIDENCE


def test_missing_facts_rank_by_how_far_they_could_move_the_verdict() -> None:
    judgement = verdict_on(Case(is_managed=True, facts={"direction": share(0.2)}))
    swings = [fact.swing_points for fact in judgement.missing]
    assert swings == sorted(swings, reverse=True)
    assert len(swings) == len(RULES) - 1


def test_swing_is_the_distance_between_the_fact_s_extremes() -> None:
    facts = {"direction": share(0.3)}
    judgement = verdict_on(Case(is_managed=True, facts=facts))
    swing = next(f for f in judgement.missing if f.code == "core_work").swing_points
    certain = 1e12
    low = verdict_on(
        Case(is_managed=True, facts=facts | {"core_work": share(1.0, certain)})
    )
    high = verdict_on(
        Case(is_managed=True, facts=facts | {"core_work": share(0.0, certain)})
    )
    reach = 100 * (high.acceptability - low.acceptability)
    assert swing == pytest.approx(reach, abs=0.06)


def test_points_sum_exactly_to_the_margin() -> None:
    for judgement in judge(cases(300), RULEBOOK).judgements:
        told = [point.points for point in judgement.points]
        total = fsum([*told, judgement.not_recorded_points])
        assert round(total, 4) == judgement.margin


def test_point_is_weight_times_expected_lean() -> None:
    facts = {"direction": share(0.0, 1e9)}
    judgement = verdict_on(Case(is_managed=True, facts=facts))
    total = fsum(rule.importance for rule in RULEBOOK.rules)
    assert judgement.points[0].lean == 1.0
    assert judgement.points[0].points == round(100 * 0.85 * 1.5 / total, 4)


def test_portfolio_stands_in_for_missing_facts_and_says_so() -> None:
    prior = Prior(quantiles=(0.0,) * 8)
    case = Case(is_managed=True, facts={}, priors={"direction": prior})
    judgement = verdict_on(case)
    assert judgement.points == ()
    assert judgement.not_recorded_points == judgement.margin
    assert judgement.margin > 0


def test_judgement_does_not_depend_on_the_order_of_criteria() -> None:
    turned = Rulebook(rules=RULEBOOK.rules[::-1])
    assert judge(cases(50), turned).judgements == judge(cases(50), RULEBOOK).judgements


def test_judgement_does_not_depend_on_the_names_of_criteria() -> None:
    def renamed(code: str) -> str:
        return f"z{999 - sorted(RULES).index(code)}"

    rules = [replace(rule, code=renamed(rule.code)) for rule in RULEBOOK.rules]
    others = [
        replace(case, facts={renamed(code): fact for code, fact in case.facts.items()})
        for case in cases(300)
    ]
    plain = judge(cases(300), RULEBOOK).judgements
    for one, other in zip(
        plain, judge(others, Rulebook(rules=tuple(rules))).judgements, strict=True
    ):
        assert other.acceptability == pytest.approx(one.acceptability, abs=2e-6)
        assert (other.verdict, other.coverage) == (one.verdict, one.coverage)


def test_judgement_does_not_depend_on_other_engagements() -> None:
    many = judge(cases(300), RULEBOOK).judgements
    assert [verdict_on(case) for case in cases(40)] == list(many[:40])


def test_flipped_leans_give_the_opposite_judgement() -> None:
    flipped = Rulebook(
        rules=tuple(
            replace(
                rule,
                breakpoints=Breakpoints(
                    points=tuple((x, -lean) for x, lean in rule.breakpoints.points),
                    source="flipped",
                ),
            )
            for rule in RULEBOOK.rules
        )
    )
    for one, other in zip(
        judge(cases(500), RULEBOOK).judgements,
        judge(cases(500), flipped).judgements,
        strict=True,
    ):
        assert one.acceptability + other.acceptability == pytest.approx(1, abs=2e-6)
        assert one.margin == pytest.approx(-other.margin, abs=2e-3)


def test_current_model_turns_opposition_and_nothing_else() -> None:
    for case in cases(100):
        one = verdict_on(replace(case, is_managed=True))
        other = verdict_on(replace(case, is_managed=False))
        assert one.acceptability == other.acceptability
        assert one.opposition == pytest.approx(1 - other.opposition, abs=1e-9)
        assert one.points == other.points


def test_recording_a_fact_never_lowers_coverage() -> None:
    plain = cases(250)
    before = judge(plain, RULEBOOK).judgements
    for code, rule in RULES.items():
        if code in (*SHARES, "steadiness"):
            continue
        fact = mean(rule.breakpoints.last, 1.0)
        richer = [replace(case, facts={code: fact, **case.facts}) for case in plain]
        for one, other in zip(before, judge(richer, RULEBOOK).judgements, strict=True):
            assert other.coverage >= one.coverage


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(SHARES), st.floats(0.01, 1.0))
def test_acceptability_moves_one_way_with_each_share(
    seed: int, code: str, step: float
) -> None:
    facts = generated_facts(seed)
    low, high = share(0.4 * (1 - step)), share(0.4 + 0.6 * step)
    one = verdict_on(Case(is_managed=True, facts=facts | {code: low}))
    other = verdict_on(Case(is_managed=True, facts=facts | {code: high}))
    points = RULES[code].breakpoints.points
    rises = points[-1][1] > points[0][1]
    change = other.acceptability - one.acceptability
    assert change >= -1e-6 if rises else change <= 1e-6


def test_monotone_in_every_criterion_over_many_cases() -> None:
    plain = cases(300, first_seed=5000)
    for code, rule in RULES.items():
        rises = rule.breakpoints.points[-1][1] > rule.breakpoints.points[0][1]
        have = [case for case in plain if code in case.facts]
        moved = [
            replace(
                case,
                facts={
                    **case.facts,
                    code: case.facts[code].with_value(case.facts[code].value * 0.8),
                },
            )
            for case in have
        ]
        for one, other in zip(
            judge(have, RULEBOOK).judgements,
            judge(moved, RULEBOOK).judgements,
            strict=True,
        ):
            fallen = one.acceptability - other.acceptability
            assert fallen >= -1e-6 if rises else fallen <= 1e-6


def test_fact_is_changing_when_the_recent_half_reads_otherwise() -> None:
    facts = {"direction": share(0.5)}
    still = Case(is_managed=True, facts=facts, recent={"direction": share(0.55)})
    moved = Case(is_managed=True, facts=facts, recent={"direction": share(0.7)})
    assert [verdict_on(c).points[0].is_changing for c in (still, moved)] == [
        False,
        True,
    ]


def test_fewer_months_of_the_same_are_not_a_change() -> None:
    whole = Variation(log_variance=0.0, months=12, records=12)
    recent = Variation(log_variance=0.0, months=3, records=3)
    case = Case(
        is_managed=True, facts={"steadiness": whole}, recent={"steadiness": recent}
    )
    assert verdict_on(case).points[0].is_changing is False


def test_strong_opposition_is_marked() -> None:
    facts = {
        "direction": share(1.0),
        "core_work": share(1.0),
        "skills_depth": share(1.0),
        "skill_development": share(0.5),
        "skills_breadth": mean(1.0, 500.0),
        "permanence": mean(2.0),
        "measurability": share(0.0),
    }
    judgement = verdict_on(Case(is_managed=True, facts=facts))
    assert (judgement.verdict, judgement.is_strong) == (
        Verdict.OTHER_MODEL_FITS,
        True,
    )
    assert judgement.leans_managed is False
