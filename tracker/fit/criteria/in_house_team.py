from collections.abc import Mapping

from engagements.values.language import gettext as _
from engagements.values.written import format_number
from tracker.fit.criterion import Criterion, Unit, registry
from tracker.fit.evidence import Breakpoints, Mean
from tracker.fit.queries import Scope
from tracker.fit.stated import Scale

# A declaration is worth as much as a few observations: somebody who knows made it.
WORTH = 4


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
        rows = scope.engagements.filter(
            service__in_house_maturity__isnull=False,
            service__maturity_declared_on__lte=scope.as_of,
        ).values_list("pk", "service__in_house_maturity")
        return {
            engagement: declared(maturity)
            for engagement, maturity in rows
            if maturity is not None
        }

    def sentence(self, observation: Mean) -> str:
        return _("the in-house team is declared at %(grade)s of 5") % {
            "grade": format_number(observation.value)
        }


def declared(maturity: int) -> Mean:
    """A service's declared maturity as evidence."""
    return Mean(mean=maturity, count=WORTH, records=1)
