import pytest
from django.db.models import QuerySet

from engagements.choices import Kind
from tests.demo.conftest import TODAY
from tracker.demo.company import PLANTED
from tracker.demo.stories import Planted
from tracker.fit.models import Assessment, Flag, Verdict

pytestmark = pytest.mark.usefixtures("company")

JUDGED = set(Planted) - {Planted.BACKGROUND}


def titles(*planted: Planted) -> set[str]:
    return {title for title, found in PLANTED.items() if found in planted}


def assessed(*planted: Planted) -> QuerySet[Assessment]:
    return Assessment.objects.filter(
        as_of=TODAY, engagement__title__in=titles(*planted)
    )


def test_everything_in_force_is_judged() -> None:
    judged = Assessment.objects.filter(as_of=TODAY)

    assert set(judged.values_list("engagement__title", flat=True)) == titles(*JUDGED)


def test_planted_misfits_of_each_direction_are_flagged_and_nothing_else() -> None:
    flags = Flag.objects.values_list("engagement__title", "leaning")

    augmented_would_fit = {
        (title, Kind.AUGMENTED) for title in titles(Planted.MISFIT_MANAGED)
    }
    managed_would_fit = {
        (title, Kind.MANAGED) for title in titles(Planted.MISFIT_AUGMENTED)
    }
    assert len(augmented_would_fit) == 3
    assert len(managed_would_fit) == 7
    assert set(flags) == augmented_would_fit | managed_would_fit


def test_flags_name_the_notice_deadline_by_which_they_can_be_used() -> None:
    deadlines = dict(
        Flag.objects.values_list("notice_deadline_on", "engagement__notice_deadline_on")
    )

    assert deadlines
    assert list(deadlines) == list(deadlines.values())


def test_planted_good_fits_keep_their_model() -> None:
    good = assessed(Planted.GOOD_MANAGED, Planted.GOOD_AUGMENTED)

    assert set(good.values_list("kind", flat=True)) == set(Kind.values)
    assert set(good.values_list("verdict", flat=True)) == {Verdict.CURRENT_MODEL_FITS}


def test_ambiguous_engagements_get_no_clear_verdict() -> None:
    verdicts = assessed(Planted.AMBIGUOUS).values_list("verdict", flat=True)

    assert len(verdicts) == 5
    assert set(verdicts) <= {Verdict.MIXED, Verdict.EITHER_FITS}


def test_thin_records_say_what_to_record() -> None:
    thin = assessed(Planted.THIN)

    assert len(thin) == 6
    assert {found.verdict for found in thin} == {Verdict.NOT_ENOUGH_EVIDENCE}
    assert all(found.missing for found in thin)
