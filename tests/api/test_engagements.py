import threading
from datetime import date
from decimal import Decimal

import pytest
import time_machine
from django.db import connection

from engagements.choices import Kind, Role, Status
from engagements.models import (
    Assignment,
    Engagement,
    Event,
    FeeTerm,
    ManagedContract,
    RateTerm,
    Service,
)
from engagements.services.engagements import change_engagement
from engagements.services.records import raise_version
from engagements.services.terms import amend_fee, amend_rate, set_cost_split
from tests.api.callers import client_for, codes, put
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

PATH = "/api/v1/engagements"
DESK = {
    "title": "Service desk",
    "kind": "managed",
    "vendor": {"external_id": "V-1"},
    "start_date": "2026-01-01",
}
ENGINEER = DESK | {"title": "Data engineer", "kind": "augmented"}


@pytest.fixture
def vendor(db):
    return make_vendor(legal_name="Acme Ltd", external_id="V-1", currency="EUR")


@pytest.fixture(autouse=True)
def today():
    with time_machine.travel(date(2026, 6, 15), tick=False):
        yield


def test_managed_contract_is_logged_with_everything_told(api, vendor):
    owner = make_user(
        Role.MANAGER, first_name="Mona", last_name="Hill", external_id="hr-7"
    )
    department = make_department(code="IT", name="Technology")
    service = Service.objects.create(name="Mail")
    centres = [make_cost_centre(code=code) for code in ("100", "200")]
    body = DESK | {
        "owner": {"external_id": "hr-7"},
        "department": {"code": "IT"},
        "service": {"id": str(service.public_id)},
        "currency": "GBP",
        "country": "GB",
        "end_date": "2027-12-31",
        "renewal": "auto",
        "initial_term_months": 12,
        "renewal_term_months": 12,
        "notice_period": 3,
        "notice_unit": "months",
        "po_number": "PO-7",
        "status": "active",
        "cost_split": {
            "shares": [
                {"cost_center": {"code": "100"}, "percent": "33.3333"},
                {"cost_center": {"code": "200"}, "percent": "66.6667"},
            ]
        },
        "monthly_fee": {"amount": "12500.5", "currency": "GBP"},
    }

    response = put(api, "engagements", "C-1", body)

    assert response.status_code == 201, response.content
    contract = ManagedContract.objects.get()
    answer = response.json()
    assert response["Location"] == f"{PATH}/{contract.public_id}"
    assert answer.pop("created_at") <= answer.pop("updated_at")
    assert answer == {
        "id": str(contract.public_id),
        "external_id": "C-1",
        "reference": f"MSC-{contract.pk:05d}",
        "title": "Service desk",
        "kind": "managed",
        "vendor": {
            "id": str(vendor.public_id),
            "external_id": "V-1",
            "name": "Acme Ltd",
        },
        "owner": {
            "id": str(owner.public_id),
            "external_id": "hr-7",
            "name": "Mona Hill",
        },
        "department": {
            "id": str(department.public_id),
            "external_id": None,
            "name": "Technology",
            "code": "IT",
        },
        "service": {
            "id": str(service.public_id),
            "external_id": None,
            "name": "Mail",
        },
        "currency": "GBP",
        "country": "GB",
        "start_date": "2026-01-01",
        "end_date": "2027-12-31",
        "term_end_date": "2026-12-31",
        "renewal": "auto",
        "initial_term_months": 12,
        "renewal_term_months": 12,
        "notice_period": 3,
        "notice_unit": "months",
        "notice_deadline": "2026-09-30",
        "status": "active",
        "phase": "in_progress",
        "po_number": "PO-7",
        "cost_split": {
            "effective_date": "2026-01-01",
            "shares": [
                {
                    "cost_center": {
                        "id": str(centre.public_id),
                        "external_id": None,
                        "name": centre.name,
                        "code": centre.code,
                    },
                    "percent": percent,
                }
                for centre, percent in zip(centres, ("33.3333", "66.6667"), strict=True)
            ],
        },
        "monthly_fee": {
            "amount": "12500.50",
            "currency": "GBP",
            "effective_date": "2026-01-01",
        },
        "rate": None,
    }


def test_augmented_contractor_is_logged_with_a_rate(api, vendor):
    rate = {
        "pay_rate": "650",
        "pay_period": "DAY",
        "pay_currency": "EUR",
        "effective_date": "2026-02-01",
        "hours_per_day": "8",
        "overtime_multiplier": "1.5",
    }

    response = put(api, "engagements", "A-1", ENGINEER | {"rate": rate})

    assert response.status_code == 201
    assignment = Assignment.objects.get()
    assert (assignment.currency, assignment.status) == ("EUR", Status.DRAFT)
    assert assignment.rate_terms.get().hourly_rate == Decimal("81.25")
    assert response.json()["rate"] == rate | {"pay_rate": "650.00"}
    assert response.json()["monthly_fee"] is None


def test_same_body_again_changes_nothing(api, vendor):
    make_cost_centre(code="100")
    body = DESK | {
        "status": "active",
        "monthly_fee": {"amount": "100"},
        "cost_split": {"shares": [{"cost_center": {"code": "100"}, "percent": "100"}]},
    }
    first = put(api, "engagements", "C-1", body)
    events = Event.objects.count()

    second = put(api, "engagements", "C-1", body)

    assert [first.status_code, second.status_code] == [201, 200]
    assert second.content == first.content
    assert Event.objects.count() == events


def test_field_left_out_stays_as_it_is_and_null_clears_it(api, vendor):
    put(api, "engagements", "C-1", DESK | {"po_number": "PO-7", "notice_period": 30})

    kept = put(api, "engagements", "C-1", DESK).json()
    cleared = put(api, "engagements", "C-1", DESK | {"po_number": None}).json()

    assert (kept["po_number"], kept["notice_period"]) == ("PO-7", 30)
    assert (cleared["po_number"], cleared["notice_period"]) == (None, 30)


def test_changed_dates_move_the_term(api, vendor):
    put(api, "engagements", "C-1", DESK | {"notice_period": 30})

    answer = put(api, "engagements", "C-1", DESK | {"end_date": "2026-07-31"}).json()

    assert answer["term_end_date"] == "2026-07-31"
    assert answer["notice_deadline"] == "2026-07-01"
    assert answer["phase"] == "notice_window"


def test_later_fee_is_a_new_term_and_the_earlier_stays(api, vendor):
    put(api, "engagements", "C-1", DESK | {"monthly_fee": {"amount": "100"}})
    raised = {"amount": "110.25", "effective_date": "2026-06-01"}

    answer = put(api, "engagements", "C-1", DESK | {"monthly_fee": raised}).json()

    assert answer["monthly_fee"] == raised | {"currency": "EUR"}
    terms = ManagedContract.objects.get().fee_terms.values_list(
        "starts_on", "monthly_fee"
    )
    assert list(terms) == [
        (date(2026, 1, 1), Decimal(100)),
        (date(2026, 6, 1), Decimal("110.25")),
    ]


def test_fee_to_come_is_told_only_while_there_is_none_in_force(api, vendor):
    to_come = {"amount": "110", "effective_date": "2026-09-01"}
    first = put(api, "engagements", "C-1", DESK | {"monthly_fee": to_come}).json()
    now = {"amount": "100", "effective_date": "2026-01-01"}

    second = put(api, "engagements", "C-1", DESK | {"monthly_fee": now}).json()

    assert first["monthly_fee"]["effective_date"] == "2026-09-01"
    assert second["monthly_fee"]["effective_date"] == "2026-01-01"


@pytest.mark.parametrize(
    ("body", "field", "first", "other"),
    [
        (DESK, "monthly_fee", {"amount": "100"}, {"amount": "100.01"}),
        (
            ENGINEER,
            "rate",
            {"pay_rate": "50", "pay_period": "HOUR"},
            {"pay_rate": "50", "pay_period": "DAY"},
        ),
        (
            DESK,
            "cost_split",
            {"shares": [{"cost_center": {"code": "100"}, "percent": "100"}]},
            {"shares": [{"cost_center": {"code": "200"}, "percent": "100"}]},
        ),
    ],
)
def test_terms_are_never_overwritten(api, vendor, body, field, first, other):
    make_cost_centre(code="100")
    make_cost_centre(code="200")
    put(api, "engagements", "E-1", body | {field: first})

    response = put(api, "engagements", "E-1", body | {field: other})

    assert response.status_code == 409
    assert codes(response) == [(f"/{field}", "term_set")]


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (DESK | {"vendor": {"external_id": "V-2"}}, ("/vendor", "not_found")),
        (DESK | {"owner": {"external_id": "nobody"}}, ("/owner", "not_found")),
        (DESK | {"end_date": "2025-12-31"}, ("/end_date", "invalid")),
        (DESK | {"renewal": "auto"}, ("", "invalid")),
        (DESK | {"currency": "XXQ"}, ("/currency", "invalid")),
        (DESK | {"rate": {"pay_rate": "1", "pay_period": "DAY"}}, ("/rate", "model")),
        (ENGINEER | {"monthly_fee": {"amount": "1"}}, ("/monthly_fee", "model")),
        (
            DESK | {"monthly_fee": {"amount": "1", "currency": "USD"}},
            ("/monthly_fee", "currency"),
        ),
        (
            DESK
            | {
                "cost_split": {
                    "shares": [{"cost_center": {"code": "100"}, "percent": "99.9999"}]
                }
            },
            ("/cost_split", "invalid"),
        ),
        (
            DESK
            | {
                "cost_split": {
                    "shares": [{"cost_center": {"code": "100"}, "percent": "50"}] * 2
                }
            },
            ("/cost_split", "repeated"),
        ),
        (
            DESK
            | {
                "cost_split": {
                    "shares": [{"cost_center": {"code": "closed"}, "percent": "100"}]
                }
            },
            ("/cost_split", "not_found"),
        ),
    ],
)
def test_body_that_says_what_cannot_be_is_422_and_stores_nothing(
    api, vendor, body, error
):
    make_cost_centre(code="100")
    make_cost_centre(code="closed", is_open=False)

    response = put(api, "engagements", "E-1", body)

    assert response.status_code == 422
    assert set(codes(response)) == {error}
    assert Engagement.objects.count() == 0


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (DESK | {"vendor": {}}, ("/vendor", "one_of")),
        (DESK | {"vendor": "V-1"}, ("/vendor", "invalid")),
        (DESK | {"vendor": {"external_id": "V-1", "id": 1}}, ("/vendor/id", "type")),
        (DESK | {"vendor": {"name": "Acme"}}, ("/vendor/name", "unknown")),
        (DESK | {"start_date": "2026-02-30"}, ("/start_date", "date")),
        (DESK | {"start_date": "0001-01-01"}, ("/start_date", "pattern")),
        (DESK | {"end_date": "2026-01-01T00:00:00Z"}, ("/end_date", "pattern")),
        (DESK | {"status": "ended"}, ("/status", "choice")),
        (DESK | {"notice_deadline": "2026-01-01"}, ("/notice_deadline", "unknown")),
        (DESK | {"monthly_fee": {"amount": 100}}, ("/monthly_fee/amount", "type")),
        (
            DESK | {"monthly_fee": {"amount": "1e3"}},
            ("/monthly_fee/amount", "pattern"),
        ),
        (DESK | {"monthly_fee": None}, ("/monthly_fee", "null")),
        (DESK | {"cost_split": {"shares": []}}, ("/cost_split/shares", "min_length")),
        (
            DESK | {"cost_split": {"shares": [{"percent": "100"}]}},
            ("/cost_split/shares/0/cost_center", "required"),
        ),
    ],
)
def test_body_that_breaks_the_schema_is_400(api, vendor, body, error):
    response = put(api, "engagements", "E-1", body)

    assert response.status_code == 400
    assert error in codes(response)


def test_engagement_never_changes_its_model(api, vendor):
    put(api, "engagements", "E-1", DESK)

    response = put(api, "engagements", "E-1", ENGINEER)

    assert response.status_code == 409
    assert Engagement.objects.get().kind == Kind.MANAGED


def test_engagement_in_force_does_not_become_a_draft(api, vendor):
    put(api, "engagements", "E-1", DESK | {"status": "active"})

    response = put(api, "engagements", "E-1", DESK | {"status": "draft"})

    assert response.status_code == 409
    assert Engagement.objects.get().status == Status.ACTIVE


def test_vendor_on_hold_gets_no_new_engagement(api, vendor):
    vendor.standing = "on_hold"
    vendor.save()

    response = put(api, "engagements", "E-1", DESK)

    assert response.status_code == 422
    assert codes(response) == [("/vendor", "invalid")]


def test_change_by_id_needs_what_was_read(api):
    contract = make_contract()
    path = f"{PATH}/{contract.public_id}"
    etag = api.get(path)["ETag"]
    amend_fee(
        term=FeeTerm(
            contract=contract, starts_on=date(2026, 6, 1), monthly_fee=Decimal(1)
        ),
        actor=None,
    )

    stale = api.patch(path, {"title": "Desk"}, headers={"If-Match": etag})
    fresh = api.patch(
        path, {"title": "Desk"}, headers={"If-Match": api.get(path)["ETag"]}
    )

    assert [stale.status_code, fresh.status_code] == [412, 200]
    assert stored(contract).title == "Desk"


def test_list_holds_both_models_in_the_order_of_their_last_change(api):
    contract, assignment = make_contract(), make_assignment()
    with time_machine.travel(date(2026, 6, 16), tick=False):
        contract.title = "Desk"
        change_engagement(engagement=contract, actor=None)

    since = "?updated_since=2026-01-01T00:00:00Z"
    rows = api.get(f"{PATH}{since}").json()["results"]

    assert [(row["kind"], row["reference"]) for row in rows] == [
        ("augmented", assignment.reference),
        ("managed", contract.reference),
    ]


def test_new_terms_count_as_a_change(api):
    contract, assignment, edited = make_contract(), make_assignment(), make_contract()
    since = "2026-06-15T00:00:01Z"
    assert api.get(f"{PATH}?updated_since={since}").json()["results"] == []

    with time_machine.travel(date(2026, 6, 16), tick=False):
        amend_rate(
            term=RateTerm(
                assignment=assignment, starts_on=date(2026, 7, 1), rate=Decimal(1)
            ),
            actor=None,
        )
        set_cost_split(
            engagement=contract,
            starts_on=date(2026, 7, 1),
            shares={make_cost_centre(): Decimal(100)},
            actor=None,
        )
        raise_version(record=edited)
        rows = api.get(f"{PATH}?updated_since={since}").json()["results"]

    assert {row["id"] for row in rows} == {
        str(engagement.public_id) for engagement in (contract, assignment, edited)
    }


def test_row_of_a_list_is_what_reading_it_answers(api):
    centre = make_cost_centre()
    make_contract(cost_shares={centre: Decimal(100)}, department=make_department())
    make_assignment(manager=make_user(Role.MANAGER))

    rows = api.get(PATH).json()["results"]

    assert rows == [api.get(f"{PATH}/{row['id']}").json() for row in rows]
    assert len(rows) == 2


def test_list_is_filtered_by_its_parameters(api):
    manager, department = make_user(Role.MANAGER), make_department()
    contract = make_contract(manager=manager, starts_on=date(2026, 7, 1))
    assignment = make_assignment(department=department)
    queries: dict[str, list[Engagement]] = {
        "kind=managed": [contract],
        "kind=augmented": [assignment],
        "status=draft": [contract, assignment],
        "status=active": [],
        "phase=upcoming": [contract],
        f"vendor={assignment.vendor.public_id}": [assignment],
        f"owner={manager.public_id}": [contract],
        f"department={department.public_id}": [assignment],
        f"kind=managed&department={department.public_id}": [],
    }

    found = {
        query: [row["id"] for row in api.get(f"{PATH}?{query}").json()["results"]]
        for query in queries
    }

    assert found == {
        query: [str(engagement.public_id) for engagement in expected]
        for query, expected in queries.items()
    }


@pytest.mark.parametrize("rows", [1, 3, 300])
def test_list_asks_the_same_queries_however_many_rows(
    api, rows, django_assert_num_queries
):
    vendor = make_vendor()
    make_contract(vendor=vendor)
    Engagement.objects.bulk_create(
        Engagement(
            reference=f"R{number}",
            title="Desk",
            kind=Kind.MANAGED,
            vendor=vendor,
            starts_on=date(2026, 1, 1),
            term_starts_on=date(2026, 1, 1),
        )
        for number in range(rows - 1)
    )
    api.get(PATH)

    # Key, its owner's permissions with roles, engagements, cost splits, fees, rates.
    with django_assert_num_queries(6):
        response = api.get(f"{PATH}?page_size=200")

    assert len(response.json()["results"]) == min(rows, 200)


@pytest.mark.django_db(transaction=True)
def test_racing_creators_have_one_effect():
    client = client_for(make_user(Role.ADMINISTRATOR), "engagements:write")
    make_vendor(external_id="V-1")
    line = threading.Barrier(8)
    statuses = []

    def create():
        line.wait()
        statuses.append(put(client, "engagements", "E-1", DESK).status_code)
        connection.close()

    threads = [threading.Thread(target=create) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(statuses) == [200] * 7 + [201]
    assert ManagedContract.objects.count() == 1
    assert Event.objects.filter(event_type="engagement.logged").count() == 1
