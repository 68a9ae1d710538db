"""Where the SCIM server reads and writes: our people and teams, by their services."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import DataError, IntegrityError, transaction
from django.db.models import QuerySet
from scim2_models import (
    ConflictException,
    InvalidValueException,
    NotFoundException,
    PreconditionFailedException,
    Resource,
    ResourceType,
    ResponseParameters,
    SearchRequest,
    UniquenessException,
)
from scim2_server.storage import ScimStorage, SearchPage

from engagements.errors import ConflictError, TrackerError
from engagements.models import User
from tracker.directory.errors import NameTakenError, PushRefusedError
from tracker.directory.models import DirectoryPerson, Team
from tracker.directory.services import (
    change_provisioned,
    change_team,
    provision_person,
    provision_team,
    remove_person,
    remove_team,
)
from tracker.scim.narrowing import PEOPLE, TEAMS, narrowed
from tracker.scim.provider import GROUP_TYPE, USER_TYPE, Group
from tracker.scim.resources import (
    fill_person,
    fill_team,
    group_of,
    members_of,
    user_of,
)

M = TypeVar("M", DirectoryPerson, Team)
AnyResource = Resource[Any]
VERSION = re.compile(r'(?:W/)?"([0-9]{1,9})"')
# The codes by which Django's own validation says that a value is taken.
TAKEN = frozenset({"unique", "unique_together"})


@dataclass(frozen=True)
class Asked:
    """What is looked for, and whether the answer tells of members of teams."""

    request: SearchRequest[Any]
    with_members: bool

    @property
    def is_plain(self) -> bool:
        """Whether all rows are wanted in any order, so that a page can be cut."""
        return self.request.filter is None and self.request.sort_by is None


class DirectoryStorage(ScimStorage):
    """Our people and teams; `source` names the tool on the sync page.

    What services refuse is kept in `refusals`, to be told once the transaction that
    failed is left.
    """

    def __init__(
        self, *, source: str, actor: User | None, is_reading: bool = False
    ) -> None:
        self.source = source
        self.actor = actor
        self.is_reading = is_reading
        self.refusals: list[PushRefusedError] = []

    @contextmanager
    def operation(self) -> Generator[None]:
        """Enclose one operation in a transaction of its own; a bulk request has many.

        What our services and the database refuse leaves it as a SCIM error.
        """
        with self._as_scim_errors():
            if self.is_reading:
                # SQLite would take the one writer's place for it.
                yield
            else:
                with transaction.atomic():
                    yield

    def get(
        self,
        resource_type: ResourceType,
        resource_id: str,
        *,
        response_parameters: ResponseParameters[Any] | None = None,
    ) -> AnyResource:
        if _is_people(resource_type):
            return user_of(_found(_people(), resource_id))
        with_members = _tells_members(response_parameters)
        return group_of(
            _found(_teams(with_members), resource_id), with_members=with_members
        )

    def search(
        self,
        resource_types: list[ResourceType],
        search_request: SearchRequest[Any],
        *,
        position: Any = None,
    ) -> SearchPage:
        asks_members = "members" in str(search_request.filter or "").lower()
        asked = Asked(search_request, asks_members or _tells_members(search_request))
        if asked.is_plain and len(resource_types) == 1:
            return _cut_page(resource_types[0], asked)
        found = [
            resource
            for resource_type in resource_types
            for resource in _matching(resource_type, asked)
        ]
        in_order = search_request.sort(found)
        return SearchPage(len(in_order), in_order[_slice(search_request)])

    def create(self, resource_type: ResourceType, resource: AnyResource) -> AnyResource:
        with self._as_scim_errors(), transaction.atomic():
            if _is_people(resource_type):
                person = provision_person(
                    person=fill_person(DirectoryPerson(), _as_user(resource)),
                    source=self.source,
                    actor=self.actor,
                )
                return self.get(resource_type, str(person.public_id))
            group = _as_group(resource)
            team = provision_team(
                team=fill_team(Team(), group),
                members=members_of(group),
                source=self.source,
                actor=self.actor,
            )
            return self.get(resource_type, str(team.public_id))

    def update(
        self,
        resource_type: ResourceType,
        resource: AnyResource,
        *,
        expected_version: str | None = None,
    ) -> AnyResource:
        with self._as_scim_errors(), transaction.atomic():
            resource_id = resource.id or ""
            version = _number(expected_version)
            if _is_people(resource_type):
                change_provisioned(
                    person=fill_person(
                        _found(_people(), resource_id), _as_user(resource)
                    ),
                    expected_version=version,
                    source=self.source,
                    actor=self.actor,
                )
            else:
                group = _as_group(resource)
                change_team(
                    team=fill_team(_found(_teams(), resource_id), group),
                    members=members_of(group),
                    expected_version=version,
                    source=self.source,
                    actor=self.actor,
                )
            return self.get(resource_type, resource_id)

    def delete(
        self,
        resource_type: ResourceType,
        resource_id: str,
        *,
        expected_version: str | None = None,
    ) -> None:
        with self._as_scim_errors(), transaction.atomic():
            version = _number(expected_version)
            if _is_people(resource_type):
                remove_person(
                    person=_found(_people(), resource_id),
                    expected_version=version,
                    source=self.source,
                    actor=self.actor,
                )
            else:
                remove_team(
                    team=_found(_teams(), resource_id),
                    expected_version=version,
                    source=self.source,
                    actor=self.actor,
                )

    @contextmanager
    def _as_scim_errors(self) -> Generator[None]:
        try:
            yield
        except PushRefusedError as refusal:
            self.refusals.append(refusal)
            if isinstance(refusal, NameTakenError):
                raise UniquenessException(detail=str(refusal)) from refusal
            raise ConflictException(detail=str(refusal)) from refusal
        except ConflictError as refusal:
            raise PreconditionFailedException(detail=str(refusal)) from refusal
        except TrackerError as refusal:
            raise ConflictException(detail=str(refusal)) from refusal
        except ValidationError as refusal:
            raise _invalid(refusal) from refusal
        except IntegrityError as refusal:
            raise UniquenessException(
                detail="Somebody has just stored the same."
            ) from refusal
        except DataError as refusal:
            raise InvalidValueException(
                detail="A value is beyond what can be stored."
            ) from refusal


def _is_people(resource_type: ResourceType) -> bool:
    return resource_type.name == USER_TYPE.name


def _as_user(resource: AnyResource) -> Any:
    """Return the resource; its class is the provider's, made at run time."""
    return resource


def _as_group(resource: AnyResource) -> Group:
    if not isinstance(resource, Group):
        raise TypeError(f"{GROUP_TYPE.name} expected.")
    return resource


def _people() -> QuerySet[DirectoryPerson]:
    rows = DirectoryPerson.objects.select_related("user", "manager")
    return rows.prefetch_related("teams").order_by("pk")


def _teams(with_members: bool = True) -> QuerySet[Team]:
    rows = Team.objects.order_by("pk")
    return rows.prefetch_related("members") if with_members else rows


def _found(rows: QuerySet[M], resource_id: str) -> M:
    try:
        return rows.get(public_id=UUID(resource_id))
    except (ValueError, rows.model.DoesNotExist):
        raise NotFoundException(detail=f"{resource_id!r} is not known.") from None


def _tells_members(parameters: ResponseParameters[Any] | None) -> bool:
    """Tell whether the answer has members, which a team may have thousands of."""
    if parameters is None:
        return True
    if parameters.attributes:
        return any(_attribute(path) == "members" for path in parameters.attributes)
    excluded = parameters.excluded_attributes or []
    return not any(_whole(path) == "members" for path in excluded)


def _attribute(path: object) -> str:
    return _whole(path).partition(".")[0]


def _whole(path: object) -> str:
    # The last colon ends the schema, where one is given.
    return str(path).rpartition(":")[2].lower()


def _rows(resource_type: ResourceType, asked: Asked) -> QuerySet[Any]:
    if _is_people(resource_type):
        return _people().filter(narrowed(asked.request.filter, PEOPLE))
    rows = _teams(asked.with_members)
    return rows.filter(narrowed(asked.request.filter, TEAMS)).distinct()


def _resources(
    resource_type: ResourceType, rows: Iterable[Any], asked: Asked
) -> list[AnyResource]:
    if _is_people(resource_type):
        return [user_of(row) for row in rows]
    return [group_of(row, with_members=asked.with_members) for row in rows]


def _matching(resource_type: ResourceType, asked: Asked) -> list[AnyResource]:
    resources = _resources(resource_type, _rows(resource_type, asked), asked)
    wanted = asked.request.filter
    if wanted is None:
        return resources
    return [resource for resource in resources if wanted.match(resource)]


def _cut_page(resource_type: ResourceType, asked: Asked) -> SearchPage:
    rows = _rows(resource_type, asked)
    page = _resources(resource_type, rows[_slice(asked.request)], asked)
    return SearchPage(rows.count(), page)


def _slice(request: SearchRequest[Any]) -> slice:
    start = request.start_index_0 or 0
    return slice(start, None if request.count is None else start + request.count)


def _number(version: str | None) -> int | None:
    """Return the number of a version of ours. Raises where it is none."""
    if version is None:
        return None
    found = VERSION.fullmatch(version)
    if found is None:
        raise PreconditionFailedException
    return int(found[1])


def _invalid(refusal: ValidationError) -> InvalidValueException | UniquenessException:
    detail = " ".join(refusal.messages)
    errors = (
        [error for found in refusal.error_dict.values() for error in found]
        if hasattr(refusal, "error_dict")
        else refusal.error_list
    )
    if any(error.code in TAKEN for error in errors):
        return UniquenessException(detail=detail)
    return InvalidValueException(detail=detail)
