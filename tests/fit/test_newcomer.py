"""A criterion is one new file: everything else learns of it from the registry."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import Client
from django.utils import translation

from engagements.choices import Role
from tests.api.callers import client_for
from tests.factories import make_user
from tests.fit.records import TODAY, running_assignment
from tracker.fit import criteria
from tracker.fit.criteria import all_criteria
from tracker.fit.criteria_page import as_page
from tracker.fit.criterion import registry
from tracker.fit.models import Assessment
from tracker.fit.reading import points_of
from tracker.fit.services import assess

pytestmark = pytest.mark.django_db

NEWCOMER = """
from collections.abc import Mapping

from tracker.fit.criterion import PERCENT, Criterion, registry
from tracker.fit.evidence import Breakpoints, Share
from tracker.fit.queries import Scope
from tracker.fit.stated import Scale


@registry.add
class Travel(Criterion[Share]):
    code = "travel"
    label = "Work on site"
    question = "Must somebody be on site?"
    dimension = "place"
    importance = 0.5
    breakpoints = Breakpoints(points=((0.1, 1.0), (0.9, -1.0)), source="a test")
    unit = PERCENT
    quantity = "the hours on site"
    how_to_record = "Say where the work is done."
    scale = Scale(kind="share", most=1.0)

    def gather(self, scope: Scope) -> Mapping[int, Share]:
        return {pk: Share(part=9, whole=10, records=10) for pk in scope.ids}

    def sentence(self, observation: Share) -> str:
        return f"{PERCENT.show(observation.value)} of the work is on site"
"""


@pytest.fixture
def newcomer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    (tmp_path / "travel.py").write_text(NEWCOMER, encoding="utf-8")
    monkeypatch.setattr(criteria, "__path__", [*criteria.__path__, str(tmp_path)])
    all_criteria.cache_clear()
    yield
    registry._criteria.pop("travel", None)
    sys.modules.pop("tracker.fit.criteria.travel", None)
    monkeypatch.undo()
    all_criteria.cache_clear()


@pytest.mark.usefixtures("newcomer")
def test_new_file_is_registered_and_documented() -> None:
    assert "travel" in [criterion.code for criterion in all_criteria()]
    page = as_page(all_criteria())
    assert "Must somebody be on site?" in page


@pytest.mark.usefixtures("newcomer")
def test_new_file_is_judged_by_and_told_in_the_assessment() -> None:
    assignment = running_assignment()
    assess(as_of=TODAY, actor=None)
    points = Assessment.objects.get(engagement=assignment, as_of=TODAY).points
    told = next(point for point in points if point["code"] == "travel")
    assert told["sentence"] == "90 % of the work is on site"
    assert told["points"] < 0


@pytest.mark.usefixtures("newcomer")
def test_new_file_is_told_in_english_until_it_is_translated() -> None:
    running_assignment()
    assess(as_of=TODAY, actor=None)
    stored = Assessment.objects.get(as_of=TODAY)
    with translation.override("de"):
        told = {point["code"]: point["sentence"] for point in points_of(stored)}
    assert told["travel"] == "90 % of the work is on site"


@pytest.mark.usefixtures("newcomer")
def test_new_file_is_shown_in_the_admin_and_on_the_page(client: Client) -> None:
    client.force_login(make_user(Role.ADMINISTRATOR))
    for page in ("/admin/tracker/policy/add/", "/fit/what-if/"):
        assert "Work on site" in client.get(page).content.decode()


@pytest.mark.usefixtures("newcomer")
def test_new_file_is_asked_about_in_the_api() -> None:
    api = client_for(make_user(Role.ADMINISTRATOR), "fit:read")
    body = {"id": 1, "facts": {"travel": {"value": 0.9}}}
    found = api.post("/api/v1/fit/what-if", body).json()
    assert [point["code"] for point in found["points"]][:1] == ["travel"]


def test_without_the_file_nothing_knows_of_it() -> None:
    assert "travel" not in [criterion.code for criterion in all_criteria()]
