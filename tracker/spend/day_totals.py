"""How much work a person's day holds: no more than 24 hours, wherever recorded."""

from collections import defaultdict
from collections.abc import Collection, Iterator
from datetime import date
from decimal import Decimal

from django.db.models import Sum

from tracker.spend.models import WorkLog

MOST_HOURS = Decimal(24)
# Below the number of parameters that every SQLite takes in one statement.
_AT_ONCE = 900

# A contractor's day.
PersonDay = tuple[int, date]


class DayTotals:
    """The hours of some days as recorded, to which others are added in turn."""

    def __init__(
        self, days: Collection[PersonDay], *, besides_sheet: int | None = None
    ) -> None:
        """Read them; the lines of the sheet that is being written are left out."""
        self._hours: dict[PersonDay, Decimal] = defaultdict(Decimal)
        if not days:
            return
        first, last = min(day for _, day in days), max(day for _, day in days)
        for people in _parts(sorted({person for person, _day in days})):
            rows = WorkLog.objects.counted().filter(
                contractor__in=people, worked_on__range=(first, last)
            )
            if besides_sheet is not None:
                rows = rows.exclude(timesheet=besides_sheet)
            sums = rows.order_by().values_list("contractor_id", "worked_on")
            for person, day, hours in sums.annotate(total=Sum("hours")):
                self._hours[person or 0, day] = hours

    def add(self, person: int | None, day: date, hours: Decimal) -> Decimal | None:
        """Count the hours in; where the day can't hold them, return what it came to.

        Work of nobody in particular has no limit.
        """
        if person is None or not hours:
            return None
        total = self._hours[person, day] + hours
        if total > MOST_HOURS:
            return total
        self._hours[person, day] = total
        return None


def _parts(people: list[int]) -> Iterator[list[int]]:
    for start in range(0, len(people), _AT_ONCE):
        yield people[start : start + _AT_ONCE]
