from collections.abc import Collection, Iterable, Mapping

import numpy as np

from engagements.choices import Kind
from engagements.values.language import gettext as _
from engagements.values.language import ngettext
from engagements.values.written import format_number
from tracker.fit.criterion import PERCENT, Criterion, Pool, added_up, registry
from tracker.fit.evidence import Breakpoints, Share, rounded
from tracker.fit.queries import Scope
from tracker.fit.stated import Scale
from tracker.fit.turnover import Turnover, turnover_of
from tracker.performance.queries import judged_windows, review_deficits

# What a turnover a year is as a shortfall of reviews: each pair leans alike, as 5 % and
# a shortfall of .1 lean to neither model, and 30 % and .5 fully to managed.
TURNOVER_AS_SHORTFALL = ((0.0, 0.0), (0.05, 0.1), (0.30, 0.5), (1.0, 1.0))
# It is the vendor's, told of each of its people alike: worth four reviews at most.
MOST_WORTH = 4.0


@registry.add
class Performance(Criterion[Share]):
    """How far what runs now falls short: in service levels, or reviews and turnover.

    A provider that misses its levels speaks against managed; a contractor whose
    reviews fall short, or a vendor whose people leave, against augmentation, so the
    figure has a reading for each.  A turnover of 5 % a year weighs as a shortfall of
    10 % in reviews, one of 30 % as 50 %; each person-year is worth one review, and all
    together four at most.
    """

    code = "performance"
    label = "Performance so far"
    question = "Does what runs now deliver?"
    dimension = "risk"
    importance = 0.65
    breakpoints = Breakpoints(
        points=((0.05, 0.0), (0.30, -1.0)), source="our judgement"
    )
    augmented_breakpoints = Breakpoints(
        points=((0.1, 0.0), (0.5, 1.0)), source="our judgement"
    )
    unit = PERCENT
    quantity = "the shortfall of performance"
    how_to_record = (
        "Measure the contract's service levels, or review the contractor and say why"
        " assignments end."
    )
    rows = "levelresult"
    scale = Scale(kind="share", most=1.0)

    def gather(self, scope: Scope) -> Mapping[int, Share]:
        """Missed windows of those with data; of contractors, how far they fall short.

        A review counts as one observation: its marks are one person's on one day.
        """
        reviews, turnover = self._reviews(scope), turnover_of(scope)
        found = {
            engagement: shortfall_of(reviews.get(engagement, []), turnover.get(vendor))
            for engagement, vendor in _vendors(scope).items()
        }
        told = {pk: share for pk, share in found.items() if share is not None}
        return {**self._windows(scope), **told}

    def pooling(self, scope: Scope) -> Pool[Share]:
        """Windows and reviews add up; what a vendor's people do counts once."""
        vendors, turnover = _vendors(scope), turnover_of(scope)
        reviews = self._reviews(scope)

        def pool(members: Collection[int], seen: Mapping[int, Share]) -> Share | None:
            if any("windows" in share.figures for share in seen.values()):
                windows: Share | None = added_up(members, seen)
                return windows
            deficits = [d for pk in sorted(members) for d in reviews.get(pk, [])]
            of = sorted({vendors[pk] for pk in members if pk in vendors})
            return shortfall_of(
                deficits, sum((turnover.get(v, Turnover()) for v in of), Turnover())
            )

        return pool

    def _windows(self, scope: Scope) -> dict[int, Share]:
        judged = judged_windows(scope.ids, scope.starts_on, scope.as_of)
        return {
            engagement: Share(
                part=missed,
                whole=windows,
                records=windows,
                overdispersion=1.0,
                figures={"windows": windows},
            )
            for engagement, (missed, windows) in judged.items()
        }

    def _reviews(self, scope: Scope) -> Mapping[int, list[float]]:
        augmented = scope.ids.filter(kind=Kind.AUGMENTED)
        return review_deficits(augmented, scope.starts_on, scope.as_of)

    def sentence(self, observation: Share) -> str:
        if "windows" in observation.figures:
            return _("missed %(missed)s of %(windows)s service-level windows") % {
                "missed": format_number(observation.part),
                "windows": format_number(observation.whole),
            }
        told = [*_of_reviews(observation), *_of_turnover(observation)]
        if told:
            return "; ".join(told)
        return _("performance fell short in %(share)s") % {
            "share": PERCENT.show(observation.value)
        }


def _vendors(scope: Scope) -> dict[int, int]:
    """The vendor of each augmented engagement."""
    augmented = scope.engagements.filter(kind=Kind.AUGMENTED)
    return dict(augmented.order_by().values_list("pk", "vendor_id"))


def shortfall_of(deficits: list[float], turnover: Turnover | None) -> Share | None:
    """Reviews and turnover as one share; None where neither tells anything."""
    rate = turnover.rate if turnover else None
    reviews = {"reviews": len(deficits)} if deficits else {}
    if turnover is None or rate is None:
        if not deficits:
            return None
        return Share(
            part=sum(deficits),
            whole=len(deficits),
            records=len(deficits),
            overdispersion=1.0,
            figures=reviews,
        )
    shortfall = sum(deficits) / len(deficits) if deficits else 0.0
    worth = rounded(min(turnover.years, MOST_WORTH))
    figures_at, shortfalls = zip(*TURNOVER_AS_SHORTFALL, strict=True)
    as_reviews = float(np.interp(rate, figures_at, shortfalls))
    return Share(
        part=rounded(sum(deficits) + worth * as_reviews),
        whole=rounded(len(deficits) + worth),
        records=len(deficits) + turnover.people,
        overdispersion=1.0,
        figures=reviews
        | {
            "shortfall": rounded(shortfall),
            "left": turnover.left,
            "years": round(turnover.years, 1),
            "rate": rounded(rate),
        },
    )


def _of_reviews(observation: Share) -> Iterable[str]:
    if "reviews" not in observation.figures:
        return
    reviews = observation.figures["reviews"]
    shortfall = observation.figures.get("shortfall", observation.value)
    words = ngettext(
        "%(reviews)s review gives %(mean)s of 5",
        "%(reviews)s reviews give %(mean)s of 5 on average",
        int(reviews),
    )
    yield words % {
        "reviews": format_number(reviews),
        "mean": format_number(5 - 4 * shortfall, 1),
    }


def _of_turnover(observation: Share) -> Iterable[str]:
    if "left" not in observation.figures:
        return
    left = observation.figures["left"]
    words = ngettext(
        "%(left)s person of the vendor left in %(years)s person-years",
        "%(left)s people of the vendor left in %(years)s person-years",
        int(left),
    )
    yield words % {
        "left": format_number(left),
        "years": format_number(observation.figures["years"], 1),
    }
