"""The last weeks of some assignments, told as timesheets in every state."""

from collections import defaultdict
from datetime import date, timedelta

from engagements.models import User
from tracker.demo.billing import Told
from tracker.demo.founding import Cast
from tracker.demo.stories import AssignmentStory
from tracker.spend.models import Timesheet, TimesheetStatus, WorkLog
from tracker.spend.services import (
    approve_timesheet,
    close_billed_timesheets,
    enter_hours,
    reject_timesheet,
    start_timesheet,
    submit_timesheet,
)
from tracker.spend.timesheet_periods import Period, week_of

# So many assignments keep timesheets; the hours of the others are logged as before.
SHEETED = 6
# What became of the last whole week, one assignment after the other; None: not begun.
LAST_WEEK = (
    TimesheetStatus.SUBMITTED,
    TimesheetStatus.REJECTED,
    None,
    TimesheetStatus.DRAFT,
    TimesheetStatus.SUBMITTED,
    TimesheetStatus.APPROVED,
)
REASON = "Thursday was agreed as a half day; please correct it."


class Sheets:
    """Keeps back the work of the last weeks until it is told as timesheets."""

    def __init__(self, cast: Cast) -> None:
        self.cast = cast
        month = cast.month(1)
        week = week_of(month)
        self.first = week.first if week.first >= month else week.last + timedelta(1)
        self.kept: dict[int, list[WorkLog]] = {}
        self.told: dict[int, Told] = {}

    def take(self, one: Told, lines: list[WorkLog]) -> list[WorkLog]:
        """Return the lines to log at once; the others wait."""
        if not self._has_sheets(one):
            return lines
        self.told[one.engagement.pk] = one
        kept = [line for line in lines if line.worked_on >= self.first]
        self.kept.setdefault(one.engagement.pk, []).extend(kept)
        return [line for line in lines if line.worked_on < self.first]

    def _has_sheets(self, one: Told) -> bool:
        if one.engagement.pk in self.told:
            return True
        is_running = isinstance(one.story, AssignmentStory) and one.story.ended is None
        return is_running and len(self.told) < SHEETED

    def tell(self) -> int:
        """Store the sheets, week by week; return how many lines they hold."""
        return sum(
            self._tell_week(number, pk, period, lines)
            for number, pk in enumerate(self.told)
            for period, lines in self._weeks(pk).items()
        )

    def close_billed(self) -> None:
        """Lock the sheets that were billed meanwhile."""
        engagements = [one.engagement.pk for one in self.told.values()]
        close_billed_timesheets(
            engagements=engagements, actor=self.cast.people["finance"]
        )

    def _weeks(self, pk: int) -> dict[Period, list[WorkLog]]:
        found: dict[Period, list[WorkLog]] = defaultdict(list)
        for line in sorted(self.kept.get(pk, []), key=lambda one: one.worked_on):
            found[week_of(line.worked_on)].append(line)
        return found

    def _tell_week(
        self, number: int, pk: int, period: Period, lines: list[WorkLog]
    ) -> int:
        status = self._status(number, period.last)
        if status is None:
            return 0
        one, finance = self.told[pk], self.cast.people["finance"]
        manager: User = self.cast.people[one.story.manager]
        sheet = start_timesheet(
            timesheet=Timesheet(
                engagement_id=pk,
                contractor=lines[0].contractor,
                starts_on=period.first,
                ends_on=period.last,
            ),
            actor=manager,
        )
        sheet = enter_hours(timesheet=sheet, lines=lines, actor=manager)
        if status != TimesheetStatus.DRAFT:
            sheet = submit_timesheet(timesheet=sheet, actor=manager)
        if status == TimesheetStatus.APPROVED:
            approve_timesheet(timesheet=sheet, actor=finance)
        if status == TimesheetStatus.REJECTED:
            reject_timesheet(timesheet=sheet, reason=REASON, actor=finance)
        return len(lines)

    def _status(self, number: int, last: date) -> TimesheetStatus | None:
        age = (self.cast.today - last).days
        if age < 0:
            return TimesheetStatus.DRAFT
        if age < 7:
            return LAST_WEEK[number % len(LAST_WEEK)]
        return TimesheetStatus.APPROVED
