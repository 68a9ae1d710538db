"""Roles, what each may do with which record, and whose rows it may see."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING

from django.contrib.auth.models import Group, Permission
from django.db.models import Exists, OuterRef, Q

from engagements.choices import Role

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from engagements.models import Engagement, User

# Those whose rows are not narrowed to a department.
SEES_ALL = frozenset(
    {Role.FINANCE, Role.HR_INTEGRATION, Role.AUDITOR, Role.ADMINISTRATOR}
)
SEES_MONEY = frozenset({Role.MANAGER, Role.FINANCE, Role.AUDITOR, Role.ADMINISTRATOR})
# Those who may give approvals where a rule names them; the others only read.
DECIDES = frozenset({Role.MANAGER, Role.FINANCE, Role.ADMINISTRATOR})
SEES_REVIEWS = frozenset({Role.MANAGER, Role.AUDITOR, Role.ADMINISTRATOR})

VIEW = ("view",)
EDIT = ("view", "add", "change")
ALL = ("view", "add", "change", "delete")

_RECORDS = [
    "vendor",
    "vendorcontact",
    "contractor",
    "engagement",
    "managedcontract",
    "assignment",
    "feeterm",
    "rateterm",
    "servicelevel",
    "creditstep",
    "charge",
    "namedworker",
    "costsplit",
    "costsplitshare",
    "changeorder",
    "document",
    "approval",
    "checklisttask",
    "accessgrant",
]
# Lines that may be taken out again.
_LINES = ("vendorcontact", "namedworker", "charge", "creditstep")
_CATALOGUES = [
    "department",
    "costcentre",
    "service",
    "skill",
    "approvalrule",
    "checklisttemplate",
    "tenurepolicy",
]

Grants = Mapping[Role, Mapping[str, Iterable[str]]]

GRANTS: Grants = {
    Role.MANAGER: dict.fromkeys(_RECORDS, EDIT)
    | dict.fromkeys(_LINES, ALL)
    | dict.fromkeys(_CATALOGUES, VIEW)
    | {"user": VIEW, "event": VIEW, "departure": ("view", "change")},
    Role.FINANCE: dict.fromkeys(_RECORDS, VIEW)
    | {"vendor": EDIT, "costsplit": EDIT, "costsplitshare": EDIT}
    # Some tasks of a checklist are theirs to do.
    | {"checklisttask": ("view", "change")}
    | dict.fromkeys(_CATALOGUES, VIEW)
    | {"costcentre": EDIT, "user": VIEW, "event": VIEW},
    Role.HR_INTEGRATION: dict.fromkeys(
        (
            "vendor",
            "contractor",
            "engagement",
            # What people and contractors are told to belong to.
            "department",
            "costcentre",
            "service",
            "user",
            "checklisttask",
            "accessgrant",
            "departure",
        ),
        VIEW,
    ),
    Role.AUDITOR: dict.fromkeys(
        [*_RECORDS, *_CATALOGUES, "user", "event", "departure"], VIEW
    ),
    Role.ADMINISTRATOR: dict.fromkeys(_RECORDS, EDIT)
    | dict.fromkeys(_CATALOGUES, ALL)
    | dict.fromkeys(_LINES, ALL)
    | {"user": EDIT, "event": VIEW, "departure": ("view", "change")},
}


def roles_of(user: User | AnonymousUser) -> frozenset[str]:
    """Return the names of the user's roles; a superuser is an administrator.

    Read once per user object, which is once per request.
    """
    if not user.is_active or user.is_anonymous:
        return frozenset()
    known: frozenset[str] | None = getattr(user, "_roles", None)
    if known is None:
        # Other groups, such as those of approvers, allow nothing by themselves.
        groups = user.groups.filter(name__in=Role.values)
        known = frozenset(groups.values_list("name", flat=True))
        if user.is_superuser:
            known |= {Role.ADMINISTRATOR.value}
        setattr(user, "_roles", known)  # noqa: B010 - a cache beside the model's fields
    return known


def holds(user: User, permissions: Collection[str]) -> bool:
    """Tell whether the user has all of the permissions, as `user.has_perms` would.

    For those who ask little in one request: a single query tells of these permissions
    and of the user's roles. What groups don't give is left to `has_perms`.
    """
    if hasattr(user, "_perm_cache") or user.is_superuser or not user.is_active:
        return user.has_perms(permissions)
    gives = {f"gives_{n}": _gives(named) for n, named in enumerate(permissions)}
    groups = list(user.groups.annotate(**gives).values("name", *gives))
    names = {group["name"] for group in groups}
    setattr(user, "_roles", frozenset(names & {*Role.values}))  # noqa: B010 - likewise
    if all(any(group[name] for group in groups) for name in gives):
        return True
    return user.has_perms(permissions)


def _gives(permission: str) -> Exists:
    app_label, _, codename = permission.partition(".")
    return Exists(
        Group.permissions.through.objects.filter(
            group=OuterRef("pk"),
            permission__codename=codename,
            permission__content_type__app_label=app_label,
        )
    )


def sees_all(user: User | AnonymousUser) -> bool:
    return bool(roles_of(user) & SEES_ALL)


def sees_money(user: User | AnonymousUser) -> bool:
    return bool(roles_of(user) & _see_money(user))


def open_money(user: User) -> None:
    """Let the HR integration see money by this user object, so for one request alone.

    Its role does not: the scope of a key does, where its holder asks for that scope.
    """
    setattr(user, "_is_money_open", True)  # noqa: B010 - likewise


def is_money_open(user: User | AnonymousUser) -> bool:
    return bool(getattr(user, "_is_money_open", False))


def _see_money(user: User | AnonymousUser) -> frozenset[Role]:
    is_open = is_money_open(user)
    return SEES_MONEY | {Role.HR_INTEGRATION} if is_open else SEES_MONEY


def departments_under(user: User) -> set[int]:
    """Return ids of the user's own and headed departments with all below them."""
    known: set[int] | None = getattr(user, "_departments", None)
    if known is None:
        known = _with_descendants(user)
        setattr(user, "_departments", known)  # noqa: B010 - likewise
    return known


def _with_descendants(user: User) -> set[int]:
    from engagements.models import Department

    rows = list(Department.objects.values_list("id", "parent_id", "head_id"))
    children: dict[int | None, list[int]] = {}
    for department, parent, _head in rows:
        children.setdefault(parent, []).append(department)
    waiting = [
        row[0] for row in rows if row[2] == user.pk or row[0] == user.department_id
    ]
    found: set[int] = set()
    while waiting:
        department = waiting.pop()
        if department not in found:
            found.add(department)
            waiting.extend(children.get(department, []))
    return found


def departments_above(department_id: int | None) -> set[int]:
    """Return ids of the department and of all above it."""
    from engagements.models import Department

    parents = dict(Department.objects.values_list("id", "parent_id"))
    found: set[int] = set()
    while department_id is not None and department_id not in found:
        found.add(department_id)
        department_id = parents.get(department_id)
    return found


def may_decide(user: User | AnonymousUser) -> bool:
    """Return whether the user's roles let them give approvals, where a rule names them.

    Those who only read never do.
    """
    return bool(roles_of(user) & DECIDES)


def deciders(engagement: Engagement) -> Q:
    """Return the condition that keeps people who decide and see the engagement's money.

    The other way round of `may_decide` and `engagement_scope(user, with_money=True)`.
    """
    departments = departments_above(engagement.department_id)
    is_near = (
        Q(pk=engagement.manager_id)
        | Q(department__in=departments)
        | Q(departments_headed__in=departments)
    )
    sees = _in_role(*SEES_ALL & SEES_MONEY) | (_in_role(Role.MANAGER) & is_near)
    return _in_role(*DECIDES) & sees


def _in_role(*roles: Role) -> Q:
    from engagements.models import User

    # By subquery: each role may be another of the person's groups.
    found = Q(pk__in=User.objects.filter(groups__name__in=roles).values("pk"))
    return found | Q(is_superuser=True) if Role.ADMINISTRATOR in roles else found


def engagement_scope(
    user: User | AnonymousUser,
    prefix: str = "",
    *,
    with_money: bool = False,
    with_reviews: bool = False,
) -> Q:
    """Return the condition that keeps engagements the user may see.

    `prefix` is the path to the engagement from another model, such as `engagement__`.
    `with_money` keeps those whose amounts the user may see: a manager who also runs
    the HR integration sees every engagement, but the money of their own alone.
    `with_reviews` likewise keeps those whose reviews the user may read.
    """
    roles = roles_of(user)
    if with_reviews:
        roles &= SEES_REVIEWS
    if with_money:
        roles &= _see_money(user)
    if roles & SEES_ALL:
        return Q()
    if user.is_anonymous or Role.MANAGER not in roles:
        return Q(pk__in=[])
    return Q(**{f"{prefix}manager": user}) | Q(
        **{f"{prefix}department__in": departments_under(user)}
    )


def catalogue_scope(user: User) -> Q:
    """Return the condition that keeps what is shared, or of the user's departments."""
    if sees_all(user):
        return Q()
    return Q(department=None) | Q(department__in=departments_under(user))


def service_scope(user: User) -> Q:
    return Q() if sees_all(user) else catalogue_scope(user) | Q(owner=user)


def people_scope(user: User) -> Q:
    """Return the condition that keeps the user, their reports and their departments."""
    if sees_all(user):
        return Q()
    return Q(pk=user.pk) | Q(manager=user) | Q(department__in=departments_under(user))


def contractor_scope(user: User) -> Q:
    """Return the condition that keeps contractors at work within the user's scope.

    Those whom nobody has placed yet are seen by all.
    """
    from engagements.models import Assignment

    if sees_all(user):
        return Q()
    placed = Assignment.objects.filter(contractor=OuterRef("pk"))
    return ~Exists(placed) | Exists(placed.filter(engagement_scope(user)))


def document_scope(user: User | AnonymousUser) -> Q:
    """Return the condition that keeps documents the user may see.

    Those of engagements whose money they may see: contracts tell fees and rates.
    """
    return engagement_scope(user, prefix="engagement__", with_money=True)


# Of what the events of this kind tell, not everybody who sees the engagement may know.
REVIEW_EVENTS = "review."


def event_scope(user: User | AnonymousUser) -> Q:
    """Return the condition that leaves out events the user's roles may not read.

    Those that tell of reviews are for who may read the reviews. Whose engagements the
    user sees is asked beside it.
    """
    from engagements.models import Engagement

    scope = engagement_scope(user, with_reviews=True)
    if not scope:
        return Q()
    seen = Engagement.objects.filter(scope).values("pk")
    return ~Q(event_type__startswith=REVIEW_EVENTS) | Q(engagement_id__in=seen)


def grant(grants: Grants, app_label: str) -> None:
    """Give each role its permissions on an app's models; repeating has no effect."""
    permissions = {
        permission.codename: permission
        for permission in Permission.objects.filter(content_type__app_label=app_label)
    }
    for role, models in grants.items():
        group, _created = Group.objects.get_or_create(name=role.value)
        group.permissions.add(
            *(
                permissions[f"{verb}_{model}"]
                for model, verbs in models.items()
                for verb in verbs
            )
        )
