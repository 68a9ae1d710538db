"""What the engine says of all that runs, and no longer of what has ended."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from engagements.choices import Role
from engagements.models import Engagement
from tests.factories import make_user
from tests.fit.records import (
    TODAY,
    plant_spend,
    running_assignment,
    team_bought_by_the_hour,
)
from tracker.fit.models import Policy
from tracker.fit.portfolio import portfolio_of, switches_of
from tracker.fit.queries import facts_to_record, latest_assessments
from tracker.fit.services import assess, preview_policy
from tracker.spend.queries import SpendWhere

pytestmark = pytest.mark.django_db


def test_what_has_ended_is_left_out_of_every_list_of_what_to_do() -> None:
    contractor = team_bought_by_the_hour()
    plant_spend(contractor, amount=Decimal(9000), months=12)
    running_assignment()
    assess(as_of=TODAY, actor=None)
    finance = make_user(Role.FINANCE)
    stricter = Policy(thresholds={"cover": 0.9})

    def told() -> tuple[int, bool, int, int, int]:
        found = portfolio_of(finance)
        return (
            len(found.placed),
            bool(found.lessons),
            len(switches_of(finance, SpendWhere())),
            preview_policy(policy=stricter).judged,
            len(facts_to_record()),
        )

    assert told() == (2, True, 1, 2, 3)
    yesterday = timezone.localdate() - timedelta(days=1)
    Engagement.objects.update(status="ended", ends_on=yesterday)
    assert told() == (0, False, 0, 0, 0)
    assert latest_assessments(finance).count() == 2
