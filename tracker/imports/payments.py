"""The kind `payments`: money paid to suppliers, as public bodies publish it."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any
from uuid import UUID

from django.utils import timezone

from engagements.models import User
from engagements.values.money import UnknownCurrencyError, currency_exponent
from tracker.imports import payment_posting
from tracker.imports.kinds import Batch, Progress, Source, check_options, register
from tracker.imports.mapping import ColumnMapping, Field, check_required
from tracker.imports.parsing import DateReading, Unreadable, parse_date
from tracker.imports.payment_categories import MODELS, Model, choose_model
from tracker.imports.payment_fields import FIELDS
from tracker.imports.payment_lines import (
    Knowledge,
    PaymentFile,
    PaymentLine,
    PaymentOptions,
    read_payments,
)
from tracker.imports.payment_matching import Matching, match_payments, with_keys
from tracker.imports.problems import Note, OptionError, Problem, shown
from tracker.imports.queries import category_of, recorded_payments, supplier_name_of
from tracker.imports.report import Report
from tracker.spend.fx import MissingRateError, Rates

# Payments are published after the fact; a little ahead are runs already ordered.
_DAYS_AHEAD = 62
_SHOWN_CATEGORIES = 12


class Payments:
    """Reads, compares and posts files of payments."""

    name = "payments"
    label = "Payments to suppliers"
    fields: Sequence[Field] = FIELDS
    options = (
        "undated_on",
        "date_format",
        "decimal_comma",
        "currency",
        "category_models",
    )
    permissions: Sequence[str] = ()
    wants_all_rows = False
    report_type = Report

    def check_columns(self, mapping: ColumnMapping, options: Mapping[str, Any]) -> None:
        check_options(self, options)
        given = parse_options(options)
        spared = set()
        if "supplier_number" in mapping.by_field:
            spared.add("supplier_name")
        if given.undated_on is not None:
            spared.add("paid_on")
        check_required(mapping, [f for f in self.fields if f.name not in spared])

    def read(
        self,
        source: Source,
        options: Mapping[str, Any],
        report: Report,
        on_progress: Progress,
    ) -> Batch:
        given = parse_options(options)
        file = read_payments(
            table=source.table,
            mapping=source.mapping,
            options=given,
            knowledge=Knowledge(
                name_of=lru_cache(maxsize=None)(supplier_name_of),
                category_of=lru_cache(maxsize=None)(category_of),
            ),
            latest=latest_day(),
            on_progress=on_progress,
        )
        return PaymentBatch(source.file_name, file, given)


def latest_day() -> date:
    return timezone.localdate() + timedelta(days=_DAYS_AHEAD)


@dataclass
class PaymentBatch:
    """The accepted lines of one file on their way into the ledger."""

    file_name: str
    file: PaymentFile
    options: PaymentOptions
    matching: Matching = field(default_factory=lambda: Matching([], [], [], []))

    def plan(self, report: Report) -> None:
        lines, unrated = _with_rates(self.file.lines)
        keyed = with_keys(lines)
        numbers = {line.transaction_number for line in lines} - {""}
        self.matching = match_payments(
            keyed, recorded_payments([key for _, key in keyed], numbers)
        )
        self.posting = payment_posting.plan_posting(
            self.matching.new, self.options.category_models
        )
        problems = [*self.file.problems, *unrated, *self.matching.problems]
        report.problems = sorted(problems, key=lambda problem: problem.line)
        report.notes = [
            *self.file.notes,
            *self.matching.notes,
            *self._category_notes(),
            *self.posting.notes,
        ]
        report.read = self.file.read
        report.blank_lines = self.file.blank_lines
        report.total_lines = self.file.total_lines
        report.refused = len({problem.line for problem in problems})
        report.new = len(self.matching.new)
        report.already_recorded = len(self.matching.already_recorded)
        report.totals = _totals(self._accepted())
        report.vendors_created = len(self.posting.new_vendors)
        report.departments_created = len(self.posting.new_departments)
        report.engagements_created = len(self.posting.new_engagements)

    def apply(self, *, run_id: UUID, actor: User | None) -> None:
        payment_posting.apply_posting(
            self.posting,
            file_name=self.file_name,
            run_id=run_id,
            codes=self.file.codes,
            actor=actor,
        )

    def _accepted(self) -> list[PaymentLine]:
        return [line for line, _ in self.matching.new] + self.matching.already_recorded

    def _category_notes(self) -> list[Note]:
        doubtful: dict[str, int] = defaultdict(int)
        for line, _ in self.matching.new:
            choice = choose_model(
                line.category, line.category_code, self.options.category_models
            )
            if not choice.is_certain:
                doubtful[line.category] += 1
        if not doubtful:
            return []
        commonest = sorted(doubtful, key=lambda name: (-doubtful[name], name))
        names = "; ".join(shown(name) for name in commonest[:_SHOWN_CATEGORIES])
        more = len(commonest) - _SHOWN_CATEGORIES
        return [
            Note(
                0,
                "Lines of categories that don't say who directs the work, taken as"
                f" managed services: {sum(doubtful.values()):,} ({names}"
                + (f"; and {more} more" if more > 0 else "")
                + "). Say --category-model “category=augmented” where that is wrong.",
            )
        ]


def _with_rates(
    lines: Sequence[PaymentLine],
) -> tuple[list[PaymentLine], list[Problem]]:
    """Set apart lines in a currency that has no exchange rate on their day."""
    rated, problems = [], []
    rates = Rates()
    for line in lines:
        try:
            rates.on(line.currency, line.paid_on)
        except MissingRateError as error:
            problems.append(
                Problem(
                    line.number,
                    "currency",
                    "has no exchange rate on its day",
                    str(error)[:300],
                    line.currency,
                )
            )
        else:
            rated.append(line)
    return rated, problems


def _totals(lines: Sequence[PaymentLine]) -> dict[str, Decimal]:
    totals: dict[str, Decimal] = defaultdict(Decimal)
    for line in lines:
        totals[line.currency] += line.amount
    return dict(sorted(totals.items()))


def parse_options(options: Mapping[str, Any]) -> PaymentOptions:
    """Return the options out of their texts. Raises OptionError naming the option."""
    return PaymentOptions(
        currency=_currency(options.get("currency") or ""),
        undated_on=_undated_on(options.get("undated_on") or ""),
        date_format=_date_format(options.get("date_format") or ""),
        decimal_comma=bool(options.get("decimal_comma")),
        category_models=_category_models(options.get("category_models") or {}),
    )


def _currency(text: str) -> str | None:
    if not text:
        return None
    try:
        currency_exponent(text.upper())
    except UnknownCurrencyError as error:
        raise OptionError(f"currency: {error}") from error
    return text.upper()


def _undated_on(text: str) -> date | None:
    if not text:
        return None
    try:
        return parse_date(text, DateReading("day_first", latest_day()))
    except Unreadable as finding:
        raise OptionError(
            f"undated-on: “{shown(text)}” {finding.reason}. {finding.advice}"
        ) from finding


def _date_format(text: str) -> str:
    if text and not {"%d", "%m"} <= {text[i : i + 2] for i in range(len(text))}:
        is_named = "%d" in text and ("%b" in text or "%B" in text)
        if not is_named:
            raise OptionError(
                f"date-format: “{shown(text)}” lacks the day or the month. Write it"
                " such as %d/%m/%Y or %d-%b-%y."
            )
    return text


def _category_models(choices: Mapping[str, str]) -> dict[str, Model]:
    models: dict[str, Model] = {}
    for category, text in choices.items():
        model = next((name for name in MODELS if name == text.strip().lower()), None)
        if model is None:
            raise OptionError(
                f"category-model: “{shown(text)}” is no model; say managed or augmented"
                f" for {shown(category)}."
            )
        models[category] = model
    return models


register(Payments())
