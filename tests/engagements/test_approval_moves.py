"""An active engagement is moved to a department only past rules that asked before."""

from datetime import date
from decimal import Decimal

import pytest
import time_machine

from engagements.choices import Status
from engagements.errors import ApprovalNeededError
from engagements.models import Engagement, ManagedContract
from engagements.services.bulk import Attempt, Mode, change_each
from engagements.services.engagements import change_engagement
from tests.factories import make_contract, make_department, make_rule, make_user, stored

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _today():
    with time_machine.travel(date(2026, 6, 15), tick=False):
        yield


@pytest.fixture
def here():
    return make_department(name="Operations")


@pytest.fixture
def there():
    return make_department(name="Sales")


def running(department, **fields) -> ManagedContract:
    return make_contract(
        department=department,
        ends_on=date(2026, 12, 31),
        status=fields.pop("status", Status.ACTIVE),
        **fields,
    )


def moved(contract: ManagedContract, department) -> Engagement:
    contract.department = department
    change_engagement(engagement=contract, actor=None)
    return stored(contract)


def test_move_to_where_another_rule_asks_is_refused_with_what_to_do(here, there):
    contract = running(here, reference="C-1")
    make_rule(make_user(), name="Sales board", department=there)

    with pytest.raises(ApprovalNeededError) as refusal:
        moved(contract, there)

    assert str(refusal.value) == (
        f"C-1 can't be moved to {there} while it runs: there it needs approval by"
        " “Sales board”. Log its successor in that department and send it for approval."
    )
    assert stored(contract).department == here


def test_move_under_the_same_rules_or_below_the_amount_is_free(here, there):
    make_rule(make_user(), name="Everywhere")
    make_rule(make_user(), department=there, from_amount=Decimal(500_000))

    assert moved(running(here), there).department == there


def test_leaving_is_free_and_the_way_back_is_not(here, there):
    contract = running(here)
    make_rule(make_user(), department=here)

    assert moved(contract, there).department == there
    with pytest.raises(ApprovalNeededError):
        moved(contract, here)


def test_blank_department_escapes_no_rule(here, there):
    contract = running(here)
    make_rule(make_user(), department=there)

    with pytest.raises(ApprovalNeededError, match="moved to no department"):
        moved(contract, None)


def test_draft_moves_freely(here, there):
    make_rule(make_user(), department=there)

    assert moved(running(here, status=Status.DRAFT), there).department == there


def test_bulk_move_refuses_only_what_needs_approval_there(here, there):
    dear, cheap = running(here, fee=Decimal(90_000)), running(here, fee=Decimal(10))
    make_rule(make_user(), department=there, from_amount=Decimal(500_000))

    outcomes = change_each(
        attempts=[
            Attempt(one.pk, lambda one=one: moved(one, there) and ())
            for one in (dear, cheap)
        ],
        mode=Mode.THOSE_THAT_CAN,
    )

    assert [bool(outcome.refusal) for outcome in outcomes] == [True, False]
    assert (stored(dear).department, stored(cheap).department) == (here, there)


def test_other_changes_ask_no_rule_about_departments(here):
    contract = running(here)
    make_rule(make_user(), department=here)
    contract.title = "Help desk"

    change_engagement(engagement=contract, actor=None)

    assert stored(contract).title == "Help desk"
