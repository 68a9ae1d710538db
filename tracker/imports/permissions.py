"""Who may bring in files and who may look at what was brought in."""

from engagements.choices import Role
from engagements.permissions import VIEW, Grants

_IMPORT = (*VIEW, "add")

GRANTS: Grants = {
    Role.FINANCE: {"importrun": _IMPORT, "importproblem": VIEW},
    Role.AUDITOR: {"importrun": VIEW, "importproblem": VIEW},
    Role.ADMINISTRATOR: {"importrun": _IMPORT, "importproblem": VIEW},
}
