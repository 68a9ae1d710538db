"""What each role may do with the tracker's records."""

from engagements.choices import Role
from engagements.permissions import VIEW, Grants

Models = dict[str, tuple[str, ...]]

_ADD = ("view", "add")
_CHANGE = ("view", "change")
_MONEY = (
    *("payment", "ledgerentry", "invoiceline"),
    *("accrual", "monthoutlook", "closedmonth"),
)
_WORK = ("worklog", "oversightlog", "timesheet")
_IMPORTS = ("importrun", "importproblem", "timename")
_TOLD = ("alert", "reminder")
_DIRECTORY = ("directoryperson", "team", "syncentry")
_FIT = ("assessment", "flag", "decision", "advice", "groupverdict")
_RATES: Models = {"exchangerate": ("view", "add", "change")}
_BUDGETS = ("budget", "budgetpolicy")
_BENCHMARKS = ("benchmarkset", "benchmarkrate", "rolebenchmark")
_BUDGET: Models = dict.fromkeys(_BUDGETS, ("view", "add", "change"))
_COMPARE: Models = {
    **dict.fromkeys(_BENCHMARKS, VIEW),
    "rolebenchmark": ("view", "add", "delete"),
}
_REVIEWED: Models = {"review": ("view", "add", "change")}
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
_HOOKS = ("webhookendpoint", "webhookdelivery")
# One's own; a delivery is changed in one way only: it is sent once more.
_LISTEN: Models = {
    "webhookendpoint": ("view", "add", "change", "delete"),
    "webhookdelivery": _CHANGE,
}
# A month is closed by adding it, and opened again by changing it.
_CLOSE: Models = {"closedmonth": ("view", "add", "change")}
_IMPORT: Models = {
    "importrun": _ADD,
    "importproblem": VIEW,
    "timename": ("view", "add", "change", "delete"),
}
# Changing a work log is to withdraw it: it is never edited.
_LOG_WORK: Models = {
    "worklog": ("view", "add", "change"),
    "oversightlog": ("view", "add", "change"),
    "timesheet": ("view", "add", "change"),
}
# Adding a sheet goes with entering its hours; changing it alone is to decide. Who
# brings in files of hours takes them back as well.
_DECIDE_TIME: Models = {"timesheet": _CHANGE, "worklog": _CHANGE}
# Resolving an exception is its one change.
_MATCH: Models = {"matchexception": _CHANGE, "saving": ("view", "add", "change")}
_ORDERED = ("purchaseorder", "ordercoverage", "orderchange")
_ORDER: Models = {
    "purchaseorder": ("view", "add", "change"),
    "ordercoverage": _ADD,
    "orderchange": _ADD,
}
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
    "groupverdict": VIEW,
}

GRANTS: Grants = {
    Role.MANAGER: dict.fromkeys(
        [*_MONEY, *_BUDGETS, *_BENCHMARKS, *_ORDERED, "savingrealisation"], VIEW
    )
    | _BILL
    | _LOG_WORK
    | _MEASURE
    | _MATCH
    | _DECIDE
    | _REVIEWED,
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
    | _BUDGET
    | _COMPARE
    | _CLOSE
    | _LISTEN
    | _RATES,
    # What pulls people and contracts elsewhere hears of changes too. It pushes people;
    # which role a team gives is not its to say.
    Role.HR_INTEGRATION: _LISTEN
    | {
        "directoryperson": ("view", "add", "change", "delete"),
        "team": ("view", "add", "delete"),
        "syncentry": VIEW,
    },
    Role.AUDITOR: dict.fromkeys(
        [
            *(*_BUDGETS, *_BENCHMARKS),
            *(*_MONEY, *_WORK, *_IMPORTS, *_FIT, *_TOLD, *_MEASURED),
            *("matchexception", "saving", "savingrealisation", *_ORDERED),
            *("credit", "invoice", "invoiceattachment", "settlement"),
            *_HOOKS,
            *("jobrun", "policy", "apikey", "exchangerate", "review"),
            *_DIRECTORY,
        ],
        VIEW,
    ),
    Role.ADMINISTRATOR: dict.fromkeys(
        [*_MONEY, *_TOLD, "jobrun", "savingrealisation"], VIEW
    )
    | {
        "directoryperson": ("view", "add", "change", "delete"),
        "team": ("view", "add", "change", "delete"),
        "syncentry": _CHANGE,
    }
    # A policy is never edited: another version takes its place.
    | {"policy": _ADD}
    | _MATCH
    | _ORDER
    # Alerts are changed in one way only: a mail that failed is tried again.
    | {"alert": _CHANGE}
    # A key is changed in one way only: it is revoked.
    | {"apikey": _CHANGE}
    | _CLOSE
    | _LISTEN
    | _RATES
    | _BUDGET
    | _COMPARE
    | _BILL
    | _PAY
    | _LOG_WORK
    | _MEASURE
    | _REVIEWED
    | _IMPORT
    | _DECIDE,
}
