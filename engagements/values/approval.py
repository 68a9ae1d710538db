"""Which approval rules ask for an approval."""

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True)
class RuleTerms:
    """What a rule asks about: a blank kind is both, no department is all."""

    kind: str
    department: int | None
    from_amount: Decimal
    covers_every_change: bool


@dataclass(frozen=True)
class Subject:
    """What is to be approved.

    `departments` are its own and all above it; empty where none is recorded. `amount`
    is the value in the reporting currency, None where it isn't known.
    """

    kind: str
    departments: frozenset[int]
    amount: Decimal | None
    is_change: bool


def is_about(rule: RuleTerms, subject: Subject) -> bool:
    """Return whether the rule is for such a kind and department at all.

    What has no department escapes no department's rule.
    """
    is_of_kind = rule.kind in ("", subject.kind)
    is_of_department = (
        rule.department is None
        or not subject.departments
        or rule.department in subject.departments
    )
    return is_of_kind and is_of_department


def asks(rule: RuleTerms, subject: Subject) -> bool:
    """Return whether the rule asks for an approval; an unknown amount may be any."""
    is_large = subject.amount is None or subject.amount >= rule.from_amount
    is_any_change = rule.covers_every_change and subject.is_change
    return is_about(rule, subject) and (is_large or is_any_change)
