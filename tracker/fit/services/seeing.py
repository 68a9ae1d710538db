"""The patterns that show, kept from one night to the next."""

from collections.abc import Mapping, Sequence
from datetime import date

from django.utils import timezone

from engagements.services.records import bury
from tracker.fit.models import Assessment, SeenPattern
from tracker.fit.pattern import Finding
from tracker.fit.services.wording import in_english, in_other_languages

BATCH = 200
CHANGED = (
    *("sentence", "value", "threshold", "wordings"),
    *("records", "behind", "updated_at"),
)
# Of an engagement, by code.
Key = tuple[int, str]


def store_patterns(*, seen: Mapping[int, Sequence[Finding]], as_of: date) -> None:
    """Keep what shows, and let go of what no longer does.

    In the caller's transaction, in a number of reads that never grows.  What shows as
    before is left untouched, so that its last change says when it changed.  A day
    before one that was judged already leaves all as it is.
    """
    if Assessment.objects.filter(as_of__gt=as_of).exists():
        return
    shows = {(pk, one.code): one for pk, found in seen.items() for one in found}
    known = {(row.engagement_id, row.code): row for row in SeenPattern.objects.all()}
    _let_go([row for key, row in known.items() if key not in shows])
    words = in_english(lambda: _said(shows))
    news = {
        key: finding
        for key, finding in shows.items()
        if key not in known or _differs(known[key], finding, words[key])
    }
    spoken = in_other_languages(lambda: _said(news))
    added, changed = [], []
    for key, finding in news.items():
        engagement, code = key
        row = known.get(key)
        if row is None:
            row = SeenPattern(engagement_id=engagement, code=code, seen_since=as_of)
            added.append(row)
        else:
            changed.append(row)
        row.sentence, row.value, row.threshold = words[key]
        row.wordings = {locale: said[key] for locale, said in spoken.items()}
        row.records, row.behind = finding.records, list(finding.engagements)
        row.updated_at = timezone.now()
    SeenPattern.objects.bulk_create(added, BATCH)
    SeenPattern.objects.bulk_update(changed, CHANGED, BATCH)


def _let_go(rows: Sequence[SeenPattern]) -> None:
    if rows:
        SeenPattern.objects.filter(pk__in=[row.pk for row in rows]).delete()
        bury(rows)


def _said(shows: Mapping[Key, Finding]) -> dict[Key, list[str]]:
    words = {key: one.words for key, one in shows.items()}
    return {key: [w.sentence, w.value, w.threshold] for key, w in words.items()}


def _differs(row: SeenPattern, finding: Finding, words: Sequence[str]) -> bool:
    present = [row.sentence, row.value, row.threshold, row.records, row.behind]
    return present != [*words, finding.records, list(finding.engagements)]
