"""The kind `measurements`: what a monitor or a vendor's report says of a period."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from engagements.choices import MeasuredBy
from engagements.models import ServiceLevel, User
from engagements.values.periods import last_day_of_month
from tracker.imports.kinds import register
from tracker.imports.mapping import Field
from tracker.imports.moments import is_blank, parse_count, parse_month
from tracker.imports.parsing import parse_amount, parse_date
from tracker.imports.performance_kinds import PerformanceKind, batches
from tracker.imports.performance_lines import (
    ENGAGEMENT,
    LEVEL,
    NUMBER,
    Cells,
    ContractPlace,
    LevelPlace,
)
from tracker.performance.models import Measurement
from tracker.performance.reckoning import MONTHS
from tracker.performance.service_levels import window_of
from tracker.performance.services import Measured, record_measurements

FIELDS = (
    ENGAGEMENT,
    LEVEL,
    Field(
        "period_from",
        "from, or month",
        ("month", "period", "from", "period from", "start", "date", "start date"),
        required=True,
        help_text="A day, or a month as 2026-05.",
    ),
    Field("period_to", "to", ("to", "period to", "end", "until", "end date")),
    Field("value", "figure", ("value", "figure", "result", "actual", "score")),
    Field("good", "good", ("good", "passed", "met", "within", "good count")),
    Field("total", "out of", ("total", "out of", "count", "all", "total count")),
    Field(
        "downtime_minutes",
        "minutes of downtime",
        ("downtime minutes", "minutes of downtime", "downtime", "minutes down"),
    ),
    Field("incident", "incident", ("incident", "incident number", "problem")),
    NUMBER,
)
_SAYS = {
    MeasuredBy.VALUE.value: ("value",),
    MeasuredBy.COUNTS.value: ("good", "total"),
    MeasuredBy.DOWNTIME.value: ("downtime_minutes",),
}


class MeasurementLine(NamedTuple):
    number: int
    level_id: int
    source_key: str
    period_from: date
    period_to: date
    value: Decimal | None
    good: int | None
    total: int | None
    downtime_minutes: Decimal | None
    incident: str

    @property
    def key(self) -> tuple[int, str]:
        return self.level_id, self.source_key

    @property
    def facts(self) -> tuple[Any, ...]:
        return self[3:]


def parse_figure(text: str) -> Decimal:
    """Return a figure with up to eight decimals; a % sign is left out."""
    return parse_amount(text.replace("%", ""), decimals=8)


class Measurements(PerformanceKind[MeasurementLine]):
    name = "measurements"
    label = "Measurements of service levels"
    fields = FIELDS
    date_fields = ("period_from", "period_to")

    def __init__(self) -> None:
        # Which window a level has, for the file that is being read.
        self._months: dict[int, int] = {}

    def line(
        self, cells: Cells, contract: ContractPlace, latest: datetime
    ) -> MeasurementLine | None:
        level = cells.level(contract, tuple(_SAYS))
        period = _period(cells, latest.date())
        if level is None or period is None:
            return None
        figures = _figures(cells, level)
        self._check_window(cells, level, period)
        number = cells.words("number", 100)
        return MeasurementLine(
            cells.line.number,
            level.level_id,
            f"{level.level_id}:{number or f'{period[0]}:{period[1]}'}",
            *period,
            figures.get("value"),
            _whole(figures.get("good")),
            _whole(figures.get("total")),
            figures.get("downtime_minutes"),
            cells.words("incident", 100),
        )

    def _check_window(
        self, cells: Cells, level: LevelPlace, period: tuple[date, date]
    ) -> None:
        if level.level_id not in self._months:
            stored = ServiceLevel.objects.only("window").get(pk=level.level_id)
            self._months[level.level_id] = MONTHS[stored.window]
        months = self._months[level.level_id]
        if window_of(period[0], months) != window_of(period[1], months):
            cells.refuse(
                "period_to",
                "makes the period lie in two windows",
                "Give a line for each month, or quarter.",
            )

    def recorded(
        self, lines: Sequence[MeasurementLine]
    ) -> Mapping[tuple[int, str], tuple[Any, ...]]:
        found: dict[tuple[int, str], tuple[Any, ...]] = {}
        for keys in batches(line.source_key for line in lines):
            rows = Measurement.objects.filter(source_key__in=keys).values_list(
                "service_level_id", "source_key", *MeasurementLine._fields[3:]
            )
            found.update({(row[0], str(row[1])): row[2:] for row in rows})
        return found

    def store(
        self, lines: Sequence[MeasurementLine], *, run_id: UUID, actor: User | None
    ) -> list[Measured]:
        levels = ServiceLevel.objects.in_bulk({line.level_id for line in lines})
        return record_measurements(
            measurements=[
                Measurement(
                    service_level=levels[line.level_id],
                    source_key=line.source_key,
                    **dict(zip(MeasurementLine._fields[3:], line.facts, strict=True)),
                )
                for line in lines
            ],
            actor=actor,
        )


def _period(cells: Cells, latest: date) -> tuple[date, date] | None:
    month = parse_month(cells.text("period_from"))
    if month is not None:
        if month > latest:
            cells.refuse("period_from", "lies in the future", "Correct the month.")
        return month, last_day_of_month(month)
    first = cells.parse("period_from", lambda text: parse_date(text, cells.dates))
    if is_blank(cells.text("period_to")):
        cells.refuse("period_to", "is blank", "Give the last day, or a month: 2026-05.")
        return None
    last = cells.parse("period_to", lambda text: parse_date(text, cells.dates))
    if first is None or last is None:
        return None
    if last < first:
        cells.refuse("period_to", "is before the first day", "Correct one of the two.")
    return first, last


def _figures(cells: Cells, level: LevelPlace) -> dict[str, Decimal]:
    wanted = _SAYS[level.measured_by]
    figures: dict[str, Decimal] = {}
    for name in wanted:
        if cells.is_blank(name):
            cells.refuse(
                name,
                "is blank",
                f"{level.name} is measured by {level.measured_by}: give it.",
            )
            continue
        parse = parse_figure if name in ("value", "downtime_minutes") else _count
        found = cells.parse(name, parse)
        if found is not None:
            figures[name] = found
    if figures.get("good", Decimal(0)) > figures.get("total", Decimal(0)):
        cells.refuse("good", "is more than there are", "Correct one of the two.")
    if figures.get("downtime_minutes", Decimal(0)) < 0:
        cells.refuse("downtime_minutes", "is negative", "Give minutes of 0 or more.")
    return figures


def _count(text: str) -> Decimal:
    return Decimal(parse_count(text))


def _whole(figure: Decimal | None) -> int | None:
    return None if figure is None else int(figure)


register(Measurements())
