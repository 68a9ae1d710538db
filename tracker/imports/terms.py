"""The kind `terms`: fees, rates and cost splits of recorded engagements."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import partial
from typing import Any

from engagements.models import (
    Assignment,
    CostCentre,
    CostSplit,
    Engagement,
    FeeTerm,
    ManagedContract,
    RateTerm,
    User,
)
from engagements.permissions import engagement_scope
from engagements.services.records import change_record, raise_version
from engagements.services.terms import (
    HUNDRED,
    amend_fee,
    amend_rate,
    set_cost_split,
)
from tracker.imports import references, term_columns
from tracker.imports.engagement_columns import AUGMENTED, MANAGED
from tracker.imports.kinds import register
from tracker.imports.parsing import Unreadable
from tracker.imports.record_kinds import (
    Plan,
    RecordKind,
    Step,
    batches,
    is_same,
    needed_but_missing,
    told_changes,
)
from tracker.imports.record_lines import RecordLine
from tracker.imports.references import Book, book
from tracker.imports.term_columns import COLUMNS, COST_SPLIT, FEE, NEEDED, RATE, USED

_MODEL_OF = {FEE: MANAGED, RATE: AUGMENTED}
_RATE_FACTS = ("unit", "hours_per_day", "overtime_multiplier")
_NAMES = ("engagement", "term", "starts_on")


@dataclass(frozen=True)
class _Engagement:
    pk: int
    reference: str
    kind: str
    currency: str


# An engagement's id with the first day of a term.
_Day = tuple[int, date]


class Terms(RecordKind[Engagement]):
    name = "terms"
    label = "Terms: fees, rates and cost splits"
    columns = COLUMNS
    example = term_columns.EXAMPLE
    identifying = ("engagement",)
    permissions = (
        "engagements.add_feeterm",
        "engagements.change_feeterm",
        "engagements.add_rateterm",
        "engagements.change_rateterm",
        "engagements.add_costsplit",
        "engagements.change_costsplit",
    )
    aliases = {"monthly_fee": "amount", "rate": "amount"}

    def prepare(self, lines: Sequence[RecordLine]) -> Plan:
        return _Planner(lines).plan_all()

    def exported_rows(
        self, ids: Sequence[int], user: User | None
    ) -> Iterator[Mapping[str, Any]]:
        for part in batches(ids):
            rows = Engagement.objects.filter(pk__in=part)
            if user is not None:
                rows = rows.filter(engagement_scope(user, with_money=True))
            recorded = _Recorded(list(rows.values_list("pk", flat=True)))
            facts = {one.pk: one for one in _facts(rows)}
            for pk in part:
                if pk in facts:
                    yield from recorded.rows_of(facts[pk])


def _facts(rows: Any) -> Iterator[_Engagement]:
    for row in rows.values_list("pk", "reference", "kind", "currency"):
        yield _Engagement(*row)


class _Recorded:
    """The terms of some engagements, each by engagement and first day."""

    def __init__(self, ids: Sequence[int]) -> None:
        self.fees: dict[_Day, FeeTerm] = {}
        self.rates: dict[_Day, RateTerm] = {}
        self.splits: dict[_Day, dict[int, Decimal]] = {}
        self.codes: dict[int, str] = {}
        for part in batches(ids):
            for fee in FeeTerm.objects.filter(contract__in=part):
                self.fees[fee.contract_id, fee.starts_on] = fee
            for rate in RateTerm.objects.filter(assignment__in=part):
                self.rates[rate.assignment_id, rate.starts_on] = rate
            splits = CostSplit.objects.filter(engagement__in=part)
            for split in splits.prefetch_related("shares__cost_centre"):
                shares = {}
                for share in split.shares.all():
                    shares[share.cost_centre_id] = share.percent
                    self.codes[share.cost_centre_id] = share.cost_centre.code
                self.splits[split.engagement_id, split.starts_on] = shares

    def of(self, day: _Day, term: str) -> dict[str, Any] | None:
        """Return the facts of the fee or rate that runs from the day."""
        if term == FEE:
            fee = self.fees.get(day)
            return None if fee is None else {"amount": fee.monthly_fee}
        rate = self.rates.get(day)
        if rate is None:
            return None
        facts = {name: getattr(rate, name) for name in _RATE_FACTS}
        return {"amount": rate.rate} | facts

    def rows_of(self, engagement: _Engagement) -> Iterator[dict[str, Any]]:
        named = {"engagement": engagement.reference}
        priced = named | {"currency": engagement.currency}
        for term, terms in ((FEE, self.fees), (RATE, self.rates)):
            for day in sorted(key for key in terms if key[0] == engagement.pk):
                told = {"term": term, "starts_on": day[1]}
                yield priced | told | (self.of(day, term) or {})
        for day in sorted(key for key in self.splits if key[0] == engagement.pk):
            for centre, percent in self.splits[day].items():
                yield named | {
                    "term": COST_SPLIT,
                    "starts_on": day[1],
                    "cost_centre": self.codes[centre],
                    "percent": percent,
                }


class _Planner:
    """Compares the lines of one file with what is recorded."""

    def __init__(self, lines: Sequence[RecordLine]) -> None:
        self.lines = lines
        self.result = Plan()
        self.engagements = {one.pk: one for one in _facts(Engagement.objects)}
        self.book = _book_of_engagements()
        self.centres = references.cost_centres()
        self.closed = set(
            CostCentre.objects.filter(is_open=False).values_list("pk", flat=True)
        )
        self.found = {line.number: self._engagement(line) for line in lines}
        ids = dict.fromkeys(one.pk for one in self.found.values() if one)
        self.recorded = _Recorded(list(ids))
        self.seen: dict[tuple[Any, ...], int] = {}
        self.splits: dict[_Day, list[RecordLine]] = defaultdict(list)

    def plan_all(self) -> Plan:
        for line in self.lines:
            self._plan_line(line)
        for day, lines in self.splits.items():
            self._plan_split(day, lines)
        return self.result

    def _refuse(self, line: RecordLine, column: str, reason: str, advice: str) -> None:
        self.result.refuse(line, column, Unreadable(reason, advice))

    def _engagement(self, line: RecordLine) -> _Engagement | None:
        text = line.text("engagement")
        if not text:
            return None
        try:
            return self.engagements[self.book.find(text)]
        except Unreadable as finding:
            self.result.refuse(line, "engagement", finding)
            return None

    def _plan_line(self, line: RecordLine) -> None:
        self.result.problems.extend(needed_but_missing(line, COLUMNS))
        engagement, term = self.found[line.number], line.text("term")
        start = line.values.get("starts_on")
        if term:
            self._check_cells(line, term)
        if engagement is None or not term:
            return
        self._check_fits(line, engagement, term)
        if not isinstance(start, date):
            return
        if term == COST_SPLIT:
            self.splits[engagement.pk, start].append(line)
        elif not self._is_repeated(line, (engagement.pk, term, start)):
            self._plan_price(line, engagement, term, start)

    def _check_cells(self, line: RecordLine, term: str) -> None:
        for column in COLUMNS:
            name, given = column.name, line.values.get(column.name)
            if name in line.failed or name in _NAMES:
                continue
            if given is None and name in NEEDED[term]:
                self._refuse(line, name, f"is blank on a {_word(term)}", "Fill it in.")
            if given is not None and name not in USED[term]:
                self._refuse(
                    line, name, f"means nothing on a {_word(term)}", "Leave it blank."
                )

    def _check_fits(self, line: RecordLine, one: _Engagement, term: str) -> None:
        model = _MODEL_OF.get(term, one.kind)
        if model != one.kind:
            other = RATE if term == FEE else FEE
            self._refuse(
                line,
                "term",
                f"is of {_whose(model)}; {one.reference} is of {_whose(one.kind)}",
                f"Write {other}, or name another engagement.",
            )
        if line.text("currency") not in ("", one.currency):
            self._refuse(
                line,
                "currency",
                f"differs from the engagement's ({one.currency})",
                "Every amount of an engagement is in its own currency.",
            )

    def _is_repeated(self, line: RecordLine, key: tuple[Any, ...]) -> bool:
        if key not in self.seen:
            self.seen[key] = line.number
            return False
        self._refuse(
            line, "starts_on", f"is that of line {self.seen[key]} again", "Keep one."
        )
        return True

    # Fees and rates

    def _plan_price(
        self, line: RecordLine, one: _Engagement, term: str, start: date
    ) -> None:
        names = ("amount", *(_RATE_FACTS if term == RATE else ()))
        given = {n: line.values[n] for n in names if line.values.get(n) is not None}
        recorded = self.recorded.of((one.pk, start), term)
        if line.failed & {"term", "amount", "engagement"} or "amount" not in given:
            return
        if recorded is None:
            add = partial(_add_price, one.pk, term, start, given)
            self.result.steps.append(Step((line,), lambda actor: add(actor), True))
            return
        changes = {n: v for n, v in given.items() if not is_same(recorded[n], v)}
        if changes:
            told = told_changes(COLUMNS, changes, recorded, changes, frozenset())
            change = partial(_change_price, one.pk, term, start, changes)
            self.result.steps.append(
                Step(
                    (line,),
                    lambda actor: change(actor),
                    False,
                    f"{one.reference}, {term} from {start.isoformat()}: {told}",
                )
            )
        elif not line.failed:
            self.result.unchanged += 1

    # Cost splits

    def _plan_split(self, day: _Day, lines: Sequence[RecordLine]) -> None:
        shares: dict[int, Decimal] = {}
        for line in lines:
            self._add_share(line, day, shares)
        if any(line.failed for line in lines):
            self._refuse_rest(lines)
            return
        if self._is_wrong_sum(lines, sum(shares.values(), Decimal(0))):
            return
        recorded = self.recorded.splits.get(day)
        if recorded == shares:
            self.result.unchanged += len(lines)
            return
        self._check_open(lines, recorded or {})
        reference = self.engagements[day[0]].reference
        told = f"{reference}, cost split from {day[1].isoformat()} changes"
        store = partial(_set_split, day[0], day[1], shares)
        is_new = recorded is None
        self.result.steps.append(
            Step(
                tuple(lines),
                lambda actor: store(actor),
                is_new,
                "" if is_new else told,
            )
        )

    def _add_share(
        self, line: RecordLine, day: _Day, shares: dict[int, Decimal]
    ) -> None:
        percent, text = line.values.get("percent"), line.text("cost_centre")
        if not text or not isinstance(percent, Decimal):
            return
        try:
            centre = self.centres.find(text)
        except Unreadable as finding:
            self.result.refuse(line, "cost_centre", finding)
            return
        if not self._is_repeated(line, (*day, COST_SPLIT, centre)):
            shares[centre] = percent
        if not 0 < percent <= HUNDRED:
            self._refuse(line, "percent", "is no share", "Give above 0, at most 100.")

    def _refuse_rest(self, lines: Sequence[RecordLine]) -> None:
        numbers = ", ".join(str(line.number) for line in lines if line.failed)
        for line in [line for line in lines if not line.failed]:
            self._refuse(
                line,
                "line",
                f"belongs to a cost split that is refused with line {numbers}",
                "Correct that one: a split holds only as a whole.",
            )

    def _is_wrong_sum(self, lines: Sequence[RecordLine], total: Decimal) -> bool:
        if total == HUNDRED:
            return False
        numbers = ", ".join(str(line.number) for line in lines)
        for line in lines:
            self._refuse(
                line,
                "percent",
                f"makes {total.normalize():f} with the lines of the same engagement"
                f" and day ({numbers})",
                "The shares of a split sum to exactly 100.",
            )
        return True

    def _check_open(
        self, lines: Sequence[RecordLine], recorded: Mapping[int, Decimal]
    ) -> None:
        for line in lines:
            centre = self.centres.find(line.text("cost_centre"))
            if centre in self.closed and centre not in recorded:
                self._refuse(
                    line,
                    "cost_centre",
                    "is closed for new splits",
                    "Name an open cost centre.",
                )
        if any(line.failed for line in lines):
            self._refuse_rest(lines)


def _word(term: str) -> str:
    return term.replace("_", " ")


def _whose(model: str) -> str:
    return "managed services" if model == MANAGED else "augmented contractors"


def _book_of_engagements() -> Book:
    rows = Engagement.objects.values_list("pk", "reference", "external_id")
    return book(
        "engagement", "reference or external id", ((row[0], row[1:]) for row in rows)
    )


def _add_price(
    pk: int, term: str, start: date, given: Mapping[str, Any], actor: User | None
) -> None:
    rest = {name: value for name, value in given.items() if name != "amount"}
    if term == FEE:
        contract = ManagedContract._default_manager.get(pk=pk)
        assert isinstance(contract, ManagedContract)  # noqa: S101 - for the type checker
        fee = FeeTerm(contract=contract, starts_on=start, monthly_fee=given["amount"])
        amend_fee(term=fee, actor=actor)
        return
    assignment = Assignment._default_manager.get(pk=pk)
    assert isinstance(assignment, Assignment)  # noqa: S101 - likewise
    rate = RateTerm(
        assignment=assignment, starts_on=start, rate=given["amount"], **rest
    )
    amend_rate(term=rate, actor=actor)


def _change_price(
    pk: int, term: str, start: date, changes: Mapping[str, Any], actor: User | None
) -> None:
    engagement = Engagement.objects.get(pk=pk)
    record: FeeTerm | RateTerm
    if term == FEE:
        record = FeeTerm.objects.get(contract=pk, starts_on=start)
        names = {"amount": "monthly_fee"}
    else:
        record = RateTerm.objects.get(assignment=pk, starts_on=start)
        names = {"amount": "rate"}
    for name, value in changes.items():
        setattr(record, names.get(name, name), value)
    change_record(record=record, engagement=engagement, actor=actor)
    raise_version(record=engagement)


def _set_split(
    pk: int, start: date, shares: Mapping[int, Decimal], actor: User | None
) -> None:
    centres = CostCentre.objects.in_bulk(list(shares))
    set_cost_split(
        engagement=Engagement.objects.get(pk=pk),
        starts_on=start,
        shares={centres[centre]: percent for centre, percent in shares.items()},
        actor=actor,
    )


register(Terms())
