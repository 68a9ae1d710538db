"""Which of our records the names mean that an identity tool sent."""

from typing import TypeVar
from uuid import UUID

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from engagements.models import Contractor, CostCentre, Department, User
from engagements.services.records import create_record
from tracker.directory.choices import SyncKind
from tracker.directory.matching import key_of
from tracker.directory.models import DirectoryPerson
from tracker.directory.services.entries import settle_matched, tell

R = TypeVar("R", Department, CostCentre)

CREATE = "create"
LONGEST_CODE = 40


def department_of(
    *, person: DirectoryPerson, source: str, actor: User | None
) -> Department | None:
    """Return the department of the name sent; makes it where the setting says so."""
    found = _by_code_or_name(Department.objects.all(), person.department_name)
    if found is None and person.department_name and _creates():
        found = _made(
            Department(
                code=person.department_name[:LONGEST_CODE], name=person.department_name
            ),
            actor,
        )
    _say(
        SyncKind.UNKNOWN_DEPARTMENT,
        person,
        person.department_name,
        is_known=found is not None,
        source=source,
    )
    return found


def cost_centre_of(
    *, person: DirectoryPerson, source: str, actor: User | None
) -> CostCentre | None:
    """Return the cost centre of the name sent; makes it where the setting says so."""
    name = person.cost_centre_name
    found = _by_code_or_name(CostCentre.objects.all(), name)
    if found is None and name and _creates():
        found = _made(CostCentre(code=name[:LONGEST_CODE], name=name), actor)
    _say(
        SyncKind.UNKNOWN_COST_CENTRE,
        person,
        name,
        is_known=found is not None,
        source=source,
    )
    return found


def manager_of(*, person: DirectoryPerson, source: str) -> DirectoryPerson | None:
    """Return the person sent as manager: by id, or by another name tools use."""
    value = person.manager_value
    found = _person_called(value, but=person)
    detail = value
    if value and value == str(person.public_id):
        detail = _("themselves")
    _say(
        SyncKind.UNKNOWN_MANAGER,
        person,
        detail,
        is_known=found is not None,
        source=source,
    )
    return found


def waiting_for(person: DirectoryPerson) -> QuerySet[DirectoryPerson]:
    """Return the people whose manager was not known, and is this one."""
    names = Q(manager_value=str(person.public_id)) | Q(
        manager_value__iexact=person.user_name
    )
    if person.external_id:
        names |= Q(manager_value=person.external_id)
    if person.employee_number:
        names |= Q(manager_value=person.employee_number)
    rows = DirectoryPerson.objects.filter(names, manager=None)
    return rows.exclude(pk=person.pk).select_related("user")


def contractors_of(person: DirectoryPerson) -> list[Contractor]:
    """Return the contractors whom the person's e-mail or number means."""
    names = Q()
    for email in person.emails:
        if value := email.get("value"):
            names |= Q(work_email__iexact=value)
    if person.employee_number:
        names |= Q(worker_number=person.employee_number)
    if person.external_id:
        names |= Q(external_id=person.external_id)
    return list(Contractor.objects.filter(names)) if names else []


def _person_called(value: str, *, but: DirectoryPerson) -> DirectoryPerson | None:
    if not value:
        return None
    rows = DirectoryPerson.objects.exclude(pk=but.pk).select_related("user")
    try:
        names = [Q(public_id=UUID(value))]
    except ValueError:
        names = []
    names += [
        Q(external_id=value),
        Q(user_name_key=key_of(value)),
        Q(employee_number=value),
    ]
    for name in names:
        found = list(rows.filter(name)[:2])
        if len(found) == 1:
            return found[0]
    return None


def _by_code_or_name(rows: QuerySet[R], name: str) -> R | None:
    if not name:
        return None
    found = rows.filter(code__iexact=name).first()
    if found is not None:
        return found
    # A name that two records have says nothing.
    named = list(rows.filter(name__iexact=name)[:2])
    return named[0] if len(named) == 1 else None


def _creates() -> bool:
    return bool(settings.SCIM_UNKNOWN_CODES == CREATE)


def _made(record: R, actor: User | None) -> R | None:
    """Return the new record, or None where the name can't be one of ours."""
    try:
        with transaction.atomic():
            return create_record(record=record, actor=actor)
    except ValidationError:
        return None


def _say(
    kind: SyncKind,
    person: DirectoryPerson,
    name: str,
    *,
    is_known: bool,
    source: str,
) -> None:
    """Tell of a name that means nothing here, or that this is put right."""
    if name and not is_known:
        tell(kind=kind, person=person, detail=name, source=source)
    else:
        settle_matched(kinds=(kind,), person=person)
