"""What each role may do with the tracker's records."""

from engagements.choices import Role
from engagements.permissions import VIEW, Grants

Models = dict[str, tuple[str, ...]]

_ADD = ("view", "add")
_CHANGE = ("view", "change")
_MONEY = ("payment", "ledgerentry", "invoiceline")
_WORK = ("worklog", "oversightlog", "timesheet")
_IMPORTS = ("importrun", "importproblem", "timename")
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
_IMPORT: Models = {
    "importrun": _ADD,
    "importproblem": VIEW,
    "timename": ("view", "add", "change", "delete"),
}
_LOG_WORK: Models = {
    "worklog": _ADD,
    "oversightlog": ("view", "add", "change"),
    "timesheet": ("view", "add", "change"),
}
# Adding a sheet goes with entering its hours; changing it alone is to decide.
_DECIDE_TIME: Models = {"timesheet": _CHANGE}
# Resolving an exception is its one change.
_MATCH: Models = {"matchexception": _CHANGE, "saving": ("view", "add", "change")}
_ORDERED = ("purchaseorder", "ordercoverage", "orderchange")
_ORDER: Models = {
    "purchaseorder": ("view", "add", "change"),
    "ordercoverage": _ADD,
    "orderchange": _ADD,
}
_BILL: Models = {"invoice": _ADD, "invoiceline": _ADD, "settlement": _ADD}
# Recording that it was paid is the one change of an invoice.
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
    Role.MANAGER: dict.fromkeys([*_MONEY, *_ORDERED, "savingrealisation"], VIEW)
    | _BILL
    | _LOG_WORK
    | _MEASURE
    | _MATCH
    | _DECIDE,
    Role.FINANCE: dict.fromkeys(
        [*_MONEY, *_WORK, *_FIT, *_MEASURED, "savingrealisation"], VIEW
    )
    | {"credit": _CHANGE}
    | _DECIDE_TIME
    | _MATCH
    | _ORDER
    | _BILL
    | _PAY
    | _IMPORT
    | _RATES,
    Role.AUDITOR: dict.fromkeys(
        [
            *(*_MONEY, *_WORK, *_IMPORTS, *_FIT, *_TOLD, *_MEASURED),
            *("matchexception", "saving", "savingrealisation", *_ORDERED),
            *("credit", "invoice", "settlement", "jobrun", "policy", "apikey"),
            "exchangerate",
        ],
        VIEW,
    ),
    Role.ADMINISTRATOR: dict.fromkeys(
        [*_MONEY, *_TOLD, "jobrun", "policy", "savingrealisation"], VIEW
    )
    | _MATCH
    | _ORDER
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
