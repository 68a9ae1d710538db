"""What was advised on work that lies ahead: followed, gone against, not yet logged."""

from dataclasses import dataclass
from decimal import Decimal

from engagements.choices import RateUnit
from engagements.models import Engagement
from tracker.demo.founding import Cast
from tracker.fit.services import Planned, give_advice, keep_advice


@dataclass(frozen=True)
class AdviceStory:
    """Who asked what; `led_to` is the engagement's title, blank for none yet."""

    asked_by: str
    title: str
    service: str
    answers: tuple[str, str, str, str, str]
    led_to: str = ""
    months: int = 12
    weekly_hours: str = "37.5"
    rate: str | None = None
    fee: str | None = None


# Of the questions, in their order.
QUESTIONS = ("skills", "budget", "direction", "guidance", "risk")
ADVICE: tuple[AdviceStory, ...] = (
    AdviceStory(
        asked_by="t.herrera",
        title="Single sign-on and access reviews",
        service="Security monitoring",
        answers=("broad", "predictable", "none", "some", "shared"),
        led_to="Identity service run",
        months=24,
        weekly_hours="56",
        fee="14800",
    ),
    AdviceStory(
        asked_by="o.bennett",
        title="Loyalty programme, first release",
        service="Online shop",
        answers=("some", "predictable", "none", "much", "shared"),
        led_to="Loyalty engineer · Zofia Malik",
        months=6,
        rate="570",
    ),
    AdviceStory(
        asked_by="manager",
        title="Weekend cover for order management",
        service="Order management",
        answers=("broad", "predictable", "unknown", "unknown", "partly"),
        weekly_hours="64",
        rate="540",
    ),
)


def ask_ahead(cast: Cast) -> None:
    """Ask about what lies ahead, and keep the advice on what was logged since."""
    for story in ADVICE:
        actor = cast.people[story.asked_by]
        advice = give_advice(planned=_planned(story, cast), actor=actor)
        if story.led_to:
            engagement = Engagement.objects.get(title=story.led_to)
            keep_advice(advice=advice, engagement=engagement, actor=actor)


def _planned(story: AdviceStory, cast: Cast) -> Planned:
    return Planned(
        title=story.title,
        service=cast.services[story.service],
        starts_on=cast.month(-2),
        months=Decimal(story.months),
        weekly_hours=Decimal(story.weekly_hours),
        rate=None if story.rate is None else Decimal(story.rate),
        rate_unit=RateUnit.DAY,
        fee=None if story.fee is None else Decimal(story.fee),
        currency="GBP",
        answers=dict(zip(QUESTIONS, story.answers, strict=True)),
    )
