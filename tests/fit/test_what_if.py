from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pytest

from tracker.fit.acceptability import acceptability
from tracker.fit.criteria import all_criteria
from tracker.fit.evidence import (
    UNINFORMED,
    Floats,
    Mean,
    Observation,
    Prior,
    posterior_leans,
)
from tracker.fit.judgement import Rule, Rulebook, weighted
from tracker.fit.learning import with_importances
from tracker.fit.questions import QUESTIONS, stated_by
from tracker.fit.verdict import Answer, Thresholds
from tracker.fit.what_if import Answered, Blend, Part, Work, answer, blend_of

CRITERIA = {criterion.code: criterion for criterion in all_criteria()}
RULEBOOK = Rulebook(
    rules=tuple(
        Rule(c.code, c.importance, c.breakpoints, c.augmented_breakpoints)
        for c in CRITERIA.values()
    )
)
CASES = 12_000
# The quadrature's own error.
EXACT = 1e-8


def stated(**figures: float) -> dict[str, Observation]:
    return {code: CRITERIA[code].scale.observation(v) for code, v in figures.items()}


def at_end(
    *, managed: bool, codes: Sequence[str] = tuple(CRITERIA)
) -> dict[str, float]:
    """Figures at which each criterion speaks for one model as loudly as it can."""
    return {
        code: max(
            CRITERIA[code].breakpoints.points,
            key=lambda point: point[1] if managed else -point[1],
        )[0]
        for code in codes
    }


def judged(
    facts: Mapping[str, Observation],
    *,
    is_managed: bool | None = None,
    parts: Sequence[Part] = (),
    priors: Mapping[str, Prior] | None = None,
) -> Answered:
    work = Work(is_managed=is_managed, facts=facts, parts=tuple(parts))
    return answer([work], RULEBOOK, CRITERIA, priors or {})[0]


def managed_work() -> dict[str, Observation]:
    return stated(**at_end(managed=True))


def augmented_work() -> dict[str, Observation]:
    return stated(**at_end(managed=False))


@pytest.mark.parametrize(
    ("facts", "is_managed", "verdict"),
    [
        (managed_work(), None, Answer.MANAGED_FITS),
        (managed_work(), True, Answer.CURRENT_MODEL_FITS),
        (managed_work(), False, Answer.OTHER_MODEL_FITS),
        (augmented_work(), None, Answer.AUGMENTED_FITS),
        (augmented_work(), True, Answer.OTHER_MODEL_FITS),
        (augmented_work(), False, Answer.CURRENT_MODEL_FITS),
        ({}, None, Answer.NOT_ENOUGH_EVIDENCE),
    ],
)
def test_verdict_is_in_the_words_of_the_present_model(
    facts: dict[str, Observation], is_managed: bool | None, verdict: Answer
) -> None:
    # Performance reads otherwise under each model; without it both read alike.
    facts = {code: fact for code, fact in facts.items() if code != "performance"}
    assert judged(facts, is_managed=is_managed).verdict == verdict


def test_acceptability_does_not_depend_on_the_present_model() -> None:
    facts = stated(direction=0.3, skills_breadth=3.0, core_work=0.2, steadiness=0.2)
    shares = {
        judged(facts, is_managed=model).judgement.acceptability
        for model in (None, True, False)
    }
    assert len(shares) == 1


def test_performance_speaks_against_the_model_that_falls_short() -> None:
    poor = stated(performance=0.5)
    leans = [judged(poor, is_managed=m).leans_managed for m in (True, False, None)]
    assert leans == [False, True, False]


@pytest.mark.parametrize("code", sorted(CRITERIA))
def test_one_fact_alone_never_yields_a_verdict(code: str) -> None:
    for managed in (True, False):
        (figure,) = at_end(managed=managed, codes=[code]).values()
        fact = CRITERIA[code].scale.observation(figure, 1_000_000)
        assert judged({code: fact}).verdict == Answer.NOT_ENOUGH_EVIDENCE


def test_one_fact_yields_no_verdict_however_important_it_is_made() -> None:
    importances = dict.fromkeys(CRITERIA, 0.01) | {"direction": 10.0}
    one_sided = with_importances(RULEBOOK, importances)
    known = {"direction": CRITERIA["direction"].scale.observation(0.0, 1_000_000)}
    found = answer([Work(is_managed=False, facts=known)], one_sided, CRITERIA, {})[0]
    assert found.judgement.coverage > Thresholds().cover
    assert found.verdict == Answer.NOT_ENOUGH_EVIDENCE


def test_five_answers_are_evidence_enough() -> None:
    for place, verdict in ((0, Answer.MANAGED_FITS), (-1, Answer.AUGMENTED_FITS)):
        answers = {q.code: q.choices[place].code for q in QUESTIONS}
        assert judged(stated(**stated_by(answers))).verdict == verdict


def test_nothing_known_leans_to_neither_model() -> None:
    found = judged({})
    assert (found.leans_managed, found.judgement.acceptability) == (None, 0.5)
    assert len(found.explanation.missing) == len(CRITERIA)


def test_records_make_a_fact_surer_than_a_statement() -> None:
    said = judged(stated(direction=0.1))
    seen = judged({"direction": CRITERIA["direction"].scale.observation(0.1, 2000)})
    assert said.judgement.coverage < seen.judgement.coverage
    assert said.judgement.acceptability < seen.judgement.acceptability


def test_a_stated_fact_is_not_drawn_towards_the_portfolio() -> None:
    firm = Prior(mean=0.95, size=12.0, quantiles=(0.9,) * 8)
    facts = stated(direction=0.1)
    plain, among = judged(facts), judged(facts, priors={"direction": firm})
    assert among.judgement == plain.judgement


def test_the_portfolio_stands_in_for_a_fact_not_given() -> None:
    ours = Prior(mean=0.95, size=12.0, quantiles=(0.9,) * 8)
    assert judged({}, priors={"direction": ours}).leans_managed is False


def test_stated_facts_are_told_in_plain_words() -> None:
    points = judged(stated(direction=0.1, permanence=31)).explanation.points
    assert {point["code"]: point["sentence"] for point in points} == {
        "direction": "the hours that our managers assign: 10 %",
        "permanence": "the length of the need: 31 months",
    }


def test_recorded_facts_are_told_in_the_criterions_own_words() -> None:
    fact = Mean(mean=31, count=31, records=2, figures={"gaps": 0})
    (point,) = judged({"permanence": fact}).explanation.points
    assert point["sentence"] == "needed for 31 months without a gap"


def test_points_sum_to_the_margin() -> None:
    found = judged(managed_work())
    total = sum(point["points"] for point in found.explanation.points)
    assert total == pytest.approx(found.judgement.margin, abs=1e-9)


def test_headline_names_a_model_where_there_is_none_yet() -> None:
    managed, augmented = judged(managed_work()), judged(augmented_work())
    readings = "of plausible priorities and readings of the evidence."
    assert [f.explanation.sentences["headline"] for f in (managed, augmented)] == [
        f"A managed service would fit much better: so say more than 99 % {readings}",
        f"Augmentation would fit much better: so say more than 99 % {readings}",
    ]


BALANCED = stated(
    direction=0.9,
    skills_breadth=5.0,
    manager_load=1.1,
    measurability=0.1,
    scope_change=0.3,
    skills_depth=0.8,
    steadiness=0.1,
    strategic_guidance=2.0,
    core_work=0.4,
)
DESK = Part("desk", stated(**at_end(managed=True)))
PRICING = Part("pricing", stated(**at_end(managed=False)))


def test_work_that_speaks_for_both_is_mixed() -> None:
    assert judged(BALANCED).verdict == Answer.MIXED


def test_opposed_parts_confirm_a_blend_and_name_it() -> None:
    found = judged(BALANCED, parts=[DESK, PRICING])
    assert found.verdict == Answer.BLEND
    assert found.blend == Blend(managed=("desk",), augmented=("pricing",))
    assert [(name, part.verdict) for name, part in found.parts] == [
        ("desk", Answer.MANAGED_FITS),
        ("pricing", Answer.AUGMENTED_FITS),
    ]
    assert found.explanation.sentences["headline"] == (
        "A blend fits: desk as a managed service, pricing by augmented contractors."
    )


def test_parts_that_agree_confirm_no_blend() -> None:
    found = judged(BALANCED, parts=[DESK, replace(DESK, name="night desk")])
    assert (found.verdict, found.blend) == (Answer.MIXED, None)


def test_parts_that_say_too_little_confirm_no_blend() -> None:
    thin = [
        Part("x", {"direction": CRITERIA["direction"].scale.observation(0.0, 10**6)}),
        Part("y", {"direction": CRITERIA["direction"].scale.observation(1.0, 10**6)}),
    ]
    found = judged(BALANCED, parts=thin)
    shares = [part.judgement.acceptability for _name, part in found.parts]
    assert (shares[0] >= 0.65, shares[1] <= 0.35) == (True, True)
    assert (found.verdict, found.blend) == (Answer.MIXED, None)


def test_a_decided_whole_stands_beside_opposed_parts() -> None:
    found = judged(managed_work(), parts=[DESK, PRICING])
    assert found.verdict == Answer.MANAGED_FITS
    assert found.blend == Blend(managed=("desk",), augmented=("pricing",))


@pytest.mark.parametrize(
    ("shares", "blend"),
    [
        ({"a": 0.65, "b": 0.35}, Blend(("a",), ("b",))),
        ({"a": 0.649, "b": 0.35}, None),
        ({"a": 0.65, "b": 0.351}, None),
        ({"a": 0.9, "b": 0.5, "c": 0.1, "d": 0.8}, Blend(("a", "d"), ("c",))),
        ({}, None),
    ],
)
def test_blend_needs_a_part_on_either_side(
    shares: dict[str, float], blend: Blend | None
) -> None:
    assert blend_of(shares, Thresholds()) == blend


def shares_of(all_facts: Sequence[Mapping[str, Observation]]) -> Floats:
    priors = [UNINFORMED] * len(all_facts)
    leans = [
        posterior_leans(rule.breakpoints, [f.get(rule.code) for f in all_facts], priors)
        for rule in RULEBOOK.rules
    ]
    return acceptability(weighted(np.stack(leans, axis=1), RULEBOOK), RULEBOOK.firmness)


def reach(code: str) -> tuple[float, float]:
    """The figures that may be stated, a little beyond the breakpoints."""
    first, *_between, last = CRITERIA[code].breakpoints.points
    scale = CRITERIA[code].scale
    return max(scale.least, 0.5 * first[0]), min(scale.most, 1.2 * last[0])


def lean_at(code: str, figure: float) -> float:
    return float(CRITERIA[code].breakpoints.lean(np.array(figure)))


def test_no_fact_moved_towards_managed_ever_lowers_acceptability() -> None:
    draw = np.random.default_rng(20261122)
    before, after = [], []
    for _ in range(CASES):
        figures = {}
        for code in draw.choice(sorted(CRITERIA), draw.integers(1, 17), replace=False):
            figures[code] = draw.uniform(*reach(code))
        moved = str(draw.choice(sorted(figures)))
        end = max(reach(moved), key=lambda figure: lean_at(moved, figure))
        nearer = figures[moved] + draw.uniform(0.05, 1.0) * (end - figures[moved])
        before.append(stated(**figures))
        after.append(before[-1] | stated(**{moved: nearer}))
    rises = shares_of(after) - shares_of(before)
    assert len(rises) == CASES
    assert float(rises.min()) >= -EXACT
    assert float((rises > EXACT).mean()) > 0.9


def test_pure_answer_equals_the_engines_own_share() -> None:
    facts = stated(direction=0.2, core_work=0.7, coverage=0.2)
    (share,) = shares_of([facts])
    assert judged(facts).judgement.acceptability == pytest.approx(share, abs=1e-6)
