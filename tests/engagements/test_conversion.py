"""Conversion to the other model: a linked draft, and the first one runs on."""

from datetime import date
from decimal import Decimal

import pytest
import time_machine
from django.core.exceptions import ValidationError

from engagements.choices import (
    EndReason,
    NoticeUnit,
    Origin,
    RateUnit,
    Renewal,
    Role,
    Standing,
    Status,
    TenureAction,
)
from engagements.errors import ConflictError, WrongStateError
from engagements.models import (
    Assignment,
    Contractor,
    CostSplitShare,
    Engagement,
    Event,
    FeeTerm,
    ManagedContract,
    RateTerm,
    Service,
    TenurePolicy,
)
from engagements.services.conversion import (
    convert_engagement,
    draft_successor,
    monthly_price,
    outlook,
)
from engagements.services.lifecycle import (
    end_engagement,
    start_engagement,
    terminate_engagement,
)
from engagements.services.records import change_record
from engagements.services.renewal import give_notice
from engagements.services.terms import set_cost_split
from tests.factories import (
    make_assignment,
    make_contract,
    make_cost_centre,
    make_department,
    make_user,
    make_vendor,
    settle,
    stored,
)

pytestmark = pytest.mark.django_db

TODAY = date(2027, 1, 15)


@pytest.fixture(autouse=True)
def _today():
    with time_machine.travel(TODAY, tick=False):
        yield


@pytest.fixture
def actor():
    return make_user(Role.MANAGER, department=make_department())


@pytest.fixture
def contract(actor) -> ManagedContract:
    found = make_contract(
        manager=actor,
        department=actor.department,
        service=Service.objects.create(name="Service desk"),
        currency="EUR",
        country="DE",
        purchase_order_number="PO-7",
        starts_on=date(2026, 6, 1),
        initial_term_months=12,
        renewal_term_months=12,
        renewal=Renewal.AUTO,
        notice_period=3,
        notice_unit=NoticeUnit.MONTHS,
        fee=Decimal(31_000),
    )
    start_engagement(engagement=found, actor=actor)
    return found


def assignment_of(actor) -> Assignment:
    found = make_assignment(
        manager=actor, planned_weekly_hours=Decimal(30), starts_on=date(2026, 6, 1)
    )
    start_engagement(engagement=found, actor=actor)
    return found


def convert(engagement, actor, *, starts_on=date(2027, 6, 1), price=None, **fields):
    successor = draft_successor(engagement=engagement)
    for name, value in {"starts_on": starts_on, **fields}.items():
        setattr(successor, name, value)
    return convert_engagement(
        engagement=engagement, successor=successor, price=price, actor=actor
    )


def test_managed_contract_becomes_a_drafted_assignment(contract, actor):
    person = Contractor.objects.create(full_name="Aisha Novak", vendor=contract.vendor)

    successor = convert(
        contract,
        actor,
        price=RateTerm(starts_on=date(2027, 6, 1), rate=Decimal(640)),
        contractor=person,
        role="Service desk lead",
    )

    found = Assignment._default_manager.get(pk=successor.pk)
    assert found.predecessor_id == contract.pk
    assert (found.status, found.origin) == (Status.DRAFT, Origin.CONVERTED)
    assert (found.title, found.vendor, found.manager) == (
        contract.title,
        contract.vendor,
        actor,
    )
    assert (found.service, found.department) == (contract.service, actor.department)
    assert (found.currency, found.country) == ("EUR", "DE")
    assert (found.contractor, found.role) == (person, "Service desk lead")
    assert found.rate_terms.get().rate == Decimal(640)
    assert found.reference.startswith("AUG-")


def test_purchase_order_notice_and_renewal_stay_behind(contract, actor):
    found = stored(convert(contract, actor))

    assert found.purchase_order_number == ""
    assert (found.notice_period, found.renewal) == (None, Renewal.NONE)
    assert (found.ends_on, found.term_ends_on) == (None, None)


def test_assignment_becomes_a_drafted_managed_contract(actor):
    assignment = assignment_of(actor)

    successor = convert(
        assignment,
        actor,
        price=FeeTerm(starts_on=date(2027, 6, 1), monthly_fee=Decimal(9_000)),
        scope="Data platform kept running",
    )

    found = ManagedContract._default_manager.get(pk=successor.pk)
    assert found.fee_terms.get().monthly_fee == Decimal(9_000)
    assert found.scope == "Data platform kept running"
    assert found.predecessor_id == assignment.pk


def test_predecessor_runs_on_as_it_was(contract, actor):
    before = stored(contract)

    convert(contract, actor)

    after = stored(contract)
    fields = [field.attname for field in Engagement._meta.concrete_fields]
    assert {name: getattr(after, name) for name in fields} == {
        name: getattr(before, name) for name in fields
    }
    settle(contract, actor)
    end_engagement(
        engagement=contract,
        ended_on=TODAY,
        reason=EndReason.CONVERTED,
        actor=actor,
    )
    assert stored(contract).end_reason == EndReason.CONVERTED


def test_cost_split_of_the_first_day_goes_along(contract, actor):
    old, new, later = make_cost_centre(), make_cost_centre(), make_cost_centre()
    for day, shares in [
        (date(2026, 6, 1), {old: Decimal(100)}),
        (date(2027, 2, 1), {old: Decimal("33.33"), new: Decimal("66.67")}),
        (date(2027, 9, 1), {later: Decimal(100)}),
    ]:
        set_cost_split(engagement=contract, starts_on=day, shares=shares, actor=actor)

    successor = convert(contract, actor)

    shares = CostSplitShare.objects.filter(split__engagement=successor)
    assert {share.cost_centre: share.percent for share in shares} == {
        old: Decimal("33.33"),
        new: Decimal("66.67"),
    }
    assert successor.cost_splits.get().starts_on == date(2027, 6, 1)


def test_both_histories_tell_of_it(contract, actor):
    successor = convert(contract, actor)

    told = Event.objects.filter(event_type="engagement.converted").order_by("id")
    assert [(event.subject_id, event.actor, event.changes) for event in told] == [
        (contract.pk, actor, {"successor": [None, successor.pk]}),
        (successor.pk, actor, {"predecessor": [None, contract.pk]}),
    ]


def test_second_conversion_is_refused_and_leaves_one_successor(contract, actor):
    convert(contract, actor)

    with pytest.raises(WrongStateError) as caught:
        convert(contract, actor)

    assert str(caught.value) == (
        f"{contract.reference} has a successor already; there can be one only."
    )
    assert Engagement.objects.filter(predecessor=contract).count() == 1


def test_successor_that_was_deleted_makes_room_for_another(contract, actor):
    convert(contract, actor).delete()

    assert convert(contract, actor).predecessor_id == contract.pk


@pytest.mark.parametrize(
    "status",
    [Status.DRAFT, Status.PENDING_APPROVAL, Status.CANCELLED],
)
def test_only_what_has_started_is_converted(contract, actor, status):
    Engagement.objects.filter(pk=contract.pk).update(status=status)

    with pytest.raises(WrongStateError) as caught:
        convert(contract, actor)

    assert str(caught.value) == (
        f"{contract.reference} is {status.label.lower()}: only what has started is"
        " converted."
    )


@pytest.mark.parametrize("close", [end_engagement, terminate_engagement])
def test_closed_engagement_is_converted(contract, actor, close):
    settle(contract, actor)
    close(
        engagement=contract,
        ended_on=date(2027, 1, 10),
        reason=EndReason.CONVERTED,
        actor=actor,
    )

    assert outlook(engagement=contract, as_of=TODAY).last_on == date(2027, 1, 10)
    assert convert(contract, actor, starts_on=date(2027, 1, 11)).pk


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"standing": Standing.BLOCKED}, "is blocked: choose another vendor."),
        ({"standing": Standing.ON_HOLD}, "is on hold: choose another vendor."),
        ({"allows_augmented": False}, "is not cleared for this model."),
    ],
)
def test_vendor_not_cleared_is_refused_and_another_is_taken(
    contract, actor, fields, sentence
):
    vendor = contract.vendor
    for name, value in fields.items():
        setattr(vendor, name, value)
    change_record(record=vendor, actor=actor)

    with pytest.raises(ValidationError) as caught:
        convert(contract, actor, vendor=vendor)

    assert caught.value.message_dict == {"vendor": [f"{vendor} {sentence}"]}
    assert not Event.objects.filter(event_type="engagement.converted").exists()
    other = make_vendor()
    assert convert(contract, actor, vendor=other).vendor == other


def test_successor_starts_after_its_predecessor_did(contract, actor):
    with pytest.raises(ValidationError) as caught:
        convert(contract, actor, starts_on=date(2026, 6, 1))

    assert caught.value.message_dict == {
        "starts_on": [
            f"It can only start after {contract.reference} did, on 1 June 2026."
        ]
    }


def test_same_model_is_no_conversion(contract, actor):
    with pytest.raises(ValidationError) as caught:
        convert_engagement(
            engagement=contract,
            successor=ManagedContract(
                title="x", vendor=contract.vendor, starts_on=date(2027, 6, 1)
            ),
            actor=actor,
        )

    assert list(caught.value.message_dict) == ["kind"]


def test_page_of_an_earlier_version_is_refused(contract, actor):
    successor = draft_successor(engagement=contract)
    successor.starts_on = date(2027, 6, 1)

    with pytest.raises(ConflictError):
        convert_engagement(
            engagement=contract,
            successor=successor,
            expected_version=stored(contract).version - 1,
            actor=actor,
        )


def test_contractors_clock_counts_on(contract, actor):
    person = Contractor.objects.create(
        full_name="Aisha Novak", vendor=contract.vendor, jurisdiction="DE"
    )
    make_assignment(
        vendor=contract.vendor,
        contractor=person,
        starts_on=date(2026, 1, 1),
        ends_on=date(2027, 5, 31),
    )
    TenurePolicy.objects.create(
        name="House rule",
        country="DE",
        maximum_months=18,
        action=TenureAction.BLOCK,
        source="handbook",
        checked_on=date(2026, 1, 1),
    )

    with pytest.raises(ValidationError) as caught:
        convert(contract, actor, contractor=person, ends_on=date(2027, 12, 31))

    assert caught.value.message_dict == {
        "ends_on": [
            "Aisha Novak reaches the limit of 18 months on 30 June 2027: end it by then"
            " (House rule; handbook)."
        ]
    }
    assert convert(
        contract, actor, contractor=person, ends_on=date(2027, 6, 30)
    ).contractor == (person)


def test_outlook_tells_the_earliest_lawful_end_and_what_is_committed(contract):
    found = outlook(engagement=contract, as_of=TODAY)

    assert (found.ends_on, found.earliest_end_on) == (None, date(2027, 5, 31))
    assert found.last_on == date(2027, 5, 31)
    assert found.position.notice_deadline_on == date(2027, 2, 28)
    assert found.position.committed == Decimal(141_000)
    assert found.monthly_price == Decimal(31_000)


def test_outlook_past_the_deadline_is_bound_to_the_next_term(contract):
    with time_machine.travel(date(2027, 3, 1), tick=False):
        found = outlook(engagement=contract, as_of=date(2027, 3, 1))

    assert found.earliest_end_on == date(2028, 5, 31)


def test_outlook_after_notice_has_a_certain_end(contract, actor):
    give_notice(engagement=contract, given_on=TODAY, actor=actor)

    found = outlook(engagement=contract, as_of=TODAY)

    assert (found.ends_on, found.earliest_end_on) == (date(2027, 5, 31), None)


def test_price_a_month_of_time_is_of_52_weeks_a_year(actor):
    assignment = assignment_of(actor)

    found = outlook(engagement=assignment, as_of=TODAY)

    # 600 a day of 7.5 hours, 30 hours a week: 80 * 30 * 52 / 12.
    assert found.monthly_price == Decimal(10_400)
    hourly = RateTerm(rate=Decimal(100), unit=RateUnit.HOUR)
    assert monthly_price(hourly, assignment) == Decimal(13_000)
    assert monthly_price(FeeTerm(monthly_fee=Decimal(9_000)), assignment) == 9_000
