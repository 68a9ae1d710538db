from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
import time_machine
from django.contrib.messages import get_messages
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from engagements.choices import Role, Status
from engagements.services.lifecycle import start_engagement
from tests.admin.conftest import logged_in
from tests.admin.forms import fields_on
from tests.factories import (
    make_contract,
    make_cost_centre,
    make_department,
    make_user,
    stored,
)
from tests.spend.billing import bill, make_invoice, make_line
from tracker.spend.budget_standing import fiscal_months
from tracker.spend.models import (
    Budget,
    BudgetMonth,
    BudgetPolicy,
    Invoice,
    PurchaseOrder,
)
from tracker.spend.services import (
    draft_invoice,
    set_budget,
    set_budget_policy,
)

pytestmark = pytest.mark.django_db

GRID = reverse("admin:tracker_budget_grid")
APRIL, MAY = date(2026, 4, 1), date(2026, 5, 1)


@pytest.fixture(autouse=True)
def on_a_day_in_april():
    with time_machine.travel(datetime(2026, 4, 1, 12, tzinfo=UTC), tick=False):
        yield


@pytest.fixture
def finance():
    return logged_in(Role.FINANCE)


def cells_of(page):
    """Return what the grid would post as it stands."""
    posted = {"percent": "0", "pattern": "even"}
    for row in page.context["rows"]:
        posted[f"v{row.centre.pk}"] = str(row.shown_version)
        posted.update({cell.name: cell.value for cell in row.cells})
    return posted


def amounts():
    rows = BudgetMonth.objects.exclude(amount=0).order_by("budget_id", "month")
    return list(rows.values_list("month", "amount"))


def said(response):
    return [str(message) for message in get_messages(response.wsgi_request)]


def budget_of(centre, monthly, year=2026):
    return set_budget(
        budget=Budget(cost_centre=centre, year=year),
        amounts={month: Decimal(monthly) for month in fiscal_months(year)},
        actor=None,
    )


def test_grid_stores_what_was_typed(finance):
    centre = make_cost_centre()
    page = finance.get(GRID)
    posted = cells_of(page) | {
        f"m{centre.pk}-2026-04": "1,200",
        f"m{centre.pk}-2026-05": "99.50",
        "save": "1",
    }

    response = finance.post(GRID, posted)

    assert said(response) == ["1 budget saved."]
    assert amounts() == [(APRIL, Decimal(1_200)), (MAY, Decimal("99.5"))]


def test_grid_stores_no_row_where_one_is_wrong(finance):
    good, bad = make_cost_centre(code="A"), make_cost_centre(code="B")
    posted = cells_of(finance.get(GRID)) | {
        f"m{good.pk}-2026-04": "5",
        f"m{bad.pk}-2026-04": "five",
        "save": "1",
    }

    response = finance.post(GRID, posted)

    assert said(response) == ["Nothing was saved: see the marked months."]
    assert not Budget.objects.exists()
    errors = [cell.error for row in response.context["rows"] for cell in row.cells]
    assert [each for each in errors if each] == [
        "Give an amount such as 1200 or 1200.50."
    ]


def test_grid_refuses_what_somebody_else_changed(finance):
    centre, other = make_cost_centre(code="A"), make_cost_centre(code="B")
    budget = budget_of(centre, 10)
    posted = cells_of(finance.get(GRID)) | {
        f"m{centre.pk}-2026-04": "5",
        f"m{other.pk}-2026-04": "7",
        "save": "1",
    }
    set_budget(budget=budget, amounts={APRIL: Decimal(3)}, actor=None)

    response = finance.post(GRID, posted)

    assert said(response) == ["Nothing was saved: see the marked rows."]
    (refused,) = [row for row in response.context["rows"] if row.errors]
    assert (refused.centre, refused.cells[0].value) == (centre, "5")
    assert amounts() == [(APRIL, Decimal(3))]


def test_grid_without_a_change_saves_nothing(finance):
    budget_of(make_cost_centre(), 10)

    response = finance.post(GRID, cells_of(finance.get(GRID)) | {"save": "1"})

    assert said(response) == ["0 budgets saved."]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [("even", ["8.34", "8.33"]), ("pattern", ["75", "25"])],
)
def test_grid_spreads_a_year_to_the_cent_and_saves_nothing(finance, pattern, expected):
    centre = make_cost_centre()
    posted = cells_of(finance.get(GRID)) | {
        f"m{centre.pk}-2026-04": "3",
        f"m{centre.pk}-2026-05": "1",
        f"t{centre.pk}": "100",
        "pattern": pattern,
        "spread": "1",
    }

    (row,) = finance.post(GRID, posted).context["rows"]

    assert [row.cells[0].value, row.cells[-1 if pattern == "even" else 1].value] == (
        expected
    )
    assert row.total == Decimal(100)
    assert not Budget.objects.exists()


def test_grid_copies_last_year_with_a_percentage(finance):
    centre = make_cost_centre()
    budget_of(centre, 100, year=2025)
    posted = cells_of(finance.get(GRID)) | {"percent": "2.5", "copy": "1"}

    (row,) = finance.post(GRID, posted).context["rows"]

    assert {cell.value for cell in row.cells} == {"102.5"}
    assert Budget.objects.get().year == 2025


@pytest.mark.parametrize(
    ("role", "shown", "stored_with"),
    [
        (Role.AUDITOR, 200, 403),
        (Role.HR_INTEGRATION, 403, 403),
        (Role.ADMINISTRATOR, 200, 302),
    ],
)
def test_grid_is_for_those_who_may(role, shown, stored_with):
    browser = logged_in(role)
    make_cost_centre()

    page = browser.get(GRID)
    posted = cells_of(page) if page.status_code == 200 else {}
    answer = browser.post(GRID, posted | {"save": "1"})

    assert (page.status_code, answer.status_code) == (shown, stored_with)


def test_a_manager_sees_the_budgets_of_their_own_department_alone(client):
    head = make_user(Role.MANAGER)
    mine = make_cost_centre(department=make_department(head=head))
    others = make_cost_centre(department=make_department())
    for centre in (mine, others, make_cost_centre()):
        budget_of(centre, 7)
    client.force_login(head)

    page = client.get(reverse("admin:tracker_budget_changelist"))
    report = client.get("/spend/budgets/").context["page"].table

    assert [row.cost_centre for row in page.context["cl"].result_list] == [mine]
    assert [row.cells[0].text for row in report.rows] == [str(mine)]


@pytest.mark.parametrize("count", [1, 3, 300])
def test_grid_reads_by_the_same_queries(finance, count):
    for _number in range(count):
        centre = make_cost_centre()
        Budget.objects.create(cost_centre=centre, year=2026)
    finance.get(GRID)

    with CaptureQueriesContext(connection) as queries:
        page = finance.get(GRID)

    assert len(page.context["rows"]) == min(count, 40)
    assert len(queries) == GRID_QUERIES


GRID_QUERIES = 12


@pytest.mark.parametrize("count", [1, 3, 300])
def test_report_reads_by_the_same_queries(finance, count):
    for _number in range(count):
        Budget.objects.create(cost_centre=make_cost_centre(), year=2026)
    finance.get("/spend/budgets/")

    with CaptureQueriesContext(connection) as queries:
        page = finance.get("/spend/budgets/").context["page"]

    assert len(page.table.rows) == min(count, 200) + (count > 200)
    assert len(queries) == REPORT_QUERIES


REPORT_QUERIES = 13


def test_start_says_the_warning_before_and_after():
    centre = make_cost_centre(code="IT", name="Technology")
    budget_of(centre, 10)
    set_budget_policy(policy=BudgetPolicy(order_month="ignore"), actor=None)
    contract = make_contract(
        fee=Decimal(1_000),
        cost_shares={centre: Decimal(100)},
        starts_on=APRIL,
        ends_on=date(2026, 4, 30),
    )
    browser = logged_in(Role.ADMINISTRATOR)
    url = reverse("admin:engagements_managedcontract_start", args=[contract.pk])
    sentence = (
        "IT · Technology has a budget of £120.00 for April 2026 to March 2027. £0.00 of"
        " it is spent or committed; this commits £1,000.00, which is £880.00 too much."
    )

    before = browser.get(url)
    after = browser.post(url, {"_form_submitted": "1"})

    assert sentence in before.content.decode()
    assert sentence in said(after)
    assert stored(contract).status == Status.ACTIVE


def over_budget():
    """Return a contract whose plan and bills are more than its budget, which warns."""
    centre = make_cost_centre(code="IT", name="Technology")
    budget_of(centre, 1_000)
    contract = make_contract(
        fee=Decimal(1_000),
        cost_shares={centre: Decimal(100)},
        starts_on=APRIL,
        ends_on=date(2027, 3, 31),
    )
    start_engagement(engagement=contract, actor=None)
    return contract


def test_change_order_says_the_warning_before_it_is_confirmed():
    contract = over_budget()
    browser = logged_in(Role.ADMINISTRATOR)
    url = reverse("admin:engagements_managedcontract_change_order", args=[contract.pk])
    typed = {
        "_form_submitted": "1",
        "effective_on": "2026-05-01",
        "new_price": "2000",
        "reason": "More sites",
    }
    sentence = "this commits £11,000.00, which is £11,000.00 too much."

    shown = browser.post(url, typed)
    typed["shown_for"] = shown.context["form"]["shown_for"].value()
    confirmed = browser.post(url, typed)

    assert sentence in shown.content.decode()
    assert any(sentence in message for message in said(confirmed))


def test_invoice_says_the_warning_before_it_is_received_and_approved():
    contract = over_budget()
    line = make_line(contract, "13000", period_from=APRIL, period_to=APRIL)
    invoice = draft_invoice(invoice=make_invoice(line), lines=[line], actor=None)
    browser = logged_in(Role.FINANCE)
    sentence = "this spends £13,000.00, which is £1,000.00 too much."

    def told(name, browser=browser):
        """Return whether the dialog tells, and the page after the step."""
        url = reverse(f"admin:tracker_invoice_{name}", args=[invoice.pk])
        before = browser.get(url).content.decode()
        after = browser.post(url, {"_form_submitted": "1"})
        return sentence in before, any(sentence in one for one in said(after))

    received, matched = told("receive"), told("match")
    Invoice.objects.filter(pk=invoice.pk).update(status="matched")
    approved = told("approve", logged_in(Role.FINANCE))

    assert [received, matched, approved] == [(True, True)] * 3


def test_invoices_approved_together_say_the_warning_each():
    contract = over_budget()
    first, second = (
        bill(contract, APRIL, kind="one_off", amount=amount, status="matched")
        for amount in ("11000", "2000")
    )
    browser = logged_in(Role.FINANCE)

    answer = browser.post(
        reverse("admin:tracker_invoice_bulk", args=["approve"]),
        {"row": [f"{n.pk}:{n.version}" for n in (first, second)], "mode": "those"},
    )

    assert set(Invoice.objects.values_list("status", flat=True)) == {"approved"}
    warned = [text for text in said(answer) if "£1,000.00 too much" in text]
    assert [text.partition(":")[0] for text in warned] == [first.number, second.number]


def test_a_changed_fee_of_an_active_contract_says_the_warning():
    contract = over_budget()
    browser = logged_in(Role.ADMINISTRATOR)
    url = reverse("admin:engagements_managedcontract_change", args=[contract.pk])
    typed = fields_on(browser, url) | {
        "fee_terms-TOTAL_FORMS": "2",
        "fee_terms-1-starts_on": "2026-10-01",
        "fee_terms-1-monthly_fee": "1500",
    }

    answer = browser.post(url, typed)

    assert contract.fee_terms.count() == 2
    assert any("which is £3,000.00 too much" in message for message in said(answer))


def test_purchase_order_says_the_warning_once_it_is_recorded():
    contract = over_budget()
    set_budget(
        budget=Budget.objects.get(),
        amounts={APRIL: Decimal(1)},
        actor=None,
    )
    browser = logged_in(Role.FINANCE)
    url = reverse("admin:tracker_purchaseorder_add")
    typed = fields_on(browser, url) | {
        "vendor": contract.vendor_id,
        "number": "PO-1",
        "currency": "GBP",
        "amount": "100",
        "starts_on": "2026-04-01",
        "coverages-TOTAL_FORMS": "1",
        "coverages-0-engagement": contract.pk,
    }

    answer = browser.post(url, typed)

    assert PurchaseOrder.objects.count() == 1
    assert any("which is £11,999.00 too much" in message for message in said(answer))
