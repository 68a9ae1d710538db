"""Files of the lists of vendors, contractors and engagements, for their pages."""

from functools import partial

from django.utils.translation import gettext_lazy as _

from engagements.admin.exports import ListExport, exported_as
from engagements.models import (
    Assignment,
    Contractor,
    Engagement,
    ManagedContract,
    Vendor,
)
from tracker.imports.exports import export_records

exported_as(
    ListExport("vendors", _("Vendors"), partial(export_records, kind_name="vendors")),
    Vendor,
)
exported_as(
    ListExport(
        "contractors",
        _("Contractors"),
        partial(export_records, kind_name="contractors"),
    ),
    Contractor,
)
_AGREEMENTS = (Engagement, ManagedContract, Assignment)
exported_as(
    ListExport(
        "engagements",
        _("Engagements"),
        partial(export_records, kind_name="engagements"),
    ),
    *_AGREEMENTS,
)
exported_as(
    ListExport(
        "terms",
        _("Their terms"),
        partial(export_records, kind_name="terms"),
        is_of_money=True,
    ),
    *_AGREEMENTS,
)
