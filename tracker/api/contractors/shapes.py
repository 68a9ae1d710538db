"""What a contractor looks like, read and written.

Names and words follow the unified models of HR systems.
"""

from typing import Any

from rest_framework import serializers

from engagements.choices import EmploymentType, Status
from tracker.api import fields
from tracker.api.resource import PageQuery
from tracker.api.shapes import CodedRecord, NamedRecord, PageWithDeleted, Stamped

ACTIVE, PENDING, INACTIVE = "ACTIVE", "PENDING", "INACTIVE"
EMPLOYMENT_STATUSES = (ACTIVE, PENDING, INACTIVE)
# From the word stored to the one that HR systems know.
EMPLOYMENT_TYPES = {word: word.upper() for word in EmploymentType.values}
EMPLOYMENT_TYPE_WORDS = list(EMPLOYMENT_TYPES.values())
LARGEST_BATCH = 1000
EMAIL = r"^[!-?A-~]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})+$"


class ContractorFacts(fields.StrictShape):
    """What can be told of a contractor; what is left out stays as it is.

    Where they work, for whom and how long is told by their engagements.
    """

    full_name = fields.Line(max_length=200, required=False)
    work_email = fields.Patterned(
        pattern=EMAIL,
        wanted="an e-mail address",
        max_length=254,
        required=False,
        allow_null=True,
    )
    worker_number = fields.Line(max_length=40, required=False, allow_null=True)
    vendor = fields.Reference(
        required=False, help_text="Who supplies this person: agency or own company."
    )
    jurisdiction = fields.Patterned(
        pattern=fields.COUNTRY,
        wanted="an ISO 3166 code such as GB",
        required=False,
        help_text="Country whose labour law applies, as ISO 3166 code.",
    )
    employment_type = fields.Word(EMPLOYMENT_TYPE_WORDS, required=False)
    skills = fields.Lines(
        largest=50,
        max_length=120,
        required=False,
        help_text="All of them, by the names of skills that are recorded.",
    )


class ContractorUpsert(ContractorFacts):
    full_name = fields.Line(max_length=200)
    vendor = fields.Reference(
        help_text="Who supplies this person: agency or own company."
    )


class ContractorCreation(ContractorUpsert):
    external_id = fields.Line(max_length=200, required=False, allow_null=True)


class ContractorChange(ContractorFacts):
    external_id = fields.Line(max_length=200, required=False, allow_null=True)


class ContractorLine(ContractorUpsert):
    external_id = fields.Line(max_length=200)


class ContractorBatch(fields.StrictShape):
    contractors = fields.Several(
        child=ContractorLine(), smallest=1, largest=LARGEST_BATCH
    )


class ContractorsStored(serializers.Serializer[Any]):
    """What became of a batch: all of it is stored, or nothing."""

    created = serializers.IntegerField()
    changed = serializers.IntegerField()
    unchanged = serializers.IntegerField()


class ContractorWork(NamedRecord):
    """One augmented engagement of a contractor."""

    reference = serializers.CharField()
    status = fields.Word(Status.values)
    start_date = serializers.DateField()
    end_date = serializers.DateField(allow_null=True)


class ContractorRecord(Stamped):
    """A person behind augmented engagements.

    Job, manager, department and cost center are those of the engagement that runs, or
    else comes next, or else came last, of those that the caller may see.
    """

    full_name = serializers.CharField()
    first_name = serializers.CharField(
        allow_null=True, help_text="The full name up to its last space; a guess."
    )
    last_name = serializers.CharField(allow_null=True)
    work_email = serializers.CharField(allow_null=True)
    worker_number = serializers.CharField(allow_null=True)
    vendor = NamedRecord()
    jurisdiction = serializers.CharField()
    employment_type = fields.Word(EMPLOYMENT_TYPE_WORDS)
    employment_status = fields.Word(
        EMPLOYMENT_STATUSES,
        help_text=(
            "ACTIVE while an engagement runs, PENDING before the first or the next,"
            " else INACTIVE. It follows the calendar without an update."
        ),
    )
    job_title = serializers.CharField(allow_null=True)
    manager = NamedRecord(allow_null=True)
    department = CodedRecord(allow_null=True)
    cost_center = CodedRecord(
        allow_null=True, help_text="The one with the largest share."
    )
    start_date = serializers.DateField(
        allow_null=True, help_text="Of the first engagement."
    )
    end_date = serializers.DateField(
        allow_null=True, help_text="Of the last engagement; null where one is open."
    )
    end_reason = serializers.CharField(allow_null=True)
    skills = serializers.ListField(child=serializers.CharField())
    engagements = ContractorWork(many=True)
    erased_at = serializers.DateTimeField(
        allow_null=True, help_text="When personal data was erased; forget your copy."
    )


class ContractorPage(PageWithDeleted):
    results = ContractorRecord(many=True)


class ContractorQuery(PageQuery):
    vendor = fields.Identifier(required=False, help_text="The vendor's id.")
    worker_number = fields.Line(max_length=40, required=False)
    work_email = fields.Line(max_length=254, required=False)
    employment_type = fields.Word(EMPLOYMENT_TYPE_WORDS, required=False)
    employment_status = fields.Word(EMPLOYMENT_STATUSES, required=False)
