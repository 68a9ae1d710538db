"""Words with labels: every closed list of the records."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Kind(models.TextChoices):
    MANAGED = "managed", _("Managed service")
    AUGMENTED = "augmented", _("Augmented contractor")


class Status(models.TextChoices):
    DRAFT = "draft", _("Draft")
    PENDING_APPROVAL = "pending_approval", _("Pending approval")
    ACTIVE = "active", _("Active")
    ENDED = "ended", _("Ended")
    TERMINATED = "terminated", _("Terminated")
    CANCELLED = "cancelled", _("Cancelled")


LIVE_STATUSES = (Status.DRAFT, Status.PENDING_APPROVAL, Status.ACTIVE)


class Phase(models.TextChoices):
    UPCOMING = "upcoming", _("Upcoming")
    IN_PROGRESS = "in_progress", _("In progress")
    NOTICE_WINDOW = "notice_window", _("Notice window")
    ENDING = "ending", _("Ending")
    OVERDUE = "overdue", _("Overdue")
    CLOSED = "closed", _("Closed")


class Origin(models.TextChoices):
    LOGGED = "logged", _("Logged by a person")
    IMPORTED = "imported", _("Imported")
    CONVERTED = "converted", _("Converted from the other model")


class ExtensionGround(models.TextChoices):
    """Why an engagement goes on without what was asked for first."""

    FOLLOWS = "follows", _("The review will follow")
    UNCHANGED = "unchanged", _("Nothing has changed since the last one")
    NO_TIME = "no_time", _("It would end before one could be made")


class Renewal(models.TextChoices):
    NONE = "none", _("Does not renew")
    MANUAL = "manual", _("A person renews")
    AUTO = "auto", _("Renews by itself")


class NoticeUnit(models.TextChoices):
    DAYS = "days", _("days")
    MONTHS = "months", _("months")


class EndReason(models.TextChoices):
    COMPLETED = "completed", _("Work completed")
    NOT_RENEWED = "not_renewed", _("Not renewed")
    CONVERTED = "converted", _("Converted to the other model")
    BUDGET = "budget", _("Budget")
    PERFORMANCE = "performance", _("Performance")
    VENDOR = "vendor", _("Vendor withdrew")
    LEFT = "left", _("Contractor left")
    OTHER = "other", _("Other")


class Standing(models.TextChoices):
    ACTIVE = "active", _("Active")
    ON_HOLD = "on_hold", _("On hold")
    BLOCKED = "blocked", _("Blocked")


class Tier(models.TextChoices):
    STRATEGIC = "strategic", _("Strategic")
    PREFERRED = "preferred", _("Preferred")
    APPROVED = "approved", _("Approved")


class Estate(models.TextChoices):
    CORE = "core", _("Core")
    SATELLITE = "satellite", _("Satellite")


class Breadth(models.TextChoices):
    SPECIALIST = "specialist", _("Specialist")
    GENERAL = "general", _("General")


class Maturity(models.IntegerChoices):
    NONE = 1, _("1 · no team")
    FEW = 2, _("2 · a few people, no lead")
    PARTIAL = 3, _("3 · part of a team, a lead")
    TEAM = 4, _("4 · a team, shared lead")
    FULL = 5, _("5 · full team with its own lead")


class EmploymentType(models.TextChoices):
    CONTRACTOR = "contractor", _("Contractor")
    FREELANCE = "freelance", _("Freelance")


class ServiceHours(models.TextChoices):
    BUSINESS = "business", _("Business hours")
    EXTENDED = "extended", _("Extended hours")
    ALWAYS = "always", _("Around the clock")


class CreditScheme(models.TextChoices):
    NONE = "none", _("No service credits")
    POOL = "pool", _("Pool of at-risk fee")
    POINTS = "points", _("Points")
    TIERS = "tiers", _("Tiers")
    FLAT = "flat", _("Flat share of the fee")


class ChargeKind(models.TextChoices):
    RECURRING = "recurring", _("Recurring fee")
    TIME = "time", _("Time")
    MILESTONE = "milestone", _("Milestone")
    UNIT = "unit", _("Unit")
    ONE_OFF = "one_off", _("One-off")
    EXPENSE = "expense", _("Expense")
    CREDIT = "credit", _("Credit")
    PAYMENT = "payment", _("Payment, charge not known")
    TAX = "tax", _("Tax")


class RateUnit(models.TextChoices):
    HOUR = "hour", _("per hour")
    DAY = "day", _("per day")


class Level(models.TextChoices):
    JUNIOR = "junior", _("Junior")
    PRACTITIONER = "practitioner", _("Practitioner")
    SENIOR = "senior", _("Senior")
    LEAD = "lead", _("Lead")
    PRINCIPAL = "principal", _("Principal")


class Place(models.TextChoices):
    ON_SITE = "on_site", _("On site")
    HYBRID = "hybrid", _("Hybrid")
    REMOTE = "remote", _("Remote")


class Metric(models.TextChoices):
    AVAILABILITY = "availability", _("Availability")
    RESPONSE = "response", _("Response")
    RESOLUTION = "resolution", _("Resolution")
    QUALITY = "quality", _("Quality")
    SATISFACTION = "satisfaction", _("Satisfaction")
    ON_TIME = "on_time", _("Delivery on time")
    OTHER = "other", _("Other")


class Direction(models.TextChoices):
    AT_LEAST = "at_least", _("at least")
    AT_MOST = "at_most", _("at most")


class Window(models.TextChoices):
    MONTH = "month", _("Month")
    QUARTER = "quarter", _("Quarter")


class MeasuredBy(models.TextChoices):
    """What a service level's result is computed from."""

    VALUE = "value", _("A figure per period")
    COUNTS = "counts", _("Good out of total")
    DOWNTIME = "downtime", _("Minutes of downtime")
    TICKETS = "tickets", _("Tickets")


class DocumentType(models.TextChoices):
    CONTRACT = "contract", _("Contract")
    STATEMENT_OF_WORK = "statement_of_work", _("Statement of work")
    AMENDMENT = "amendment", _("Amendment")
    INSURANCE = "insurance", _("Insurance certificate")
    CONFIDENTIALITY = "confidentiality", _("Confidentiality agreement")
    DATA_PROTECTION = "data_protection", _("Data processing agreement")
    OTHER = "other", _("Other")


class ApprovalOutcome(models.TextChoices):
    WAITING = "waiting", _("Waiting")
    APPROVED = "approved", _("Approved")
    REJECTED = "rejected", _("Rejected")
    WITHDRAWN = "withdrawn", _("Withdrawn")


class ChangeOrderState(models.TextChoices):
    """What became of a change order; derived from its approvals, never stored."""

    WAITING = "waiting", _("Waiting for approval")
    IN_FORCE = "in_force", _("In force")
    REJECTED = "rejected", _("Rejected")
    WITHDRAWN = "withdrawn", _("Withdrawn")


class ChecklistStage(models.TextChoices):
    ONBOARDING = "onboarding", _("On-boarding")
    OFFBOARDING = "offboarding", _("Off-boarding")


class TaskStatus(models.TextChoices):
    TO_DO = "to_do", _("To do")
    IN_PROGRESS = "in_progress", _("In progress")
    STUCK = "stuck", _("Stuck")
    DONE = "done", _("Done")
    DISMISSED = "dismissed", _("Not applicable")


OPEN_TASKS = (TaskStatus.TO_DO, TaskStatus.IN_PROGRESS, TaskStatus.STUCK)


class TenureAction(models.TextChoices):
    WARN = "warn", _("Warn")
    BLOCK = "block", _("Block")


class TenureBasis(models.TextChoices):
    PERSON = "person", _("per person")
    POST = "post", _("per post")


class Role(models.TextChoices):
    """The groups that say what a person may see and do."""

    MANAGER = "Manager", _("Manager")
    FINANCE = "Finance", _("Finance")
    HR_INTEGRATION = "HR integration", _("HR integration")
    AUDITOR = "Auditor", _("Auditor")
    ADMINISTRATOR = "Administrator", _("Administrator")
