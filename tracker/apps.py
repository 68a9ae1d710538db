from typing import Any

from django.apps import AppConfig
from django.apps import apps as all_apps
from django.db.models.signals import post_migrate


class TrackerConfig(AppConfig):
    name = "tracker"
    verbose_name = "Tracker"

    def ready(self) -> None:
        # After the models, which services read.
        # Registers what keeps an engagement open, whatever program runs.
        from engagements.events import recorded
        from engagements.services.conversion import on_conversion
        from engagements.services.reporting_currency import rates_from
        from tracker.fit.services import note_conversion
        from tracker.performance.month_end import unapplied_credits, unclaimed_credits
        from tracker.performance.services import spend_sources  # noqa: F401
        from tracker.spend.credits_agreed import credits_agreed_from
        from tracker.spend.fx import rate_on
        from tracker.spend.services import budgets, final_invoice  # noqa: F401
        from tracker.spend.services.approved_invoices import on_approval
        from tracker.spend.services.month_checklist import on_month_checklist
        from tracker.tasks import deliver_soon, match_soon

        on_conversion(note_conversion)
        rates_from(rate_on)
        credits_agreed_from(unapplied_credits)
        on_month_checklist(unclaimed_credits)
        post_migrate.connect(_grant_roles, sender=self)
        recorded.connect(deliver_soon, dispatch_uid="deliver alerts")
        recorded.connect(on_approval, dispatch_uid="follow approved invoices")
        recorded.connect(match_soon, dispatch_uid="match invoices")


def _grant_roles(**kwargs: Any) -> None:
    from engagements.permissions import grant
    from tracker.roles import GRANTS

    # A partial migration may stop before the permissions exist.
    if "ledgerentry" in kwargs.get("apps", all_apps).all_models["tracker"]:
        grant(GRANTS, "tracker")
