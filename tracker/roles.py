"""What each role may do with the tracker's records."""

from engagements.choices import Role
from engagements.permissions import VIEW, Grants

_ADD = ("view", "add")
_MONEY = ("payment", "ledgerentry", "invoiceline")
_WORK = ("worklog", "oversightlog")

GRANTS: Grants = {
    Role.MANAGER: dict.fromkeys(_MONEY, VIEW)
    | {"invoice": _ADD, "invoiceline": _ADD}
    | {"worklog": _ADD, "oversightlog": ("view", "add", "change")},
    Role.FINANCE: dict.fromkeys([*_MONEY, *_WORK], VIEW)
    | {"invoice": _ADD, "invoiceline": _ADD},
    Role.AUDITOR: dict.fromkeys([*_MONEY, *_WORK, "invoice", "jobrun"], VIEW),
    Role.ADMINISTRATOR: dict.fromkeys([*_MONEY, "jobrun"], VIEW)
    | {"invoice": _ADD, "invoiceline": _ADD}
    | {"worklog": _ADD, "oversightlog": ("view", "add", "change")},
}
