"""The columns of a file of contractors."""

from tracker.imports.columns import Column, Form

EXAMPLE = "Example Person (an example: delete this row)"

COLUMNS = (
    Column(
        "full_name",
        "Full name",
        synonyms=("name", "contractor", "contractor name", "worker", "worker name"),
        help_text="First and last name. Needed for a new contractor.",
        example=EXAMPLE,
        is_needed=True,
    ),
    Column(
        "vendor",
        "Vendor",
        synonyms=("agency", "supplier", "vendor name", "supplier name", "company"),
        help_text="Who supplies this person: a recorded vendor's name or external id.",
        example="Example Services Ltd",
        is_needed=True,
        is_reference=True,
    ),
    Column(
        "work_email",
        "Work e-mail",
        synonyms=("email", "e mail", "work email", "work e mail"),
        help_text="The address they work under.",
        example="person@example.com",
        longest=254,
        may_be_blank=True,
    ),
    Column(
        "worker_number",
        "Worker number",
        synonyms=("worker no", "worker id", "personnel number", "staff number"),
        help_text="Their number in the vendor's or our own system.",
        example="W-0042",
        longest=40,
        may_be_blank=True,
    ),
    Column(
        "jurisdiction",
        "Jurisdiction",
        Form.COUNTRY,
        synonyms=("country",),
        help_text="Country whose labour law applies, as ISO 3166 code. Blank: GB.",
        example="GB",
    ),
    Column(
        "employment_type",
        "Employment type",
        Form.WORD,
        synonyms=("employment", "type"),
        help_text="How they are employed. Blank: contractor.",
        example="contractor",
        words=("contractor", "freelance"),
    ),
    Column(
        "skills",
        "Skills",
        Form.LIST,
        synonyms=("skill",),
        help_text="Names of recorded skills, with a semicolon between them.",
        example="",
        longest=2000,
        may_be_blank=True,
        is_reference=True,
    ),
    Column(
        "external_id",
        "External id",
        help_text="The person's id in another system; no two share one.",
        example="HR-2231",
        may_be_blank=True,
    ),
    Column(
        "id",
        "Record id",
        help_text="As exported: needed to rename somebody or move them to another"
        " vendor. Blank for a new contractor.",
        longest=36,
    ),
)
