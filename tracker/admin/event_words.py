"""What the tracker's own types of events are called, for people."""

from django.utils.translation import gettext_lazy as _

from engagements.admin.event_words import tell

tell(
    {
        "engagement.work_logged": _("Work logged"),
        "engagement.invoiced": _("Billed"),
        "engagement.payments_posted": _("Payments posted"),
        "invoice.posted": _("Invoice posted"),
        "oversight.logged": _("Oversight logged"),
        "engagement.tickets_recorded": _("Tickets recorded"),
        "engagement.measurements_recorded": _("Measurements recorded"),
        "engagement.downtime_recorded": _("Downtime recorded"),
        "engagement.service_levels_measured": _("Service levels judged"),
        "service_level.missed": _("Service level missed"),
        "service_level.excused": _("Window of a service level excused"),
        "service_level.counted_again": _("Excused window counts again"),
        "exclusion.agreed": _("Exclusion agreed"),
        "exclusion.dropped": _("Exclusion dropped"),
        "credit.due": _("Service credit due"),
        "credit.recomputed": _("Service credit worked out anew"),
        "credit.claimed": _("Service credit claimed"),
        "credit.agreed": _("Service credit agreed"),
        "credit.applied": _("Service credit applied"),
        "credit.waived": _("Service credit waived"),
        "credit.expired": _("Service credit expired"),
        "credit.earned_back": _("Service credit earned back"),
        "model_flag.raised": _("Flag raised"),
        "model_flag.acknowledged": _("Flag acknowledged"),
        "model_flag.accepted": _("Flag accepted"),
        "model_flag.dismissed": _("Flag dismissed"),
        "model_flag.snoozed": _("Flag snoozed"),
        "model_flag.reopened": _("Flag opened again"),
        "model_flag.cleared": _("Flag cleared"),
        "import.uploaded": _("File uploaded"),
        "import.applied": _("Import applied"),
        "import.checked": _("Import checked"),
        "import.failed": _("Import failed"),
        "api_key.created": _("API key made"),
        "api_key.revoked": _("API key revoked"),
        "calendar_feed.renewed": _("Calendar given a new address"),
        "calendar_feed.turned_off": _("Calendar turned off"),
    }
)
