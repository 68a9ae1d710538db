"""People as an identity tool pushes them, and the accounts that follow."""

from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.utils.translation import gettext as _

from engagements import queries
from engagements.errors import ConflictError, WrongStateError
from engagements.models import User
from engagements.services.departures import note_contractor_gone, note_return
from engagements.services.people import change_person
from engagements.services.records import change_record, create_record, set_links
from tracker.directory.choices import TAKEN, SyncKind
from tracker.directory.errors import NameTakenError, PushRefusedError
from tracker.directory.matching import account_name, email_keys, key_of
from tracker.directory.models import DirectoryPerson, SyncEntry
from tracker.directory.services.entries import settle_entry, settle_matched, tell
from tracker.directory.services.matching import (
    contractors_of,
    cost_centre_of,
    department_of,
    manager_of,
    waiting_for,
)

# What the tool keeps of every account it pushes.
ALWAYS_KEPT = (
    "username",
    "first_name",
    "last_name",
    "email",
    "is_active",
    "external_id",
)
# What a feed may leave out; it keeps them from when it first told them.
KEPT_ONCE_TOLD = {
    "employee_number": "employee_number",
    "department": "department_name",
    "manager": "manager_value",
}
LONGEST_NAME = 150
# Not told one by one as changes of a person.
_UNTOLD = frozenset(
    {"id", "version", "created_at", "updated_at", "user_name_key", "email_keys"}
)


@transaction.atomic
def provision_person(
    *, person: DirectoryPerson, source: str, actor: User | None
) -> DirectoryPerson:
    """Store a person whom the tool pushed, with an account without password or role.

    Raises NameTakenError where an account has the name or address already, and
    ValidationError by field.
    """
    if person.active is None:
        person.active = True
    _prepare(person)
    _check_free(person)
    account = User(username=account_name(person.user_name))
    account.set_unusable_password()
    _name_account(account, person)
    person.user = create_record(record=account, actor=actor)
    person.full_clean()
    person.save(force_insert=True)
    _place(person, source=source, actor=actor)
    tell(kind=SyncKind.CREATED, person=person, source=source)
    _link_waiting(person, actor=actor)
    _settle_taken(person)
    _note_contractors(person, is_active=person.user.is_active, actor=actor)
    return person


@transaction.atomic
def change_provisioned(
    *,
    person: DirectoryPerson,
    expected_version: int | None = None,
    source: str,
    actor: User | None,
) -> DirectoryPerson:
    """Store what the tool says of a person now, and let the account follow.

    Raises ConflictError where the stored version isn't the expected one, NameTakenError
    where an account has the name or address, PushRefusedError where it would lock
    everybody out, and ValidationError by field.
    """
    stored = _locked(person.pk, expected_version)
    _prepare(person)
    changed = _changed(stored, person)
    if not changed:
        return person
    _check_free(person, stored)
    was_active = stored.user.is_active
    if was_active and person.active is False:
        _check_may_leave(person, actor)
    person.full_clean()
    person.version = stored.version + 1
    person.save()
    _follow(person, source=source, actor=actor)
    is_active = person.user.is_active
    tell(
        kind=_kind_of_change(was_active, is_active),
        person=person,
        detail=", ".join(changed),
        source=source,
    )
    _link_waiting(person, actor=actor)
    if is_active != was_active:
        _note_contractors(person, is_active=is_active, actor=actor)
    return person


@transaction.atomic
def remove_person(
    *,
    person: DirectoryPerson,
    expected_version: int | None = None,
    source: str,
    actor: User | None,
) -> None:
    """Take a person out of what the tool keeps.

    The account stays, since what it did stays told; it is inactive, without roles, and
    gives its user name up, so that whoever gets that name next inherits nothing.
    Raises ConflictError and PushRefusedError.
    """
    stored = _locked(person.pk, expected_version)
    was_active = stored.user.is_active
    if was_active:
        _check_may_leave(stored, actor)
    account = User.objects.get(pk=stored.user_id)
    account.is_active = account.is_staff = account.is_superuser = False
    account.username = _given_up(account)
    account.external_id = None
    account.provisioned_fields = []
    change_person(person=account, actor=actor)
    set_links(record=account, field_name="groups", links=[], actor=actor)
    name = str(stored)
    if was_active:
        _note_contractors(stored, is_active=False, actor=actor)
    SyncEntry.objects.problems().filter(person=stored).delete()
    stored.delete()
    tell(kind=SyncKind.REMOVED, name=name, account=account, source=source)


@transaction.atomic
def link_account(*, entry: SyncEntry, actor: User) -> DirectoryPerson:
    """Let the tool keep an account that was entered by hand, as the entry asks.

    Its roles and history stay. The tool finds it at its next attempt. Raises
    WrongStateError where the entry names no such account.
    """
    account = entry.account
    if not entry.is_problem or account is None or not can_link(entry):
        raise WrongStateError(_("There is no account by hand to link here."))
    emails = [{"value": account.email, "type": "work", "primary": True}]
    person = DirectoryPerson(
        user=account,
        user_name=entry.name,
        external_id=entry.external_id or None,
        display_name=str(account),
        given_name=account.first_name,
        family_name=account.last_name,
        emails=emails if account.email else [],
        active=account.is_active,
        employee_number=account.employee_number,
    )
    _prepare(person)
    person.full_clean()
    person.save(force_insert=True)
    account.provisioned_fields = _kept_of(account, person)
    change_record(record=account, event_type="user.linked", actor=actor)
    tell(kind=SyncKind.UPDATED, person=person, source=str(actor))
    settle_entry(entry=entry, actor=actor)
    return person


def can_link(entry: SyncEntry) -> bool:
    """Tell whether the entry's account is one that no tool keeps yet."""
    if entry.kind not in TAKEN:
        return False
    account = entry.account
    if account is None or not account.is_active:
        return False
    return not DirectoryPerson.objects.filter(user=account).exists()


@transaction.atomic
def match_again(*, person: DirectoryPerson, actor: User) -> DirectoryPerson:
    """Look once more for the department, cost centre and manager that were sent."""
    stored = _locked(person.pk, None)
    _follow(stored, source=str(actor), actor=actor)
    return stored


@transaction.atomic
def give_team_roles(*, person: DirectoryPerson, actor: User | None) -> None:
    """Give the person's account the roles of its teams, and take back those it lost.

    Roles given by hand stay; without any role left nobody comes into the admin.
    """
    wanted = set(
        person.teams.exclude(role="").values_list("role", flat=True).distinct()
    )
    account = User.objects.get(pk=person.user_id)
    present = {group.name: group for group in account.groups.all()}
    given = set(person.team_roles)
    kept = {name for name in present if name not in given or name in wanted}
    new = wanted - present.keys()
    groups = [present[name] for name in kept]
    groups += Group.objects.filter(name__in=new)
    set_links(record=account, field_name="groups", links=groups, actor=actor)
    remembered = sorted((given & wanted) | new)
    if remembered != person.team_roles:
        person.team_roles = remembered
        DirectoryPerson.objects.filter(pk=person.pk).update(team_roles=remembered)
    has_role = bool(groups) or account.is_superuser
    if (given or new) and account.is_staff != has_role:
        account.is_staff = has_role
        change_record(record=account, actor=actor)


def _settle_taken(person: DirectoryPerson) -> None:
    """Close what was told of this name while it was taken."""
    rows = SyncEntry.objects.problems().filter(
        kind__in=TAKEN,
        name__iexact=person.user_name,
    )
    rows.update(settled_at=person.updated_at)


def _locked(pk: int, expected_version: int | None) -> DirectoryPerson:
    rows = DirectoryPerson.objects.select_for_update(of=("self",))
    stored: DirectoryPerson = rows.select_related("user").get(pk=pk)
    if expected_version is not None and stored.version != expected_version:
        raise ConflictError(_("This person was changed meanwhile."))
    return stored


def _prepare(person: DirectoryPerson) -> None:
    person.user_name_key = key_of(person.user_name)
    person.email_keys = email_keys(
        [str(email["value"]) for email in person.emails if email.get("value")]
    )


def _changed(stored: DirectoryPerson, person: DirectoryPerson) -> list[str]:
    return [
        str(field.name)
        for field in DirectoryPerson._meta.concrete_fields
        if field.name not in _UNTOLD
        and field.value_from_object(stored) != field.value_from_object(person)
    ]


def _check_free(person: DirectoryPerson, stored: DirectoryPerson | None = None) -> None:
    """Refuse a new name, address or id that an account has already.

    What was theirs before is not asked again: nothing may keep a leaver active.
    """
    others = User.objects.exclude(pk=person.user_id) if person.user_id else User.objects
    name = account_name(person.user_name)
    if stored is None or account_name(stored.user_name) != name:
        holder = others.filter(username__iexact=name).first()
        _refuse_taken(person, holder, SyncKind.SAME_USER_NAME)
    external_id = person.external_id
    if external_id and (stored is None or stored.external_id != external_id):
        holder = others.filter(external_id=external_id).first()
        _refuse_taken(person, holder, SyncKind.SAME_EXTERNAL_ID)
    email = chosen_email(person)
    if email and (stored is None or chosen_email(stored) != email):
        holder = others.filter(email__iexact=email, is_active=True).first()
        _refuse_taken(person, holder, SyncKind.SAME_EMAIL)


def _refuse_taken(person: DirectoryPerson, holder: User | None, kind: SyncKind) -> None:
    if holder is None:
        return
    raise NameTakenError(
        _("%(name)s: an account has the same user name, e-mail or external id.")
        % {"name": person.user_name},
        kind=kind,
        name=person.user_name,
        external_id=person.external_id or "",
        account=holder,
    )


def _check_may_leave(person: DirectoryPerson, actor: User | None) -> None:
    """Refuse to lock everybody out, or the feed itself."""
    is_feed = actor is not None and actor.pk == person.user_id
    others = queries.administrators().exclude(pk=person.user_id)
    is_last = (
        queries.administrators().filter(pk=person.user_id).exists()
        and not others.exists()
    )
    if is_feed or is_last:
        raise PushRefusedError(
            _("This is the last administrator, or the account of this feed's key."),
            kind=SyncKind.KEPT_ACTIVE,
            name=person.user_name,
            account=person.user,
        )


def _kind_of_change(was_active: bool, is_active: bool) -> SyncKind:
    if was_active == is_active:
        return SyncKind.UPDATED
    return SyncKind.REACTIVATED if is_active else SyncKind.DEACTIVATED


def _follow(person: DirectoryPerson, *, source: str, actor: User | None) -> None:
    account = User.objects.get(pk=person.user_id)
    _name_account(account, person)
    person.user = change_person(person=account, actor=actor)
    _place(person, source=source, actor=actor)


def _name_account(account: User, person: DirectoryPerson) -> None:
    """Set what the tool keeps of every account."""
    account.username = account_name(person.user_name)
    account.first_name, account.last_name = names_of(person)
    account.email = chosen_email(person)
    if person.active is not None:
        account.is_active = person.active
    account.external_id = person.external_id or None
    account.provisioned_fields = _kept_of(account, person)
    if "employee_number" in account.provisioned_fields:
        account.employee_number = person.employee_number


def _place(person: DirectoryPerson, *, source: str, actor: User | None) -> None:
    """Find where the person belongs, once they are stored themselves."""
    account = User.objects.get(pk=person.user_id)
    department = department_of(person=person, source=source, actor=actor)
    manager = manager_of(person=person, source=source)
    person.manager = manager
    person.cost_centre = cost_centre_of(person=person, source=source, actor=actor)
    DirectoryPerson.objects.filter(pk=person.pk).update(
        manager=person.manager, cost_centre=person.cost_centre
    )
    if "department" in account.provisioned_fields:
        account.department = department
    if "manager" in account.provisioned_fields:
        account.manager = manager.user if manager else None
    person.user = change_person(person=account, actor=actor)


def _kept_of(account: User, person: DirectoryPerson) -> list[str]:
    told = [
        name
        for name, sent in KEPT_ONCE_TOLD.items()
        if name in account.provisioned_fields or getattr(person, sent)
    ]
    return [*ALWAYS_KEPT, *told]


def _link_waiting(person: DirectoryPerson, *, actor: User | None) -> None:
    """Make this person the manager of those who waited for them."""
    for report in waiting_for(person):
        report.manager = person
        DirectoryPerson.objects.filter(pk=report.pk).update(manager=person)
        account = User.objects.get(pk=report.user_id)
        account.manager = person.user
        change_person(person=account, actor=actor)
        settle_matched(kinds=(SyncKind.UNKNOWN_MANAGER,), person=report)


def _note_contractors(
    person: DirectoryPerson, *, is_active: bool, actor: User | None
) -> None:
    """Ask for a look at the engagements of contractors who left the feed."""
    for contractor in contractors_of(person):
        if is_active:
            note_return(contractor=contractor, actor=actor)
        else:
            note_contractor_gone(contractor=contractor, actor=actor)


def chosen_email(person: DirectoryPerson) -> str:
    """Return the address to write to: the primary one, else work, else the first.

    Feeds also send what is no address; nobody can be written to there.
    """
    valid = [email for email in person.emails if _is_address(email.get("value"))]
    in_order = sorted(
        valid, key=lambda email: (not email.get("primary"), email.get("type") != "work")
    )
    return str(in_order[0]["value"]) if in_order else ""


def names_of(person: DirectoryPerson) -> tuple[str, str]:
    """Return first and last name; from the whole name where only that was sent."""
    if person.given_name or person.family_name:
        return person.given_name, person.family_name
    first, _space, last = (person.display_name or person.formatted_name).partition(" ")
    return first[:LONGEST_NAME], last[:LONGEST_NAME]


def _is_address(value: str | None) -> bool:
    try:
        validate_email(value)
    except ValidationError:
        return False
    return True


def _given_up(account: User) -> str:
    mark = f"-left-{account.pk}"
    return account.username[: LONGEST_NAME - len(mark)] + mark
