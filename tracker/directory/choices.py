"""What can be told of a feed of people."""

from collections.abc import Mapping

from django.db import models
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class SyncKind(models.TextChoices):
    CREATED = "created", _("Created")
    UPDATED = "updated", _("Updated")
    DEACTIVATED = "deactivated", _("Deactivated")
    REACTIVATED = "reactivated", _("Active again")
    REMOVED = "removed", _("Removed")
    SAME_USER_NAME = "same_user_name", _("User name taken")
    SAME_EMAIL = "same_email", _("E-mail taken")
    SAME_EXTERNAL_ID = "same_external_id", _("External id taken")
    KEPT_ACTIVE = "kept_active", _("Not deactivated")
    UNKNOWN_MANAGER = "unknown_manager", _("Manager not known")
    UNKNOWN_DEPARTMENT = "unknown_department", _("Department not known")
    UNKNOWN_COST_CENTRE = "unknown_cost_centre", _("Cost centre not known")
    UNKNOWN_MEMBER = "unknown_member", _("Member not known")
    PATH_MATCHED_NOTHING = "path_matched_nothing", _("Change matched nothing")


# What happened as it was meant to; the others ask for somebody.
CHANGES = (
    SyncKind.CREATED,
    SyncKind.UPDATED,
    SyncKind.DEACTIVATED,
    SyncKind.REACTIVATED,
    SyncKind.REMOVED,
)
# An account has it already, and can be linked where it was entered by hand.
TAKEN = (SyncKind.SAME_USER_NAME, SyncKind.SAME_EMAIL, SyncKind.SAME_EXTERNAL_ID)
CONFLICTS = (*TAKEN, SyncKind.KEPT_ACTIVE)
UNMATCHED = (
    SyncKind.UNKNOWN_MANAGER,
    SyncKind.UNKNOWN_DEPARTMENT,
    SyncKind.UNKNOWN_COST_CENTRE,
    SyncKind.UNKNOWN_MEMBER,
)

WHAT_TO_DO: Mapping[str, Promise] = {
    SyncKind.SAME_USER_NAME: _(
        "An account entered by hand has this user name. If it is the same person, link"
        " them; the tool's next attempt then finds the account. Otherwise give one of"
        " the two another user name."
    ),
    SyncKind.SAME_EMAIL: _(
        "Another account has this e-mail address. If it is the same person, link them;"
        " otherwise correct the address in the tool."
    ),
    SyncKind.SAME_EXTERNAL_ID: _(
        "Another account has this external id. If it is the same person, link them;"
        " otherwise take the id off the account."
    ),
    SyncKind.KEPT_ACTIVE: _(
        "This account keeps the product or the feed running: make somebody else an"
        " administrator, or give the key to another account, and push again."
    ),
    SyncKind.UNKNOWN_MANAGER: _(
        "Push the manager too, or correct whom the tool names. The link is made as soon"
        " as that person is here."
    ),
    SyncKind.UNKNOWN_DEPARTMENT: _(
        "Add a department with this code or name, or correct it in the tool; then match"
        " again."
    ),
    SyncKind.UNKNOWN_COST_CENTRE: _(
        "Add a cost centre with this code or name, or correct it in the tool; then"
        " match again."
    ),
    SyncKind.UNKNOWN_MEMBER: _(
        "Push the person before the team, or assign them to this application in the"
        " tool; then push the team again."
    ),
    SyncKind.PATH_MATCHED_NOTHING: _(
        "The tool changes something that is not kept here. Take it out of the tool's"
        " mapping, or leave it: nothing else of the request was lost."
    ),
}
