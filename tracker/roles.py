"""What each role may do with the tracker's records."""

from engagements.choices import Role
from engagements.permissions import VIEW, Grants

Models = dict[str, tuple[str, ...]]

_ADD = ("view", "add")
_CHANGE = ("view", "change")
_MONEY = ("payment", "ledgerentry", "invoiceline")
_WORK = ("worklog", "oversightlog")
_IMPORTS = ("importrun", "importproblem")
_TOLD = ("alert", "reminder")
_FIT = ("assessment", "flag", "decision", "advice")
_RATES: Models = {"exchangerate": ("view", "add", "change")}
_MEASURED = ("measurement", "downtime", "exclusion", "ticket", "levelresult")
# Measured by hand; results are excused and credits move on, neither is edited.
_MEASURE: Models = {
    "measurement": _ADD,
    "downtime": _ADD,
    "exclusion": ("view", "add", "delete"),
    "ticket": VIEW,
    "levelresult": _CHANGE,
    "credit": _CHANGE,
}
_IMPORT: Models = {"importrun": _ADD, "importproblem": VIEW}
_LOG_WORK: Models = {"worklog": _ADD, "oversightlog": ("view", "add", "change")}
_BILL: Models = {
    "invoice": _ADD,
    "invoiceline": _ADD,
    "invoiceattachment": _ADD,
    "settlement": _ADD,
}
# Approving it and recording that it was paid are changes of an invoice. A draft is
# changed by whoever may record one.
_PAY: Models = {"invoice": ("view", "add", "change")}
# Acting on a flag is a change of it; assessments, decisions and advice are never
# edited.
_DECIDE: Models = {
    "assessment": VIEW,
    "flag": _CHANGE,
    "decision": VIEW,
    "advice": _ADD,
}

GRANTS: Grants = {
    Role.MANAGER: dict.fromkeys(_MONEY, VIEW) | _BILL | _LOG_WORK | _MEASURE | _DECIDE,
    Role.FINANCE: dict.fromkeys([*_MONEY, *_WORK, *_FIT, *_MEASURED], VIEW)
    | {"credit": _CHANGE}
    | _BILL
    | _PAY
    | _IMPORT
    | _RATES,
    Role.AUDITOR: dict.fromkeys(
        [
            *(*_MONEY, *_WORK, *_IMPORTS, *_FIT, *_TOLD, *_MEASURED),
            *("credit", "invoice", "invoiceattachment", "settlement"),
            *("jobrun", "policy", "apikey", "exchangerate"),
        ],
        VIEW,
    ),
    Role.ADMINISTRATOR: dict.fromkeys([*_MONEY, *_TOLD, "jobrun", "policy"], VIEW)
    # Alerts are changed in one way only: a mail that failed is tried again.
    | {"alert": _CHANGE}
    # A key is changed in one way only: it is revoked.
    | {"apikey": _CHANGE}
    | _RATES
    | _BILL
    | _PAY
    | _LOG_WORK
    | _MEASURE
    | _IMPORT
    | _DECIDE,
}
