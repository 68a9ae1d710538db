from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
import time_machine

from engagements.choices import Role
from tests.dashboards.spending import make_paid_contract
from tests.factories import make_cost_centre, make_department, make_user, make_vendor
from tracker.dashboards.filters import PARAMETERS, read_filters
from tracker.dashboards.periods import Period
from tracker.spend.queries import SpendWhere

pytestmark = pytest.mark.django_db

JANUARY = date(2026, 1, 1)


@pytest.fixture(autouse=True)
def on_a_day_in_november():
    with time_machine.travel(datetime(2026, 11, 22, 12, tzinfo=UTC), tick=False):
        yield


@pytest.fixture
def finance():
    return make_user(Role.FINANCE)


def scope_of(user, query):
    scope = read_filters(user, query).scope
    assert scope is not None
    return scope


def test_read_filters_without_any_asks_for_the_last_12_months(finance):
    scope = scope_of(finance, {})

    assert scope.where == SpendWhere(
        first_month=date(2025, 12, 1), last_month=date(2026, 11, 1)
    )
    assert (scope.notation.currency, scope.notation.locale) == ("GBP", "en_GB")


def test_read_filters_prefers_months_to_a_named_period(finance):
    scope = scope_of(finance, {"period": "all", "from": "2026-01", "to": "2026-03"})

    assert scope.period == Period(JANUARY, date(2026, 3, 1))
    assert scope.parameters == {"from": "2026-01", "to": "2026-03"}


def test_read_filters_department_means_its_whole_tree(finance):
    parent = make_department(code="IT", name="Technology")
    child = make_department(parent=parent)
    grandchild = make_department(parent=child)
    make_department()

    scope = scope_of(finance, {"department": "IT"})

    tree = {parent.pk, child.pk, grandchild.pk}
    assert scope.where.department_ids == tree
    assert scope.department == "Technology"


def test_read_filters_departments_stand_below_their_parents(finance):
    alpha = make_department(name="Alpha")
    make_department(name="Beta", parent=make_department(name="Zeta"))
    make_department(name="Omega", parent=alpha)

    choices = read_filters(finance, {}).departments

    assert [(each.name, each.depth) for each in choices] == [
        ("Alpha", 0),
        ("Omega", 1),
        ("Zeta", 0),
        ("Beta", 1),
    ]


def test_read_filters_names_what_was_drilled_into(finance):
    vendor = make_vendor(legal_name="Calder")
    centre = make_cost_centre(code="CC1", name="Platform")
    contract = make_paid_contract(
        "1",
        JANUARY,
        vendor=vendor,
        cost_shares={centre: Decimal(100)},
        title="Desk",
        reference="R-1",
    )

    scope = scope_of(
        finance,
        {
            "vendor": str(vendor.public_id),
            "cost_centre": "CC1",
            "engagement": str(contract.public_id),
            "model": "managed",
        },
    )

    assert [(drill.noun, drill.name) for drill in scope.drills] == [
        ("Vendor", "Calder"),
        ("Cost centre", "CC1 Platform"),
        ("Engagement", "R-1 · Desk"),
        ("Model", "Managed service"),
    ]
    where = scope.where
    assert (where.vendor_id, where.cost_centre_id, where.engagement_id, where.kind) == (
        vendor.pk,
        centre.pk,
        contract.pk,
        "managed",
    )


@pytest.mark.parametrize(
    ("query", "message"),
    [
        (
            {"from": "2026-13"},
            "From month: “2026-13” is not a month; write it like 2026-10.",
        ),
        ({"to": "0001-01"}, "To month: “0001-01” is not a month; write it like"),
        (
            {"from": "2026-05", "to": "2026-01"},
            "To month: The last month is before the first; change one of them.",
        ),
        ({"period": "ever"}, "Period: “ever” is not a known period; choose one of"),
        ({"department": "NO"}, "Department: “NO” is not among yours."),
        ({"vendor": "7"}, "Vendor: “7” is not known here; open one from the tables"),
        (
            {"vendor": "00000000-0000-0000-0000-000000000000"},
            "Vendor: No such vendor in the spend you may see.",
        ),
        (
            {"engagement": "00000000-0000-0000-0000-000000000000"},
            "Engagement: No such engagement among those you may see.",
        ),
        (
            {"cost_centre": "NO"},
            "Cost centre: No such cost centre in the spend you may see.",
        ),
        ({"model": "both"}, "Model: “both” is not a model; use managed or augmented."),
    ],
)
def test_read_filters_says_what_is_wrong_with_a_value(finance, query, message):
    filters = read_filters(finance, query)

    assert filters.scope is None
    (error,) = filters.errors
    assert error.startswith(message)


HOSTILE = [
    "\x00",
    "\ud800",
    "\u202e",
    "9" * 5000,
    "NaN",
    "1e400",
    "' OR 1=1",
    "<script>",
    "%",
]


@pytest.mark.parametrize("value", HOSTILE)
def test_read_filters_refuses_hostile_values(finance, value):
    for name in PARAMETERS:
        filters = read_filters(finance, {name: value})

        assert filters.scope is None
        assert len(filters.errors) == 1
        assert len(filters.errors[0]) < 200
        assert filters.errors[0].encode()


def test_read_filters_hides_other_departments_records_from_a_manager():
    own, other = make_department(), make_department(code="OTHER", name="Canary")
    manager = make_user(Role.MANAGER, department=own)
    centre = make_cost_centre(code="CANARY")
    contract = make_paid_contract(
        "1", JANUARY, department=other, cost_shares={centre: Decimal(100)}
    )

    for query in (
        {"department": "OTHER"},
        {"vendor": str(contract.vendor.public_id)},
        {"engagement": str(contract.public_id)},
        {"cost_centre": "CANARY"},
    ):
        filters = read_filters(manager, query)

        assert filters.scope is None
        assert [each.code for each in filters.departments] == [own.code]
