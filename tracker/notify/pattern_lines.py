"""Patterns in the records of a person's engagements, as a digest tells them."""

from collections.abc import Collection
from dataclasses import dataclass

from django.utils.text import capfirst

from engagements.models import User
from tracker.fit.seen import ToldPattern, patterns_among
from tracker.notify.mails import page_address

MOST_TOLD = 8


@dataclass(frozen=True)
class PatternLine:
    """One pattern, and where its engagement stands."""

    label: str
    says: str
    advice: str
    title: str
    reference: str
    vendor: str
    address: str


def pattern_lines(*, person: User, engagements: Collection[int]) -> list[PatternLine]:
    """Those of the engagements, and of those the person answers for; newest first.

    Of a team one line. Nothing where the person sees no verdicts; two queries.
    """
    return [_line(told) for told in patterns_among(person, engagements)[:MOST_TOLD]]


def _line(told: ToldPattern) -> PatternLine:
    engagement = told.row.engagement
    return PatternLine(
        label=told.label,
        says=f"{capfirst(told.sentence)}.",
        advice=told.advice,
        title=engagement.title,
        reference=engagement.reference,
        vendor=engagement.vendor.legal_name,
        address=page_address("admin:engagements_engagement_change", engagement.pk),
    )
