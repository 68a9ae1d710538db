import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from engagements.choices import Kind
from tracker.fit.explanation import percent
from tracker.fit.pattern import Finding
from tracker.fit.queries import (
    FactToRecord,
    FlagRow,
    all_open_flags,
    facts_to_record,
)
from tracker.fit.services import (
    AssessmentRun,
    Verified,
    assess,
    patterns_of_portfolio,
    verify_assessments,
)

# Windows and quarters reach back from the day asked for.
EARLIEST_YEAR = 1970

# An engagement's id for outside, its reference, and what is seen in it.
Seen = tuple[str, str, Finding]


class Command(BaseCommand):
    help = "Judge every running engagement: would the other model fit better?"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--as-of",
            metavar="DATE",
            help="Judge this day as it was known then; as 2026-01-31, today if left."
            " In force is the policy of that day. Work logs, spend, reviews and other"
            " records count by their own dates, whenever they were entered: when is"
            " not what they tell. A term counts as it was agreed by that day, and a"
            " service's maturity as it was declared for it, from the history of"
            " changes; of an engagement entered later, the time that had passed, and"
            " the term only if it runs still and had begun. Manager, service and cost"
            " of hours are those of today.",
        )
        parser.add_argument(
            "--json", action="store_true", help="Print the result as one JSON object."
        )

        parser.add_argument(
            "--verify",
            action="store_true",
            help="Judge nothing anew: repeat what is stored of the day, to the digit.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        as_of = _day(options["as_of"])
        if options["verify"]:
            self._verify(as_of, as_json=options["json"])
            return
        run = assess(as_of=as_of, actor=None)
        flags, facts = all_open_flags(), facts_to_record()
        seen = patterns_of_portfolio(as_of=as_of)
        told = _as_json if options["json"] else _as_text
        self.stdout.write(told(run, as_of, flags, facts, seen))

    def _verify(self, as_of: date, *, as_json: bool) -> None:
        found = verify_assessments(as_of=as_of)
        told = json.dumps({"as_of": as_of.isoformat(), **asdict(found)})
        self.stdout.write(told if as_json else _verified(found, as_of))
        if found.deviations:
            raise CommandError(
                "Stored assessments don't follow from their evidence: they were edited,"
                " or the engine changed without a new version."
            )


def _verified(found: Verified, as_of: date) -> str:
    lines = [
        f"As of {as_of}: {found.repeated} assessments repeated,"
        f" {len(found.deviations)} figures deviate,"
        f" {found.other_engines} assessments made by another engine."
    ]
    lines += [
        f"  {one.reference}: {one.figure} {one.stored} stored, {one.repeated} repeated"
        for one in found.deviations
    ]
    return "\n".join(lines)


def _day(given: str | None) -> date:
    today = timezone.localdate()
    if given is None:
        return today
    try:
        day = date.fromisoformat(given)
    except ValueError as error:
        raise CommandError(
            f"--as-of: “{given}” is not a date. Write year-month-day, as 2026-01-31."
        ) from error
    if day > today:
        raise CommandError(
            f"--as-of: {day} lies ahead. Choose a day up to today, {today}."
        )
    if day.year < EARLIEST_YEAR:
        raise CommandError(f"--as-of: choose a day from {EARLIEST_YEAR} on.")
    return day


def _as_json(
    run: AssessmentRun,
    as_of: date,
    flags: Sequence[FlagRow],
    facts: Sequence[FactToRecord],
    seen: Sequence[Seen],
) -> str:
    told = {
        "as_of": as_of.isoformat(),
        **asdict(run),
        "open_flags": [asdict(flag) for flag in flags],
        "to_record": [asdict(fact) for fact in facts],
        "patterns": [_pattern(*one) for one in seen],
    }
    return json.dumps(told, default=str)


def _as_text(
    run: AssessmentRun,
    as_of: date,
    flags: Sequence[FlagRow],
    facts: Sequence[FactToRecord],
    seen: Sequence[Seen],
) -> str:
    lines = [
        f"As of {as_of}: {run.judged} judged,"
        f" {run.not_enough_evidence} with not enough evidence,"
        f" {run.flags_raised} flags raised, {run.flags_cleared} cleared,"
        f" in {run.seconds:.1f} s."
    ]
    if flags:
        lines += [
            "",
            f"Open flags: {len(flags)}",
            *(_flag_line(flag, as_of) for flag in flags),
        ]
    if seen:
        lines += ["", f"Patterns: {len(seen)}"]
        lines += [
            f"  {reference} {finding.label}: {finding.sentence}"
            for _id, reference, finding in seen
        ]
    if facts:
        lines += ["", "To learn most where evidence is missing, record:"]
        lines += [f"  {fact.how_to_record} ({fact.engagements})" for fact in facts]
    return "\n".join(lines)


def _pattern(engagement_id: str, reference: str, finding: Finding) -> dict[str, Any]:
    """Without keys of the database: those behind a team are told by their number."""
    return {
        "engagement_id": engagement_id,
        "reference": reference,
        "code": finding.code,
        "label": finding.label,
        **asdict(finding.words),
        "advice": finding.advice,
        "records": finding.records,
        "engagements_behind": len(finding.engagements),
    }


def _flag_line(flag: FlagRow, as_of: date) -> str:
    deadline = flag.notice_deadline_on
    notice = ""
    if deadline:
        notice = f"; notice {'was due' if deadline < as_of else 'by'} {deadline}"
    asks = "asks for a decision"
    if flag.leaning:
        model = Kind(flag.leaning).label.lower()
        asks = f"{model} would fit better, {percent(flag.opposition)}"
    return f"  {flag.reference} {flag.title}: {asks}; {flag.sentence}{notice}"
