from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
import time_machine
from django.contrib.auth import authenticate
from django.db import transaction
from django.db.models import F, Q, QuerySet, Sum
from django.test import Client, RequestFactory
from pytest_django import DjangoDbBlocker

from engagements.choices import Kind, Phase, Role
from engagements.models import (
    Assignment,
    ChangeOrder,
    CostSplit,
    Engagement,
    FeeTerm,
    RateTerm,
    User,
    Vendor,
)
from engagements.permissions import roles_of
from engagements.queries import waiting_for
from engagements.values.periods import add_months
from tests.demo.filters import changes, figures, is_told, report_of, unfiltered
from tracker.dashboards.models import PageMail, SavedPage
from tracker.dashboards.places import report_places
from tracker.dashboards.scope import COMPARISONS
from tracker.demo.company import PLANTED
from tracker.demo.credentials import LOGINS, SANDBOX_KEY
from tracker.demo.load import Loaded, load_company
from tracker.demo.stories import Planted
from tracker.fit.models import Advice, Assessment, Flag, Verdict
from tracker.fit.outcome import Followed, followed
from tracker.performance.models import Credit, CreditState, LevelResult
from tracker.spend.budget_standing import standings
from tracker.spend.hours import missing_sheets
from tracker.spend.models import (
    Basis,
    Budget,
    Invoice,
    InvoiceStatus,
    LedgerEntry,
    MatchException,
    MonthlySpend,
    MonthOutlook,
    Timesheet,
    TimesheetStatus,
    WorkLog,
)

pytestmark = pytest.mark.usefixtures("company")

TODAY = date(2026, 11, 22)
ROLL_UP_KEY = ("engagement", "month", "cost_centre", "charge_kind", "basis")


@pytest.fixture(scope="module")
def loaded(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker
) -> Iterator[Loaded]:
    """The demo company, loaded once and rolled back after the module's last test."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield load_company(today=TODAY)
        transaction.set_rollback(True)


@pytest.fixture
def company(loaded: Loaded, db: None) -> Loaded:
    return loaded


def test_load_tells_as_many_engagements_as_are_planted(company: Loaded) -> None:
    titles = set(Engagement.objects.values_list("title", flat=True))

    assert titles == set(PLANTED)
    assert company.engagements == len(PLANTED)


def test_load_tells_both_models() -> None:
    kinds = Counter(Engagement.objects.values_list("kind", flat=True))

    assert kinds == {Kind.MANAGED: 19, Kind.AUGMENTED: 28}


def test_load_of_one_day_always_gives_the_same_figures(company: Loaded) -> None:
    hours = WorkLog.objects.aggregate(total=Sum("hours"))["total"]
    spend = MonthlySpend.objects.values_list("kind").annotate(Sum("reporting_amount"))

    assert company == Loaded(
        engagements=47, work_logs=17259, invoices=301, measurements=294, flags=10
    )
    assert hours == Decimal("166507.75")
    assert dict(spend) == {
        Kind.AUGMENTED: Decimal("2835306.35"),
        Kind.MANAGED: Decimal("6660627.86"),
    }


def test_measured_contracts_have_two_years_of_results_with_a_few_misses() -> None:
    outcomes = Counter(LevelResult.objects.values_list("outcome", flat=True))
    first = LevelResult.objects.earliest("window_from")

    assert outcomes == {"met": 290, "missed": 7}
    assert (first.window_from, first.engagement.title) == (
        date(2024, 11, 1),
        "Workplace support desk",
    )


def test_one_missed_month_earned_a_credit_that_an_invoice_granted() -> None:
    credit = Credit.objects.get()

    # Half of the 8 % at risk of 24,300
    assert (credit.amount, credit.state) == (Decimal("972.00"), CreditState.APPLIED)
    assert credit.invoice_line is not None
    assert credit.invoice_line.amount == Decimal("-972.00")


def test_load_reaches_every_phase() -> None:
    phases = {engagement.phase for engagement in Engagement.objects.with_phase(TODAY)}

    assert phases == set(Phase.values)


def test_load_bills_in_three_currencies() -> None:
    currencies = set(MonthlySpend.objects.values_list("engagement__currency"))

    assert currencies == {("GBP",), ("EUR",), ("USD",)}


def test_load_gives_every_tier_vendors() -> None:
    tiers = set(Vendor.objects.values_list("tier", flat=True))

    assert tiers == {"strategic", "preferred", "approved"}


def test_roll_up_equals_the_ledger_to_the_cent() -> None:
    ledger = LedgerEntry.objects.order_by().values_list(*ROLL_UP_KEY)
    roll_up = MonthlySpend.objects.values_list(
        *ROLL_UP_KEY, "amount", "reporting_amount"
    )

    assert set(roll_up) == set(ledger.annotate(Sum("amount"), Sum("reporting_amount")))


def test_invoices_equal_their_lines_to_the_cent() -> None:
    wrong = Invoice.objects.annotate(billed=Sum("lines__amount")).exclude(
        total=F("billed")
    )

    assert Invoice.objects.count() > 0
    assert list(wrong) == []


def test_invoices_are_approved_before_they_are_paid() -> None:
    paid = Invoice.objects.filter(status=InvoiceStatus.PAID, approved_at__isnull=False)

    assert paid.exists()
    assert not paid.filter(approved_at__date__gt=F("paid_on")).exists()


def test_billed_months_leave_no_accrual_and_running_months_do() -> None:
    accrued = dict(
        MonthlySpend.objects.filter(basis=Basis.ACCRUED)
        .values_list("month")
        .annotate(Sum("reporting_amount"))
    )

    assert accrued[date(2026, 11, 1)] > 0
    assert accrued[date(2026, 10, 1)] > 0
    assert {
        month: amount for month, amount in accrued.items() if month < date(2026, 9, 1)
    } == {month: 0 for month in accrued if month < date(2026, 9, 1)}


def test_nobody_works_outside_their_engagement_or_in_the_future() -> None:
    outside = WorkLog.objects.filter(
        Q(worked_on__lt=F("engagement__starts_on"))
        | Q(worked_on__gt=F("engagement__ends_on"))
        | Q(worked_on__gt=TODAY)
    )

    assert list(outside) == []


def test_work_and_spend_begin_two_years_before_today() -> None:
    assert WorkLog.objects.earliest("worked_on").worked_on == date(2024, 11, 1)
    assert MonthlySpend.objects.earliest("month").month == date(2024, 11, 1)


def test_one_engagement_and_one_change_order_wait_for_somebody_else() -> None:
    people = {user.username: user for user in User.objects.all()}

    def waiting(username: str) -> list[tuple[str, str, Decimal]]:
        rows = waiting_for(people[username]).select_related("engagement", "rule")
        return [(row.engagement.title, row.rule.name, row.amount) for row in rows]

    sent = ("Identity service run", "From £100,000", Decimal(355_200))
    changed = ("Pricing engine development", "From £100,000", Decimal(597_700))
    assert waiting("manager") == [sent, changed]
    assert waiting("i.solberg") == [sent, changed]
    assert waiting("finance") == [
        ("Pricing engine development", "From £500,000", Decimal(597_700))
    ]
    assert waiting("t.herrera") == waiting("p.raman") == waiting("admin") == []
    assert ChangeOrder.objects.waiting().count() == 1


def test_terms_change_over_time() -> None:
    assert FeeTerm.objects.values("contract").distinct().count() == 17
    assert FeeTerm.objects.count() == 26
    assert RateTerm.objects.values("assignment").distinct().count() == 28
    assert RateTerm.objects.count() == 42
    assert CostSplit.objects.count() == 50
    assert ChangeOrder.objects.in_force().count() == 16


@pytest.mark.parametrize(("username", "password", "role"), LOGINS)
def test_logins_open_the_admin_in_their_role(
    username: str, password: str, role: Role
) -> None:
    request = RequestFactory().post("/admin/login/")

    user = authenticate(request, username=username, password=password)

    assert isinstance(user, User)
    assert user.is_staff
    assert roles_of(user) == {role}


def test_sandbox_key_opens_the_api() -> None:
    client = Client(headers={"Authorization": f"Bearer {SANDBOX_KEY}"})

    response = client.get("/api/v1/engagements")

    assert response.status_code == 200


def test_people_without_a_demo_login_cannot_log_in() -> None:
    usernames = [username for username, _password, _role in LOGINS]
    others = User.objects.exclude(username__in=usernames)

    assert others.count() == 14
    assert not any(user.has_usable_password() for user in others)


def test_demo_manager_sees_technology_only() -> None:
    manager = User.objects.get(username="manager")

    visible = Engagement.objects.visible_to(manager)

    codes = set(visible.values_list("department__code", flat=True))
    assert codes == {"TEC", "PLT", "APP", "DAT"}
    assert Counter(visible.values_list("kind", flat=True)) == {
        Kind.MANAGED: 11,
        Kind.AUGMENTED: 18,
    }


def test_departments_outside_technology_exist_beside_it() -> None:
    codes = set(Engagement.objects.values_list("department__code", flat=True))

    assert codes == {"TEC", "PLT", "APP", "DAT", "OPS", "FIN", "CUS"}


JUDGED = set(Planted) - {Planted.BACKGROUND}


def titles(*planted: Planted) -> set[str]:
    return {title for title, found in PLANTED.items() if found in planted}


def assessed(*planted: Planted) -> QuerySet[Assessment]:
    return Assessment.objects.filter(
        as_of=TODAY, engagement__title__in=titles(*planted)
    )


def test_everything_in_force_is_judged() -> None:
    judged = Assessment.objects.filter(as_of=TODAY)

    assert set(judged.values_list("engagement__title", flat=True)) == titles(*JUDGED)


def test_planted_misfits_of_each_direction_are_flagged_and_nothing_else() -> None:
    flags = Flag.objects.values_list("engagement__title", "leaning")

    augmented_would_fit = {
        (title, Kind.AUGMENTED) for title in titles(Planted.MISFIT_MANAGED)
    }
    managed_would_fit = {
        (title, Kind.MANAGED) for title in titles(Planted.MISFIT_AUGMENTED)
    }
    assert len(augmented_would_fit) == 3
    assert len(managed_would_fit) == 7
    assert set(flags) == augmented_would_fit | managed_would_fit


def test_flags_name_the_notice_deadline_by_which_they_can_be_used() -> None:
    deadlines = dict(
        Flag.objects.values_list("notice_deadline_on", "engagement__notice_deadline_on")
    )

    assert deadlines
    assert list(deadlines) == list(deadlines.values())


def test_planted_good_fits_keep_their_model() -> None:
    good = assessed(Planted.GOOD_MANAGED, Planted.GOOD_AUGMENTED)

    assert set(good.values_list("kind", flat=True)) == set(Kind.values)
    assert set(good.values_list("verdict", flat=True)) == {Verdict.CURRENT_MODEL_FITS}


def test_ambiguous_engagements_get_no_clear_verdict() -> None:
    verdicts = assessed(Planted.AMBIGUOUS).values_list("verdict", flat=True)

    assert len(verdicts) == 5
    assert set(verdicts) <= {Verdict.MIXED, Verdict.EITHER_FITS}


def test_thin_records_say_what_to_record() -> None:
    thin = assessed(Planted.THIN)

    assert len(thin) == 6
    assert {found.verdict for found in thin} == {Verdict.NOT_ENOUGH_EVIDENCE}
    assert all(found.missing for found in thin)


def test_load_tells_advice_followed_gone_against_and_not_yet_logged() -> None:
    told = {
        advice.title: followed(
            advice.verdict, advice.engagement.kind if advice.engagement else None
        )
        for advice in Advice.objects.select_related("engagement")
    }

    assert told == {
        "Single sign-on and access reviews": Followed.FOLLOWED,
        "Loyalty programme, first release": Followed.NOT_FOLLOWED,
        "Weekend cover for order management": Followed.NO_DRAFT,
    }


def test_the_last_weeks_are_told_as_timesheets_in_every_state() -> None:
    statuses = Counter(Timesheet.objects.values_list("status", flat=True))
    missing = missing_sheets(Assignment._default_manager.all(), TODAY)

    assert set(statuses) == set(TimesheetStatus.values)
    # One that was never begun, and weeks without work of people who keep no sheets.
    assert len(missing) == 7


def test_one_budget_is_over_and_one_near(company: Loaded) -> None:
    budgets = Budget.objects.filter(year=2026).select_related("cost_centre")
    use = {
        standing.budget.cost_centre.code: round(
            standing.used_until().total / standing.budgeted() * 100
        )
        for standing in standings(budgets)
        if standing.budgeted()
    }

    assert (use["4100"], use["4210"]) == (108, 91)
    assert {code for code, percent in use.items() if percent > 80} == {"4100", "4210"}


def test_finance_and_manager_keep_pages_that_are_mailed() -> None:
    pages = {page.name: page for page in SavedPage.objects.all()}

    assert len(pages) == 4
    shared = SavedPage.objects.visible_to(User.objects.get(username="manager"))
    assert {page.name for page in shared} == {
        "Month-end overview",
        "Cost centres against budget",
        "Service levels, last 12 months",
    }
    mails = PageMail.objects.values_list("person__username", "every", "file_kind")
    assert sorted(mails) == [
        ("auditor", "month", "pdf"),
        ("finance", "month", "pdf"),
        ("finance", "week", "xlsx"),
        ("manager", "month", "xlsx"),
        ("manager", "week", "pdf"),
    ]


@time_machine.travel(datetime(2026, 11, 22, 12, tzinfo=UTC), tick=False)
@pytest.mark.parametrize("slug", sorted(report_places()))
def test_every_filter_changes_a_report_or_is_told_to_change_nothing(slug: str) -> None:
    """Each report with each filter that its pages take, tried with the company's own
    vendors, departments and so on."""
    place = report_places()[slug]
    assert place.report is not None
    username = "manager" if slug == "my-approvals" else "admin"
    user = User.objects.get(username=username)
    # The company's one credit was claimed in time and given.
    Credit.objects.update(state=CreditState.EXPIRED)
    asked = unfiltered(place, user)
    found = figures(place, user, asked)
    assert found is not None
    assert found[0] > 0, "A report without rows tells nothing of its filters."

    names = [*place.part.asking.parameters]
    names.remove("sort")
    silent, told_wrongly = [], []
    for name in names:
        if name == "compare":
            continue
        if changes(place, user, name, asked):
            told_wrongly += [name] if name in place.report.idle_filters() else []
        elif not is_told(place, user, name, asked):
            silent.append(name)

    assert (silent, told_wrongly) == ([], [])
    for compare in COMPARISONS if "compare" in names else ():
        held = report_of(place, user, {**asked, "compare": compare})
        assert held is not None
        is_held = len(held.columns) > len(place.report.columns)
        assert is_held != bool(held.uncompared()), compare


def test_bills_that_do_not_fit_show_what_they_are_planted_for() -> None:
    found: dict[str, list[str]] = {}
    rows = MatchException.objects.order_by("invoice__number", "code")
    for title, code in rows.values_list("engagement__title", "code"):
        found.setdefault(title, []).append(code)

    assert found == {
        "Contact centre platform": ["fee_mismatch"],
        "Network operations": ["fee_mismatch"],
        "Project delivery · Samuel Osborne": ["hours_above_approved"],
        "Payments engineer · Lucía Ferrer": ["rate_above_card"],
        # A wrong sum, and once more with it.
        "Warehouse systems support": ["arithmetic", "arithmetic", "duplicate"],
    }


def test_month_ends_of_a_year_are_kept() -> None:
    months = MonthOutlook.objects.order_by("month").values_list("month", flat=True)

    assert list(months.distinct()) == [
        add_months(date(2025, 11, 1), n) for n in range(12)
    ]
