"""What the records and their events tell of an engagement's life."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from engagements.admin.columns import short_date
from engagements.admin.history import in_words
from engagements.admin.pages import page_of
from engagements.admin.timeline import Asked, Moment, has_been, lies_ahead
from engagements.choices import Kind, RateUnit, Renewal, Status
from engagements.models import (
    Assignment,
    ChangeOrder,
    Charge,
    CostSplit,
    Engagement,
    Event,
    FeeTerm,
    RateTerm,
)
from engagements.permissions import engagement_scope, event_scope
from engagements.services.tenure import tenure_clocks
from engagements.values.money import format_money

CLOSED = (Status.ENDED, Status.TERMINATED, Status.CANCELLED)
# No more of one kind lie ahead on the page.
MOST_AHEAD = 5
# Told from the records instead, on the day from which they hold.
_TOLD_OTHERWISE = {
    "engagement.terms_amended",
    "engagement.rate_changed",
    "engagement.cost_split_set",
    "change_order.took_effect",
    "feeterm.created",
    "rateterm.created",
    "servicelevel.created",
    "namedworker.created",
    "charge.created",
}
# Whose name says it all.
_SAYS_ALL = {
    "engagement.logged",
    "engagement.started",
    "engagement.taken_over",
    "engagement.cancelled",
    # The other one is named by its link.
    "engagement.converted",
}


def told_otherwise(*event_types: str) -> None:
    """Leave such events to a source of their own."""
    _TOLD_OTHERWISE.update(event_types)


def shows_money(asked: Asked) -> bool:
    """Whether the person may see this engagement's amounts."""
    seen: bool | None = getattr(asked.engagement, "_shows_money", None)
    if seen is None:
        scope = engagement_scope(asked.user, with_money=True)
        seen = Engagement.objects.filter(scope, pk=asked.engagement.pk).exists()
        asked.engagement._shows_money = seen
    return seen


@has_been
def events(asked: Asked) -> Iterable[Moment]:
    if not asked.user.has_perm("engagements.view_event"):
        return []
    midnight = timezone.make_aware(datetime.combine(asked.before, time.min))
    rows = list(
        Event.objects.filter(
            event_scope(asked.user),
            engagement_id=asked.engagement.pk,
            occurred_at__lt=midnight,
        )
        .exclude(event_type__in=_TOLD_OTHERWISE)
        .select_related("actor")
        .order_by("-occurred_at", "-id")[: asked.limit]
    )
    for row in rows:
        if row.event_type in _SAYS_ALL:
            row.changes = {}
    return [
        Moment(
            day=timezone.localdate(row.occurred_at),
            sentence=f"{entry.what}: {entry.about}" if entry.about else entry.what,
            who=entry.actor,
            changes=entry.changes,
            order=place,
        )
        for place, (row, entry) in enumerate(
            zip(rows, in_words(rows, asked.user), strict=True)
        )
    ]


@has_been
def terms(asked: Asked) -> Iterable[Moment]:
    """The first day, that of a renewed term, and the last one."""
    engagement = asked.engagement
    found = [Moment(engagement.starts_on, _("First day of the engagement."), order=1)]
    if engagement.term_number > 1:
        found.append(Moment(engagement.term_starts_on, _term_began(engagement)))
    if engagement.status in CLOSED and engagement.ends_on:
        found.append(Moment(engagement.ends_on, _last_day(engagement), order=-1))
    return _before(found, asked)


def _term_began(engagement: Engagement) -> str:
    if engagement.term_ends_on is None:
        return _("Term %(n)d began.") % {"n": engagement.term_number}
    return _("Term %(n)d began; it runs until %(end)s.") % {
        "n": engagement.term_number,
        "end": short_date(engagement.term_ends_on),
    }


def _last_day(engagement: Engagement) -> str:
    if not engagement.end_reason:
        return _("Last day of the engagement.")
    return _("Last day of the engagement: %(reason)s.") % {
        "reason": engagement.get_end_reason_display().lower()
    }


@has_been
def prices(asked: Asked) -> Iterable[Moment]:
    if not shows_money(asked):
        return []
    held = _price_terms(asked).filter(starts_on__lt=asked.before)
    newest = list(held.order_by("-starts_on")[: asked.limit + 1])
    earlier: Sequence[Any] = [*newest[1:], None]
    return [
        Moment(term.starts_on, _price_moved(term, before, asked.engagement.currency))
        for term, before in zip(newest, earlier, strict=False)
    ][: asked.limit]


def _price_terms(asked: Asked) -> QuerySet[Any]:
    if asked.engagement.kind == Kind.MANAGED:
        return FeeTerm.objects.filter(contract=asked.engagement.pk)
    return RateTerm.objects.filter(assignment=asked.engagement.pk)


def _price_moved(term: Any, before: Any, currency: str) -> str:
    if before is None:
        return _("Price: %(price)s.") % {"price": _price(term, currency)}
    return _("Price changed from %(before)s to %(after)s.") % {
        "before": _price(before, currency),
        "after": _price(term, currency),
    }


def _price(term: Any, currency: str) -> str:
    if isinstance(term, FeeTerm):
        return _("%(fee)s a month") % {"fee": format_money(term.monthly_fee, currency)}
    words = _("%(rate)s a day") if term.unit == RateUnit.DAY else _("%(rate)s an hour")
    return words % {"rate": format_money(term.rate, currency)}


@has_been
def cost_splits(asked: Asked) -> Iterable[Moment]:
    if not shows_money(asked):
        return []
    rows = CostSplit.objects.filter(
        engagement=asked.engagement.pk, starts_on__lt=asked.before
    ).order_by("-starts_on")
    return [_split(row) for row in _with_shares(rows)[: asked.limit]]


def _with_shares(rows: QuerySet[CostSplit]) -> QuerySet[CostSplit]:
    return rows.prefetch_related("shares__cost_centre")


def _split(split: CostSplit) -> Moment:
    shares = ", ".join(f"{share.cost_centre} {share}" for share in split.shares.all())
    return Moment(split.starts_on, _("Paid by %(shares)s.") % {"shares": shares})


@has_been
def change_orders(asked: Asked) -> Iterable[Moment]:
    if not shows_money(asked):
        return []
    rows = (
        ChangeOrder.objects.in_force()
        .filter(engagement=asked.engagement.pk, effective_on__lt=asked.before)
        .order_by("-effective_on", "-number")
    )
    currency = asked.engagement.currency
    return [_change_order(row, currency) for row in rows[: asked.limit]]


def _change_order(row: ChangeOrder, currency: str) -> Moment:
    sign = "+" if row.value_change > 0 else ""
    facts = [sign + format_money(row.value_change, currency)]
    if row.new_ends_on:
        facts.append(_("new end %(day)s") % {"day": short_date(row.new_ends_on)})
    sentence = _("Change order %(n)d (%(facts)s): %(reason)s") % {
        "n": row.number,
        "facts": ", ".join(facts),
        "reason": row.reason,
    }
    return Moment(row.effective_on, sentence)


@has_been
def lineage_behind(asked: Asked) -> Iterable[Moment]:
    return _before(_lineage(asked), asked)


def _lineage(asked: Asked) -> list[Moment]:
    """What it follows and what follows it, where the person may see that."""
    engagement = asked.engagement
    rows = Engagement.objects.visible_to(asked.user).filter(
        Q(pk=engagement.predecessor_id) | Q(predecessor=engagement.pk)
    )
    moments = []
    for row in rows:
        is_before = row.pk == engagement.predecessor_id
        day = engagement.starts_on if is_before else row.starts_on
        words = _("Follows %(other)s.") if is_before else _("Continued as %(other)s.")
        moments.append(
            Moment(
                day,
                words % {"other": row.title},
                link=page_of(row),
                link_text=row.reference,
            )
        )
    return moments


def _before(moments: Iterable[Moment], asked: Asked) -> list[Moment]:
    told = [moment for moment in moments if moment.day < asked.before]
    return sorted(told, key=lambda moment: moment.day, reverse=True)


def _from_tomorrow(moments: Iterable[Moment], asked: Asked) -> list[Moment]:
    return [moment for moment in moments if moment.day > asked.today]


@lies_ahead
def lineage_ahead(asked: Asked) -> Iterable[Moment]:
    return _from_tomorrow(_lineage(asked), asked)


@lies_ahead
def dates(asked: Asked) -> Iterable[Moment]:
    """The start, the last day to give notice, the term's end and what binds beyond."""
    engagement, today = asked.engagement, asked.today
    if engagement.status in CLOSED:
        return []
    found = []
    if engagement.starts_on > today:
        found.append(Moment(engagement.starts_on, _("First day of the engagement.")))
    deadline = engagement.notice_deadline_on
    if deadline and deadline >= today:
        found.append(
            Moment(
                deadline,
                _("Last day to give notice: %(left)s.")
                % {"left": _left(deadline, today)},
                is_pressing=True,
            )
        )
    ends_on = engagement.term_ends_on
    if ends_on:
        found.append(
            Moment(ends_on, _term_end(engagement, today), is_pressing=ends_on < today)
        )
    bound = engagement.committed_until_on
    if bound and bound > (ends_on or bound):
        words = _("Earliest day on which it can be left now.")
        found.append(Moment(bound, words, order=1))
    return found


def _left(day: date, today: date) -> str:
    left = (day - today).days
    return ngettext("%(n)d day left", "%(n)d days left", left) % {"n": left}


def _term_end(engagement: Engagement, today: date) -> str:
    if engagement.term_ends_on and engagement.term_ends_on < today:
        return _("The term ended, and nobody has renewed or ended the engagement.")
    if engagement.notice_given_on:
        return _("The engagement ends: notice was given on %(day)s.") % {
            "day": short_date(engagement.notice_given_on)
        }
    if engagement.renewal == Renewal.AUTO:
        return _("The term ends and renews by itself for %(n)s months.") % {
            "n": engagement.renewal_term_months
        }
    if engagement.renewal == Renewal.MANUAL:
        return _("The term ends unless somebody renews it.")
    return _("The engagement ends with its term.")


@lies_ahead
def prices_ahead(asked: Asked) -> Iterable[Moment]:
    if not shows_money(asked):
        return []
    rows = _price_terms(asked).filter(starts_on__gt=asked.today)
    currency = asked.engagement.currency
    return [
        Moment(row.starts_on, _("New price: %(p)s.") % {"p": _price(row, currency)})
        for row in rows.order_by("starts_on")[:MOST_AHEAD]
    ]


@lies_ahead
def cost_splits_ahead(asked: Asked) -> Iterable[Moment]:
    if not shows_money(asked):
        return []
    rows = CostSplit.objects.filter(
        engagement=asked.engagement.pk, starts_on__gt=asked.today
    ).order_by("starts_on")
    return [_split(row) for row in _with_shares(rows)[:MOST_AHEAD]]


@lies_ahead
def change_orders_ahead(asked: Asked) -> Iterable[Moment]:
    if not shows_money(asked):
        return []
    rows = (
        ChangeOrder.objects.in_force()
        .filter(engagement=asked.engagement.pk, effective_on__gt=asked.today)
        .order_by("effective_on")
    )
    currency = asked.engagement.currency
    return [_change_order(row, currency) for row in rows[:MOST_AHEAD]]


@lies_ahead
def charges_due(asked: Asked) -> Iterable[Moment]:
    if not shows_money(asked):
        return []
    rows = Charge.objects.filter(
        engagement=asked.engagement.pk,
        accepted_on=None,
        due_on__gte=asked.today - timedelta(days=31),
    ).order_by("due_on")
    return [
        Moment(
            row.due_on,
            _("%(what)s due: %(amount)s.")
            % {
                "what": row.description,
                "amount": format_money(Decimal(row.amount), asked.engagement.currency),
            },
            is_pressing=row.due_on < asked.today,
        )
        for row in rows[:MOST_AHEAD]
        if row.due_on
    ]


@lies_ahead
def tenure_limits(asked: Asked) -> Iterable[Moment]:
    engagement = asked.engagement
    is_running = engagement.status not in CLOSED and isinstance(engagement, Assignment)
    if not is_running or engagement.contractor is None:
        return []
    if not asked.user.has_perm("engagements.view_contractor"):
        return []
    person = engagement.contractor
    clocks = tenure_clocks(contractors=[person], today=asked.today)[person.pk]
    link = reverse("admin:engagements_contractor_change", args=[person.pk])
    return [
        Moment(
            one.clock.limit_on,
            _("Tenure limit of the contractor: %(clock)s.") % {"clock": one},
            link=link,
            link_text=_("Contractor"),
            is_pressing=one.clock.is_reached,
        )
        for one in clocks[:MOST_AHEAD]
    ]
