"""What people decided about flags, and how often they decide so at a share."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from django.utils import timezone

from engagements.choices import Kind
from tracker.fit.learning import ENOUGH_TO_AGREE, fitted_agreement
from tracker.fit.models import Assessment, Decision, FlagAction, FlagState

# By engagement: the day of each decision, and whether managed was chosen.
Chosen = Mapping[int, Sequence[tuple[date, bool]]]


@dataclass(frozen=True)
class Agreed:
    """Of `decisions` reviewed flags, how often people go over at a share like this."""

    rate: float
    decisions: int


def chosen_by_engagement() -> Chosen:
    """Each flag's latest decision, of those accepted or dismissed.

    A flag that a dated pattern raised asked another question: not what fits.
    """
    rows = (
        Decision.objects.filter(
            action__in=(FlagAction.ACCEPT, FlagAction.DISMISS),
            flag__pattern="",
            flag__state__in=(
                FlagState.ACCEPTED,
                FlagState.CONVERTED,
                FlagState.DISMISSED,
            ),
        )
        .order_by("at", "id")
        .values_list("flag_id", "flag__engagement_id", "flag__leaning", "action", "at")
    )
    latest = {row[0]: row[1:] for row in rows}
    found: dict[int, list[tuple[date, bool]]] = {}
    for engagement, leaning, action, at in latest.values():
        fits = (leaning == "managed") == (action == FlagAction.ACCEPT)
        found.setdefault(engagement, []).append((timezone.localdate(at), fits))
    return found


def agreement_on(assessment: Assessment) -> Agreed | None:
    """The rate of going over at the assessment's share, where decisions tell it.

    None below 20 decisions, and outside of the shares that were reviewed of what runs
    in the same model: beyond them the rate would be a guess. Two queries at most. What
    was decided is read beside what was known that day.
    """
    chosen = chosen_by_engagement()
    if sum(len(days) for days in chosen.values()) < ENOUGH_TO_AGREE:
        return None
    reviewed = list(_reviewed(chosen))
    if len(reviewed) < ENOUGH_TO_AGREE:
        return None
    alike = [one.share for one in reviewed if one.kind == assessment.kind]
    share = assessment.acceptability
    if not alike or not min(alike) <= share <= max(alike):
        return None
    agreement = fitted_agreement(
        np.array([one.share for one in reviewed]),
        [one.fits_managed for one in reviewed],
    )
    managed = float(agreement.rate(np.array([share]))[0])
    rate = 1 - managed if assessment.kind == Kind.MANAGED else managed
    return Agreed(rate=rate, decisions=len(reviewed))


@dataclass(frozen=True)
class _Reviewed:
    """The acceptability known at a decision, of what ran so, with what was chosen."""

    share: float
    kind: str
    fits_managed: bool


def _reviewed(chosen: Chosen) -> Iterator[_Reviewed]:
    known: dict[int, list[tuple[date, float, str]]] = {}
    rows = (
        Assessment.objects.filter(engagement__in=chosen)
        .order_by("engagement", "-as_of", "-policy__version")
        .values_list("engagement_id", "as_of", "acceptability", "kind")
    )
    for engagement, *told in rows.iterator():
        known.setdefault(engagement, []).append((told[0], told[1], told[2]))
    for engagement, decisions in chosen.items():
        for day, fits in decisions:
            at_the_time = (
                (share, kind)
                for as_of, share, kind in known.get(engagement, ())
                if as_of <= day
            )
            found = next(at_the_time, None)
            if found is not None:
                yield _Reviewed(*found, fits_managed=fits)
