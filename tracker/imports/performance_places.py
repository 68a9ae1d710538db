"""Which contracts and service levels a file may be about, read once."""

from zoneinfo import ZoneInfo

from django.conf import settings

from engagements.models import ServiceLevel
from tracker.imports.performance_lines import ContractPlace, Known, LevelPlace
from tracker.imports.problems import OptionError, shown
from tracker.performance.calendars import managed_contracts


def known_contracts(engagement_of_file: str) -> Known:
    """Return the contracts; raises OptionError for one that nobody knows."""
    places = _places()
    if not engagement_of_file:
        return Known(places.get)
    of_file = places.get(engagement_of_file.strip().casefold())
    if of_file is None:
        raise OptionError(
            f"engagement: “{shown(engagement_of_file)}” is no managed-service contract."
            " Give its reference, such as MSC-00012, or its external id."
        )
    return Known(places.get, of_file)


def _places() -> dict[str, ContractPlace]:
    levels: dict[int, dict[str, LevelPlace]] = {}
    for level in ServiceLevel.objects.order_by("id").only(
        "contract_id", "name", "measured_by"
    ):
        levels.setdefault(level.contract_id, {})[
            " ".join(level.name.split()).casefold()
        ] = LevelPlace(level.pk, level.name, level.measured_by)
    places: dict[str, ContractPlace] = {}
    rows = (
        managed_contracts()
        .order_by("id")
        .values_list("pk", "reference", "external_id", "time_zone")
    )
    for pk, reference, external_id, time_zone in rows:
        place = ContractPlace(
            pk,
            reference,
            ZoneInfo(time_zone or settings.TIME_ZONE),
            levels.get(pk, {}),
        )
        # A reference wins over another record's external id.
        places[reference.casefold()] = place
        if external_id:
            places.setdefault(external_id.casefold(), place)
    return places
