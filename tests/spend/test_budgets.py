import threading
from copy import copy
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
import time_machine
from django.core.exceptions import ValidationError
from django.db import connection, connections, transaction
from django.test.utils import CaptureQueriesContext

from engagements.choices import Role, Status
from engagements.errors import ConflictError, OverBudgetError
from engagements.models import ChangeOrder, Event, FeeTerm
from engagements.services.change_orders import (
    effect_of_change_order,
    record_change_order,
)
from engagements.services.lifecycle import start_engagement, submit_engagement
from engagements.services.renewal import (
    Extending,
    Renewing,
    extend_engagement,
    money_told_of,
    renew_engagement,
)
from engagements.services.spending import Moment, money_warnings
from engagements.services.terms import amend_fee, set_cost_split
from tests.factories import (
    begun,
    make_assignment,
    make_contract,
    make_cost_centre,
    make_department,
    make_rule,
    make_user,
    stored,
)
from tests.spend.billing import bill, make_invoice, make_line
from tracker.notify.alert_text import in_words
from tracker.notify.event_types import people_told_of
from tracker.notify.models import Alert
from tracker.notify.services import tell_events
from tracker.spend.budget_standing import (
    fiscal_months,
    fiscal_year_of,
    standings,
)
from tracker.spend.models import (
    Budget,
    BudgetCrossing,
    BudgetPolicy,
    Invoice,
    LedgerEntry,
    OrderChange,
    PurchaseOrder,
)
from tracker.spend.services import (
    change_order,
    draft_invoice,
    receive_invoice,
    record_order,
    refresh_crossings,
    set_budget,
    set_budget_policy,
    warnings_of_order,
)
from tracker.spend.services.invoices import money_told_of as invoice_money_told_of

pytestmark = pytest.mark.django_db

YEAR = 2026
APRIL, MAY = date(2026, 4, 1), date(2026, 5, 1)
SEPTEMBER = date(2026, 9, 30)
HUNDRED = Decimal(100)
IGNORE_ALL = dict.fromkeys(
    (
        "request_month",
        "request_year",
        "order_month",
        "order_year",
        "actual_month",
        "actual_year",
    ),
    "ignore",
)


@pytest.fixture(autouse=True)
def on_the_first_of_april():
    with time_machine.travel(datetime(2026, 4, 1, 12, tzinfo=UTC), tick=False):
        yield


def budget_of(centre, monthly, year=YEAR, **fields):
    amounts = {month: Decimal(monthly) for month in fiscal_months(year)}
    return set_budget(
        budget=Budget(cost_centre=centre, year=year, **fields),
        amounts=amounts,
        actor=None,
    )


def policy(centre=None, **actions):
    return set_budget_policy(
        policy=BudgetPolicy(cost_centre=centre, **(IGNORE_ALL | actions)), actor=None
    )


def contract_of(centre, fee=1_000, **fields):
    return make_contract(
        fee=Decimal(fee),
        cost_shares={centre: HUNDRED},
        starts_on=fields.pop("starts_on", APRIL),
        ends_on=fields.pop("ends_on", date(2027, 3, 31)),
        **fields,
    )


def used(budget, until=None):
    (standing,) = standings([budget])
    return standing.used_until(until)


def test_fiscal_year_begins_with_the_setting_s_month():
    assert fiscal_year_of(date(2026, 3, 31)) == 2025
    assert fiscal_year_of(APRIL) == 2026
    assert fiscal_months(2026)[0] == APRIL
    assert fiscal_months(2026)[-1] == date(2027, 3, 1)


def test_budget_counts_what_is_spent_and_what_is_committed_once():
    centre = make_cost_centre()
    budget = budget_of(centre, 1_000)
    contract = contract_of(centre)
    start_engagement(engagement=contract, actor=None)
    bill(contract, APRIL)

    found = used(budget)

    # April's fee is 1,000; the 100 billed of it leave 900 committed.
    assert (found.actual, found.accrued) == (Decimal(100), Decimal(0))
    assert found.committed == Decimal(11_900)
    assert used(budget, APRIL).total == Decimal(1_000)


def test_a_contractor_s_months_that_have_passed_are_no_longer_committed():
    centre = make_cost_centre()
    budget = budget_of(centre, 1_000)
    assignment = make_assignment(
        rate=Decimal(100),
        cost_shares={centre: HUNDRED},
        starts_on=APRIL,
        ends_on=date(2026, 5, 31),
    )
    start_engagement(engagement=assignment, actor=None)
    in_april = used(budget).committed

    with time_machine.travel(datetime(2026, 5, 1, 12, tzinfo=UTC)):
        in_may = used(budget)

    # 21 working days in April 2026, 19 in May.
    assert (in_april, in_may.committed) == (Decimal(4_000), Decimal(1_900))


def test_what_waits_for_approval_is_asked_for():
    centre = make_cost_centre()
    budget = budget_of(centre, 1_000)
    manager = make_user(Role.MANAGER)
    make_rule(make_user(Role.FINANCE))
    contract = contract_of(centre, manager=manager, department=make_department())
    submit_engagement(engagement=contract, actor=manager)

    found = used(budget)

    assert (found.committed, found.requested) == (Decimal(0), Decimal(12_000))


def test_a_stop_at_order_names_figures_and_who_can_raise_it():
    centre = make_cost_centre(code="IT", name="Technology")
    budget_of(centre, 1_500)
    policy(order_year="stop")
    make_user(Role.FINANCE, first_name="Ada", last_name="Byron")
    start_engagement(engagement=contract_of(centre), actor=None)
    second = contract_of(centre, reference="R-2")

    with pytest.raises(OverBudgetError) as refusal:
        start_engagement(engagement=second, actor=None)

    assert str(refusal.value) == (
        "IT · Technology has a budget of £18,000.00 for April 2026 to March 2027."
        " £12,000.00 of it is spent or committed; this commits £12,000.00, which is"
        " £6,000.00 too much. Ada Byron can raise the budget."
    )
    assert stored(second).status == Status.DRAFT
    assert not Event.objects.filter(
        event_type="engagement.started", subject_id=second.pk
    ).exists()


def test_a_stop_at_order_starts_what_just_fits():
    centre = make_cost_centre()
    budget_of(centre, 1_000)
    policy(order_year="stop", order_month="stop")

    start_engagement(engagement=(contract := contract_of(centre)), actor=None)

    assert stored(contract).status == Status.ACTIVE


def test_month_to_date_stops_where_the_year_would_do():
    centre = make_cost_centre()
    set_budget(
        budget=Budget(cost_centre=centre, year=YEAR),
        amounts={date(2027, 3, 1): Decimal(12_000)},
        actor=None,
    )
    policy(order_month="stop")

    with pytest.raises(OverBudgetError, match=r"£0\.00 for April 2026\."):
        start_engagement(engagement=contract_of(centre), actor=None)


def test_a_request_is_held_against_what_others_asked_for():
    centre = make_cost_centre()
    budget_of(centre, 1_500)
    policy(request_year="stop")
    manager = make_user(Role.MANAGER)
    make_rule(make_user(Role.FINANCE))
    fields = {"manager": manager, "department": make_department()}
    submit_engagement(engagement=contract_of(centre, **fields), actor=manager)
    second = contract_of(centre, **fields)

    with pytest.raises(OverBudgetError, match="committed or asked for"):
        submit_engagement(engagement=second, actor=manager)

    assert stored(second).status == Status.DRAFT


def test_a_request_warns_and_goes_on():
    centre = make_cost_centre(code="IT", name="Technology")
    budget_of(centre, 500)
    policy(request_year="warn")
    manager = make_user(Role.MANAGER)
    make_rule(make_user(Role.FINANCE))
    contract = contract_of(centre, manager=manager, department=make_department())

    told = money_warnings(contract, Moment.REQUEST)
    submit_engagement(engagement=contract, actor=manager)

    assert told == [
        "IT · Technology has a budget of £6,000.00 for April 2026 to March 2027. £0.00"
        " of it is spent, committed or asked for; this asks for £12,000.00, which is"
        " £6,000.00 too much."
    ]
    assert stored(contract).status == Status.PENDING_APPROVAL


def test_an_invoice_over_budget_is_refused_whole():
    centre = make_cost_centre()
    budget_of(centre, 8)
    policy(actual_year="stop")
    contract = contract_of(centre)
    start_engagement(engagement=contract, actor=None)

    with pytest.raises(OverBudgetError, match=r"this spends £100\.00"):
        bill(contract, APRIL)

    assert (Invoice.objects.count(), LedgerEntry.objects.count()) == (0, 0)


def test_an_invoice_looks_at_what_is_spent_alone():
    centre = make_cost_centre()
    budget_of(centre, 100)
    policy(actual_year="stop", actual_month="stop")
    contract = contract_of(centre)
    start_engagement(engagement=contract, actor=None)

    bill(contract, APRIL)

    assert Invoice.objects.count() == 1


def test_a_cost_centre_s_own_policy_goes_before_the_organisation_s():
    lenient, strict = make_cost_centre(), make_cost_centre()
    policy(order_year="stop")
    policy(lenient)
    for centre in (lenient, strict):
        budget_of(centre, 1)

    start_engagement(engagement=contract_of(lenient), actor=None)

    with pytest.raises(OverBudgetError):
        start_engagement(engagement=contract_of(strict), actor=None)


def test_without_a_budget_nothing_is_held():
    policy(request_year="stop", order_year="stop", actual_year="stop")
    contract = contract_of(make_cost_centre())

    start_engagement(engagement=contract, actor=None)
    bill(contract, APRIL)

    assert stored(contract).status == Status.ACTIVE


def test_a_change_order_is_held_by_what_it_adds_alone():
    centre = make_cost_centre()
    budget_of(centre, 1_000)
    contract = contract_of(centre)
    start_engagement(engagement=contract, actor=None)
    policy(order_year="stop")

    def order(price, day):
        record_change_order(
            change_order=ChangeOrder(
                engagement_id=contract.pk,
                effective_on=day,
                new_price=Decimal(price),
                value_change=Decimal(0),
                reason="Agreed",
            ),
            actor=None,
        )

    order(900, MAY)
    with pytest.raises(OverBudgetError, match=r"commits £3,000\.00, which is £1,900"):
        order(1_200, date(2026, 6, 1))

    assert ChangeOrder.objects.count() == 1


def more_by_change_order(contract):
    order = ChangeOrder(
        engagement_id=contract.pk,
        effective_on=MAY,
        new_price=Decimal(2_000),
        value_change=Decimal(0),
        reason="Agreed",
    )
    effect = effect_of_change_order(change_order=copy(order), as_of=APRIL)
    return effect.money, lambda: record_change_order(change_order=order, actor=None)


def more_by_extension(contract):
    end = date(2027, 3, 31)
    told = money_told_of(engagement=contract, step=Extending(end))
    return told, lambda: extend_engagement(
        engagement=contract, ends_on=end, ground="no_time", actor=None
    )


def more_by_renewal(contract):
    # Manual: what renews by itself is planned on already.
    told = money_told_of(engagement=contract, step=Renewing(APRIL, 6))
    return told, lambda: renew_engagement(
        engagement=contract, renewed_on=APRIL, months=6, ground="no_time", actor=None
    )


def more_by_fee(contract):
    term = FeeTerm(contract=contract, starts_on=MAY, monthly_fee=Decimal(2_000))
    return None, lambda: amend_fee(term=term, actor=None)


def more_by_cost_split(contract):
    other = make_contract(starts_on=APRIL, ends_on=SEPTEMBER, fee=Decimal(9_000))
    start_engagement(engagement=other, actor=None)
    centre = Budget.objects.get().cost_centre
    return None, lambda: set_cost_split(
        engagement=other, starts_on=MAY, shares={centre: HUNDRED}, actor=None
    )


def more_by_purchase_order(contract):
    budget = Budget.objects.get()
    set_budget(
        budget=budget,
        amounts={APRIL: Decimal(5_000)},
        expected_version=budget.version,
        actor=None,
    )
    order = PurchaseOrder(
        vendor=contract.vendor,
        number="PO-1",
        currency="GBP",
        amount=Decimal(6_000),
        starts_on=APRIL,
    )
    told = warnings_of_order([stored(contract)])
    return told, lambda: record_order(order=order, engagements=[contract], actor=None)


def more_by_invoice(contract):
    draft_of = draft(contract, "9000")
    return invoice_money_told_of(invoice=draft_of), lambda: receive_invoice(
        invoice=draft_of, actor=None
    )


MORE = [
    (more_by_change_order, ("request", "order")),
    (more_by_extension, ("request", "order")),
    (more_by_renewal, ("request", "order")),
    (more_by_fee, ("request", "order")),
    (more_by_cost_split, ("request", "order")),
    (more_by_purchase_order, ("order",)),
    (more_by_invoice, ("actual",)),
]


@pytest.mark.parametrize(
    ("more", "moment"),
    [(more, moment) for more, moments in MORE for moment in moments],
)
@pytest.mark.parametrize("action", ["stop", "warn", "ignore"])
def test_what_adds_to_an_active_engagement_is_held_at_its_moments(more, moment, action):
    centre = make_cost_centre(code="IT", name="Technology")
    budget_of(centre, 600)
    contract = contract_of(
        centre,
        ends_on=SEPTEMBER,
        initial_term_months=None,
        renewal="manual",
        renewal_term_months=6,
    )
    start_engagement(engagement=contract, actor=None)
    policy(**{f"{moment}_year": action})

    told, take = more(contract)

    if told is not None:
        assert [*told] == ([] if action == "ignore" else [told[0]])
        assert all("IT · Technology has a budget of" in sentence for sentence in told)
    if action == "stop":
        with pytest.raises(OverBudgetError, match="too much"), transaction.atomic():
            take()
    else:
        take()


def draft(contract, amount):
    line = make_line(contract, amount)
    line.period_from = line.period_to = APRIL
    return draft_invoice(invoice=make_invoice(line), lines=[line], actor=None)


def test_what_less_is_ordered_for_is_held_against_no_budget():
    centre = make_cost_centre()
    budget = budget_of(centre, 1_000)
    contract = contract_of(centre)
    start_engagement(engagement=contract, actor=None)
    order = record_order(
        order=PurchaseOrder(
            vendor=contract.vendor,
            number="PO-1",
            currency="GBP",
            amount=Decimal(6_000),
            starts_on=APRIL,
        ),
        engagements=[contract],
        actor=None,
    )
    set_budget(
        budget=budget,
        amounts={APRIL: Decimal(1)},
        expected_version=budget.version,
        actor=None,
    )
    policy(order_year="stop")

    def change(amount):
        change_order(
            change=OrderChange(
                order=order, changed_on=APRIL, amount=Decimal(amount), reason="Agreed"
            ),
            actor=None,
        )

    change(-100)
    with pytest.raises(OverBudgetError, match="too much"):
        change(100)

    assert OrderChange.objects.count() == 1


def test_set_budget_stores_each_change_with_before_and_after():
    budget = budget_of(make_cost_centre(), 10)

    set_budget(
        budget=budget,
        amounts={month: Decimal(10) for month in budget_months(budget)}
        | {APRIL: Decimal("12.50")},
        expected_version=budget.version,
        actor=None,
    )

    event = Event.objects.filter(event_type="budget.set").latest("pk")
    assert event.changes == {"2026-04": ["10", "12.5"]}


def budget_months(budget):
    return fiscal_months(budget.year)


def test_set_budget_refuses_what_somebody_else_changed():
    budget = budget_of(make_cost_centre(), 10)

    with pytest.raises(ConflictError):
        set_budget(
            budget=budget, amounts={}, expected_version=budget.version - 1, actor=None
        )


@pytest.mark.parametrize(
    ("amounts", "reason"),
    [
        ({date(2026, 3, 1): Decimal(1)}, "no month of the fiscal year 2026"),
        ({APRIL: Decimal(-1)}, "not negative"),
    ],
)
def test_set_budget_refuses_what_is_none(amounts, reason):
    with pytest.raises(ValidationError, match=reason):
        set_budget(
            budget=Budget(cost_centre=make_cost_centre(), year=YEAR),
            amounts=amounts,
            actor=None,
        )

    assert not Budget.objects.exists()


def test_thresholds_are_told_once_each_and_again_after_a_raise():
    head = make_user(Role.MANAGER)
    finance = make_user(Role.FINANCE)
    centre = make_cost_centre(department=make_department(head=head))
    budget = budget_of(centre, 1_200)
    contract = contract_of(centre)

    start_engagement(engagement=contract, actor=None)
    told = refresh_crossings(today=APRIL).told
    twice = list(BudgetCrossing.objects.values_list("threshold", flat=True))
    set_budget(
        budget=budget,
        amounts={m: Decimal(2_000) for m in fiscal_months(YEAR)},
        actor=None,
    )
    raised = BudgetCrossing.objects.count()
    set_budget(
        budget=budget,
        amounts={m: Decimal(900) for m in fiscal_months(YEAR)},
        actor=None,
    )

    # 12,000 of 14,400 is 83 %; of 10,800 it is 111 %.
    assert (told, twice, raised) == (0, [Decimal(80)], 0)
    events = Event.objects.filter(event_type="budget.threshold_crossed").order_by("pk")
    assert [event.changes["threshold"][1] for event in events] == ["80", "80", "100"]
    assert people_told_of(events[0]) == [head, finance]


def test_the_alert_says_which_budget_and_threshold():
    finance = make_user(Role.FINANCE)
    centre = make_cost_centre(code="IT", name="Technology")
    budget_of(centre, 900)
    start_engagement(engagement=contract_of(centre), actor=None)
    tell_events()

    told = in_words(Alert.objects.filter(recipient=finance).order_by("pk"), finance)

    assert [(one.status, one.about, one.path) for one in told] == [
        ("80 % of a budget is used", "IT · Technology", "/spend/budgets/"),
        ("100 % of a budget is used", "IT · Technology", "/spend/budgets/"),
    ]


@pytest.mark.parametrize("count", [1, 3, 300])
def test_standings_read_by_the_same_queries(count):
    budgets = []
    for _number in range(count):
        centre = make_cost_centre()
        budgets.append(Budget.objects.create(cost_centre=centre, year=YEAR))
        begun(contract_of(centre))

    with CaptureQueriesContext(connection) as queries:
        found = standings(budgets)

    assert (len(queries), len(found)) == (13, count)


@pytest.mark.django_db(transaction=True)
def test_twenty_starts_at_once_don_t_exceed_the_budget():
    centre = make_cost_centre()
    budget = budget_of(centre, 5_500)
    policy(order_year="stop")
    contracts = [contract_of(centre) for _number in range(20)]
    outcomes = []

    def start(contract):
        try:
            start_engagement(engagement=contract, actor=None)
            outcomes.append("started")
        except OverBudgetError:
            outcomes.append("stopped")
        finally:
            connections.close_all()

    threads = [threading.Thread(target=start, args=(each,)) for each in contracts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)

    assert sorted(outcomes) == ["started"] * 5 + ["stopped"] * 15
    assert used(budget).committed == Decimal(60_000)


@pytest.mark.django_db(transaction=True)
def test_twenty_invoices_at_once_don_t_exceed_the_budget():
    centre = make_cost_centre()
    budget = budget_of(centre, 60)
    policy(actual_year="stop")
    contracts = [contract_of(centre) for _number in range(20)]
    for contract in contracts:
        start_engagement(engagement=contract, actor=None)
    outcomes = []

    def receive(contract):
        try:
            with transaction.atomic():
                bill(contract, APRIL)
            outcomes.append("posted")
        except OverBudgetError:
            outcomes.append("stopped")
        finally:
            connections.close_all()

    threads = [threading.Thread(target=receive, args=(each,)) for each in contracts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)

    assert sorted(outcomes) == ["posted"] * 7 + ["stopped"] * 13
    assert used(budget).actual == Decimal(700)
