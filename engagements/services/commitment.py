"""Until when and for how much an engagement binds us."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db.models import Q, QuerySet
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from engagements.choices import ChargeKind, Kind, Renewal, Status
from engagements.errors import WrongStateError
from engagements.models import (
    Assignment,
    Charge,
    Engagement,
    ManagedContract,
)
from engagements.services.valuation import prices_of
from engagements.values import periods
from engagements.values.commitment import (
    committed_time,
    committed_under_contract,
)
from engagements.values.periods import Term, TermRules

# So many engagements are written in one transaction.
_BATCH = 200


@dataclass(frozen=True)
class Position:
    """Where an engagement stands; None for what isn't known or has no end."""

    term_ends_on: date | None
    renews_until_on: date | None
    notice_deadline_on: date | None
    committed_until_on: date | None
    committed: Decimal | None


def position(*, engagement: Engagement, as_of: date) -> Position:
    """Return term, deadline and commitment as of a day."""
    until = committed_until(engagement=engagement, as_of=as_of)
    return Position(
        engagement.term_ends_on,
        _renews_until(engagement),
        engagement.notice_deadline_on,
        until,
        None if until is None else _committed(engagement, as_of, until),
    )


def committed_until(*, engagement: Engagement, as_of: date) -> date | None:
    """Return the earliest lawful last day; None where no notice period is known."""
    if engagement.term_ends_on is None:
        if engagement.notice_period is None:
            return None
        return end_when_open(engagement, as_of)
    rules = term_rules(engagement, _months_by_itself(engagement))
    return periods.next_commitment(rules, current_term(engagement), as_of).ends_on


def set_commitment(engagement: Engagement, *, today: date) -> None:
    """Store on the record until when it binds; only what is active binds."""
    engagement.committed_until_on = (
        committed_until(engagement=engagement, as_of=today)
        if engagement.status == Status.ACTIVE
        else None
    )


def refresh_commitments(*, today: date) -> int:
    """Write what moved by the passing of days alone; return how many did.

    Nobody changed the record, so its version and its last change stay.
    """
    moved = []
    for engagement in _may_have_moved(today).iterator(chunk_size=_BATCH):
        before = engagement.committed_until_on
        set_commitment(engagement, today=today)
        if engagement.committed_until_on != before:
            moved.append(engagement)
    Engagement.objects.bulk_update(moved, ["committed_until_on"], batch_size=_BATCH)
    return len(moved)


def _may_have_moved(today: date) -> QuerySet[Engagement]:
    """Return what has no end, or whose last day to give notice has passed."""
    return Engagement.objects.filter(
        Q(term_ends_on__isnull=True)
        | Q(notice_deadline_on__lt=today)
        | Q(committed_until_on__isnull=True),
        status=Status.ACTIVE,
    ).order_by("pk")


def term_rules(engagement: Engagement, months: int | None) -> TermRules:
    """Return what fixes the terms, where each renewal is for so many months."""
    return TermRules(
        starts_on=engagement.starts_on,
        renewal_months=months,
        notice=engagement.notice_period,
        unit=engagement.notice_in,
        last_on=_last_on(engagement),
    )


def current_term(engagement: Engagement) -> Term:
    return Term(
        engagement.term_number,
        engagement.term_starts_on,
        engagement.term_ends_on,
        engagement.notice_deadline_on,
    )


def end_when_open(engagement: Engagement, given_on: date) -> date:
    """Return the first last day for which notice on a day is in time.

    Raises WrongStateError without a notice period.
    """
    if engagement.notice_period is None:
        raise WrongStateError(
            _("Without an end or a notice period no last day follows: record one.")
        )
    day = max(given_on, engagement.starts_on)
    return periods.earliest_end(day, engagement.notice_period, engagement.notice_in)


def day_in_words(day: date | None) -> str:
    return date_format(day, "j F Y") if day else _("no known day")


def _renews_until(engagement: Engagement) -> date | None:
    """Return the end of the term that follows unless somebody acts."""
    rules = term_rules(engagement, _months_by_itself(engagement))
    following = periods.next_term(rules, current_term(engagement))
    return following.ends_on if following else None


def _months_by_itself(engagement: Engagement) -> int | None:
    """Return the months of the next term, None where none comes by itself."""
    is_rolling = engagement.renewal == Renewal.AUTO and not engagement.notice_given_on
    return engagement.renewal_term_months if is_rolling else None


def _last_on(engagement: Engagement) -> date | None:
    """Return the day past which no renewal goes, where the end isn't the term's own.

    The first term's own end, and one that a person moves by renewing, bind nobody.
    """
    if engagement.ends_on is None or engagement.term_ends_on is None:
        return None
    is_terms_own = engagement.ends_on <= engagement.term_ends_on and (
        engagement.term_number == 1 or engagement.renewal != Renewal.AUTO
    )
    return None if is_terms_own else engagement.ends_on


def _committed(engagement: Engagement, as_of: date, until: date) -> Decimal:
    first = max(as_of, engagement.starts_on)
    if until < first:
        return Decimal(0)
    kinds: dict[str, Callable[[], Decimal]] = {
        Kind.MANAGED: lambda: _committed_fees(engagement, first, until),
        Kind.AUGMENTED: lambda: _committed_time(engagement, first, until),
    }
    return kinds[engagement.kind]() + _committed_charges(engagement, as_of, until)


def _committed_fees(engagement: Engagement, first: date, until: date) -> Decimal:
    contract = ManagedContract.objects.get(pk=engagement.pk)
    return committed_under_contract(
        prices_of(engagement),
        exit_charge=contract.exit_charge,
        first=first,
        until=until,
        agreed_until=engagement.agreed_until_on or engagement.ends_on,
        currency=engagement.currency,
    )


def _committed_time(engagement: Engagement, first: date, until: date) -> Decimal:
    assignment = Assignment.objects.get(pk=engagement.pk)
    return committed_time(
        prices_of(engagement),
        weekly_hours=assignment.planned_weekly_hours,
        country=engagement.country,
        first=first,
        last=until,
        currency=engagement.currency,
    )


def _committed_charges(engagement: Engagement, as_of: date, until: date) -> Decimal:
    """Return the milestones and one-off charges agreed and still to be accepted.

    Those without a day are owed whenever they come. Units are bought as needed.
    """
    charges = Charge.objects.filter(
        Q(due_on__isnull=True) | Q(due_on__lte=until),
        Q(accepted_on__isnull=True) | Q(accepted_on__gte=as_of),
        engagement=engagement,
        charge_kind__in=[ChargeKind.MILESTONE, ChargeKind.ONE_OFF],
    )
    return sum((charge.amount for charge in charges), Decimal(0))
