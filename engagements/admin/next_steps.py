"""Which steps stand on a page, and which under "More": what fits its state goes first.

A step is known by the last part of its address, such as "give-notice".
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engagements.choices import Phase

# More of them would no longer say what to do next.
SHOWN = 3
# What somebody waits for, in any phase.
AWAITED = ("approve", "send-for-approval", "start")
ANSWERS = ("approve", "reject", "send-for-approval", "start")
BY_PHASE: dict[str, Sequence[str]] = {
    Phase.NOTICE_WINDOW: ("renew", "give-notice"),
    Phase.ENDING: ("extend", "end"),
    Phase.OVERDUE: ("end", "extend"),
}
ON_THE_WAY = ("change-order", "extend")
# Phases in which something is to be done, so that the first step is told as the next.
PRESSING = (Phase.NOTICE_WINDOW, Phase.OVERDUE)

Step = Mapping[str, Any]


@dataclass(frozen=True)
class Steps:
    """django-unfold's actions of a page, as its template `steps.html` shows them."""

    first: list[Step]
    more: list[Step]
    is_pressing: bool


def engagement_steps(actions: Sequence[Step], phase: str) -> Steps:
    first = (*ANSWERS, *BY_PHASE.get(phase, ON_THE_WAY), "withdraw")
    return steps_in_order(actions, first, pressing=(*AWAITED, *_pressing(phase)))


def steps_in_order(
    actions: Sequence[Step], first: Sequence[str], pressing: Sequence[str] = ()
) -> Steps:
    """Return the actions, those named in `first` before the others."""
    named = {_name(action): action for action in actions}
    shown = [name for name in first if name in named][:SHOWN]
    return Steps(
        first=[named[name] for name in shown],
        more=[action for name, action in named.items() if name not in shown],
        is_pressing=bool(shown) and shown[0] in pressing,
    )


def _pressing(phase: str) -> Sequence[str]:
    return BY_PHASE[phase] if phase in PRESSING else ()


def _name(action: Step) -> str:
    return str(action["path"]).rstrip("/").rpartition("/")[2]
