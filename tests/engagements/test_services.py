from datetime import date
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from engagements import events
from engagements.choices import EndReason, Role, Standing, Status
from engagements.errors import ConflictError, WrongStateError
from engagements.models import (
    ChangeOrder,
    Contractor,
    CostSplitShare,
    Engagement,
    Event,
    FeeTerm,
    ManagedContract,
    RateTerm,
    ServiceLevel,
    Vendor,
)
from engagements.services.change_orders import record_change_order
from engagements.services.engagements import change_engagement, log_managed_contract
from engagements.services.lifecycle import end_engagement, start_engagement
from engagements.services.records import change_record, create_record, delete_record
from engagements.services.terms import (
    amend_fee,
    amend_rate,
    set_cost_split,
)
from engagements.services.vendors import register_vendor
from tests.factories import (
    make_assignment,
    make_contract,
    make_cost_centre,
    make_department,
    make_user,
    make_vendor,
    stored,
)

pytestmark = pytest.mark.django_db


def test_register_vendor_stores_the_name_normalised_and_an_event() -> None:
    actor = make_user(Role.MANAGER)
    vendor = register_vendor(vendor=Vendor(legal_name="Acme  Limited "), actor=actor)
    event = Event.objects.get(event_type="vendor.registered")
    assert vendor.normalised_name == "acme ltd"
    assert (event.subject_type, event.subject_id) == ("vendor", vendor.pk)
    assert event.actor == actor
    assert event.changes["legal_name"] == [None, "Acme  Limited "]


def test_register_vendor_refuses_the_same_company_spelled_otherwise() -> None:
    make_vendor(legal_name="Acme Ltd")
    with pytest.raises(ValidationError) as caught:
        make_vendor(legal_name="ACME LIMITED")
    assert list(caught.value.message_dict) == ["normalised_name"]


def test_register_vendor_refuses_an_unknown_currency() -> None:
    with pytest.raises(ValidationError) as caught:
        make_vendor(currency="XXQ")
    assert caught.value.message_dict == {
        "currency": ["“XXQ” is not a currency code; use one such as GBP or EUR."]
    }


def test_log_managed_contract_stores_terms_levels_and_split() -> None:
    first, second = make_cost_centre(), make_cost_centre()
    contract = log_managed_contract(
        contract=ManagedContract(
            title="Service desk",
            vendor=make_vendor(),
            starts_on=date(2026, 6, 1),
            ends_on=date(2027, 5, 31),
            notice_period=3,
            notice_unit="months",
        ),
        fee_terms=[FeeTerm(starts_on=date(2026, 6, 1), monthly_fee=Decimal(12_000))],
        service_levels=[ServiceLevel(name="Availability", target=Decimal("99.9"))],
        cost_shares={first: Decimal("33.33"), second: Decimal("66.67")},
        actor=None,
    )
    found = ManagedContract.objects.get(pk=contract.pk)
    assert found.reference == f"MSC-{contract.pk:05d}"
    assert (found.term_starts_on, found.term_ends_on, found.notice_deadline_on) == (
        date(2026, 6, 1),
        date(2027, 5, 31),
        date(2027, 2, 28),
    )
    assert found.fee_terms.get().monthly_fee == Decimal(12_000)
    assert found.service_levels.get().name == "Availability"
    shares = CostSplitShare.objects.filter(split__engagement=found)
    assert [share.percent for share in shares] == [Decimal("33.33"), Decimal("66.67")]
    assert sorted(
        Event.objects.filter(engagement_id=found.pk).values_list(
            "event_type", flat=True
        )
    ) == [
        "engagement.cost_split_set",
        "engagement.logged",
        "feeterm.created",
        "servicelevel.created",
    ]


def test_log_keeps_a_reference_that_was_given() -> None:
    assert make_contract(reference="C-77").reference == "C-77"


@pytest.mark.parametrize("standing", [Standing.ON_HOLD, Standing.BLOCKED])
def test_log_refuses_a_vendor_that_is_not_active(standing: Standing) -> None:
    vendor = make_vendor(standing=standing)
    with pytest.raises(ValidationError) as caught:
        make_contract(vendor=vendor)
    assert list(caught.value.message_dict) == ["vendor"]
    assert not Engagement.objects.exists()


def test_log_refuses_a_model_that_the_vendor_is_not_cleared_for() -> None:
    vendor = make_vendor(allows_augmented=False)
    with pytest.raises(ValidationError, match="not cleared for this model"):
        make_assignment(vendor=vendor)


def test_log_stores_nothing_when_one_part_is_wrong() -> None:
    with pytest.raises(ValidationError):
        make_contract(fee=Decimal(-1))
    assert not Engagement.objects.exists()
    assert not Event.objects.filter(subject_type="managedcontract").exists()


def test_log_refuses_an_end_before_the_start() -> None:
    with pytest.raises(ValidationError) as caught:
        make_contract(starts_on=date(2026, 2, 1), ends_on=date(2026, 1, 31))
    assert caught.value.message_dict == {
        "ends_on": ["The end can't be before the start."]
    }


def test_database_refuses_an_end_before_the_start() -> None:
    contract = make_contract(starts_on=date(2026, 2, 1))
    with (
        pytest.raises(IntegrityError, match="engagement_ends_after_start"),
        transaction.atomic(),
    ):
        Engagement.objects.filter(pk=contract.pk).update(ends_on=date(2026, 1, 31))


def test_log_gives_another_reference_where_somebody_typed_the_next() -> None:
    number = make_contract().pk + 2
    make_contract(reference=f"MSC-{number:05d}")
    assert make_contract().reference == f"MSC-{number:05d}-2"


def test_logged_event_tells_the_reference_that_was_given() -> None:
    contract = make_contract()
    event = Event.objects.get(event_type="engagement.logged")
    assert event.changes["reference"] == [None, contract.reference]


def test_change_engagement_moves_the_deadline_with_the_end() -> None:
    contract = make_contract(
        ends_on=date(2026, 12, 31), notice_period=30, notice_unit="days"
    )
    contract.ends_on = date(2027, 12, 31)
    change_engagement(engagement=contract, actor=None)
    found = stored(contract)
    assert (found.term_ends_on, found.notice_deadline_on, found.version) == (
        date(2027, 12, 31),
        date(2027, 12, 1),
        2,
    )


def test_change_engagement_refuses_a_stale_version() -> None:
    contract = make_contract()
    contract.title = "First editor"
    change_engagement(engagement=contract, expected_version=1, actor=None)
    other = ManagedContract.objects.get(pk=contract.pk)
    other.title = "Second editor"
    with pytest.raises(ConflictError):
        change_engagement(engagement=other, expected_version=1, actor=None)
    assert stored(contract).title == "First editor"


def test_change_engagement_never_changes_the_model() -> None:
    contract = make_contract()
    contract.kind = "augmented"
    with pytest.raises(ValidationError, match="never changes its model"):
        change_engagement(engagement=contract, actor=None)


@pytest.mark.parametrize("field", ["vendor", "currency"])
def test_vendor_and_currency_stay_once_an_engagement_has_started(field: str) -> None:
    contract = make_contract()
    values = {"vendor": make_vendor(), "currency": "EUR"}
    setattr(contract, field, values[field])
    change_engagement(engagement=contract, actor=None)
    start_engagement(engagement=contract, actor=None)
    setattr(contract, field, {"vendor": make_vendor(), "currency": "USD"}[field])

    with pytest.raises(ValidationError) as caught:
        change_engagement(engagement=contract, actor=None)
    assert list(caught.value.message_dict) == [field]


def test_change_without_a_difference_writes_nothing() -> None:
    contract = make_contract()
    before = Event.objects.count()
    change_engagement(engagement=contract, actor=None)
    assert (Event.objects.count(), stored(contract).version) == (before, 1)


def test_personal_values_stay_out_of_events() -> None:
    vendor = make_vendor()
    person = create_record(
        record=Contractor(full_name="Ada Example", vendor=vendor), actor=None
    )
    person.full_name = "Ada Other"
    change_record(record=person, actor=None)
    changes = [event.changes for event in Event.objects.filter(subject_id=person.pk)]
    assert "Ada" not in str(changes)
    assert ["(personal)", "(personal)"] in [c.get("full_name") for c in changes]


def test_amend_terms_keeps_the_earlier_ones() -> None:
    contract, assignment = make_contract(), make_assignment()
    later = date(2026, 7, 1)
    amend_fee(
        term=FeeTerm(contract=contract, starts_on=later, monthly_fee=Decimal(11_000)),
        actor=None,
    )
    amend_rate(
        term=RateTerm(assignment=assignment, starts_on=later, rate=Decimal(650)),
        actor=None,
    )
    assert list(contract.fee_terms.values_list("monthly_fee", flat=True)) == [
        Decimal(10_000),
        Decimal(11_000),
    ]
    assert list(assignment.rate_terms.values_list("rate", flat=True)) == [
        Decimal(600),
        Decimal(650),
    ]


def test_amend_fee_refuses_a_second_fee_from_the_same_day() -> None:
    contract = make_contract()
    with pytest.raises(ValidationError, match="fee from this day already"):
        amend_fee(
            term=FeeTerm(
                contract=contract,
                starts_on=contract.starts_on,
                monthly_fee=Decimal(1),
            ),
            actor=None,
        )


def test_set_cost_split_refuses_shares_that_do_not_sum_to_100() -> None:
    contract = make_contract()
    with pytest.raises(ValidationError) as caught:
        set_cost_split(
            engagement=contract,
            starts_on=date(2026, 1, 1),
            shares={make_cost_centre(): Decimal("99.9999")},
            actor=None,
        )
    assert caught.value.message_dict == {
        "percent": ["The shares sum to 99.9999; they must sum to 100."]
    }


# SQLite has no deferred triggers: there the service holds it.
@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_postgresql_refuses_a_split_that_does_not_sum_to_100() -> None:
    contract = make_contract(cost_shares={make_cost_centre(): Decimal(100)})
    with pytest.raises(IntegrityError, match="cost_split_sums_to_100"):
        CostSplitShare.objects.filter(split__engagement=contract).update(
            percent=Decimal(99)
        )


def test_change_orders_are_numbered_per_engagement() -> None:
    contract = make_contract()
    start_engagement(engagement=contract, actor=None)
    numbers = [
        record_change_order(
            change_order=ChangeOrder(
                engagement=contract,
                effective_on=date(2026, 3, 1),
                value_change=Decimal(500),
                reason="One more site",
            ),
            actor=None,
        ).number
        for _ in range(2)
    ]
    assert numbers == [1, 2]


def test_start_and_end_an_engagement() -> None:
    contract = make_contract(fee=None, ends_on=date(2026, 12, 31))
    start_engagement(engagement=contract, actor=None)
    end_engagement(
        engagement=contract,
        ended_on=date(2026, 9, 30),
        reason=EndReason.COMPLETED,
        is_eligible_again=True,
        actor=None,
    )
    found = stored(contract)
    assert (found.status, found.ends_on, found.end_reason) == (
        Status.ENDED,
        date(2026, 9, 30),
        "completed",
    )
    assert found.version == contract.version == 3


def test_end_refuses_a_draft() -> None:
    contract = make_contract()
    with pytest.raises(WrongStateError, match="is draft and can't become ended"):
        end_engagement(
            engagement=contract,
            ended_on=date(2026, 9, 30),
            reason=EndReason.COMPLETED,
            actor=None,
        )


def test_delete_record_names_what_still_points_to_it() -> None:
    contract = make_contract()
    with pytest.raises(ValidationError, match="engagement still point to it"):
        delete_record(record=contract.vendor, actor=None)


def test_delete_record_records_who_did_it() -> None:
    actor = make_user(Role.ADMINISTRATOR)
    department = make_department()
    department_id = department.pk
    delete_record(record=department, actor=actor)
    event = Event.objects.get(event_type="department.deleted")
    assert (event.subject_id, event.actor) == (department_id, actor)


@pytest.mark.django_db(transaction=True)
def test_events_are_refused_outside_a_transaction() -> None:
    drafted = events.draft(event_type="user.seen", subject=make_user(), actor=None)
    with pytest.raises(RuntimeError, match="in the transaction of their change"):
        events.record_all([drafted])
    assert not Event.objects.filter(event_type="user.seen").exists()
