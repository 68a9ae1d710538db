"""What tools that speak Merge's HRIS model read; names and words are that model's.

Of a worker's private life nothing is recorded here: those fields are always null.
"""

from typing import Any

from rest_framework import serializers

from tracker.api import fields
from tracker.api.contractors.shapes import EMPLOYMENT_STATUSES, EMPLOYMENT_TYPE_WORDS
from tracker.api.pagination import LARGEST_PAGE, PAGE_SIZE
from tracker.api.resource import PageQuery

DEPARTMENT, COST_CENTER = "DEPARTMENT", "COST_CENTER"
_TAKEN = "Taken, since tools send it; it changes nothing here."


class HrisQuery(fields.StrictShape):
    """Parameters of every list, and those that tools send by habit."""

    cursor = fields.Patterned(
        pattern=r"^[A-Za-z0-9_:-]+$",
        wanted="next or previous as it was answered",
        min_length=1,
        max_length=400,
        required=False,
        help_text="`next` or `previous` of another page, same filters.",
    )
    page_size = fields.WholeInQuery(
        smallest=1,
        largest=LARGEST_PAGE,
        required=False,
        help_text=f"Rows a page; {PAGE_SIZE} where not given.",
    )
    modified_after = fields.Moment(
        required=False, help_text=PageQuery().fields["updated_since"].help_text
    )
    remote_id = fields.Line(
        max_length=200, required=False, help_text="The record's external id."
    )
    include_deleted_data = fields.TruthInQuery(required=False, help_text=_TAKEN)
    include_remote_data = fields.TruthInQuery(required=False, help_text=_TAKEN)
    include_shell_data = fields.TruthInQuery(required=False, help_text=_TAKEN)


class OfEmployeeQuery(HrisQuery):
    employee_id = fields.Identifier(required=False)


class HrisRecord(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    remote_id = serializers.CharField(allow_null=True)
    created_at = serializers.DateTimeField()
    modified_at = serializers.DateTimeField()
    remote_was_deleted = serializers.BooleanField()


class Employee(HrisRecord):
    """A contingent worker or, with people:read, one of our own people."""

    employee_number = serializers.CharField(allow_null=True)
    company = serializers.CharField(allow_null=True)
    first_name = serializers.CharField(allow_null=True)
    last_name = serializers.CharField(allow_null=True)
    preferred_name = serializers.CharField(allow_null=True)
    display_full_name = serializers.CharField(allow_null=True)
    username = serializers.CharField(allow_null=True)
    groups = serializers.ListField(child=serializers.UUIDField())
    work_email = serializers.CharField(allow_null=True)
    personal_email = serializers.CharField(allow_null=True)
    mobile_phone_number = serializers.CharField(allow_null=True)
    employments = serializers.ListField(child=serializers.UUIDField())
    home_location = serializers.CharField(allow_null=True)
    work_location = serializers.CharField(allow_null=True)
    manager = serializers.UUIDField(allow_null=True)
    team = serializers.CharField(allow_null=True)
    pay_group = serializers.CharField(allow_null=True)
    ssn = serializers.CharField(allow_null=True)
    gender = serializers.CharField(allow_null=True)
    ethnicity = serializers.CharField(allow_null=True)
    marital_status = serializers.CharField(allow_null=True)
    date_of_birth = serializers.DateField(allow_null=True)
    hire_date = serializers.DateField(allow_null=True)
    start_date = serializers.DateField(allow_null=True)
    employment_status = fields.Word(EMPLOYMENT_STATUSES)
    termination_date = serializers.DateField(allow_null=True)
    avatar = serializers.CharField(allow_null=True)


class Employment(HrisRecord):
    """One augmented engagement. The three of pay are null without rates:read."""

    employee = serializers.UUIDField()
    job_title = serializers.CharField()
    pay_rate = serializers.FloatField(allow_null=True)
    pay_period = serializers.CharField(allow_null=True, help_text="HOUR or DAY.")
    pay_frequency = serializers.CharField(allow_null=True)
    pay_currency = serializers.CharField(allow_null=True)
    pay_group = serializers.CharField(allow_null=True)
    flsa_status = serializers.CharField(allow_null=True)
    effective_date = serializers.DateField(
        help_text="From when this pay holds; without rates:read, the start."
    )
    employment_type = fields.Word(EMPLOYMENT_TYPE_WORDS)


class TimesheetEntry(HrisRecord):
    employee = serializers.UUIDField(allow_null=True)
    hours_worked = serializers.FloatField()
    start_time = serializers.DateTimeField(
        help_text="The day, at midnight UTC: hours are recorded by the day."
    )
    end_time = serializers.DateTimeField(allow_null=True)


class Group(HrisRecord):
    """A department or, with cost-centers:read, a cost center."""

    parent_group = serializers.UUIDField(allow_null=True)
    name = serializers.CharField()
    type = fields.Word([DEPARTMENT, COST_CENTER])
    is_commonly_used_as_team = serializers.BooleanField()


class HrisPage(serializers.Serializer[Any]):
    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)


class EmployeePage(HrisPage):
    results = Employee(many=True)


class EmploymentPage(HrisPage):
    results = Employment(many=True)


class HrisTimesheetEntryPage(HrisPage):
    results = TimesheetEntry(many=True)


class GroupPage(HrisPage):
    results = Group(many=True)
