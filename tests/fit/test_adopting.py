"""Another version of the policy: preview, adoption, and what decisions teach."""

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from django.core.exceptions import ValidationError

from engagements.choices import Role
from engagements.models import Event
from tests.factories import make_contract, make_user
from tests.fit.records import TODAY, good_managed, team_bought_by_the_hour
from tracker.fit.criteria import all_criteria
from tracker.fit.evidence import Share
from tracker.fit.judgement import Case
from tracker.fit.learning import compared
from tracker.fit.models import Assessment, Decision, Flag, Policy
from tracker.fit.services import (
    adopt_policy,
    assess,
    current_policy,
    preview_policy,
    propose_importances,
    reject_proposal,
    reviewed_decisions,
)
from tracker.fit.services.evaluation import evidence_of
from tracker.fit.services.policies import rulebook_of

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


def test_preview_agrees_with_the_night_that_follows() -> None:
    engagement = team_bought_by_the_hour()
    assess(as_of=TODAY, actor=None)
    policy = candidate(importances={"direction": 0.1, "permanence": 9.0})
    preview_policy(policy=policy)

    adopt_policy(policy=policy, actor=make_user(Role.ADMINISTRATOR))
    assess(as_of=TODAY, actor=None)

    stored = Assessment.objects.get(engagement=engagement, as_of=TODAY, policy=policy)
    again = preview_policy(policy=policy)
    assert again.changed == ()
    assert stored.policy.version == 2


def test_adoption_is_a_new_version_with_its_differences_in_an_event() -> None:
    actor = make_user(Role.ADMINISTRATOR)
    first = current_policy()

    adopted = adopt_policy(
        policy=candidate(
            importances={"direction": 2.0}, assumptions={"efficiency": ASSUMED}
        ),
        actor=actor,
    )

    assert (adopted.version, adopted.adopted_by) == (first.version + 1, actor)
    assert current_policy() == adopted
    event = Event.objects.get(event_type="policy.adopted")
    assert event.actor == actor
    assert event.changes == {
        "version": [1, 2],
        "importances.direction": [None, 2.0],
        "assumptions.efficiency": [None, ASSUMED],
    }


def test_adoption_of_what_is_in_force_is_refused() -> None:
    with pytest.raises(ValidationError, match="Nothing differs"):
        adopt_policy(policy=candidate(), actor=make_user(Role.ADMINISTRATOR))


def test_adoption_without_a_reason_is_refused() -> None:
    policy = candidate(importances={"direction": 2.0}, reason=" ")
    with pytest.raises(ValidationError, match="Say why"):
        adopt_policy(policy=policy, actor=make_user(Role.ADMINISTRATOR))
    assert not Policy.objects.exists()


@pytest.mark.parametrize(
    ("fields", "setting"),
    [
        ({"importances": {"charm": 1.0}}, "importances.charm"),
        ({"importances": {"direction": 0.0}}, "importances.direction"),
        ({"importances": {"direction": 11.0}}, "importances.direction"),
        ({"breakpoints": {"direction": [[0, 1]]}}, "breakpoints.direction"),
        ({"breakpoints": {"direction": [[0, 1], [1, 2]]}}, "breakpoints.direction"),
        (
            {"breakpoints": {"direction": [[0, 1], [0.5, -1], [1, 1]]}},
            "breakpoints.direction",
        ),
        ({"thresholds": {"oppose": 1.2}}, "thresholds.oppose"),
        ({"thresholds": {"charm": 0.2}}, "thresholds.charm"),
        ({"thresholds": {"clear": 0.8}}, "thresholds.clear"),
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


def test_fewer_than_fifty_decisions_teach_nothing() -> None:
    plant_decisions(49)
    assert reviewed_decisions() == 49
    assert propose_importances() is None


def test_decisions_that_all_went_one_way_teach_nothing() -> None:
    plant_decisions(50, agree=True)
    assert propose_importances() is None


def test_fifty_decisions_teach_importances_that_foretell_held_out_ones_better() -> None:
    plant_decisions(60)

    proposal = propose_importances()

    assert proposal is not None
    assert proposal.comparison.decisions == 60
    assert proposal.importances["measurability"] > proposal.present["measurability"]
    assert proposal.importances["direction"] < proposal.present["direction"]
    old, new = proposal.comparison.present, proposal.comparison.learnt
    assert new.auc > old.auc
    assert new.agreed > old.agreed
    assert new.surprise < old.surprise
    assert sum(proposal.importances.values()) == pytest.approx(
        sum(proposal.present.values()), abs=1e-4
    )
    # Nothing is adopted without a person.
    assert Policy.objects.count() == 1


def test_comparison_needs_enough_decisions_of_both_kinds() -> None:
    rulebook = rulebook_of(Policy())
    leans = np.zeros((60, len(rulebook.rules)))
    with pytest.raises(ValueError, match="too few"):
        compared(leans[:49], [True] * 49, rulebook)
    with pytest.raises(ValueError, match="one way"):
        compared(leans, [True] * 60, rulebook)


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
