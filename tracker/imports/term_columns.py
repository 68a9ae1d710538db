"""The columns of a file of terms: fees, rates and cost splits, one a line."""

from tracker.imports.columns import Column, Form

FEE, RATE, COST_SPLIT = "fee", "rate", "cost_split"
# What each kind of term is told by, beyond engagement and first day.
NEEDED = {
    FEE: ("amount",),
    RATE: ("amount",),
    COST_SPLIT: ("cost_centre", "percent"),
}
USED = {
    FEE: ("amount", "currency"),
    RATE: ("amount", "currency", "unit", "hours_per_day", "overtime_multiplier"),
    COST_SPLIT: ("cost_centre", "percent"),
}
EXAMPLE = "EXAMPLE-1 (an example: delete this row)"

COLUMNS = (
    Column(
        "engagement",
        "Engagement",
        synonyms=("reference", "engagement reference", "contract", "contract number"),
        help_text="Reference or external id of a recorded engagement.",
        example=EXAMPLE,
        is_needed=True,
        is_reference=True,
    ),
    Column(
        "term",
        "Term",
        Form.WORD,
        synonyms=("kind", "type", "term type"),
        help_text="What the line tells. A cost split is one line per cost centre;"
        " the lines of an engagement and day sum to 100.",
        example=FEE,
        words=(FEE, RATE, COST_SPLIT),
        is_needed=True,
    ),
    Column(
        "starts_on",
        "From",
        Form.DAY,
        synonyms=("starts on", "start", "start date", "effective date", "valid from"),
        help_text="First day; it runs until the next one of its kind.",
        example="2026-01-01",
        is_needed=True,
    ),
    Column(
        "amount",
        "Amount",
        Form.NUMBER,
        synonyms=("monthly fee", "fee", "rate", "price"),
        help_text="The fee a month, or the rate, in the engagement's currency.",
        example="12500.00",
        places=4,
        is_money=True,
    ),
    Column(
        "currency",
        "Currency",
        Form.CURRENCY,
        help_text="Given, it has to be the engagement's own.",
        example="GBP",
    ),
    Column(
        "unit",
        "Per",
        Form.WORD,
        synonyms=("unit", "rate unit"),
        help_text="Of a rate. Blank: day.",
        words=("day", "hour"),
    ),
    Column(
        "hours_per_day",
        "Hours per day",
        Form.NUMBER,
        help_text="How many hours a day rate buys. Blank: 7.5.",
        places=2,
    ),
    Column(
        "overtime_multiplier",
        "Overtime multiplier",
        Form.NUMBER,
        synonyms=("overtime",),
        help_text="Of a rate. Blank: 1.",
        places=8,
    ),
    Column(
        "cost_centre",
        "Cost centre",
        synonyms=("cost center", "cost centre code"),
        help_text="Of a cost split: a recorded cost centre's code or name.",
        is_reference=True,
    ),
    Column(
        "percent",
        "Percent",
        Form.NUMBER,
        synonyms=("share", "percentage"),
        help_text="Of a cost split: what this cost centre pays.",
        places=4,
    ),
)
