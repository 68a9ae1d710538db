"""A manager logs a vendor and engagements of both models, each on one page."""

from datetime import date
from decimal import Decimal

import pytest
import time_machine
from django.urls import reverse

from engagements.choices import Kind, Standing, Status
from engagements.models import (
    Assignment,
    Contractor,
    CostSplitShare,
    Event,
    FeeTerm,
    ManagedContract,
    RateTerm,
    ServiceLevel,
    Vendor,
)
from tests.admin.forms import errors_on, fields_on, line_errors_on
from tests.factories import (
    make_assignment,
    make_contract,
    make_cost_centre,
    make_vendor,
)

ADD_VENDOR = reverse("admin:engagements_vendor_add")
ADD_CONTRACT = reverse("admin:engagements_managedcontract_add")
ADD_ASSIGNMENT = reverse("admin:engagements_assignment_add")


def page_of(engagement):
    name = f"admin:engagements_{engagement._meta.model_name}_change"
    return reverse(name, args=[engagement.pk])


def told(*, subject_type):
    rows = Event.objects.filter(subject_type=subject_type).order_by("id")
    return list(rows.values_list("event_type", "actor__username"))


def test_vendor_is_stored_with_its_contact_and_told_by_whom(client):
    page = fields_on(client, ADD_VENDOR) | {
        "legal_name": "Tarnwell Systems Ltd",
        "contacts-0-name": "Jo Tarn",
        "contacts-0-email": "jo@tarnwell.test",
    }

    response = client.post(ADD_VENDOR, page)

    vendor = Vendor.objects.get()
    assert response.status_code == 302
    assert vendor.legal_name == "Tarnwell Systems Ltd"
    assert vendor.currency == "GBP"
    assert [contact.name for contact in vendor.contacts.all()] == ["Jo Tarn"]
    assert told(subject_type="vendor") == [("vendor.registered", "maya")]
    assert told(subject_type="vendorcontact") == [("vendorcontact.created", "maya")]


def test_vendor_of_the_same_name_is_refused_in_words(client, vendor):
    page = fields_on(client, ADD_VENDOR) | {"legal_name": "NORTHWIND IT LIMITED "}

    response = client.post(ADD_VENDOR, page)

    assert response.status_code == 200
    assert errors_on(response) == {
        "legal_name": ["Northwind IT Ltd is recorded already."]
    }
    assert Vendor.objects.count() == 1


def test_contract_page_takes_fee_levels_and_split_at_once(
    client, manager, vendor, department, cost_centre
):
    other = make_cost_centre(code="4101", name="Build", department=department)
    page = fields_on(client, ADD_CONTRACT) | {
        "title": "Service desk",
        "vendor": vendor.pk,
        "monthly_fee": "12,500.50",
        "starts_on": "2026-12-01",
        "initial_term_months": "12",
        "notice_period": "30",
        "service_levels-0-name": "Availability",
        "service_levels-0-target": "99.9",
        "service_levels-1-name": "First response",
        "service_levels-1-metric": "response",
        "service_levels-1-direction": "at_most",
        "service_levels-1-target": "30",
        "service_levels-1-unit": "minutes",
        "cost_split-0-cost_centre": cost_centre.pk,
        "cost_split-0-percent": "60",
        "cost_split-1-cost_centre": other.pk,
        "cost_split-1-percent": "40",
    }

    response = client.post(ADD_CONTRACT, page)

    contract = ManagedContract.objects.get()
    assert response.status_code == 302
    assert contract.kind == Kind.MANAGED
    assert contract.reference == f"MSC-{contract.pk:05d}"
    assert contract.manager == manager
    assert contract.department == department
    assert contract.term_ends_on == date(2027, 11, 30)
    assert contract.notice_deadline_on == date(2027, 10, 31)
    assert list(FeeTerm.objects.values_list("starts_on", "monthly_fee")) == [
        (date(2026, 12, 1), Decimal("12500.50"))
    ]
    assert list(ServiceLevel.objects.values_list("name", "target", "unit")) == [
        ("Availability", Decimal("99.9"), "%"),
        ("First response", Decimal(30), "minutes"),
    ]
    split = contract.cost_splits.get()
    assert split.starts_on == date(2026, 12, 1)
    assert list(split.shares.values_list("cost_centre__code", "percent")) == [
        ("4100", Decimal(60)),
        ("4101", Decimal(40)),
    ]
    assert told(subject_type="managedcontract") == [("engagement.logged", "maya")]


@time_machine.travel("2026-11-22")
def test_contract_page_opens_with_what_is_most_likely(client, manager, department):
    page = fields_on(client, ADD_CONTRACT)

    assert page["manager"] == str(manager.pk)
    assert page["department"] == str(department.pk)
    assert page["starts_on"] == "01/12/2026"
    assert page["currency"] == ""


def test_contract_is_in_the_currency_of_its_vendor_unless_told(client, vendor):
    foreign = make_vendor(legal_name="Velmara GmbH", currency="EUR")
    page = fields_on(client, ADD_CONTRACT) | {"title": "Network", "vendor": foreign.pk}

    client.post(ADD_CONTRACT, page)
    client.post(ADD_CONTRACT, page | {"currency": "usd"})

    currencies = ManagedContract.objects.order_by("id").values_list("currency")
    assert list(currencies) == [("EUR",), ("USD",)]


def test_split_left_blank_goes_to_the_departments_one_cost_centre(
    client, vendor, cost_centre
):
    page = fields_on(client, ADD_CONTRACT) | {"title": "Network", "vendor": vendor.pk}

    client.post(ADD_CONTRACT, page)

    split = ManagedContract.objects.get().cost_splits.get()
    assert list(split.shares.values_list("cost_centre", "percent")) == [
        (cost_centre.pk, Decimal(100))
    ]


def test_split_that_misses_100_is_refused_and_nothing_typed_is_lost(
    client, vendor, cost_centre
):
    page = fields_on(client, ADD_CONTRACT) | {
        "title": "Network",
        "vendor": vendor.pk,
        "monthly_fee": "900",
        "cost_split-0-cost_centre": cost_centre.pk,
        "cost_split-0-percent": "60",
    }

    response = client.post(ADD_CONTRACT, page)

    assert response.status_code == 200
    assert line_errors_on(response, CostSplitShare) == [
        "The shares sum to 60; they must sum to 100."
    ]
    assert response.context["adminform"].form["monthly_fee"].value() == "900"
    assert ManagedContract.objects.count() == 0


def test_vendor_on_hold_is_refused_beside_the_field(client):
    held = make_vendor(legal_name="Idle Ltd", standing=Standing.ON_HOLD)
    page = fields_on(client, ADD_CONTRACT) | {"title": "Network", "vendor": held.pk}

    response = client.post(ADD_CONTRACT, page)

    assert errors_on(response) == {
        "vendor": ["Idle Ltd is on hold: choose another vendor."]
    }
    assert ManagedContract.objects.count() == 0
    assert Event.objects.filter(subject_type="managedcontract").count() == 0


def test_assignment_page_takes_a_new_contractor_with_the_rate(client, vendor):
    page = fields_on(client, ADD_ASSIGNMENT) | {
        "title": "Data engineer",
        "vendor": vendor.pk,
        "new_contractor_name": "Aisha Novak",
        "new_contractor_email": "aisha@northwind.test",
        "rate": "640",
        "rate_unit": "day",
        "starts_on": "2026-12-01",
    }

    response = client.post(ADD_ASSIGNMENT, page)

    assignment = Assignment.objects.get()
    assert response.status_code == 302
    assert assignment.contractor.full_name == "Aisha Novak"
    assert assignment.contractor.vendor == vendor
    assert list(RateTerm.objects.values_list("starts_on", "rate", "unit")) == [
        (date(2026, 12, 1), Decimal(640), "day")
    ]
    assert told(subject_type="contractor") == [("contractor.created", "maya")]


def test_contractor_of_another_vendor_is_refused_beside_the_field(client, vendor):
    stranger = Contractor.objects.create(full_name="Ben Quinn", vendor=make_vendor())
    page = fields_on(client, ADD_ASSIGNMENT) | {
        "title": "Data engineer",
        "vendor": vendor.pk,
        "contractor": stranger.pk,
    }

    response = client.post(ADD_ASSIGNMENT, page)

    assert errors_on(response) == {
        "contractor": ["Ben Quinn comes from another vendor: choose that one above."]
    }


def test_contractor_is_chosen_or_typed_but_not_both(client, vendor):
    known = Contractor.objects.create(full_name="Ben Quinn", vendor=vendor)
    page = fields_on(client, ADD_ASSIGNMENT) | {
        "title": "Data engineer",
        "vendor": vendor.pk,
        "contractor": known.pk,
        "new_contractor_name": "Aisha Novak",
    }

    response = client.post(ADD_ASSIGNMENT, page)

    assert errors_on(response) == {
        "new_contractor_name": ["Choose a contractor or type a new one, not both."]
    }
    assert Contractor.objects.count() == 1


def test_refused_assignment_leaves_no_contractor_behind(client):
    held = make_vendor(legal_name="Idle Ltd", standing=Standing.BLOCKED)
    page = fields_on(client, ADD_ASSIGNMENT) | {
        "title": "Data engineer",
        "vendor": held.pk,
        "new_contractor_name": "Aisha Novak",
    }

    client.post(ADD_ASSIGNMENT, page)

    assert Contractor.objects.count() == 0
    assert Event.objects.filter(subject_type="contractor").count() == 0


def test_changed_title_tells_before_and_after(client, manager):
    contract = make_contract(manager=manager)
    page = fields_on(client, page_of(contract)) | {"title": "Service desk, all lines"}

    response = client.post(page_of(contract), page)

    contract.refresh_from_db()
    event = Event.objects.filter(event_type="engagement.changed").get()
    assert response.status_code == 302
    assert contract.version == 2
    assert event.actor == manager
    assert event.changes == {"title": ["Service desk", "Service desk, all lines"]}


def test_saving_an_unchanged_page_writes_nothing(client, manager, cost_centre):
    contract = make_contract(manager=manager, cost_shares={cost_centre: Decimal(100)})
    before = Event.objects.count()

    client.post(page_of(contract), fields_on(client, page_of(contract)))

    contract.refresh_from_db()
    assert Event.objects.count() == before
    assert contract.version == 1


def test_new_fee_is_an_amendment_of_the_terms(client, manager):
    contract = make_contract(manager=manager)
    page = fields_on(client, page_of(contract)) | {
        "fee_terms-TOTAL_FORMS": "2",
        "fee_terms-1-starts_on": "2027-01-01",
        "fee_terms-1-monthly_fee": "11000",
    }

    client.post(page_of(contract), page)

    contract.refresh_from_db()
    assert list(contract.fee_terms.values_list("monthly_fee")) == [
        (Decimal(10000),),
        (Decimal(11000),),
    ]
    assert Event.objects.filter(event_type="engagement.terms_amended").count() == 1
    assert contract.version == 2


def test_new_rate_is_a_change_of_the_rate(client, manager):
    assignment = make_assignment(manager=manager)
    page = fields_on(client, page_of(assignment)) | {
        "rate_terms-TOTAL_FORMS": "2",
        "rate_terms-1-starts_on": "2027-01-01",
        "rate_terms-1-rate": "660",
        "rate_terms-1-unit": "day",
        "rate_terms-1-hours_per_day": "7.5",
        "rate_terms-1-overtime_multiplier": "1",
    }

    client.post(page_of(assignment), page)

    assert assignment.rate_terms.count() == 2
    assert Event.objects.filter(event_type="engagement.rate_changed").count() == 1


def test_changed_share_becomes_a_split_from_the_day_given(
    client, manager, department, cost_centre
):
    other = make_cost_centre(code="4101", name="Build", department=department)
    contract = make_contract(manager=manager, cost_shares={cost_centre: Decimal(100)})
    page = fields_on(client, page_of(contract)) | {
        "cost_split-starts_on": "2027-01-01",
        "cost_split-0-percent": "75",
        "cost_split-1-cost_centre": other.pk,
        "cost_split-1-percent": "25",
    }

    client.post(page_of(contract), page)

    splits = [
        (split.starts_on, {s.cost_centre.code: s.percent for s in split.shares.all()})
        for split in contract.cost_splits.all()
    ]
    assert splits == [
        (date(2026, 1, 1), {"4100": Decimal(100)}),
        (date(2027, 1, 1), {"4100": Decimal(75), "4101": Decimal(25)}),
    ]


def test_second_editor_is_told_and_saves_nothing(client, manager):
    contract = make_contract(manager=manager)
    first = fields_on(client, page_of(contract)) | {"title": "First"}
    second = fields_on(client, page_of(contract)) | {"title": "Second"}

    client.post(page_of(contract), first)
    response = client.post(page_of(contract), second)

    contract.refresh_from_db()
    (message,) = errors_on(response)["__all__"]
    assert response.status_code == 200
    assert "was changed by somebody else since you opened it" in message
    assert contract.title == "First"
    assert response.context["adminform"].form["title"].value() == "Second"


def test_second_editor_of_a_line_is_told_and_saves_nothing(client, manager):
    contract = make_contract(manager=manager)
    first = fields_on(client, page_of(contract)) | {"fee_terms-0-monthly_fee": "1"}
    second = fields_on(client, page_of(contract)) | {"fee_terms-0-monthly_fee": "2"}

    client.post(page_of(contract), first)
    response = client.post(page_of(contract), second)

    assert response.status_code == 200
    assert contract.fee_terms.get().monthly_fee == Decimal(1)


def test_page_without_its_version_is_refused(client, manager):
    contract = make_contract(manager=manager)
    page = fields_on(client, page_of(contract)) | {"title": "Blind"}
    del page["expected_version"]

    response = client.post(page_of(contract), page)

    contract.refresh_from_db()
    assert response.status_code == 200
    assert contract.title == "Service desk"


@pytest.mark.parametrize("amount", ["NaN", "1e400", "9" * 5000, "12.34567", "-1"])
def test_fee_that_is_no_amount_is_refused_beside_the_field(client, vendor, amount):
    page = fields_on(client, ADD_CONTRACT) | {
        "title": "Network",
        "vendor": vendor.pk,
        "monthly_fee": amount,
    }

    response = client.post(ADD_CONTRACT, page)

    assert response.status_code == 200
    assert list(errors_on(response)) == ["monthly_fee"]


@pytest.mark.parametrize(
    ("typed", "field", "reason"),
    [
        ({"ends_on": "2020-01-01"}, "ends_on", "The end can't be before the start."),
        (
            {"renewal": "auto"},
            "renewal_term_months",
            "Say for how many months it renews by itself.",
        ),
        ({"at_risk_percent": "101"}, "at_risk_percent", "The share at risk is between"),
    ],
)
def test_what_a_constraint_says_stands_beside_its_field(
    client, vendor, typed, field, reason
):
    page = fields_on(client, ADD_CONTRACT) | {"title": "Network", "vendor": vendor.pk}

    response = client.post(ADD_CONTRACT, page | typed)

    (found,) = errors_on(response).items()
    assert found[0] == field
    assert found[1][0].startswith(reason)


def test_second_fee_from_a_day_is_refused_in_words(client, manager):
    contract = make_contract(manager=manager)
    page = fields_on(client, page_of(contract)) | {
        "fee_terms-TOTAL_FORMS": "2",
        "fee_terms-1-starts_on": "2026-01-01",
        "fee_terms-1-monthly_fee": "11000",
    }

    response = client.post(page_of(contract), page)

    assert line_errors_on(response, FeeTerm) == [
        "This line repeats another one.",
        "There is a fee from this day already.",
    ]


def test_start_button_makes_a_draft_active(client, manager):
    contract = make_contract(manager=manager)

    response = client.post(
        reverse("admin:engagements_managedcontract_start", args=[contract.pk]),
        {"_form_submitted": "True"},
    )

    contract.refresh_from_db()
    assert response.headers["HX-Redirect"] == page_of(contract)
    assert contract.status == Status.ACTIVE


def test_start_asks_first(client, manager):
    contract = make_contract(manager=manager)

    client.get(reverse("admin:engagements_managedcontract_start", args=[contract.pk]))

    contract.refresh_from_db()
    assert contract.status == Status.DRAFT


def test_end_button_takes_day_and_reason(client, manager):
    assignment = make_assignment(manager=manager, status=Status.ACTIVE)

    client.post(
        reverse("admin:engagements_assignment_end", args=[assignment.pk]),
        {
            "_form_submitted": "True",
            "ended_on": "2026-06-30",
            "reason": "completed",
            "is_eligible_again": "true",
        },
    )

    assignment.refresh_from_db()
    assert assignment.status == Status.ENDED
    assert assignment.ends_on == date(2026, 6, 30)
    assert assignment.is_eligible_again is True


def test_end_before_the_start_is_refused(client, manager):
    assignment = make_assignment(manager=manager, status=Status.ACTIVE)

    client.post(
        reverse("admin:engagements_assignment_end", args=[assignment.pk]),
        {"_form_submitted": "True", "ended_on": "2025-06-30", "reason": "completed"},
    )

    assignment.refresh_from_db()
    assert assignment.status == Status.ACTIVE
