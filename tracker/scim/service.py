"""The protocol as we serve it: who may, and what a change matched."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from scim2_models import (
    Context,
    ForbiddenException,
    PatchOp,
    Path,
    Resource,
    ResourceType,
    ResponseParameters,
    ScimProvider,
)
from scim2_models.messages.patch_op import PatchOperation
from scim2_server.conditions import Conditions
from scim2_server.requests import ScimRequest
from scim2_server.responses import ScimResponse
from scim2_server.routing import Operation, Target
from scim2_server.service import ScimService

from tracker.api.models import ApiKey
from tracker.api.scopes import allows
from tracker.scim.provider import USER_TYPE

SCOPES = {"read": "people:read", "write": "people:write"}
READS = frozenset({Operation.query, Operation.search, Operation.search_with_body})
VERBS = {
    Operation.create: "add",
    Operation.replace: "change",
    Operation.patch: "change",
    Operation.delete: "delete",
}


@dataclass(frozen=True)
class Unmatched:
    """A change whose path matched nothing; without an id no record has the path."""

    resource_type: str
    path: str
    resource_id: str | None = None


@dataclass
class Heard:
    """What a request asked for that came to nothing."""

    unmatched: list[Unmatched] = field(default_factory=list)


class PeopleService(ScimService):
    def __init__(self, provider: ScimProvider, heard: Heard) -> None:
        super().__init__(provider)
        self.heard = heard

    def authorize(
        self, request: ScimRequest, target: Target, resource_type: ResourceType
    ) -> None:
        """Ask the key's scope, and the permission of whom it acts as."""
        key = request.subject
        is_reading = target.operation in READS
        scope = SCOPES["read" if is_reading else "write"]
        if not isinstance(key, ApiKey) or not allows(key.scopes, scope):
            raise ForbiddenException(detail=f"This key lacks the scope {scope}.")
        verb = "view" if is_reading else VERBS[target.operation]
        # A tool that pushes teams changes them; which role they give it never does.
        is_people = resource_type.name == USER_TYPE.name
        model = "directoryperson" if is_people else "team"
        asked = "add" if model == "team" and verb == "change" else verb
        if not key.owner.has_perm(f"tracker.{asked}_{model}"):
            raise ForbiddenException(
                detail=f"The key's owner may not {verb} {resource_type.name}."
            )

    def apply_patch(
        self, current: Resource[Any], patch_op: PatchOp[Any], conditions: Conditions
    ) -> Resource[Any] | None:
        self.heard.unmatched += unmatched_in(patch_op, current)
        return super().apply_patch(current, patch_op, conditions)

    def patch_response(
        self,
        base_url: str,
        resource: Resource[Any],
        response_parameters: ResponseParameters[Any],
    ) -> ScimResponse:
        """Answer with the record as it is now: many tools read it from there."""
        return self.resource_response(
            self.publish(base_url, resource),
            Context.RESOURCE_REPLACEMENT_RESPONSE,
            response_parameters,
        )


def unmatched_in(patch_op: PatchOp[Any], current: Resource[Any]) -> list[Unmatched]:
    """Return what the operations change that isn't kept, or isn't there."""
    resource_type = str(current.meta.resource_type) if current.meta else ""
    found = []
    for operation in patch_op.operations or []:
        if operation.path is None:
            found += [
                Unmatched(resource_type, name)
                for name in _unknown_names(type(current), operation.value)
            ]
        elif not _is_known(operation.path):
            found.append(Unmatched(resource_type, str(operation.path)))
        elif _removes_nothing(operation, current):
            found.append(Unmatched(resource_type, str(operation.path), current.id))
    return found


def _unknown_names(model: type[Resource[Any]], value: Any) -> list[str]:
    if not isinstance(value, dict):
        return []
    paths: Any = Path
    return [name for name in value if not _may_be_path(paths[model], name)]


def _may_be_path(paths: Any, name: str) -> bool:
    try:
        return _is_known(paths(name))
    except ValueError:
        return False


def _is_known(path: Any) -> bool:
    """Tell whether the path leads to an attribute, or to a whole schema."""
    return path.resolve() is not None or path.model is not None


def _removes_nothing(operation: PatchOperation[Any], current: Resource[Any]) -> bool:
    path = operation.path
    if path is None or operation.op != PatchOperation.Op.remove:
        return False
    return path.value_filter is not None and not path.get(current, strict=False)
