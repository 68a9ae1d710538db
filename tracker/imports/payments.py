"""The kind `payments`: money paid to suppliers, as public bodies publish it."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import lru_cache
from heapq import merge
from typing import Any
from uuid import UUID

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _

from engagements.models import User
from engagements.values.money import (
    UnknownCurrencyError,
    currency_exponent,
    round_money,
)
from tracker.imports import payment_posting
from tracker.imports.kinds import Batch, Progress, Source, check_options, register
from tracker.imports.mapping import ColumnMapping, Field, check_required
from tracker.imports.parsing import DateReading, Unreadable, parse_date
from tracker.imports.payment_categories import MODELS, Model, choose_model
from tracker.imports.payment_fields import FIELDS
from tracker.imports.payment_keys import SourceKeys
from tracker.imports.payment_lines import (
    CurrencyDay,
    Knowledge,
    PaymentFile,
    PaymentLine,
    PaymentOptions,
    count_lines,
    read_payments,
)
from tracker.imports.payment_matching import Verdict, match_payments
from tracker.imports.problems import (
    ImportRefusedError,
    Note,
    OptionError,
    Problem,
    first_beyond,
    shown,
)
from tracker.imports.queries import RecordedPayments, category_of, supplier_name_of
from tracker.imports.report import Report
from tracker.imports.spool import Spool
from tracker.spend.fx import MissingRateError, Rates
from tracker.spend.services import PaymentLook, beyond_cap, posted_on

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

    def plan(self, report: Report) -> None:
        lines, unrated = _with_rates(self.file)
        keys = SourceKeys(line.identity() for line in lines)
        matching = match_payments(lines, keys, RecordedPayments())
        self.posting = payment_posting.plan_posting(
            matching, self.options.category_models
        )
        _check_cap(self.posting)
        # Each is in the order of its lines already.
        report.problems = Spool(
            merge(self.file.problems, unrated, matching.problems, key=_line_of)
        )
        report.notes = [
            *self.file.notes,
            *matching.notes,
            *self._category_notes(),
            *self.posting.notes,
        ]
        report.money_notes = _budget_notes(self.posting)
        report.read = self.file.read
        report.blank_lines = self.file.blank_lines
        report.total_lines = self.file.total_lines
        report.refused = count_lines(report.problems)
        report.new = matching.number_of(Verdict.NEW)
        report.already_recorded = matching.number_of(Verdict.RECORDED)
        report.totals = dict(sorted(matching.totals.items()))
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

    def _category_notes(self) -> list[Note]:
        doubtful: Counter[str] = Counter()
        for (category, code), count in self.posting.categories.items():
            choice = choose_model(category, code, self.options.category_models)
            if not choice.is_certain:
                doubtful[category] += count
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


def _posted(
    posting: payment_posting.PostingPlan,
) -> Iterator[tuple[PaymentLine, int | None, Decimal]]:
    """Yield what is going to be posted: line, engagement and amount as reported.

    What pays for a recorded invoice is not posted; None is an engagement to be made.
    """
    rates = Rates()
    for place, line in posting.matching.found(Verdict.NEW):
        group = posting.group_of[place]
        if group >= 0:
            factor = rates.on(line.currency, line.paid_on).factor
            amount = round_money(line.amount * factor, settings.REPORTING_CURRENCY)
            yield line, posting.groups[group].engagement_id, amount


def _check_cap(posting: payment_posting.PostingPlan) -> None:
    """Refuse the whole file where it is more than may still be posted today.

    Raises ImportRefusedError, naming the first line that is too much.
    """
    if not settings.DAILY_POSTING_CAP:
        return
    so_far, more = posted_on(timezone.localdate()), Decimal(0)
    first: int | None = None
    is_alone = False
    for line, _engagement, amount in _posted(posting):
        if amount <= 0:
            continue
        if first is None and beyond_cap(more + amount, so_far=so_far):
            first, is_alone = line.number, not more
        more += amount
    if first is None:
        return
    refusal = beyond_cap(more, so_far=so_far)
    where = _("Line %(line)d is the first that goes beyond the day's cap.") % {
        "line": first
    }
    advice = "" if is_alone else _("Import the lines before it today.")
    raise ImportRefusedError(" ".join(filter(None, (where, advice, refusal))))


def _budget_notes(posting: payment_posting.PostingPlan) -> list[Note]:
    """Tell of each budget the first line that goes beyond it; none is refused."""
    known = {group.engagement_id for group in posting.groups} - {None}
    look = PaymentLook([pk for pk in known if pk is not None])
    if not look.is_needed:
        return []
    return [
        first_beyond(line.number, sentence)
        for line, engagement, amount in _posted(posting)
        for sentence in look.look(
            engagement=engagement, paid_on=line.paid_on, amount=amount
        )
    ]


def _line_of(problem: Problem) -> int:
    return problem.line


def _with_rates(file: PaymentFile) -> tuple[Sequence[PaymentLine], Sequence[Problem]]:
    """Set apart lines in a currency that has no exchange rate on their day."""
    missing = _missing_rates(file.days)
    if not missing:
        return file.lines, ()
    rated, problems = Spool[PaymentLine](), Spool[Problem]()
    for line in file.lines:
        advice = missing.get((line.currency, line.paid_on))
        if advice is None:
            rated.append(line)
        else:
            reason = "has no exchange rate on its day"
            problems.append(
                Problem(line.number, "currency", reason, advice, line.currency)
            )
    return rated, problems


def _missing_rates(days: Iterable[CurrencyDay]) -> dict[CurrencyDay, str]:
    """Return what to do about each currency and day that has no rate."""
    rates, missing = Rates(), {}
    for currency, day in days:
        try:
            rates.on(currency, day)
        except MissingRateError as error:
            missing[currency, day] = str(error)[:300]
    return missing


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
