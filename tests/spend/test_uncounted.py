"""One engagement in a currency without a rate: all else is reckoned, and it is told."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
import time_machine
from django.test import Client

from engagements.choices import ChargeKind, Role
from engagements.services.spending import Moment, money_warnings
from tests.factories import (
    begun,
    make_assignment,
    make_contract,
    make_cost_centre,
    make_user,
    make_vendor,
)
from tests.spend.bills import bill_lines, line
from tracker.jobs.models import JobRun
from tracker.spend.budget_standing import fiscal_months, standings
from tracker.spend.fx import MissingRateError
from tracker.spend.models import Budget, LedgerEntry
from tracker.spend.services import set_budget
from tracker.spend.uncounted import Uncounted, in_words
from tracker.tasks import look_at_budgets

pytestmark = pytest.mark.django_db

APRIL, JUNE = date(2026, 4, 1), date(2026, 6, 1)
HUNDRED = Decimal(100)


@pytest.fixture(autouse=True)
def _today():
    with time_machine.travel(datetime(2026, 6, 1, 12, tzinfo=UTC), tick=False):
        yield


@pytest.fixture
def centre():
    return make_cost_centre(code="IT", name="Technology")


@pytest.fixture
def odd(centre):
    """Paid by the same cost centre, in a currency that nobody publishes."""
    vendor = make_vendor(currency="BAM", legal_name="Balkan Consulting")
    return begun(
        make_contract(
            currency="BAM",
            vendor=vendor,
            cost_shares={centre: HUNDRED},
            starts_on=APRIL,
        )
    )


@pytest.fixture
def known(centre):
    return begun(
        make_contract(
            fee=Decimal(1000),
            cost_shares={centre: HUNDRED},
            starts_on=APRIL,
            ends_on=date(2027, 3, 31),
        )
    )


@pytest.fixture
def budget(centre, odd):
    amounts = {month: Decimal(10_000) for month in fiscal_months(2026)}
    return set_budget(
        budget=Budget(cost_centre=centre, year=2026), amounts=amounts, actor=None
    )


def test_words_name_what_is_left_out():
    rows = [Uncounted(f"MAN-{n}", "BAM", n) for n in range(1, 8)]

    assert in_words([]) == ""
    assert in_words(rows[:1]) == (
        "Not counted, since no exchange rate is known: MAN-1 (BAM)."
    )
    assert in_words(rows).endswith("MAN-5 (BAM), 2 more (BAM).")
    assert in_words(rows[:3], named={2}).endswith(": MAN-2 (BAM), 2 more (BAM).")
    assert in_words(rows[:3], named=()).endswith(": 3 engagements (BAM).")


def test_budget_counts_all_but_what_has_no_rate(budget, odd, known):
    (standing,) = standings([budget])

    assert standing.used_until().committed == Decimal(12_000)
    assert standing.uncounted == [Uncounted(odd.reference, "BAM", odd.pk)]


def test_bill_of_another_is_posted_and_its_own_is_refused(budget, odd, known):
    bill_lines(line(known, ChargeKind.ONE_OFF, "10", date(2026, 5, 1)))

    with pytest.raises(MissingRateError, match="No exchange rate for BAM"):
        bill_lines(line(odd, ChargeKind.ONE_OFF, "10", date(2026, 5, 1)))

    assert [entry.amount for entry in LedgerEntry.objects.all()] == [Decimal(10)]


def test_a_check_tells_that_it_left_something_out_and_not_whose(budget, centre, known):
    told = money_warnings(known, Moment.ORDER, before={})

    assert told == [
        f"{centre}: Not counted, since no exchange rate is known: 1 engagement (BAM)."
    ]


def test_a_look_at_what_has_no_rate_itself_says_so(budget, odd):
    (told,) = money_warnings(odd, Moment.ORDER, before={})

    assert told.startswith("No exchange rate for BAM: enter one")


def test_the_nightly_look_names_what_it_left_out(budget, odd):
    look_at_budgets()

    run = JobRun.objects.get(name="look at budgets")
    assert run.result == {"told": 0, "not_counted": [f"{odd.reference} (BAM)"]}


def test_pages_are_shown_and_name_what_they_left_out(client, budget, odd, known):
    vendor = make_vendor(currency="UAH", legal_name="Kyiv Code")
    one = make_assignment(
        rate=Decimal(75),
        role="Developer",
        currency="UAH",
        vendor=vendor,
        starts_on=APRIL,
    )
    begun(one)
    client.force_login(make_user(Role.FINANCE))

    contract, contractor = f"{odd.reference} (BAM)", f"{one.reference} (UAH)"
    expected = {
        "/spend/budgets/": contract,
        "/spend/forecast/": contract,
        "/spend/fiscal-year/": contract,
        "/cost-centres/": contract,
        "/spend/vendors/?compare=plan&period=this-year": contract,
        "/spend/rates-against-benchmark/": contractor,
        "/contractors/": contractor,
    }
    assert {url: _names(client, url, name) for url, name in expected.items()} == (
        dict.fromkeys(expected, True)
    )


def _names(client: Client, url: str, name: str) -> bool:
    text = client.get(url).content.decode()
    return "Not counted, since no exchange rate is known" in text and name in text
