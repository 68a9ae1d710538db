"""The demo company's identity tool: people and teams it pushed, and who left."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import QuerySet
from django.utils import timezone

from engagements.choices import Role, Status
from engagements.models import Assignment
from engagements.services.departures import note_contractor_gone
from engagements.services.engagements import change_engagement
from tracker.api.services import create_api_key
from tracker.demo.credentials import SCIM_KEY
from tracker.demo.founding import Cast, stable_id
from tracker.directory.choices import SyncKind
from tracker.directory.errors import PushRefusedError
from tracker.directory.models import DirectoryPerson, Team
from tracker.directory.services import (
    change_provisioned,
    link_account,
    map_team,
    provision_person,
    provision_team,
    tell,
    tell_refusal,
)

SOURCE = "Okta"
HOST = "wexmoor.example"
# Whose accounts were entered by hand before the tool came.
LINKED = ("m.tanaka", "g.mensah", "d.kowalczyk")
LEFT_BEHIND = 2


@dataclass(frozen=True, kw_only=True)
class Pushed:
    name: str
    department: str
    cost_centre: str = ""
    manager: str = ""

    @property
    def user_name(self) -> str:
        return f"{self.name.lower().replace(' ', '.')}@{HOST}"


LEAVER = Pushed(name="Helen Marsh", department="CUS", manager=f"d.kowalczyk@{HOST}")
PUSHED = (
    LEAVER,
    Pushed(name="Priya Nair", department="DAT", manager=f"m.tanaka@{HOST}"),
    Pushed(name="Tom Okafor", department="Growth Lab", manager=f"m.tanaka@{HOST}"),
    Pushed(name="Ines Duarte", department="OPS", manager=f"p.bell@{HOST}"),
)
TEAMS = {
    "Contract owners": ["Helen Marsh", "Priya Nair"],
    "Data platform": ["Priya Nair", "Tom Okafor"],
}


def push_people(cast: Cast) -> None:
    """Tell a first synchronisation, with what it could not follow, and a leaver."""
    _make_key(cast)
    linked = [_link(cast, username) for username in LINKED]
    people = {one.name: _push(cast, one) for one in PUSHED}
    _refuse_twin_of_finance(cast)
    teams = [
        _team(cast, name, [people[each] for each in TEAMS[name]]) for name in TEAMS
    ]
    owners = teams[0]
    owners.role = Role.MANAGER.value
    map_team(team=owners, actor=cast.people["admin"])
    for _person in linked:
        tell(
            kind=SyncKind.PATH_MATCHED_NOTHING,
            name="User",
            detail="title",
            source=SOURCE,
        )
    _leave(cast, people[LEAVER.name])
    _lose_a_contractor(cast)


def _make_key(cast: Cast) -> None:
    key, _text = create_api_key(
        name=SOURCE,
        scopes=["people:write"],
        owner=cast.people["hr"],
        key=SCIM_KEY,
        actor=cast.people["admin"],
    )
    key.last_used_at = timezone.now()
    key.save(update_fields=["last_used_at"])


def _link(cast: Cast, username: str) -> DirectoryPerson:
    """Let the tool keep an account, as an administrator did on the sync page."""
    account = cast.people[username]
    entry = tell(
        kind=SyncKind.SAME_EMAIL,
        name=account.email,
        account=account,
        external_id=f"00u-{username}",
        source=SOURCE,
    )
    return link_account(entry=entry, actor=cast.people["admin"])


def _push(cast: Cast, one: Pushed) -> DirectoryPerson:
    first, _blank, last = one.name.partition(" ")
    return provision_person(
        person=DirectoryPerson(
            public_id=stable_id("directory", one.user_name),
            user_name=one.user_name,
            external_id=f"00u-{one.user_name.partition('@')[0]}",
            given_name=first,
            family_name=last,
            display_name=one.name,
            emails=[{"value": one.user_name, "type": "work", "primary": True}],
            department_name=one.department,
            cost_centre_name=one.cost_centre,
            manager_value=one.manager,
        ),
        source=SOURCE,
        actor=cast.people["hr"],
    )


def _refuse_twin_of_finance(cast: Cast) -> None:
    """Push somebody whose e-mail address an account has that was entered by hand."""
    finance = cast.people["finance"]
    try:
        provision_person(
            person=DirectoryPerson(
                user_name=f"eleanor.whitcombe@{HOST}",
                external_id="00u-eleanor.whitcombe",
                display_name=str(finance),
                emails=[{"value": finance.email, "type": "work"}],
            ),
            source=SOURCE,
            actor=cast.people["hr"],
        )
    except PushRefusedError as refusal:
        tell_refusal(refusal=refusal, source=SOURCE)


def _team(cast: Cast, name: str, members: Sequence[DirectoryPerson]) -> Team:
    return provision_team(
        team=Team(public_id=stable_id("team", name), name=name),
        members=[str(person.public_id) for person in members],
        source=SOURCE,
        actor=cast.people["hr"],
    )


def _leave(cast: Cast, person: DirectoryPerson) -> None:
    """Give somebody work of an overloaded colleague, and let them leave with it."""
    busiest = cast.people["s.rossi"]
    theirs: QuerySet[Assignment] = QuerySet(Assignment).filter(
        manager=busiest, status=Status.ACTIVE
    )
    for engagement in theirs.order_by("reference")[:LEFT_BEHIND]:
        engagement.manager = person.user
        change_engagement(engagement=engagement, actor=cast.people["d.kowalczyk"])
    found = DirectoryPerson.objects.get(pk=person.pk)
    found.active = False
    change_provisioned(person=found, source=SOURCE, actor=cast.people["hr"])


def _lose_a_contractor(cast: Cast) -> None:
    """Let the feed no longer have somebody who still works for us."""
    at_work: QuerySet[Assignment] = QuerySet(Assignment).filter(status=Status.ACTIVE)
    found = at_work.exclude(contractor=None).order_by("reference").last()
    if found is not None and found.contractor is not None:
        note_contractor_gone(contractor=found.contractor, actor=cast.people["hr"])
