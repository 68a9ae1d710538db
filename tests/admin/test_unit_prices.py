"""Units are bought as used: wherever an approval shows its amount, it says so."""

from datetime import date
from decimal import Decimal

import pytest
import time_machine
from django.urls import reverse

from engagements.choices import ChargeKind, Role
from engagements.models import Approval, Charge
from engagements.queries import with_units
from engagements.services.approvals import approve
from engagements.services.lifecycle import submit_engagement
from engagements.services.terms import add_line
from tests.factories import make_contract, make_rule, make_user
from tracker.notify.alert_text import alerts_of, in_words
from tracker.notify.services import tell_events

UNITS = "plus units as used"


@pytest.fixture(autouse=True)
def _today():
    with time_machine.travel(date(2026, 6, 15), tick=True):
        yield


@pytest.fixture
def checker(department):
    return make_user(Role.MANAGER, username="chen", department=department)


@pytest.fixture
def contract(manager, department, checker):
    make_rule(checker)
    return make_contract(manager=manager, department=department, fee=Decimal(10_000))


def price_a_unit(contract) -> None:
    charge = Charge(
        engagement=contract,
        charge_kind=ChargeKind.UNIT,
        description="Ticket",
        amount=Decimal(40),
        unit_name="ticket",
    )
    add_line(line=charge, engagement=contract, actor=contract.manager)


def texts(client, checker) -> list[str]:
    """Return the queue, the dialog, and what the alert says."""
    approval = Approval.objects.get()
    client.force_login(checker)
    queue = client.get(reverse("admin:engagements_approval_changelist"))
    url = reverse("admin:engagements_approval_approve", args=[approval.pk])
    tell_events()
    (alert,) = in_words(alerts_of(checker), checker)
    return [
        queue.content.decode(),
        client.get(url).content.decode(),
        alert.subject,
    ]


def test_amount_of_what_has_unit_prices_says_plus_units(client, contract, checker):
    price_a_unit(contract)
    submit_engagement(engagement=contract, actor=contract.manager)

    queue, dialog, alert = texts(client, checker)

    assert (UNITS in queue, UNITS in dialog) == (True, True)
    assert alert == "Approval waiting: Service desk, 120,000 GBP plus units as used"


def test_amount_of_what_has_none_is_told_alone(client, contract, checker):
    submit_engagement(engagement=contract, actor=contract.manager)

    queue, dialog, alert = texts(client, checker)

    assert (UNITS in queue, UNITS in dialog) == (False, False)
    assert alert == "Approval waiting: Service desk, 120,000 GBP"


def test_unit_priced_after_the_approval_does_not_change_what_it_said(contract, checker):
    submit_engagement(engagement=contract, actor=contract.manager)
    approve(approval=Approval.objects.get(), actor=checker)
    price_a_unit(contract)

    assert [row.has_units for row in with_units(Approval.objects.all())] == [False]
