"""Groups of engagements, judged on what they recorded together."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any

from engagements.choices import Kind
from engagements.models import Engagement
from tracker.fit.counterfactual import Counterfactual
from tracker.fit.criteria import all_criteria, recordable_criteria
from tracker.fit.explanation import Figure, Wording, plainly, texts
from tracker.fit.groups import Pool, Standing, members_of, pooled_facts, reported
from tracker.fit.judgement import Case, Judgement
from tracker.fit.models import GroupBasis, GroupVerdict, Policy, Verdict
from tracker.fit.queries import Scope, judged_on
from tracker.fit.services.evaluation import Answered, Evaluated, answered
from tracker.fit.services.policies import (
    WINDOW_MONTHS,
    Priors,
    priors_for,
    rulebook_of,
)
from tracker.fit.services.wording import in_english, in_other_languages
from tracker.fit.verdict import Answer, Thresholds, answer_to
from tracker.fit.what_if import SPLIT_OPEN, Blend, blend_of

BATCH = 200


@dataclass(frozen=True, order=True)
class _Key:
    """What the members have in common: ids of vendor, manager or service."""

    basis: str
    ids: tuple[int, ...]


@dataclass(frozen=True)
class _Place:
    """Where an engagement stands, by id and by name."""

    vendor: int
    manager: int | None
    service: int | None
    names: Mapping[str, str]

    @property
    def keys(self) -> Iterable[_Key]:
        if self.manager is not None:
            yield _Key(GroupBasis.VENDOR_MANAGER, (self.vendor, self.manager))
            yield _Key(GroupBasis.MANAGER, (self.manager,))
        if self.service is not None:
            yield _Key(GroupBasis.VENDOR_SERVICE, (self.vendor, self.service))
            yield _Key(GroupBasis.SERVICE, (self.service,))


def store_groups(*, evaluated: Sequence[Evaluated], as_of: date, policy: Policy) -> int:
    """Judge the groups anew and replace those of an earlier day; return how many.

    In the caller's transaction, and in a number of reads that never grows.  A day
    before the groups' own leaves them as they are.
    """
    if GroupVerdict.objects.filter(as_of__gt=as_of).exists():
        return 0
    GroupVerdict.objects.all().delete()
    found = _judged(evaluated, as_of, policy)
    GroupVerdict.objects.bulk_create([row for row, _members in found], BATCH)
    through = GroupVerdict.members.through
    through.objects.bulk_create(
        (
            through(groupverdict_id=row.pk, engagement_id=member)
            for row, members in found
            for member in members
        ),
        BATCH,
    )
    return len(found)


def _judged(
    evaluated: Sequence[Evaluated], as_of: date, policy: Policy
) -> list[tuple[GroupVerdict, tuple[int, ...]]]:
    places = _places(as_of)
    by_id = {one.engagement_id: one for one in evaluated}
    groups = members_of({pk: place.keys for pk, place in places.items() if pk in by_id})
    scope = Scope(judged_on(as_of), as_of, WINDOW_MONTHS)
    pools = {c.code: c.pooling(scope) for c in recordable_criteria()}
    priors = priors_for(as_of)
    if not groups:
        return []
    keys = sorted(groups)
    cases = [
        _case(
            [by_id[pk] for pk in groups[key]],
            [places[pk] for pk in groups[key]],
            pools,
            priors,
        )
        for key in keys
    ]
    answers = answered(cases, rulebook_of(policy))
    told = reported(
        {
            key: Standing(groups[key], _strength(judgement))
            for key, (judgement, _changes) in zip(keys, answers, strict=True)
        }
    )
    rows = _rows(keys, list(zip(cases, answers, strict=True)), policy, as_of)
    for key, row in zip(keys, rows, strict=True):
        row.is_reported = key in told
        row.name = _name(key, places[groups[key][0]])
        if key.basis == GroupBasis.SERVICE:
            row.service_id = key.ids[0]
            _add_blend(row, [by_id[pk] for pk in groups[key]], policy)
    return [(row, groups[key]) for key, row in zip(keys, rows, strict=True)]


def _case(
    members: Sequence[Evaluated],
    places: Sequence[_Place],
    pools: Mapping[str, Pool],
    priors: Priors,
) -> Case:
    """The members' records together, with what is expected of their vendor if one."""
    is_managed = _kind_of(members)
    facts = pooled_facts(
        {member.engagement_id: member.case.facts for member in members}, pools
    )
    if is_managed is None:
        # What reads differently in each model says nothing of both together.
        for criterion in all_criteria():
            if criterion.augmented_breakpoints is not None:
                facts.pop(criterion.code, None)
    vendors = {place.vendor for place in places}
    codes = members[0].case.priors
    if len(vendors) == 1:
        expected = {code: priors.of(code, places[0].vendor) for code in codes}
    else:
        expected = {code: priors.of_portfolio(code) for code in codes}
    return Case(is_managed=is_managed, facts=facts, priors=expected)


def _kind_of(members: Sequence[Evaluated]) -> bool | None:
    """The members' model, None where both are among them."""
    kinds = {member.case.is_managed for member in members}
    return kinds.pop() if len(kinds) == 1 else None


def _strength(judgement: Judgement) -> float:
    """How far from undecided; nothing where there is not enough evidence."""
    if judgement.verdict.value == Verdict.NOT_ENOUGH_EVIDENCE:
        return 0.0
    return abs(judgement.acceptability - 0.5)


def _rows(
    keys: Sequence[_Key],
    cases: Sequence[tuple[Case, Answered]],
    policy: Policy,
    as_of: date,
) -> list[GroupVerdict]:
    wordings = {c.code: _PlainWords(c) for c in all_criteria()}
    rows = []
    for key, (case, (judgement, changes)) in zip(keys, cases, strict=True):
        say = partial(_said, case, judgement, changes, wordings)
        rows.append(
            GroupVerdict(
                basis=key.basis,
                as_of=as_of,
                kind={True: Kind.MANAGED.value, False: Kind.AUGMENTED.value, None: ""}[
                    case.is_managed
                ],
                acceptability=judgement.acceptability,
                coverage=judgement.coverage,
                verdict=answer_to(judgement.verdict, is_managed=case.is_managed).value,
                wordings=in_other_languages(say),
                policy=policy,
                **in_english(say),
            )
        )
    return rows


def _said(
    case: Case,
    judgement: Judgement,
    changes: Sequence[Counterfactual],
    wordings: Mapping[str, Wording],
) -> dict[str, Any]:
    """What a group's row keeps of an explanation."""
    return {"sentences": texts(case, judgement, changes, wordings)["sentences"]}


def _add_blend(row: GroupVerdict, members: Sequence[Evaluated], policy: Policy) -> None:
    """Name the parts that fit each model, where the members' own evidence does."""
    shares = {
        str(member.engagement_id): member.assessment.acceptability
        for member in members
        if member.assessment.verdict != Verdict.NOT_ENOUGH_EVIDENCE
    }
    blend = blend_of(shares, Thresholds(**policy.thresholds))
    if blend is None:
        return
    row.blend = _ids(blend)
    if Answer(row.verdict) in SPLIT_OPEN:
        row.verdict = Answer.BLEND.value


def _ids(blend: Blend) -> dict[str, list[int]]:
    return {
        "managed": [int(name) for name in blend.managed],
        "augmented": [int(name) for name in blend.augmented],
    }


def _places(as_of: date) -> dict[int, _Place]:
    rows = (
        judged_on(as_of)
        .select_related("vendor", "manager", "service")
        .only(
            "vendor__legal_name",
            "manager__first_name",
            "manager__last_name",
            "manager__username",
            "service__name",
        )
    )
    return {row.pk: _place(row) for row in rows}


def _place(row: Engagement) -> _Place:
    manager = row.manager
    names = {"vendor": row.vendor.legal_name}
    if manager is not None:
        names["manager"] = manager.get_full_name() or manager.get_username()
    if row.service is not None:
        names["service"] = row.service.name
    return _Place(row.vendor_id, row.manager_id, row.service_id, names)


def _name(key: _Key, place: _Place) -> str:
    """Such as "Acme Ltd · Payroll": what the members have in common."""
    return " · ".join(place.names[part] for part in key.basis.split("_"))[:300]


class _PlainWords:
    """A criterion in words that need nothing beside the pooled figure."""

    def __init__(self, wording: Wording) -> None:
        self.code: str = wording.code
        self.label: str = wording.label
        self.question: str = wording.question
        self.unit: Figure = wording.unit
        self.quantity: str = wording.quantity
        self.how_to_record: str = wording.how_to_record

    def sentence(self, observation: Any) -> str:
        return plainly(self, observation)
