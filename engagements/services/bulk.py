"""One change of many records: tried first, then applied to all or to those that can.

Each record is changed by its own service, so that no rule is said twice.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from engagements.errors import ConflictError, TrackerError

# Changes one record and returns what to warn of, or raises why it can't.
Apply = Callable[[], Sequence[str]]


class Mode(Enum):
    TRY = "try"
    ALL_OR_NOTHING = "all"
    THOSE_THAT_CAN = "those"


@dataclass(frozen=True)
class Attempt:
    record_id: int
    apply: Apply
    # By what its locks are taken in order, where that isn't its id alone.
    lock_order: tuple[int, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """How one record fared; `refusal` says why it can't be changed."""

    record_id: int
    refusal: str = ""
    warnings: Sequence[str] = ()
    is_conflict: bool = False


def change_each(*, attempts: Sequence[Attempt], mode: Mode) -> list[Outcome]:
    """Change the records in one transaction and return how each fared.

    Nothing is kept when only tried, nor when all were asked for and one refuses.
    """
    with transaction.atomic():
        # In one order, so that two people's changes never wait for each other.
        in_order = sorted(
            attempts, key=lambda attempt: attempt.lock_order or (attempt.record_id,)
        )
        outcomes = [_attempt(attempt) for attempt in in_order]
        is_refused = any(outcome.refusal for outcome in outcomes)
        if mode is Mode.TRY or (mode is Mode.ALL_OR_NOTHING and is_refused):
            transaction.set_rollback(True)
    return outcomes


def _attempt(attempt: Attempt) -> Outcome:
    try:
        with transaction.atomic():
            warnings = attempt.apply()
    except ValidationError as refusal:
        return Outcome(attempt.record_id, " ".join(refusal.messages))
    except ConflictError as refusal:
        return Outcome(attempt.record_id, str(refusal), is_conflict=True)
    except TrackerError as refusal:
        return Outcome(attempt.record_id, str(refusal))
    except IntegrityError:
        return Outcome(attempt.record_id, _("Somebody else has just changed it."))
    return Outcome(attempt.record_id, warnings=warnings)
