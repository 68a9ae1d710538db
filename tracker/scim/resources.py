"""Our records as SCIM resources, and back."""

from typing import Any, cast

from scim2_models import Meta, Reference

from tracker.directory.models import DirectoryPerson, Team
from tracker.scim.provider import (
    GROUP_TYPE,
    USER_TYPE,
    Email,
    EnterpriseUser,
    Group,
    GroupMember,
    GroupMembership,
    Manager,
    Name,
    Person,
    User,
)


def version_of(record: DirectoryPerson | Team) -> str:
    return f'W/"{record.version}"'


def user_of(person: DirectoryPerson) -> User[Any]:
    """Return the person; teams and the manager should be read with them."""
    user = Person(
        id=str(person.public_id),
        external_id=person.external_id,
        user_name=person.user_name,
        name=_name(person),
        display_name=person.display_name or None,
        active=person.active,
        emails=[Email(**email) for email in person.emails] or None,
        groups=_memberships(person) or None,
        meta=_meta(person, USER_TYPE.name),
    )
    extension = _extension(person)
    if extension is not None:
        user[EnterpriseUser] = extension
    return cast("User[Any]", user)


def group_of(team: Team, *, with_members: bool = True) -> Group:
    return Group(
        id=str(team.public_id),
        external_id=team.external_id,
        display_name=team.name,
        members=(_members(team) or None) if with_members else None,
        meta=_meta(team, GROUP_TYPE.name),
    )


def fill_person(person: DirectoryPerson, user: User[Any]) -> DirectoryPerson:
    """Set on the person what the resource says; what it leaves out is cleared."""
    name = user.name or Name()
    extension = user[EnterpriseUser] or EnterpriseUser()
    person.external_id = user.external_id or None
    person.user_name = user.user_name or ""
    person.formatted_name = name.formatted or ""
    person.given_name = name.given_name or ""
    person.family_name = name.family_name or ""
    person.display_name = user.display_name or ""
    person.active = user.active
    person.emails = [_email(email) for email in user.emails or []]
    person.employee_number = extension.employee_number or ""
    person.cost_centre_name = extension.cost_center or ""
    person.department_name = extension.department or ""
    person.manager_value = _sent_manager(extension.manager)
    return person


def fill_team(team: Team, group: Group) -> Team:
    team.external_id = group.external_id or None
    team.name = group.display_name or ""
    return team


def members_of(group: Group) -> list[str]:
    return [member.value for member in group.members or [] if member.value]


def _meta(record: DirectoryPerson | Team, resource_type: str | None) -> Meta:
    return Meta(
        resource_type=resource_type,
        created=record.created_at,
        last_modified=record.last_modified_at,
        version=version_of(record),
    )


def _name(person: DirectoryPerson) -> Name | None:
    parts = (person.formatted_name, person.given_name, person.family_name)
    if not any(parts):
        return None
    return Name(
        formatted=person.formatted_name or None,
        given_name=person.given_name or None,
        family_name=person.family_name or None,
    )


def _extension(person: DirectoryPerson) -> EnterpriseUser | None:
    extension = EnterpriseUser(
        employee_number=person.employee_number or None,
        cost_center=person.cost_centre_name or None,
        department=person.department_name or None,
        manager=_manager(person),
    )
    is_empty = not any(
        (
            person.employee_number,
            person.cost_centre_name,
            person.department_name,
            person.manager_value,
        )
    )
    return None if is_empty else extension


def _manager(person: DirectoryPerson) -> Manager | None:
    if not person.manager_value:
        return None
    manager = Manager(value=person.manager_value, ref=None)
    if person.manager is not None:
        manager.ref = Reference[User[Any]](f"Users/{person.manager.public_id}")
    return manager


def _sent_manager(manager: Manager | None) -> str:
    """Return whom the tool names: by value, else by the end of the reference."""
    if manager is None:
        return ""
    return manager.value or str(manager.ref or "").rstrip("/").rpartition("/")[2]


def _memberships(person: DirectoryPerson) -> list[GroupMembership]:
    return [
        GroupMembership(
            value=str(team.public_id),
            ref=Reference[Group](f"Groups/{team.public_id}"),
            display=team.name,
            type="direct",
        )
        for team in person.teams.all()
    ]


def _members(team: Team) -> list[GroupMember]:
    return [
        GroupMember(
            value=str(person.public_id),
            ref=Reference[User[Any]](f"Users/{person.public_id}"),
            type=USER_TYPE.name,
        )
        for person in team.members.all()
    ]


def _email(email: Email) -> dict[str, Any]:
    return {
        name: value
        for name in ("value", "display", "type", "primary")
        if (value := getattr(email, name)) is not None
    }
