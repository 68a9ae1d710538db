"""The whole demo company, and what is planted in it."""

from tracker.demo.assignments import ASSIGNMENTS
from tracker.demo.contracts import CONTRACTS, PAID
from tracker.demo.stories import AssignmentStory, ContractStory, Planted

# Months of recorded work and spend before today's month.
HISTORY_MONTHS = 24

STORIES: tuple[ContractStory | AssignmentStory, ...] = (*CONTRACTS, *ASSIGNMENTS)

# Engagement title → what its records are written to say; read by tests and evaluation.
PLANTED: dict[str, Planted] = {
    story.title: story.planted for story in (*STORIES, *PAID)
}
