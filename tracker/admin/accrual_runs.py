"""A run of accruals in a sentence."""

from django.utils.formats import date_format
from django.utils.translation import ngettext

from tracker.spend.services import AccrualRun


def told_of_run(run: AccrualRun) -> str:
    """Return what a run came to, and why an engagement was left out."""
    sentence = ngettext(
        "%(month)s: %(count)d figure changed, %(entries)d postings.",
        "%(month)s: %(count)d figures changed, %(entries)d postings.",
        run.changed,
    ) % {
        "month": date_format(run.month, "YEAR_MONTH_FORMAT"),
        "count": run.changed,
        "entries": run.entries,
    }
    return " ".join([sentence, *run.refused.values()])
