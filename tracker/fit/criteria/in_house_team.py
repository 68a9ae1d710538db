from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from engagements.values.language import gettext as _
from engagements.values.written import format_number
from tracker.fit.criterion import Criterion, Unit, registry
from tracker.fit.evidence import Breakpoints, Mean
from tracker.fit.history import SERVICE, earlier_values
from tracker.fit.queries import Scope
from tracker.fit.stated import Scale

# A declaration is worth as much as a few observations: somebody who knows made it.
WORTH = 4
DECLARED = ("in_house_maturity", "maturity_declared_on")


@registry.add
class InHouseTeam(Criterion[Mean]):
    code = "in_house_team"
    label = "In-house team"
    question = "Is there a team of our own behind this service?"
    dimension = "oversight"
    importance = 0.8
    breakpoints = Breakpoints(
        points=((1.0, 1.0), (3.0, 0.0), (5.0, -0.6)), source="our judgement"
    )
    unit = Unit(digits=1, suffix=" of 5")
    quantity = "the in-house team"
    how_to_record = "On the service, declare how much of an in-house team there is."
    rows = "service"
    scale = Scale(kind="mean", least=1.0, most=5.0, worth=WORTH)

    def gather(self, scope: Scope) -> Mapping[int, Mean]:
        """The latest grade that was declared for a day up to the scope's.

        A later declaration takes an earlier one's place; what that was, its event
        tells.
        """
        on_services = scope.engagements.filter(service__isnull=False).order_by()
        replaced = earlier_values(
            subject_types=SERVICE, ids=on_services.values("service_id"), fields=DECLARED
        )
        rows = on_services.values_list(
            "pk", "service_id", *(f"service__{name}" for name in DECLARED)
        )
        found = {}
        for engagement, service, *stands in rows:
            grade = _grade_on(scope.as_of, stands, replaced.get(service, ()))
            if grade is not None:
                found[engagement] = declared(grade)
        return found

    def sentence(self, observation: Mean) -> str:
        return _("the in-house team is declared at %(grade)s of 5") % {
            "grade": format_number(observation.value)
        }


def declared(maturity: int) -> Mean:
    """A service's declared maturity as evidence."""
    return Mean(mean=maturity, count=WORTH, records=1)


def _grade_on(
    day: date, stands: Sequence[Any], replaced: Iterable[Mapping[str, Any]]
) -> int | None:
    for grade, declared_on in _declarations(stands, replaced):
        if grade is not None and declared_on is not None and declared_on <= day:
            return grade
    return None


def _declarations(
    stands: Sequence[Any], replaced: Iterable[Mapping[str, Any]]
) -> Iterator[tuple[int | None, date | None]]:
    """What was declared and for which day, the latest entry first."""
    grade, declared_on = stands
    yield grade, declared_on
    for before in replaced:
        grade = before.get("in_house_maturity", grade)
        if "maturity_declared_on" in before:
            day = before["maturity_declared_on"]
            declared_on = None if day is None else date.fromisoformat(day)
        yield grade, declared_on
