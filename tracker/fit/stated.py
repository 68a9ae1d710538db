"""Facts that a person states instead of records that tell them."""

import math
from dataclasses import dataclass
from typing import Literal

from tracker.fit.evidence import Mean, Observation, Share, Variation, rounded

# What a fact stated without records is worth: as much as a year of monthly records.
STATED_WORTH = 12
MOST_RECORDS = 1_000_000_000
# Marks an observation that a person gave, for those who put it into words.
STATED = "stated"


class OutOfRangeError(ValueError):
    """The value can't be so; the message says what it may be."""


@dataclass(frozen=True, kw_only=True)
class Scale:
    """What may be stated of a criterion: a figure of `kind` in [least, most].

    `worth` is how many observations a figure stated without records counts for;
    `overdispersion` that of shares, of which `records` are the units of the whole.
    """

    kind: Literal["share", "variation", "mean"]
    least: float = 0.0
    most: float
    worth: int = STATED_WORTH
    overdispersion: float = 1.0

    def observation(self, value: float, records: int | None = None) -> Observation:
        """The value as evidence. Raises OutOfRangeError.

        Without `records` it is a statement of moderate certainty: it counts as
        `worth` independent observations.
        """
        if not (math.isfinite(value) and self.least <= value <= self.most):
            raise OutOfRangeError(
                f"{value:g} is out of range: between {self.least:g} and {self.most:g}"
            )
        if records is not None and not 1 <= records <= MOST_RECORDS:
            raise OutOfRangeError(
                f"{records} records are out of range: between 1 and {MOST_RECORDS}"
            )
        return self._observation(rounded(value), records)

    def _observation(self, value: float, records: int | None) -> Observation:
        known, figures = records or 0, {STATED: 1.0}
        match self.kind:
            case "share":
                whole = records or self.worth * self.overdispersion
                return Share(
                    part=value * whole,
                    whole=whole,
                    overdispersion=self.overdispersion,
                    records=known,
                    figures=figures,
                )
            case "variation":
                # So many months say one thing less about how they vary.
                return Variation(
                    log_variance=math.log1p(value**2),
                    months=records or self.worth + 1,
                    records=known,
                    figures=figures,
                )
            case _:
                count = records or self.worth
                return Mean(mean=value, count=count, records=known, figures=figures)


def is_stated(observation: Observation) -> bool:
    """Whether a person gave the figure, rather than the criterion's own gathering."""
    return bool(observation.figures.get(STATED))
