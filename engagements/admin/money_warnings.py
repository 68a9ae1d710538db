"""What a step would be told of budgets, before it is taken and after."""

from engagements.errors import TrackerError
from engagements.models import Engagement
from engagements.services.spending import Moment, money_warnings


def warnings_of_money(engagement: Engagement, moment: Moment) -> list[str]:
    """Return the sentences, or why they can't be told, such as a missing rate."""
    try:
        return money_warnings(engagement, moment)
    except TrackerError as refusal:
        return [str(refusal)]
