from django.urls import include, path
from rest_framework.routers import SimpleRouter

from tracker.api.hris.views import (
    EmployeeView,
    EmploymentView,
    GroupView,
    TimesheetEntryView,
)

app_name = "hris"

router = SimpleRouter(trailing_slash=False, use_regex_path=False)
router.register("employees", EmployeeView, basename="employee")
router.register("employments", EmploymentView, basename="employment")
router.register("timesheet-entries", TimesheetEntryView, basename="timesheet-entry")
router.register("groups", GroupView, basename="group")

urlpatterns = [path("v1/", include(router.urls))]
