"""Closing a month: from then on it takes no postings, until it is opened again."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date

from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from engagements import events
from engagements.choices import Role
from engagements.errors import NotAllowedError, WrongStateError
from engagements.models import User
from engagements.permissions import roles_of
from engagements.services.records import create_record
from engagements.values.periods import add_months, month_of
from tracker.spend.models import ClosedMonth, hold_months_still

CLOSERS = frozenset({Role.FINANCE, Role.ADMINISTRATOR})


@dataclass(frozen=True)
class MonthClosing:
    """A month about to be closed.

    `reader` is told of the obstacles: a check names nothing that they may not see.
    """

    month: date
    reader: User


@dataclass(frozen=True)
class MonthObstacle:
    """One thing to do before the month is closed, and where.

    `rows` is the model whose list shows what is open, `where` the list's filter as
    its address has it.
    """

    sentence: str
    rows: type[models.Model] | None = None
    where: Mapping[str, str] = field(default_factory=dict)


MonthCheck = Callable[[MonthClosing], list[MonthObstacle]]

_CHECKS: list[MonthCheck] = []


def before_closing_month(check: MonthCheck) -> MonthCheck:
    """Register what must be settled first; told in the order of registration."""
    if check not in _CHECKS:
        _CHECKS.append(check)
    return check


def month_obstacles(closing: MonthClosing) -> list[MonthObstacle]:
    return [obstacle for check in _CHECKS for obstacle in check(closing)]


def may_close_months(user: User) -> bool:
    return bool(roles_of(user) & CLOSERS)


def month_to_close(*, today: date) -> date:
    """Return the month that comes next: after the last closed one, else last month."""
    last = ClosedMonth.objects.last_closed()
    return add_months(last or month_of(today), 1 if last else -1)


@transaction.atomic
def close_month(*, month: date, actor: User) -> ClosedMonth:
    """Close a month that is over, with all before it, to postings.

    Months close in order; the first one may be any. Raises NotAllowedError unless
    `actor` is of finance or an administrator, ValidationError for a month that isn't
    the next or isn't over, and WrongStateError that tells what is still to be done.
    """
    _check_closer(actor)
    month = month_of(month)
    hold_months_still()
    _check_next(month)
    _check_settled(MonthClosing(month, reader=actor))
    return create_record(
        record=ClosedMonth(month=month, closed_at=timezone.now(), closed_by=actor),
        event_type="month.closed",
        actor=actor,
    )


@transaction.atomic
def reopen_month(*, month: date, reason: str, actor: User) -> ClosedMonth:
    """Open the last closed month again: it takes postings until it is closed anew.

    What was booked later meanwhile stays where it is. Raises NotAllowedError as
    `close_month` does, WrongStateError for any other month, and ValidationError
    without a reason.
    """
    _check_closer(actor)
    hold_months_still()
    stored = ClosedMonth.objects.standing().order_by("-month").first()
    if stored is None or stored.month != month_of(month):
        raise WrongStateError(
            _("Only the last closed month can be opened again: that is %(month)s.")
            % {"month": _name(stored.month) if stored else _("none")}
        )
    if not reason.strip():
        raise ValidationError({"reason": _("Say why it is opened again.")})
    stored.reopened_at = timezone.now()
    stored.reopened_by = actor
    stored.reason = reason.strip()
    stored.full_clean()
    stored.save()
    events.record(
        event_type="month.reopened",
        subject=stored,
        changes={
            "month": [stored.month.isoformat(), None],
            "reason": [None, stored.reason],
        },
        actor=actor,
    )
    return stored


def _check_closer(actor: User) -> None:
    if not may_close_months(actor):
        raise NotAllowedError(_("Finance closes months and opens them again."))


def _check_next(month: date) -> None:
    if month >= month_of(timezone.localdate()):
        raise ValidationError(
            {"month": _("%(month)s is not over yet.") % {"month": _name(month)}}
        )
    last = ClosedMonth.objects.last_closed()
    if last is not None and month != add_months(last, 1):
        raise ValidationError(
            {
                "month": _("Months close in order: next comes %(month)s.")
                % {"month": _name(add_months(last, 1))}
            }
        )


def _check_settled(closing: MonthClosing) -> None:
    obstacles = month_obstacles(closing)
    if obstacles:
        raise WrongStateError(
            _("%(month)s can't be closed yet. %(obstacles)s")
            % {
                "month": _name(closing.month),
                "obstacles": " ".join(obstacle.sentence for obstacle in obstacles),
            }
        )


def _name(month: date) -> str:
    return date_format(month, "YEAR_MONTH_FORMAT")
