import pytest

from tests.fit.test_counterfactual import LEANING
from tests.fit.test_judgement import RULEBOOK, mean, share
from tracker.fit.counterfactual import counterfactuals
from tracker.fit.criteria import all_criteria
from tracker.fit.evidence import Observation, Prior
from tracker.fit.explanation import Explanation, explain
from tracker.fit.judgement import Case, judge

WORDINGS = {criterion.code: criterion for criterion in all_criteria()}
NICHE: dict[str, Observation] = {
    "direction": share(0.9),
    "core_work": share(0.8),
    "skills_depth": share(0.9),
    "skills_breadth": mean(1.1, 400.0),
    "coverage": share(0.4),
    "skill_development": share(0.3),
    "manager_load": mean(1.05),
}


def told(case: Case) -> Explanation:
    judged = judge([case], RULEBOOK)
    return explain(case, judged.judgements[0], counterfactuals(judged)[0], WORDINGS)


def test_explanation_tells_three_reasons_for_and_two_against() -> None:
    explanation = told(Case(is_managed=True, facts=NICHE))
    assert explanation.sentences["for"] == [
        "our managers assigned 90 % of 1,000 hours",
        "work spread over 1.1 skills",
        "80 % of 1,000 hours on core systems",
    ]
    assert explanation.sentences["against"] == [
        "oversight takes 105 % of the manager's time",
        "40 % of 1,000 hours out of hours",
    ]
    assert explanation.strongest_sentence == explanation.sentences["for"][0]


def test_explanation_points_have_the_shape_that_surfaces_read() -> None:
    first = told(Case(is_managed=True, facts=NICHE)).points[0]
    assert first == {
        "code": "direction",
        "label": "Who assigns the work",
        "points": pytest.approx(-7.6, abs=0.1),
        "sentence": "our managers assigned 90 % of 1,000 hours",
        "value": "90 %",
        "records": 10,
        "lean": pytest.approx(-0.98, abs=0.02),
        "changing": False,
    }


def test_explanation_of_missing_facts_says_how_to_record_them() -> None:
    first = told(Case(is_managed=True, facts={})).missing[0]
    assert first == {
        "code": "direction",
        "label": "Who assigns the work",
        "question": "Do our own managers say what is to be done next?",
        "swing_points": first["swing_points"],
        "how_to_record": "In work logs, say who assigned the work: we or the vendor.",
    }
    assert first["swing_points"] > 20


@pytest.mark.parametrize(
    ("facts", "is_managed", "headline"),
    [
        ({}, True, "Not enough evidence: less than 1 % of it is recorded."),
        (
            NICHE,
            True,
            "Augmentation would fit much better: so say 85 % of plausible priorities"
            " and readings of the evidence.",
        ),
        (
            NICHE,
            False,
            "Augmentation fits: so say 85 % of plausible priorities and readings of"
            " the evidence.",
        ),
    ],
)
def test_headline_states_the_verdict_and_its_figure(
    facts: dict[str, Observation], is_managed: bool, headline: str
) -> None:
    assert told(Case(is_managed, facts)).sentences["headline"] == headline


def test_not_recorded_names_the_most_telling_fact() -> None:
    explanation = told(Case(is_managed=True, facts={}))
    swing = explanation.missing[0]["swing_points"]
    assert explanation.sentences["not_recorded"] == (
        "Not recorded: who assigns the work would move the verdict by up to"
        f" {swing:.0f} points."
    )


def test_portfolio_s_part_is_one_entry_of_its_own() -> None:
    prior = Prior(quantiles=(0.0,) * 8)
    explanation = told(Case(is_managed=True, facts={}, priors={"direction": prior}))
    assert [point["code"] for point in explanation.points] == ["not_recorded"]


def test_change_is_told_in_the_criterion_s_own_unit() -> None:
    sentences = {
        change["codes"][0]: change["sentence"]
        for change in told(LEANING).counterfactuals
    }
    assert sentences["direction"].startswith(
        "if the hours that our managers assign rose above "
    )
    assert sentences["direction"].endswith(" %")
    assert sentences["permanence"].startswith("if the length of the need fell below ")
    assert sentences["permanence"].endswith(" months")


def test_change_of_a_pair_says_that_no_single_fact_would_do() -> None:
    one_sided = NICHE | {"coverage": share(0.0), "manager_load": mean(0.2)}
    explanation = told(Case(is_managed=True, facts=one_sided))
    (change,) = explanation.counterfactuals
    assert change["sentence"].startswith("no single fact would change this; ")
    assert change["value"] is None
