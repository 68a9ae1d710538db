"""Flags that were raised while sentences were stored in English alone."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial

from tracker.fit.models import Assessment, Flag
from tracker.fit.pattern import Finding
from tracker.fit.services.evaluation import case_of, wordings
from tracker.fit.services.wording import in_english, in_other_languages

AT_ONCE = 200


def reword_flags(*, flags: Iterable[Flag], dated: Mapping[int, Finding]) -> None:
    """Give them the other languages, where what they say can still be said.

    That is the sentence of a criterion about the evidence of the day they were raised,
    or of a dated pattern that shows unchanged.  The others stay in English.  No query
    where there are none.
    """
    mute = [flag for flag in flags if flag.wordings is None]
    if not mute:
        return
    sayings = _sayings(mute, dated)
    reworded = []
    for flag in mute:
        for say in sayings(flag):
            if in_english(say) == flag.sentence:
                flag.wordings = in_other_languages(say)
                reworded.append(flag)
                break
    Flag.objects.bulk_update(reworded, ["wordings"], AT_ONCE)


Say = Callable[[], str]


def _sayings(
    flags: list[Flag], dated: Mapping[int, Finding]
) -> Callable[[Flag], Iterator[Say]]:
    """What each flag may have said when it was raised."""
    stored = Assessment.objects.filter(
        engagement__in={flag.engagement_id for flag in flags},
        as_of__in={flag.raised_on for flag in flags},
    ).only("engagement_id", "as_of", "kind", "evidence")
    by_day = {(found.engagement_id, found.as_of): found for found in stored}
    criteria = wordings()

    def of(flag: Flag) -> Iterator[Say]:
        finding = dated.get(flag.engagement_id)
        if finding is not None:
            yield partial(getattr, finding, "sentence")
        found = by_day.get((flag.engagement_id, flag.raised_on))
        if found is None:
            return
        for code, observation in case_of(found).facts.items():
            if code in criteria:
                criterion = criteria[code]
                yield partial(criterion.sentence, observation)

    return of
