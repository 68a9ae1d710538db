"""Another version of the policy: what it would change, and who adopted it."""

import json
from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from itertools import islice
from typing import Any

from django.core import signing
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import OuterRef, Subquery
from django.utils import timezone
from django.utils.translation import gettext as _

from engagements import events
from engagements.models import User
from tracker.fit.criteria import all_criteria
from tracker.fit.evidence import Breakpoints
from tracker.fit.judgement import judge_by_model
from tracker.fit.learning import (
    ENOUGH_DECISIONS,
    Comparison,
    Learnt,
    Lessons,
    compared,
    learnt_from,
)
from tracker.fit.models import Assessment, Policy, Verdict
from tracker.fit.money import SWITCHING, Triangle
from tracker.fit.queries import judged_on
from tracker.fit.services.agreeing import chosen_by_engagement
from tracker.fit.services.evaluation import case_of
from tracker.fit.services.policies import (
    OVERRIDDEN,
    WHERE_AUGMENTED,
    current_policy,
    readings_of,
    rulebook_of,
)
from tracker.fit.services.repricing import Savings, savings_under
from tracker.fit.verdict import LEAST_COVER, MOST_TENDENCY, Thresholds

MOST_IMPORTANCE = 10.0
MOST_SAVED = 0.9
# So many engagements are judged at once, which bounds the memory that it takes.
AT_ONCE = 1000
SETTINGS = ("importances", "breakpoints", "thresholds", "assumptions")
PLAIN_SETTINGS = ("firmness", "tendency")
# What a preview told holds so long; the next night judges other evidence.
PREVIEW_HOLDS = timedelta(hours=24)
RECEIPT = "fit.policy.preview"


@dataclass(frozen=True)
class Changed:
    """An engagement whose verdict would be another."""

    assessment: int
    reference: str
    title: str
    before: str
    after: str
    opposition_before: float
    opposition_after: float


@dataclass(frozen=True)
class Preview:
    """What a policy would say of the latest evidence of every engagement that runs.

    `counts` are by verdict, before and after; `would_flag` and `would_clear` count
    engagements that come to or fall from the verdict at which flags rise. `receipt`
    lets these settings, and no others, be adopted. `savings` is None where the policy
    assumes of money what is assumed already.
    """

    judged: int
    counts: Mapping[str, tuple[int, int]]
    changed: Sequence[Changed]
    would_flag: int
    would_clear: int
    savings: Savings | None
    receipt: str


@dataclass(frozen=True)
class Proposal:
    """What decisions taught, beside what is in force on held-out ones."""

    learnt: Learnt
    present: Learnt
    comparison: Comparison


def check_policy(policy: Policy) -> None:
    """Raises ValidationError naming each setting that can't be, as `name.code`."""
    refused: dict[str, str] = {}
    known = {criterion.code for criterion in all_criteria()}
    for code, importance in policy.importances.items():
        if code not in known:
            refused[f"importances.{code}"] = _("There is no such criterion.")
        elif not 0 < importance <= MOST_IMPORTANCE:
            refused[f"importances.{code}"] = _("Give an importance above 0, up to 10.")
    readings = dict(pair for c in all_criteria() for pair in readings_of(c))
    for key, points in policy.breakpoints.items():
        if problem := _breakpoints_refused(key, points, readings):
            refused[f"breakpoints.{key}"] = problem
    refused |= _thresholds_refused(policy.thresholds)
    if not -MOST_TENDENCY <= policy.tendency <= MOST_TENDENCY:
        refused["tendency"] = _("Give a tendency from -0.6 to 0.6.")
    for code, own in policy.assumptions.items():
        if problem := _assumption_refused(code, own):
            refused[f"assumptions.{code}"] = problem
    if refused:
        raise ValidationError(refused)


def preview_policy(*, policy: Policy) -> Preview:
    """Judge anew the evidence of all that runs; writes nothing.

    Raises ValidationError.
    """
    check_policy(policy)
    newest = Assessment.objects.filter(engagement=OuterRef("engagement")).order_by(
        "-as_of", "-policy__version"
    )
    rows = (
        Assessment.objects.filter(
            engagement__in=judged_on(timezone.localdate()).order_by().values("pk"),
            pk=Subquery(newest.values("pk")[:1]),
        )
        .select_related("engagement")
        .defer("points", "missing", "counterfactuals", "sentences", "wordings", "money")
        .order_by("engagement__reference")
    )
    counts = {verdict.value: [0, 0] for verdict in Verdict}
    changed: list[Changed] = []
    judged = would_flag = would_clear = 0
    for batch in _batches(rows.iterator(chunk_size=AT_ONCE)):
        for stored, after in _judged_under(policy, batch):
            judged += 1
            counts[stored.verdict][0] += 1
            counts[after.verdict][1] += 1
            opposes = after.verdict == Verdict.OTHER_MODEL_FITS
            opposed = stored.verdict == Verdict.OTHER_MODEL_FITS
            would_flag += opposes and not opposed
            would_clear += opposed and not opposes
            if after.verdict != stored.verdict:
                changed.append(_changed(stored, after.verdict, after.opposition))
    told = {verdict: (before, after) for verdict, (before, after) in counts.items()}
    present = current_policy()
    savings = savings_under(policy=policy, present=present)
    receipt = signing.dumps(_told_by(policy, present), salt=RECEIPT)
    return Preview(
        judged, told, tuple(changed), would_flag, would_clear, savings, receipt
    )


def _told_by(policy: Policy, present: Policy) -> dict[str, Any]:
    """What a receipt vouches for: these settings, in place of that version."""
    settings = {name: getattr(policy, name) for name in (*SETTINGS, *PLAIN_SETTINGS)}
    written = json.dumps(settings, sort_keys=True)
    return {
        "settings": sha256(written.encode()).hexdigest(),
        "version": present.version,
    }


def _check_receipt(receipt: str, policy: Policy, present: Policy) -> None:
    try:
        told = signing.loads(receipt, salt=RECEIPT, max_age=PREVIEW_HOLDS)
    except signing.BadSignature:
        told = None
    if told != _told_by(policy, present):
        raise ValidationError(
            _(
                "See what these settings would change before you adopt them: they were"
                " not previewed, or changed since, or another version was adopted."
            )
        )


def _batches(rows: Iterator[Assessment]) -> Iterator[list[Assessment]]:
    while batch := list(islice(rows, AT_ONCE)):
        yield batch


@dataclass(frozen=True)
class _After:
    verdict: str
    opposition: float


def _judged_under(
    policy: Policy, batch: Sequence[Assessment]
) -> list[tuple[Assessment, _After]]:
    """Each with its judgement under the policy; rows of like evidence together."""
    found: list[tuple[Assessment, _After]] = []
    by_codes: dict[tuple[str, ...], list[Assessment]] = {}
    for row in batch:
        by_codes.setdefault(tuple(sorted(row.evidence)), []).append(row)
    for codes, rows in by_codes.items():
        cases = [case_of(row) for row in rows]
        found += [
            (rows[place], _After(judgement.verdict.value, judgement.opposition))
            for places, judged in judge_by_model(
                cases, rulebook_of(policy, codes=codes)
            )
            for place, judgement in zip(places, judged.judgements, strict=True)
        ]
    return found


def _changed(stored: Assessment, verdict: str, opposition: float) -> Changed:
    return Changed(
        assessment=stored.pk,
        reference=stored.engagement.reference,
        title=stored.engagement.title,
        before=stored.verdict,
        after=verdict,
        opposition_before=stored.opposition,
        opposition_after=opposition,
    )


@transaction.atomic
def adopt_policy(*, policy: Policy, receipt: str, actor: User) -> Policy:
    """Put the unsaved policy in force from the next night on, as the next version.

    `receipt` is that of its preview. Raises ValidationError by setting, where it is
    what is in force already, and where its settings were not previewed as they are.
    """
    check_policy(policy)
    if not policy.reason.strip():
        raise ValidationError({"reason": _("Say why the policy changes.")})
    before = current_policy()
    # Whoever adopts at the same time waits here and then takes the next number.
    Policy.objects.select_for_update().get(pk=before.pk)
    before = current_policy()
    changes = _differences(before, policy)
    if not changes:
        raise ValidationError(_("Nothing differs from the policy in force."))
    _check_receipt(receipt, policy, before)
    policy.pk = None
    policy.version = before.version + 1
    policy.adopted_at = timezone.now()
    policy.adopted_by = actor
    policy.full_clean()
    policy.save()
    events.record(
        event_type="policy.adopted",
        subject=policy,
        changes={"version": [before.version, policy.version], **changes},
        actor=actor,
    )
    return policy


@transaction.atomic
def reject_proposal(*, reason: str, actor: User) -> None:
    """Keep the present importances though decisions taught others, for a reason."""
    if not reason.strip():
        raise ValidationError({"reason": _("Say why the proposal is rejected.")})
    events.record(
        event_type="policy.proposal_rejected",
        subject=current_policy(),
        changes={"reason": [None, reason.strip()[:300]]},
        actor=actor,
    )


def _differences(before: Policy, after: Policy) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    for name in SETTINGS:
        old, new = getattr(before, name), getattr(after, name)
        for code in sorted({*old, *new}):
            if old.get(code) != new.get(code):
                changes[f"{name}.{code}"] = [old.get(code), new.get(code)]
    for name in PLAIN_SETTINGS:
        if getattr(before, name) != getattr(after, name):
            changes[name] = [getattr(before, name), getattr(after, name)]
    return changes


def reviewed_decisions() -> int:
    """How many flags were accepted or dismissed: what there is to learn from."""
    return len(_reviewed())


def propose_policy() -> Proposal | None:
    """What the decisions teach, or None below 50 of them, or if all went one way.

    A flag counts once, by its latest decision and the evidence known that day.
    """
    reviewed = _reviewed()
    if len(reviewed) < ENOUGH_DECISIONS:
        return None
    codes = sorted({code for row, _fits in reviewed for code in row.evidence})
    present = current_policy()
    # Learnt anew from neutral points as they are declared, not from moved ones.
    untilted = copy(present)
    untilted.tendency = 0.0
    rulebook = rulebook_of(untilted, codes=codes)
    cases = [case_of(row) for row, _fits in reviewed]
    lessons = Lessons.of(
        list(judge_by_model(cases, rulebook)), [fits for _row, fits in reviewed]
    )
    try:
        comparison = compared(lessons, rulebook, tendency=present.tendency)
    except ValueError:
        return None
    return Proposal(
        learnt=learnt_from(lessons, rulebook, tendency=present.tendency),
        present=Learnt(
            {rule.code: rule.importance for rule in rulebook.rules}, present.tendency
        ),
        comparison=comparison,
    )


def _reviewed() -> list[tuple[Assessment, bool]]:
    """The evidence at each flag's latest decision, and whether managed was chosen."""
    wanted = chosen_by_engagement()
    stored = (
        Assessment.objects.filter(engagement__in=wanted)
        .defer("points", "missing", "counterfactuals", "sentences", "wordings", "money")
        .order_by("engagement", "-as_of", "-policy__version")
    )
    by_engagement: dict[int, list[Assessment]] = {}
    for assessment in stored.iterator():
        by_engagement.setdefault(assessment.engagement_id, []).append(assessment)
    found = []
    for engagement, decisions in wanted.items():
        for day, fits in decisions:
            known = by_engagement.get(engagement, [])
            at_the_time = next((a for a in known if a.as_of <= day), None)
            if at_the_time is not None:
                found.append((at_the_time, fits))
    return found


def _breakpoints_refused(
    key: str, points: Any, readings: Mapping[str, Breakpoints]
) -> str:
    """`readings` as declared, by key; those of a criterion that has two keep theirs."""
    if key not in readings:
        return _("There is no such criterion.")
    try:
        own = Breakpoints(tuple((float(x), float(y)) for x, y in points), OVERRIDDEN)
    except (ValueError, TypeError) as error:
        return str(error)
    code = key.removesuffix(WHERE_AUGMENTED)
    has_two = code + WHERE_AUGMENTED in readings
    least, most = own.range
    if not has_two or least == most or own.rises == readings[key].rises:
        return ""
    if readings[key].rises:
        return _("Let leans rise: here more of it speaks for a managed service.")
    return _("Let leans fall: here more of it speaks for augmentation.")


def _threshold(name: str) -> str:
    return f"thresholds.{name}"


def _thresholds_refused(thresholds: Mapping[str, Any]) -> dict[str, str]:
    refused = {
        _threshold(name): _("Give a share from 0 to 1.")
        for name, value in thresholds.items()
        if name not in Thresholds.__dataclass_fields__ or not 0 <= value <= 1
    }
    if refused:
        return refused
    whole = Thresholds(**thresholds)
    if whole.cover < LEAST_COVER:
        refused[_threshold("cover")] = _(
            "Give a share from %(least)g on: less would not be evidence."
        ) % {"least": LEAST_COVER}
    if not whole.support < whole.clear < whole.oppose <= whole.oppose_strongly:
        refused[_threshold("clear")] = _(
            "Keep the order: current fits, clear, other fits, strongly."
        )
    return refused


def _assumption_refused(code: str, own: Mapping[str, Any]) -> str:
    known = {assumption.code: assumption for assumption in SWITCHING}
    if code not in known:
        return _("There is no such assumption.")
    try:
        triangle = Triangle(own["least"], own["likely"], own["most"])
    except ValueError:
        return _("Give least, likely and most in this order.")
    if triangle.least < min(known[code].triangle.least, 0):
        return _("Give figures from %(least)g on.") % {
            "least": min(known[code].triangle.least, 0)
        }
    if code == "efficiency" and triangle.most > MOST_SAVED:
        return _("Give figures up to %(most)g: some hours are always worked.") % {
            "most": MOST_SAVED
        }
    if not (str(own["source"]).strip() and own["dated_on"] and own["owner"]):
        return _("Name the source, the day and who answers for it.")
    return ""
