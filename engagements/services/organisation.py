from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from engagements.models import Department, User
from engagements.permissions import departments_above
from engagements.services.records import change_record, create_record


def add_department(*, department: Department, actor: User | None) -> Department:
    """Store a new department; raises ValidationError by field."""
    return create_record(record=department, actor=actor)


@transaction.atomic
def change_department(
    *,
    department: Department,
    expected_version: int | None = None,
    actor: User | None,
) -> Department:
    """Store a changed department; raises ValidationError by field, ConflictError.

    A department never comes to lie below itself.
    """
    if department.pk in departments_above(department.parent_id):
        raise ValidationError(
            {"parent": _("This lies below the department, so it can't be its parent.")}
        )
    return change_record(
        record=department, expected_version=expected_version, actor=actor
    )
