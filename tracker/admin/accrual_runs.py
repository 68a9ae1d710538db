"""A month's reckoning in a sentence."""

from django.utils.formats import date_format
from django.utils.translation import ngettext

from tracker.spend.services import MonthReckoned


def told_of_run(reckoned: MonthReckoned) -> str:
    """Return what a run came to, and why an engagement was left out."""
    run, outlooks = reckoned.accruals, reckoned.outlooks
    sentence = ngettext(
        "%(month)s: %(count)d figure changed, %(entries)d postings.",
        "%(month)s: %(count)d figures changed, %(entries)d postings.",
        run.changed,
    ) % {
        "month": date_format(run.month, "YEAR_MONTH_FORMAT"),
        "count": run.changed,
        "entries": run.entries,
    }
    kept = ngettext(
        "%(count)d outlook kept.", "%(count)d outlooks kept.", outlooks.changed
    ) % {"count": outlooks.changed}
    refused = run.refused | outlooks.refused
    return " ".join([sentence, kept, *refused.values()])
