"""Months that take no postings any more, as rows that the database itself reads."""

from __future__ import annotations

from datetime import date
from typing import Self

from django.conf import settings
from django.db import connection, models
from django.db.models import Max, Q
from django.utils.translation import gettext_lazy as _

from engagements.values.periods import add_months, month_of
from tracker.spend.models.month_guard import LOCK


class ClosedMonths(models.QuerySet["ClosedMonth"]):
    def standing(self) -> Self:
        return self.filter(reopened_at__isnull=True)

    def last_closed(self) -> date | None:
        """Return the month through which the books are closed."""
        found: date | None = self.standing().aggregate(last=Max("month"))["last"]
        return found


class ClosedMonth(models.Model):
    """One closing of a month, and its reopening where there was one.

    The last month that stands closed closes all before it. Rows are kept for good:
    the database lets them be reopened once and changes nothing else of them.
    """

    month = models.DateField(_("month"))
    closed_at = models.DateTimeField(_("closed at"))
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name=_("closed by"),
    )
    reopened_at = models.DateTimeField(_("reopened at"), null=True, blank=True)
    reopened_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("reopened by"),
    )
    reason = models.CharField(_("why it was reopened"), max_length=300, blank=True)

    objects = ClosedMonths.as_manager()

    class Meta:
        ordering = ["-month", "-id"]
        verbose_name = _("closed month")
        verbose_name_plural = _("closed months")
        constraints = [
            models.UniqueConstraint(
                name="closed_month_once",
                fields=["month"],
                condition=Q(reopened_at__isnull=True),
                violation_error_message=_("This month is closed already."),
            ),
            models.CheckConstraint(
                name="closed_month_is_first_day", condition=Q(month__day=1)
            ),
            models.CheckConstraint(
                name="closed_month_reopened_with_reason",
                condition=Q(
                    reopened_at__isnull=True, reopened_by__isnull=True, reason=""
                )
                | (
                    Q(reopened_at__isnull=False, reopened_by__isnull=False)
                    & ~Q(reason="")
                ),
                violation_error_message=_("Say why it is opened again."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.month:%Y-%m}"


def first_open_month() -> date | None:
    """Return the first month that takes postings; None where all do."""
    last = ClosedMonth.objects.last_closed()
    return add_months(last, 1) if last else None


def booked_month(service_month: date, first_open: date | None) -> date:
    """Return where a posting is booked: its own month, or the first open one."""
    month = month_of(service_month)
    return month if first_open is None else max(month, first_open)


def hold_months_open() -> None:
    """Keep months from being closed until the transaction ends; posters share this.

    SQLite has one writer at a time and needs nothing.
    """
    _lock("pg_advisory_xact_lock_shared")


def hold_months_still() -> None:
    """Wait for those who are posting, and let nobody post until the end."""
    _lock("pg_advisory_xact_lock")


def _lock(function: str) -> None:
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {function}(%s)", [LOCK])
