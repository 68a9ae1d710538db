"""The totals of months: derived where marked, read where clean, equal at every step."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from engagements.choices import Role
from engagements.services.terms import set_cost_split
from tests.dashboards.spending import bill, pay
from tests.factories import (
    make_contract,
    make_cost_centre,
    make_department,
    make_user,
    make_vendor,
)
from tracker.spend.models import (
    Dimension,
    MonthlySpend,
    MonthTotal,
    StaleMonth,
    TotalsVersion,
)
from tracker.spend.overview import data_version
from tracker.spend.queries import SpendOverview, SpendWhere, spend_overview
from tracker.spend.services import (
    close_month,
    rebuild_roll_ups,
    refresh_totals,
    verify_ledger,
)
from tracker.tasks import refresh_totals as refresh_totals_task

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("nothing_hinders")]

JANUARY, FEBRUARY, MARCH = (date(2026, month, 1) for month in (1, 2, 3))
ALL = SpendWhere()


@pytest.fixture
def reader():
    return make_user(Role.AUDITOR)


def told(overview: SpendOverview) -> dict[str, dict[Any, Decimal]]:
    return {
        "months": {m.month.month: m.parts.total for m in overview.months},
        "vendors": {v.name: v.parts.total for v in overview.vendors},
        "centres": {c.code: c.parts.total for c in overview.cost_centres},
    }


def spent() -> None:
    """Two vendors over two months, one of them split over cost centres; and tax."""
    one = make_contract(vendor=make_vendor(legal_name="One"))
    split = {
        make_cost_centre(code="A"): Decimal(25),
        make_cost_centre(code="B"): Decimal(75),
    }
    set_cost_split(engagement=one, starts_on=one.starts_on, shares=split, actor=None)
    two = make_contract(vendor=make_vendor(legal_name="Two"))
    pay(one, "100.00", JANUARY)
    pay(two, "30.00", JANUARY)
    pay(two, "7.00", FEBRUARY)
    bill(one, FEBRUARY, [("one_off", "40.00"), ("tax", "8.00")])


EVERYTHING = {
    "months": {1: Decimal(130), 2: Decimal(47)},
    "vendors": {"One": Decimal(140), "Two": Decimal(37)},
    "centres": {"B": Decimal(105), "UNALLOCATED": Decimal(37), "A": Decimal(35)},
}


def test_the_overview_is_the_same_before_and_after_totals_are_derived(reader):
    spent()
    live = told(spend_overview(reader, ALL))
    assert refresh_totals() == [JANUARY, FEBRUARY]

    assert not StaleMonth.objects.exists()
    assert live == told(spend_overview(reader, ALL)) == EVERYTHING


@pytest.mark.roll_ups_differ
def test_clean_months_are_read_from_totals_and_marked_ones_from_the_roll_up(reader):
    spent()
    refresh_totals()
    MonthTotal.objects.update(reporting_amount=Decimal(1))
    pay(make_contract(vendor=make_vendor(legal_name="Two B")), "1.00", FEBRUARY)

    months = told(spend_overview(reader, ALL))["months"]

    # January shows what was planted in the totals, February what is in the roll-up.
    assert months == {1: Decimal(1), 2: Decimal(48)}


def test_a_posting_is_seen_at_once_and_after_the_next_refresh(reader):
    spent()
    refresh_totals()
    pay(make_contract(vendor=make_vendor(legal_name="Three")), "0.01", JANUARY)

    live = told(spend_overview(reader, ALL))
    assert live["months"] == {1: Decimal("130.01"), 2: Decimal(47)}
    assert refresh_totals() == [JANUARY]
    assert told(spend_overview(reader, ALL)) == live


def test_totals_hold_every_dimension_without_tax():
    spent()
    refresh_totals()

    february = MonthTotal.objects.filter(booked_month=FEBRUARY)
    assert {
        dimension: sum(
            row.reporting_amount for row in february.filter(dimension=dimension)
        )
        for dimension in Dimension
    } == dict.fromkeys(Dimension, Decimal(47))
    assert verify_ledger().is_exact


def test_months_may_begin_before_the_other_dimensions(reader):
    spent()
    where = SpendWhere(first_month=FEBRUARY)

    for _ in ("live", "derived"):
        found = told(spend_overview(reader, where, since=JANUARY))
        assert found == {
            "months": {1: Decimal(130), 2: Decimal(47)},
            "vendors": {"One": Decimal(40), "Two": Decimal(7)},
            "centres": {"B": Decimal(30), "A": Decimal(10), "UNALLOCATED": Decimal(7)},
        }
        refresh_totals()


def test_limits_of_months_and_model_hold_in_both(reader):
    spent()
    for _ in ("live", "derived"):
        until = spend_overview(reader, SpendWhere(last_month=JANUARY))
        assert told(until)["months"] == {1: Decimal(130)}
        augmented = spend_overview(reader, SpendWhere(kind="augmented"))
        assert told(augmented) == {"months": {}, "vendors": {}, "centres": {}}
        refresh_totals()


def test_periods_are_of_booked_months(reader, finance):
    contract = make_contract()
    pay(contract, "100.00", JANUARY)
    close_month(month=JANUARY, actor=finance)
    pay(contract, "5.00", JANUARY)

    for _ in ("live", "derived"):
        months = told(spend_overview(reader, ALL))["months"]
        assert months == {1: Decimal(100), 2: Decimal(5)}
        refresh_totals()


def test_a_manager_reads_their_rows_whatever_totals_there_are():
    department = make_department()
    manager = make_user(Role.MANAGER, department=department)
    own = make_contract(department=department, vendor=make_vendor(legal_name="Ours"))
    pay(own, "10.00", JANUARY)
    pay(make_contract(vendor=make_vendor(legal_name="Theirs")), "99.00", JANUARY)
    refresh_totals()

    found = told(spend_overview(manager, ALL))

    assert found["vendors"] == {"Ours": Decimal(10)}
    assert found["months"] == {1: Decimal(10)}


def test_no_department_at_all_means_nothing(reader):
    spent()

    nothing = spend_overview(reader, SpendWhere(department_ids=frozenset()))

    assert told(nothing) == {"months": {}, "vendors": {}, "centres": {}}


def test_the_overview_takes_three_queries(reader, django_assert_num_queries):
    spent()
    reader = type(reader).objects.get(pk=reader.pk)
    with django_assert_num_queries(4):
        # The reader's roles, the sums, names of vendors and of cost centres.
        told(spend_overview(reader, ALL))
    refresh_totals()
    with django_assert_num_queries(3):
        told(spend_overview(reader, ALL))


def ledger_version() -> tuple[int, int]:
    version = data_version()
    return version.refreshed, version.marks


def test_each_posting_and_each_refresh_is_another_version():
    contract = make_contract()
    seen = [ledger_version()]
    for step in range(3):
        pay(contract, "1.00", JANUARY)
        seen.append(ledger_version())
        if step:
            refresh_totals()
            seen.append(ledger_version())

    assert len(set(seen)) == len(seen)


def test_nothing_posted_is_the_same_version():
    pay(make_contract(), "1.00", JANUARY)

    assert ledger_version() == ledger_version()
    refresh_totals()
    before = ledger_version()
    assert refresh_totals() == []
    assert ledger_version() == before


def test_the_task_refreshes():
    pay(make_contract(), "1.00", JANUARY)

    refresh_totals_task()

    assert not StaleMonth.objects.exists()
    assert MonthTotal.objects.count() == len(Dimension)


def test_a_total_that_differs_is_told_and_repaired():
    spent()
    refresh_totals()
    vendor = MonthTotal.objects.filter(dimension=Dimension.VENDOR).earliest("id")
    MonthTotal.objects.filter(pk=vendor.pk).update(reporting_amount=Decimal(1))
    MonthTotal.objects.filter(dimension=Dimension.ALL, booked_month=FEBRUARY).delete()

    found = verify_ledger()

    assert sorted(
        (m.booked_month, m.dimension, m.total) for m in found.total_mismatches
    ) == [
        (vendor.booked_month, "vendor", Decimal(1)),
        (FEBRUARY, "all", Decimal(0)),
    ]
    assert rebuild_roll_ups(months=found.months_to_rebuild, actor=None) == [
        JANUARY,
        FEBRUARY,
    ]
    assert verify_ledger().is_exact


def test_a_rebuilt_roll_up_is_the_one_that_postings_wrote(finance):
    spent()
    close_month(month=JANUARY, actor=finance)
    pay(make_contract(), "5.00", JANUARY)
    columns = (
        *("engagement_id", "month", "booked_month", "cost_centre_id", "vendor_id"),
        *("kind", "charge_kind", "basis", "amount", "reporting_amount"),
    )
    written = sorted(MonthlySpend.objects.values_list(*columns))
    MonthlySpend.objects.filter(booked_month=FEBRUARY).delete()
    MonthlySpend.objects.update(amount=Decimal(1))

    rebuild_roll_ups(months=[JANUARY, FEBRUARY], actor=None)

    assert sorted(MonthlySpend.objects.values_list(*columns)) == written


ROW = {
    "booked_month": JANUARY,
    "dimension": "all",
    "member_id": 0,
    "kind": "managed",
    "basis": "actual",
    "reporting_amount": Decimal(1),
}


@pytest.mark.parametrize(
    ("changed", "constraint"),
    [
        ({"booked_month": date(2026, 1, 2)}, "month_total_month_is_first_day"),
        ({"dimension": "colour"}, "month_total_dimension_known"),
    ],
)
def test_the_database_refuses_a_total_that_cannot_be(changed, constraint):
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        MonthTotal.objects.bulk_create([MonthTotal(**{**ROW, **changed})])


def test_the_database_refuses_a_second_total_of_the_same():
    MonthTotal.objects.bulk_create([MonthTotal(**ROW)])
    with pytest.raises(IntegrityError), transaction.atomic():
        MonthTotal.objects.bulk_create([MonthTotal(**ROW)])


def test_the_database_refuses_a_second_version():
    with pytest.raises(IntegrityError, match="one_row"), transaction.atomic():
        TotalsVersion.objects.bulk_create([TotalsVersion(id=2)])


def test_the_database_refuses_a_roll_up_booked_within_a_month():
    spent()
    with pytest.raises(IntegrityError, match="booked_month"), transaction.atomic():
        MonthlySpend.objects.update(booked_month=date(2026, 1, 2))


@pytest.mark.postgresql
def test_postgresql_groups_in_one_pass_over_the_roll_up(reader):
    spent()
    with connection.execute_wrapper(_keep := _Kept()):
        spend_overview(reader, ALL).months  # noqa: B018 - asked for its query

    [sql] = [text for text in _keep.texts if "GROUPING SETS" in text]
    assert sql.count('FROM "tracker_monthlyspend"') == 1


class _Kept:
    def __init__(self) -> None:
        self.texts: list[str] = []

    def __call__(self, execute, sql, params, many, context):
        self.texts.append(sql)
        return execute(sql, params, many, context)
