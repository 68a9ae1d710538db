from collections.abc import Sequence

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from engagements.models import User, Vendor, VendorContact
from engagements.services.records import change_record, create_record
from engagements.values.names import normalise_name


@transaction.atomic
def register_vendor(
    *, vendor: Vendor, contacts: Sequence[VendorContact] = (), actor: User | None
) -> Vendor:
    """Store a new vendor with its contacts; raises ValidationError by field."""
    _check_name(vendor)
    create_record(record=vendor, event_type="vendor.registered", actor=actor)
    for contact in contacts:
        contact.vendor = vendor
        create_record(record=contact, actor=actor)
    return vendor


def change_vendor(
    *, vendor: Vendor, expected_version: int | None = None, actor: User | None
) -> Vendor:
    _check_name(vendor)
    return change_record(record=vendor, expected_version=expected_version, actor=actor)


def _check_name(vendor: Vendor) -> None:
    """Refuse a name whose form for matching is empty, or outgrows its column.

    Case folding can lengthen a text threefold, and nothing else looks at the result.
    """
    form = normalise_name(vendor.legal_name)
    longest = Vendor._meta.get_field("normalised_name").max_length or 0
    if not form:
        raise ValidationError({"legal_name": _("Give a name with letters or digits.")})
    if len(form) > longest:
        raise ValidationError({"legal_name": _("Give a shorter name.")})
