"""What spend is told of conversions: what they were to save, and what they did."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from django.conf import settings
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import override

from engagements.models import Engagement
from engagements.values.periods import last_day_of_month
from tracker.fit.conversions import (
    Group,
    Outcome,
    groups_converted,
    outcomes_of,
    saving_key,
)
from tracker.fit.models import Decision, FlagAction, FlagState
from tracker.spend.models import SavingKind
from tracker.spend.saved import FoundSaving, Realised, savings_from

_NAMED = 3
NOTHING = Decimal(0)


@savings_from
def savings_by_conversions() -> list[FoundSaving]:
    """Return each group once, claimed by its prediction and realised by the ledger.

    What was to save nothing isn't claimed; a successor that is counted with another's
    group has no saving of its own. Fixed in queries.
    """
    groups = groups_converted()
    decided = _decided(groups)
    # They are stored in words: in one language, whoever has them brought up.
    with override(settings.LANGUAGE_CODE):
        return [
            found
            for group, outcome in zip(
                groups, outcomes_of(groups, today=timezone.localdate()), strict=True
            )
            for found in _found(group, outcome, decided)
        ]


def _found(
    group: Group, outcome: Outcome, decided: Mapping[int, Decision]
) -> list[FoundSaving]:
    decision = next(
        (decided[one.pk] for one in group.before if one.pk in decided), None
    )
    claim = FoundSaving(
        key=saving_key(group),
        kind=SavingKind.CONVERSION,
        title=_("Conversion of %(before)s into %(after)s")
        % {
            "before": _named(group.before, group.successor),
            "after": _named(group.after, group.successor),
        },
        engagement=group.successor.pk,
        amount=outcome.claimed or NOTHING,
        since=group.since,
        until=last_day_of_month(group.last_month),
        realised=_realised(outcome),
        is_withdrawn=outcome.claimed is None,
        follows=True,
        owner=None if decision is None else decision.actor_id,
        note="" if decision is None else _said(decision),
    )
    absorbed = [
        FoundSaving(
            key=f"conversion:{one.pk}",
            kind=SavingKind.CONVERSION,
            title=claim.title,
            engagement=one.pk,
            amount=claim.amount,
            since=group.since,
            is_withdrawn=True,
        )
        for one in group.after[1:]
    ]
    return [*absorbed, claim]


def _realised(outcome: Outcome) -> tuple[Realised, ...]:
    return tuple(
        Realised(
            amount,
            last_day_of_month(month),
            note=_(
                "What %(month)s cost, our managers' time included, beside what it"
                " cost before."
            )
            % {"month": date_format(month, "YEAR_MONTH_FORMAT")},
        )
        for month, amount in outcome.months.items()
    )


def _named(engagements: Sequence[Engagement], successor: Engagement) -> str:
    """Name some; of other departments, whom the saving's readers may not see, none."""
    own = successor.department_id
    names = [one.reference for one in engagements if one.department_id == own][:_NAMED]
    if len(names) < len(engagements):
        names.append(_("%(n)d more") % {"n": len(engagements) - len(names)})
    return ", ".join(names)


def _decided(groups: Sequence[Group]) -> dict[int, Decision]:
    """Return who decided for the conversion, by the engagement whose flag it was."""
    rows = Decision.objects.filter(
        flag__engagement__in=[one.pk for group in groups for one in group.before],
        flag__state=FlagState.CONVERTED,
        action=FlagAction.ACCEPT,
    )
    chosen = rows.select_related("flag", "actor").order_by("at", "pk")
    return {decision.flag.engagement_id: decision for decision in chosen}


def _said(decision: Decision) -> str:
    return _("Decided on %(day)s by %(who)s, on the flag of %(raised)s.") % {
        "day": date_format(timezone.localdate(decision.at), "DATE_FORMAT"),
        "who": decision.actor,
        "raised": date_format(decision.flag.raised_on, "DATE_FORMAT"),
    }
