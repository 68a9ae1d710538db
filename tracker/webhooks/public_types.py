"""What other systems are told of: one line per type.

Services record far more than concerns others. Here stands which of it is public, under
which name, who may hear of it, and what its fields are called in the API.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

from engagements.models import Engagement, Event

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


class Reach(Enum):
    """Whose rows decide who hears of it."""

    ENGAGEMENT = auto()
    # Those who see the engagement's amounts.
    MONEY = auto()
    CONTRACTOR = auto()
    INVOICE = auto()
    BUDGET = auto()
    PERSON = auto()
    # Who has the permission sees every row.
    EVERYBODY = auto()


Condition = Callable[[Event], bool]


def always(event: Event) -> bool:
    return True


def has_left(event: Event) -> bool:
    """Tell whether a person was deactivated who answers for engagements."""
    if event.changes.get("is_active") != [True, False]:
        return False
    return Engagement.objects.filter(manager=event.subject_id).exists()


@dataclass(frozen=True)
class PublicType:
    """A type of event as others know it.

    `recorded_as` are the types that services write; `permission` is what a reader's
    role must have, beside the rows by `reach`.
    """

    name: str
    recorded_as: tuple[str, ...]
    reach: Reach
    permission: str
    label: StrOrPromise
    condition: Condition = always

    @property
    def noun(self) -> str:
        return self.name.partition(".")[0]

    @property
    def is_tombstone(self) -> bool:
        return self.name.endswith(".deleted")


_ENGAGEMENT = (Reach.ENGAGEMENT, "engagements.view_engagement")
_CONTRACTOR = (Reach.CONTRACTOR, "engagements.view_contractor")
_VENDOR = (Reach.EVERYBODY, "engagements.view_vendor")
_FLAG = (Reach.ENGAGEMENT, "tracker.view_flag")

# fmt: off
PUBLIC_TYPES: dict[str, PublicType] = {
    each.name: each
    for each in (
        PublicType(
            "engagement.created", ("engagement.logged",), *_ENGAGEMENT,
            _("Engagement logged, as a draft"),
        ),
        PublicType(
            "engagement.updated",
            (
                "engagement.changed", "engagement.cost_split_set",
                "engagement.submitted", "engagement.withdrawn", "engagement.sent_back",
            ),
            *_ENGAGEMENT, _("Facts of an engagement changed"),
        ),
        PublicType(
            "engagement.started", ("engagement.started", "engagement.taken_over"),
            *_ENGAGEMENT, _("Engagement became active"),
        ),
        PublicType(
            "engagement.terms_amended", ("engagement.terms_amended",), *_ENGAGEMENT,
            _("New fee agreed"),
        ),
        PublicType(
            "engagement.rate_changed", ("engagement.rate_changed",), *_ENGAGEMENT,
            _("New rate agreed"),
        ),
        PublicType(
            "engagement.extended", ("engagement.extended",), *_ENGAGEMENT,
            _("Engagement extended"),
        ),
        PublicType(
            "engagement.renewed", ("engagement.renewed", "engagement.term_rolled"),
            *_ENGAGEMENT, _("Engagement renewed"),
        ),
        PublicType(
            "engagement.notice_given", ("engagement.notice_given",), *_ENGAGEMENT,
            _("Notice given"),
        ),
        PublicType(
            "engagement.notice_window_opened", ("engagement.notice_window_opened",),
            *_ENGAGEMENT, _("Time to decide on notice began"),
        ),
        PublicType(
            "engagement.ending_soon", ("engagement.ending_soon",), *_ENGAGEMENT,
            _("Term ends soon"),
        ),
        PublicType(
            "engagement.ended", ("engagement.ended",), *_ENGAGEMENT,
            _("Engagement ended"),
        ),
        PublicType(
            "engagement.terminated", ("engagement.terminated",), *_ENGAGEMENT,
            _("Engagement broken off"),
        ),
        PublicType(
            "engagement.cancelled", ("engagement.cancelled",), *_ENGAGEMENT,
            _("Engagement given up before it began"),
        ),
        PublicType(
            "engagement.converted", ("engagement.converted",), *_ENGAGEMENT,
            _("Engagement converted to the other model"),
        ),
        PublicType(
            "engagement.deleted",
            ("engagement.deleted", "managedcontract.deleted", "assignment.deleted"),
            *_ENGAGEMENT, _("Draft deleted"),
        ),
        PublicType(
            "contractor.created", ("contractor.created",), *_CONTRACTOR,
            _("Contractor added"),
        ),
        PublicType(
            "contractor.updated", ("contractor.changed", "contractor.skills_set"),
            *_CONTRACTOR, _("Facts of a contractor changed"),
        ),
        PublicType(
            "contractor.ended", ("contractor.ended",), *_CONTRACTOR,
            _("Contractor's last engagement ended"),
        ),
        PublicType(
            "contractor.deleted", ("contractor.deleted",), *_CONTRACTOR,
            _("Contractor deleted"),
        ),
        PublicType(
            "vendor.created", ("vendor.registered",), *_VENDOR, _("Vendor registered"),
        ),
        PublicType(
            "vendor.updated", ("vendor.changed",), *_VENDOR,
            _("Facts of a vendor changed"),
        ),
        PublicType(
            "vendor.deleted", ("vendor.deleted",), *_VENDOR, _("Vendor deleted"),
        ),
        PublicType(
            "timesheet.approved", ("timesheet.approved",),
            Reach.ENGAGEMENT, "tracker.view_timesheet", _("Timesheet approved"),
        ),
        PublicType(
            "invoice.disputed", ("invoice.disputed",),
            Reach.INVOICE, "tracker.view_invoice", _("Invoice disputed"),
        ),
        PublicType(
            "budget.threshold_crossed", ("budget.threshold_crossed",),
            Reach.BUDGET, "tracker.view_budget", _("Budget used up to a threshold"),
        ),
        PublicType(
            "service_level.missed", ("service_level.missed",),
            Reach.ENGAGEMENT, "tracker.view_levelresult", _("Service level missed"),
        ),
        PublicType(
            "service_credit.due", ("credit.due",),
            Reach.MONEY, "tracker.view_credit", _("Service credit due"),
        ),
        PublicType(
            "model_flag.raised", ("model_flag.raised", "model_flag.reopened"), *_FLAG,
            _("The other model would fit better"),
        ),
        PublicType(
            "model_flag.cleared", ("model_flag.cleared",), *_FLAG,
            _("The present model fits again"),
        ),
        PublicType(
            "model_flag.accepted", ("model_flag.accepted",), *_FLAG,
            _("Change of model accepted"),
        ),
        PublicType(
            "manager.left", ("user.changed",),
            Reach.PERSON, "engagements.view_user",
            _("Somebody left who answers for engagements"), has_left,
        ),
    )
}
# fmt: on
BY_RECORDED: Mapping[str, PublicType] = {
    recorded: each for each in PUBLIC_TYPES.values() for recorded in each.recorded_as
}
# Sent on request alone, to try an address; never in the stream.
TEST_TYPE = "webhook.test"

# From the names of stored fields to the API's, where the two differ.
_NAMES: Mapping[str, Mapping[str, str]] = {
    "engagement": {
        "manager": "owner",
        "starts_on": "start_date",
        "ends_on": "end_date",
        "term_ends_on": "term_end_date",
        "notice_deadline_on": "notice_deadline",
        "purchase_order_number": "po_number",
        "rate": "pay_rate",
    },
    "contractor": {"full_name": "name", "jurisdiction": "country"},
}
# Reckoned from others, and no fields of the API.
_INNER = frozenset({"normalised_name", "created_at", "updated_at", "last_login"})
# Kept by cost centre in the event, whose codes are no names of fields.
_WHOLE: Mapping[str, tuple[str, ...]] = {"engagement.cost_split_set": ("cost_split",)}
# A term is a record of its own, of which the start is the day the price changes.
_OF_TERMS = {"starts_on": "effective_date", "unit": "pay_period"}
_LINKS = frozenset({"assignment", "contract"})
_TERMS = frozenset({"engagement.terms_amended", "engagement.rate_changed"})


def public_type_of(event: Event) -> PublicType | None:
    """Return what others know the event as; None where it isn't for them."""
    found = BY_RECORDED.get(event.event_type)
    return found if found is not None and found.condition(event) else None


def is_perhaps_public(event: Event) -> bool:
    """Tell by the type alone, without a question to the database."""
    return event.event_type in BY_RECORDED


def changed_names(event: Event, noun: str) -> list[str]:
    """Return the names of the fields that changed, as the API has them; no values.

    None of a record that is new: all of it is.
    """
    public_type = BY_RECORDED.get(event.event_type)
    if public_type is not None and public_type.name.endswith(".created"):
        return []
    if event.event_type in _WHOLE:
        return list(_WHOLE[event.event_type])
    names: dict[str, str] = dict(_NAMES.get(noun, {}))
    if event.event_type in _TERMS:
        names |= _OF_TERMS
    changed: set[str] = set(event.changes) - _INNER
    if event.event_type in _TERMS:
        changed -= _LINKS
    # What isn't named like a field was written for people, and may name them.
    return sorted({names.get(each, each) for each in changed if each.isidentifier()})
