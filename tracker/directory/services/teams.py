"""Teams as an identity tool pushes them, and the roles they give."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from engagements.errors import ConflictError
from engagements.models import User
from engagements.services.records import (
    change_record,
    create_record,
    delete_record,
    raise_version,
    set_links,
)
from tracker.directory.choices import SyncKind
from tracker.directory.matching import key_of
from tracker.directory.models import DirectoryPerson, Team
from tracker.directory.services.entries import settle_matched, tell
from tracker.directory.services.people import give_team_roles


@transaction.atomic
def provision_team(
    *, team: Team, members: Sequence[str], source: str, actor: User | None
) -> Team:
    """Store a team whom the tool pushed, without a role.

    Members who are not known are left out and told. Raises ValidationError by field.
    """
    team.name_key = key_of(team.name)
    create_record(record=team, actor=actor)
    _set_members(team, members, source=source, actor=actor)
    tell(kind=SyncKind.CREATED, team=team, source=source)
    return team


@transaction.atomic
def change_team(
    *,
    team: Team,
    members: Sequence[str],
    expected_version: int | None = None,
    source: str,
    actor: User | None,
) -> Team:
    """Store what the tool says of a team now.

    Raises ConflictError where the stored version isn't the expected one, and
    ValidationError by field.
    """
    stored = _locked(team.pk, expected_version)
    team.role = stored.role
    team.name_key = key_of(team.name)
    before = stored.version
    changed = change_record(record=team, actor=actor)
    is_renamed = changed.version != before
    has_others = _set_members(team, members, source=source, actor=actor)
    if has_others and not is_renamed:
        raise_version(record=team)
    found = {"name": is_renamed, "members": has_others}
    told = ", ".join(name for name, is_changed in found.items() if is_changed)
    if told:
        tell(kind=SyncKind.UPDATED, team=team, detail=told, source=source)
    return team


@transaction.atomic
def remove_team(
    *,
    team: Team,
    expected_version: int | None = None,
    source: str,
    actor: User | None,
) -> None:
    """Delete a team; its members lose the role it gave. Raises ConflictError."""
    stored = _locked(team.pk, expected_version)
    members = list(stored.members.all())
    name = stored.name
    set_links(record=stored, field_name="members", links=[], actor=actor)
    delete_record(record=stored, actor=actor)
    _give_roles(members, actor)
    tell(kind=SyncKind.REMOVED, name=name, source=source)


@transaction.atomic
def map_team(*, team: Team, expected_version: int | None = None, actor: User) -> Team:
    """Store which role an administrator lets the team give, and give it.

    Raises ConflictError, and ValidationError by field.
    """
    changed = change_record(
        record=team,
        event_type="team.role_mapped",
        expected_version=expected_version,
        actor=actor,
    )
    _give_roles(team.members.all(), actor)
    return changed


def _locked(pk: int, expected_version: int | None) -> Team:
    stored: Team = Team.objects.select_for_update().get(pk=pk)
    if expected_version is not None and stored.version != expected_version:
        raise ConflictError(_("This team was changed meanwhile."))
    return stored


def _set_members(
    team: Team, members: Sequence[str], *, source: str, actor: User | None
) -> bool:
    """Store the members, and tell whether any came or went."""
    known, unknown = _known(members)
    before = {person.pk: person for person in team.members.all()}
    after = {person.pk: person for person in known}
    _tell_unknown(team, unknown, source=source)
    touched = before.keys() ^ after.keys()
    if touched:
        set_links(record=team, field_name="members", links=known, actor=actor)
    if team.role:
        everyone = before | after
        _give_roles([everyone[pk] for pk in sorted(touched)], actor)
    return bool(touched)


def _known(members: Sequence[str]) -> tuple[list[DirectoryPerson], list[str]]:
    ids = {value: _uuid(value) for value in members}
    found = {
        person.public_id: person
        for person in DirectoryPerson.objects.filter(
            public_id__in=[each for each in ids.values() if each]
        )
    }
    unknown = [value for value, each in ids.items() if each not in found]
    return list(found.values()), unknown


def _tell_unknown(team: Team, unknown: Sequence[str], *, source: str) -> None:
    if not unknown:
        settle_matched(kinds=(SyncKind.UNKNOWN_MEMBER,), team=team)
    for value in unknown:
        tell(kind=SyncKind.UNKNOWN_MEMBER, team=team, detail=value, source=source)


def _uuid(value: str) -> UUID | None:
    try:
        return UUID(value)
    except ValueError:
        return None


def _give_roles(people: Iterable[DirectoryPerson], actor: User | None) -> None:
    for person in people:
        give_team_roles(person=person, actor=actor)
