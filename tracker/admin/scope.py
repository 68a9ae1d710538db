"""Whose rows of the tracker's records a person may see."""

from django.db.models import Exists, OuterRef, Q

from engagements.admin.scope import for_everyone, narrowed_by, through
from engagements.models import User
from engagements.permissions import departments_under, engagement_scope, sees_all
from tracker.api.models import ApiKey
from tracker.directory.models import DirectoryPerson, SyncEntry, Team
from tracker.fit.models import Advice, Assessment, Flag, Policy, advice_scope
from tracker.imports.models import TimeName
from tracker.jobs.models import JobRun
from tracker.notify.models import Alert, Reminder
from tracker.performance.models import (
    Credit,
    Downtime,
    Exclusion,
    LevelResult,
    Measurement,
    Review,
    Ticket,
)
from tracker.spend.models import (
    Accrual,
    BenchmarkRate,
    BenchmarkSet,
    Budget,
    BudgetPolicy,
    ClosedMonth,
    ExchangeRate,
    Invoice,
    InvoiceAttachment,
    InvoiceLine,
    LedgerEntry,
    MatchException,
    MonthOutlook,
    OrderChange,
    OrderCoverage,
    OversightLog,
    Payment,
    PurchaseOrder,
    RoleBenchmark,
    Saving,
    SavingRealisation,
    Settlement,
    Timesheet,
    WorkLog,
    budget_scope,
)
from tracker.webhooks.models import WebhookDelivery, WebhookEndpoint, endpoint_scope


def _invoices(user: User) -> Q:
    """Those with a line for an engagement in scope, and one's own empty drafts."""
    if sees_all(user):
        return Q()
    lines = InvoiceLine.objects.filter(invoice=OuterRef("pk"))
    seen = InvoiceLine.objects.visible_to(user).filter(invoice=OuterRef("pk"))
    return Q(Exists(seen)) | Q(~Exists(lines), received_by=user)


def _attachments(user: User) -> Q:
    return Q(pk__in=InvoiceAttachment.objects.visible_to(user).values("pk"))


def _oversight(user: User) -> Q:
    if sees_all(user):
        return Q()
    whole_span = Q(engagement=None, manager__department__in=departments_under(user))
    return Q(manager=user) | whole_span | engagement_scope(user, prefix="engagement__")


def _alerts(user: User) -> Q:
    """All to those who see all; else one's own, of what one may see."""
    if sees_all(user):
        return Q()
    return Q(recipient=user) & (
        Q(engagement=None) | engagement_scope(user, prefix="engagement__")
    )


def _of_budgets_centres(user: User) -> Q:
    """The organisation's, and those of one's departments."""
    if sees_all(user):
        return Q()
    return Q(cost_centre=None) | Q(cost_centre__department__in=departments_under(user))


def _reviews(user: User) -> Q:
    return engagement_scope(user, prefix="engagement__", with_reviews=True)


def _money(user: User) -> Q:
    return engagement_scope(user, prefix="engagement__", with_money=True)


def _orders(user: User) -> Q:
    return Q(pk__in=PurchaseOrder.objects.visible_to(user).values("pk"))


def _changes_of_orders(user: User) -> Q:
    return Q(order__in=PurchaseOrder.objects.visible_to(user))


def _savings(user: User) -> Q:
    return Q(pk__in=Saving.objects.visible_to(user).values("pk"))


def _realisations(user: User) -> Q:
    return Q(saving__in=Saving.objects.visible_to(user))


def _deliveries(user: User) -> Q:
    return endpoint_scope(user, prefix="endpoint__")


narrowed_by(
    through("engagement"),
    Reminder,
    Timesheet,
    WorkLog,
    InvoiceLine,
    Payment,
    LedgerEntry,
    Accrual,
    MonthOutlook,
    Settlement,
    Assessment,
    Flag,
)
narrowed_by(advice_scope, Advice)
narrowed_by(
    through("engagement"), Measurement, Downtime, Exclusion, Ticket, LevelResult
)
narrowed_by(_money, Credit, MatchException, OrderCoverage)
narrowed_by(_orders, PurchaseOrder)
narrowed_by(_changes_of_orders, OrderChange)
narrowed_by(_savings, Saving)
narrowed_by(_realisations, SavingRealisation)
narrowed_by(_reviews, Review)
narrowed_by(_invoices, Invoice)
narrowed_by(_attachments, InvoiceAttachment)
narrowed_by(_oversight, OversightLog)
narrowed_by(budget_scope, Budget)
narrowed_by(_of_budgets_centres, BudgetPolicy)
# Published rates are no department's, nor what our roles are called.
narrowed_by(for_everyone, BenchmarkSet, BenchmarkRate, RoleBenchmark)
# What a currency is worth is no department's, nor which months are closed.
narrowed_by(for_everyone, ExchangeRate, ClosedMonth)
narrowed_by(_alerts, Alert)
# Names in time files are for those who import, and who see every row.
narrowed_by(for_everyone, TimeName)
# Their owners', and everybody's to those who oversee.
narrowed_by(endpoint_scope, WebhookEndpoint)
narrowed_by(_deliveries, WebhookDelivery)
# Keys are shown to administrators and auditors only.
narrowed_by(for_everyone, ApiKey)
# How the engine weighs is the same for all; it names no engagement.
narrowed_by(for_everyone, Policy)
# Runs hold counts, no names and no amounts of any one department.
narrowed_by(for_everyone, JobRun)
# Shown to those who keep the feed of people, who see everybody.
narrowed_by(for_everyone, DirectoryPerson, Team, SyncEntry)
