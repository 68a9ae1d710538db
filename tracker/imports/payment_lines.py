"""Lines of a table to payments: accepted whole, or refused with every reason."""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import lru_cache, partial
from itertools import groupby
from typing import NamedTuple, TypeVar

from engagements.values.money import UnknownCurrencyError, currency_exponent
from engagements.values.names import normalise_name
from tracker.imports.mapping import ColumnMapping
from tracker.imports.parsing import (
    DateOrderEvidence,
    DateReading,
    Unreadable,
    date_order_of,
    is_no_date,
    parse_amount,
    parse_date,
    parse_words,
)
from tracker.imports.payment_categories import KNOWN_CODES, Model
from tracker.imports.payment_keys import (
    Identity,
    normalise_supplier_number,
    normalise_transaction_number,
)
from tracker.imports.problems import Note, Problem, shown
from tracker.imports.spool import Spool
from tracker.imports.tables import Line, Table

T = TypeVar("T")
CurrencyDay = tuple[str, date]

LONGEST = {
    "supplier_name": 200,
    "supplier_number": 60,
    "transaction_number": 100,
    "unit": 160,
    "category": 160,
    "category_code": 40,
    # Longer ones are cut to what is stored: nothing depends on their end.
    "description": 10_000,
}
LONGEST_DESCRIPTION = 300
UNCATEGORISED = "Uncategorised"
DEFAULT_CURRENCY = "GBP"
SIGN_CURRENCIES = {"£": "GBP", "€": "EUR", "¥": "JPY"}
_WITHHELD = re.compile(
    r"(?:name |personal |supplier )?(?:redacted|withheld)(?:\W.*)?|personal data.*"
    r"|supplier \S+ \(name withheld\)",
    re.IGNORECASE,
)
_LOST_CHARACTER = "\ufffd"
_TOTAL = re.compile(
    r"(?:(?:grand|sub|overall|report)[ -]?)?(?:totals?|sum)"
    r"(?: (?:amount|spend|expenditure|payments?|paid|value))?\s*:?",
    re.IGNORECASE,
)
PROGRESS_EVERY = 2000
# Texts that repeat are judged once; so many are kept in mind.
_REMEMBERED = 8192
_MOSTLY_UNIQUE = frozenset({"transaction_number", "description"})


@dataclass(frozen=True)
class PaymentOptions:
    """What the person importing has decided about the file."""

    # None takes what the file says, or else pounds.
    currency: str | None = None
    undated_on: date | None = None
    date_format: str = ""
    decimal_comma: bool = False
    # By category or code.
    category_models: Mapping[str, Model] = field(default_factory=dict)


@dataclass(frozen=True)
class Knowledge:
    """What earlier imports have told, for the gaps in this file."""

    # By supplier's number, and by category's code; empty where none is known.
    name_of: Callable[[str], str] = lambda _number: ""
    category_of: Callable[[str], str] = lambda _code: ""


class PaymentLine(NamedTuple):
    number: int
    paid_on: date
    is_undated: bool
    amount: Decimal
    currency: str
    transaction_number: str
    supplier_number: str
    # As the file says, or as known for the number where it doesn't.
    supplier_name: str
    unit: str
    category: str
    category_code: str
    description: str

    def identity(self) -> Identity:
        """Return what identifies the payment, from what the line itself says."""
        return Identity(
            transaction_number=self.transaction_number,
            supplier_number=self.supplier_number,
            supplier_name=self.supplier_name,
            amount=self.amount,
            currency=self.currency,
            paid_on=None if self.is_undated else self.paid_on,
            unit=self.unit,
            category=self.category_code or self.category,
            description=self.description,
        )


@dataclass
class PaymentFile:
    """Every line accounted for: `read` = accepted lines + refused lines."""

    lines: Spool[PaymentLine] = field(default_factory=Spool)
    problems: Spool[Problem] = field(default_factory=Spool)
    notes: list[Note] = field(default_factory=list)
    read: int = 0
    blank_lines: int = 0
    total_lines: int = 0
    repeated_headers: int = 0
    codes: dict[str, str] = field(default_factory=dict)
    # On which exchange rates are needed.
    days: set[CurrencyDay] = field(default_factory=set)

    @property
    def refused(self) -> int:
        return count_lines(self.problems)


def count_lines(problems: Iterable[Problem]) -> int:
    """Return how many lines are refused; their problems stand together."""
    return sum(1 for _line in groupby(problem.line for problem in problems))


def read_payments(
    *,
    table: Table,
    mapping: ColumnMapping,
    options: PaymentOptions,
    knowledge: Knowledge,
    latest: date,
    on_progress: Callable[[int], None] = lambda _lines: None,
) -> PaymentFile:
    """Read every line of the table.

    Lines are judged as they stream by; the accepted ones go to disk, in the file's
    order. `latest` is the last day a payment may have.
    """
    survey = _survey(table, mapping)
    reader = _Reader(table, mapping, options, knowledge, latest, survey)
    count = 0
    for count, line in enumerate(table.lines(), start=1):
        reader.take(line)
        if count % PROGRESS_EVERY == 0:
            on_progress(count)
    on_progress(count)
    return reader.finish()


@dataclass
class _Survey:
    """What has to be known of the whole file before its first line is judged."""

    dates: DateOrderEvidence
    codes: dict[str, str]
    names: dict[str, str]


def _survey(table: Table, mapping: ColumnMapping) -> _Survey:
    places = mapping.positions()
    names: defaultdict[str, Counter[str]] = defaultdict(Counter)
    codes: defaultdict[str, Counter[str]] = defaultdict(Counter)

    def dates() -> Iterator[str]:
        for line in table.lines():
            if line.fault:
                continue
            code = _at(line, places.get("category_code")).strip().upper()
            category = " ".join(_at(line, places.get("category")).split())
            if code and category:
                codes[code][category] += 1
            if raw_number := _at(line, places.get("supplier_number")):
                number = normalise_supplier_number(
                    raw_number,
                    normalise_transaction_number(
                        _at(line, places.get("transaction_number"))
                    ),
                )
                name = " ".join(_at(line, places.get("supplier_name")).split())
                if number and is_usable_name(name):
                    names[number][name] += 1
            yield _at(line, places.get("paid_on"))

    return _Survey(
        dates=date_order_of(dates()),
        codes={code: _commonest(found) for code, found in codes.items()},
        names={number: _commonest(found) for number, found in names.items()},
    )


def _at(line: Line, position: int | None) -> str:
    if position is None or position >= len(line.cells):
        return ""
    return line.cells[position]


def _commonest(counts: Counter[str]) -> str:
    return min(counts, key=lambda text: (-counts[text], text))


def _words_in(name: str, text: str) -> str:
    if name in _MOSTLY_UNIQUE:
        return parse_words(text, longest=LONGEST[name])
    return _repeated_words(text, LONGEST[name])


@lru_cache(maxsize=_REMEMBERED)
def _repeated_words(text: str, longest: int) -> str:
    return parse_words(text, longest=longest)


@lru_cache(maxsize=_REMEMBERED)
def is_usable_name(name: str) -> bool:
    """Whether a supplier's name names it: neither blank, withheld nor damaged."""
    return (
        bool(normalise_name(name))
        and _LOST_CHARACTER not in name
        and not is_withheld(name)
    )


def is_withheld(name: str) -> bool:
    """Whether the publisher says that it won't tell the name."""
    return _WITHHELD.fullmatch(name) is not None


class _Reader:
    """Takes the lines of one file in turn."""

    def __init__(
        self,
        table: Table,
        mapping: ColumnMapping,
        options: PaymentOptions,
        knowledge: Knowledge,
        latest: date,
        survey: _Survey,
    ) -> None:
        self.columns = table.columns
        self.places = mapping.positions()
        self.options = options
        self.knowledge = knowledge
        self.survey = survey
        # Days repeat from line to line, as do names and places further down.
        self.day_of = lru_cache(maxsize=_REMEMBERED)(
            partial(
                parse_date,
                reading=DateReading(survey.dates.order, latest, options.date_format),
            )
        )
        self.header = _trimmed(table.columns)
        self.currency = file_currency(table, mapping, options)
        self.file = PaymentFile(codes=survey.codes)
        self.sum_of_all = Decimal(0)
        self.sum_since_total = Decimal(0)
        self.tally: Counter[str] = Counter()

    def take(self, line: Line) -> None:
        if line.is_blank:
            self.file.blank_lines += 1
        elif self._is_header(line):
            self.file.repeated_headers += 1
        elif self._is_total(line):
            self._take_total(line)
        else:
            self.file.read += 1
            payment = self._payment(line)
            if payment is not None:
                self.file.lines.append(payment)
                self.file.days.add((payment.currency, payment.paid_on))

    def finish(self) -> PaymentFile:
        self.file.notes.extend(Note(0, text) for text in self._remarks())
        return self.file

    def _text(self, line: Line, name: str) -> str:
        return _at(line, self.places.get(name))

    def _refuse(self, line: Line, name: str, finding: Unreadable, raw: str) -> None:
        self.file.problems.append(
            Problem(line.number, name, finding.reason, finding.advice, shown(raw))
        )

    def _try(self, line: Line, name: str, parse: Callable[[str], T]) -> T | None:
        raw = self._text(line, name)
        try:
            return parse(raw)
        except Unreadable as finding:
            self._refuse(line, name, finding, raw)
            return None

    def _is_header(self, line: Line) -> bool:
        # Looked at first alone, the first cell spares nearly every line the rest.
        return (
            _trimmed(line.cells[:1]) == self.header[:1]
            and _trimmed(line.cells) == self.header
        )

    # Totals

    def _is_total(self, line: Line) -> bool:
        day = self._text(line, "paid_on").strip()
        if line.fault or not (is_no_date(day) or _TOTAL.fullmatch(day)):
            return False
        if self._text(line, "transaction_number").strip():
            return False
        filled = [cell.strip() for cell in line.cells if cell.strip()]
        if any(_TOTAL.fullmatch(cell) for cell in filled):
            return True
        return filled == [self._text(line, "amount").strip()]

    def _take_total(self, line: Line) -> None:
        raw = self._text(line, "amount")
        try:
            total = self._amount_in(raw, self.currency)
        except Unreadable as finding:
            self.file.read += 1
            self._refuse(line, "amount", finding, raw)
            return
        if total in (self.sum_of_all, self.sum_since_total):
            self.file.total_lines += 1
            text = f"a total of {total:,}, with which the lines above agree; no payment"
            self.file.notes.append(Note(line.number, text))
        else:
            self.file.read += 1
            reason = (
                f"looks like a total, but the lines above sum to {self.sum_of_all:,}"
            )
            advice = "Delete the line if it is one; else give its date and supplier."
            self._refuse(line, "amount", Unreadable(reason, advice), raw)
        self.sum_since_total = Decimal(0)

    # Payments

    def _payment(self, line: Line) -> PaymentLine | None:
        fault = line.fault or self._excess(line)
        if fault:
            advice = "Correct the line; cells with a comma inside need quotation marks."
            self._refuse(
                line, "line", Unreadable(fault, advice), " | ".join(line.cells)
            )
            return None
        currency = self._try(line, "currency", self._currency)
        amount = self._try(
            line, "amount", partial(self._amount_in, currency=currency or self.currency)
        )
        if amount is not None:
            self.sum_of_all += amount
            self.sum_since_total += amount
        is_undated = self.options.undated_on is not None and is_no_date(
            self._text(line, "paid_on")
        )
        paid_on = self._try(line, "paid_on", self._date)
        words = self._words(line)
        if words is None or currency is None or amount is None or paid_on is None:
            return None
        self.tally["undated"] += is_undated
        return PaymentLine(
            number=line.number,
            paid_on=paid_on,
            is_undated=is_undated,
            amount=amount,
            currency=currency,
            **words,
        )

    def _excess(self, line: Line) -> str:
        surplus = line.cells[len(self.columns) :]
        if any(cell.strip() for cell in surplus):
            return (
                f"has {len(line.cells)} cells where the header has {len(self.columns)}"
            )
        return ""

    def _currency(self, raw: str) -> str:
        code = raw.strip().upper()
        if not code:
            return self.currency
        try:
            currency_exponent(code)
        except UnknownCurrencyError as error:
            raise Unreadable(
                "is no currency code", "Use an ISO 4217 code such as GBP."
            ) from error
        return code

    def _amount_in(self, raw: str, currency: str) -> Decimal:
        amount = parse_amount(
            raw,
            decimals=currency_exponent(currency),
            decimal_comma=self.options.decimal_comma,
        )
        for sign, sign_currency in SIGN_CURRENCIES.items():
            if sign in raw and sign_currency != currency:
                raise Unreadable(
                    f"is in {sign_currency} while the line is in {currency}",
                    "Give the currency in a column, or say --currency.",
                )
        return amount

    def _date(self, raw: str) -> date:
        if self.options.undated_on is not None and is_no_date(raw):
            return self.options.undated_on
        return self.day_of(raw)

    def _words(self, line: Line) -> dict[str, str] | None:
        words = {}
        for name in LONGEST:
            raw = self._text(line, name)
            try:
                words[name] = _words_in(name, raw)
            except Unreadable as finding:
                self._refuse(line, name, finding, raw)
        if len(words) < len(LONGEST):
            return None
        words["transaction_number"] = normalise_transaction_number(
            words["transaction_number"]
        )
        words["supplier_number"] = normalise_supplier_number(
            words["supplier_number"], words["transaction_number"]
        )
        if len(words["description"]) > LONGEST_DESCRIPTION:
            words["description"] = words["description"][:LONGEST_DESCRIPTION]
            self.tally["cut"] += 1
        words["category_code"] = words["category_code"].upper()
        words["category"] = words["category"] or self._category(words["category_code"])
        try:
            words["supplier_name"] = self._supplier(
                words["supplier_name"], words["supplier_number"]
            )
        except Unreadable as finding:
            self._refuse(line, "supplier_name", finding, words["supplier_name"])
            return None
        return words

    def _category(self, code: str) -> str:
        if not code:
            return UNCATEGORISED
        return (
            self.survey.codes.get(code)
            or self.knowledge.category_of(code)
            or KNOWN_CODES.get(code)
            or code
        )

    def _supplier(self, name: str, number: str) -> str:
        if is_usable_name(name):
            return name
        if is_withheld(name):
            self.tally["withheld"] += 1
            return f"Supplier {number} (name withheld)" if number else name
        known = self._name_of(number)
        if known:
            self.tally["named by number"] += 1
            return known
        if normalise_name(name):
            self.tally["damaged"] += 1
            return name
        if number:
            self.tally["withheld"] += 1
            return f"Supplier {number} (name withheld)"
        raise Unreadable(
            "is blank, and so is the supplier's number",
            "Give the supplier's name or number.",
        )

    def _name_of(self, number: str) -> str:
        if not number:
            return ""
        return self.survey.names.get(number) or self.knowledge.name_of(number)

    def _remarks(self) -> Iterator[str]:
        file, tally, dates = self.file, self.tally, self.survey.dates
        if tally["undated"]:
            yield (
                f"Lines without a date, dated {self.options.undated_on} as asked:"
                f" {tally['undated']:,}."
            )
        if file.blank_lines:
            yield f"Blank lines passed over: {file.blank_lines:,}."
        if file.repeated_headers:
            yield f"Headers repeated further down: {file.repeated_headers:,}."
        if not self.options.date_format and dates.order == "month_first":
            yield "Dates are read month first, since some can only be read that way."
        elif not self.options.date_format and not dates.is_proved:
            yield (
                "No date says whether day or month stands first; they are read day"
                " first. If that is wrong, say --date-format %m/%d/%Y."
            )
        if tally["named by number"]:
            yield (
                "Lines without a readable supplier, named as other lines name the same"
                f" supplier number: {tally['named by number']:,}."
            )
        if tally["withheld"]:
            yield f"Lines that withhold the supplier's name: {tally['withheld']:,}."
        if tally["cut"]:
            yield (
                f"Descriptions cut after {LONGEST_DESCRIPTION} characters:"
                f" {tally['cut']:,}."
            )
        if tally["damaged"]:
            yield (
                "Supplier names with a character that the publisher lost (\ufffd):"
                f" {tally['damaged']:,}."
            )


def _trimmed(cells: tuple[str, ...]) -> list[str]:
    texts = [" ".join(cell.split()).casefold() for cell in cells]
    while texts and not texts[-1]:
        texts.pop()
    return texts


def file_currency(table: Table, mapping: ColumnMapping, options: PaymentOptions) -> str:
    """Return the currency of lines that name none: as asked, as told, or pounds."""
    header = mapping.by_field.get("amount", "")
    told = [
        code
        for sign, code in SIGN_CURRENCIES.items()
        if sign in header
        or re.search(rf"(?<![A-Za-z]){code}(?![A-Za-z])", header, re.I)
    ]
    candidates = [options.currency, table.defaults.get("currency"), *told]
    for code in candidates:
        if code and _is_currency(code.upper()):
            return code.upper()
    return DEFAULT_CURRENCY


def _is_currency(code: str) -> bool:
    try:
        currency_exponent(code)
    except UnknownCurrencyError:
        return False
    return True
