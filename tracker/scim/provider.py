"""What is served by SCIM: only attributes that are stored, and what tools may ask."""

from typing import Annotated, Any, Self

from django.conf import settings
from pydantic import Field, ModelWrapValidatorHandler, model_validator
from scim2_models import (
    AnyExtension,
    AuthenticationScheme,
    Bulk,
    CaseExact,
    ChangePassword,
    ComplexAttribute,
    ETag,
    Extension,
    External,
    Filter,
    Mutability,
    Patch,
    Reference,
    Required,
    Resource,
    ResourceType,
    ScimPolicy,
    ScimProvider,
    ServiceProviderConfig,
    Sort,
    Uniqueness,
)
from scim2_models.urn import URN

MOST_RESULTS = 200
MOST_OPERATIONS = 200


class Name(ComplexAttribute):
    """The components of the person's name."""

    formatted: str | None = None
    """The full name, as it is displayed."""

    family_name: str | None = None
    """The family name."""

    given_name: str | None = None
    """The given name."""


class Email(ComplexAttribute):
    """An e-mail address; any text is taken, since feeds also send what is none."""

    value: str | None = None
    """The address."""

    display: str | None = None
    """A name for the address."""

    type: str | None = Field(default=None, examples=["work", "home", "other"])
    """What the address is for."""

    primary: bool | None = None
    """Whether this is the address to write to."""


class Manager(ComplexAttribute):
    """The person's manager; a tool may send the bare identifier for it."""

    value: Annotated[str | None, CaseExact.true] = None
    """The id of the manager's User; other names of theirs are understood too."""

    ref: Reference["User"] | None = Field(  # type: ignore[type-arg] # the schema publishes the word
        default=None, serialization_alias="$ref", validation_alias="$ref"
    )
    """The URI of the manager's User."""

    @model_validator(mode="wrap")
    @classmethod
    def _bare_value(cls, value: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        return handler({"value": value} if isinstance(value, str) else value)


class EnterpriseUser(Extension):
    __schema__ = URN("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User")

    employee_number: str | None = None
    """The number by which the organisation knows the person."""

    cost_center: str | None = None
    """Code or name of the person's cost centre."""

    department: str | None = None
    """Code or name of the person's department."""

    manager: Manager | None = None
    """The person's manager."""


class GroupMembership(ComplexAttribute):
    """A team of the person."""

    value: Annotated[str | None, Mutability.read_only, CaseExact.true] = None
    """The id of the Group."""

    ref: Annotated[Reference["Group"] | None, Mutability.read_only] = Field(
        default=None, serialization_alias="$ref", validation_alias="$ref"
    )
    """The URI of the Group."""

    display: Annotated[str | None, Mutability.read_only] = None
    """The Group's name."""

    type: Annotated[str | None, Mutability.read_only] = Field(
        default=None, examples=["direct"]
    )
    """Always direct: teams hold no teams."""


class User(Resource[AnyExtension]):
    __schema__ = URN("urn:ietf:params:scim:schemas:core:2.0:User")

    user_name: Annotated[str | None, Uniqueness.server, Required.true] = None
    """The name by which the person signs in."""

    name: Name | None = None
    """The components of the person's name."""

    display_name: str | None = None
    """The name as it is displayed."""

    active: bool | None = None
    """Whether the person may sign in."""

    emails: list[Email] | None = None
    """The person's e-mail addresses."""

    groups: Annotated[list[GroupMembership] | None, Mutability.read_only] = None
    """The person's teams."""


class GroupMember(ComplexAttribute):
    """A member of a team."""

    value: Annotated[str | None, Mutability.immutable, CaseExact.true] = None
    """The id of the member's User."""

    ref: Annotated[  # type: ignore[type-arg] # likewise
        Reference["User"] | None, Mutability.immutable
    ] = Field(default=None, serialization_alias="$ref", validation_alias="$ref")
    """The URI of the member's User."""

    type: Annotated[str | None, Mutability.immutable] = Field(
        default=None, examples=["User"]
    )
    """Always User."""


class Group(Resource[Any]):
    __schema__ = URN("urn:ietf:params:scim:schemas:core:2.0:Group")

    display_name: Annotated[str | None, Required.true] = None
    """The team's name."""

    members: list[GroupMember] | None = None
    """The people in the team."""


Person = User[EnterpriseUser]

USER_TYPE = ResourceType.from_resource(Person)
GROUP_TYPE = ResourceType.from_resource(Group)

# What tools are forgiven: attributes that are not kept, Entra's removals by value, and
# entries that a change describes and that are not there yet.
POLICY = ScimPolicy(
    unknown=ScimPolicy.Unknown.ignore,
    remove_value_as_filter=ScimPolicy.RemoveValue.apply,
    unmatched_path_filter=ScimPolicy.UnmatchedPathFilter.create,
)

CONFIG = ServiceProviderConfig(
    patch=Patch(supported=True),
    bulk=Bulk(
        supported=True,
        max_operations=MOST_OPERATIONS,
        max_payload_size=settings.API_MAX_BODY_BYTES,
    ),
    filter=Filter(supported=True, max_results=MOST_RESULTS),
    change_password=ChangePassword(supported=False),
    sort=Sort(supported=True),
    etag=ETag(supported=True),
    authentication_schemes=[
        AuthenticationScheme(
            type=AuthenticationScheme.Type.oauthbearertoken,
            name="API key",
            description="A key with the scope people:write, sent as Bearer token.",
            spec_uri=Reference[External]("https://www.rfc-editor.org/info/rfc6750"),
            primary=True,
        )
    ],
)

PROVIDER = ScimProvider(
    models=[User, EnterpriseUser, Group],
    resource_types=[USER_TYPE, GROUP_TYPE],
    config=CONFIG,
    policy=POLICY,
)
