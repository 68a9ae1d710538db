"""What is asked before an engagement goes on for longer.

The records of what was agreed know nothing of reviews; what asks registers here.
"""

from collections.abc import Callable
from dataclasses import dataclass

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext as _

from engagements import events
from engagements.choices import ExtensionGround
from engagements.errors import QuestionOpenError
from engagements.models import Engagement, User


@dataclass(frozen=True)
class Question:
    """One thing that should be there first: what, and what to do.

    `remedy` is the model of a record that would answer it; surfaces lead there.
    `passed_over` is the type of the event that tells of going on without.
    """

    sentence: str
    passed_over: str
    remedy: type[models.Model] | None = None


Asking = Callable[[Engagement], list[Question]]

_ASKING: list[Asking] = []


def before_extending(ask: Asking) -> Asking:
    """Register what should be there first; told in the order of registration."""
    if ask not in _ASKING:
        _ASKING.append(ask)
    return ask


def questions_before_extending(engagement: Engagement) -> list[Question]:
    return [question for ask in _ASKING for question in ask(engagement)]


def check_answered(
    *, engagement: Engagement, ground: str = "", actor: User | None
) -> None:
    """Let a person go on where nothing is asked, or on a ground that is kept.

    The product itself is asked nothing: what renews by itself was agreed before.
    Raises QuestionOpenError that tells what is asked, and ValidationError for a
    ground that there isn't. A ground is a word of a closed list, since events are
    kept for good and hold nothing that was written about a person.
    """
    if ground and ground not in ExtensionGround.values:
        raise ValidationError({"ground": _("Choose one of the grounds.")})
    if actor is None:
        return
    questions = questions_before_extending(engagement)
    if questions and not ground:
        raise QuestionOpenError(
            " ".join(question.sentence for question in questions)
            + " "
            + _("Or say on what ground it goes on without: “Extend…” asks for it.")
        )
    for question in questions:
        events.record(
            event_type=question.passed_over,
            subject=engagement,
            changes={"ground": [None, ground]},
            actor=actor,
        )
