from dataclasses import replace

import numpy as np
import pytest

from tests.fit.test_judgement import RULEBOOK, cases, mean, share, verdict_on
from tracker.fit.counterfactual import (
    Counterfactual,
    counterfactuals,
    end_of_verdict,
)
from tracker.fit.criteria import all_criteria
from tracker.fit.evidence import Variation
from tracker.fit.judgement import Case, judge, judge_by_model
from tracker.fit.models import Policy
from tracker.fit.services.policies import rulebook_of
from tracker.fit.verdict import Thresholds, Verdict


def changes(case: Case) -> tuple[Counterfactual, ...]:
    return counterfactuals(judge([case], RULEBOOK))[0]


def with_fact(case: Case, code: str, value: float) -> Case:
    moved = case.facts[code].with_value(value)
    return replace(case, facts={**case.facts, code: moved})


LEANING = Case(
    is_managed=False,
    facts={
        "direction": share(0.35),
        "core_work": share(0.3),
        "skills_breadth": mean(3.0, 300.0),
        "skills_depth": share(0.3),
        "permanence": mean(12.0),
        "coverage": share(0.1),
        "skill_development": share(0.05),
        "steadiness": Variation(
            log_variance=0.03, months=12, records=12, figures={"is_hours": True}
        ),
    },
)


@pytest.mark.parametrize(
    ("opposed", "end"),
    [(0.95, 0.7), (0.7, 0.7), (0.69, 0.7), (0.5, 0.7), (0.49, 0.3), (0.1, 0.3)],
)
def test_end_of_verdict_is_the_nearest_threshold(opposed: float, end: float) -> None:
    assert end_of_verdict(opposed, Thresholds()) == end


def test_each_single_change_ends_the_verdict_where_it_says() -> None:
    assert verdict_on(LEANING).verdict is Verdict.OTHER_MODEL_FITS
    found = changes(LEANING)
    assert [change.codes for change in found] != []
    for change in found:
        assert change.value is not None
        moved = verdict_on(with_fact(LEANING, change.codes[0], change.value))
        assert moved.opposition == pytest.approx(0.70, abs=1e-5)


def test_beyond_the_value_the_verdict_is_another() -> None:
    change = next(c for c in changes(LEANING) if c.codes == ("direction",))
    assert change.value is not None
    beyond = verdict_on(with_fact(LEANING, "direction", change.value + 0.01))
    assert beyond.verdict is not Verdict.OTHER_MODEL_FITS


def test_single_changes_hold_over_many_cases() -> None:
    plain = cases(150)
    checked = 0
    judged = judge(plain, RULEBOOK)
    for case, found in zip(plain, counterfactuals(judged), strict=True):
        for change in found:
            if change.value is not None:
                moved = verdict_on(with_fact(case, change.codes[0], change.value))
                assert moved.opposition == pytest.approx(change.opposition, abs=2e-5)
                checked += 1
    assert checked > 100


def test_nearest_change_comes_first() -> None:
    spans = {
        rule.code: rule.breakpoints.points[-1][0] - rule.breakpoints.points[0][0]
        for rule in RULEBOOK.rules
    }
    found = changes(LEANING)
    moved = [
        abs((change.value or 0.0) - LEANING.facts[change.codes[0]].value)
        / spans[change.codes[0]]
        for change in found
    ]
    assert moved == sorted(moved)


def test_where_no_single_fact_would_do_the_best_pair_is_told() -> None:
    certain = replace(
        LEANING,
        facts={
            **LEANING.facts,
            "direction": share(0.0),
            "core_work": share(0.0),
            "skills_breadth": mean(6.0, 300.0),
            "permanence": mean(40.0, 40.0),
            "coverage": share(0.5),
        },
    )
    (pair,) = changes(certain)
    assert (pair.codes, pair.value) == (("direction", "skills_breadth"), None)
    assert pair.opposition < verdict_on(certain).opposition


def test_best_pair_is_the_best_of_all_pairs() -> None:
    certain = replace(LEANING, facts={**LEANING.facts, "direction": share(0.0, 1e7)})
    certain = replace(
        certain,
        facts={
            **certain.facts,
            "core_work": share(0.0, 1e7),
            "permanence": mean(60.0, 1e7),
            "skills_breadth": mean(9.0, 1e7),
            "coverage": share(0.5, 1e7),
        },
    )
    (pair,) = changes(certain)
    worst = {"direction": 1.0, "core_work": 1.0, "skills_depth": 1.0}
    far = certain
    for code in pair.codes:
        far = with_fact(far, code, worst.get(code, 1.0))
    assert verdict_on(far).opposition == pytest.approx(pair.opposition, abs=0.02)


def test_without_enough_evidence_nothing_is_told() -> None:
    assert changes(Case(is_managed=True, facts={"direction": share(0.9)})) == ()


def bounded_cases(count: int) -> list[Case]:
    """Recorded facts of all criteria, each somewhere on its scale."""
    draw = np.random.default_rng(20261123)
    drawn = []
    for number in range(count):
        facts = {}
        for criterion in draw.permutation(np.array(all_criteria(), dtype=object))[:12]:
            points = criterion.breakpoints.points
            figure = draw.uniform(criterion.scale.least, 1.2 * points[-1][0])
            figure = min(figure, criterion.scale.most)
            stated = criterion.scale.observation(figure, 40)
            facts[criterion.code] = replace(stated, figures={})
        drawn.append(Case(is_managed=number % 2 == 0, facts=facts))
    return drawn


def test_no_change_is_told_that_can_not_happen() -> None:
    criteria = {criterion.code: criterion for criterion in all_criteria()}
    rulebook = rulebook_of(Policy(), codes=criteria)
    told = dict.fromkeys(criteria, 0)
    for _rows, judged in judge_by_model(bounded_cases(300), rulebook):
        for case, found in zip(judged.cases, counterfactuals(judged), strict=True):
            for change in found:
                if change.value is None:
                    continue
                (code,) = change.codes
                scale, present = criteria[code].scale, case.facts[code].value
                assert scale.least <= change.value <= scale.most
                assert code != "permanence" or change.value >= present
                told[code] += 1
    assert (told["permanence"] > 10, told["in_house_team"] > 10) == (True, True)


def test_time_that_has_passed_is_in_no_pair_that_would_shorten_it() -> None:
    rulebook = rulebook_of(Policy(), codes=[c.code for c in all_criteria()])
    certain = Case(
        is_managed=False,
        facts={
            "direction": share(0.0, 1e6),
            "core_work": share(0.0, 1e6),
            "measurability": share(1.0, 1e6),
            "skills_breadth": mean(9.0, 1e6),
            "manager_load": mean(2.0, 1e6),
            "permanence": mean(60.0, 1e6),
            "coverage": share(0.5, 1e6),
        },
    )
    read = replace(
        rulebook,
        rules=tuple(
            replace(rule, importance=3.0) if rule.code == "permanence" else rule
            for rule in rulebook.rules
        ),
    )
    (pair,) = counterfactuals(judge([certain], read))[0]
    assert pair.value is None
    assert "permanence" not in pair.codes


def test_a_stated_need_may_turn_out_shorter() -> None:
    scale = {c.code: c.scale for c in all_criteria()}["permanence"]
    facts = {**LEANING.facts, "permanence": scale.observation(16.0)}
    rulebook = rulebook_of(Policy(), codes=[c.code for c in all_criteria()])
    found = counterfactuals(judge([replace(LEANING, facts=facts)], rulebook))[0]
    values = {change.codes[0]: change.value for change in found}
    assert (values["permanence"] or 99.0) < 16.0
