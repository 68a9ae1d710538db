"""On which day a page is to be mailed."""

from datetime import date, timedelta

MONDAY = 0
EVERY_DAY, EVERY_WEEK = "day", "week"


def due_day(every: str, today: date) -> date:
    """Return the last day, today included, on which a mail is due.

    A day on which nothing ran is made up for by the next.
    """
    if every == EVERY_DAY:
        return today
    if every == EVERY_WEEK:
        return today - timedelta(days=(today.weekday() - MONDAY) % 7)
    return today.replace(day=1)
