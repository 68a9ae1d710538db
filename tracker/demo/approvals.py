"""The demo company's approval rules, made once its history is told, and what waits."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.contrib.auth.models import Group

from engagements.choices import Kind
from engagements.models import ApprovalRule, ChangeOrder
from engagements.services.change_orders import record_change_order
from engagements.services.lifecycle import submit_engagement
from engagements.services.records import create_record
from tracker.demo.billing import Told
from tracker.demo.founding import Cast

HEADS = "Heads of department"
CONTROLLERS = "Finance controllers"
MEMBERS = {
    HEADS: ("i.solberg", "manager", "g.mensah", "d.kowalczyk"),
    CONTROLLERS: ("finance",),
}


@dataclass(frozen=True, kw_only=True)
class Rule:
    name: str
    group: str
    amount: str
    kind: str = ""
    unit: str | None = None
    covers_every_change: bool = False


RULES = (
    Rule(name="From £100,000", group=HEADS, amount="100000"),
    Rule(name="From £500,000", group=CONTROLLERS, amount="500000"),
    Rule(
        name="Contractors of Technology",
        group=HEADS,
        amount="60000",
        kind=Kind.AUGMENTED,
        unit="TEC",
        covers_every_change=True,
    ),
)

# A draft that its manager has sent, and a change order that another one has recorded.
SENT = "Identity service run"
CHANGED = "Pricing engine development"


def make_rules(cast: Cast) -> None:
    """Store the rules with their groups; what started before them stays active."""
    admin = cast.people["admin"]
    groups = {}
    for name, members in MEMBERS.items():
        groups[name] = create_record(record=Group(name=name), actor=admin)
        for username in members:
            cast.people[username].groups.add(groups[name])
    for rule in RULES:
        create_record(
            record=ApprovalRule(
                name=rule.name,
                kind=rule.kind,
                department=cast.units[rule.unit] if rule.unit else None,
                from_amount=Decimal(rule.amount),
                covers_every_change=rule.covers_every_change,
                approver_group=groups[rule.group],
            ),
            actor=admin,
        )


def ask_for_approvals(told: Sequence[Told], cast: Cast) -> None:
    """Leave one engagement and one change order waiting for somebody else."""
    known = {one.story.title: one for one in told}
    sent, changed = known[SENT], known[CHANGED]
    submit_engagement(engagement=sent.engagement, actor=cast.people[sent.story.manager])
    record_change_order(
        change_order=ChangeOrder(
            engagement=changed.engagement,
            effective_on=cast.today,
            value_change=Decimal(24_800),
            reason="Prices for the trade counter, asked for by Operations.",
        ),
        actor=cast.people[changed.story.manager],
    )
