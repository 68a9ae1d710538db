from pathlib import Path

import pytest

from tracker.fit import criteria
from tracker.fit.criteria import all_criteria, recordable_criteria
from tracker.fit.criterion import (
    PERCENT,
    AnyCriterion,
    Criterion,
    DuplicateCriterionError,
    Registry,
    Unit,
)
from tracker.fit.evidence import Breakpoints, Mean

EVERY = all_criteria()


def example(code: str) -> type[AnyCriterion]:
    def gather(self: AnyCriterion, scope: object) -> dict[int, Mean]:
        return {}

    def sentence(self: AnyCriterion, observation: Mean) -> str:
        return ""

    return type(code, (Criterion,), {"code": code, **locals()})


def test_registry_refuses_a_code_taken_already() -> None:
    registry = Registry()
    registry.add(example("one"))
    with pytest.raises(DuplicateCriterionError, match="one"):
        registry.add(example("one"))


def test_registry_tells_criteria_by_code() -> None:
    registry = Registry()
    for code in ("b", "c", "a"):
        registry.add(example(code))
    assert [criterion.code for criterion in registry.all()] == ["a", "b", "c"]


def test_every_file_of_the_folder_is_one_criterion() -> None:
    files = {path.stem for path in Path(criteria.__file__).parent.glob("[a-z]*.py")}
    assert files == {criterion.code for criterion in EVERY}


@pytest.mark.parametrize("criterion", EVERY, ids=lambda c: c.code)
def test_criterion_is_declared_in_full(criterion: AnyCriterion) -> None:
    words = (
        criterion.label,
        criterion.question,
        criterion.dimension,
        criterion.quantity,
        criterion.how_to_record,
        criterion.breakpoints.source,
    )
    assert all(words)
    assert criterion.question.endswith("?")
    assert criterion.how_to_record.endswith(".")
    assert 0.5 <= criterion.importance <= 1.5


def test_importances_are_those_of_the_design() -> None:
    assert {criterion.code: criterion.importance for criterion in EVERY} == {
        "core_work": 1.2,
        "coverage": 0.9,
        "direction": 1.5,
        "in_house_team": 0.8,
        "manager_load": 1.4,
        "measurability": 1.4,
        "performance": 0.65,
        "permanence": 1.3,
        "scaling_friction": 0.65,
        "scope_change": 1.1,
        "skill_development": 0.8,
        "skills_breadth": 1.4,
        "skills_depth": 0.9,
        "steadiness": 1.0,
        "strategic_guidance": 0.7,
        "team_integrity": 0.9,
    }


def test_every_criterion_can_be_recorded() -> None:
    assert [c.code for c in EVERY if c.waits_for] == []
    assert recordable_criteria() == EVERY


@pytest.mark.parametrize(
    ("unit", "figure", "shown"),
    [
        (PERCENT, 0.864, "86 %"),
        (Unit(digits=1, suffix=" skills"), 4.55, "4.5 skills"),
        (Unit(suffix=" months"), 1234.0, "1,234 months"),
    ],
)
def test_unit_shows_a_figure(unit: Unit, figure: float, shown: str) -> None:
    assert unit.show(figure) == shown


def test_breakpoints_name_whose_figures_they_are() -> None:
    assert isinstance(EVERY[0].breakpoints, Breakpoints)
    steadiness = next(c for c in EVERY if c.code == "steadiness")
    assert "XYZ" in steadiness.breakpoints.source
