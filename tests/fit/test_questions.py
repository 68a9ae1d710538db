import numpy as np
import pytest

from tracker.fit.criteria import all_criteria
from tracker.fit.questions import (
    QUESTIONS,
    UNKNOWN,
    Choice,
    Question,
    UnknownAnswerError,
    in_words,
    stated_by,
)

CRITERIA = {criterion.code: criterion for criterion in all_criteria()}
EVERY_CHOICE = [(q, choice) for q in QUESTIONS for choice in q.choices]


def test_there_are_five_questions_and_each_may_be_left_open() -> None:
    assert [q.code for q in QUESTIONS] == [
        "skills",
        "budget",
        "direction",
        "guidance",
        "risk",
    ]
    assert all(q.all_choices[-1].code == UNKNOWN for q in QUESTIONS)


@pytest.mark.parametrize(("question", "choice"), EVERY_CHOICE)
def test_choice_states_figures_that_the_criteria_know(
    question: Question, choice: Choice
) -> None:
    assert choice.explanation
    for code, figure in choice.facts.items():
        assert CRITERIA[code].scale.observation(figure).value == pytest.approx(figure)


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda q: q.code)
def test_choices_run_from_managed_to_augmented(question: Question) -> None:
    for code in question.choices[0].facts:
        leans = [
            float(CRITERIA[code].breakpoints.lean(np.array(choice.facts[code])))
            for choice in question.choices
        ]
        assert leans == sorted(leans, reverse=True)
        assert leans[0] > leans[-1]


def test_no_two_questions_state_the_same_fact() -> None:
    codes = [code for q in QUESTIONS for code in q.choices[0].facts]
    assert len(codes) == len(set(codes))
    assert all(c.facts.keys() == q.choices[0].facts.keys() for q, c in EVERY_CHOICE)


def test_answers_state_their_facts_and_unknown_none() -> None:
    answers = {"skills": "deep", "risk": UNKNOWN, "guidance": "some"}
    assert stated_by(answers) == {
        "skills_breadth": 1.0,
        "skills_depth": 0.8,
        "strategic_guidance": 1.0,
    }


@pytest.mark.parametrize("answers", [{"skill": "deep"}, {"skills": "shallow"}])
def test_what_is_no_answer_is_refused(answers: dict[str, str]) -> None:
    with pytest.raises(UnknownAnswerError):
        stated_by(answers)


def test_answers_are_told_in_the_order_of_asking() -> None:
    told = in_words({"risk": "ours"})
    assert told[0] == ("Does the work need broad or deep skills?", "I don't know")
    assert told[-1] == ("Which risk is acceptable?", "We carry it ourselves")
