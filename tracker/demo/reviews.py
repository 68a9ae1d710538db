"""A year of the demo company's reviews, each by the manager of the engagement."""

from collections.abc import Sequence
from datetime import date

from engagements.choices import Status
from engagements.models import Engagement
from engagements.values.periods import add_months, last_day_of_month
from tracker.demo.billing import Told
from tracker.demo.founding import Cast
from tracker.demo.stories import Story
from tracker.demo.work import seeded
from tracker.performance.models import Review
from tracker.performance.review import CRITERIA
from tracker.performance.services import record_review

# The last day of so many months ago, the oldest first.
MONTHS_AGO = (10, 7, 4, 1)
QUARTER = 3
COMMENTS = (
    "",
    "Delivers what was promised; we hear early when something slips.",
    "Good work. What is done should be written down better for our own team.",
    "Knows our systems by now and tells us what to change.",
)


def review_engagements(told: Sequence[Told], cast: Cast) -> int:
    """Store quarterly reviews of what runs; each fifth engagement's last is due.

    Return how many there are.
    """
    count = 0
    for number, one in enumerate(told):
        stored = Engagement.objects.get(pk=one.engagement.pk)
        if stored.status != Status.ACTIVE:
            continue
        waits = number % 5 == 0
        for months_ago in MONTHS_AGO[: -1 if waits else None]:
            review = _review(one.story, stored, months_ago, cast)
            if review is not None:
                record_review(review=review, actor=cast.people[one.story.manager])
                count += 1
    return count


def _review(
    story: Story, engagement: Engagement, months_ago: int, cast: Cast
) -> Review | None:
    """Return the review of a quarter, None where the work began after it."""
    last = last_day_of_month(cast.month(months_ago))
    first = max(add_months(cast.month(months_ago), 1 - QUARTER), engagement.starts_on)
    if first > last:
        return None
    rng = seeded(story.title, "review", months_ago)
    usual = seeded(story.title, "reviewed").choice((3, 4, 4, 4, 5))
    marks = {name: _mark(usual + rng.choice((-1, 0, 0, 0, 1))) for name in CRITERIA}
    return Review(
        engagement=engagement,
        period_from=first,
        period_to=_no_later(last, cast.today),
        comment=rng.choice(COMMENTS),
        **marks,
    )


def _mark(mark: int) -> int:
    return min(5, max(1, mark))


def _no_later(day: date, today: date) -> date:
    return min(day, today)
