from typing import Any

from django.apps import AppConfig
from django.apps import apps as all_apps
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _

from engagements.apps import name_models

NAMES = {
    "apikey": (_("API key"), _("API keys")),
    "policy": (_("policy"), _("policies")),
    "assessment": (_("assessment"), _("assessments")),
    "flag": (_("flag"), _("flags")),
    "decision": (_("decision"), _("decisions")),
    "groupverdict": (_("group's verdict"), _("groups' verdicts")),
    "importrun": (_("import"), _("imports")),
    "importproblem": (_("refused line"), _("refused lines")),
    "jobrun": (_("job run"), _("job runs")),
    "reminder": (_("reminder"), _("reminders")),
    "calendarfeed": (_("calendar feed"), _("calendar feeds")),
    "alert": (_("alert"), _("alerts")),
    "notificationpreference": (
        _("notification preference"),
        _("notification preferences"),
    ),
    "accrual": (_("accrual"), _("accruals")),
    "monthoutlook": (_("month-end outlook"), _("month-end outlooks")),
    "benchmarkset": (_("benchmark set"), _("benchmark sets")),
    "benchmarkrate": (_("benchmark rate"), _("benchmark rates")),
    "budget": (_("budget"), _("budgets")),
    "invoice": (_("invoice"), _("invoices")),
    "invoiceline": (_("invoice line"), _("invoice lines")),
    "invoiceattachment": (_("attachment"), _("attachments")),
    "settlement": (_("settlement"), _("settlements")),
    "matchexception": (_("invoice exception"), _("invoice exceptions")),
    "payment": (_("payment"), _("payments")),
    "purchaseorder": (_("purchase order"), _("purchase orders")),
    "exchangerate": (_("exchange rate"), _("exchange rates")),
    "saving": (_("saving"), _("savings")),
    "savingrealisation": (_("realisation"), _("realisations")),
    "timesheet": (_("timesheet"), _("timesheets")),
    "worklog": (_("work log"), _("work logs")),
    "oversightlog": (_("oversight log"), _("oversight logs")),
    "measurement": (_("measurement"), _("measurements")),
    "exclusion": (_("exclusion"), _("exclusions")),
    "ticket": (_("ticket"), _("tickets")),
    "levelresult": (_("service level result"), _("service level results")),
    "credit": (_("credit"), _("credits")),
    "review": (_("review"), _("reviews")),
    "directoryperson": (
        _("person in the identity tool"),
        _("people in the identity tool"),
    ),
    "team": (_("team"), _("teams")),
    "syncentry": (_("sync entry"), _("sync entries")),
}


class TrackerConfig(AppConfig):
    name = "tracker"
    verbose_name = _("Tracker")

    def ready(self) -> None:
        name_models(self, NAMES)
        # After the models, which services read.
        # Registers what keeps an engagement open, whatever program runs.
        from engagements.events import recorded
        from engagements.services.conversion import on_conversion
        from engagements.services.reporting_currency import rates_from
        from tracker.fit.services import conversion_savings, note_conversion  # noqa: F401
        from tracker.performance.month_end import unapplied_credits, unclaimed_credits
        from tracker.performance.services import spend_sources  # noqa: F401
        from tracker.spend.credits_agreed import credits_agreed_from
        from tracker.spend.fx import rate_on
        from tracker.spend.services import budgets, final_invoice  # noqa: F401
        from tracker.spend.services.approved_invoices import on_approval
        from tracker.spend.services.month_checklist import on_month_checklist
        from tracker.tasks import deliver_soon, match_soon, publish_soon
        from tracker.webhooks.services import keep_for_publishing

        on_conversion(note_conversion)
        rates_from(rate_on)
        credits_agreed_from(unapplied_credits)
        on_month_checklist(unclaimed_credits)
        post_migrate.connect(_grant_roles, sender=self)
        recorded.connect(deliver_soon, dispatch_uid="deliver alerts")
        recorded.connect(keep_for_publishing, dispatch_uid="keep for publishing")
        recorded.connect(publish_soon, dispatch_uid="publish events")
        recorded.connect(on_approval, dispatch_uid="follow approved invoices")
        recorded.connect(match_soon, dispatch_uid="match invoices")


def _grant_roles(**kwargs: Any) -> None:
    from engagements.permissions import grant
    from tracker.roles import GRANTS

    # A partial migration may stop before the permissions exist.
    if "ledgerentry" in kwargs.get("apps", all_apps).all_models["tracker"]:
        grant(GRANTS, "tracker")
