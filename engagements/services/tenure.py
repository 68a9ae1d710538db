"""How long contractors have worked for us, against the policies that apply to them.

Every agreed engagement of the contractor's record counts but the cancelled, whoever
supplies the person and whichever department asks: a limit is the company's.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from engagements.choices import Kind, Renewal, Status, TenureAction, TenureBasis
from engagements.models import (
    Assignment,
    Contractor,
    Department,
    Engagement,
    TenurePolicy,
    User,
)
from engagements.services.records import create_record
from engagements.values.periods import ONE_DAY
from engagements.values.tenure import Clock, Limit, Span, clock, first_day_over
from engagements.values.tenure_policies import DEFAULT_POLICIES
from engagements.values.written import format_day

# What makes a post where a policy counts per post: the service and the role in it.
Post = tuple[int | None, str]


@dataclass(frozen=True)
class TenureClock:
    """One contractor's time under one policy; `role` where it counts per post."""

    policy: TenurePolicy
    clock: Clock
    role: str = ""

    def __str__(self) -> str:
        role = f"{self.role}: " if self.role else ""
        return f"{role}{self.figures} ({self.policy.name}; {self.policy.source})"

    @property
    def figures(self) -> str:
        if self.clock.is_reached:
            words = _("served %(served)d of %(most)d months, limit was on %(day)s")
        else:
            words = _("served %(served)d of %(most)d months, limit on %(day)s")
        return words % {
            "served": self.clock.served.months,
            "most": self.policy.maximum_months,
            "day": format_day(self.clock.limit_on),
        }


def tenure_clocks(
    *, contractors: Iterable[Contractor], today: date
) -> dict[int, list[TenureClock]]:
    """Return each contractor's clocks by their id, the nearest limit first.

    At most three queries however many contractors there are, and one where there
    are no policies. Without counted or coming work a policy has no clock.
    """
    people = list(contractors)
    policies = _policies({person.jurisdiction for person in people})
    if not policies:
        return {person.pk: [] for person in people}
    below = _departments_below(policies)
    work = _work_of(people)
    found: dict[int, list[TenureClock]] = {}
    for person in people:
        clocks = [
            one
            for policy in _of_country(policies, person.jurisdiction)
            for one in _clocks(policy, work[person.pk], below, today)
        ]
        found[person.pk] = sorted(clocks, key=lambda one: one.clock.limit_on)
    return found


def check_tenure(*, assignment: Assignment, called: str = "") -> list[str]:
    """Return a warning for each policy whose limit the agreed work goes beyond.

    They name the contractor, unless they are to be `called` otherwise. Raises
    ValidationError on the field to change where a policy's action is block.
    """
    person = assignment.contractor
    if person is None:
        return []
    policies = _policies({person.jurisdiction})
    if not policies:
        return []
    below = _departments_below(policies)
    others = [one for one in _work_of([person])[person.pk] if one.pk != assignment.pk]
    warnings: list[str] = []
    refusals: dict[str, list[str]] = defaultdict(list)
    for policy in policies:
        if not _covers(policy, assignment, below):
            continue
        counted = [
            one
            for one in (*others, assignment)
            if _covers(policy, one, below) and _is_same_post(policy, one, assignment)
        ]
        over = first_day_over(map(_span, counted), _limit(policy), assignment.starts_on)
        if over is None:
            continue
        field, text = _told(policy, assignment, over, called)
        if policy.action == TenureAction.BLOCK:
            refusals[field].append(text)
        else:
            warnings.append(text)
    if refusals:
        raise ValidationError(dict(refusals))
    return warnings


def check_tenure_of(*, engagement: Engagement, called: str = "") -> list[str]:
    """Do what `check_tenure` does; no limit is for a managed contract."""
    if engagement.kind != Kind.AUGMENTED:
        return []
    assignment = Assignment._default_manager.get(pk=engagement.pk)
    return check_tenure(assignment=assignment, called=called)


def tenure_warnings(*, engagement: Engagement, called: str = "") -> list[str]:
    """Return what is beyond a limit, be it one that holds further work up."""
    try:
        return check_tenure_of(engagement=engagement, called=called)
    except ValidationError as error:
        # Reached before, and not extended now: the services let that be saved.
        return error.messages


@dataclass(frozen=True)
class Excess:
    """How far a term goes: `limit_on` is the first limit's last day within."""

    limit_on: date
    policies: list[TenurePolicy]


def excesses(*, assignments: Iterable[Assignment]) -> dict[int, Excess]:
    """Return, by id, the assignments whose current term goes beyond a limit.

    At most four queries however many there are, and one where there are no policies.
    What may follow the term isn't counted.
    """
    running = [one for one in assignments if one.contractor_id is not None]
    people = Contractor.objects.in_bulk({one.contractor_id for one in running})
    policies = _policies({person.jurisdiction for person in people.values()})
    if not policies:
        return {}
    below = _departments_below(policies)
    work = _work_of(people.values())
    found: dict[int, Excess] = {}
    for one in running:
        person = people[one.contractor_id]
        others = [other for other in work[person.pk] if other.pk != one.pk]
        over = {
            policy: day
            for policy in _of_country(policies, person.jurisdiction)
            if (day := _first_day_of_term_over(policy, one, others, below))
        }
        if over:
            found[one.pk] = Excess(min(over.values()) - ONE_DAY, list(over))
    return found


def _first_day_of_term_over(
    policy: TenurePolicy,
    assignment: Assignment,
    others: Iterable[Assignment],
    below: Mapping[int, set[int]],
) -> date | None:
    if not _covers(policy, assignment, below):
        return None
    spans = [
        _span(other)
        for other in others
        if _covers(policy, other, below) and _is_same_post(policy, other, assignment)
    ]
    term = Span(assignment.starts_on, assignment.term_ends_on)
    day = first_day_over([*spans, term], _limit(policy), assignment.term_starts_on)
    if day is None or _is_later(day, assignment.term_ends_on or day):
        return None
    return day


def is_extended(assignment: Assignment) -> bool:
    """Say whether it now holds more work than is stored, or another person's.

    What merely goes on, or gets shorter, isn't held up by a limit reached before.
    """
    stored = Assignment._default_manager.get(pk=assignment.pk)
    before, now = _span(stored), _span(assignment)
    return (
        assignment.contractor_id != stored.contractor_id
        or assignment.department_id != stored.department_id
        or now.starts_on < before.starts_on
        or (before.ends_on is not None and _is_later(now.ends_on, before.ends_on))
    )


@transaction.atomic
def load_tenure_policies(*, actor: User | None) -> list[TenurePolicy]:
    """Store the default policies that aren't there yet; return those stored.

    One that was changed, renamed or set to block stays as it is.
    """
    facts = {fact.key: fact for fact in DEFAULT_POLICIES}
    known = set(
        TenurePolicy.objects.filter(external_id__in=facts).values_list(
            "external_id", flat=True
        )
    )
    return [
        create_record(
            record=TenurePolicy(
                external_id=key,
                name=fact.name,
                country=fact.country,
                maximum_months=fact.limit.months,
                window_months=fact.limit.window_months,
                reset_gap_months=fact.limit.reset_gap_months,
                action=TenureAction.WARN,
                source=fact.source,
                checked_on=fact.checked_on,
            ),
            actor=actor,
        )
        for key, fact in facts.items()
        if key not in known
    ]


def _policies(countries: set[str]) -> list[TenurePolicy]:
    return list(TenurePolicy.objects.filter(country__in=countries | {""}))


def _of_country(policies: Iterable[TenurePolicy], country: str) -> list[TenurePolicy]:
    return [policy for policy in policies if policy.country in ("", country)]


def _departments_below(policies: Iterable[TenurePolicy]) -> dict[int, set[int]]:
    """Return, by department that a policy names, its id with all those below."""
    named = {policy.department_id for policy in policies if policy.department_id}
    if not named:
        return {}
    parents = dict(Department.objects.values_list("id", "parent_id"))
    below: dict[int, set[int]] = {root: set() for root in named}
    for department in parents:
        # A circle of parents must not hang the page.
        seen: set[int] = set()
        above: int | None = department
        while above is not None and above not in seen:
            seen.add(above)
            if above in below:
                below[above].add(department)
            above = parents[above]
    return below


def _work_of(people: Iterable[Contractor]) -> Mapping[int, list[Assignment]]:
    rows = Assignment._default_manager.filter(contractor__in=people).exclude(
        status=Status.CANCELLED
    )
    found: dict[int, list[Assignment]] = defaultdict(list)
    for row in rows:
        # The manager is Engagement's, and typed as such.
        if isinstance(row, Assignment) and row.contractor_id is not None:
            found[row.contractor_id].append(row)
    return found


def _covers(
    policy: TenurePolicy, assignment: Assignment, below: Mapping[int, set[int]]
) -> bool:
    if policy.department_id is None:
        return True
    return assignment.department_id in below[policy.department_id]


def _clocks(
    policy: TenurePolicy,
    work: Sequence[Assignment],
    below: Mapping[int, set[int]],
    today: date,
) -> list[TenureClock]:
    posts: dict[Post | None, list[Assignment]] = defaultdict(list)
    for assignment in work:
        if _covers(policy, assignment, below):
            posts[_post(policy, assignment)].append(assignment)
    found = []
    for post, assignments in posts.items():
        spans = [_span(one) for one in assignments]
        read = clock(spans, _limit(policy), today)
        if read.served.months or read.served.days or _goes_on(spans, today):
            role = assignments[0].role if post else ""
            found.append(TenureClock(policy=policy, clock=read, role=role))
    return found


def _post(policy: TenurePolicy, assignment: Assignment) -> Post | None:
    if policy.basis != TenureBasis.POST:
        return None
    return assignment.service_id, assignment.role.casefold()


def _is_same_post(policy: TenurePolicy, one: Assignment, other: Assignment) -> bool:
    return _post(policy, one) == _post(policy, other)


def _goes_on(spans: Iterable[Span], today: date) -> bool:
    return any(span.ends_on is None or span.ends_on > today for span in spans)


def _span(assignment: Assignment) -> Span:
    """Return the days agreed: to the term's end, unless it renews by itself."""
    renews = assignment.renewal == Renewal.AUTO and assignment.notice_given_on is None
    ends_on = assignment.ends_on if renews else assignment.term_ends_on
    return Span(assignment.starts_on, ends_on)


def _is_later(day: date | None, other: date) -> bool:
    return day is None or day > other


def _limit(policy: TenurePolicy) -> Limit:
    return Limit(
        months=policy.maximum_months,
        window_months=policy.window_months,
        reset_gap_months=policy.reset_gap_months,
    )


def _told(
    policy: TenurePolicy, assignment: Assignment, over: date, called: str
) -> tuple[str, str]:
    """Return the field to change and what to say there."""
    about = {
        "person": called or assignment.contractor,
        "most": policy.maximum_months,
        "day": format_day(over - ONE_DAY),
        "policy": policy.name,
        "source": policy.source,
    }
    if over <= assignment.starts_on:
        return "contractor", _(
            "%(person)s has served the limit of %(most)d months before this starts:"
            " choose somebody else or start later (%(policy)s; %(source)s)."
        ) % about
    return "ends_on", _(
        "%(person)s reaches the limit of %(most)d months on %(day)s: end it by then"
        " (%(policy)s; %(source)s)."
    ) % about
