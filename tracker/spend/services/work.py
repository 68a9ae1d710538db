from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from decimal import Decimal

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from engagements import events
from engagements.choices import ChargeKind, Kind
from engagements.models import Engagement, Event, RateTerm, User
from engagements.services.records import (
    change_record,
    create_record,
    delete_record,
)
from engagements.values.money import round_money
from tracker.spend.models import (
    Basis,
    LedgerEntry,
    OversightLog,
    SourceType,
    Timesheet,
    WorkLog,
    hold_months_open,
)
from tracker.spend.services.day_limits import check_days_of_work
from tracker.spend.services.ledger import Posting, hold, post
from tracker.spend.services.started import check_started


def log_work(*, line: WorkLog, actor: User | None) -> WorkLog:
    """Store work done and accrue what it costs; see `log_work_lines`."""
    return log_work_lines(lines=[line], actor=actor)[0]


@transaction.atomic
def log_work_lines(*, lines: Sequence[WorkLog], actor: User | None) -> list[WorkLog]:
    """Store work done, all lines or none, and accrue what augmented work costs.

    A contractor's hours are accrued at the rate in force on the day, until an invoice
    takes their place; the fee of a managed contract covers its hours. Raises
    ValidationError naming line and field, also where no rate is in force, for an
    engagement that never started, a day outside of it, a day that a timesheet of the
    person covers, and one that would come to more than 24 hours of the person.
    """
    check_lines(lines)
    hold_months_open()
    hold(line.engagement_id for line in lines)
    check_started([line.engagement_id for line in lines])
    _check_no_sheet(lines)
    check_days_of_work(lines)
    for line in lines:
        line.logged_by = actor
    stored = store_lines(lines)
    accrue(stored)
    events.record_all(_events(stored, actor))
    return stored


def accrue(lines: Sequence[WorkLog], part: str = "") -> None:
    """Post what the lines' hours cost at the rate in force on their day.

    The fee of a managed contract covers its hours. `part` tells several postings of
    one line apart. Raises ValidationError where no rate is in force.
    """
    rates = HourlyRates({line.engagement_id for line in lines})
    post([_accrual(line, rates, part) for line in lines if _is_paid_by_time(line)])


def accrued_for(lines: Collection[int]) -> list[LedgerEntry]:
    """Return what stands in the ledger for the lines, neither reversed nor billed."""
    return list(
        LedgerEntry.objects.filter(
            source_type=SourceType.WORK_LOG,
            source_id__in=lines,
            basis=Basis.ACCRUED,
            reversal_of__isnull=True,
            reversal__isnull=True,
        ).order_by("pk")
    )


@transaction.atomic
def log_oversight(*, log: OversightLog, actor: User | None) -> OversightLog:
    """Store a manager's hours of supervision in a month."""
    return create_record(
        record=log,
        event_type="oversight.logged",
        engagement=log.engagement,
        actor=actor,
    )


@transaction.atomic
def log_oversight_month(
    *,
    manager: User,
    month: date,
    hours: Mapping[int | None, Decimal | None],
    actor: User,
) -> list[OversightLog]:
    """Make the hours by engagement those of the manager's month; returns what changed.

    The key None stands for all that the manager supervises together. A 0 is kept;
    None takes a line out. Raises ValidationError naming the engagement.
    """
    User.objects.select_for_update().get(pk=manager.pk)
    stored = {
        log.engagement_id: log
        for log in OversightLog.objects.filter(
            manager=manager, month=month
        ).select_related("engagement")
    }
    engagements = Engagement.objects.in_bulk([pk for pk in hours if pk is not None])
    changed = []
    for pk, given in hours.items():
        engagement = None if pk is None else engagements[pk]
        with _naming_engagement(engagement):
            log = _oversight(stored.get(pk), manager, month, engagement, given, actor)
        if log is not None:
            changed.append(log)
    return changed


def _oversight(
    log: OversightLog | None,
    manager: User,
    month: date,
    engagement: Engagement | None,
    hours: Decimal | None,
    actor: User,
) -> OversightLog | None:
    """Store one line of a month; None where it stays as it was."""
    if (log.hours if log else None) == hours:
        return None
    if log is None:
        log = OversightLog(
            manager=manager, month=month, engagement=engagement, hours=hours
        )
        return log_oversight(log=log, actor=actor)
    if hours is None:
        delete_record(record=log, engagement=engagement, actor=actor)
        return log
    log.hours = hours
    return change_record(record=log, engagement=engagement, actor=actor)


@contextmanager
def _naming_engagement(engagement: Engagement | None) -> Iterator[None]:
    try:
        yield
    except ValidationError as error:
        name = engagement.reference if engagement else _("Everything else")
        raise ValidationError(
            {
                field: [f"{name}: {text}" for text in texts]
                for field, texts in error.message_dict.items()
            }
        ) from error


# Foreign keys: each record named is looked up once, not once for every line.
_LINKS = ("engagement", "contractor", "skill", "timesheet")


def check_lines(lines: Sequence[WorkLog]) -> None:
    """Raise ValidationError naming the first line with a wrong field, and the field."""
    known: set[tuple[str, int | None]] = set()
    for number, line in enumerate(lines, 1):
        links = {(name, getattr(line, f"{name}_id")) for name in _LINKS}
        with _naming_line(number):
            line.clean_fields(exclude={name for name, _id in links & known})
        known |= links


def _check_no_sheet(lines: Sequence[WorkLog]) -> None:
    """Refuse a second way for the same hours."""
    if not lines:
        return
    days = [line.worked_on for line in lines]
    covered: dict[tuple[int, int], list[Timesheet]] = defaultdict(list)
    for sheet in Timesheet.objects.filter(
        engagement__in={line.engagement_id for line in lines},
        starts_on__lte=max(days),
        ends_on__gte=min(days),
    ):
        covered[sheet.engagement_id, sheet.contractor_id].append(sheet)
    for number, line in enumerate(lines, 1):
        person = line.contractor_id or 0
        for sheet in covered.get((line.engagement_id, person), ()):
            if sheet.starts_on <= line.worked_on <= sheet.ends_on:
                raise ValidationError({"worked_on": _covered(number, line, sheet)})


def _covered(number: int, line: WorkLog, sheet: Timesheet) -> str:
    return _(
        "Line %(number)d: the timesheet from %(first)s to %(last)s covers %(day)s;"
        " enter the hours there."
    ) % {
        "number": number,
        "first": sheet.starts_on,
        "last": sheet.ends_on,
        "day": line.worked_on,
    }


def store_lines(lines: Sequence[WorkLog]) -> list[WorkLog]:
    """Let the database check its constraints; ask line by line which one broke it."""
    try:
        with transaction.atomic():
            return WorkLog.objects.bulk_create(lines, batch_size=1000)
    except IntegrityError:
        for number, line in enumerate(lines, 1):
            with _naming_line(number):
                line.validate_constraints()
        raise


@contextmanager
def _naming_line(number: int) -> Iterator[None]:
    try:
        yield
    except ValidationError as error:
        raise ValidationError(
            {
                name: [
                    _("Line %(number)d: %(text)s") % {"number": number, "text": text}
                    for text in texts
                ]
                for name, texts in error.message_dict.items()
            }
        ) from error


def _is_paid_by_time(line: WorkLog) -> bool:
    return line.engagement.kind == Kind.AUGMENTED


def cost_of(line: WorkLog, rates: "HourlyRates") -> Decimal:
    """Return what the line's hours cost, in the engagement's currency.

    Raises ValidationError where no rate is in force on their day.
    """
    term = rates.on(line.engagement, line.worked_on)
    factor = term.overtime_multiplier if line.is_overtime else Decimal(1)
    amount = line.hours * term.hourly_rate * factor
    return round_money(amount, line.engagement.currency)


def _accrual(line: WorkLog, rates: "HourlyRates", part: str) -> Posting:
    return Posting(
        engagement=line.engagement,
        day=line.worked_on,
        charge_kind=ChargeKind.TIME,
        basis=Basis.ACCRUED,
        amount=cost_of(line, rates),
        source_type=SourceType.WORK_LOG,
        source_id=line.pk,
        part=part,
    )


class HourlyRates:
    """The rates of some assignments, read at once."""

    def __init__(self, engagements: Collection[int]) -> None:
        self._terms: dict[int, list[RateTerm]] = defaultdict(list)
        for term in RateTerm.objects.filter(assignment_id__in=engagements).order_by(
            "starts_on"
        ):
            self._terms[term.assignment_id].append(term)

    def on(self, engagement: Engagement, day: date) -> RateTerm:
        terms = self._terms[engagement.pk]
        index = bisect_right([term.starts_on for term in terms], day)
        if index == 0:
            raise ValidationError(
                {
                    "worked_on": _(
                        "%(reference)s has no rate in force on %(day)s: add one first."
                    )
                    % {"reference": engagement.reference, "day": day}
                }
            )
        return terms[index - 1]


def _events(lines: Sequence[WorkLog], actor: User | None) -> list[Event]:
    """Return one event per engagement: who logged how much of which days."""
    by_engagement: dict[int, list[WorkLog]] = defaultdict(list)
    for line in lines:
        by_engagement[line.engagement_id].append(line)
    return [
        events.draft(
            event_type="engagement.work_logged",
            subject=group[0].engagement,
            changes={
                "lines": [None, len(group)],
                "hours": [
                    None,
                    events.plain(sum((w.hours for w in group), Decimal(0))),
                ],
                "from": [None, min(w.worked_on for w in group).isoformat()],
                "to": [None, max(w.worked_on for w in group).isoformat()],
            },
            engagement=group[0].engagement,
            actor=actor,
        )
        for group in by_engagement.values()
    ]
