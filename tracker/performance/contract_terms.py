"""What a contract's credits are worked out from, read once."""

from datetime import date, timedelta
from decimal import Decimal

from engagements.choices import CreditScheme, Direction
from engagements.models import ManagedContract, ServiceLevel
from engagements.values.periods import last_day_of_month, month_of, months_between
from tracker.performance.credits import Miss, Step, Terms, fee_in
from tracker.performance.service_levels import Window

ONE_DAY = timedelta(days=1)


class ContractTerms:
    """Reads fees and steps through the contract, so that both may be prefetched."""

    def __init__(self, contract: ManagedContract) -> None:
        self.contract = contract
        self.fees = sorted(
            (term.starts_on, term.monthly_fee) for term in contract.fee_terms.all()
        )
        self.steps = tuple(
            Step(step.bound, step.percent, step.service_level_id)
            for step in contract.credit_steps.all()
        )

    def window(self, window: Window) -> Terms:
        months = list(months_between(window.first, window.last))
        if self.contract.credit_scheme == CreditScheme.POINTS:
            # Points are taken off the next bill, while there is one.
            months = [self._next_billed(window)]
        return Terms(
            fee=sum((self._fee(month) for month in months), Decimal(0)),
            currency=self.contract.currency,
            at_risk=self.contract.at_risk_percent,
            steps=self.steps,
        )

    def _next_billed(self, window: Window) -> date:
        following = window.last + ONE_DAY
        ends_on = self.contract.ends_on
        if ends_on is not None and ends_on < following:
            return month_of(window.last)
        return following

    def _fee(self, month: date) -> Decimal:
        first, last = month, last_day_of_month(month)
        ends_on = self.contract.ends_on
        in_force_until = last if ends_on is None else min(last, ends_on)
        prices = []
        for index, (starts_on, fee) in enumerate(self.fees):
            following = self.fees[index + 1 : index + 2]
            until = following[0][0] - ONE_DAY if following else in_force_until
            begins = max(first, starts_on, self.contract.starts_on)
            days = (min(until, in_force_until) - begins).days + 1
            if days > 0:
                prices.append((days, fee))
        return fee_in(prices, last.day, self.contract.currency)


def miss_of(
    level: ServiceLevel, value: Decimal, incidents: frozenset[str] = frozenset()
) -> Miss:
    return Miss(
        level=level.pk,
        value=value,
        is_ceiling=level.direction == Direction.AT_MOST,
        allocation=level.credit_percent,
        severity=level.credit_severity_percent,
        points=level.credit_points,
        incidents=incidents,
    )
