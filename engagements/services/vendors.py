from collections.abc import Sequence

from django.db import transaction

from engagements.models import User, Vendor, VendorContact
from engagements.services.records import change_record, create_record


@transaction.atomic
def register_vendor(
    *, vendor: Vendor, contacts: Sequence[VendorContact] = (), actor: User | None
) -> Vendor:
    """Store a new vendor with its contacts; raises ValidationError by field."""
    create_record(record=vendor, event_type="vendor.registered", actor=actor)
    for contact in contacts:
        contact.vendor = vendor
        create_record(record=contact, actor=actor)
    return vendor


def change_vendor(
    *, vendor: Vendor, expected_version: int | None = None, actor: User | None
) -> Vendor:
    return change_record(record=vendor, expected_version=expected_version, actor=actor)
