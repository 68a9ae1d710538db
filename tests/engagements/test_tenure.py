"""Time served against limits: worked examples, properties, policies, queries."""

from datetime import date, timedelta
from io import StringIO

import pytest
from django.core.exceptions import ValidationError
from django.core.management import call_command
from hypothesis import given, settings
from hypothesis import strategies as st

from engagements.choices import (
    ApprovalOutcome,
    Renewal,
    Role,
    Status,
    TenureAction,
    TenureBasis,
)
from engagements.models import Assignment, Contractor, Event, TenurePolicy
from engagements.services.approvals import approve
from engagements.services.engagements import change_engagement
from engagements.services.lifecycle import start_engagement, submit_engagement
from engagements.services.renewal import extend_engagement, roll_terms
from engagements.services.tenure import (
    check_tenure,
    load_tenure_policies,
    tenure_clocks,
    tenure_warnings,
)
from engagements.values.tenure import (
    Clock,
    Limit,
    Served,
    Span,
    clock,
    first_day_over,
    merged,
    served,
)
from tests.factories import (
    make_assignment,
    make_department,
    make_rule,
    make_user,
    make_vendor,
    stored,
)

GERMANY = Limit(months=18, reset_gap_months=3)
POLAND = Limit(months=18, window_months=36)
USUAL_US = Limit(months=18, reset_gap_months=6)


# Worked examples


def test_work_of_one_piece_ends_on_the_day_before_its_anniversary() -> None:
    spans = [Span(date(2026, 1, 15), None)]
    read = clock(spans, GERMANY, date(2027, 3, 14))
    assert read.served == Served(14, 0)
    assert not read.is_reached
    assert read.limit_on == date(2027, 7, 14)
    assert read.exceeded_on == date(2027, 7, 15)


@pytest.mark.parametrize(
    ("starts_on", "last"),
    [
        (date(2026, 9, 1), date(2028, 2, 29)),
        (date(2025, 9, 1), date(2027, 2, 28)),
        (date(2026, 8, 29), date(2028, 2, 28)),
        (date(2025, 8, 29), date(2027, 2, 28)),
        (date(2026, 2, 28), date(2027, 8, 27)),
        (date(2028, 2, 29), date(2029, 8, 28)),
    ],
)
def test_limit_at_the_end_of_february(starts_on: date, last: date) -> None:
    spans = [Span(starts_on, None)]
    assert clock(spans, GERMANY, starts_on).limit_on == last
    assert first_day_over(spans, GERMANY, starts_on) == last + timedelta(days=1)


@pytest.mark.parametrize(
    ("back_on", "limit", "counted", "last"),
    [
        # July, August and September free: three months, and not longer.
        (date(2025, 9, 30), GERMANY, Served(6, 1), date(2026, 9, 29)),
        (date(2025, 10, 1), GERMANY, Served(6, 1), date(2026, 9, 30)),
        (date(2025, 10, 2), GERMANY, Served(0, 1), date(2027, 4, 1)),
        (date(2025, 10, 2), USUAL_US, Served(6, 1), date(2026, 10, 1)),
        (date(2026, 1, 1), USUAL_US, Served(6, 1), date(2026, 12, 31)),
        (date(2026, 1, 2), USUAL_US, Served(0, 1), date(2027, 7, 1)),
    ],
)
def test_only_a_break_longer_than_the_gap_starts_the_count_anew(
    back_on: date, limit: Limit, counted: Served, last: date
) -> None:
    spans = [Span(date(2025, 1, 1), date(2025, 6, 30)), Span(back_on, None)]
    read = clock(spans, limit, back_on)
    assert (read.served, read.limit_on) == (counted, last)


def test_window_lets_the_person_return_when_old_work_drops_out_of_it() -> None:
    earlier = Span(date(2024, 1, 1), date(2025, 6, 30))
    early = [earlier, Span(date(2026, 12, 31), None)]
    in_time = [earlier, Span(date(2027, 1, 1), None)]
    assert first_day_over(early, POLAND, date(2026, 1, 1)) == date(2026, 12, 31)
    assert first_day_over(in_time, POLAND, date(2026, 1, 1)) == date(2028, 7, 1)


def test_window_adds_up_what_lies_within_it_whatever_the_breaks() -> None:
    spans = [
        Span(date(2024, 1, 1), date(2024, 12, 31)),
        Span(date(2026, 1, 1), date(2026, 12, 31)),
    ]
    read = clock(spans, POLAND, date(2026, 3, 31))
    assert read.served == Served(15, 0)
    assert read.limit_on == date(2026, 6, 30)
    assert read.exceeded_on == date(2026, 7, 1)


def test_days_that_overlap_count_once() -> None:
    spans = [
        Span(date(2026, 1, 1), date(2026, 6, 30)),
        Span(date(2026, 3, 1), date(2026, 4, 30)),
        Span(date(2026, 6, 1), date(2026, 9, 30)),
    ]
    assert merged(spans) == [Span(date(2026, 1, 1), date(2026, 9, 30))]
    assert served(spans, GERMANY, date(2026, 12, 1)) == Served(9, 0)


def test_last_day_served_counts() -> None:
    spans = [Span(date(2026, 1, 1), date(2027, 6, 30))]
    assert served(spans, GERMANY, date(2027, 6, 29)) == Served(17, 29)
    read = clock(spans, GERMANY, date(2027, 6, 30))
    assert read.served == Served(18, 0)
    assert read.is_reached
    assert read.limit_on == date(2027, 6, 30)
    assert read.exceeded_on is None


def test_limit_longer_than_its_window_is_refused() -> None:
    with pytest.raises(ValueError, match="shorter than the limit"):
        Limit(months=12, window_months=6)


def test_longest_policy_the_records_hold_is_reckoned() -> None:
    limit = Limit(months=32767, window_months=32767, reset_gap_months=32767)
    read = clock([Span(date(2026, 1, 1), None)], limit, date(2026, 1, 31))
    assert (read.served, read.limit_on.year) == (Served(1, 0), 4756)


# Properties

DAYS = st.dates(date(2021, 1, 1), date(2027, 12, 31))
SPANS = st.lists(
    st.builds(
        lambda first, length: Span(first, first + timedelta(days=length)),
        DAYS,
        st.integers(0, 700),
    ),
    min_size=1,
    max_size=5,
)
LIMITS = st.sampled_from(
    [
        GERMANY,
        POLAND,
        USUAL_US,
        Limit(months=12),
        Limit(months=3, window_months=4, reset_gap_months=1),
    ]
)


def as_tuple(one: Served) -> tuple[int, int]:
    return one.months, one.days


@settings(max_examples=10_000, deadline=None)
@given(spans=SPANS, more=SPANS, limit=LIMITS, as_of=DAYS)
def test_more_work_never_lowers_what_is_served(spans, more, limit, as_of) -> None:
    less = served(spans, limit, as_of)
    assert as_tuple(served([*spans, *more], limit, as_of)) >= as_tuple(less)


@settings(max_examples=10_000, deadline=None)
@given(spans=SPANS, limit=LIMITS, as_of=DAYS, data=st.data())
def test_splitting_a_span_changes_nothing(spans, limit, as_of, data) -> None:
    first, *rest = spans
    days = (first.ends_on - first.starts_on).days
    cut = first.starts_on + timedelta(days=data.draw(st.integers(0, days)))
    pieces = [Span(first.starts_on, cut)]
    if cut < first.ends_on:
        pieces.append(Span(cut + timedelta(days=1), first.ends_on))
    assert clock([*rest, *pieces], limit, as_of) == clock(spans, limit, as_of)


@settings(max_examples=10_000, deadline=None)
@given(
    first=DAYS,
    worked=st.integers(0, 500),
    gap=st.integers(0, 250),
    longer=st.integers(0, 250),
    again=st.integers(0, 500),
    limit=LIMITS,
)
def test_longer_gap_never_shortens_the_remaining_time(
    first, worked, gap, longer, again, limit
) -> None:
    last = first + timedelta(days=worked)
    ends_on = last + timedelta(days=gap + longer + again + 1)

    def read(free: int) -> Clock:
        back_on = last + timedelta(days=free + 1)
        return clock([Span(first, last), Span(back_on, ends_on)], limit, ends_on)

    short, long = read(gap), read(gap + longer)
    assert as_tuple(long.served) <= as_tuple(short.served)
    assert long.limit_on >= short.limit_on


@settings(max_examples=20, deadline=None)
@given(spans=SPANS, limit=LIMITS)
def test_first_day_over_is_found_as_if_each_day_were_tried(spans, limit):
    since = min(span.starts_on for span in spans)
    tried = (
        span.starts_on + timedelta(days=n)
        for span in merged(spans)
        for n in range((span.ends_on - span.starts_on).days + 1)
    )
    over = (
        day for day in tried if clock(spans, limit, day - timedelta(days=1)).is_reached
    )
    assert first_day_over(spans, limit, since) == next(over, None)


# Policies


@pytest.fixture
def vendor(db):
    return make_vendor()


def make_policy(**fields) -> TenurePolicy:
    values = {
        "name": "Ours",
        "maximum_months": 18,
        "reset_gap_months": 3,
        "source": "Board, 2025",
        "checked_on": date(2026, 1, 1),
    } | fields
    return TenurePolicy.objects.create(**values)


def make_contractor(vendor, jurisdiction: str = "DE") -> Contractor:
    return Contractor.objects.create(
        full_name="Jana Vogel", vendor=vendor, jurisdiction=jurisdiction
    )


def figures_of(person, today):
    clocks = tenure_clocks(contractors=[person], today=today)[person.pk]
    return [(one.role, one.figures) for one in clocks]


def test_clock_says_what_is_served_when_it_ends_and_who_says_so(vendor):
    make_policy()
    person = make_contractor(vendor)
    make_assignment(vendor=vendor, contractor=person, starts_on=date(2025, 11, 4))
    (clock_read,) = tenure_clocks(contractors=[person], today=date(2027, 1, 5))[
        person.pk
    ]
    assert str(clock_read) == (
        "served 14 of 18 months, limit on 3 May 2027 (Ours; Board, 2025)"
    )


def test_engagements_through_two_vendors_count_by_the_contractor(vendor):
    make_policy()
    person = make_contractor(vendor)
    shared = {"contractor": person, "ends_on": date(2026, 6, 30)}
    make_assignment(vendor=vendor, starts_on=date(2026, 1, 1), **shared)
    make_assignment(vendor=make_vendor(), starts_on=date(2026, 3, 1), **shared)
    make_assignment(vendor=vendor, starts_on=date(2026, 3, 1))
    assert figures_of(person, date(2026, 6, 30)) == [
        ("", "served 6 of 18 months, limit on 30 June 2027")
    ]


def test_cancelled_engagements_and_work_long_over_have_no_clock(vendor):
    make_policy()
    person = make_contractor(vendor)
    make_assignment(contractor=person, vendor=vendor, status=Status.CANCELLED)
    make_assignment(
        contractor=person,
        vendor=vendor,
        starts_on=date(2024, 1, 1),
        ends_on=date(2024, 6, 30),
    )
    assert figures_of(person, date(2026, 6, 30)) == []


def test_engagement_that_renews_by_itself_goes_on_until_notice_is_given(vendor):
    make_policy()
    person = make_contractor(vendor)
    assignment = make_assignment(
        contractor=person,
        vendor=vendor,
        starts_on=date(2026, 1, 1),
        renewal=Renewal.AUTO,
        initial_term_months=6,
        renewal_term_months=6,
    )
    assert len(check_tenure(assignment=assignment)) == 1
    assignment.notice_given_on = date(2026, 5, 1)
    assert check_tenure(assignment=assignment) == []


def test_policy_applies_to_its_country_and_below_its_department(vendor):
    root = make_department()
    below = make_department(parent=make_department(parent=root))
    make_policy(name="Elsewhere", country="PL")
    make_policy(name="Here", country="DE", department=root)
    person = make_contractor(vendor)
    span = {"starts_on": date(2026, 1, 1), "ends_on": date(2028, 1, 31)}
    inside = make_assignment(vendor=vendor, contractor=person, department=below, **span)
    outside = make_assignment(
        vendor=vendor, contractor=person, department=make_department(), **span
    )
    abroad = make_assignment(
        vendor=vendor,
        contractor=make_contractor(vendor, "GB"),
        department=below,
        **span,
    )
    assert check_tenure(assignment=inside) == [
        "Jana Vogel reaches the limit of 18 months on 30 June 2027: end it by then"
        " (Here; Board, 2025)."
    ]
    assert check_tenure(assignment=outside) == []
    assert check_tenure(assignment=abroad) == []


def test_policy_per_post_counts_each_role_in_each_service(vendor):
    make_policy(basis=TenureBasis.POST)
    person = make_contractor(vendor)
    shared = {"vendor": vendor, "contractor": person}
    make_assignment(
        role="Tester", starts_on=date(2026, 1, 1), ends_on=date(2026, 6, 30), **shared
    )
    make_assignment(role="Analyst", starts_on=date(2026, 7, 1), **shared)
    assert figures_of(person, date(2026, 8, 31)) == [
        ("Tester", "served 6 of 18 months, limit on 31 August 2027"),
        ("Analyst", "served 2 of 18 months, limit on 31 December 2027"),
    ]


def test_nobody_known_yet_is_checked_against_nothing(vendor):
    make_policy(action=TenureAction.BLOCK)
    assert check_tenure(assignment=Assignment(starts_on=date(2026, 1, 1))) == []


def test_block_refuses_at_assignment_and_stores_nothing(vendor):
    make_policy(action=TenureAction.BLOCK)
    person = make_contractor(vendor)
    with pytest.raises(ValidationError) as refusal:
        make_assignment(vendor=vendor, contractor=person, starts_on=date(2026, 1, 1))
    assert refusal.value.message_dict == {
        "ends_on": [
            "Jana Vogel reaches the limit of 18 months on 30 June 2027: end it by then"
            " (Ours; Board, 2025)."
        ]
    }
    assert not Assignment.objects.exists()
    assert not Event.objects.filter(event_type="engagement.logged").exists()


def test_block_names_the_contractor_where_nothing_is_left(vendor):
    make_policy(action=TenureAction.BLOCK)
    shared = {"vendor": vendor, "contractor": make_contractor(vendor)}
    make_assignment(starts_on=date(2025, 1, 1), ends_on=date(2026, 6, 30), **shared)
    with pytest.raises(ValidationError) as refusal:
        make_assignment(starts_on=date(2026, 9, 1), ends_on=date(2026, 9, 1), **shared)
    assert refusal.value.message_dict == {
        "contractor": [
            "Jana Vogel has served the limit of 18 months before this starts: choose"
            " somebody else or start later (Ours; Board, 2025)."
        ]
    }
    make_assignment(starts_on=date(2026, 10, 2), ends_on=date(2028, 4, 1), **shared)


def test_block_refuses_an_extension_but_no_other_change(vendor):
    policy = make_policy()
    person = make_contractor(vendor)
    assignment = make_assignment(
        vendor=vendor,
        contractor=person,
        starts_on=date(2026, 1, 1),
        ends_on=date(2027, 12, 31),
    )
    TenurePolicy.objects.filter(pk=policy.pk).update(action=TenureAction.BLOCK)

    assignment.title = "Data platform engineer"
    assignment.ends_on = date(2027, 11, 30)
    change_engagement(engagement=assignment, actor=None)
    assignment.ends_on = date(2027, 12, 1)
    with pytest.raises(ValidationError) as refusal:
        change_engagement(engagement=assignment, actor=None)

    assert list(refusal.value.message_dict) == ["ends_on"]
    assert Assignment.objects.get().ends_on == date(2027, 11, 30)


def test_work_put_before_later_work_counts_toward_its_limit(vendor):
    make_policy()
    shared = {"vendor": vendor, "contractor": make_contractor(vendor)}
    make_assignment(starts_on=date(2027, 1, 1), ends_on=date(2028, 6, 30), **shared)
    earlier = make_assignment(
        starts_on=date(2026, 12, 1), ends_on=date(2026, 12, 31), **shared
    )
    (warning,) = check_tenure(assignment=earlier)
    assert "on 31 May 2028: " in warning


# Default policies


def load() -> str:
    out = StringIO()
    call_command("load_tenure_policies", stdout=out)
    return out.getvalue()


@pytest.mark.django_db
def test_command_loads_sourced_policies_that_only_warn():
    assert load().endswith("Loaded 3 tenure policies.\n")
    rows = TenurePolicy.objects.values_list(
        "country", "maximum_months", "window_months", "reset_gap_months", "action"
    )
    assert list(rows) == [
        ("DE", 18, None, 3, "warn"),
        ("PL", 18, 36, None, "warn"),
        ("US", 18, None, 6, "warn"),
    ]
    assert all(row.source and row.checked_on for row in TenurePolicy.objects.all())


@pytest.mark.django_db
def test_loading_again_leaves_what_was_changed():
    load_tenure_policies(actor=None)
    TenurePolicy.objects.filter(country="DE").update(name="Ours", action="block")
    assert load() == "Loaded 0 tenure policies.\n"
    german = TenurePolicy.objects.get(country="DE")
    assert (german.name, german.action) == ("Ours", "block")


# Queries


@pytest.mark.parametrize("people", [1, 3, 300])
def test_clocks_ask_three_queries_however_many_contractors(
    vendor, django_assert_num_queries, people
):
    make_policy(department=make_department())
    make_policy(name="Everywhere")
    contractors = [make_contractor(vendor) for _number in range(people)]
    for contractor in contractors:
        make_assignment(vendor=vendor, contractor=contractor)
    with django_assert_num_queries(3):
        clocks = tenure_clocks(contractors=contractors, today=date(2026, 6, 30))
    assert [len(clocks[one.pk]) for one in contractors] == [1] * people


def test_clocks_ask_one_query_without_policies(vendor, django_assert_num_queries):
    person = make_contractor(vendor)
    with django_assert_num_queries(1):
        clocks = tenure_clocks(contractors=[person], today=date(2026, 6, 30))
    assert clocks == {person.pk: []}


def test_extension_beyond_a_blocking_policy_is_refused_and_stores_nothing(vendor):
    make_policy(action="block", maximum_months=6)
    assignment = make_assignment(
        vendor=vendor,
        contractor=make_contractor(vendor),
        starts_on=date(2026, 1, 1),
        ends_on=date(2026, 6, 30),
        status=Status.ACTIVE,
    )

    with pytest.raises(ValidationError):
        extend_engagement(engagement=assignment, ends_on=date(2026, 12, 31), actor=None)

    assert Assignment.objects.get(pk=assignment.pk).ends_on == date(2026, 6, 30)
    assert not Event.objects.filter(event_type="engagement.extended").exists()


# At the start, and where a term begins by itself


def a_year(vendor, person, **fields) -> Assignment:
    return make_assignment(
        vendor=vendor,
        contractor=person,
        starts_on=date(2026, 1, 1),
        ends_on=date(2026, 12, 31),
        **fields,
    )


def test_start_beyond_a_blocking_policy_is_refused_naming_the_limit(vendor):
    draft = a_year(vendor, make_contractor(vendor))
    make_policy(action=TenureAction.BLOCK, maximum_months=6)

    with pytest.raises(ValidationError) as refusal:
        start_engagement(engagement=draft, actor=None)

    assert refusal.value.message_dict == {
        "ends_on": [
            "Jana Vogel reaches the limit of 6 months on 30 June 2026: end it by then"
            " (Ours; Board, 2025)."
        ]
    }
    assert stored(draft).status == Status.DRAFT


def test_start_beyond_a_policy_that_warns_goes_on(vendor):
    draft = a_year(vendor, make_contractor(vendor))
    make_policy(maximum_months=6)

    start_engagement(engagement=draft, actor=None)

    assert stored(draft).status == Status.ACTIVE
    assert tenure_warnings(engagement=stored(draft)) == [
        "Jana Vogel reaches the limit of 6 months on 30 June 2026: end it by then"
        " (Ours; Board, 2025)."
    ]


def test_approval_beyond_a_blocking_policy_is_refused_and_still_waits(vendor):
    asker, approver = make_user(Role.MANAGER), make_user(Role.FINANCE)
    rule = make_rule(approver)
    draft = a_year(
        vendor, make_contractor(vendor), manager=asker, department=make_department()
    )
    submit_engagement(engagement=draft, actor=asker)
    make_policy(action=TenureAction.BLOCK, maximum_months=6)
    approval = rule.approvals.get()

    with pytest.raises(ValidationError):
        approve(approval=approval, actor=approver)

    approval.refresh_from_db()
    assert approval.outcome == ApprovalOutcome.WAITING
    assert stored(draft).status == Status.PENDING_APPROVAL


def test_sending_what_could_never_start_is_refused(vendor):
    asker = make_user(Role.MANAGER)
    make_rule(make_user(Role.FINANCE))
    draft = a_year(
        vendor, make_contractor(vendor), manager=asker, department=make_department()
    )
    make_policy(action=TenureAction.BLOCK, maximum_months=6)

    with pytest.raises(ValidationError, match="limit of 6 months"):
        submit_engagement(engagement=draft, actor=asker)


def half_years(vendor, **fields) -> Assignment:
    assignment = make_assignment(
        vendor=vendor,
        contractor=make_contractor(vendor),
        starts_on=date(2026, 1, 1),
        initial_term_months=6,
        renewal=Renewal.AUTO,
        renewal_term_months=6,
        **fields,
    )
    start_engagement(engagement=assignment, actor=None)
    return assignment


def exceeded() -> list[dict[str, list[object]]]:
    told = Event.objects.filter(event_type="engagement.tenure_exceeded")
    return [event.changes for event in told.order_by("id")]


def test_term_that_begins_by_itself_beyond_a_limit_is_told_once_a_term(vendor):
    assignment = half_years(vendor)
    make_policy(action=TenureAction.BLOCK, maximum_months=10)

    roll_terms(today=date(2026, 7, 1))
    roll_terms(today=date(2026, 7, 2))

    assert stored(assignment).term_number == 2
    first = {
        "policies": [None, "Ours"],
        "limit_on": [None, "2026-10-31"],
        "term_ends_on": [None, "2026-12-31"],
    }
    assert exceeded() == [first]

    roll_terms(today=date(2027, 1, 1))

    assert exceeded() == [
        first,
        {
            "policies": [None, "Ours"],
            "limit_on": [None, "2026-12-31"],
            "term_ends_on": [None, "2027-06-30"],
        },
    ]


def test_term_within_every_limit_is_not_told(vendor):
    half_years(vendor)
    make_policy(maximum_months=12)
    make_policy(name="Elsewhere", country="PL", maximum_months=6)
    make_policy(name="Theirs", department=make_department(), maximum_months=6)

    roll_terms(today=date(2026, 7, 1))

    assert exceeded() == []


def test_rolling_asks_no_more_of_policies_for_more_people(
    vendor, django_assert_num_queries
):
    make_policy(department=make_department())
    make_policy(name="Everywhere", maximum_months=6)
    for people in (1, 3):
        for _number in range(people):
            half_years(vendor)
        # As without policies, and: assignments, people, policies, departments, work,
        # the events, and that they await publishing.
        with django_assert_num_queries(15):
            roll_terms(today=date(2026, 7, 1))
