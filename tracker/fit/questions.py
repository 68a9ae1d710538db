"""The five questions of choice, and what each answer states of the criteria.

They are asked before there are records.  An answer is worth what any stated fact is;
"I don't know" states nothing, so that the engine treats it as not recorded.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

UNKNOWN = "unknown"


@dataclass(frozen=True)
class Choice:
    """One answer; `facts` are figures by criterion code."""

    code: str
    label: str
    explanation: str
    facts: Mapping[str, float] = field(default_factory=dict)


DONT_KNOW = Choice(UNKNOWN, "I don't know", "It counts for neither model.")


@dataclass(frozen=True)
class Question:
    code: str
    text: str
    explanation: str
    choices: tuple[Choice, ...]

    @property
    def all_choices(self) -> tuple[Choice, ...]:
        return (*self.choices, DONT_KNOW)

    def choice(self, code: str) -> Choice:
        """Raises UnknownAnswerError for what is no answer to this question."""
        for choice in self.all_choices:
            if choice.code == code:
                return choice
        raise UnknownAnswerError(self.code, code)


class UnknownAnswerError(ValueError):
    """No such question, or no such answer to it."""


QUESTIONS: tuple[Question, ...] = (
    Question(
        "skills",
        "Does the work need broad or deep skills?",
        "A provider brings a whole team; a contractor brings one field in depth.",
        (
            Choice(
                "broad",
                "Broad: a whole team's",
                "Five or so skills side by side, none of them rare.",
                {"skills_breadth": 5.0, "skills_depth": 0.1},
            ),
            Choice(
                "some",
                "A few skills",
                "Two or three, with some specialist work among them.",
                {"skills_breadth": 2.5, "skills_depth": 0.3},
            ),
            Choice(
                "deep",
                "Deep: one specialist's",
                "Nearly all of it is one field that few people master.",
                {"skills_breadth": 1.0, "skills_depth": 0.8},
            ),
        ),
    ),
    Question(
        "budget",
        "Must the budget be predictable, or follow the need?",
        "A fee is the same every month; a rate is paid for what is worked.",
        (
            Choice(
                "predictable",
                "Predictable",
                "Much the same work every month, and its scope can be written down.",
                {"steadiness": 0.10, "scope_change": 0.02},
            ),
            Choice(
                "between",
                "Somewhere between",
                "The need varies by a quarter, and the scope changes now and then.",
                {"steadiness": 0.25, "scope_change": 0.12},
            ),
            Choice(
                "flexible",
                "Flexible",
                "Some months need twice what others do, and the scope keeps moving.",
                {"steadiness": 0.50, "scope_change": 0.30},
            ),
        ),
    ),
    Question(
        "direction",
        "Have your managers the capacity to manage more people?",
        "Contractors are directed by you each day; a provider directs its own people.",
        (
            Choice(
                "none",
                "No, their time is used up",
                "The vendor has to say who does what, and when.",
                {"manager_load": 1.1, "direction": 0.1},
            ),
            Choice(
                "some",
                "Some, not for every day",
                "You set priorities, and the vendor assigns about half of the work.",
                {"manager_load": 0.8, "direction": 0.5},
            ),
            Choice(
                "plenty",
                "Yes, and they want to direct it",
                "Your manager assigns nearly all of the work, day by day.",
                {"manager_load": 0.5, "direction": 0.9},
            ),
        ),
    ),
    Question(
        "guidance",
        "How much guidance do you expect from the vendor?",
        "Roadmaps, posture and advice on improvement, besides the work itself.",
        (
            Choice(
                "much",
                "Much",
                "Advice in writing about twice a quarter.",
                {"strategic_guidance": 2.0},
            ),
            Choice(
                "some",
                "Some",
                "About once a quarter.",
                {"strategic_guidance": 1.0},
            ),
            Choice(
                "none",
                "None: you know what is to be done",
                "Tasks are executed, and that is all.",
                {"strategic_guidance": 0.0},
            ),
        ),
    ),
    Question(
        "risk",
        "Which risk is acceptable?",
        "Only an outcome that is measured can be somebody else's to answer for.",
        (
            Choice(
                "shared",
                "The vendor must answer for the result",
                "Most of the work has a service level or an accepted deliverable.",
                {"measurability": 0.8},
            ),
            Choice(
                "partly",
                "We share it",
                "Part of the work can be measured.",
                {"measurability": 0.4},
            ),
            Choice(
                "ours",
                "We carry it ourselves",
                "Hardly anything of it could be put into a service level.",
                {"measurability": 0.1},
            ),
        ),
    ),
)
_BY_CODE = {question.code: question for question in QUESTIONS}


def stated_by(answers: Mapping[str, str]) -> dict[str, float]:
    """The figures that the answers state, by criterion. Raises UnknownAnswerError.

    A question left out is one whose answer isn't known.
    """
    facts: dict[str, float] = {}
    for code, answer in answers.items():
        if code not in _BY_CODE:
            raise UnknownAnswerError(code)
        facts |= _BY_CODE[code].choice(answer).facts
    return facts


def in_words(answers: Mapping[str, str]) -> list[tuple[str, str]]:
    """Each question with the label of its answer, in the order of asking."""
    return [
        (question.text, question.choice(answers.get(question.code, UNKNOWN)).label)
        for question in QUESTIONS
    ]
