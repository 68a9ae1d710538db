"""The kind `benchmarks`: published rates, one price or the quartiles to a line."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError

from engagements.choices import RateUnit
from engagements.models import User
from engagements.values.money import UnknownCurrencyError, currency_exponent
from tracker.imports.kinds import Batch, Progress, Source, check_options, register
from tracker.imports.mapping import ColumnMapping, Field, check_required
from tracker.imports.parsing import (
    DateReading,
    Unreadable,
    parse_amount,
    parse_words,
)
from tracker.imports.performance_lines import Account, Cells
from tracker.imports.problems import MappingError, Note, OptionError
from tracker.imports.record_report import RecordReport
from tracker.imports.report import Report
from tracker.spend.models import BenchmarkSet
from tracker.spend.percentiles import percentiles
from tracker.spend.services.benchmarks import (
    PublishedRate,
    RateKey,
    as_published,
    rates_of,
    store_benchmarks,
)

PLACES = 4
PROGRESS_EVERY = 1000
FIRST_YEAR, LAST_YEAR = 1990, 2099
LONGEST_TITLE = 180
MOST_COUNTED = 1_000_000
UNITS = {
    "hour": RateUnit.HOUR,
    "hourly": RateUnit.HOUR,
    "per hour": RateUnit.HOUR,
    "day": RateUnit.DAY,
    "daily": RateUnit.DAY,
    "per day": RateUnit.DAY,
}
QUARTILES = ("p25", "p50", "p75")
FIELDS = (
    Field(
        "category",
        "labour category",
        (
            "category",
            "labour category",
            "labor category",
            "service proposed e g job title task",
            "job title",
            "title",
            "level name",
            "role",
        ),
        required=True,
    ),
    Field("grade", "grade", ("grade", "sfia level", "level")),
    Field("place", "place", ("place", "location type", "location")),
    Field(
        "unit",
        "unit",
        ("unit", "unit of issue e g hour task sq ft", "unit of issue", "per"),
        required=True,
        help_text="Hour or day.",
    ),
    Field(
        "price",
        "price",
        ("price", "price offered to gsa including iff", "rate", "hourly rate"),
        help_text="One price to a line: percentiles are worked out of all lines.",
    ),
    Field("p25", "25th percentile", ("p25", "lower quartile")),
    Field("p50", "median", ("p50", "median")),
    Field("p75", "75th percentile", ("p75", "upper quartile")),
    Field("p90", "90th percentile", ("p90",)),
    Field("count", "rates behind it", ("count", "n", "n rate cards", "rates")),
    Field("currency", "currency", ("currency",)),
)


@dataclass(frozen=True)
class _Line:
    number: int
    category: str
    place: str
    unit: str
    price: Decimal | None
    quartiles: tuple[Decimal, Decimal, Decimal] | None
    p90: Decimal | None
    count: int

    @property
    def key(self) -> RateKey:
        return self.category, self.place, self.unit


class Benchmarks:
    name = "benchmarks"
    label = "Benchmark rates"
    fields: Sequence[Field] = FIELDS
    options: Sequence[str] = (
        "benchmark_set",
        "year",
        "source",
        "licence",
        "currency",
        "decimal_comma",
    )
    permissions: Sequence[str] = ("tracker.add_rolebenchmark",)
    wants_all_rows = True
    report_type: type[Report] = RecordReport

    def check_columns(self, mapping: ColumnMapping, options: Mapping[str, Any]) -> None:
        check_options(self, options)
        check_required(mapping, self.fields)
        given = set(mapping.by_field)
        if "price" not in given and not set(QUARTILES) <= given:
            raise MappingError(
                "No column for price: give one, or those of the 25th percentile, the"
                " median and the 75th percentile."
            )
        _set_named(options)

    def read(
        self,
        source: Source,
        options: Mapping[str, Any],
        report: Report,
        on_progress: Progress,
    ) -> Batch:
        account = Account()
        benchmark_set = _set_named(options)
        reader = _Reader(benchmark_set.currency, bool(options.get("decimal_comma")))
        places = source.mapping.positions()
        count = 0
        lines: list[_Line] = []
        for count, line in enumerate(source.table.lines(), start=1):
            if count % PROGRESS_EVERY == 0:
                on_progress(count)
            if line.is_blank:
                account.blank_lines += 1
                continue
            account.read += 1
            cells = Cells(line, places, account, _NO_DATES)
            if line.fault:
                cells.refuse("category", line.fault, "Correct the line.")
                continue
            found = reader.line(cells)
            if found is not None and not cells.has_failed:
                lines.append(found)
        on_progress(count)
        return _Batch(benchmark_set, account, lines)


# No column of such a file holds dates.
_NO_DATES = DateReading("day_first", date(LAST_YEAR, 12, 31), "")


def _set_named(options: Mapping[str, Any]) -> BenchmarkSet:
    """Return the set that is stored or, where it is new, what it is to be."""
    name = str(options.get("benchmark_set") or "").strip()
    if not name:
        raise OptionError("Say which set the rates belong to, such as “GSA CALC 2016”.")
    stored = BenchmarkSet.objects.filter(name=name).first()
    if stored is not None:
        _check_same(stored, options)
        return stored
    year = str(options.get("year") or "")
    if not (year.isascii() and year.isdigit() and len(year) == 4):
        raise OptionError(f"“{name}” is a new set: say of which year its prices are.")
    missing = [word for word in ("source", "licence") if not options.get(word)]
    if missing:
        raise OptionError(
            f"“{name}” is a new set: say its {' and its '.join(missing)}, which stand"
            " beside its rates wherever they are shown."
        )
    new = BenchmarkSet(
        name=name,
        year=int(year),
        source=str(options["source"]),
        licence=str(options["licence"]),
        currency=str(options.get("currency") or "").upper(),
    )
    try:
        new.full_clean()
    except ValidationError as error:
        raise OptionError(" ".join(error.messages)) from error
    return new


def _check_same(stored: BenchmarkSet, options: Mapping[str, Any]) -> None:
    given = {
        "year": str(options.get("year") or stored.year),
        "source": options.get("source") or stored.source,
        "licence": options.get("licence") or stored.licence,
        "currency": str(options.get("currency") or stored.currency).upper(),
    }
    for name, value in given.items():
        if value != str(getattr(stored, name)):
            raise OptionError(
                f"“{stored.name}” is recorded with {name}"
                f" “{getattr(stored, name)}”: leave it out, or name another set."
            )


class _Reader:
    """Reads one line after another; what can't be read is noted in its cells."""

    def __init__(self, currency: str, decimal_comma: bool) -> None:
        self.currency = currency
        self.decimal_comma = decimal_comma

    def line(self, cells: Cells) -> _Line | None:
        category = cells.parse("category", _title) or ""
        if not category and not cells.has_failed:
            cells.refuse("category", "is blank", "Give the labour category.")
        grade = cells.words("grade", 15)
        unit = cells.parse("unit", _unit)
        self._check_currency(cells)
        price = self._amount(cells, "price")
        quartiles = self._quartiles(cells) if price is None else None
        if unit is None or cells.has_failed:
            return None
        return _Line(
            cells.line.number,
            f"{category} ({grade})" if grade else category,
            cells.words("place", 40),
            unit,
            price,
            quartiles,
            self._amount(cells, "p90"),
            cells.parse("count", _count) or 1,
        )

    def _amount(self, cells: Cells, name: str) -> Decimal | None:
        if cells.is_blank(name):
            return None
        found = cells.parse(
            name,
            lambda text: parse_amount(
                text, decimals=PLACES, decimal_comma=self.decimal_comma
            ),
        )
        if found is not None and found < 0:
            cells.refuse(name, "is negative", "Give 0 or more.")
        return found

    def _quartiles(self, cells: Cells) -> tuple[Decimal, Decimal, Decimal] | None:
        found = [self._amount(cells, name) for name in QUARTILES]
        p25, p50, p75 = found
        if p25 is None or p50 is None or p75 is None:
            if not cells.has_failed:
                name = "price" if "price" in cells.places else "p50"
                cells.refuse(name, "is blank", "Give a price, or all quartiles.")
            return None
        if not p25 <= p50 <= p75:
            cells.refuse("p50", "is out of order", "Percentiles rise from the 25th on.")
        return p25, p50, p75

    def _check_currency(self, cells: Cells) -> None:
        code = cells.text("currency").upper()
        if not code or code == self.currency:
            return
        try:
            currency_exponent(code)
        except UnknownCurrencyError:
            cells.refuse("currency", "is no currency code", "Use one such as GBP.")
            return
        cells.refuse(
            "currency",
            f"is not {self.currency}, the set's",
            "Import rates of another currency as a set of their own.",
        )


def _unit(text: str) -> str:
    unit = UNITS.get(parse_words(text, longest=40).casefold())
    if unit is None:
        raise Unreadable("is neither hour nor day", "Only such prices are rates.")
    return unit.value


def _title(text: str) -> str:
    """Return a title on one line, once where it was pasted in again and again."""
    text = text.strip()
    if "\n" in text:
        text = text[: (text + text).index(text, 1)]
    return parse_words(text, longest=LONGEST_TITLE)


def _count(text: str) -> int:
    if not text.strip():
        return 1
    number = parse_amount(text, decimals=0)
    if not 1 <= number <= MOST_COUNTED:
        raise Unreadable("is out of range", "Give how many rates are behind it.")
    return int(number)


class _Batch:
    """The accepted lines of one file, grouped to rates."""

    def __init__(
        self, benchmark_set: BenchmarkSet, account: Account, lines: list[_Line]
    ) -> None:
        self.benchmark_set = benchmark_set
        self.account = account
        self.lines = lines
        self.to_store: list[PublishedRate] = []

    def plan(self, report: Report) -> None:
        groups: dict[RateKey, list[_Line]] = defaultdict(list)
        for line in self.lines:
            groups[line.key].append(line)
        known = (
            {
                key: as_published(rate)
                for key, rate in rates_of(self.benchmark_set).items()
            }
            if self.benchmark_set.pk
            else {}
        )
        new = changed = same = 0
        self.to_store = []
        for key, lines in groups.items():
            rate = _rate(lines)
            if known.get(key) == rate:
                same += len(lines)
                continue
            self.to_store.append(rate)
            if key in known:
                changed += len(lines)
            else:
                new += len(lines)
        self._tell(report, len(groups))
        report.new, report.already_recorded = new, same
        if isinstance(report, RecordReport):
            report.changed = changed

    def _tell(self, report: Report, groups: int) -> None:
        of = self.benchmark_set
        note = Note(
            0,
            f"{len(self.lines):,} lines make {groups:,} labour categories of {of}."
            f" Source: {of.source}. Licence: {of.licence}.",
        )
        report.problems = sorted(self.account.problems, key=lambda one: one.line)
        report.notes = [*self.account.all_notes(), note]
        report.read = self.account.read
        report.blank_lines = self.account.blank_lines
        report.refused = self.account.refused

    def apply(self, *, run_id: Any, actor: User | None) -> None:
        if self.to_store:
            store_benchmarks(
                benchmark_set=self.benchmark_set, rates=self.to_store, actor=actor
            )


def _rate(lines: Sequence[_Line]) -> PublishedRate:
    """Return the quartiles that the last line gives, or those of all prices."""
    last = lines[-1]
    if last.quartiles is not None:
        return PublishedRate(*last.key, last.count, *last.quartiles, last.p90)
    found = percentiles([line.price for line in lines if line.price is not None])
    if found is None:
        raise ValueError("A line without quartiles has a price.")
    return PublishedRate(
        *last.key,
        found.count,
        *(_in_places(value) for value in (found.p25, found.p50, found.p75, found.p90)),
    )


def _in_places(amount: Decimal) -> Decimal:
    return amount.quantize(Decimal(1).scaleb(-PLACES))


register(Benchmarks())
