"""Running engagements whose dates a test of notices chooses."""

from datetime import date
from typing import Any

from engagements.models import Engagement, User
from engagements.services.lifecycle import start_engagement
from tests.factories import make_contract, stored


def make_running(
    *, notice_by: date | None, ends_on: date, actor: User | None = None, **fields: Any
) -> Engagement:
    """Return an active contract with that last day, and last day for notice."""
    notice = None if notice_by is None else (ends_on - notice_by).days
    contract = make_contract(
        starts_on=date(2024, 1, 1),
        ends_on=ends_on,
        notice_period=notice,
        actor=actor,
        **fields,
    )
    start_engagement(engagement=contract, actor=actor)
    return stored(contract)
