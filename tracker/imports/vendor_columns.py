"""The columns of a file of vendors."""

from tracker.imports.columns import Column, Form

EXAMPLE = "Example Services Ltd (an example: delete this row)"

COLUMNS = (
    Column(
        "legal_name",
        "Legal name",
        synonyms=("name", "vendor", "vendor name", "supplier", "supplier name"),
        help_text="The company's name in full. Needed for a new vendor.",
        example=EXAMPLE,
        is_needed=True,
    ),
    Column(
        "external_id",
        "External id",
        synonyms=("vendor id", "vendor number", "supplier id", "supplier number"),
        help_text="The vendor's id in another system; no two vendors share one.",
        example="SUP-1042",
        may_be_blank=True,
    ),
    Column(
        "standing",
        "Standing",
        Form.WORD,
        help_text="Vendors on hold and blocked ones get no new engagements.",
        example="active",
        words=("active", "on_hold", "blocked"),
    ),
    Column(
        "tier",
        "Tier",
        Form.WORD,
        help_text="How the vendor is regarded.",
        example="approved",
        words=("strategic", "preferred", "approved"),
    ),
    Column(
        "allows_managed",
        "May run managed services",
        Form.YES_NO,
        synonyms=("managed services", "managed"),
        help_text="Whether managed-service contracts may be given to it.",
        example="yes",
    ),
    Column(
        "allows_augmented",
        "May supply contractors",
        Form.YES_NO,
        synonyms=("augmented contractors", "augmented", "contractors"),
        help_text="Whether contractors may come from it.",
        example="no",
    ),
    Column(
        "currency",
        "Currency",
        Form.CURRENCY,
        help_text="What it bills in, as ISO 4217 code. Blank: the reporting currency.",
        example="GBP",
    ),
    Column(
        "payment_terms_days",
        "Payment terms (days)",
        Form.WHOLE,
        synonyms=("payment terms", "payment days", "terms days"),
        help_text="Days until its invoices are due. Blank: 30.",
        example="30",
    ),
    Column(
        "tax_id",
        "Tax id",
        synonyms=("vat number", "vat id", "tax number"),
        help_text="Its number with the tax office.",
        example="GB123456789",
        longest=40,
        may_be_blank=True,
    ),
    Column(
        "country",
        "Country",
        Form.COUNTRY,
        help_text="ISO 3166 code of two letters. Blank: GB.",
        example="GB",
    ),
    Column(
        "id",
        "Record id",
        help_text="As exported: needed only to rename a vendor. Blank for a new one.",
        longest=36,
    ),
)
