from django.urls import include, path
from rest_framework.routers import SimpleRouter

from tracker.api.engagements.views import EngagementViewSet
from tracker.api.invoices import InvoiceViewSet
from tracker.api.schema import docs, openapi
from tracker.api.vendors import VendorViewSet

app_name = "api"

router = SimpleRouter(trailing_slash=False, use_regex_path=False)
router.register("engagements", EngagementViewSet, basename="engagement")
router.register("invoices", InvoiceViewSet, basename="invoice")
router.register("vendors", VendorViewSet, basename="vendor")

urlpatterns = [
    path("v1/", include(router.urls)),
    path("v1/openapi", openapi, name="openapi"),
    path("docs", docs, name="docs"),
]
