"""What can still be done about a flag, and until when."""

from datetime import date

import pytest

from engagements.choices import NoticeUnit, Renewal, Role
from engagements.models import Engagement
from tests.factories import begun, make_contract, make_user
from tracker.fit.flags_waiting import Action, waiting_flags
from tracker.fit.models import Flag

pytestmark = pytest.mark.django_db

TODAY = date(2026, 11, 22)
TERM = {"starts_on": date(2026, 1, 1), "notice_unit": NoticeUnit.MONTHS}


def flagged(**fields):
    contract = begun(make_contract(**(TERM | fields)))
    Flag.objects.create(
        engagement=contract,
        raised_on=date(2026, 10, 1),
        opposition=0.9,
        leaning="augmented",
        sentence="because",
    )
    return contract


@pytest.mark.parametrize(
    ("fields", "action", "until"),
    [
        (
            {"initial_term_months": 24, "notice_period": 3},
            Action.GIVE_NOTICE,
            date(2027, 9, 30),
        ),
        (
            {"initial_term_months": 12, "notice_period": 3},
            Action.CONVERT_AT_END,
            date(2026, 12, 31),
        ),
        (
            {
                "initial_term_months": 12,
                "notice_period": 3,
                "renewal": Renewal.AUTO,
                "renewal_term_months": 12,
            },
            Action.WAIT_FOR_RENEWAL,
            date(2026, 12, 31),
        ),
        (
            {
                "initial_term_months": 12,
                "notice_period": 3,
                "renewal": Renewal.AUTO,
                "renewal_term_months": 12,
                "notice_given_on": date(2026, 9, 1),
            },
            Action.CONVERT_AT_END,
            date(2026, 12, 31),
        ),
        ({}, Action.CONVERT, None),
    ],
)
def test_what_can_still_be_done_follows_from_notice_and_term(fields, action, until):
    flagged(**fields)

    [found] = waiting_flags(
        make_user(Role.FINANCE), Engagement.objects.all(), today=TODAY
    )

    assert (found.action, found.until) == (action, until)


def test_the_nearest_day_comes_first_and_others_flags_stay_unseen():
    manager = make_user(Role.MANAGER)
    far = flagged(manager=manager)
    near = flagged(manager=manager, initial_term_months=24, notice_period=3)
    flagged()

    found = waiting_flags(manager, Engagement.objects.all(), today=TODAY)

    assert [one.engagement.pk for one in found] == [near.pk, far.pk]
