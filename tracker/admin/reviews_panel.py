"""Reviews on the engagement's page: the latest mean, how it moved, what is due."""

from collections.abc import Sequence
from decimal import Decimal

from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _

from engagements.admin.columns import short_date
from engagements.admin.panels import Panel, on_engagement_page
from engagements.choices import Status
from engagements.models import Engagement, User
from engagements.permissions import engagement_scope
from tracker.admin.performance_panel import TRENDS
from tracker.performance.models import Review
from tracker.performance.queries import reviews_due, reviews_of
from tracker.performance.review import HIGHEST, LOWEST, trend_of

SHOWN = 12
# The drawing's size, in its own units.
STEP, HEIGHT, EDGE = 20, 40, 4


@on_engagement_page
def reviews_panel(engagement: Engagement, user: User) -> Panel | None:
    if engagement.status == Status.DRAFT or not user.has_perm("tracker.view_review"):
        return None
    scope = Engagement.objects.filter(
        engagement_scope(user, with_reviews=True), pk=engagement.pk
    )
    if not scope.exists():
        return None
    reviews = list(reviews_of(user, engagement.pk))[-SHOWN:]
    due = reviews_due(scope, today=timezone.localdate())
    means = [review.marks.mean for review in reviews]
    trend = trend_of(means)
    body = render_to_string(
        "tracker/admin/reviews_panel.html",
        {
            "latest": means[-1] if means else None,
            "trend": TRENDS[trend] if trend else None,
            "spark": _spark(means),
            "rows": [_row(review) for review in reversed(reviews)],
            "due": _("A review is due since %(day)s.")
            % {"day": short_date(due[0].due_on)}
            if due
            else "",
        },
    )
    may_add = user.has_perm("tracker.add_review")
    return Panel(
        title=_("Reviews"),
        body=mark_safe(body),  # noqa: S308 - a template's, which escapes
        link=f"{reverse('admin:tracker_review_add')}?engagement={engagement.pk}"
        if may_add
        else "",
        link_text=_("Write a review"),
    )


def _row(review: Review) -> dict[str, object]:
    return {
        "href": reverse("admin:tracker_review_change", args=[review.pk]),
        "until": short_date(review.period_to),
        "by": review.reviewer.get_full_name() or review.reviewer.username,
        "mean": review.marks.mean,
    }


def _spark(means: Sequence[Decimal]) -> dict[str, object]:
    if len(means) < 2:
        return {}
    room = HEIGHT - 2 * EDGE
    dots = [
        (EDGE + n * STEP, round(HEIGHT - EDGE - room * _share(mean), 1))
        for n, mean in enumerate(means)
    ]
    return {
        "width": 2 * EDGE + (len(means) - 1) * STEP,
        "height": HEIGHT,
        "points": " ".join(f"{x},{y}" for x, y in dots),
        "last_x": dots[-1][0],
        "last_y": dots[-1][1],
        "told": ", ".join(str(mean) for mean in means),
    }


def _share(mean: Decimal) -> float:
    return float((mean - LOWEST) / (HIGHEST - LOWEST))
