from engagements.models.access import AccessGrant
from engagements.models.augmented import Assignment, RateTerm
from engagements.models.departure import Departure
from engagements.models.engagement import (
    ChangeOrder,
    CostSplit,
    CostSplitShare,
    Document,
    Engagement,
)
from engagements.models.event import Event
from engagements.models.lifecycle import (
    Approval,
    ApprovalRule,
    ChecklistTask,
    ChecklistTemplate,
    TenurePolicy,
)
from engagements.models.managed import (
    Charge,
    CreditStep,
    FeeTerm,
    ManagedContract,
    NamedWorker,
    ServiceLevel,
)
from engagements.models.organisation import CostCentre, Department, Service
from engagements.models.people import Contractor, Skill, User
from engagements.models.tombstone import Tombstone
from engagements.models.vendor import Vendor, VendorContact

__all__ = [
    "AccessGrant",
    "Approval",
    "ApprovalRule",
    "Assignment",
    "ChangeOrder",
    "Charge",
    "ChecklistTask",
    "ChecklistTemplate",
    "Contractor",
    "CostCentre",
    "CostSplit",
    "CostSplitShare",
    "CreditStep",
    "Department",
    "Departure",
    "Document",
    "Engagement",
    "Event",
    "FeeTerm",
    "ManagedContract",
    "NamedWorker",
    "RateTerm",
    "Service",
    "ServiceLevel",
    "Skill",
    "TenurePolicy",
    "Tombstone",
    "User",
    "Vendor",
    "VendorContact",
]
