"""Limits on how long one person may work for us, as found in law and usual practice.

Not legal advice: whether a law covers somebody depends on facts that aren't recorded
here, so each of these only warns until an administrator says that it blocks. For the
United Kingdom, the Netherlands and the European Union (Directive 2008/104) no law
sets a maximum, so there is nothing to load; see docs/models/tenure-policy.md.
"""

from dataclasses import dataclass
from datetime import date

from engagements.values.tenure import Limit


@dataclass(frozen=True)
class PolicyFact:
    """A policy with where it stands and when that was last looked up."""

    key: str
    name: str
    country: str
    limit: Limit
    source: str
    checked_on: date


DEFAULT_POLICIES = (
    PolicyFact(
        key="default-tenure-policy:DE",
        name="Germany: supplied workers, 18 months",
        country="DE",
        # "Not more than three months" between stretches are counted on, so a break
        # has to be longer than that.
        limit=Limit(months=18, reset_gap_months=3),
        source="Arbeitnehmerüberlassungsgesetz (AÜG), section 1(1b)",
        checked_on=date(2026, 11, 22),
    ),
    PolicyFact(
        key="default-tenure-policy:PL",
        name="Poland: temporary workers, 18 months in any 36",
        country="PL",
        limit=Limit(months=18, window_months=36),
        source=(
            "Act of 9 July 2003 on the employment of temporary workers, article 20,"
            " as amended in 2017 (Journal of Laws 2017, item 962)"
        ),
        checked_on=date(2026, 11, 22),
    ),
    PolicyFact(
        key="default-tenure-policy:US",
        name="United States: usual company policy, 18 months then 6 off",
        country="US",
        limit=Limit(months=18, reset_gap_months=6),
        source="No statute; what companies usually set for themselves",
        checked_on=date(2026, 11, 22),
    ),
)
