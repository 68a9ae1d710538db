"""No order of steps closes an engagement that is still open."""

from contextlib import contextmanager
from datetime import date

import pytest
import time_machine
from django.core.exceptions import ValidationError
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engagements.choices import (
    OPEN_TASKS,
    ChargeKind,
    ChecklistStage,
    EndReason,
    Role,
    Status,
)
from engagements.errors import TrackerError
from engagements.models import AccessGrant, Assignment, ChecklistTask, User
from engagements.services.access import remove_access
from engagements.services.boarding import finish_task, reopen_task, start_offboarding
from engagements.services.lifecycle import (
    end_engagement,
    start_engagement,
    terminate_engagement,
)
from tests.factories import make_assignment, make_grant, make_template, make_user
from tests.spend.billing import bill, brought_to
from tracker.spend.models import Invoice, InvoiceStatus
from tracker.spend.services import settle_invoice

TODAY = date(2026, 3, 31)


class Desk:
    """One assignment and the steps that people may take on it, in any order."""

    def __init__(self) -> None:
        self.admin: User = make_user(Role.ADMINISTRATOR)
        make_template(title="Access removed", removes_access=True)
        self.assignment: Assignment = make_assignment(rate=None)
        start_engagement(engagement=self.assignment, actor=self.admin)

    def grant(self) -> None:
        make_grant(self.assignment, system=f"S{AccessGrant.objects.count()}")

    def remove(self) -> None:
        for grant in AccessGrant.objects.still_open()[:1]:
            remove_access(grant=grant, removed_on=TODAY, actor=self.admin)

    def bill(self) -> None:
        bill(self.assignment, date(2026, 2, 1), kind=ChargeKind.ONE_OFF)

    def pay(self) -> None:
        for invoice in Invoice.objects.exclude(status=InvoiceStatus.PAID)[:1]:
            approved = brought_to(invoice, InvoiceStatus.APPROVED)
            settle_invoice(invoice=approved, paid_on=TODAY, actor=self.admin)

    def off_board(self) -> None:
        start_offboarding(engagement=self.assignment, actor=self.admin)

    def finish(self) -> None:
        for task in ChecklistTask.objects.still_open():
            finish_task(task=task, actor=self.admin)

    def reopen(self) -> None:
        for task in ChecklistTask.objects.all():
            reopen_task(task=task, actor=self.admin)

    def end(self) -> None:
        self._close(end_engagement)

    def terminate(self) -> None:
        self._close(terminate_engagement)

    def _close(self, service) -> None:
        service(
            engagement=self.assignment,
            ended_on=TODAY,
            reason=EndReason.OTHER,
            actor=self.admin,
        )

    def is_closed(self) -> bool:
        self.assignment.refresh_from_db()
        return self.assignment.status != Status.ACTIVE

    def is_settled(self) -> bool:
        """Whether nothing is open, read row by row and not by the rule's own code."""
        grants = all(grant.removed_on for grant in AccessGrant.objects.all())
        invoices = all(one.status == "paid" for one in Invoice.objects.all())
        tasks = not any(
            task.status in OPEN_TASKS
            for task in ChecklistTask.objects.filter(stage=ChecklistStage.OFFBOARDING)
        )
        return grants and invoices and tasks


STEPS = (
    *("grant", "remove", "bill", "pay", "off_board", "finish", "reopen"),
    *("end", "terminate"),
)


@pytest.mark.django_db
@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(steps=st.lists(st.sampled_from(STEPS), min_size=3, max_size=14))
def test_no_order_of_steps_closes_what_is_open(rolled_back, steps: list[str]) -> None:
    with rolled_back(), time_machine.travel(f"{TODAY}T12:00Z", tick=False):
        desk = Desk()
        for step in steps:
            was_closed, was_settled = desk.is_closed(), desk.is_settled()
            try:
                getattr(desk, step)()
            except (TrackerError, ValidationError):
                continue
            if step in ("end", "terminate"):
                assert was_settled
                assert not was_closed
        # Nothing that keeps it open can come back by a step on a closed one, but for
        # an invoice that arrives late.
        if desk.is_closed():
            assert not AccessGrant.objects.still_open().exists()


@pytest.fixture
def rolled_back(db):
    """Leave nothing of one case to the next."""

    @contextmanager
    def block():
        with transaction.atomic():
            yield
            transaction.set_rollback(True)

    return block
