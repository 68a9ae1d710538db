from datetime import date
from decimal import Decimal

import pytest

from engagements.choices import Origin, Role, Status
from engagements.models import (
    ApprovalRule,
    Assignment,
    Contractor,
    Engagement,
    Event,
    FeeTerm,
    ManagedContract,
    Service,
    Skill,
    TenurePolicy,
)
from engagements.services.lifecycle import start_engagement
from tests.factories import (
    make_assignment,
    make_contract,
    make_cost_centre,
    make_department,
    make_rule,
    make_user,
    make_vendor,
    stored,
)
from tests.imports.records import bring_in, counts, export, exported_rows, told

__all__ = ["bring_in"]

pytestmark = pytest.mark.django_db

DESK = {
    "Reference": "C-1",
    "Title": "Service desk",
    "Model": "managed",
    "Vendor": "Acme Ltd",
    "Manager": "maya@example.com",
    "Department": "Operations",
    "Service": "Payroll",
    "Starts on": "2026-01-01",
    "Ends on": "2027-12-31",
    "Renewal": "auto",
    "Renewal term (months)": "12",
    "Notice period": "3",
    "Notice in": "months",
    "Monthly fee": "12,500.50",
    "Purchase order": "PO-7",
    "Scope": "Keep it running.\nBy night too.",
    "Service hours": "always",
    "Fee at risk (%)": "12.5",
    "Exit charge": "1000",
    "External id": "CLM-1",
}
ADA = {
    "Title": "Data engineer",
    "Model": "augmented",
    "Vendor": "Acme Ltd",
    "Contractor": "Ada Byron",
    "Manager": "Maya Osei",
    "Department": "OPS",
    "Starts on": "2026-02-01",
    "Rate": "75",
    "Rate per": "hour",
    "Role": "Engineer",
    "Main skill": "python",
    "Level": "senior",
    "Place": "on site",
    "Planned weekly hours": "32",
}
LOGGED = ("kind", "status", "origin")


@pytest.fixture
def acme():
    return make_vendor(legal_name="Acme Ltd", external_id="S-1", currency="EUR")


@pytest.fixture
def ada(acme):
    return Contractor.objects.create(
        vendor=acme, full_name="Ada Byron", work_email="ada@example.com"
    )


@pytest.fixture
def company(acme, ada):
    operations = make_department(code="OPS", name="Operations")
    make_cost_centre(code="4100", department=operations)
    Service.objects.create(name="Payroll")
    Skill.objects.create(name="Python")
    return make_user(
        Role.MANAGER,
        username="maya",
        email="maya@example.com",
        first_name="Maya",
        last_name="Osei",
    )


def of(engagement, *names):
    return tuple(getattr(engagement, name) for name in names)


def test_both_models_are_logged_as_drafts_with_price_and_split(
    bring_in, company, acme, ada
):
    actor = make_user(Role.ADMINISTRATOR)

    report = bring_in("engagements", [DESK, ADA], actor=actor)

    assert (told(report), counts(report)) == ([], (2, 0, 0, 0))
    desk = ManagedContract.objects.get()
    assert of(desk, *LOGGED) == ("managed", Status.DRAFT, Origin.LOGGED)
    assert of(desk, "reference", "external_id", "currency") == ("C-1", "CLM-1", "EUR")
    assert (desk.manager, desk.department.code, desk.service.name) == (
        company,
        "OPS",
        "Payroll",
    )
    assert of(desk, "term_ends_on", "notice_deadline_on") == (
        date(2027, 12, 31),
        date(2027, 9, 30),
    )
    assert of(desk, "scope", "service_hours", "at_risk_percent") == (
        "Keep it running.\nBy night too.",
        "always",
        Decimal("12.5"),
    )
    fee = desk.fee_terms.get()
    assert of(fee, "starts_on", "monthly_fee") == (date(2026, 1, 1), Decimal("12500.5"))
    share = desk.cost_splits.get().shares.get()
    assert (share.cost_centre.code, share.percent) == ("4100", Decimal(100))
    engineer = Assignment.objects.get()
    assert engineer.reference.startswith("AUG-")
    assert (engineer.contractor, engineer.skill.name) == (ada, "Python")
    assert of(engineer, "role", "level", "place", "planned_weekly_hours") == (
        "Engineer",
        "senior",
        "on_site",
        Decimal(32),
    )
    rate = engineer.rate_terms.get()
    assert of(rate, "rate", "unit") == (Decimal(75), "hour")
    logged = Event.objects.filter(event_type="engagement.logged", actor=actor)
    assert logged.count() == 2


def test_engagement_that_runs_already_is_taken_over(bring_in, company):
    report = bring_in("engagements", [{**DESK, "Status": "active"}])

    desk = Engagement.objects.get()
    assert counts(report) == (1, 0, 0, 0)
    assert of(desk, *LOGGED) == ("managed", Status.ACTIVE, Origin.IMPORTED)
    assert Event.objects.filter(event_type="engagement.taken_over").count() == 1
    assert Event.objects.filter(event_type="engagement.started").count() == 0


def test_dry_run_tells_what_is_taken_over_past_an_approval_rule(bring_in, company):
    make_rule(company)

    report = bring_in("engagements", [{**DESK, "Status": "active"}], is_dry_run=True)

    assert (told(report), counts(report)) == ([], (1, 0, 0, 0))
    assert [str(note) for note in report.notes] == [
        "line 2: C-1 runs since 2026-01-01, so it is taken over as active: nobody is"
        " asked for an approval."
    ]
    assert Engagement.objects.count() == 0


def test_active_one_that_is_yet_to_start_needs_the_approval_that_rules_ask_for(
    bring_in, company
):
    make_rule(company, name="Everything")
    coming = {**DESK, "Status": "active", "Starts on": "2040-01-01", "Ends on": ""}

    refused = bring_in("engagements", [coming])
    ApprovalRule.objects.update(is_in_force=False)
    started = bring_in("engagements", [coming])

    assert told(refused) == [
        (
            2,
            "status",
            "It is yet to start. C-1 needs approval by “Everything”: send it for"
            " approval. In the file, write draft",
        )
    ]
    assert (counts(started), started.notes) == ((1, 0, 0, 0), [])
    assert Event.objects.filter(event_type="engagement.started").count() == 1


def test_change_that_needs_an_approval_is_refused_with_what_to_do(
    bring_in, company, acme
):
    contract = make_contract(
        vendor=acme, reference="C-1", ends_on=date(2026, 12, 31), status=Status.ACTIVE
    )
    make_rule(company, name="Everything")

    report = bring_in("engagements", [{"Reference": "C-1", "Ends on": "2027-12-31"}])

    (problem,) = report.problems
    assert (problem.line, problem.field, problem.reason, problem.advice) == (
        2,
        "line",
        "This change of C-1 needs approval by “Everything”: record a change order",
        "Leave it as recorded in the file, and do this in the admin.",
    )
    assert stored(contract).ends_on == date(2026, 12, 31)


def test_tenure_beyond_a_limit_that_warns_is_told_of_new_and_changed_lines(
    bring_in, company, ada
):
    TenurePolicy.objects.create(
        name="Six months",
        maximum_months=6,
        action="warn",
        source="Ours",
        checked_on=date(2026, 1, 1),
    )
    short = {**ADA, "Reference": "A-1", "Starts on": "2026-01-01"}

    within = bring_in("engagements", [{**short, "Ends on": "2026-06-30"}])
    longer = bring_in("engagements", [{"Reference": "A-1", "Ends on": "2026-12-31"}])
    other = bring_in("engagements", [{"Reference": "A-1", "Title": "Platform"}])

    assert within.notes == []
    assert str(longer.notes[0]) == (
        "line 2: The contractor of A-1 reaches the limit of 6 months on 30 June 2026:"
        " end it by then (Six months; Ours)."
    )
    assert counts(longer) == (0, 1, 0, 0)
    assert len(other.notes) == 1


def test_same_file_again_adds_and_changes_nothing(bring_in, company):
    rows = [{**DESK, "Status": "active"}, ADA]
    bring_in("engagements", rows)

    again = bring_in("engagements", rows)

    assert (told(again), counts(again)) == ([], (0, 0, 2, 0))
    assert Engagement.objects.count() == 2


def test_change_is_made_through_the_service(bring_in, company, acme):
    contract = make_contract(vendor=acme, reference="C-1", manager=company)
    start_engagement(engagement=contract, actor=None)

    report = bring_in(
        "engagements",
        [{"Reference": "C-1", "Title": "New desk", "Ends on": "2026-06-30"}],
    )

    assert (told(report), counts(report)) == ([], (0, 1, 0, 0))
    after = stored(contract)
    assert of(after, "title", "ends_on", "term_ends_on", "manager_id") == (
        "New desk",
        date(2026, 6, 30),
        date(2026, 6, 30),
        company.pk,
    )
    event = Event.objects.get(event_type="engagement.changed")
    assert event.changes["title"] == ["Service desk", "New desk"]
    assert [str(note) for note in report.notes] == [
        "line 2: C-1: Title “Service desk” → “New desk”, Ends on “” → “2026-06-30”"
    ]


def test_what_a_person_may_not_change_a_file_may_not_either(bring_in, company, acme):
    contract = make_contract(vendor=acme, reference="C-1")
    start_engagement(engagement=contract, actor=None)
    make_vendor(legal_name="Other Ltd")

    report = bring_in(
        "engagements",
        [
            {
                "Reference": "C-1",
                "Model": "augmented",
                "Vendor": "Other Ltd",
                "Status": "ended",
                "Currency": "USD",
                "Monthly fee": "9",
                "Rate": "5",
            }
        ],
    )

    assert told(report) == [
        (2, "kind", "differs from what is recorded (managed)"),
        (2, "rate", "is for augmented contractors only"),
        (2, "monthly_fee", "differs from the price that is recorded"),
        (2, "status", "differs from what is recorded (active)"),
        (
            2,
            "vendor",
            "It can't be changed once the engagement has started: end this one",
        ),
        (
            2,
            "currency",
            "It can't be changed once the engagement has started: end this one",
        ),
    ]
    assert stored(contract).version == contract.version


def test_every_error_of_every_line_is_told(bring_in, company, acme):
    make_vendor(legal_name="Held Ltd", standing="on_hold")
    other = make_vendor(legal_name="Other Ltd")
    Contractor.objects.create(vendor=other, full_name="Bob", work_email="b@example.com")
    base = {"Title": "T", "Model": "managed", "Vendor": "Acme Ltd"}

    report = bring_in(
        "engagements",
        [
            {
                **base,
                "Department": "Nowhere",
                "Manager": "nobody",
                "Service": "None such",
                "Starts on": "31/31/2026",
                "Monthly fee": "1,23",
            },
            {**base, "Starts on": "2026-05-01", "Ends on": "2026-04-01"},
            {
                **base,
                "Title": "Held",
                "Vendor": "Held Ltd",
                "Starts on": "2026-05-01",
                "Country": "Spain",
            },
            {
                **base,
                "Model": "augmented",
                "Contractor": "b@example.com",
                "Main skill": "Cobol",
                "Starts on": "2026-05-01",
                "Monthly fee": "5",
            },
            {"Title": "Lonely"},
            {**base, "Title": "Over", "Starts on": "2026-05-01", "Status": "ended"},
            {**base, "Title": "After", "Starts on": "2026-05-01", "Predecessor": "X-9"},
        ],
    )

    assert told(report) == [
        (2, "starts_on", "is no day of the calendar"),
        (2, "monthly_fee", "is no amount that can be read"),
        (2, "manager", "is no recorded person of ours"),
        (2, "department", "is no recorded department"),
        (2, "service", "is no recorded service"),
        (3, "ends_on", "The end can't be before the start"),
        (4, "country", "is no country code"),
        (4, "vendor", "Held Ltd is on hold: choose another vendor"),
        (5, "skill", "is no recorded skill"),
        (5, "monthly_fee", "is for managed services only"),
        (5, "contractor", "comes from another vendor"),
        (6, "kind", "is blank, and a new record needs it"),
        (6, "vendor", "is blank, and a new record needs it"),
        (6, "starts_on", "is blank, and a new record needs it"),
        (7, "status", "can't be the status of a new engagement"),
        (8, "predecessor", "is no recorded engagement"),
    ]
    assert all(problem.advice for problem in report.problems)
    assert Engagement.objects.count() == 0


def test_new_engagement_is_known_by_what_it_is_where_it_has_no_reference(
    bring_in, company
):
    base = {k: v for k, v in DESK.items() if k not in ("Reference", "External id")}
    twice = bring_in("engagements", [base, base])
    # The scope of the first has two lines.
    assert told(twice) == [(4, "title", "is the engagement of line 2 again")]

    bring_in("engagements", [base])
    changed = bring_in("engagements", [{**base, "Notice period": "6"}])

    assert counts(changed) == (0, 1, 0, 0)
    assert Engagement.objects.get().notice_period == 6


def test_line_may_follow_an_engagement_of_a_later_line(bring_in, company):
    base = {"Title": "T", "Model": "managed", "Vendor": "S-1"}
    rows = [
        {
            **base,
            "Reference": "B",
            "Starts on": "2027-01-01",
            "Predecessor": "A",
        },
        {**base, "Reference": "A", "Starts on": "2026-01-01", "Predecessor": ""},
    ]

    report = bring_in("engagements", rows)

    assert told(report) == []
    assert Engagement.objects.get(reference="B").predecessor.reference == "A"
    assert counts(bring_in("engagements", rows)) == (0, 0, 2, 0)


def test_blocked_tenure_counts_lines_above(bring_in, company, ada):
    TenurePolicy.objects.create(
        name="Six months",
        maximum_months=6,
        action="block",
        source="Ours",
        checked_on=date(2026, 1, 1),
    )
    half = {**ADA, "Starts on": "2026-01-01", "Ends on": "2026-06-30"}

    report = bring_in(
        "engagements",
        [half, {**half, "Starts on": "2026-07-01", "Ends on": "2026-12-31"}],
        is_per_line=True,
    )

    assert [(line, name) for line, name, _reason in told(report)] == [(3, "contractor")]
    assert Assignment.objects.count() == 1


def test_import_draft_starts_when_a_file_says_so_and_a_logged_one_does_not(
    bring_in, company, acme
):
    logged = make_contract(vendor=acme, reference="C-1")
    imported = make_contract(vendor=acme, reference="C-2", origin=Origin.IMPORTED)

    report = bring_in(
        "engagements",
        [
            {"Reference": "C-1", "Status": "active"},
            {"Reference": "C-2", "Status": "active"},
        ],
        is_per_line=True,
    )

    assert told(report) == [(2, "status", "differs from what is recorded (draft)")]
    assert (stored(logged).status, stored(imported).status) == ("draft", "active")


def test_colleague_who_has_left_is_not_made_manager(bring_in, company, acme):
    gone = make_user(username="gone", is_active=False)
    kept = make_contract(vendor=acme, reference="C-1", manager=gone)
    make_contract(vendor=acme, reference="C-2")

    report = bring_in(
        "engagements",
        [
            {"Reference": "C-1", "Manager": "gone"},
            {"Reference": "C-2", "Manager": "gone"},
        ],
        is_per_line=True,
    )

    assert counts(report) == (0, 0, 1, 1)
    assert told(report) == [(3, "manager", "names somebody who is not active any more")]
    assert stored(kept).manager == gone


@pytest.mark.parametrize("file_format", ["csv", "xlsx"])
def test_export_changes_nothing_when_it_comes_back(
    bring_in, company, acme, ada, file_format
):
    bring_in("engagements", [DESK, ADA])
    twin = Contractor.objects.create(vendor=acme, full_name="Ada Byron")
    odd = make_contract(
        vendor=make_vendor(legal_name="@Home"),
        title="- leading dash",
        scope="\n".join(f"- item {n}" for n in range(40)),
        fee=Decimal("899999999999.9999"),
        predecessor=Engagement.objects.get(reference="C-1"),
    )
    make_assignment(vendor=acme, contractor=twin, rate=None)
    start_engagement(engagement=odd, actor=None)

    content = export(
        "engagements",
        list(Engagement.objects.all()),
        make_user(Role.ADMINISTRATOR),
        file_format,
    )
    report = bring_in("engagements", content, file_format=file_format)

    assert (told(report), counts(report)) == ([], (0, 0, 4, 0))


def test_export_tells_money_and_names_as_the_roles_may(company, acme):
    contract = make_contract(vendor=acme, reference="C-1", manager=company)
    other = make_contract(vendor=acme, reference="C-2")
    money = {"Monthly fee", "Rate", "Rate per", "Exit charge"}
    both = make_user(Role.MANAGER, Role.HR_INTEGRATION)
    contract.manager = both
    contract.save()

    feed = exported_rows(
        export("engagements", [contract], make_user(Role.HR_INTEGRATION))
    )
    mixed = exported_rows(export("engagements", [contract, other], both))
    whole = exported_rows(export("engagements", [contract], make_user(Role.FINANCE)))

    assert money & feed[0].keys() == set()
    assert [row["Monthly fee"] for row in mixed] == ["10000.00", ""]
    assert [row["Exit charge"] for row in mixed] == ["0.00", ""]
    assert whole[0]["Monthly fee"] == "10000.00"


def test_references_are_looked_up_at_once(bring_in, company, django_assert_num_queries):
    def unchanged(count):
        rows = [{**DESK, "Reference": f"R{n}", "External id": ""} for n in range(count)]
        bring_in("engagements", rows)
        # Ten books and indexes, each model's records; a savepoint opened, rolled
        # back and released.
        with django_assert_num_queries(13):
            report = bring_in("engagements", rows, is_dry_run=True)
        assert report.already_recorded == count

    unchanged(1)
    unchanged(30)


def test_fee_of_the_file_is_stored_once(bring_in, company):
    bring_in("engagements", [DESK])
    bring_in("engagements", [DESK])

    assert FeeTerm.objects.count() == 1
