"""Why September cost more than August, to the cent."""

from datetime import date
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from engagements.choices import ChargeKind, Role
from engagements.models import RateTerm
from engagements.values.periods import last_day_of_month
from tests.factories import begun, make_assignment, make_contract, make_user
from tracker.spend.comparison import Months, compare
from tracker.spend.models import Invoice, InvoiceLine, WorkLog
from tracker.spend.models.rate import ExchangeRate
from tracker.spend.queries import SpendWhere
from tracker.spend.services import log_work_lines, post_invoice, record_rate
from tracker.spend.variance import Parts

pytestmark = pytest.mark.django_db

AUGUST, SEPTEMBER = date(2026, 8, 1), date(2026, 9, 1)


def by_the_hour(rate, **fields):
    assignment = begun(make_assignment(rate=None, **fields))
    RateTerm.objects.create(
        assignment=assignment, starts_on=date(2026, 1, 1), rate=rate, unit="hour"
    )
    return assignment


def work(assignment, first, hours):
    log_work_lines(
        lines=[
            WorkLog(
                engagement=assignment,
                contractor=assignment.contractor,
                worked_on=first.replace(day=3 + number),
                hours=Decimal(8),
            )
            for number in range(hours // 8)
        ],
        actor=None,
    )


def bill_fee(contract, first, amount):
    post_invoice(
        invoice=Invoice(
            vendor=contract.vendor,
            number=f"{contract.pk}-{first}",
            issued_on=first,
            currency=contract.currency,
            total=Decimal(amount),
        ),
        lines=[
            InvoiceLine(
                engagement=contract,
                charge_kind=ChargeKind.RECURRING,
                period_from=first,
                period_to=last_day_of_month(first),
                amount=Decimal(amount),
            )
        ],
        actor=None,
    )


def parts_of(lines):
    return {line.title: line.parts for line in lines}


def in_pounds(parts):
    return {
        name: Decimal(value) / 10_000 for name, value in vars(parts).items() if value
    }


@pytest.fixture
def september():
    """A dearer developer, a tester in other proportions, a fee in euros, one new."""
    developer = by_the_hour(Decimal(50), title="Developer", role="Developer")
    RateTerm.objects.create(
        assignment=developer, starts_on=SEPTEMBER, rate=Decimal(55), unit="hour"
    )
    tester = by_the_hour(Decimal(30), title="Tester", role="Tester")
    work(developer, AUGUST, 80)
    work(developer, SEPTEMBER, 80)
    work(tester, AUGUST, 40)
    work(tester, SEPTEMBER, 80)
    desk = begun(make_contract(title="Service desk", currency="EUR"))
    for day, rate in ((AUGUST, "0.80"), (SEPTEMBER, "0.85")):
        record_rate(
            rate=ExchangeRate(
                currency="EUR",
                quoted_in="GBP",
                day=day,
                factor=Decimal(rate),
                source="Treasury",
            ),
            actor=None,
        )
        bill_fee(desk, day, "1000.00")
    bill_fee(begun(make_contract(title="Hosting")), SEPTEMBER, "250.00")
    bill_fee(begun(make_contract(title="Archive")), AUGUST, "90.00")


def test_the_bridge_from_august_to_september_is_exact(september):
    user = make_user(Role.FINANCE)

    lines = compare(
        user,
        SpendWhere(),
        base=Months(AUGUST, AUGUST),
        new=Months(SEPTEMBER, SEPTEMBER),
    )

    # 120 hours became 160. In the old proportions of 2 to 1 the developer would have
    # had 106.67 and the tester 53.33: volume is 26.67 at 50 and 13.33 at 30, mix the
    # rest, and the 5 more for each of 80 hours are price.
    found = {title: in_pounds(parts) for title, parts in parts_of(lines).items()}
    assert found == {
        "Archive": {"ended": Decimal(-90)},
        "Developer": {
            "price": Decimal(400),
            "volume": Decimal("1333.33"),
            "mix": Decimal("-1333.33"),
        },
        "Hosting": {"new": Decimal(250)},
        "Service desk": {"fx": Decimal(50)},
        "Tester": {"volume": Decimal(400), "mix": Decimal(800)},
    }
    whole = sum((line.parts for line in lines), Parts())
    assert in_pounds(whole) == {
        "fx": Decimal(50),
        "price": Decimal(400),
        "volume": Decimal("1733.33"),
        "mix": Decimal("-533.33"),
        "new": Decimal(250),
        "ended": Decimal(-90),
    }
    assert whole.total == 1_810 * 10_000
    assert sum(line.after - line.before for line in lines) == Decimal(1_810)


def test_half_a_month_of_a_fee_is_volume_not_price():
    contract = begun(make_contract(title="Service desk", starts_on=date(2026, 8, 17)))
    line_of_half = Decimal("500.00") * 15 / 31
    bill_fee(contract, AUGUST, f"{line_of_half:.2f}")
    bill_fee(contract, SEPTEMBER, "500.00")
    user = make_user(Role.FINANCE)

    (line,) = compare(
        user,
        SpendWhere(),
        base=Months(AUGUST, AUGUST),
        new=Months(SEPTEMBER, SEPTEMBER),
    )

    # 241.94 for 15 of 31 days is 500.01 a month, to the cent.
    assert in_pounds(line.parts) == {
        "price": Decimal("-0.01"),
        "volume": Decimal("258.07"),
    }


@pytest.mark.parametrize("count", [1, 3, 300])
def test_comparing_reads_by_three_queries(count):
    user = make_user(Role.FINANCE)
    user.has_perm("tracker.view_budget")
    for number in range(count):
        contract = begun(make_contract(title=f"C{number}"))
        bill_fee(contract, AUGUST, "10.00")
        bill_fee(contract, SEPTEMBER, "11.00")
    months = {
        "base": Months(AUGUST, AUGUST),
        "new": Months(SEPTEMBER, SEPTEMBER),
    }
    compare(user, SpendWhere(), **months)

    with CaptureQueriesContext(
        connection,
    ) as queries:
        lines = compare(user, SpendWhere(), **months)

    assert (len(queries), len(lines)) == (3, count)


def test_a_manager_compares_their_own_alone():
    manager = make_user(Role.MANAGER)
    bill_fee(begun(make_contract(title="Mine", manager=manager)), AUGUST, "10.00")
    bill_fee(begun(make_contract(title="Others")), AUGUST, "99.00")

    lines = compare(
        manager,
        SpendWhere(),
        base=Months(AUGUST, AUGUST),
        new=Months(SEPTEMBER, SEPTEMBER),
    )

    assert [line.title for line in lines] == ["Mine"]
