"""From a draft to its end: which step leads where, and what is refused."""

from collections.abc import Callable
from datetime import date, timedelta

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from engagements.choices import EndReason, Status
from engagements.errors import WrongStateError
from engagements.models import Engagement, Event
from engagements.services import closing
from engagements.services.closing import Obstacle, before_closing
from engagements.services.lifecycle import (
    STEPS,
    cancel_engagement,
    end_engagement,
    start_engagement,
    terminate_engagement,
)
from tests.factories import make_contract, stored

pytestmark = pytest.mark.django_db

LAST_DAY = date(2026, 9, 30)


def make_running(**fields) -> Engagement:
    # Without a fee no invoice is owed.
    contract = make_contract(fee=None, **fields)
    start_engagement(engagement=contract, actor=None)
    return contract


def end(engagement: Engagement, ended_on: date = LAST_DAY) -> Engagement:
    return end_engagement(
        engagement=engagement, ended_on=ended_on, reason=EndReason.BUDGET, actor=None
    )


def terminate(engagement: Engagement, ended_on: date = LAST_DAY) -> Engagement:
    return terminate_engagement(
        engagement=engagement, ended_on=ended_on, reason=EndReason.VENDOR, actor=None
    )


def start(engagement: Engagement) -> Engagement:
    return start_engagement(engagement=engagement, actor=None)


def cancel(engagement: Engagement) -> Engagement:
    return cancel_engagement(engagement=engagement, actor=None)


@pytest.mark.parametrize(
    ("step", "status"),
    [
        (start, Status.ACTIVE),
        (end, Status.ENDED),
        (terminate, Status.TERMINATED),
        (cancel, Status.CANCELLED),
    ],
)
@pytest.mark.parametrize("was", Status.values)
def test_each_step_leads_from_the_table_and_from_nowhere_else(
    step: Callable[[Engagement], Engagement], status: Status, was: str
) -> None:
    contract = make_contract(fee=None)
    Engagement.objects.filter(pk=contract.pk).update(status=was)
    contract.refresh_from_db()

    # What waits starts by its approval alone.
    is_waiting_start = (was, status) == (Status.PENDING_APPROVAL, Status.ACTIVE)
    if is_waiting_start:
        with pytest.raises(WrongStateError, match="waits for approval"):
            step(contract)
    elif status in STEPS.get(was, frozenset()):
        step(contract)
        assert stored(contract).status == status
    else:
        with pytest.raises(WrongStateError, match="can't become"):
            step(contract)
        assert stored(contract).status == was


def test_terminating_keeps_the_day_the_reason_and_the_event() -> None:
    contract = make_running(ends_on=date(2027, 12, 31))

    terminate(contract)

    found = stored(contract)
    assert (found.status, found.ends_on, found.end_reason) == (
        Status.TERMINATED,
        LAST_DAY,
        EndReason.VENDOR,
    )
    last = Event.objects.filter(engagement_id=contract.pk).latest("id")
    assert last.event_type == "engagement.terminated"


def test_terminating_after_the_agreed_last_day_says_that_it_ended() -> None:
    contract = make_running(ends_on=date(2026, 6, 30))

    with pytest.raises(ValidationError, match="until its agreed last day, 30 June"):
        terminate(contract)

    assert stored(contract).status == Status.ACTIVE


@pytest.mark.parametrize("close", [end, terminate])
def test_closing_on_a_day_to_come_is_refused(
    close: Callable[[Engagement, date], Engagement],
) -> None:
    contract = make_running()

    with pytest.raises(ValidationError, match="once its last day has come"):
        close(contract, timezone.localdate() + timedelta(days=1))


def test_closing_before_the_start_is_refused() -> None:
    contract = make_running(starts_on=date(2026, 3, 1))

    with pytest.raises(ValidationError, match="starts on 1 March 2026 only"):
        end(contract, date(2026, 2, 28))


@pytest.mark.parametrize("close", [end, terminate])
def test_closing_tells_everything_that_is_still_open(
    monkeypatch: pytest.MonkeyPatch, close: Callable[[Engagement], Engagement]
) -> None:
    monkeypatch.setattr(closing, "_CHECKS", [])
    before_closing(lambda _closing: [Obstacle("Two tasks are open: finish them.")])
    before_closing(lambda _closing: [])
    before_closing(lambda _closing: [Obstacle("The final invoice is not paid.")])
    contract = make_running()

    with pytest.raises(WrongStateError) as refusal:
        close(contract)

    assert str(refusal.value) == (
        f"{contract.reference} can't be closed yet. "
        "Two tasks are open: finish them. The final invoice is not paid."
    )
    assert stored(contract).status == Status.ACTIVE
