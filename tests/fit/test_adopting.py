"""Another version of the policy: preview, adoption, and what decisions teach."""

import time
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from django.core.exceptions import ValidationError

from engagements.choices import Role
from engagements.models import Event, User
from tests.factories import make_contract, make_user
from tests.fit.records import (
    TODAY,
    good_managed,
    plant_spend,
    team_bought_by_the_hour,
)
from tracker.fit.criteria import all_criteria
from tracker.fit.evidence import Share
from tracker.fit.judgement import Case, judge
from tracker.fit.learning import Lessons, compared
from tracker.fit.models import Assessment, Decision, Flag, Policy
from tracker.fit.money import SWITCHING
from tracker.fit.services import (
    adopt_policy,
    agreement_on,
    assess,
    current_policy,
    preview_policy,
    propose_policy,
    reject_proposal,
    repeat,
    reviewed_decisions,
)
from tracker.fit.services.evaluation import evidence_of
from tracker.fit.services.policies import rulebook_of
from tracker.fit.services.repricing import savings_under

pytestmark = pytest.mark.django_db

ASSUMED = {
    "least": 0.0,
    "likely": 0.05,
    "most": 0.1,
    "source": "three tenders",
    "dated_on": "2026-09-01",
    "owner": "Ada Obi",
}


def candidate(**fields: Any) -> Policy:
    return Policy(**({"reason": "The board decided."} | fields))


def adopted_after_preview(policy: Policy, actor: User | None = None) -> Policy:
    receipt = preview_policy(policy=policy).receipt
    actor = actor or make_user(Role.ADMINISTRATOR)
    adopted = adopt_policy(policy=policy, receipt=receipt, actor=actor)
    # In force on the day that these tests judge.
    adopted.adopted_at = datetime(TODAY.year, TODAY.month, TODAY.day, tzinfo=UTC)
    adopted.save()
    return adopted


def test_preview_of_the_policy_in_force_changes_nothing() -> None:
    team_bought_by_the_hour()
    good_managed()
    assess(as_of=TODAY, actor=None)

    found = preview_policy(policy=candidate())

    assert (found.judged, found.changed) == (2, ())
    assert (found.would_flag, found.would_clear) == (0, 0)
    assert found.counts["other_model_fits"] == (1, 1)
    assert found.counts["current_model_fits"] == (1, 1)


def test_preview_names_whose_verdict_would_be_another_and_writes_nothing() -> None:
    engagement = team_bought_by_the_hour()
    assess(as_of=TODAY, actor=None)
    before = Assessment.objects.count()

    found = preview_policy(policy=candidate(thresholds={"cover": 0.9}))

    (changed,) = found.changed
    assert changed.reference == engagement.reference
    assert (changed.before, changed.after) == (
        "other_model_fits",
        "not_enough_evidence",
    )
    assert (found.would_flag, found.would_clear) == (0, 1)
    assert Assessment.objects.count() == before
    assert not Policy.objects.filter(reason="The board decided.").exists()


@pytest.mark.parametrize("engagements", [1, 3])
def test_preview_tells_what_other_assumptions_make_of_savings(
    engagements: int, django_assert_num_queries: Any
) -> None:
    for _ in range(engagements):
        plant_spend(team_bought_by_the_hour(), amount=Decimal(9000), months=12)
    assess(as_of=TODAY, actor=None)
    dear = ASSUMED | {"least": 0.9, "likely": 0.95, "most": 1.0}
    policy = candidate(assumptions={"risk_premium": dear})
    present = current_policy()

    with django_assert_num_queries(1):
        found = savings_under(policy=policy, present=present)

    assert found is not None
    stored = Assessment.objects.filter(as_of=TODAY)
    told = [Decimal(one.money["saving"]["p50"]) for one in stored if one.money]
    assert (found.priced, found.before) == (engagements, sum(told))
    # 9,000 · .88 · .75 more for the premium, and what governs it and comes on top.
    dearer = (found.before - found.after) / engagements
    assert 5_500 < dearer < 7_500
    assert found.would_lose == sum(one > 0 for one in told)
    assert found.would_save == 0
    assert preview_policy(policy=policy).savings == found
    # What is assumed already, and what has nothing to do with money, tells nothing.
    assert preview_policy(policy=candidate(tendency=0.1)).savings is None


def test_preview_of_the_assumptions_that_are_told_changes_no_saving() -> None:
    plant_spend(team_bought_by_the_hour(), amount=Decimal(9000), months=12)
    assess(as_of=TODAY, actor=None)
    same = next(one for one in SWITCHING if one.code == "risk_premium").triangle
    typed = {"least": same.least, "likely": same.likely, "most": same.most}
    policy = candidate(assumptions={"risk_premium": ASSUMED | typed})
    found = savings_under(policy=policy, present=current_policy())
    assert found is not None
    assert (found.before, found.would_save, found.would_lose) == (found.after, 0, 0)


@pytest.mark.parametrize(("most", "is_refused"), [(0.9, False), (0.95, True)])
def test_team_that_saves_nearly_all_hours_is_refused(
    most: float, is_refused: bool
) -> None:
    policy = candidate(assumptions={"efficiency": ASSUMED | {"most": most}})
    if not is_refused:
        assert preview_policy(policy=policy).judged == 0
        return
    with pytest.raises(ValidationError, match="some hours are always worked"):
        preview_policy(policy=policy)


def test_preview_agrees_with_the_night_that_follows() -> None:
    engagement = team_bought_by_the_hour()
    assess(as_of=TODAY, actor=None)
    policy = candidate(importances={"direction": 0.1, "permanence": 9.0})

    adopted_after_preview(policy)
    assess(as_of=TODAY, actor=None)

    stored = Assessment.objects.get(engagement=engagement, as_of=TODAY, policy=policy)
    again = preview_policy(policy=policy)
    assert again.changed == ()
    assert stored.policy.version == 2


def test_adoption_is_a_new_version_with_its_differences_in_an_event() -> None:
    actor = make_user(Role.ADMINISTRATOR)
    first = current_policy()

    adopted = adopted_after_preview(
        candidate(
            importances={"direction": 2.0},
            assumptions={"efficiency": ASSUMED},
            tendency=-0.2,
        ),
        actor,
    )

    assert (adopted.version, adopted.adopted_by) == (first.version + 1, actor)
    assert current_policy() == adopted
    event = Event.objects.get(event_type="policy.adopted")
    assert event.actor == actor
    assert event.changes == {
        "version": [1, 2],
        "importances.direction": [None, 2.0],
        "assumptions.efficiency": [None, ASSUMED],
        "tendency": [0.0, -0.2],
    }


def test_adoption_of_what_is_in_force_is_refused() -> None:
    with pytest.raises(ValidationError, match="Nothing differs"):
        adopted_after_preview(candidate())


def test_only_what_was_previewed_as_it_is_can_be_adopted() -> None:
    actor = make_user(Role.ADMINISTRATOR)
    policy = candidate(importances={"direction": 2.0})
    receipt = preview_policy(policy=policy).receipt
    changed = candidate(importances={"direction": 2.1})

    for refused, shown in ((policy, ""), (policy, "made:up"), (changed, receipt)):
        with pytest.raises(ValidationError, match="before you adopt them"):
            adopt_policy(policy=refused, receipt=shown, actor=actor)

    adopt_policy(policy=policy, receipt=receipt, actor=actor)
    # Another version is in force now: what was previewed against the first is stale.
    back = candidate(importances={"direction": 2.2})
    stale = preview_policy(policy=back).receipt
    adopted_after_preview(candidate(importances={"direction": 2.3}))
    with pytest.raises(ValidationError, match="before you adopt them"):
        adopt_policy(policy=back, receipt=stale, actor=actor)


def test_preview_is_too_old_after_a_day(monkeypatch: pytest.MonkeyPatch) -> None:
    policy = candidate(importances={"direction": 2.0})
    receipt = preview_policy(policy=policy).receipt
    later = time.time() + 24 * 3600 + 60
    monkeypatch.setattr("django.core.signing.time.time", lambda: later)
    with pytest.raises(ValidationError, match="before you adopt them"):
        adopt_policy(
            policy=policy, receipt=receipt, actor=make_user(Role.ADMINISTRATOR)
        )


def test_tendency_moves_every_verdict_its_way() -> None:
    engagement = team_bought_by_the_hour()
    assess(as_of=TODAY, actor=None)
    before = Assessment.objects.get(engagement=engagement, as_of=TODAY)

    adopted = adopted_after_preview(candidate(tendency=-0.5))
    assess(as_of=TODAY, actor=None)

    after = Assessment.objects.get(engagement=engagement, as_of=TODAY, policy=adopted)
    assert after.acceptability < before.acceptability
    assert after.coverage == before.coverage
    assert repeat(after).acceptability == after.acceptability


def test_adoption_without_a_reason_is_refused() -> None:
    policy = candidate(importances={"direction": 2.0}, reason=" ")
    with pytest.raises(ValidationError, match="Say why"):
        adopted_after_preview(policy)
    assert Policy.objects.get().version == 1


@pytest.mark.parametrize(
    ("fields", "setting"),
    [
        ({"importances": {"charm": 1.0}}, "importances.charm"),
        ({"importances": {"direction": 0.0}}, "importances.direction"),
        ({"importances": {"direction": 11.0}}, "importances.direction"),
        ({"breakpoints": {"charm": [[0, 1], [1, -1]]}}, "breakpoints.charm"),
        ({"breakpoints": {"direction": [[0, 1]]}}, "breakpoints.direction"),
        ({"breakpoints": {"direction": [[0, 1], [1, 2]]}}, "breakpoints.direction"),
        (
            {"breakpoints": {"direction": [[0, 1], [0.5, -1], [1, 1]]}},
            "breakpoints.direction",
        ),
        ({"tendency": 0.7}, "tendency"),
        ({"thresholds": {"oppose": 1.2}}, "thresholds.oppose"),
        ({"thresholds": {"charm": 0.2}}, "thresholds.charm"),
        ({"thresholds": {"clear": 0.8}}, "thresholds.clear"),
        ({"thresholds": {"cover": 0.19}}, "thresholds.cover"),
        ({"assumptions": {"charm": ASSUMED}}, "assumptions.charm"),
        ({"assumptions": {"churn": ASSUMED | {"least": 0.2}}}, "assumptions.churn"),
        ({"assumptions": {"churn": ASSUMED | {"least": -0.2}}}, "assumptions.churn"),
        ({"assumptions": {"churn": ASSUMED | {"source": " "}}}, "assumptions.churn"),
        ({"assumptions": {"churn": ASSUMED | {"owner": ""}}}, "assumptions.churn"),
    ],
)
def test_what_can_not_be_is_named_by_setting(
    fields: dict[str, Any], setting: str
) -> None:
    with pytest.raises(ValidationError) as refusal:
        preview_policy(policy=candidate(**fields))
    assert list(refusal.value.message_dict) == [setting]


def test_own_breakpoints_of_performance_leave_reviews_as_they_read() -> None:
    own = rulebook_of(Policy(breakpoints={"performance": [[0.06, 0], [0.30, -1]]}))
    poor = {"performance": Share(part=9, whole=10, records=10, overdispersion=1.0)}
    leans = {}
    for is_managed in (True, False):
        case = Case(is_managed=is_managed, facts=poor)
        judged = judge([case], own.where(is_managed=is_managed))
        (point,) = judged.judgements[0].points
        leans[is_managed] = point.lean
    assert (leans[True] < 0, leans[False] > 0) == (True, True)


def leans_of_poor_work(policy: Policy) -> tuple[float, float]:
    """How a shortfall of 40 % leans where a managed service runs, and else."""
    poor = {"performance": Share(part=400, whole=1000, records=9, overdispersion=1.0)}
    leans = []
    for is_managed in (True, False):
        read = rulebook_of(policy).where(is_managed=is_managed)
        case = Case(is_managed=is_managed, facts=poor)
        leans.append(judge([case], read).judgements[0].points[0].lean)
    return leans[0], leans[1]


def test_breakpoints_of_performance_have_a_key_for_each_reading() -> None:
    usual = leans_of_poor_work(Policy())
    own = {"performance.augmented": [[0.3, 0.0], [0.9, 1.0]]}
    milder = leans_of_poor_work(Policy(breakpoints=own))
    stricter = leans_of_poor_work(
        Policy(breakpoints={"performance": [[0, 0], [1, -1]]})
    )

    assert (milder[0], stricter[1]) == usual
    assert 0 < milder[1] < usual[1]
    assert usual[0] < stricter[0] < 0


@pytest.mark.parametrize(
    ("key", "points", "said"),
    [
        ("performance", [[0.05, 0], [0.3, 1]], "speaks for augmentation"),
        ("performance.augmented", [[0.1, 0], [0.5, -1]], "for a managed service"),
        ("direction.augmented", [[0.1, 1], [0.5, 0]], "no such criterion"),
    ],
)
def test_reading_is_never_inverted(key: str, points: Any, said: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        preview_policy(policy=candidate(breakpoints={key: points}))
    (error,) = refusal.value.message_dict[f"breakpoints.{key}"]
    assert said in error


def test_reading_may_be_silenced() -> None:
    silent = {"performance.augmented": [[0.1, 0.0], [0.5, 0.0]]}
    assert leans_of_poor_work(Policy(breakpoints=silent))[1] == 0
    assert preview_policy(policy=candidate(breakpoints=silent)).judged == 0


def plant_decisions(count: int, *, agree: bool | None = None) -> None:
    """Flags decided by permanence alone, whatever the other facts say."""
    actor = make_user(Role.ADMINISTRATOR)
    policy = current_policy()
    codes = [criterion.code for criterion in all_criteria()]
    rng = np.random.default_rng(7)
    for _ in range(count):
        engagement = make_contract()
        facts = {
            code: Share(part=float(rng.uniform(0, 90)), whole=90.0, records=9)
            for code in ("direction", "measurability", "core_work", "coverage")
        }
        wants_managed = facts["measurability"].value > 0.4
        Assessment.objects.create(
            engagement=engagement,
            as_of=TODAY,
            month=TODAY.replace(day=1),
            window_months=12,
            kind="managed",
            acceptability=0.2,
            opposition=0.8,
            coverage=0.5,
            margin=0,
            verdict="other_model_fits",
            evidence=evidence_of(Case(is_managed=True, facts=facts), codes),
            engine_version="1.1",
            policy=policy,
        )
        accepts = not wants_managed if agree is None else agree
        flag = Flag.objects.create(
            engagement=engagement,
            state="accepted" if accepts else "dismissed",
            raised_on=TODAY,
            opposition=0.8,
            leaning="augmented",
        )
        Decision.objects.create(
            flag=flag,
            action="accept" if accepts else "dismiss",
            reason="" if accepts else "It fits.",
            opposition=0.8,
            actor=actor,
            at=datetime(2026, 11, 20, 12, tzinfo=UTC),
        )


def test_agreement_is_told_from_twenty_decisions_on() -> None:
    plant_decisions(19)
    assessment = Assessment.objects.order_by("pk")[0]
    assert agreement_on(assessment) is None

    plant_decisions(21, agree=True)

    found = agreement_on(assessment)
    assert found is not None
    accepted = Flag.objects.filter(state="accepted").count()
    assert found.decisions == 40
    # All were decided at one share: the rate is their part, drawn a little to half.
    assert found.rate == pytest.approx((accepted + 1) / 42, abs=0.01)


@pytest.mark.parametrize(
    ("kind", "share", "is_told"),
    [
        ("managed", 0.2, True),
        ("managed", 0.19, False),
        ("managed", 0.21, False),
        # Of these nothing was reviewed.
        ("augmented", 0.2, False),
    ],
)
def test_agreement_is_told_within_the_shares_that_were_reviewed_alone(
    kind: str, share: float, is_told: bool
) -> None:
    plant_decisions(20)
    asked = Assessment(kind=kind, acceptability=share)
    assert (agreement_on(asked) is not None) is is_told


def test_fewer_than_fifty_decisions_teach_nothing() -> None:
    plant_decisions(49)
    assert reviewed_decisions() == 49
    assert propose_policy() is None


def test_decisions_that_all_went_one_way_teach_nothing() -> None:
    plant_decisions(50, agree=True)
    assert propose_policy() is None


def test_fifty_decisions_teach_importances_that_foretell_held_out_ones_better() -> None:
    plant_decisions(60)

    proposal = propose_policy()

    assert proposal is not None
    assert proposal.comparison.decisions == 60
    learnt, present = proposal.learnt.importances, proposal.present.importances
    assert learnt["measurability"] > present["measurability"]
    assert learnt["direction"] < present["direction"]
    assert (proposal.present.tendency, abs(proposal.learnt.tendency) < 0.6) == (0, True)
    old, new = proposal.comparison.present, proposal.comparison.learnt
    assert new.auc > old.auc
    assert new.agreed > old.agreed
    assert new.surprise < old.surprise
    assert sum(learnt.values()) == pytest.approx(sum(present.values()), abs=1e-4)
    # Nothing is adopted without a person.
    assert Policy.objects.count() == 1


def test_comparison_needs_enough_decisions_of_both_kinds() -> None:
    rulebook = rulebook_of(Policy())
    shape = 60, len(rulebook.rules)
    lessons = Lessons(np.zeros(shape), np.ones(shape), np.ones(60), np.ones(60))
    with pytest.raises(ValueError, match="too few"):
        compared(lessons.only(np.arange(49)), rulebook)
    with pytest.raises(ValueError, match="one way"):
        compared(lessons, rulebook)


def test_rejection_is_told_in_an_event_with_its_reason() -> None:
    actor = make_user(Role.ADMINISTRATOR)
    reject_proposal(reason="Too few of them.", actor=actor)

    event = Event.objects.get(event_type="policy.proposal_rejected")
    assert (event.actor, event.changes) == (
        actor,
        {"reason": [None, "Too few of them."]},
    )
    with pytest.raises(ValidationError):
        reject_proposal(reason=" ", actor=actor)
