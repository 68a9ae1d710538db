"""The columns of a file of budgets: a cost centre's fiscal year on one line."""

from calendar import month_name

from tracker.imports.columns import Column, Form

EXAMPLE = "CC-100 (an example: delete this row)"
MONTHS = tuple(name.lower() for name in month_name if name)

COLUMNS = (
    Column(
        "cost_centre",
        "Cost centre",
        synonyms=("cost center", "centre", "cost centre code"),
        help_text="Its code or name.",
        example=EXAMPLE,
        is_needed=True,
        is_reference=True,
    ),
    Column(
        "year",
        "Fiscal year",
        Form.WHOLE,
        synonyms=("year", "budget year"),
        help_text="The year in which the fiscal year begins.",
        example="2026",
        is_needed=True,
    ),
    *(
        Column(
            name,
            name.capitalize(),
            Form.NUMBER,
            synonyms=(name[:3],),
            help_text=(
                "In the reporting currency. Blank: as recorded, or nothing where new."
            ),
            example="1000",
            places=4,
            is_money=True,
        )
        for name in MONTHS
    ),
    Column(
        "id",
        "Record id",
        help_text="As exported; blank for a new budget.",
        longest=36,
    ),
)
