"""Reviews by managers, and asking for them: by schedule, and before an extension."""

from datetime import date, timedelta

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from engagements import events
from engagements.choices import Status
from engagements.errors import NotAllowedError, WrongStateError
from engagements.models import Engagement, Event, User
from engagements.permissions import engagement_scope
from engagements.services.extending import Question, before_extending
from engagements.services.records import change_record, create_record
from tracker.performance.models import Review
from tracker.performance.queries import reviews_due

# So long its author may put a slip right; then others may have acted on it.
OPEN_FOR = timedelta(days=14)
ASKED = "review.asked"
PASSED_OVER = "review.passed_over"


@transaction.atomic
def record_review(*, review: Review, actor: User) -> Review:
    """Store the actor's review of an engagement that they see.

    Another one of theirs of the same period is corrected by it once that one can be
    changed no more. Raises ValidationError by field, and NotAllowedError.
    """
    engagement = _reviewable(review, actor)
    review.reviewer = actor
    earlier = (
        Review.objects.standing()
        .select_for_update()
        .filter(
            engagement=engagement,
            reviewer=actor,
            period_from=review.period_from,
            period_to=review.period_to,
        )
        .first()
    )
    if earlier is not None:
        _give_way(earlier)
    return create_record(
        record=review,
        event_type="review.recorded",
        engagement=engagement,
        actor=actor,
    )


@transaction.atomic
def change_review(
    *, review: Review, expected_version: int | None = None, actor: User
) -> Review:
    """Store what its author puts right within two weeks.

    Raises NotAllowedError for anybody else, WrongStateError after that.
    """
    stored = Review.objects.select_for_update().get(pk=review.pk)
    if stored.reviewer_id != actor.pk:
        raise NotAllowedError(_("Only who wrote a review changes it."))
    if not is_open(stored):
        raise WrongStateError(
            _("It stands since %(day)s: write a new one of the same period.")
            % {"day": date_format(_stands_since(stored))}
        )
    if review.engagement_id != stored.engagement_id:
        raise ValidationError({"engagement": _("A review stays with its engagement.")})
    _check_period(review, stored.engagement)
    return change_record(
        record=review,
        event_type="review.changed",
        engagement=stored.engagement,
        expected_version=expected_version,
        actor=actor,
    )


def is_open(review: Review) -> bool:
    """Return whether its author may still change it."""
    return not review.is_corrected and timezone.now() < review.created_at + OPEN_FOR


def _stands_since(review: Review) -> date:
    return timezone.localdate(review.created_at + OPEN_FOR)


def _give_way(earlier: Review) -> None:
    if is_open(earlier):
        raise ValidationError(
            {"period_to": _("You have reviewed this period already: change that one.")}
        )
    # First, so that never two of the same period stand.
    earlier.is_corrected = True
    earlier.version += 1
    earlier.save(update_fields=["is_corrected", "version", "updated_at"])


def _reviewable(review: Review, actor: User) -> Engagement:
    """Return the engagement, locked; refuse one whose reviews the actor can't read."""
    if review.engagement_id is None:
        raise ValidationError({"engagement": _("Say what you review.")})
    found = (
        Engagement.objects.select_for_update()
        .filter(engagement_scope(actor, with_reviews=True), pk=review.engagement_id)
        .first()
    )
    if found is None:
        raise ValidationError(
            {"engagement": _("You review only what you manage yourself.")}
        )
    if found.status not in (Status.ACTIVE, Status.ENDED, Status.TERMINATED):
        raise ValidationError(
            {"engagement": _("There is nothing to review: it never started.")}
        )
    _check_period(review, found)
    return found


def _check_period(review: Review, engagement: Engagement) -> None:
    if review.period_from is None or review.period_to is None:
        return
    if review.period_to > timezone.localdate():
        raise ValidationError({"period_to": _("Review what has been: not ahead.")})
    if review.period_to < engagement.starts_on:
        raise ValidationError(
            {
                "period_to": _("The engagement started on %(start)s only.")
                % {"start": date_format(engagement.starts_on)}
            }
        )


@before_extending
def recent_review(engagement: Engagement) -> list[Question]:
    """Ask for a review where none is as new as the schedule wants it."""
    scope = Engagement.objects.filter(pk=engagement.pk)
    due = reviews_due(scope, today=timezone.localdate())
    return [
        Question(
            sentence=_("It goes on for longer, and no review is newer than %(day)s.")
            % {"day": date_format(one.reviewed_until)}
            if one.has_reviews
            else _("It goes on for longer, and nobody has reviewed it yet."),
            passed_over=PASSED_OVER,
            remedy=Review,
        )
        for one in due
    ]


@transaction.atomic
def ask_for_reviews(*, today: date) -> int:
    """Record an event for each running engagement whose review has come due.

    Once for each time that it does; repeating has no effect. Return how many.
    """
    if not settings.REVIEW_EVERY_MONTHS:
        return 0
    due = reviews_due(Engagement.objects.all(), today=today)
    asked = _asked([one.engagement.pk for one in due])
    news = [
        one for one in due if (one.engagement.pk, one.due_on.isoformat()) not in asked
    ]
    events.record_all(
        events.draft(
            event_type=ASKED,
            subject=one.engagement,
            changes={"due_on": [None, one.due_on.isoformat()]},
            actor=None,
        )
        for one in news
    )
    return len(news)


def _asked(engagements: list[int]) -> set[tuple[int, str]]:
    rows = Event.objects.filter(event_type=ASKED, engagement_id__in=engagements)
    return {
        (engagement, changes["due_on"][1])
        for engagement, changes in rows.values_list("subject_id", "changes")
    }
