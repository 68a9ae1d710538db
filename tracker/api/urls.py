from django.urls import include, path
from rest_framework.routers import SimpleRouter

from tracker.api.business_services import ServiceViewSet
from tracker.api.changelog import changelog
from tracker.api.contractors.views import ContractorViewSet
from tracker.api.cost_centers import CostCenterViewSet
from tracker.api.departments import DepartmentViewSet
from tracker.api.engagements.views import EngagementViewSet
from tracker.api.events import EventViewSet
from tracker.api.guides import docs, guide, guide_text
from tracker.api.imports import ImportViewSet
from tracker.api.invoices import InvoiceViewSet
from tracker.api.judged import (
    AssessmentViewSet,
    EngagementGroupViewSet,
    PatternViewSet,
)
from tracker.api.model_flags import ModelFlagViewSet
from tracker.api.people import PersonViewSet
from tracker.api.performance.views import (
    CreditViewSet,
    DowntimeViewSet,
    MeasurementViewSet,
    ReviewViewSet,
    ServiceLevelViewSet,
    TicketViewSet,
)
from tracker.api.schema import openapi
from tracker.api.spend import ReportView, SpendView
from tracker.api.terms import FeeTermViewSet, RateTermViewSet
from tracker.api.timesheets.views import TimesheetEntryViewSet
from tracker.api.vendors import VendorViewSet
from tracker.api.webhooks.views import WebhookDeliveryViewSet, WebhookEndpointViewSet
from tracker.api.what_if import WhatIfView

app_name = "api"

router = SimpleRouter(trailing_slash=False, use_regex_path=False)
router.register("engagements", EngagementViewSet, basename="engagement")
router.register("invoices", InvoiceViewSet, basename="invoice")
router.register("contractors", ContractorViewSet, basename="contractor")
router.register("cost-centers", CostCenterViewSet, basename="cost-center")
router.register("departments", DepartmentViewSet, basename="department")
router.register("imports", ImportViewSet, basename="import")
router.register("people", PersonViewSet, basename="person")
router.register("services", ServiceViewSet, basename="service")
router.register("timesheet-entries", TimesheetEntryViewSet, basename="timesheet-entry")
router.register("vendors", VendorViewSet, basename="vendor")
_PARTS = {
    "service-levels": ServiceLevelViewSet,
    "measurements": MeasurementViewSet,
    "downtime": DowntimeViewSet,
    "tickets": TicketViewSet,
    "credits": CreditViewSet,
    "reviews": ReviewViewSet,
    "rate-terms": RateTermViewSet,
    "fee-terms": FeeTermViewSet,
}
for _part, _view in _PARTS.items():
    router.register(
        f"engagements/<uuid:engagement_id>/{_part}",
        _view,
        basename=f"engagement-{_part}",
    )
router.register("events", EventViewSet, basename="event")
router.register(
    "webhook-endpoints", WebhookEndpointViewSet, basename="webhook-endpoint"
)
router.register(
    "webhook-deliveries", WebhookDeliveryViewSet, basename="webhook-delivery"
)
router.register("model-flags", ModelFlagViewSet, basename="model-flag")
router.register("assessments", AssessmentViewSet, basename="assessment")
router.register(
    "engagement-groups", EngagementGroupViewSet, basename="engagement-group"
)
router.register("patterns", PatternViewSet, basename="pattern")

urlpatterns = [
    path("v1/", include(router.urls)),
    path("v1/fit/what-if", WhatIfView.as_view({"post": "ask"}), name="what-if"),
    path("v1/changelog", changelog, name="changelog"),
    path("v1/spend", SpendView.as_view({"get": "list"}), name="spend"),
    path("v1/reports", ReportView.as_view({"get": "list"}), name="reports"),
    path(
        "v1/reports/<slug:report>",
        ReportView.as_view({"get": "retrieve"}),
        name="report",
    ),
    path("v1/openapi", openapi, name="openapi"),
    path("docs", docs, name="docs"),
    path("docs/guides/<slug:slug>", guide, name="guide"),
    path("docs/guides/<slug:slug>/text", guide_text, name="guide-text"),
]
