"""Which rules ask: properties of the choice, and what is compared."""

from datetime import date
from decimal import Decimal

import pytest
import time_machine
from hypothesis import given, settings
from hypothesis import strategies as st

from engagements.choices import ChargeKind, Kind
from engagements.errors import TrackerError
from engagements.models import Charge, Engagement
from engagements.services import reporting_currency
from engagements.services.approval_requests import approvals_needed
from engagements.services.lifecycle import start_engagement
from engagements.services.valuation import value_of
from engagements.values.approval import RuleTerms, Subject, asks
from tests.factories import (
    make_assignment,
    make_contract,
    make_department,
    make_rule,
    make_user,
    make_vendor,
    stored,
)
from tracker.spend.fx import MissingRateError

KINDS = st.sampled_from(Kind.values)
AMOUNTS = st.decimals(0, 10_000_000, places=2)
DEPARTMENTS = st.integers(1, 6)
RULES = st.builds(
    RuleTerms,
    kind=st.one_of(st.just(""), KINDS),
    department=st.none() | DEPARTMENTS,
    from_amount=AMOUNTS,
    covers_every_change=st.booleans(),
)
SUBJECTS = st.builds(
    Subject,
    kind=KINDS,
    departments=st.frozensets(DEPARTMENTS, max_size=4),
    amount=st.none() | AMOUNTS,
    is_change=st.booleans(),
)


@settings(max_examples=10_000, deadline=None)
@given(rule=RULES, subject=SUBJECTS)
def test_rule_asks_just_where_nothing_excuses_from_it(
    rule: RuleTerms, subject: Subject
) -> None:
    excuses = [
        rule.kind not in ("", subject.kind),
        rule.department is not None
        and bool(subject.departments)
        and rule.department not in subject.departments,
        subject.amount is not None
        and subject.amount < rule.from_amount
        and not (subject.is_change and rule.covers_every_change),
    ]

    assert asks(rule, subject) == (not any(excuses))


@settings(max_examples=2_000, deadline=None)
@given(rule=RULES, subject=SUBJECTS, more=AMOUNTS)
def test_rule_that_asks_also_asks_for_more_money(
    rule: RuleTerms, subject: Subject, more: Decimal
) -> None:
    if subject.amount is None:
        return
    larger = Subject(
        subject.kind, subject.departments, subject.amount + more, subject.is_change
    )

    assert asks(rule, larger) >= asks(rule, subject)


def needed_names(engagement: Engagement) -> list[str]:
    return sorted(rule.name for rule in approvals_needed(stored(engagement)).rules)


@pytest.mark.django_db
def test_department_rule_counts_for_all_below_and_for_none_beside() -> None:
    top = make_department()
    middle = make_department(parent=top)
    below = make_department(parent=middle)
    make_rule(name="top", department=top)
    make_rule(name="middle", department=middle)
    make_rule(name="off", is_in_force=False)

    assert needed_names(make_contract(department=below)) == ["middle", "top"]
    assert needed_names(make_contract(department=top)) == ["top"]
    assert needed_names(make_contract(department=make_department())) == []
    # What has no department escapes no department's rule.
    assert needed_names(make_contract()) == ["middle", "top"]


@pytest.mark.django_db
def test_amount_and_kind_decide_at_the_very_limit() -> None:
    make_rule(name="from 120k", from_amount=Decimal(120_000))
    make_rule(name="above", from_amount=Decimal("120000.01"))
    make_rule(name="people", kind=Kind.AUGMENTED)

    year = make_contract(fee=Decimal(10_000), ends_on=date(2026, 12, 31))

    assert value_of(stored(year)) == Decimal(120_000)
    assert needed_names(year) == ["from 120k"]


@pytest.mark.django_db
def test_without_a_price_the_value_may_be_any() -> None:
    make_rule(name="large", from_amount=Decimal(1_000_000))

    contract = make_contract(fee=None)

    assert value_of(stored(contract)) is None
    assert needed_names(contract) == ["large"]


@pytest.mark.django_db
def test_open_end_counts_as_twelve_months() -> None:
    contract = make_contract(fee=Decimal(1_000), starts_on=date(2026, 3, 1))

    assert value_of(stored(contract)) == Decimal(12_000)


@pytest.mark.django_db
def test_value_adds_milestones_and_one_offs_of_the_term_and_no_units() -> None:
    contract = make_contract(fee=Decimal(1_000), ends_on=date(2026, 12, 31))
    for kind, amount in (
        (ChargeKind.MILESTONE, 5_000),
        (ChargeKind.ONE_OFF, 300),
        (ChargeKind.UNIT, 7),
    ):
        Charge.objects.create(
            engagement=contract,
            charge_kind=kind,
            description="More",
            amount=Decimal(amount),
            unit_name="piece",
        )

    assert value_of(stored(contract)) == Decimal(17_300)


@pytest.mark.django_db
def test_value_of_a_contractor_is_planned_hours_by_working_days_by_rate() -> None:
    # February 2026 has 20 working days in Great Britain.
    assignment = make_assignment(
        rate=Decimal(600), starts_on=date(2026, 2, 1), ends_on=date(2026, 2, 28)
    )

    assert value_of(stored(assignment)) == Decimal(12_000)


@pytest.mark.django_db
@time_machine.travel(date(2024, 6, 14), tick=False)
def test_amount_is_compared_in_the_reporting_currency_and_its_rate_kept() -> None:
    make_rule(from_amount=Decimal(1))
    contract = make_contract(
        fee=Decimal(1_000), currency="EUR", ends_on=date(2026, 12, 31)
    )

    compared = approvals_needed(stored(contract)).worth

    assert compared is not None
    assert (compared.currency, compared.rate.rated_on, compared.rate.source) == (
        "GBP",
        date(2024, 6, 14),
        "European Central Bank",
    )
    assert compared.amount == (12_000 * compared.rate.factor).quantize(Decimal("0.01"))


@pytest.mark.django_db
def test_missing_rate_is_an_error_that_names_the_currency() -> None:
    make_rule()
    contract = make_contract(currency="XTS")

    with pytest.raises(MissingRateError, match="XTS"):
        start_engagement(engagement=contract, actor=None)


@pytest.mark.django_db
def test_without_a_source_of_rates_the_currency_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reporting_currency, "_RATES", [])
    make_rule()
    contract = make_contract(currency="EUR")

    with pytest.raises(TrackerError, match="No exchange rate for EUR"):
        approvals_needed(stored(contract))


@pytest.mark.django_db
def test_no_rule_costs_two_queries(django_assert_num_queries) -> None:
    contract = stored(make_contract(vendor=make_vendor(), manager=make_user()))

    with django_assert_num_queries(2):
        approvals_needed(contract)
