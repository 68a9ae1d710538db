"""Two years of the demo company, told month by month through the services."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db import transaction

from engagements.models import Engagement
from engagements.values.periods import last_day_of_month
from tracker.api.scopes import SCOPES
from tracker.api.services import create_api_key
from tracker.demo.advice import ask_ahead
from tracker.demo.approvals import ask_for_approvals, make_rules
from tracker.demo.billing import (
    Told,
    bill_month,
    post_known_payments,
    show_other_states,
)
from tracker.demo.boarding import (
    begin_offboardings,
    finish_onboardings,
    off_board,
)
from tracker.demo.budgets import compare_rates, set_budgets
from tracker.demo.company import HISTORY_MONTHS, STORIES
from tracker.demo.contracts import PAID
from tracker.demo.credentials import HR_KEY, SANDBOX_KEY
from tracker.demo.founding import Cast, found_company
from tracker.demo.identity import push_people
from tracker.demo.match import order_and_match, order_parts
from tracker.demo.organisation import PEOPLE
from tracker.demo.reviews import review_engagements
from tracker.demo.saved_pages import keep_pages
from tracker.demo.service_levels import measure_service_levels
from tracker.demo.signing import amend_price, close, order_change, sign, split_anew
from tracker.demo.stories import AssignmentStory, ContractStory
from tracker.demo.tickets import tell_tickets
from tracker.demo.timesheets import Sheets
from tracker.demo.webhooks import send_some
from tracker.demo.work import Stint, seeded, stints
from tracker.fit.services.assessing import assess
from tracker.spend.models import OversightLog, WorkLog
from tracker.spend.services.month_end import reckon_month
from tracker.spend.services.outlooks import keep_outlooks
from tracker.spend.services.work import log_oversight, log_work_lines

PAID_MONTHS = 18
# Month ends of which it was kept what was committed and expected then.
KEPT_MONTHS = 12


@dataclass(frozen=True)
class Loaded:
    """What was stored."""

    engagements: int
    work_logs: int
    invoices: int
    measurements: int
    flags: int


@transaction.atomic
def load_company(*, today: date) -> Loaded:
    """Store the demo company with its last two years as of `today`.

    The same day gives the same company, apart from the time of writing. Nothing
    remains where it fails half-way.
    """
    cast = found_company(today=today)
    told: list[Told] = []
    work_logs = invoices = 0
    sheets = Sheets(cast)
    for months_ago in range(HISTORY_MONTHS, -1, -1):
        if 0 < months_ago < KEPT_MONTHS:
            _keep_outlooks(told, months_ago + 1, cast, is_over=False)
        told += _sign_those_starting(told, months_ago, cast)
        _amend_terms(told, months_ago, cast)
        work_logs += _log_work(told, months_ago, cast, sheets)
        if months_ago == 0:
            work_logs += sheets.tell()
        _log_oversight(months_ago, cast)
        invoices += bill_month(told, issued_in=cast.month(months_ago), cast=cast)
    sheets.close_billed()
    # Not before the final invoice was paid.
    _close_those_ended(told, cast)
    for story in (story for story in STORIES if story.starts < 0):
        told.append(Told(story, sign(story, cast=cast, earlier=None)))
    finish_onboardings(cast)
    begin_offboardings(cast)
    for paid in PAID:
        post_known_payments(paid, months=PAID_MONTHS, cast=cast)
    show_other_states(cast)
    set_budgets(cast)
    compare_rates(cast)
    # Before there are rules that would have somebody approve of it.
    order_parts(told, cast)
    make_rules(cast)
    ask_for_approvals(told, cast)
    measurements = measure_service_levels(told, cast)
    order_and_match(told, cast)
    tell_tickets(told, cast)
    review_engagements(told, cast)
    for months_ago in range(KEPT_MONTHS, 1, -1):
        _keep_outlooks(told, months_ago, cast, is_over=True)
    # As it stands the day after: what isn't billed yet, and what was paid ahead.
    reckon_month(month=cast.month(1), today=today, actor=cast.people["finance"])
    _open_sandbox(cast)
    assessed = assess(as_of=today, actor=cast.people["admin"])
    ask_ahead(cast)
    keep_pages(cast)
    send_some(cast)
    push_people(cast)
    return Loaded(
        engagements=len(told) + len(PAID),
        work_logs=work_logs,
        invoices=invoices,
        measurements=measurements,
        flags=assessed.flags_raised,
    )


def _open_sandbox(cast: Cast) -> None:
    admin = cast.people["admin"]
    create_api_key(
        name="Sandbox", scopes=list(SCOPES), owner=admin, key=SANDBOX_KEY, actor=admin
    )
    create_api_key(
        name="HR tool",
        scopes=[
            "contractors:read",
            "departments:read",
            "cost-centers:read",
            "timesheets:read",
        ],
        owner=cast.people["hr"],
        key=HR_KEY,
        actor=admin,
    )


def _sign_those_starting(
    told: Sequence[Told], months_ago: int, cast: Cast
) -> list[Told]:
    known: dict[str | None, Engagement] = {
        one.story.title: one.engagement for one in told
    }
    return [
        Told(story, sign(story, cast=cast, earlier=known.get(story.predecessor)))
        for story in STORIES
        # What runs already when the records begin is logged then.
        if min(story.starts, HISTORY_MONTHS) == months_ago
    ]


def _keep_outlooks(
    told: Sequence[Told], months_ago: int, cast: Cast, *, is_over: bool
) -> None:
    """Keep what is committed and expected at a month's end, as known by then.

    What was over by then is closed only at the end of the story, so it comes later.
    """
    chosen = [one for one in told if one.is_in_force(months_ago - 1) != is_over]
    keep_outlooks(
        month=cast.month(months_ago),
        today=cast.month(months_ago - 1),
        engagements=Engagement.objects.filter(
            pk__in=[one.engagement.pk for one in chosen if one.story.starts > 0]
        ),
        actor=cast.people["finance"],
    )


def _amend_terms(told: Sequence[Told], months_ago: int, cast: Cast) -> None:
    for one in told:
        story, engagement = one.story, one.engagement
        for price in story.prices[1:]:
            if price.months_ago == months_ago:
                amend_price(story, price, engagement=engagement, cast=cast)
        if story.shares_later and story.shares_later[0] == months_ago:
            split_anew(
                story,
                story.shares_later[1],
                months_ago=months_ago,
                engagement=engagement,
                cast=cast,
            )
        for change in story.changes:
            if change.months_ago == months_ago:
                order_change(story, change, engagement=engagement, cast=cast)


def _log_work(told: Sequence[Told], months_ago: int, cast: Cast, sheets: Sheets) -> int:
    """Log the month's work, each manager what their engagements did."""
    by_manager: dict[str, list[WorkLog]] = defaultdict(list)
    for one in told:
        if one.story.work and one.is_in_force(months_ago):
            lines = _lines(one, months_ago, cast)
            if months_ago <= 1:
                lines = sheets.take(one, lines)
            by_manager[one.story.manager] += lines
    for username, lines in by_manager.items():
        log_work_lines(lines=lines, actor=cast.people[username])
    return sum(len(lines) for lines in by_manager.values())


def _lines(one: Told, months_ago: int, cast: Cast) -> list[WorkLog]:
    story = one.story
    if story.work is None:
        return []
    first = cast.month(months_ago)
    month = stints(
        story.work,
        title=story.title,
        country=story.country,
        first=first,
        last=min(last_day_of_month(first), cast.today),
    )
    return [_work_log(one, story, stint, cast) for stint in month]


def _work_log(
    one: Told, story: ContractStory | AssignmentStory, stint: Stint, cast: Cast
) -> WorkLog:
    person = stint.person
    if isinstance(story, AssignmentStory):
        person = story.contractor
    contractor = None
    if person:
        contractor = cast.contractor(
            name=person,
            vendor=cast.vendors[story.vendor],
            jurisdiction=story.country,
        )
    return WorkLog(
        engagement=one.engagement,
        contractor=contractor,
        worked_on=stint.day,
        hours=stint.hours,
        activity=stint.activity,
        skill=cast.skills[stint.skill] if stint.skill else None,
        assigned_by=stint.assigned_by,
        is_core=stint.is_core,
        is_out_of_hours=stint.is_out_of_hours,
        description=stint.note,
    )


def _log_oversight(months_ago: int, cast: Cast) -> None:
    """Each manager's supervision in a month that is over."""
    if months_ago == 0:
        return
    month = cast.month(months_ago)
    for person in PEOPLE:
        if person.oversight_hours:
            rng = seeded("oversight", person.username, months_ago)
            hours = Decimal(round(person.oversight_hours * rng.uniform(0.95, 1.05)))
            log_oversight(
                log=OversightLog(
                    manager=cast.people[person.username], month=month, hours=hours
                ),
                actor=cast.people[person.username],
            )


def _close_those_ended(told: Sequence[Told], cast: Cast) -> None:
    for one in told:
        months_ago = one.story.ended
        if months_ago is not None:
            off_board(
                one.story, months_ago=months_ago, engagement=one.engagement, cast=cast
            )
            close(
                one.story, months_ago=months_ago, engagement=one.engagement, cast=cast
            )
