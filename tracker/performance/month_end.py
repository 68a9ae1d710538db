"""What spend is told of service credits at a month's end."""

from collections import defaultdict
from collections.abc import Collection
from datetime import date

from django.utils.translation import gettext as _

from engagements.values.periods import last_day_of_month
from tracker.performance.models import Credit, CreditState
from tracker.spend.accrual import AgreedCredit
from tracker.spend.services.month_checklist import ChecklistItem


def unapplied_credits(engagements: Collection[int]) -> dict[int, list[AgreedCredit]]:
    rows = Credit.objects.filter(
        engagement__in=engagements, state=CreditState.AGREED
    ).order_by("pk")
    found: dict[int, list[AgreedCredit]] = defaultdict(list)
    for credit in rows:
        amount = credit.amount if credit.agreed_amount is None else credit.agreed_amount
        name = f"{credit.window_from:%Y-%m}"
        found[credit.engagement_id].append(
            AgreedCredit(name, amount, credit.pk, agreed_on=credit.state_since)
        )
    return found


def unclaimed_credits(month: date) -> list[ChecklistItem]:
    due = Credit.objects.filter(
        state=CreditState.DUE, window_to__lte=last_day_of_month(month)
    )
    return [
        ChecklistItem(
            "unclaimed_credits",
            _("Service credits due and not claimed"),
            due.count(),
            is_blocking=False,
            rows=Credit,
            where={"state__exact": CreditState.DUE.value},
        )
    ]
