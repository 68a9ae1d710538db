"""How the admin looks: read by django-unfold as settings.UNFOLD."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse, reverse_lazy
from django.utils.translation import gettext_lazy as _

FAVICON = "tracker/favicon.svg"
STYLES = "tracker/admin.css"
SCRIPT = "tracker/admin.js"

ENVIRONMENTS = {
    "development": [_("Trial"), "warning"],
    "test": [_("Test"), "info"],
}


def environment_badge(request: HttpRequest) -> list[Any] | None:
    """Return what says that this is not the real thing, where it isn't."""
    return ENVIRONMENTS.get(settings.ENVIRONMENT)


def _may_view(permission: str) -> Callable[[HttpRequest], bool]:
    app, model = permission.split(".")
    return lambda request: request.user.has_perm(f"{app}.view_{model}")


def _sees_money(request: HttpRequest) -> bool:
    # Settings read this module before there are models.
    from engagements.permissions import sees_money

    return sees_money(request.user)


def _may_ask(request: HttpRequest) -> bool:
    return request.user.has_perm("tracker.add_advice")


def _page(title: Any, icon: str, model: str) -> dict[str, Any]:
    return {
        "title": title,
        "icon": icon,
        "link": reverse_lazy(f"admin:{model.replace('.', '_')}_changelist"),
        "permission": _may_view(model),
    }


def _tab(title: Any, model: str) -> dict[str, Any]:
    return {
        "title": title,
        "link": reverse_lazy(f"admin:{model.replace('.', '_')}_changelist"),
        "permission": _may_view(model),
    }


def _may_see_checklist(request: HttpRequest) -> bool:
    from tracker.admin.month_checklist import may_see_checklist

    return may_see_checklist(request)


def _is_at(part: str, *, but: str) -> Callable[[HttpRequest], bool]:
    """Tell pages apart of which one's address begins with the other's."""
    return lambda request: part in request.path and but not in request.path


def _is_at_any(*models: str) -> Callable[[HttpRequest], bool]:
    """Tell whether a page is of one of the lists that share a row, as tabs."""
    parts = [f"/{model.replace('.', '/')}/" for model in models]
    return lambda request: any(part in request.path for part in parts)


def _topic(title: Any, icon: str, name: str) -> dict[str, Any]:
    """Return a page of the product's own, for whom it opens to."""

    def may_open(request: HttpRequest) -> bool:
        # Settings read this module before there are models.
        from tracker.dashboards.topics.navigation import is_open_to

        return is_open_to(request.user, name)

    return {
        "title": title,
        "icon": icon,
        "link": reverse_lazy(f"tracker:{name}"),
        "permission": may_open,
    }


def _open_tasks(request: HttpRequest) -> int:
    from engagements.queries import open_task_count

    return open_task_count(request.user)


def _approvals_waiting(request: HttpRequest) -> int:
    from engagements.admin.approval import waiting_count

    return waiting_count(request)


# Lists of one subject share a row of the sidebar, and stand beside one another as tabs.
MEASURED = (
    "tracker.measurement",
    "tracker.downtime",
    "tracker.exclusion",
    "tracker.ticket",
)
IMPORTED = ("tracker.importrun", "tracker.timename")
SENT = ("tracker.alert", "tracker.reminder")
PUSHED = ("tracker.syncentry", "tracker.directoryperson", "tracker.team")
TABS: list[dict[str, Any]] = [
    {
        "models": list(MEASURED),
        "items": [
            _tab(_("Measurements"), "tracker.measurement"),
            _tab(_("Downtime"), "tracker.downtime"),
            _tab(_("Exclusions"), "tracker.exclusion"),
            _tab(_("Tickets"), "tracker.ticket"),
        ],
    },
    {
        "models": list(IMPORTED),
        "items": [
            _tab(_("Imports"), "tracker.importrun"),
            _tab(_("Names in time files"), "tracker.timename"),
        ],
    },
    {
        "models": list(SENT),
        "items": [
            _tab(_("Alerts sent"), "tracker.alert"),
            _tab(_("Reminders sent"), "tracker.reminder"),
        ],
    },
    {
        "models": list(PUSHED),
        "items": [
            _tab(_("Sync page"), "tracker.syncentry"),
            _tab(_("People pushed"), "tracker.directoryperson"),
            _tab(_("Teams"), "tracker.team"),
        ],
    },
]

# Grouped by what a person is about to do, not by where it is stored.
NAVIGATION: list[dict[str, Any]] = [
    {
        "items": [
            {
                "title": _("Home"),
                "icon": "home",
                "link": reverse_lazy("admin:index"),
            },
            _page(_("Waiting for me"), "inbox", "engagements.approval")
            | {"count": _approvals_waiting},
            _page(_("My tasks"), "task_alt", "engagements.checklisttask")
            | {"count": _open_tasks},
            {
                "title": _("Calendar of deadlines"),
                "icon": "calendar_month",
                "link": reverse_lazy("tracker:calendar"),
                "permission": _may_view("engagements.engagement"),
            },
            {
                "title": _("Alerts"),
                "icon": "notifications",
                "link": reverse_lazy("admin:tracker_alert_own"),
            },
        ],
    },
    {
        "title": _("Pages"),
        "items": [
            _topic(_("My page"), "dashboard", "my"),
            {
                "title": _("Finance page"),
                "icon": "bar_chart",
                "link": reverse_lazy("tracker:finance"),
                "permission": _sees_money,
                # All addresses begin with its own, and django-unfold compares so.
                "active": False,
            },
            _topic(_("Vendors page"), "pie_chart", "vendors"),
            _topic(_("Cost centres page"), "trending_down", "cost-centres"),
            _topic(_("Contractors page"), "speed", "contractors"),
            {
                "title": _("Service levels page"),
                "icon": "grid_on",
                "link": reverse_lazy("tracker:service-levels"),
                "permission": _may_view("tracker.levelresult"),
            },
            {
                "title": _("Fit page"),
                "icon": "scatter_plot",
                "link": reverse_lazy("tracker:fit"),
                "permission": _may_view("tracker.assessment"),
            },
            _topic(_("Data quality page"), "checklist_rtl", "data-quality"),
        ],
    },
    {
        "title": _("Agreements"),
        "items": [
            _page(_("All engagements"), "handshake", "engagements.engagement"),
            _page(_("Managed services"), "dns", "engagements.managedcontract"),
            _page(_("Augmented contractors"), "badge", "engagements.assignment"),
            _page(_("Vendors"), "apartment", "engagements.vendor"),
            _page(_("Contractors"), "person", "engagements.contractor"),
            _page(_("Documents"), "description", "engagements.document"),
            _page(_("Access"), "key", "engagements.accessgrant"),
        ],
    },
    {
        "title": _("Performance"),
        "items": [
            _page(_("Results"), "fact_check", "tracker.levelresult"),
            _page(_("Service credits"), "price_check", "tracker.credit"),
            _page(_("Reviews"), "rate_review", "tracker.review"),
            _page(_("Service levels"), "rule", "engagements.servicelevel"),
            _page(_("Measurements"), "straighten", "tracker.measurement")
            | {"active": _is_at_any(*MEASURED)},
        ],
    },
    {
        "title": _("Which model fits"),
        "items": [
            {
                "title": _("Which model should this be?"),
                "icon": "help_center",
                "link": reverse_lazy("admin:tracker_advice_add"),
                "permission": _may_ask,
            },
            _page(_("Advice"), "tips_and_updates", "tracker.advice")
            | {"active": _is_at("/tracker/advice/", but="/add/")},
            _page(_("Flags"), "flag", "tracker.flag"),
            _page(_("Assessments"), "balance", "tracker.assessment"),
        ],
    },
    {
        "title": _("Work"),
        "items": [
            _page(_("Timesheets"), "calendar_view_week", "tracker.timesheet"),
            _page(_("Work logs"), "schedule", "tracker.worklog"),
            _page(_("Oversight"), "supervisor_account", "tracker.oversightlog"),
            _page(_("Imports"), "upload_file", "tracker.importrun")
            | {"active": _is_at_any(*IMPORTED)},
        ],
    },
    {
        "title": _("Money"),
        "items": [
            _page(_("Invoices"), "receipt_long", "tracker.invoice"),
            _page(_("Exceptions"), "rule_folder", "tracker.matchexception"),
            _page(_("Purchase orders"), "shopping_cart", "tracker.purchaseorder"),
            _page(_("Savings"), "savings", "tracker.saving"),
            _page(_("Payments"), "payments", "tracker.payment"),
            _page(_("Budgets"), "savings", "tracker.budget"),
            _page(_("Benchmarks"), "query_stats", "tracker.benchmarkset"),
            _page(_("Ledger"), "menu_book", "tracker.ledgerentry"),
            _page(_("Accruals"), "calculate", "tracker.accrual")
            | {"active": _is_at("/tracker/accrual/", but="/checklist/")},
            _page(_("Outlooks"), "insights", "tracker.monthoutlook"),
            {
                "title": _("Month checklist"),
                "icon": "event_available",
                "link": reverse_lazy("admin:tracker_accrual_checklist"),
                "permission": _may_see_checklist,
            },
            _page(_("Closed months"), "lock_clock", "tracker.closedmonth"),
            _page(_("Exchange rates"), "currency_exchange", "tracker.exchangerate"),
        ],
    },
    {
        "title": _("Organisation"),
        "collapsible": True,
        "items": [
            _page(_("Departments"), "account_tree", "engagements.department"),
            _page(
                _("Cost centres"), "account_balance_wallet", "engagements.costcentre"
            ),
            _page(_("Services"), "layers", "engagements.service"),
            _page(_("Skills"), "school", "engagements.skill"),
            _page(_("People"), "group", "engagements.user"),
            _page(_("Departures"), "person_off", "engagements.departure"),
            _page(_("Identity tool"), "sync", "tracker.syncentry")
            | {"active": _is_at_any(*PUSHED)},
        ],
    },
    {
        "title": _("Rules"),
        "collapsible": True,
        "items": [
            _page(_("Approval rules"), "approval", "engagements.approvalrule"),
            _page(_("Tenure policies"), "hourglass_top", "engagements.tenurepolicy"),
            _page(_("Budget policies"), "price_check", "tracker.budgetpolicy"),
            _page(_("Fit policy"), "balance", "tracker.policy"),
            _page(_("Checklists"), "checklist", "engagements.checklisttemplate"),
        ],
    },
    {
        "title": _("Operation"),
        "collapsible": True,
        "items": [
            _page(_("History"), "history", "engagements.event"),
            _page(_("API keys"), "key", "tracker.apikey"),
            _page(_("Webhooks"), "webhook", "tracker.webhookendpoint"),
            _page(_("Webhook log"), "outbox", "tracker.webhookdelivery"),
            _page(_("Job runs"), "play_circle", "tracker.jobrun"),
            _page(_("Alerts sent"), "mark_email_read", "tracker.alert")
            | {
                "active": lambda request: (
                    _is_at_any(*SENT)(request) and "/own/" not in request.path
                )
            },
            _page(_("Groups"), "shield_person", "auth.group"),
            _page(_("Failed log-ins"), "lock", "axes.accessattempt"),
            _page(_("Second steps"), "phonelink_lock", "mfa.authenticator"),
        ],
    },
]


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the groups of pages, with a badge where something waits on one."""
    return [
        group | {"items": [_with_badge(item, request) for item in group["items"]]}
        for group in NAVIGATION
    ]


def _with_badge(item: dict[str, Any], request: HttpRequest) -> dict[str, Any]:
    if "count" not in item or not item["permission"](request):
        return item
    return item | {"badge": item["count"](request), "badge_variant": "primary"}


def offered_languages(request: HttpRequest) -> list[dict[str, str]]:
    """Return the languages as the user menu offers them, each named in itself."""
    return [{"code": code, "name_local": name} for code, name in settings.LANGUAGES]


def account_links(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the user menu's links, which take the place of unfold's only one."""
    links: list[dict[str, Any]] = [
        {
            "title": _("Notifications"),
            "link": reverse_lazy("admin:tracker_notificationpreference_own"),
        }
    ]
    # unfold asks for the log-in page too.
    if request.user.is_authenticated and request.user.has_usable_password():
        links.append(
            {
                "title": _("Change password"),
                "link": reverse_lazy("admin:password_change"),
            }
        )
        links.append(
            {"title": _("Second step of signing on"), "link": reverse_lazy("mfa_index")}
        )
    return links


UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "Engagement tracker",
    "SITE_HEADER": "Engagement tracker",
    "SITE_SUBHEADER": _("Vendors, contracts, contractors"),
    "SITE_SYMBOL": "handshake",
    "SITE_FAVICONS": [
        {
            "rel": "icon",
            "sizes": "any",
            "type": "image/svg+xml",
            "href": lambda _request: static(FAVICON),
        }
    ],
    "STYLES": [lambda _request: static(STYLES)],
    "SCRIPTS": [lambda _request: reverse("texts"), lambda _request: static(SCRIPT)],
    "SHOW_LANGUAGES": True,
    "LANGUAGES": {"navigation": offered_languages},
    "SHOW_VIEW_ON_SITE": False,
    "ENVIRONMENT": "config.unfold.environment_badge",
    "DASHBOARD_CALLBACK": "tracker.admin.home.dashboard",
    "BORDER_RADIUS": "8px",
    "COLORS": {
        "primary": {
            "50": "#eef5fb",
            "100": "#d9e8f6",
            "200": "#b4d1ec",
            "300": "#a6caec",
            "400": "#84b6e6",
            "500": "#5a9bd8",
            "600": "#1d5a96",
            "700": "#194c7f",
            "800": "#173f68",
            "900": "#143453",
            "950": "#0d2238",
        },
    },
    "ACCOUNT": {"navigation": account_links},
    "SIDEBAR": {"show_search": True, "navigation": navigation},
    "TABS": TABS,
}
